// SPDX-License-Identifier: MIT
/* The cases: shapes, candidates, and what ours shall reach. */
#include "suite.h"

/* Everybody who can take a question and an answer. */
#define ROUND_TRIPPERS                                                                                               \
	{                                                                                                            \
		&peer_spsc, &peer_token, &peer_dpdk, &peer_ck, &peer_boost, &peer_moodycamel, &peer_pipe, &peer_unix \
	}

/* Everybody who moves small messages one way. */
#define STREAMERS                                                                                                   \
	{                                                                                                           \
		&peer_stream, &peer_spsc, &peer_spsc_mixed, &peer_spsc_bulk, &peer_dpdk, &peer_dpdk_bulk, &peer_ck, \
			&peer_boost, &peer_moodycamel, &peer_pipe, &peer_unix                                       \
	}

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

/* "At most x times as long as the floor" is "at least 1/x times as fast". */
#define ROUND_TRIP_TARGETS                                                                          \
	{                                                                                           \
		{"ringshm spsc", DUEL_FLOOR_G, 1 / 1.10}, {"ringshm spsc", DUEL_FLOOR_F, 1 / 1.25}, \
		{                                                                                   \
			"ringshm spsc", DUEL_BEST_PEER, 1.0                                         \
		}                                                                                   \
	}

#define ROUND_TRIP(bytes)                                                                                       \
	{                                                                                                       \
		.name = "round_trip/" #bytes, .title = "Round trip, " #bytes " bytes", .what = DUEL_ROUND_TRIP, \
		.shape = {bytes, 1024, KIB(64)}, .candidates = ROUND_TRIPPERS, .targets = ROUND_TRIP_TARGETS    \
	}

#define LARGE(bytes, words)                                                                                      \
	{                                                                                                        \
		.name = "one_way/" #bytes, .title = "One way, " words ", 16 MiB", .what = DUEL_ONE_WAY,          \
		.shape = {bytes, 16, MIB(16)}, .candidates = {&peer_memcpy, &peer_spsc, &peer_pipe, &peer_unix}, \
		.targets = {                                                                                     \
			{"ringshm spsc", "memcpy on one core", 0.9},                                             \
			{"ringshm spsc", DUEL_BEST_PEER, 1.0},                                                   \
		}                                                                                                \
	}

const struct duel_case suite[] = {
	ROUND_TRIP(8),
	ROUND_TRIP(56),
	ROUND_TRIP(64),
	{
		.name = "round_trip/1024",
		.title = "Round trip, 1,024 bytes",
		.what = DUEL_ROUND_TRIP,
		.shape = {1024, 1024, MIB(1)},
		.candidates = ROUND_TRIPPERS,
		.targets = {{"ringshm spsc", DUEL_FLOOR_G, 1 / 1.10}, {"ringshm spsc", DUEL_BEST_PEER, 1.0}},
	},
	{
		.name = "one_way/64/64K",
		.title = "One way, 64 bytes, 1,024 slots",
		.what = DUEL_ONE_WAY,
		.shape = {64, 1024, KIB(64)},
		.candidates = STREAMERS,
		.targets = {{"ringshm spsc, to runs", "DPDK rte_ring, bulk", 1.1},
			    {"ringshm spsc", "DPDK rte_ring, bulk", 1.1},
			    {"ringshm spsc, runs", "DPDK rte_ring, bulk", 1.1},
			    {"ringshm spsc", DUEL_BEST_SINGLE, 1.0}},
	},
	{
		.name = "one_way/64/4M",
		.title = "One way, 64 bytes, 4 MiB",
		.what = DUEL_ONE_WAY,
		.shape = {64, 65536, MIB(4)},
		.candidates = STREAMERS,
		.targets = {{"ringshm spsc", DUEL_BEST_PEER, 1.25},
			    {"ringshm spsc, to runs", DUEL_BEST_PEER, 1.25},
			    {"ringshm spsc, runs", DUEL_BEST_PEER, 1.25},
			    {"ringshm spsc, runs", "bare stream of lines", 0.6}},
	},
	LARGE(4096, "4 KiB"),
	LARGE(65536, "64 KiB"),
	LARGE(1048576, "1 MiB"),
	{
		.name = "one_way/token",
		.title = "One way, one word, 1,024 slots",
		.what = DUEL_ONE_WAY,
		.shape = {8, 1024, KIB(16)},
		.candidates = {&peer_token, &peer_token_mixed, &peer_spsc, &peer_spsc_bulk, &peer_dpdk, &peer_dpdk_bulk,
			       &peer_ck, &peer_boost, &peer_moodycamel},
		.targets = {{"ringshm token, to runs", DUEL_BEST_SINGLE, 2.0},
			    {"ringshm token, to runs", "DPDK rte_ring, bulk", 1.3},
			    {"ringshm token", DUEL_BEST_SINGLE, 2.0},
			    {"ringshm token", "DPDK rte_ring, bulk", 1.3}},
	},
};

const unsigned int suite_size = sizeof(suite) / sizeof(*suite);
