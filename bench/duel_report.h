/* SPDX-License-Identifier: MIT */
/* The one table of all duels, and the same as JSON. */
#ifndef RINGSHM_BENCH_DUEL_REPORT_H
#define RINGSHM_BENCH_DUEL_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "duel.h"

void duel_print(FILE *out, const struct duel_result *r);
json_t *duel_json(const struct duel_result *r);

#endif /* RINGSHM_BENCH_DUEL_REPORT_H */
