/* SPDX-License-Identifier: MIT */
/* One spsc ring between two threads, for ThreadSanitizer; with a name of a fault as argument, over planted atomics. */
#include <pthread.h>
#include <sched.h>

#include <ringshm/spsc.h>

#include "random.h"
#include "tap.h"

#define CAPACITY 256
#define RECORDS 40000

/* The ring stands in plain memory: the library maps it anew for every endpoint, and a sanitizer that goes by
 * addresses would see no sharing. */
static struct {
	struct ringshm_line state, tail, head, credit;
	struct ringshm_participant self[2];
	ringshm_word records[CAPACITY / 8];
} shared;

/* Records i, i + 1, ... of one word, as many as fit now; how many. */
static uint64_t send_run(struct ringshm_spsc_producer *p, uint64_t i)
{
	uint64_t words[3] = {i, i + 1, i + 2};
	uint32_t n = RECORDS - i < 3 ? (uint32_t)(RECORDS - i) : 3;
	int sent;

	while ((sent = ringshm_spsc_send_n(p, words, 8, n)) < 0)
		sched_yield();
	return (uint64_t)sent;
}

/* The same on the other side; 0: nothing there, or something longer. */
static uint64_t receive_run(struct ringshm_spsc_consumer *c, uint64_t i, uint64_t *wrong)
{
	uint64_t words[3];
	int got = ringshm_spsc_recv_n(c, words, 8, 3);

	for (int k = 0; k < got; k++)
		*wrong += words[k] != i + (uint64_t)k;
	return got < 0 ? 0 : (uint64_t)got;
}

static void *produce(void *unused)
{
	struct ringshm_spsc_producer p = {.base = (unsigned char *)shared.records, .capacity = CAPACITY};
	uint64_t seed = 1;

	(void)unused;
	p.limit = CAPACITY;
	p.state = &shared.state.word;
	p.tail_word = &shared.tail.word;
	p.head_word = &shared.head.word;
	p.credit_word = &shared.credit.word;
	p.overhead = 8;
	p.round = 7;
	p.max_payload = ringshm_spsc_max_payload(CAPACITY, 8);
	p.self = &shared.self[0];
	for (uint64_t i = 0; i < RECORDS;) {
		uint32_t length = 8 + random_below(&seed, 8) * 8;
		uint64_t *room;

		if (i % 8 == 7) {
			i += send_run(&p, i);
			continue;
		}
		while (!(room = (uint64_t *)ringshm_spsc_reserve(&p, length)))
			sched_yield();
		for (uint32_t k = 0; k < length / 8; k++)
			room[k] = i; /* plain stores: a race if an ordering is missing */
		ringshm_spsc_commit_more(&p, length);
		if (i++ % 3 == 0)
			ringshm_spsc_flush(&p);
	}
	ringshm_spsc_flush(&p);
	return NULL;
}

static void *consume(void *argument)
{
	struct ringshm_spsc_consumer c = {.base = (unsigned char *)shared.records, .capacity = CAPACITY};
	uint64_t *wrong = (uint64_t *)argument;

	c.state = &shared.state.word;
	c.tail_word = &shared.tail.word;
	c.head_word = &shared.head.word;
	c.credit_word = &shared.credit.word;
	c.overhead = 8;
	c.round = 7;
	c.max_payload = ringshm_spsc_max_payload(CAPACITY, 8);
	c.self = &shared.self[1];
	for (uint64_t i = 0; i < RECORDS;) {
		const uint64_t *payload;
		uint32_t length;

		i += receive_run(&c, i, wrong);
		payload = i < RECORDS ? (const uint64_t *)ringshm_spsc_peek(&c, &length) : NULL;
		if (!payload) {
			sched_yield();
			continue;
		}
		for (uint32_t k = 0; k < length / 8; k++)
			*wrong += payload[k] != i;
		ringshm_spsc_release(&c, 1);
		i++;
	}
	return NULL;
}

#ifdef PLANTED
static bool choose(int argc, char **argv)
{
	planted_records = (const unsigned char *)shared.records;
	planted_end = planted_records + sizeof(shared.records);
	planted_credit = &shared.credit.word;
	planted_head = &shared.head.word;
	return argc < 2 || planted_choose(argv[1]);
}
#else
static bool choose(int argc, char **argv)
{
	(void)argv;
	return argc < 2;
}
#endif

int main(int argc, char **argv)
{
	uint64_t wrong = 0;
	pthread_t side[2];

	if (!choose(argc, argv))
		return 2;
	pthread_create(&side[0], NULL, produce, NULL);
	pthread_create(&side[1], NULL, consume, &wrong);
	for (int i = 0; i < 2; i++)
		pthread_join(side[i], NULL);
	tap_ok(wrong == 0, "every word of every record arrives, without a race");
	return tap_done();
}
