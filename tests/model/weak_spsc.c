// SPDX-License-Identifier: MIT
// spsc over weak memory: records of three lengths, batches, a shutdown at the end.
#include "weak.h"

#include <string.h>

#include <ringshm/spsc.h>

#define CAPACITY 64
#define RECORDS 10
#define PRODUCER 1u
#define CONSUMER 2u

enum {
	DATA = 1,
	CREDIT = 2,
	TAIL = 4,
	HEAD = 8,
	STATE = 16
};

static ringshm_word data[CAPACITY / 8], credit, tail, head, channel_state;
static struct ringshm_participant line;
static struct ringshm_spsc_producer p;
static struct ringshm_spsc_consumer c;

static uint64_t content(uint32_t record, uint32_t word)
{
	return (uint64_t)(record + 1) << 8 | word;
}

static void fill(void *payload, uint32_t record, uint32_t words)
{
	for (uint32_t i = 0; i < words; i++)
		weak_write((ringshm_word *)payload + i, content(record, i));
}

static void produce(unsigned int self)
{
	(void)self;
	for (uint32_t i = 0; i < RECORDS; i++) {
		uint32_t words = weak_random(3);
		void *payload;

		while (!(payload = ringshm_spsc_reserve(&p, words * 8)))
			;
		fill(payload, i, words);
		if (weak_random(3))
			ringshm_spsc_commit_typed(&p, words * 8, (uint16_t)i, 0);
		else
			ringshm_spsc_commit_more_typed(&p, words * 8, (uint16_t)i, 0);
	}
	ringshm_spsc_flush(&p);
	weak_store(&channel_state, RINGSHM_STATE_SHUTDOWN, true); /* R5 */
}

static void check(const void *payload, uint32_t len, uint32_t record)
{
	if (len % 8 || len > 16 || ringshm_spsc_type(&c) != record)
		weak_fault("record %u arrives with length %u as record %u", record, len, ringshm_spsc_type(&c));
	for (uint32_t i = 0; i < len / 8 && !weak_faulted(); i++)
		if (weak_read((const ringshm_word *)payload + i) != content(record, i))
			weak_fault("record %u, word %u: wrong", record, i);
}

static void consume(unsigned int self)
{
	uint32_t record = 0, shown = 0, len;

	(void)self;
	while (!weak_faulted() && !c.status) {
		const void *payload = shown ? ringshm_spsc_peek_next(&c, &len) : ringshm_spsc_peek(&c, &len);

		if (payload) {
			check(payload, len, record++);
			shown++;
		}
		if (shown && (!payload || weak_random(2))) {
			ringshm_spsc_release(&c, shown);
			shown = 0;
		}
	}
	if (c.status != -ESHUTDOWN)
		weak_fault("the consumer's status is %d", c.status);
	if (record != RECORDS)
		weak_fault("the end was seen after %u records of %u", record, RECORDS);
}

static void prepare(void)
{
	uint64_t start = weak_random(2) * (UINT64_MAX - 31);

	memset(data, 0, sizeof(data));
	memset(&p, 0, sizeof(p));
	memset(&c, 0, sizeof(c));
	credit = tail = head = start;
	channel_state = 0;
	p.base = (unsigned char *)data;
	c.base = (const unsigned char *)data;
	p.capacity = c.capacity = CAPACITY;
	p.state = c.state = &channel_state;
	p.tail_word = &tail;
	p.credit_word = &credit;
	p.head_word = c.head_word = &head;
	c.credit_word = &credit;
	c.tail_word = &tail;
	p.self = c.self = &line;
	p.overhead = c.overhead = 8;
	p.round = c.round = 7;
	p.max_payload = c.max_payload = ringshm_spsc_max_payload(CAPACITY, 8);
	p.tail = c.head = c.next = c.credit = start;
	p.limit = start + CAPACITY;
}

static void run(uint64_t seed, const struct weak_site *weakened)
{
	weak_begin(seed, weakened);
	prepare();
	weak_words(data, CAPACITY / 8, DATA);
	weak_words(&credit, 1, CREDIT);
	weak_words(&tail, 1, TAIL);
	weak_words(&head, 1, HEAD);
	weak_words(&channel_state, 1, STATE);
	weak_thread(produce);
	weak_thread(consume);
	weak_run();
}

static const struct weak_site sites[] = {
	{"A1", WEAK_LOAD, DATA, 1u << CONSUMER},   {"R1", WEAK_STORE, DATA, 1u << PRODUCER},
	{"A2", WEAK_LOAD, CREDIT, 1u << PRODUCER}, {"R2", WEAK_STORE, CREDIT, 1u << CONSUMER},
	{"A4", WEAK_LOAD, HEAD, 1u << PRODUCER},   {"R4", WEAK_STORE, HEAD, 1u << CONSUMER},
	{"A5", WEAK_LOAD, STATE, 1u << CONSUMER},  {"R5", WEAK_STORE, STATE, 1u << PRODUCER},
};

const struct weak_case weak_spsc = {"spsc", 4000, run, sites, sizeof(sites) / sizeof(sites[0])};
