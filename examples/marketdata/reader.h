/* SPDX-License-Identifier: MIT */
/* Reading the ring: checksum, counts by type, book, rate and latency. */
#ifndef MD_READER_H
#define MD_READER_H

#include <ringshm/ringshm.h>

#include "book.h"
#include "latency.h"
#include "wire.h"

/* How the stream of messages came to its end. */
enum reader_result {
	READER_DONE,	   /* the feed's last record arrived */
	READER_STOPPED,	   /* told to stop by a signal */
	READER_NO_FEED,	   /* the feed died or left before its last record */
	READER_RING_ENDED, /* the ring was shut down, unlinked or broken: consumer->status */
	READER_NO_MEMORY,
};

struct reader {
	struct book book;
	struct latency latency; /* of paced messages */
	uint64_t messages;
	uint64_t bytes;
	uint64_t by_type[256];
	uint64_t empty;	   /* messages of no bytes, and so of no type */
	uint32_t crc32;	   /* zlib's, over the bytes of all messages */
	uint64_t first_ns; /* CLOCK_MONOTONIC when the first message was read */
	uint64_t last_ns;  /* and the last */
	uint64_t timed;	   /* messages read when last_ns was taken */
	uint32_t held;	   /* records looked at and not given back */
	bool complete;	   /* `figures` arrived */
	struct feed_figures figures;
};

int reader_init(struct reader *r); /* 0, or -ENOMEM */
void reader_free(struct reader *r);

/* Read until the end.  Blocks while the ring is empty; SIGINT and SIGTERM end it. */
enum reader_result reader_run(struct reader *r, struct ringshm_spsc_consumer *consumer);

/* Take one record: what reader_run() does with each.  READER_DONE after the last one; -1: go on. */
int reader_take(struct reader *r, const uint8_t *bytes, uint32_t len, uint16_t type, uint16_t flags, uint64_t stamp);

/* Messages a second from the first message to the last; 0 with fewer than two. */
double reader_rate(const struct reader *r);

#endif
