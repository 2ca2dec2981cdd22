// SPDX-License-Identifier: MIT
// What producers of an mpmc ring are asked to do, beside the model.
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "mpmc_pair.h"

static struct model_slot some_message(struct pair *x)
{
	struct model_slot slot = {
		.seed = random_next(&x->random),
		.length = some_length(x),
		.type = (uint16_t)random_next(&x->random),
		.flags = (uint16_t)random_next(&x->random),
	};

	if (x->p[0].compact)
		slot.type = slot.flags = 0;
	return slot;
}

/* What producer i has just stamped a message with. */
static uint64_t stamp_now(const struct pair *x, int i)
{
	return x->p[i].clock ? ticks : 0;
}

void reserve(struct pair *x, int i, uint32_t n)
{
	struct claim *claim = &x->reserved[i];
	uint32_t want = claim->held, got;
	void *room = NULL;

	x->trial.doing = n == 1 ? "reserve" : "reserve_n";
	if (!want)
		want = claim->held = model_reserve(&x->m, i, n, &claim->first);
	if (n == 1)
		got = (room = ringshm_mpmc_reserve(&x->p[i], some_length(x))) ? x->p[i].m.held : 0;
	else
		got = ringshm_mpmc_reserve_n(&x->p[i], n);
	if (got != want)
		trial_differs(&x->trial, "producer %d has %u slots, not %u", i, got, want);
	if (room && room != ringshm_mpmc_room(&x->p[i], 0))
		trial_differs(&x->trial, "producer %d was shown another room", i);
}

void commit_first(struct pair *x, int i)
{
	struct model_slot slot = some_message(x);
	struct claim *claim = &x->reserved[i];

	x->trial.doing = "commit";
	if (!claim->held) {
		ringshm_mpmc_commit(&x->p[i], 1);
		return;
	}
	random_fill(slot.seed, ringshm_mpmc_room(&x->p[i], 0), slot.length);
	ringshm_mpmc_commit_typed(&x->p[i], slot.length, slot.type, slot.flags);
	slot.stamp = stamp_now(x, i);
	model_commit(&x->m, claim->first++, &slot);
	claim->held--;
}

void commit_many(struct pair *x, int i)
{
	struct claim *claim = &x->reserved[i];
	uint32_t n = random_below(&x->random, claim->held + 2), length = some_length(x);
	struct model_slot slot[RINGSHM_MPMC_BATCH_MAX];
	uint64_t before = ticks;

	x->trial.doing = "commit_n";
	for (uint32_t k = 0; k < n && k < claim->held; k++) {
		slot[k] = (struct model_slot){.seed = random_next(&x->random), .length = length};
		random_fill(slot[k].seed, ringshm_mpmc_room(&x->p[i], k), length);
	}
	ringshm_mpmc_commit_n(&x->p[i], n, length);
	for (uint32_t k = 0; k < n && k < claim->held; k++)
		slot[k].stamp = x->p[i].clock ? before + k + 1 : 0;
	for (uint32_t k = 0; k < n && claim->held; k++, claim->held--)
		model_commit(&x->m, claim->first++, &slot[k]);
}

void discard(struct pair *x, int i)
{
	struct claim *claim = &x->reserved[i];

	x->trial.doing = "discard";
	ringshm_mpmc_discard(&x->p[i]);
	for (; claim->held; claim->held--)
		model_discard(&x->m, claim->first++);
}

void send_one(struct pair *x, int i)
{
	struct model_slot slot = some_message(x);
	struct claim *claim = &x->reserved[i];
	unsigned char bytes[4096];
	int result;

	x->trial.doing = "send";
	slot.type = slot.flags = 0;
	random_fill(slot.seed, bytes, slot.length);
	if (!claim->held)
		claim->held = model_reserve(&x->m, i, 1, &claim->first);
	result = ringshm_mpmc_send(&x->p[i], bytes, slot.length);
	if (result != (claim->held ? 0 : -EAGAIN))
		trial_differs(&x->trial, "producer %d got %d", i, result);
	if (!claim->held)
		return;
	slot.stamp = stamp_now(x, i);
	model_commit(&x->m, claim->first++, &slot);
	claim->held--;
}

void send_batch(struct pair *x, int i)
{
	uint32_t n = some_number(x), most = n < RINGSHM_MPMC_BATCH_MAX ? n : RINGSHM_MPMC_BATCH_MAX;
	struct model_slot slot = {.length = some_length(x)};
	struct claim *claim = &x->reserved[i];
	uint64_t seed = random_next(&x->random), before = ticks;
	int result;

	x->trial.doing = "send_n";
	for (uint32_t k = 0; k < n; k++)
		random_fill(seed + k, batch + (size_t)k * slot.length, slot.length);
	for (; claim->held; claim->held--)
		model_discard(&x->m, claim->first++);
	claim->held = model_reserve(&x->m, i, most, &claim->first);
	result = ringshm_mpmc_send_n(&x->p[i], batch, slot.length, n);
	if (result != (claim->held || !n ? (int)claim->held : -EAGAIN))
		trial_differs(&x->trial, "producer %d got %d for %u of %u bytes, not %u", i, result, n, slot.length,
			      claim->held);
	for (uint32_t k = 0; claim->held; claim->held--, k++) {
		slot.seed = seed + k;
		slot.stamp = x->p[i].clock ? before + k + 1 : 0;
		model_commit(&x->m, claim->first++, &slot);
	}
}

void send_too_long(struct pair *x, int i)
{
	bool many = random_below(&x->random, 2);
	uint32_t length = x->p[i].max_payload + 1;
	char byte = 0;

	x->trial.doing = many ? "send_n of too much" : "send of too much";
	if ((many ? ringshm_mpmc_send_n(&x->p[i], &byte, length, 2) : ringshm_mpmc_send(&x->p[i], &byte, length)) !=
	    -EMSGSIZE)
		trial_differs(&x->trial, "producer %d was not refused", i);
	if (x->p[i].status != -EMSGSIZE)
		trial_differs(&x->trial, "producer %d has status %d", i, x->p[i].status);
	for (; many && x->reserved[i].held; x->reserved[i].held--)
		model_discard(&x->m, x->reserved[i].first++);
}
