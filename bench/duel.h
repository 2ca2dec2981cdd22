/* SPDX-License-Identifier: MIT */
/* Duels: candidates measured in turn between the same two CPUs, each sample between two calibrations. */
#ifndef RINGSHM_BENCH_DUEL_H
#define RINGSHM_BENCH_DUEL_H

#include <stdbool.h>
#include <stdint.h>

#include "pair.h"
#include "peer.h"

#define DUEL_CANDIDATES 20u
#define DUEL_TARGETS 6u

enum duel_what {
	DUEL_ROUND_TRIP,
	DUEL_ONE_WAY,
	DUEL_CROWD
};

/* Who a target is measured against, where that is no candidate by itself. */
#define DUEL_FLOOR_F "floor F"
#define DUEL_FLOOR_G "floor G"
#define DUEL_BEST_PEER "best peer"
#define DUEL_BEST_SINGLE "best single-item peer"
#define DUEL_BEST_FIFO "best strict-FIFO single-item peer"
#define DUEL_BEST_FIFO_BULK "best strict-FIFO peer in bulk"

/* "Ours is at least `figure` times as fast as theirs." */
struct duel_target {
	const char *ours;
	const char *theirs; /* a candidate's name or one of the above */
	double figure;
};

struct duel_case {
	const char *name;
	const char *title;
	enum duel_what what;
	struct peer_shape shape;
	const struct peer *candidates[DUEL_CANDIDATES]; /* NULL ends */
	struct duel_target targets[DUEL_TARGETS];	/* .ours NULL ends */
	unsigned int crowd;				/* producers, and as many consumers; of DUEL_CROWD */
	bool threads;					/* and they are threads of one process */
	bool extra;					/* runs only when asked for by name */
};

/* One candidate's part of one round. */
struct duel_sample {
	bool valid; /* the class stayed the same while it ran */
	enum floor_class class_;
	double ns; /* a message or a round trip */
	double f_ns, g_ns;
};

struct duel_entry {
	const struct peer *peer;
	const char *left_out; /* why it did not take part; NULL: it did */
	struct duel_sample *samples;
};

/* What came out: samples[round] of each candidate. */
struct duel_result {
	const struct duel_case *duel;
	struct duel_entry entries[DUEL_CANDIDATES];
	unsigned int n_entries;
	unsigned int rounds;
	bool realtime; /* bursts ran under SCHED_FIFO */
};

struct duel_options {
	struct pair_cpus cpus;
	unsigned int rounds;
	double seconds; /* stop a case after so long, whatever the rounds */
	double burst;	/* seconds of a sample, about */
};

/* Runs a case. 0, or -errno with a sentence on standard error. Free with duel_result_free(). */
int duel_run(const struct duel_case *duel, const struct duel_options *options, struct duel_result *result);
void duel_result_free(struct duel_result *result);

#endif /* RINGSHM_BENCH_DUEL_H */
