// SPDX-License-Identifier: MIT
/* What duels and crowds share. */
#include "duel_sides.h"

#include <stdio.h>
#include <stdlib.h>

#define PRIORITY 10 /* of SCHED_FIFO: above all ordinary work, below the kernel's threads */

bool duel_realtime(const struct pair_cpus *cpus, bool on)
{
	struct sched_param param = {.sched_priority = on ? PRIORITY : 0};

	if (pair_is_one_cpu(cpus))
		return false; /* who waits would never let the other one in */
	return !sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &param);
}

static uint64_t *messages_new(uint64_t n, uint32_t size)
{
	size_t bytes = (size_t)(n * size + 63) & ~(size_t)63;
	uint64_t *m = (uint64_t *)aligned_alloc(64, bytes);

	if (m)
		memset(m, 1, bytes);
	return m;
}

int duel_messages(struct peer_side *s, unsigned int batch)
{
	bool large = s->size >= PEER_LARGE;
	uint32_t n;

	s->mask = large ? 0 : PEER_TABLE - 1;
	n = s->mask + (large ? 1 : PEER_BULK); /* so that a bulk may begin anywhere */
	s->table = messages_new(n, s->size);
	s->buf = messages_new(large && batch <= 1 ? 1 : PEER_BULK, s->size);
	if (!s->table || !s->buf)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		s->table[i * (s->size / 8)] = (i & s->mask) + 1;
	return 0;
}

struct duel_entry *duel_list(struct duel_result *r, const struct peer *peer)
{
	struct duel_entry *e = &r->entries[r->n_entries++];

	e->peer = peer;
	e->left_out = peer->absent;
	if (!e->left_out && peer->cannot)
		e->left_out = peer->cannot(&r->duel->shape);
	return e;
}

void duel_leave_out(struct duel_entry *e, int error)
{
	static const char *const reasons[] = {"a message arrived that was not sent", "the other side did not come",
					      "it failed"};

	e->left_out = reasons[error == -EBADMSG ? 0 : error == -ETIMEDOUT ? 1 : 2];
	fprintf(stderr, "ringshm_bench: %s: %s: %s\n", e->peer->name, e->left_out, strerror(-error));
}
