/* SPDX-License-Identifier: MIT */
/* What mpmc's two files share: where the words of a ring are. */
#ifndef RINGSHM_MPMC_KIND_H
#define RINGSHM_MPMC_KIND_H

#include <ringshm/mpmc_repair.h>

/* Where things are in a channel's data area. */
struct ringshm_mpmc_shape ringshm__mpmc_shape_of(const struct ringshm_header *header);
/* `area`: of records, mapped; NULL: only the words of the control files are wanted. */
void ringshm__mpmc_find_ring(struct ringshm__mpmc_ring *ring, const struct ringshm_header *header,
			     struct ringshm_ctl *ctl, struct ringshm_cons *cons, void *area);

#endif
