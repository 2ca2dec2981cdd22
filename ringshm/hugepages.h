/* SPDX-License-Identifier: MIT */
/* Pools of huge pages and the file systems that give them out: what there is, and what to say when there is not. */
#ifndef RINGSHM_HUGEPAGES_H
#define RINGSHM_HUGEPAGES_H

#include "backend.h"

/* What the kernel gives when no size is asked for; 0: it has no pools of huge pages. */
uint64_t ringshm__huge_page(void);
/* What transparent huge pages are as large as; 0: the kernel has none. */
uint64_t ringshm__thp_page(void);
bool ringshm__pool_exists(uint64_t page);

/* "2M", as mount(8) wants it. */
const char *ringshm__page_option(uint64_t page, char text[static 24]);

/* Refuse, with the command that mends it, when the pool cannot give `size` bytes in pages of `page`. */
int ringshm__pool_check(uint64_t page, uint64_t size, const struct ringshm_area_place *place);
/* Allocate all of a file of huge pages. */
int ringshm__pool_take(int fd, uint64_t page, uint64_t size, const struct ringshm_area_place *place);

uint64_t ringshm__round_up(uint64_t size, uint64_t page);

#endif
