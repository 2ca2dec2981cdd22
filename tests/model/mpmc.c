// SPDX-License-Identifier: MIT
// Does an mpmc ring do what its model does, under any sequence of calls and deaths? RINGSHM_SEED varies it.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mpmc_pair.h"
#include "tap.h"

#define STEPS 8000 /* calls a ring */
#define DEATHS 12  /* a ring: each is a process */

uint64_t ticks;
unsigned char batch[BATCH * 4096];

static uint64_t tick(void)
{
	return ++ticks;
}

uint32_t some_length(struct pair *x)
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

uint32_t some_number(struct pair *x)
{
	return random_below(&x->random, random_below(&x->random, 4) ? 7 : BATCH);
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
