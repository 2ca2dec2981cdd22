// SPDX-License-Identifier: MIT
/* One block as one gzip member; members in a row are a gzip file again. */
#ifndef WORKERS_GZIP_H
#define WORKERS_GZIP_H

#include <stdint.h>

/* Bytes that the member of a block of `length` bytes may take. */
uint32_t gzip_bound(uint32_t length);
/* Compress into `room` bytes at `out`; how many were used, 0: zlib had no memory. */
uint32_t gzip_block(const void *block, uint32_t length, int level, void *out, uint32_t room);

#endif
