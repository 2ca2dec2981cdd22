/* SPDX-License-Identifier: MIT */
/* What mpmc's two files share: where the words of a ring are. */
#ifndef RINGSHM_MPMC_KIND_H
#define RINGSHM_MPMC_KIND_H

#include <ringshm/mpmc_core.h>

/* Bytes from a slot to its payload. */
uint32_t ringshm__mpmc_offset(const struct ringshm_header *header);
/* `slots` NULL: only the words of the control files are wanted. */
void ringshm__mpmc_find_ring(struct ringshm__mpmc_ring *ring, const struct ringshm_header *header,
			     struct ringshm_ctl *ctl, struct ringshm_cons *cons, void *slots);

#endif
