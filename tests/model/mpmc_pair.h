/* SPDX-License-Identifier: MIT */
/* A ring beside its model, and the calls that are made of both. */
#ifndef RINGSHM_TESTS_MPMC_PAIR_H
#define RINGSHM_TESTS_MPMC_PAIR_H

#include <ringshm/ringshm.h>

#include "mpmc_model.h"
#include "random.h"
#include "trial.h"

#define PRODUCERS 3
#define CONSUMERS 3
#define BATCH 300u /* messages in one call: more than any claim may have */

/* What an endpoint has claimed, as the model sees it: positions from `first` on. */
struct claim {
	uint64_t first;
	uint32_t held;
};

/* A ring and its model, and what both have shown. */
struct pair {
	struct model m;
	struct ringshm *channel;
	struct ringshm_mpmc_producer p[PRODUCERS];
	struct ringshm_mpmc_consumer c[CONSUMERS];
	struct claim reserved[PRODUCERS], taken[CONSUMERS];
	uint64_t random;
	struct trial trial;
	uint32_t deaths;
};

extern uint64_t ticks; /* what timestamps are taken from here */
extern unsigned char batch[BATCH * 4096];

uint32_t some_length(struct pair *x);
/* Messages a call, mostly few. */
uint32_t some_number(struct pair *x);

/* mpmc_producers.c: calls of producer i. */
void reserve(struct pair *x, int i, uint32_t n);
void commit_first(struct pair *x, int i);
void commit_many(struct pair *x, int i);
void discard(struct pair *x, int i);
void send_one(struct pair *x, int i);
void send_batch(struct pair *x, int i);
void send_too_long(struct pair *x, int i);

/* mpmc_consumers.c: calls of consumer i. */
void peek(struct pair *x, int i);
void peek_next(struct pair *x, int i);
void peek_many(struct pair *x, int i);
void model_give_back(struct pair *x, int i, uint32_t n);
void give_back(struct pair *x, int i);
void receive(struct pair *x, int i);
void receive_batch(struct pair *x, int i);

#endif
