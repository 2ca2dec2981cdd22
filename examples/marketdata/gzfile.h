/* SPDX-License-Identifier: MIT */
/* A stdio stream over a file that may or may not be gzip'd. */
#ifndef MD_GZFILE_H
#define MD_GZFILE_H

#include <stdbool.h>
#include <stdio.h>

/* How the compressed side of a stream ended. */
struct gzfile_end {
	bool compressed; /* it was gzip at all */
	bool cut;	 /* the gzip stream stops before its end */
	bool corrupt;	 /* the gzip stream contradicts itself from some point on */
	int error;	 /* errno of a failed read, or 0 */
	const char *why; /* zlib's word on `corrupt`, or NULL */
};

/*
 * Open `path` ("-" is standard input) for reading, decompressing when it
 * begins like gzip.  Every byte that can still be had from a cut-off or corrupt
 * stream is delivered; then the stream is at its end and *end says what was
 * wrong.  *end must outlive the stream.  NULL with errno set when it cannot be
 * opened.  Not zlib's own gzread(): that drops what it had already decoded
 * when it meets an error.
 */
FILE *gzfile_open(const char *path, struct gzfile_end *end);

#endif
