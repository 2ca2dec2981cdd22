// SPDX-License-Identifier: MIT
// token over weak memory: each value stands for a place that both sides use plainly.
#include "weak.h"

#include <string.h>

#include <ringshm/token.h>

#define SLOTS 2
#define VALUES 10
#define PRODUCER 1u
#define CONSUMER 2u

enum {
	SLOT = 1,
	TAIL = 2,
	HEAD = 4,
	STATE = 8,
	PLACE = 16
};

static ringshm_word slots[SLOTS], place[SLOTS], tail, head, channel_state;
static struct ringshm_participant line;
static struct ringshm_token_producer p;
static struct ringshm_token_consumer c;

/* A place is the producer's again when its slot is: so it waits for the slot, writes the place, sends. */
static void produce(unsigned int self)
{
	(void)self;
	for (uint64_t i = 0; i < VALUES; i++) {
		while (weak_load(&slots[i % SLOTS], true)) /* A1, as the send that follows */
			;
		weak_write(&place[i % SLOTS], i + 1);
		while (ringshm_token_send(&p, i + 1) == -EAGAIN)
			;
	}
	weak_store(&channel_state, RINGSHM_STATE_SHUTDOWN, true); /* R5 */
}

static void consume(unsigned int self)
{
	uint64_t i = 0, value;

	(void)self;
	while (!weak_faulted() && !c.status) {
		value = ringshm_token_peek(&c);
		if (!value)
			continue;
		if (value != i + 1)
			weak_fault("value %u is %u", (unsigned int)i + 1, (unsigned int)value);
		else if (weak_read(&place[i % SLOTS]) != value)
			weak_fault("the place of value %u holds something else", (unsigned int)value);
		ringshm_token_release(&c);
		i++;
	}
	if (c.status != -ESHUTDOWN || i != VALUES)
		weak_fault("the end was seen after %u values of %u, status %d", (unsigned int)i, VALUES, c.status);
}

static void prepare(void)
{
	memset(slots, 0, sizeof(slots));
	memset(&p, 0, sizeof(p));
	memset(&c, 0, sizeof(c));
	memset(place, 0, sizeof(place));
	tail = head = channel_state = 0;
	p.mask = c.mask = SLOTS - 1;
	p.slots = c.slots = slots;
	p.state = c.state = &channel_state;
	p.tail_word = &tail;
	c.tail_word = &tail;
	p.head_word = &head;
	c.head_word = &head;
	p.self = c.self = &line;
}

static void run(uint64_t seed, const struct weak_site *weakened)
{
	weak_begin(seed, weakened);
	prepare();
	weak_words(slots, SLOTS, SLOT);
	weak_words(&tail, 1, TAIL);
	weak_words(&head, 1, HEAD);
	weak_words(&channel_state, 1, STATE);
	weak_words(place, SLOTS, PLACE);
	weak_thread(produce);
	weak_thread(consume);
	weak_run();
}

static const struct weak_site sites[] = {
	{"A1", WEAK_LOAD, SLOT, 1u << PRODUCER},  {"R2", WEAK_STORE, SLOT, 1u << CONSUMER},
	{"A2", WEAK_LOAD, SLOT, 1u << CONSUMER},  {"R1", WEAK_STORE, SLOT, 1u << PRODUCER},
	{"A5", WEAK_LOAD, STATE, 1u << CONSUMER}, {"R5", WEAK_STORE, STATE, 1u << PRODUCER},
};

const struct weak_case weak_token = {"token", 4000, run, sites, sizeof(sites) / sizeof(sites[0])};
