/* SPDX-License-Identifier: MIT */
/* Crowds: as duels, but many producers and as many consumers share the two CPUs and one ring. */
#ifndef RINGSHM_BENCH_CROWD_H
#define RINGSHM_BENCH_CROWD_H

#include "duel.h"

#define CROWD_MAX 16u	 /* producers, and as many consumers */
#define CROWD_STRETCH 5u /* bursts are so much longer than a duel's where there are more workers than CPUs */

/* Runs a case of DUEL_CROWD: what duel_run() does with one. */
int crowd_run(const struct duel_case *duel, const struct duel_options *options, struct duel_result *result);

#endif /* RINGSHM_BENCH_CROWD_H */
