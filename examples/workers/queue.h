// SPDX-License-Identifier: MIT
/* The job queue: an mpmc ring of blocks to compress, and one of gzip members that come back. */
#ifndef WORKERS_QUEUE_H
#define WORKERS_QUEUE_H

#include <ringshm/ringshm.h>

/* What stands in a slot of either ring; `bytes` are a block of the input, or a member of the output. */
struct parcel {
	uint64_t block; /* number in the input */
	unsigned char bytes[];
};

struct queue {
	struct ringshm *jobs;
	struct ringshm *results;
};

/* Both rings for blocks of `block` bytes. Ends the program, in words, when that fails. */
void queue_create(struct queue *queue, const char *name, uint32_t block);
/* Waits a while for the submitter to create them. */
void queue_open(struct queue *queue, const char *name);
void queue_close(struct queue *queue);
void queue_remove(const char *name);

/* "workers: WHAT: why", and the end of the program. */
void die(const char *what);

#endif
