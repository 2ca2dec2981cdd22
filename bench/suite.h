/* SPDX-License-Identifier: MIT */
/* The cases that the report is made of. */
#ifndef RINGSHM_BENCH_SUITE_H
#define RINGSHM_BENCH_SUITE_H

#include "duel.h"

extern const struct duel_case suite[];
extern const unsigned int suite_size;

extern const struct duel_case suite_mpmc[];
extern const unsigned int suite_mpmc_size;

#endif /* RINGSHM_BENCH_SUITE_H */
