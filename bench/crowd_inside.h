/* SPDX-License-Identifier: MIT */
/* The inside of crowds: what the leader and its workers have in common. */
#ifndef RINGSHM_BENCH_CROWD_INSIDE_H
#define RINGSHM_BENCH_CROWD_INSIDE_H

#include <pthread.h>
#include <semaphore.h>

#include "crowd.h"

#define CROWD_PATIENCE_S 10 /* for a worker that does not come back; no stall of a peer was seen to last one */

enum crowd_order {
	ORDER_OPEN,
	ORDER_CALIBRATE,
	ORDER_BURST,
	ORDER_DRAIN,
	ORDER_END
};

/* What passes between the leader and one worker; in shared memory. */
struct crowd_desk {
	sem_t go;
	sem_t finished;
	int error;
	uint64_t sent, received, sum; /* of this candidate, so far */
} __attribute__((aligned(128)));

/* What passes between the leader and all of them. */
struct crowd_orders {
	struct peer_burst burst;
	enum crowd_order order;
	unsigned int candidate;
	uint64_t burst_ns;
	struct pair_mark mark;
	unsigned int ready __attribute__((aligned(128))); /* workers that stand at the gate */
	struct crowd_desk desks[2 * CROWD_MAX];
};

/* The first n produce, the others consume. */
struct crowd_worker {
	struct crowd *crowd;
	unsigned int index;
	struct peer_side *sides;
	pid_t pid;
	pthread_t id;
	bool running;
};

struct crowd {
	const struct duel_case *duel;
	const struct duel_options *options;
	struct duel_result *result;
	struct crowd_orders *orders;
	struct peer_lane lanes[DUEL_CANDIDATES];
	uint64_t received[DUEL_CANDIDATES]; /* up to the last burst */
	struct pair_yardstick yardstick[2];
	struct crowd_worker workers[2 * CROWD_MAX];
	bool realtime;
};

static inline unsigned int crowd_size(const struct crowd *c)
{
	return 2 * c->duel->crowd;
}

static inline bool crowd_produces(const struct crowd_worker *w)
{
	return w->index < w->crowd->duel->crowd;
}

/* Has each worker a CPU of its own? Then nothing may interrupt it; else the scheduler must be able to. */
static inline bool crowd_is_spacious(const struct crowd *c)
{
	return c->duel->crowd == 1 && !pair_is_one_cpu(&c->options->cpus);
}

/* Starts a worker, a thread or a process, that waits for orders. 0 or -errno. */
int crowd_start(struct crowd *c, unsigned int index);

/* Waits for the end of a worker. A process that is stuck is killed; for a thread there is no such way out. */
void crowd_end(struct crowd_worker *w, bool stuck);

#endif /* RINGSHM_BENCH_CROWD_INSIDE_H */
