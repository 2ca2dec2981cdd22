// SPDX-License-Identifier: MIT
// Many threads on one mpmc ring: every message once, whole, in its sender's order? Also for ThreadSanitizer.
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <ringshm/mpmc.h>

#include "tap.h"

#define THREADS 3 /* a side */
#define MESSAGES 20000u
#define ORDER 4u
#define CAPACITY (1u << ORDER)
#define BATCH 4u

struct message {
	uint64_t sender, number, copy[3];
};

/* The ring stands in plain memory: the library maps it anew for every endpoint, and a sanitizer that goes by
 * addresses would see no sharing. */
static struct {
	struct ringshm_line cursor[2], lost[2], repairs[2], state, sleepers;
	struct ringshm_participant lines[2][THREADS];
	ringshm_word verdicts[CAPACITY];
	ringshm_word16 states[CAPACITY];
	struct message slot[CAPACITY];
} shared;

static unsigned char seen[THREADS][MESSAGES];
static uint64_t received, wrong;

static void count(uint64_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static void join_ring(struct ringshm__mpmc *m, unsigned int side, uint64_t id)
{
	for (int i = 0; i < 2; i++) {
		m->ring.cursor[i] = &shared.cursor[i].word;
		m->ring.lines[i] = shared.lines[i];
		m->ring.lost[i] = &shared.lost[i].word;
		m->ring.repairs[i] = &shared.repairs[i].word;
	}
	m->states = m->ring.states = shared.states;
	m->ring.verdicts = shared.verdicts;
	m->slots = m->ring.slots = (unsigned char *)shared.slot;
	m->order = m->ring.order = ORDER;
	m->mask = m->ring.mask = ringshm__mpmc_f(CAPACITY - 1);
	m->stride = m->ring.stride = sizeof(shared.slot[0]);
	m->ring.participants = THREADS;
	m->cursor = m->ring.cursor[side];
	m->intent = &shared.lines[side][id].intent;
}

static void make_ring(void)
{
	const uint64_t start = UINT64_C(0) - 3;

	shared.cursor[0].word = shared.cursor[1].word = ringshm__mpmc_f(start);
	for (uint64_t i = 0; i < CAPACITY; i++) {
		uint64_t f = ringshm__mpmc_f(start + i);

		shared.states[(start + i) % CAPACITY] = ringshm__mpmc_lap(ORDER, f);
		shared.verdicts[(start + i) % CAPACITY] = f - ringshm__mpmc_f(CAPACITY);
	}
}

static struct message message_of(uint64_t sender, uint64_t number)
{
	return (struct message){sender, number, {number, ~number, number * 3}};
}

/* Up to `n` messages, by one claim and in place. How many. */
static uint32_t fill_and_commit(struct ringshm_mpmc_producer *p, uint64_t sender, uint64_t number, uint32_t n)
{
	uint32_t got = ringshm_mpmc_reserve_n(p, n);

	for (uint32_t i = 0; i < got; i++)
		*(struct message *)ringshm_mpmc_room(p, i) = message_of(sender, number + i);
	if (got > 1 && number % 3 == 0) { /* the last one is given up, and sent again */
		ringshm_mpmc_commit_n(p, --got, sizeof(struct message));
		ringshm_mpmc_discard(p);
	} else {
		ringshm_mpmc_commit_n(p, got, sizeof(struct message));
	}
	return got;
}

/* The same with copies. */
static uint32_t send_copies(struct ringshm_mpmc_producer *p, uint64_t sender, uint64_t number, uint32_t n)
{
	struct message copy[BATCH];
	int got;

	for (uint32_t i = 0; i < n; i++)
		copy[i] = message_of(sender, number + i);
	if (n == 1)
		return !ringshm_mpmc_send(p, copy, sizeof(*copy));
	got = ringshm_mpmc_send_n(p, copy, sizeof(*copy), n);
	return got > 0 ? (uint32_t)got : 0;
}

/* Single messages and batches in turn, all of it without waiting in the library. */
static void *produce(void *argument)
{
	uint64_t sender = (uint64_t)(uintptr_t)argument;
	struct ringshm_mpmc_producer p = {
		.state = &shared.state.word,
		.sleepers = (const ringshm_word32 *)&shared.sleepers,
		.max_payload = sizeof(struct message),
		.compact = 1,
	};

	join_ring(&p.m, RINGSHM__MPMC_PRODUCERS, sender);
	for (uint64_t number = 0; number < MESSAGES;) {
		uint32_t most = number % 7 ? 1 : BATCH, n;

		if (most > MESSAGES - number)
			most = (uint32_t)(MESSAGES - number);
		n = number % 16 < 8 ? fill_and_commit(&p, sender, number, most) : send_copies(&p, sender, number, most);
		if (!n)
			sched_yield();
		number += n;
	}
	return NULL;
}

static void check(const struct message *message, uint32_t length, uint64_t last[static THREADS])
{
	uint64_t number = message->number;

	count(&received);
	if (length != sizeof(*message) || message->sender >= THREADS || number >= MESSAGES ||
	    message->copy[0] != number || message->copy[1] != ~number || message->copy[2] != number * 3) {
		count(&wrong);
		return;
	}
	if (number + 1 <= last[message->sender] ||
	    __atomic_exchange_n(&seen[message->sender][number], 1, __ATOMIC_RELAXED))
		count(&wrong);
	last[message->sender] = number + 1;
}

/* Up to `n` messages, looked at in place. How many. */
static uint32_t look_and_release(struct ringshm_mpmc_consumer *c, uint32_t n, uint64_t last[static THREADS])
{
	uint32_t got = ringshm_mpmc_peek_n(c, n), length;

	for (uint32_t i = 0; i < got; i++) {
		const struct message *message = ringshm_mpmc_at(c, i, &length);

		check(message, length, last);
	}
	ringshm_mpmc_release(c, got);
	return got;
}

/* The same with copies. */
static uint32_t receive_copies(struct ringshm_mpmc_consumer *c, uint32_t n, uint64_t last[static THREADS])
{
	struct message copy[BATCH];
	uint32_t length = sizeof(*copy);
	int got = n == 1 ? !ringshm_mpmc_recv(c, copy, sizeof(*copy), &length) :
			   ringshm_mpmc_recv_n(c, copy, sizeof(*copy), n);

	for (int i = 0; i < got; i++)
		check(&copy[i], length, last);
	return got > 0 ? (uint32_t)got : 0;
}

static void *consume(void *argument)
{
	uint64_t last[THREADS] = {0};
	struct ringshm_mpmc_consumer c = {
		.state = &shared.state.word,
		.sleepers = (const ringshm_word32 *)&shared.sleepers,
		.max_payload = sizeof(struct message),
		.quarter = ringshm__mpmc_f(CAPACITY / 4),
		.compact = 1,
	};

	join_ring(&c.m, RINGSHM__MPMC_CONSUMERS, (uint64_t)(uintptr_t)argument);
	for (uint32_t turn = 0; __atomic_load_n(&received, __ATOMIC_RELAXED) < THREADS * (uint64_t)MESSAGES; turn++) {
		uint32_t n = 1 + turn % BATCH;

		if (!(turn / BATCH % 2 ? look_and_release(&c, n, last) : receive_copies(&c, n, last)))
			sched_yield();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[2 * THREADS];

	make_ring();
#ifdef RINGSHM_ATOMIC_OVERRIDE /* built as mpmc_threads_planted FAULT, to be seen to fail */
	if (argc != 2 || !planted_choose(argv[1]))
		return 2;
	planted_add(&(struct planted_ring){
		.cursor = {&shared.cursor[0].word, &shared.cursor[1].word},
		.lines = {(unsigned char *)shared.lines[0], (unsigned char *)shared.lines[1]},
		.lines_size = sizeof(shared.lines[0]),
		.states = (const unsigned char *)shared.states,
		.states_size = sizeof(shared.states),
	});
#else
	(void)argc, (void)argv;
#endif
	for (uintptr_t i = 0; i < 2 * THREADS; i++)
		if (pthread_create(&thread[i], NULL, i % 2 ? consume : produce, (void *)(i / 2)))
			return 2;
	for (int i = 0; i < 2 * THREADS; i++)
		pthread_join(thread[i], NULL);
	tap_note("%" PRIu64 " received, %" PRIu64 " wrong", received, wrong);
	tap_ok(received == THREADS * (uint64_t)MESSAGES && !wrong,
	       "three producers' messages reach three consumers once, whole and in order");
	return tap_done();
}
