// SPDX-License-Identifier: MIT
// Does an mpmc ring do what its model does, under any sequence of calls and deaths? RINGSHM_SEED varies it.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ringshm/ringshm.h>

#include "mpmc_model.h"
#include "random.h"
#include "tap.h"
#include "trial.h"

#define STEPS 8000 /* calls a ring */
#define PRODUCERS 3
#define CONSUMERS 3
#define DEATHS 12  /* a ring: each is a process */
#define BATCH 300u /* messages in one call: more than any claim may have */

/* What an endpoint has claimed, as the model sees it: positions from `first` on. */
struct claim {
	uint64_t first;
	uint32_t held;
};

/* A ring and its model, and what both have shown. */
struct pair {
	struct model m;
	struct ringshm *channel;
	struct ringshm_mpmc_producer p[PRODUCERS];
	struct ringshm_mpmc_consumer c[CONSUMERS];
	struct claim reserved[PRODUCERS], taken[CONSUMERS];
	uint64_t random;
	struct trial trial;
	uint32_t deaths;
};

static uint64_t ticks; /* what timestamps are taken from here */
static unsigned char batch[BATCH * 4096];

static uint64_t tick(void)
{
	return ++ticks;
}

static uint32_t some_length(struct pair *x)
{
	uint32_t most = x->p[0].max_payload;

	switch (random_below(&x->random, 6)) {
	case 0:
		return 0;
	case 1:
		return most;
	case 2:
		return 8;
	default:
		return random_below(&x->random, most + 1);
	}
}

/* ---- producers ------------------------------------------------------------------------------ */

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

static void reserve(struct pair *x, int i, uint32_t n)
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

static void commit_first(struct pair *x, int i)
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

static void commit_many(struct pair *x, int i)
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

static void discard(struct pair *x, int i)
{
	struct claim *claim = &x->reserved[i];

	x->trial.doing = "discard";
	ringshm_mpmc_discard(&x->p[i]);
	for (; claim->held; claim->held--)
		model_discard(&x->m, claim->first++);
}

static void send_one(struct pair *x, int i)
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

/* Messages a call, mostly few. */
static uint32_t some_number(struct pair *x)
{
	return random_below(&x->random, random_below(&x->random, 4) ? 7 : BATCH);
}

static void send_batch(struct pair *x, int i)
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

static void send_too_long(struct pair *x, int i)
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

/* ---- consumers ------------------------------------------------------------------------------ */

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

static void peek(struct pair *x, int i)
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

static void peek_next(struct pair *x, int i)
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

static void peek_many(struct pair *x, int i)
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

static void model_give_back(struct pair *x, int i, uint32_t n)
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

static void give_back(struct pair *x, int i)
{
	uint32_t n = random_below(&x->random, messages(x, i) + 2);

	x->trial.doing = "release";
	ringshm_mpmc_release(&x->c[i], n);
	model_give_back(x, i, n);
	if (x->c[i].m.held - x->c[i].gaps != messages(x, i))
		trial_differs(&x->trial, "consumer %d holds %u messages, not %u", i, x->c[i].m.held - x->c[i].gaps,
			      messages(x, i));
}

static void receive(struct pair *x, int i)
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

static void receive_batch(struct pair *x, int i)
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

/* ---- deaths --------------------------------------------------------------------------------- */

/* A process joins, claims up to `n`, and is gone. */
static int die_with(struct ringshm *channel, bool producing, uint32_t n)
{
	struct ringshm_mpmc_producer p;
	struct ringshm_mpmc_consumer c;
	int status;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child) {
		if (producing ? ringshm_mpmc_producer_open(&p, channel) : ringshm_mpmc_consumer_open(&c, channel))
			_exit(255);
		_exit((int)(producing ? ringshm_mpmc_reserve_n(&p, n) : ringshm_mpmc_peek_n(&c, n)));
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -ECHILD;
	return WEXITSTATUS(status);
}

static void death(struct pair *x)
{
	bool producing = random_below(&x->random, 2);
	uint32_t n = 1 + random_below(&x->random, 4), want, held = 0;
	uint64_t first;
	int got;

	if (x->deaths++ >= DEATHS)
		return;
	x->trial.doing = producing ? "a producer dies" : "a consumer dies";
	want = producing ? model_reserve(&x->m, MODEL_DEAD, n, &first) :
			   model_take(&x->m, MODEL_DEAD, n, &first, &held);
	got = die_with(x->channel, producing, n);
	if (got != (int)want)
		trial_differs(&x->trial, "it had claimed %d, not %u", got, want);
}

static void recover(struct pair *x)
{
	uint64_t before = x->m.marked_p + x->m.marked_c;
	int result, want;

	x->trial.doing = "recover";
	model_repair(&x->m);
	want = (int)(x->m.marked_p + x->m.marked_c - before);
	result = random_below(&x->random, 2) ? ringshm_mpmc_producer_recover(&x->p[0]) :
					       ringshm_mpmc_consumer_recover(&x->c[0]);
	if (result != want)
		trial_differs(&x->trial, "%d positions were freed, not %d", result, want);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void compare_info(struct pair *x)
{
	struct ringshm_info info = {.size = sizeof(info)};
	uint64_t used = x->m.tail - x->m.head;

	x->trial.doing = "info";
	ringshm_info(x->channel, &info);
	if (info.lost_produced != x->m.lost_p + x->m.marked_p || info.lost_consumed != x->m.lost_c + x->m.marked_c)
		trial_differs(&x->trial, "lost %" PRIu64 " and %" PRIu64 ", not %" PRIu64 " and %" PRIu64,
			      info.lost_produced, info.lost_consumed, x->m.lost_p + x->m.marked_p,
			      x->m.lost_c + x->m.marked_c);
	if (info.used != used || ringshm_mpmc_producer_used(&x->p[0]) != used)
		trial_differs(&x->trial, "%" PRIu64 " slots used, not %" PRIu64, info.used, used);
	if (info.tail - info.start_position != x->m.tail || info.head - info.start_position != x->m.head)
		trial_differs(&x->trial, "it stands at %" PRIu64 ", not %" PRIu64, info.tail - info.start_position,
			      x->m.tail);
}

static void reopen(struct pair *x)
{
	int i = (int)random_below(&x->random, PRODUCERS), k = (int)random_below(&x->random, CONSUMERS);

	x->trial.doing = "close and open";
	ringshm_mpmc_producer_close(&x->p[i]);
	for (; x->reserved[i].held; x->reserved[i].held--)
		model_discard(&x->m, x->reserved[i].first++);
	ringshm_mpmc_consumer_close(&x->c[k]);
	model_give_back(x, k, UINT32_MAX);
	if (ringshm_mpmc_producer_open(&x->p[i], x->channel) || ringshm_mpmc_consumer_open(&x->c[k], x->channel))
		trial_differs(&x->trial, "%s", ringshm_last_error());
	if (x->p[i].clock)
		x->p[i].clock = tick;
}

static void step(struct pair *x)
{
	int i = (int)random_below(&x->random, PRODUCERS), k = (int)random_below(&x->random, CONSUMERS);

	switch (random_below(&x->random, 48)) {
	case 0 ... 2:
		return reserve(x, i, 1);
	case 3 ... 5:
		return reserve(x, i, 1 + random_below(&x->random, 6));
	case 6 ... 11:
		return commit_first(x, i);
	case 12 ... 14:
		return commit_many(x, i);
	case 15:
		return discard(x, i);
	case 16 ... 18:
		return send_one(x, i);
	case 19:
		return send_too_long(x, i);
	case 20 ... 22:
		return peek(x, k);
	case 23 ... 25:
		return peek_next(x, k);
	case 26 ... 27:
		return peek_many(x, k);
	case 28 ... 34:
		return give_back(x, k);
	case 35 ... 37:
		return receive(x, k);
	case 38:
		return compare_info(x);
	case 40 ... 43:
		return send_batch(x, i);
	case 44 ... 47:
		return receive_batch(x, k);
	default:
		break;
	}
	switch (random_below(&x->random, 4)) {
	case 0:
		return reopen(x);
	case 1:
		return death(x);
	default:
		return recover(x);
	}
}

static bool open_all(struct pair *x)
{
	for (int i = 0; i < PRODUCERS; i++) {
		if (ringshm_mpmc_producer_open(&x->p[i], x->channel))
			return false;
		if (x->p[i].clock)
			x->p[i].clock = tick;
	}
	for (int i = 0; i < CONSUMERS; i++)
		if (ringshm_mpmc_consumer_open(&x->c[i], x->channel))
			return false;
	return true;
}

static bool try_one(const struct ringshm_config *config, uint64_t seed)
{
	static struct pair x;

	memset(&x, 0, sizeof(x));
	x.random = seed;
	model_init(&x.m, config->capacity);
	if (ringshm_create(&x.channel, NULL, config) || !open_all(&x)) {
		tap_note("%s", ringshm_last_error());
		return false;
	}
	while (x.trial.step < STEPS && x.m.tail < MODEL_POSITIONS - 2 * BATCH && !x.trial.broken[0]) {
		x.trial.step++;
		step(&x);
	}
	for (int i = 0; i < PRODUCERS; i++)
		ringshm_mpmc_producer_close(&x.p[i]);
	for (int i = 0; i < CONSUMERS; i++)
		ringshm_mpmc_consumer_close(&x.c[i]);
	ringshm_close(x.channel);
	if (x.trial.broken[0])
		tap_note("seed %#" PRIx64 ", start %" PRIu64 ", capacity %" PRIu64 ": %s", seed, config->start_position,
			 config->capacity, x.trial.broken);
	return !x.trial.broken[0];
}

/* Positions about to pass what some width of them could hold. */
static bool try_starts(struct ringshm_config *config, uint64_t seed)
{
	static const unsigned int widths[] = {0, 32, 48, 56, 64};
	bool good = true;

	for (unsigned int i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		config->start_position = widths[i] == 64 ? UINT64_C(0) - 3 : (UINT64_C(1) << widths[i]) - 3;
		good &= try_one(config, seed + i);
	}
	return good;
}

int main(void)
{
	static const struct {
		uint32_t slot_size, alignment;
		uint64_t features;
	} shapes[] = {
		{16, 8, 0},
		{24, 8, 0},
		{64, 8, 0},
		{128, 8, 0},
		{136, 8, 0},
		{256, 8, 0},
		{64, 8, RINGSHM_F_TIMESTAMP},
		{128, 64, 0},
		{192, 64, RINGSHM_F_TIMESTAMP},
	};
	uint64_t seed = random_seed();
	struct ringshm_config config;
	char question[160];

	ringshm_config_init(&config, RINGSHM_MPMC);
	config.participants = 16;
	for (unsigned int i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		config.slot_size = shapes[i].slot_size;
		config.alignment = shapes[i].alignment;
		config.features = shapes[i].features;
		config.capacity = UINT64_C(2) << i * 3 % 8;
		snprintf(question, sizeof(question),
			 "an mpmc ring of %" PRIu64
			 " slots of %u bytes, aligned to %u, %s timestamps, does what its model does",
			 config.capacity, config.slot_size, config.alignment, config.features ? "with" : "without");
		tap_ok(try_starts(&config, random_next(&seed)), question);
	}
	return tap_done();
}
