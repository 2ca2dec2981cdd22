// SPDX-License-Identifier: MIT
// What consumers of an mpmc ring are asked to do, beside the model.
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "mpmc_pair.h"

static void compare(struct pair *x, int i, uint64_t position, const void *payload, uint32_t length)
{
	const struct model_slot *slot = &x->m.slot[position];

	if (slot->state != MODEL_TAKEN || slot->owner != i)
		trial_differs(&x->trial, "consumer %d was shown position %" PRIu64 " in state %d", i, position,
			      (int)slot->state);
	else if (length != slot->length || !random_same(slot->seed, payload, length))
		trial_differs(&x->trial, "consumer %d, position %" PRIu64 ": %u bytes, not these %u", i, position,
			      length, slot->length);
	else if (ringshm_mpmc_timestamp(&x->c[i]) != slot->stamp)
		trial_differs(&x->trial, "consumer %d, position %" PRIu64 ": another time", i, position);
	else if (ringshm_mpmc_type(&x->c[i]) != slot->type || ringshm_mpmc_flags(&x->c[i]) != slot->flags)
		trial_differs(&x->trial, "consumer %d, position %" PRIu64 ": another type or flags", i, position);
}

/* The `n`th message that consumer i holds, counted over holes. */
static uint64_t nth(const struct pair *x, int i, uint32_t n)
{
	uint64_t position = x->taken[i].first;

	for (;; position++)
		if (x->m.slot[position].state == MODEL_TAKEN && !n--)
			return position;
}

static uint32_t messages(const struct pair *x, int i)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < x->taken[i].held; k++)
		n += x->m.slot[x->taken[i].first + k].state == MODEL_TAKEN;
	return n;
}

void peek(struct pair *x, int i)
{
	struct claim *claim = &x->taken[i];
	uint32_t length = 0;
	const void *payload;

	x->trial.doing = "peek";
	if (!claim->held)
		model_take(&x->m, i, 1, &claim->first, &claim->held);
	payload = ringshm_mpmc_peek(&x->c[i], &length);
	if (!payload != !claim->held)
		trial_differs(&x->trial, "consumer %d saw %s", i, payload ? "something" : "nothing");
	else if (payload)
		compare(x, i, claim->first, payload, length);
}

void peek_next(struct pair *x, int i)
{
	struct claim *claim = &x->taken[i];
	uint32_t length = 0, got = model_take(&x->m, i, 1, &claim->first, &claim->held);
	const void *payload = ringshm_mpmc_peek_next(&x->c[i], &length);

	x->trial.doing = "peek_next";
	if (!payload != !got)
		trial_differs(&x->trial, "consumer %d saw %s", i, payload ? "something" : "nothing");
	else if (payload)
		compare(x, i, claim->first + claim->held - 1, payload, length);
}

void peek_many(struct pair *x, int i)
{
	struct claim *claim = &x->taken[i];
	uint32_t n = 1 + random_below(&x->random, 6), length = 0, got;

	x->trial.doing = "peek_n";
	if (!claim->held)
		model_take(&x->m, i, n, &claim->first, &claim->held);
	got = ringshm_mpmc_peek_n(&x->c[i], n);
	if (got != messages(x, i))
		trial_differs(&x->trial, "consumer %d got %u messages, not %u", i, got, messages(x, i));
	for (uint32_t k = 0; k < got && !x->trial.broken[0]; k++) {
		const void *payload = ringshm_mpmc_at(&x->c[i], k, &length);

		compare(x, i, nth(x, i, k), payload, length);
	}
}

void model_give_back(struct pair *x, int i, uint32_t n)
{
	struct claim *claim = &x->taken[i];

	while (claim->held) {
		bool message = x->m.slot[claim->first].state == MODEL_TAKEN;

		if (message && !n--)
			break;
		if (message)
			model_release(&x->m, claim->first);
		claim->first++;
		claim->held--;
	}
}

void give_back(struct pair *x, int i)
{
	uint32_t n = random_below(&x->random, messages(x, i) + 2);

	x->trial.doing = "release";
	ringshm_mpmc_release(&x->c[i], n);
	model_give_back(x, i, n);
	if (x->c[i].m.held - x->c[i].gaps != messages(x, i))
		trial_differs(&x->trial, "consumer %d holds %u messages, not %u", i, x->c[i].m.held - x->c[i].gaps,
			      messages(x, i));
}

void receive(struct pair *x, int i)
{
	uint32_t cap = random_below(&x->random, 3) ? x->c[i].max_payload : some_length(x), length = 0;
	struct claim *claim = &x->taken[i];
	unsigned char bytes[4096];
	int result, want = 0;

	x->trial.doing = "recv";
	if (!claim->held)
		model_take(&x->m, i, 1, &claim->first, &claim->held);
	if (!claim->held)
		want = -EAGAIN;
	else if (x->m.slot[claim->first].length > cap)
		want = -EMSGSIZE;
	result = ringshm_mpmc_recv(&x->c[i], bytes, cap, &length);
	if (result != want) {
		trial_differs(&x->trial, "consumer %d got %d, not %d", i, result, want);
	} else if (!result) {
		const struct model_slot *slot = &x->m.slot[claim->first];

		if (length != slot->length || !random_same(slot->seed, bytes, length))
			trial_differs(&x->trial, "consumer %d received something else", i);
		model_give_back(x, i, 1);
	}
}

/* Mostly the length of the message that would come first. */
static uint32_t length_expected(struct pair *x, int i)
{
	uint64_t next = x->taken[i].held ? nth(x, i, 0) : x->m.head;

	return x->m.slot[next].state >= MODEL_MESSAGE && random_below(&x->random, 8) ? x->m.slot[next].length :
										       some_length(x);
}

/*
 * How many messages recv_n() must give. A compact ring is asked for those of that length, and claims no more;
 * else, and when it has something in its hands already, it claims them as they come, and keeps the others.
 */
static uint32_t expect_batch(struct pair *x, int i, uint32_t length, uint32_t n)
{
	struct claim *claim = &x->taken[i];
	uint32_t got = 0, held;

	if (!claim->held) {
		uint32_t run = x->c[i].compact ? model_run(&x->m, length, n) : 0;

		model_take(&x->m, i, run ? run : n, &claim->first, &claim->held);
	}
	held = messages(x, i);
	while (got < held && got < n && x->m.slot[nth(x, i, got)].length == length)
		got++;
	return got;
}

void receive_batch(struct pair *x, int i)
{
	uint32_t n = some_number(x), most = n < RINGSHM_MPMC_BATCH_MAX ? n : RINGSHM_MPMC_BATCH_MAX;
	uint32_t length = length_expected(x, i), want = n ? expect_batch(x, i, length, most) : 0;
	int result = ringshm_mpmc_recv_n(&x->c[i], batch, length, n);

	x->trial.doing = "recv_n";
	if (result != (want || !n ? (int)want : messages(x, i) ? -EMSGSIZE : -EAGAIN)) {
		trial_differs(&x->trial, "consumer %d got %d of %u times %u bytes, not %u", i, result, n, length, want);
		return;
	}
	for (uint32_t k = 0; k < want; k++)
		if (!random_same(x->m.slot[nth(x, i, k)].seed, batch + (size_t)k * length, length))
			trial_differs(&x->trial, "consumer %d received something else", i);
	if (want)
		model_give_back(x, i, want);
}
