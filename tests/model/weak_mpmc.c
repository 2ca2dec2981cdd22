// SPDX-License-Identifier: MIT
// mpmc over weak memory: two producers, two consumers, and some of them die anywhere. Every message is accounted for.
#include "weak.h"

#include <string.h>

/* Payloads that the headers copy are looked at like those that this test writes and reads itself. */
#define memcpy weak_copy
#include <ringshm/mpmc.h>
#undef memcpy

#define CAPACITY_MOST 8u
#define SEATS 6 /* four threads', and two of the main one, which settles the accounts */
#define FIRST_CONSUMER 2u
#define DRAIN 4u
#define REFILL 5u
#define BATCH 5u
#define PLAIN 8u    /* bytes of a message in a batch of equal ones */
#define LONGEST 64u /* bytes of any message; its first word is its number, which is all that memory here keeps */
#define EACH 64u    /* numbers of one producer */
#define NUMBERS (SEATS * EACH)
#define LOSSES_MOST 100u /* more than any run has, and less than the 256 that a look out of order adds */

enum {
	STATES = 1,
	PAYLOAD = 2,
	CURSOR = 4,
	INTENT = 8,
	LOST = 16,
	STATE = 32,
	VERDICT = 64,
	OTHER = 128
};

static ringshm_word16 states[CAPACITY_MOST];
static ringshm_word verdicts[CAPACITY_MOST], slots[CAPACITY_MOST][2], cursor[2], lost[2], repairs[2], channel_state;
static ringshm_word32 no_sleepers;
static struct ringshm_participant lines[2][SEATS];
static struct ringshm_mpmc_producer producers[SEATS];
static struct ringshm_mpmc_consumer consumers[SEATS];
static uint32_t order, capacity, quota; /* quota: messages of one producer */
static uint64_t start;			/* f */
static unsigned int chased;		/* a thread that is away while the others go round and round; 0: none */
static unsigned int committed, discarded, released, passed;
static unsigned int marked; /* losses of consumers that died before it all began */
static bool compact, ended; /* ended: a consumer has seen the end */
static uint32_t length_of[NUMBERS];
static unsigned char taken[NUMBERS];
static uint32_t newest[SEATS][SEATS]; /* by consumer and producer: the number taken last, plus 1 */

static bool is_dead(void *context, unsigned int side, uint32_t id)
{
	(void)context;
	(void)side;
	return id < DRAIN && weak_is_dead(id + 1);
}

static void stop_soon(void)
{
	if (!weak_random(24))
		weak_stop_before(1 + weak_random(20), weak_random(1500));
}

static void stop_if_chased(unsigned int self)
{
	if (self == chased)
		weak_stop_before(1 + weak_random(50), 500 + weak_random(1500));
}

static void repair(const struct ringshm__mpmc *m, unsigned int side)
{
	stop_soon();
	if (ringshm__mpmc_inspect(&m->ring, side, true, is_dead, NULL).worn)
		weak_fault("a slot is worn out");
}

static void suspect_consumers(struct ringshm_mpmc_producer *p)
{
	repair(&p->m, RINGSHM__MPMC_CONSUMERS);
}

static void suspect_producers(struct ringshm_mpmc_consumer *c)
{
	repair(&c->m, RINGSHM__MPMC_PRODUCERS);
}

/* What anybody may ask at any time: losses never go back or leap, no whole ring looks broken, and nobody alive is
 * taken for dead. */
static void look_around(const struct ringshm__mpmc *m, unsigned int side)
{
	uint64_t count;

	stop_soon();
	if (weak_random(4))
		return;
	repair(m, side);
	count = ringshm__mpmc_lost(&m->ring, side);
	if (count > LOSSES_MOST)
		weak_fault("%u losses counted", (unsigned int)count);
	if (!ringshm__mpmc_sound(m))
		weak_fault("a whole ring looks broken");
}

/* Somebody has handed a slot over: the books are kept here, so that who dies right behind that has still done it. */
static void handed_over(uint64_t old, uint64_t v)
{
	uint16_t before = (uint16_t)(old - (v - RINGSHM__MPMC_LAP));

	if ((v & RINGSHM_MPMC_LOW) >= RINGSHM_MPMC_DISCARDED)
		discarded++;
	else if ((v & RINGSHM_MPMC_LOW) >= RINGSHM_MPMC_READY)
		committed++;
	else if (before >= RINGSHM_MPMC_READY && before < RINGSHM_MPMC_DISCARDED)
		released++;
	else
		passed++;
}

/* ---- producers ------------------------------------------------------------------------------ */

static uint32_t some_length(void)
{
	return weak_random(2) ? PLAIN : PLAIN + weak_random(LONGEST - PLAIN);
}

/* One after the other: all but the first perhaps by what the first one's look has shown. */
static uint32_t send_some(struct ringshm_mpmc_producer *p, uint32_t number, uint32_t n)
{
	uint32_t sent;

	for (sent = 0; sent < n; sent++) {
		ringshm_word message[LONGEST / 8] = {number + sent};
		uint32_t len = length_of[number + sent] = some_length();

		if (ringshm_mpmc_send(p, message, len))
			break;
	}
	return sent;
}

static uint32_t send_batch(struct ringshm_mpmc_producer *p, uint32_t number, uint32_t n)
{
	ringshm_word message[BATCH];
	int sent;

	for (uint32_t i = 0; i < n; i++) {
		message[i] = number + i;
		length_of[number + i] = PLAIN;
	}
	sent = ringshm_mpmc_send_n(p, message, PLAIN, n);
	return sent > 0 ? (uint32_t)sent : 0;
}

/* In place, each of its own length or all of one; perhaps the last one is given up. */
static uint32_t reserve_and_commit(struct ringshm_mpmc_producer *p, uint32_t number, uint32_t n)
{
	bool equal = weak_random(2);

	n = ringshm_mpmc_reserve_n(p, n);
	for (uint32_t i = 0; i < n; i++) {
		length_of[number + i] = equal ? PLAIN : some_length();
		weak_write((ringshm_word *)ringshm_mpmc_room(p, i), number + i);
	}
	if (n && !weak_random(8))
		n--;
	if (equal)
		ringshm_mpmc_commit_n(p, n, PLAIN);
	for (uint32_t i = 0; i < n && !equal; i++)
		ringshm_mpmc_commit(p, length_of[number + i]);
	ringshm_mpmc_discard(p);
	return n;
}

static uint32_t put(struct ringshm_mpmc_producer *p, uint32_t number, uint32_t n)
{
	switch (weak_random(3)) {
	case 0:
		return send_some(p, number, n);
	case 1:
		return send_batch(p, number, n);
	default:
		return reserve_and_commit(p, number, n);
	}
}

static void produce(unsigned int self)
{
	struct ringshm_mpmc_producer *p = &producers[self - 1];
	uint32_t sent = 0;

	stop_if_chased(self);
	while (sent < quota && (weak_is_going(3) || weak_is_going(4))) {
		uint32_t n = 1 + weak_random(BATCH);

		look_around(&p->m, weak_random(2));
		sent += put(p, (self - 1) * EACH + sent, n < quota - sent ? n : quota - sent);
	}
	if (weak_is_over(3 - self))					  /* the last one: this is the end */
		weak_store(&channel_state, RINGSHM_STATE_SHUTDOWN, true); /* R5 */
}

/* ---- consumers ------------------------------------------------------------------------------ */

static void check(const struct ringshm_mpmc_consumer *c, uint64_t number, uint32_t len)
{
	uint32_t *last;

	if (number >= NUMBERS || taken[number]++) {
		weak_fault("message %u comes twice, or never was", (unsigned int)number);
		return;
	}
	if (len != length_of[number])
		weak_fault("message %u has %u bytes, not %u", (unsigned int)number, len, length_of[number]);
	last = &newest[c - consumers][number / EACH];
	if (number < *last)
		weak_fault("message %u comes behind number %u", (unsigned int)number, *last - 1);
	*last = (uint32_t)number + 1;
}

static void receive_some(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	ringshm_word message[LONGEST / 8];
	uint32_t len;

	while (n-- && !ringshm_mpmc_recv(c, message, sizeof(message), &len))
		check(c, message[0], len);
}

static void receive_batch(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	ringshm_word message[BATCH];
	int got = ringshm_mpmc_recv_n(c, message, PLAIN, n);

	for (int i = 0; i < got; i++)
		check(c, message[i], PLAIN);
}

static void look_and_release(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	n = ringshm_mpmc_peek_n(c, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len;
		const void *payload = ringshm_mpmc_at(c, 0, &len);

		check(c, weak_read((const ringshm_word *)payload), len);
		ringshm_mpmc_release(c, 1);
	}
}

/* Several held, and given back at once. */
static void look_further(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	const void *payload;
	uint32_t len;

	look_and_release(c, 0);
	for (; n && (payload = ringshm_mpmc_peek_next(c, &len)); n--)
		check(c, weak_read((const ringshm_word *)payload), len);
	ringshm_mpmc_release(c, BATCH);
}

static void take(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	switch (weak_random(4)) {
	case 0:
		return receive_some(c, n);
	case 1:
		return receive_batch(c, n);
	case 2:
		return look_further(c, n);
	default:
		return look_and_release(c, n);
	}
}

static void consume(unsigned int self)
{
	struct ringshm_mpmc_consumer *c = &consumers[self - 1];

	stop_if_chased(self);
	for (unsigned int idle = 0; idle < 12 && !c->status;
	     idle = weak_is_going(1) || weak_is_going(2) ? 0 : idle + 1) {
		look_around(&c->m, weak_random(2));
		take(c, 1 + weak_random(BATCH));
	}
	look_and_release(c, 0); /* what was held, being of another length */
	if (c->status && c->status != -ESHUTDOWN)
		weak_fault("a consumer has status %d", c->status);
	ended |= c->status != 0;
}

/* ---- accounts ------------------------------------------------------------------------------- */

static void drain(void)
{
	struct ringshm_mpmc_consumer *c = &consumers[DRAIN];

	for (uint32_t i = 0; i < 4 * capacity; i++) {
		suspect_producers(c);
		look_and_release(c, 1);
	}
}

/* A lap of messages, so that every slot that a dead consumer left is crossed and counted. */
static void refill(void)
{
	for (uint32_t i = 0; i < capacity; i++) {
		suspect_consumers(&producers[REFILL]);
		if (!send_some(&producers[REFILL], REFILL * EACH + i, 1))
			weak_fault("the ring is full though all was released");
		drain();
	}
}

static unsigned int claimed(unsigned int side)
{
	return (unsigned int)(((weak_load(&cursor[side], true) & ~RINGSHM_MPMC_LOW) - start) >> RINGSHM_MPMC_SHIFT);
}

static void settle(void)
{
	const struct ringshm__mpmc_ring *ring = &consumers[DRAIN].m.ring;
	unsigned int lost_produced, lost_consumed;

	weak_join();
	if (ended && !ringshm__mpmc_drained(&consumers[DRAIN].m))
		weak_fault("the end was seen before all that came before it");
	weak_store(&channel_state, 0, true);
	drain();
	refill();
	lost_produced = (unsigned int)ringshm__mpmc_lost(ring, RINGSHM__MPMC_CONSUMERS);
	lost_consumed = (unsigned int)ringshm__mpmc_lost(ring, RINGSHM__MPMC_PRODUCERS);
	if (claimed(0) != committed + discarded + lost_produced)
		weak_fault("%u positions claimed, %u committed, %u discarded, %u counted as lost by producers",
			   claimed(0), committed, discarded, lost_produced);
	if (committed + marked != released + lost_consumed)
		weak_fault("%u committed, %u marked before, %u released, %u counted as lost by consumers", committed,
			   marked, released, lost_consumed);
	/* who dies may have repaired and not counted it */
	if (weak_load(&repairs[0], true) > lost_produced ||
	    weak_load(&repairs[1], true) > claimed(1) - released - passed)
		weak_fault("more positions repaired than anybody left");
}

/* ---- before it begins ----------------------------------------------------------------------- */

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
	m->states = m->ring.states = states;
	m->ring.verdicts = verdicts;
	m->slots = m->ring.slots = (unsigned char *)slots;
	m->mask = m->ring.mask = ringshm__mpmc_f(capacity - 1);
	m->order = m->ring.order = order;
	m->stride = m->ring.stride = sizeof(slots[0]);
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
	p->offset = c->offset = compact ? 0 : 8;
	p->max_payload = c->max_payload = LONGEST;
	p->compact = c->compact = compact;
	c->quarter = ringshm__mpmc_f(1);
	p->suspect = suspect_consumers;
	c->suspect = suspect_producers;
}

/* What the slots hold for the first lap, and whose state is how old. */
static void fill_slots(uint16_t state, uint64_t verdict)
{
	for (uint32_t i = 0; i < capacity; i++) {
		uint64_t f = start + ringshm__mpmc_f(i), index = ringshm__mpmc_index(ringshm__mpmc_f(capacity - 1), f);

		states[index] = (uint16_t)(ringshm__mpmc_lap(order, f) + state);
		verdicts[index] = f + verdict;
	}
}

/* In some runs others have died before, with a whole lap in their hands: many losses to count at once. */
static void die_before(void)
{
	const uint16_t lap_before = (uint16_t)-RINGSHM__MPMC_LAP;

	switch (weak_random(6)) {
	case 0: /* producers, and consumers have yet to pass what they left */
		fill_slots(RINGSHM_MPMC_FREE, RINGSHM_MPMC_TOMBSTONE);
		cursor[0] += ringshm__mpmc_f(capacity);
		repairs[0] = capacity;
		break;
	case 1: /* consumers, with a lap of messages */
		fill_slots((uint16_t)(lap_before + RINGSHM_MPMC_READY + PLAIN), RINGSHM_MPMC_FREED);
		marked = capacity;
		break;
	case 2: /* producers, and then consumers who had just passed that */
		fill_slots(lap_before + RINGSHM_MPMC_FREE, RINGSHM_MPMC_RETURNED + 1);
		break;
	default:
		fill_slots(RINGSHM_MPMC_FREE, UINT64_C(0) - ringshm__mpmc_f(capacity));
	}
}

static void prepare(void)
{
	chased = weak_random(4) ? 0 : 1 + weak_random(4);
	order = chased ? 1 : 1 + weak_random(3);
	capacity = 1u << order;
	compact = weak_random(4);
	quota = chased ? 28 : 8;
	start = weak_random(2) ? 0 : ringshm__mpmc_f(UINT64_MAX - 2);
	memset(slots, 0, sizeof(slots));
	memset(lines, 0, sizeof(lines));
	memset(taken, 0, sizeof(taken));
	memset(newest, 0, sizeof(newest));
	committed = discarded = released = passed = marked = 0;
	ended = false;
	cursor[0] = cursor[1] = start;
	lost[0] = lost[1] = repairs[0] = repairs[1] = channel_state = 0;
	die_before();
	for (uint32_t id = 0; id < SEATS; id++)
		fill_endpoints(id);
}

static void share(void)
{
	weak_words16(states, capacity, STATES);
	weak_words(verdicts, capacity, VERDICT);
	weak_words(slots[0], 2 * capacity, PAYLOAD);
	weak_words(cursor, 2, CURSOR);
	weak_words(lost, 2, LOST);
	weak_words(repairs, 2, OTHER);
	weak_words(&channel_state, 1, STATE);
	for (unsigned int side = 0; side < 2; side++)
		for (unsigned int id = 0; id < SEATS; id++)
			weak_words(&lines[side][id].intent, 1, INTENT);
	weak_watch(STATES, handed_over);
}

static void kill_some(void)
{
	for (unsigned int i = weak_random(3); i; i--)
		weak_kill_at(1 + weak_random(4), 1 + weak_random(100));
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
	{"A1", WEAK_LOAD, STATES, ANY},	 {"R2", WEAK_STORE, STATES, ANY}, {"A7", WEAK_LOAD, VERDICT, ANY},
	{"R3", WEAK_SWAP, VERDICT, ANY}, {"A2", WEAK_LOAD, CURSOR, ANY},  {"R1", WEAK_SWAP, CURSOR, ANY},
	{"A3", WEAK_LOAD, INTENT, ANY},	 {"R0", WEAK_STORE, INTENT, ANY}, {"A4", WEAK_LOAD, LOST, ANY},
	{"R4", WEAK_SWAP, LOST, ANY},	 {"A5", WEAK_LOAD, STATE, ANY},	  {"R5", WEAK_STORE, STATE, ANY},
};

const struct weak_case weak_mpmc = {"mpmc", 20000, run, sites, sizeof(sites) / sizeof(sites[0])};
