// SPDX-License-Identifier: MIT
/* The cases of many producers and many consumers: mpmc/{threads,processes}/{1x1,2x2,4x4,8x8}/{8,64}. */
#include "suite.h"

#define CANDIDATES                                                                                               \
	{                                                                                                        \
		&peer_mpmc, &peer_mpmc_waiting, &peer_mpmc_bulk, &peer_mpmc_there, &peer_dpdk_mpmc,              \
			&peer_dpdk_mpmc_bulk, &peer_dpdk_hts, &peer_dpdk_hts_bulk, &peer_dpdk_rts,               \
			&peer_dpdk_rts_bulk, &peer_ck_mpmc, &peer_boost_queue, &peer_tbb, &peer_concurrentqueue, \
			&peer_concurrentqueue_tokens, &peer_concurrentqueue_bulk                                 \
	}

#define TARGETS                                                   \
	{"ringshm mpmc", DUEL_BEST_FIFO, 1.0},                    \
	{                                                         \
		"ringshm mpmc, batches", DUEL_BEST_FIFO_BULK, 1.0 \
	}

/* DPDK's MP/MC falls to nothing when a claimer is preempted. */
#define TARGETS_8 {"ringshm mpmc", "DPDK MP/MC", 3.0}, TARGETS

#define CROWD(n, bytes, between, is_threads, is_extra, ...)                                                    \
	{                                                                                                      \
		.name = "mpmc/" between "/" #n "x" #n "/" #bytes,                                              \
		.title = #n " producers, " #n " consumers, " between ", " #bytes " bytes", .what = DUEL_CROWD, \
		.shape = {bytes, 1024, 0}, .candidates = CANDIDATES, .crowd = n, .threads = is_threads,        \
		.extra = is_extra, .targets = {__VA_ARGS__},                                                   \
	}

#define THREADS(n, bytes, extra, ...) CROWD(n, bytes, "threads", true, extra, __VA_ARGS__)
#define PROCESSES(n, bytes, extra, ...) CROWD(n, bytes, "processes", false, extra, __VA_ARGS__)

const struct duel_case suite_mpmc[] = {
	THREADS(1, 8, true, TARGETS),	   THREADS(2, 8, true, TARGETS),    THREADS(4, 8, true, TARGETS),
	THREADS(8, 8, false, TARGETS_8),   THREADS(1, 64, true, TARGETS),   THREADS(2, 64, true, TARGETS),
	THREADS(4, 64, true, TARGETS),	   THREADS(8, 64, true, TARGETS_8), PROCESSES(1, 8, true, TARGETS),
	PROCESSES(2, 8, true, TARGETS),	   PROCESSES(4, 8, true, TARGETS),  PROCESSES(8, 8, true, TARGETS_8),
	PROCESSES(1, 64, false, TARGETS),  PROCESSES(2, 64, true, TARGETS), PROCESSES(4, 64, true, TARGETS),
	PROCESSES(8, 64, true, TARGETS_8),
};

const unsigned int suite_mpmc_size = sizeof(suite_mpmc) / sizeof(*suite_mpmc);
