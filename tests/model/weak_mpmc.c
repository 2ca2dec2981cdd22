// SPDX-License-Identifier: MIT
// mpmc over weak memory: two producers, two consumers, and some of them die anywhere. Every message is accounted for.
#include "weak.h"

#include <string.h>

#include <ringshm/mpmc.h>

#define CAPACITY 4
#define SLOT 128
#define SEATS 6 /* four threads', and two of the main one, which settles the accounts */
#define MESSAGES 8
#define FIRST_CONSUMER 2u
#define DRAIN 4u
#define REFILL 5u
#define LENGTH(producer, i) (8u + (producer)*12u + (i)) /* a message is known by its length */
#define LENGTHS 100u
#define LOSSES_MOST 100u /* more than any run has, and less than the 256 that a look out of order adds */

enum {
	WORD = 1,
	PAYLOAD = 2,
	CURSOR = 4,
	INTENT = 8,
	LOST = 16,
	STATE = 32,
	OTHER = 64
};

static ringshm_word slots[CAPACITY][SLOT / 8], cursor[2], lost[2], repairs[2], channel_state;
static ringshm_word32 no_sleepers;
static struct ringshm_participant lines[2][SEATS];
static struct ringshm_mpmc_producer producers[SEATS];
static struct ringshm_mpmc_consumer consumers[SEATS];
static uint64_t start;
static unsigned int committed, released;
static bool ended;	      /* a consumer has seen the end */
static bool written[LENGTHS]; /* has a payload to look at */
static unsigned char taken[LENGTHS];

static bool is_dead(void *context, unsigned int side, uint32_t id)
{
	(void)context;
	(void)side;
	return id < DRAIN && weak_is_dead(id + 1);
}

static void suspect_consumers(struct ringshm_mpmc_producer *p)
{
	ringshm__mpmc_inspect(&p->m.ring, RINGSHM__MPMC_CONSUMERS, true, is_dead, NULL);
}

static void suspect_producers(struct ringshm_mpmc_consumer *c)
{
	ringshm__mpmc_inspect(&c->m.ring, RINGSHM__MPMC_PRODUCERS, true, is_dead, NULL);
}

/* What anybody may ask at any time: losses never go back or leap, and no whole ring looks broken. */
static void look_around(const struct ringshm__mpmc *m, unsigned int side)
{
	uint64_t count;

	if (weak_random(4))
		return;
	count = ringshm__mpmc_lost(&m->ring, side);
	if (count > LOSSES_MOST)
		weak_fault("%u losses counted", (unsigned int)count);
	if (!ringshm__mpmc_sound(m))
		weak_fault("a whole ring looks broken");
}

/* ---- threads -------------------------------------------------------------------------------- */

static bool send(struct ringshm_mpmc_producer *p, uint32_t len)
{
	static const char bytes[SLOT];

	if (ringshm_mpmc_send(p, bytes, len))
		return false;
	committed++;
	return true;
}

/* How many of the `n` messages from this length on could be sent. */
static uint32_t reserve_and_commit(struct ringshm_mpmc_producer *p, uint32_t len, uint32_t n)
{
	n = ringshm_mpmc_reserve_n(p, n);
	for (uint32_t i = 0; i < n; i++) {
		written[len + i] = true;
		weak_write((ringshm_word *)ringshm_mpmc_room(p, i), len + i);
	}
	for (uint32_t i = 0; i < n; i++) {
		ringshm_mpmc_commit(p, len + i);
		committed++;
	}
	return n;
}

static void produce(unsigned int self)
{
	struct ringshm_mpmc_producer *p = &producers[self - 1];
	uint32_t sent = 0;

	while (sent < MESSAGES && (weak_is_going(3) || weak_is_going(4))) {
		uint32_t len = LENGTH(self - 1, sent);

		look_around(&p->m, weak_random(2));

		if (weak_random(2))
			sent += send(p, len);
		else
			sent += reserve_and_commit(p, len, sent + 1 < MESSAGES ? 1 + weak_random(2) : 1);
	}
	if (weak_is_over(3 - self))					  /* the last one: this is the end */
		weak_store(&channel_state, RINGSHM_STATE_SHUTDOWN, true); /* R5 */
}

static void receive(struct ringshm_mpmc_consumer *c)
{
	char bytes[SLOT];
	uint32_t len;

	if (ringshm_mpmc_recv(c, bytes, sizeof(bytes), &len))
		return;
	released++;
	if (len >= LENGTHS || taken[len]++)
		weak_fault("message %u comes twice, or never was", len);
}

static void look_and_release(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	n = ringshm_mpmc_peek_n(c, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len;
		const void *payload = ringshm_mpmc_at(c, 0, &len);

		if (len >= LENGTHS || taken[len]++)
			weak_fault("message %u comes twice, or never was", len);
		else if (written[len] && weak_read((const ringshm_word *)payload) != len)
			weak_fault("message %u has another one's payload", len);
		ringshm_mpmc_release(c, 1);
		released++;
	}
}

static void consume(unsigned int self)
{
	struct ringshm_mpmc_consumer *c = &consumers[self - 1];

	for (unsigned int idle = 0; idle < 12 && !c->status;
	     idle = weak_is_going(1) || weak_is_going(2) ? 0 : idle + 1) {
		look_around(&c->m, weak_random(2));
		if (weak_random(2))
			receive(c);
		else
			look_and_release(c, 1 + weak_random(2));
	}
	if (c->status && c->status != -ESHUTDOWN)
		weak_fault("a consumer has status %d", c->status);
	ended |= c->status != 0;
}

/* ---- accounts ------------------------------------------------------------------------------- */

static void drain(void)
{
	struct ringshm_mpmc_consumer *c = &consumers[DRAIN];

	for (int i = 0; i < 4 * CAPACITY; i++) {
		suspect_producers(c);
		look_and_release(c, 1);
	}
}

/* A lap of messages, so that every slot that a dead consumer left is crossed and counted. */
static void refill(void)
{
	for (uint32_t i = 0; i < CAPACITY; i++) {
		suspect_consumers(&producers[REFILL]);
		if (!send(&producers[REFILL], LENGTH(REFILL, i)))
			weak_fault("the ring is full though all was released");
		drain();
	}
}

static void settle(void)
{
	const struct ringshm__mpmc_ring *ring = &consumers[DRAIN].m.ring;
	uint64_t lost_produced, lost_consumed, claimed;

	weak_join();
	if (ended && !ringshm__mpmc_drained(&consumers[DRAIN].m))
		weak_fault("the end was seen before all that came before it");
	weak_store(&channel_state, 0, true);
	drain();
	refill();
	lost_produced = ringshm__mpmc_lost(ring, RINGSHM__MPMC_CONSUMERS);
	lost_consumed = ringshm__mpmc_lost(ring, RINGSHM__MPMC_PRODUCERS);
	claimed = (weak_load(&cursor[0], true) >> RINGSHM_MPMC_SHIFT) - (start & (UINT64_MAX >> RINGSHM_MPMC_SHIFT));
	claimed &= UINT64_MAX >> RINGSHM_MPMC_SHIFT;
	if (claimed != committed + lost_produced)
		weak_fault("%u positions claimed, %u committed, %u counted as lost by producers", (unsigned int)claimed,
			   committed, (unsigned int)lost_produced);
	if (committed != released + lost_consumed)
		weak_fault("%u committed, %u released, %u counted as lost by consumers", committed, released,
			   (unsigned int)lost_consumed);
}

static void fill_half(struct ringshm__mpmc *m, unsigned int side, uint32_t id)
{
	memset(m, 0, sizeof(*m));
	for (unsigned int i = 0; i < 2; i++) {
		m->ring.cursor[i] = &cursor[i];
		m->ring.lines[i] = lines[i];
		m->ring.lost[i] = &lost[i];
		m->ring.repairs[i] = &repairs[i];
	}
	m->cursor = &cursor[side];
	m->intent = &lines[side][id].intent;
	m->base = m->ring.base = (unsigned char *)slots;
	m->mask = m->ring.mask = ringshm__mpmc_f(CAPACITY - 1);
	m->stride = m->ring.stride = SLOT;
	m->ring.participants = SEATS;
}

static void fill_endpoints(uint32_t id)
{
	struct ringshm_mpmc_producer *p = &producers[id];
	struct ringshm_mpmc_consumer *c = &consumers[id];

	memset(p, 0, sizeof(*p));
	memset(c, 0, sizeof(*c));
	fill_half(&p->m, RINGSHM__MPMC_PRODUCERS, id);
	fill_half(&c->m, RINGSHM__MPMC_CONSUMERS, id);
	p->state = c->state = &channel_state;
	p->sleepers = c->sleepers = &no_sleepers;
	p->offset = c->offset = 8;
	p->max_payload = c->max_payload = SLOT - 8;
	p->compact = c->compact = 1;
	c->quarter = ringshm__mpmc_f(1);
	p->suspect = suspect_consumers;
	c->suspect = suspect_producers;
}

/* In some runs a producer has died with a whole lap reserved, and was repaired: many losses to count at once. */
static void die_before(void)
{
	for (uint64_t i = 0; i < CAPACITY; i++)
		slots[(start + i) % CAPACITY][0] |= RINGSHM_MPMC_TOMBSTONE;
	cursor[0] = ringshm__mpmc_f(start + CAPACITY);
}

static void prepare(void)
{
	start = weak_random(2) ? 0 : UINT64_MAX - 2;
	memset(slots, 0, sizeof(slots));
	memset(lines, 0, sizeof(lines));
	memset(written, 0, sizeof(written));
	memset(taken, 0, sizeof(taken));
	committed = released = 0;
	ended = false;
	cursor[0] = cursor[1] = ringshm__mpmc_f(start);
	lost[0] = lost[1] = repairs[0] = repairs[1] = channel_state = 0;
	for (uint64_t i = 0; i < CAPACITY; i++)
		slots[(start + i) % CAPACITY][0] = ringshm__mpmc_f(start + i);
	if (!weak_random(3))
		die_before();
	for (uint32_t id = 0; id < SEATS; id++)
		fill_endpoints(id);
}

static void share(void)
{
	for (unsigned int i = 0; i < CAPACITY; i++) {
		weak_words(&slots[i][0], 1, WORD);
		weak_words(&slots[i][1], 1, PAYLOAD);
	}
	weak_words(cursor, 2, CURSOR);
	weak_words(lost, 2, LOST);
	weak_words(repairs, 2, OTHER);
	weak_words(&channel_state, 1, STATE);
	for (unsigned int side = 0; side < 2; side++)
		for (unsigned int id = 0; id < SEATS; id++)
			weak_words(&lines[side][id].intent, 1, INTENT);
}

static void kill_some(void)
{
	for (unsigned int i = weak_random(3); i; i--) {
		unsigned int thread = 1 + weak_random(4);

		weak_kill_at(thread, 1 + weak_random(100));
	}
}

static void run(uint64_t seed, const struct weak_site *weakened)
{
	weak_begin(seed, weakened);
	prepare();
	share();
	for (unsigned int i = 0; i < FIRST_CONSUMER; i++)
		weak_thread(produce);
	for (unsigned int i = 0; i < 2; i++)
		weak_thread(consume);
	kill_some();
	if (!weak_run())
		weak_fault("the survivors get nowhere");
	if (!weak_faulted())
		settle();
}

#define ANY (~0u)

static const struct weak_site sites[] = {
	{"A1", WEAK_LOAD, WORD, ANY},	 {"R2", WEAK_STORE, WORD, ANY},	 {"R3", WEAK_SWAP, WORD, ANY},
	{"A2", WEAK_LOAD, CURSOR, ANY},	 {"R1", WEAK_SWAP, CURSOR, ANY}, {"A3", WEAK_LOAD, INTENT, ANY},
	{"R0", WEAK_STORE, INTENT, ANY}, {"A4", WEAK_LOAD, LOST, ANY},	 {"R4", WEAK_SWAP, LOST, ANY},
	{"A5", WEAK_LOAD, STATE, ANY},	 {"R5", WEAK_STORE, STATE, ANY},
};

const struct weak_case weak_mpmc = {"mpmc", 20000, run, sites, sizeof(sites) / sizeof(sites[0])};
