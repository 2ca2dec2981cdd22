/* SPDX-License-Identifier: MIT */
/* sampler.h - one look at /proc, as a run of records. */
#ifndef TELEMETRY_SAMPLER_H
#define TELEMETRY_SAMPLER_H

#include "procfs.h"
#include "record.h"

/*
 * Where records go. put() sends @fixed followed by @tail as one record:
 * 0; -EAGAIN: no room now, the record is lost; other -errno: nothing more
 * will ever be taken.
 */
struct tel_sink {
	int (*put)(void *ctx, unsigned int type, const void *fixed, size_t fixed_len, const void *tail,
		   size_t tail_len);
	void *ctx;
};

struct tel_sampler {
	struct procfs proc;
	struct tel_sink sink;
	uint64_t seq;
	uint64_t interval_ns; /* told to the reader, not used here */
	uint64_t dropped;
	uint64_t late;			   /* counted by whoever keeps the time */
	uint32_t records;		   /* of the sample under way */
	uint32_t reported;		   /* sources whose fault has been told; a bit each */
	void (*on_note)(const char *text); /* also told here; may be NULL */
};

/* @root: "/proc" or another proc mount. 0 or -errno. */
int tel_sampler_open(struct tel_sampler *sampler, const char *root, struct tel_sink sink);
void tel_sampler_close(struct tel_sampler *sampler);

/*
 * Read everything once. What cannot be read is left out and said in a note,
 * once. 0, or the sink's final -errno.
 */
int tel_sampler_sample(struct tel_sampler *sampler);

int tel_sampler_goodbye(struct tel_sampler *sampler);

#endif
