/* SPDX-License-Identifier: MIT */
/* Publishing a capture: every message of every packet, in capture order, into a ring. */
#ifndef MD_FEED_H
#define MD_FEED_H

#include <ringshm/ringshm.h>

#include "capture.h"
#include "wire.h"

/* Why a feed ended. */
enum feed_result {
	FEED_DONE,	 /* everything that the capture holds was published */
	FEED_STOPPED,	 /* told to stop by a signal */
	FEED_NO_READER,	 /* the consumer died or left */
	FEED_RING_ENDED, /* the ring was shut down, unlinked or broken: producer->status */
};

struct feed {
	struct ringshm_spsc_producer *producer;
	double speed; /* capture seconds per second; 0: as fast as it goes */
	struct feed_figures figures;
	struct flow_table flows;
	uint64_t published;   /* messages */
	uint64_t first_stamp; /* capture time of the first frame, ns */
	uint64_t first_sent;  /* CLOCK_MONOTONIC when it was sent, ns */
	uint64_t next_look;   /* CLOCK_MONOTONIC when to look after the consumer again, ns */
	bool finishing;	      /* only the last record is left */
	uint64_t stop_by;     /* CLOCK_MONOTONIC when even that is given up, ns */
};

/* Publish all of `cap`.  Blocks while the ring is full; SIGINT and SIGTERM end it. */
enum feed_result feed_run(struct feed *feed, struct capture *cap);

/* Publish the figures as the last record and wait until the consumer has read all. */
enum feed_result feed_finish(struct feed *feed);

#endif
