// SPDX-License-Identifier: MIT
// Does a token ring do what a plain list does, under any sequence of calls? RINGSHM_SEED varies it.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <ringshm/ringshm.h>

#include "random.h"
#include "tap.h"
#include "trial.h"

#define STEPS 8000 /* calls a ring */
#define MOST 64	   /* slots of the largest */

/* The model: values in a list, and a count of all that ever were. */
struct list {
	uint64_t value[MOST];
	uint64_t length, capacity, sent, received;
	bool shut;
};

/* A ring and its model, and what both have shown. */
struct pair {
	struct list m;
	struct ringshm *channel;
	struct ringshm_token_producer p;
	struct ringshm_token_consumer c;
	uint64_t random;
	struct trial trial;
};

/* Any value is one: small ones, all bits, and positions of the ring itself. */
static uint64_t some_value(struct pair *x)
{
	switch (random_below(&x->random, 4)) {
	case 0:
		return 1 + random_below(&x->random, 3);
	case 1:
		return UINT64_MAX - random_below(&x->random, 3);
	default:
		return random_next(&x->random) | 1;
	}
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void send_one(struct pair *x)
{
	uint64_t value = some_value(x);
	int want = x->m.shut ? -ESHUTDOWN : x->m.length == x->m.capacity ? -EAGAIN : 0;
	int got = ringshm_token_send(&x->p, value);

	x->trial.doing = "send";
	if (got != want)
		trial_differs(&x->trial, "gave %d, not %d", got, want);
	if (got)
		return;
	x->m.value[x->m.length++ % MOST] = value;
	x->m.sent++;
}

static void send_nothing(struct pair *x)
{
	int got = ringshm_token_send(&x->p, 0);

	x->trial.doing = "send of 0";
	if (got != -EINVAL)
		trial_differs(&x->trial, "gave %d", got);
}

/* What an empty ring says. */
static int nothing(const struct pair *x)
{
	return x->m.shut ? -ESHUTDOWN : 0;
}

static void take_first(struct list *m)
{
	m->length--;
	m->received++;
	memmove(m->value, m->value + 1, m->length * sizeof(m->value[0]));
}

static void peek_and_release(struct pair *x)
{
	uint64_t got = ringshm_token_peek(&x->c), want = x->m.length ? x->m.value[0] : 0;

	x->trial.doing = "peek";
	if (got != want || ringshm_token_peek(&x->c) != want)
		trial_differs(&x->trial, "gave %#" PRIx64 ", not %#" PRIx64, got, want);
	if (!got && x->c.status != nothing(x))
		trial_differs(&x->trial, "left status %d, not %d", x->c.status, nothing(x));
	if (!got || x->trial.broken[0] || random_below(&x->random, 2))
		return;
	ringshm_token_release(&x->c);
	take_first(&x->m);
}

static void receive(struct pair *x)
{
	int want = x->m.length ? 0 : x->m.shut ? -ESHUTDOWN : -EAGAIN, got;
	uint64_t value;

	x->trial.doing = "recv";
	got = ringshm_token_recv(&x->c, &value);
	if (got != want)
		trial_differs(&x->trial, "gave %d, not %d", got, want);
	else if (!got && value != x->m.value[0])
		trial_differs(&x->trial, "gave %#" PRIx64 ", not %#" PRIx64, value, x->m.value[0]);
	if (!got && !x->trial.broken[0])
		take_first(&x->m);
}

static void receive_n(struct pair *x)
{
	uint64_t value[RINGSHM_TOKEN_RUN_MAX + 8];
	uint32_t n = 1 + random_below(&x->random, RINGSHM_TOKEN_RUN_MAX + 8);
	int want = x->m.shut ? -ESHUTDOWN : -EAGAIN, got;

	if (x->m.length)
		want = x->m.length < n ? (int)x->m.length : (int)n;
	if (want > (int)RINGSHM_TOKEN_RUN_MAX)
		want = (int)RINGSHM_TOKEN_RUN_MAX;
	x->trial.doing = "recv_n";
	got = ringshm_token_recv_n(&x->c, value, n);
	if (got != want)
		trial_differs(&x->trial, "gave %d, not %d", got, want);
	for (int i = 0; i < got && !x->trial.broken[0]; i++) {
		if (value[i] != x->m.value[0])
			trial_differs(&x->trial, "gave %#" PRIx64 ", not %#" PRIx64, value[i], x->m.value[0]);
		take_first(&x->m);
	}
}

/* Leaving and coming back changes nothing. */
static void reopen(struct pair *x)
{
	bool producer = random_below(&x->random, 2);

	x->trial.doing = "close and open again";
	if (producer && !x->m.shut) {
		ringshm_token_producer_close(&x->p);
		if (ringshm_token_producer_open(&x->p, x->channel))
			trial_differs(&x->trial, "%s", ringshm_last_error());
	} else if (!producer) {
		ringshm_token_consumer_close(&x->c);
		if (ringshm_token_consumer_open(&x->c, x->channel))
			trial_differs(&x->trial, "%s", ringshm_last_error());
	}
}

static void count(struct pair *x)
{
	struct ringshm_info info = {.size = sizeof(info)};

	x->trial.doing = "counting";
	ringshm_info(x->channel, &info);
	if (ringshm_token_producer_used(&x->p) != x->m.length || ringshm_token_consumer_used(&x->c) != x->m.length)
		trial_differs(&x->trial, "%" PRIu64 " and %" PRIu64 " used, not %" PRIu64,
			      ringshm_token_producer_used(&x->p), ringshm_token_consumer_used(&x->c), x->m.length);
	if (info.used != x->m.length || info.tail - info.start_position != x->m.sent ||
	    info.head - info.start_position != x->m.received)
		trial_differs(&x->trial,
			      "info says %" PRIu64 " of %" PRIu64 " sent, %" PRIu64 " of %" PRIu64 " received",
			      info.tail - info.start_position, x->m.sent, info.head - info.start_position,
			      x->m.received);
}

/* ---- sequences ------------------------------------------------------------------------------ */

static void do_something(struct pair *x, uint32_t lean)
{
	switch (random_below(&x->random, 16)) {
	case 0:
		send_nothing(x);
		break;
	case 1:
		count(x);
		break;
	case 2:
		if (!random_below(&x->random, 8))
			reopen(x);
		break;
	default:
		if (random_below(&x->random, 8) < lean)
			send_one(x);
		else if (random_below(&x->random, 2))
			receive(x);
		else if (random_below(&x->random, 8) == 0)
			receive_n(x);
		else
			peek_and_release(x);
	}
}

static bool open_pair(struct pair *x, uint64_t capacity, uint64_t start, uint64_t seed)
{
	struct ringshm_config config;

	memset(x, 0, sizeof(*x));
	x->random = seed;
	x->m.capacity = capacity;
	ringshm_config_init(&config, RINGSHM_TOKEN);
	config.capacity = capacity;
	config.start_position = start;
	if (ringshm_create(&x->channel, NULL, &config) || ringshm_token_producer_open(&x->p, x->channel) ||
	    ringshm_token_consumer_open(&x->c, x->channel)) {
		tap_note("%s", ringshm_last_error());
		return false;
	}
#ifdef RINGSHM_ATOMIC_OVERRIDE
	planted_head = x->c.head_word;
	planted_records = (const unsigned char *)x->c.slots;
	planted_end = planted_records + capacity * sizeof(ringshm_word);
#endif
	return true;
}

static void shut_down(struct pair *x)
{
	x->trial.doing = "shutdown";
	ringshm_shutdown(x->channel);
	x->m.shut = true;
	send_one(x);
	while (x->m.length && !x->trial.broken[0])
		receive(x);
	receive(x);
	count(x);
}

static bool try_ring(uint64_t capacity, uint64_t start, uint64_t seed)
{
	static struct pair x;
	uint32_t lean = 4;

	if (!open_pair(&x, capacity, start, seed))
		return false;
	for (x.trial.step = 0; x.trial.step < STEPS && !x.trial.broken[0]; x.trial.step++) {
		if (x.trial.step % 64 == 0) /* now fuller, now emptier */
			lean = 2 + random_below(&x.random, 5);
		do_something(&x, lean);
	}
	if (!x.trial.broken[0])
		shut_down(&x);
	if (x.trial.broken[0])
		tap_note("%" PRIu64 " slots from position 0x%" PRIx64 ", seed %" PRIu64 ": %s", capacity, start, seed,
			 x.trial.broken);
	ringshm_token_producer_close(&x.p);
	ringshm_token_consumer_close(&x.c);
	ringshm_close(x.channel);
	return !x.trial.broken[0];
}

int main(int argc, char **argv)
{
	static const uint64_t starts[] = {0, UINT64_C(0) - 3, (UINT64_C(1) << 32) - 3};
	uint64_t seed = random_seed();

#ifdef RINGSHM_ATOMIC_OVERRIDE /* built as token_planted FAULT, to be seen to fail */
	if (argc != 2 || !planted_choose(argv[1]))
		return 2;
#else
	(void)argc, (void)argv;
#endif
	for (uint64_t capacity = 2; capacity <= MOST; capacity *= 2) {
		char question[80];
		bool good = true;

		for (int i = 0; i < 3; i++)
			good = try_ring(capacity, starts[i], random_next(&seed)) && good;
		snprintf(question, sizeof(question), "a token ring of %" PRIu64 " slots does what a list does",
			 capacity);
		tap_ok(good, question);
	}
	return tap_done();
}
