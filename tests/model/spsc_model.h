/* SPDX-License-Identifier: MIT */
/* What an spsc ring is, said plainly: a queue in a list, and arithmetic without wrapping or masks. */
#ifndef RINGSHM_TESTS_SPSC_MODEL_H
#define RINGSHM_TESTS_SPSC_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_RECORDS 1024 /* more than ever fit the rings tested */

struct model_record {
	uint64_t end; /* bytes since the beginning of time behind this record, its pad and header included */
	uint64_t seed;
	uint64_t stamp;
	uint32_t length;
	uint16_t type;
	uint16_t flags;
};

struct model {
	/* shape */
	uint64_t capacity, start;
	uint32_t alignment, overhead, max_payload;
	/* bytes since the beginning of time: no position wraps here */
	uint64_t tail;	    /* behind what is committed */
	uint64_t published; /* behind what is visible */
	uint64_t head;	    /* behind what is released */
	uint64_t credit;    /* the head that the producer has surely been told */
	uint64_t known;	    /* the head that it acts on: newer than what it last saw, older than head */
	/* the queue: all that is committed and not released */
	struct model_record record[MODEL_RECORDS];
	uint32_t first, committed, visible, shown; /* counts from first on */
	/* the open reservation */
	bool open;
	uint64_t open_at; /* where its header would stand */
	uint32_t open_length;
};

void model_init(struct model *m, uint64_t capacity, uint64_t start, uint32_t alignment, uint32_t overhead);
/* MODEL_PERHAPS: there is room that the producer has not surely been told of; it finds it within 64 looks. */
enum model_answer {
	MODEL_NO,
	MODEL_PERHAPS,
	MODEL_YES
};
enum model_answer model_room(struct model *m, uint32_t length);
/* Open the reservation that model_room() did not deny. */
void model_reserve(struct model *m, uint32_t length);
/* The record that the commit makes; NULL when no reservation is open. */
struct model_record *model_commit(struct model *m, uint32_t length);
void model_flush(struct model *m);
/* The `n`th record that is not released, if it is visible; else the consumer tells what room there is. */
const struct model_record *model_look(struct model *m, uint32_t n);
const struct model_record *model_peek(struct model *m);
const struct model_record *model_peek_next(struct model *m);
void model_release(struct model *m, uint32_t n);

#endif
