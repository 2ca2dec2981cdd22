/* SPDX-License-Identifier: MIT */
/* What duels and crowds share: the messages of a side, its scheduling, and who takes part. */
#ifndef RINGSHM_BENCH_DUEL_SIDES_H
#define RINGSHM_BENCH_DUEL_SIDES_H

#include "duel.h"

/* What a side sends, and where it receives: s->table and s->buf. 0 or -ENOMEM. */
int duel_messages(struct peer_side *s, unsigned int batch);

/*
 * Bursts where each task has a CPU of its own are short and must not be interrupted; what runs between
 * them needs no such thing. False: it cannot be had.
 */
bool duel_realtime(const struct pair_cpus *cpus, bool on);

/* Enters a candidate, left out if it is absent or cannot do this shape. */
struct duel_entry *duel_list(struct duel_result *r, const struct peer *peer);

/* Leaves a candidate out from here on, and says so. */
void duel_leave_out(struct duel_entry *e, int error);

#endif /* RINGSHM_BENCH_DUEL_SIDES_H */
