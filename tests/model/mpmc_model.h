/* SPDX-License-Identifier: MIT */
/* What an mpmc ring is, said plainly: an array of positions that never wraps, each in one state. */
#ifndef RINGSHM_TESTS_MPMC_MODEL_H
#define RINGSHM_TESTS_MPMC_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_POSITIONS 65536
#define MODEL_NOBODY (-1)
#define MODEL_DEAD (-2)

enum model_state {
	MODEL_UNUSED,
	MODEL_RESERVED,
	MODEL_MESSAGE,
	MODEL_HOLE,	/* discarded, or a dead producer's */
	MODEL_TAKEN,	/* a consumer reads it */
	MODEL_RELEASED, /* its slot is free for the next lap */
};

struct model_slot {
	enum model_state state;
	int owner; /* who reserved it, later who took it */
	uint64_t seed, stamp;
	uint32_t length;
	uint16_t type;
	uint16_t flags;
};

/* Positions count from 0, wherever the ring's own begin. */
struct model {
	uint64_t capacity;
	uint64_t tail, head;	     /* cursors */
	uint64_t lost_p, lost_c;     /* by the dead, as info must say once all marks are crossed */
	uint64_t marked_p, marked_c; /* repaired, not yet crossed by a claim */
	struct model_slot slot[MODEL_POSITIONS];
	bool mark[MODEL_POSITIONS]; /* the next claim of this position counts a loss */
};

void model_init(struct model *m, uint64_t capacity);
/* Claim up to `n` from the tail; how many, *first the first of them. */
uint32_t model_reserve(struct model *m, int owner, uint32_t n, uint64_t *first);
void model_commit(struct model *m, uint64_t position, const struct model_slot *what);
void model_discard(struct model *m, uint64_t position);
/*
 * Claim up to `n` messages for `owner`, who holds `held` positions from *first on, holes among them; how
 * many were added. Holes on the way count in `held` only while something stands before them.
 */
uint32_t model_take(struct model *m, int owner, uint32_t n, uint64_t *first, uint32_t *held);
/* How many messages of that length come first at the head, up to `n`; no position is claimed. */
uint32_t model_run(const struct model *m, uint32_t length, uint32_t n);
void model_release(struct model *m, uint64_t position);
/* Everything that the dead left is repaired, oldest first, up to what somebody alive has. */
void model_repair(struct model *m);

#endif
