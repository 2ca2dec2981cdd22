// SPDX-License-Identifier: MIT
/* Compressing a block with zlib. */
#include "gzip.h"

#include <zlib.h>

#define GZIP_WRAPPER 16 /* in windowBits: header and trailer of gzip, with the block's CRC-32 */
#define HEADER_AND_TRAILER 18

uint32_t gzip_bound(uint32_t length)
{
	return (uint32_t)compressBound(length) + HEADER_AND_TRAILER;
}

uint32_t gzip_block(const void *block, uint32_t length, int level, void *out, uint32_t room)
{
	z_stream z = {.next_in = (Bytef *)block, .avail_in = length, .next_out = (Bytef *)out, .avail_out = room};
	uint32_t used = 0;

	if (deflateInit2(&z, level, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END)
		used = room - z.avail_out;
	deflateEnd(&z);
	return used;
}
