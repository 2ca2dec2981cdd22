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
#define CAPACITY 16

struct message {
	uint64_t sender, number, copy[3];
};

/* The ring stands in plain memory: the library maps it anew for every endpoint, and a sanitizer that goes by
 * addresses would see no sharing. */
static struct {
	struct ringshm_line cursor[2], lost[2], repairs[2], state, sleepers;
	struct ringshm_participant lines[2][THREADS];
	struct {
		ringshm_word word;
		struct message message;
	} slot[CAPACITY];
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
	m->base = m->ring.base = (unsigned char *)shared.slot;
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
	for (uint64_t i = 0; i < CAPACITY; i++)
		shared.slot[(start + i) % CAPACITY].word = ringshm__mpmc_f(start + i);
}

/* Single messages and batches in turn, all of it without waiting in the library. */
static void *produce(void *argument)
{
	uint64_t sender = (uint64_t)(uintptr_t)argument;
	struct ringshm_mpmc_producer p = {
		.state = &shared.state.word,
		.sleepers = (const ringshm_word32 *)&shared.sleepers,
		.offset = sizeof(ringshm_word),
		.max_payload = sizeof(struct message),
		.compact = 1,
	};

	join_ring(&p.m, RINGSHM__MPMC_PRODUCERS, sender);
	for (uint64_t number = 0; number < MESSAGES;) {
		uint32_t most = number % 7 ? 1 : 4, n = ringshm_mpmc_reserve_n(&p, most);

		for (uint32_t i = 0; i < n; i++) {
			struct message *message = ringshm_mpmc_room(&p, i);
			uint64_t which = number + i;

			*message = (struct message){sender, which, {which, ~which, which * 3}};
		}
		if (!n)
			sched_yield();
		if (number + n > MESSAGES) { /* the last batch is larger than what is left */
			while (number < MESSAGES && n--) {
				ringshm_mpmc_commit(&p, sizeof(struct message));
				number++;
			}
			ringshm_mpmc_discard(&p);
			break;
		}
		ringshm_mpmc_commit_n(&p, n, sizeof(struct message));
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

static void *consume(void *argument)
{
	uint64_t last[THREADS] = {0};
	struct ringshm_mpmc_consumer c = {
		.state = &shared.state.word,
		.sleepers = (const ringshm_word32 *)&shared.sleepers,
		.offset = sizeof(ringshm_word),
		.max_payload = sizeof(struct message),
		.quarter = ringshm__mpmc_f(CAPACITY / 4),
		.compact = 1,
	};
	uint32_t length;

	join_ring(&c.m, RINGSHM__MPMC_CONSUMERS, (uint64_t)(uintptr_t)argument);
	while (__atomic_load_n(&received, __ATOMIC_RELAXED) < THREADS * (uint64_t)MESSAGES) {
		uint32_t n = ringshm_mpmc_peek_n(&c, 3);

		for (uint32_t i = 0; i < n; i++) {
			const struct message *message = ringshm_mpmc_at(&c, i, &length);

			check(message, length, last);
		}
		if (n)
			ringshm_mpmc_release(&c, n);
		else
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
		.slots = (unsigned char *)shared.slot,
		.slots_size = sizeof(shared.slot),
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
