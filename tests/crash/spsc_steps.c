// SPDX-License-Identifier: MIT
// A producer or consumer of an spsc ring is killed behind every single instruction of what it does; then another
// takes over. Is every batch there whole or not at all, nothing lost that was published, nothing torn?
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spsc_ring.h"
#include "tap.h"
#include "traced.h"

#define MOST_STEPS 20000 /* one thing takes far fewer instructions */
#define CLOSELY 350	 /* so many instructions one by one; what takes more is full of system calls */
#define LOOSELY 17

static const struct shape {
	const char *name;
	uint64_t capacity;
	uint32_t alignment;
	uint64_t features;
	uint64_t start;
	unsigned int stride; /* instructions from one kill to the next */
} shapes[] = {
	{"a ring of 256 bytes", 256, 8, RINGSHM_F_BLOCK | RINGSHM_F_EOF, UINT64_C(0) - 1024, 1},
	{"a ring of lines with timestamps", 1024, 64, RINGSHM_F_TIMESTAMP, (UINT64_C(1) << 48) - 4096, 3},
};

static const struct shape *shape;
static unsigned int every = 1; /* spsc_steps N: only behind every Nth of those instructions */

static unsigned int stride(unsigned int steps)
{
	return (steps < CLOSELY ? shape->stride : LOOSELY) * every;
}

/* ---- producers ------------------------------------------------------------------------------ */

struct producing {
	const char *what;
	uint32_t before;     /* records that are there already */
	uint32_t to_the_end; /* alignments that are left before the ring's end; 0: many */
	bool exactly;	     /* the victim's first record fills the ring to the last byte */
	uint32_t batch[5];   /* records of each thing that becomes visible at once */
	uint32_t apart;	     /* from one record's number to the next */
	void (*act)(struct ringshm_spsc_producer *);
};

static void act_send(struct ringshm_spsc_producer *v)
{
	put(v, OF_VICTIM, true);
}

static void act_batch(struct ringshm_spsc_producer *v)
{
	for (uint32_t i = 0; i < 3; i++)
		put(v, OF_VICTIM + i, false);
	ringshm_spsc_flush(v);
}

#define SAME_SIZE 23 /* apart are numbers of records that are equally long */

static void act_stream(struct ringshm_spsc_producer *v)
{
	for (uint32_t i = 0; i < 5; i++)
		put(v, OF_VICTIM + i * SAME_SIZE, true);
}

static void act_run(struct ringshm_spsc_producer *v)
{
	put_run(v, OF_VICTIM, SAME_SIZE, 3);
}

static void act_mixed(struct ringshm_spsc_producer *v)
{
	put(v, OF_VICTIM, true);
	put(v, OF_VICTIM + 1, false);
	put(v, OF_VICTIM + 2, true);
	ringshm_spsc_reserve(v, 20);
	ringshm_spsc_discard(v);
}

static void act_overfill(struct ringshm_spsc_producer *v)
{
	put(v, OF_VICTIM, false);
	ringshm_spsc_reserve(v, 4); /* no room: publishes the batch instead */
}

static void act_close(struct ringshm_spsc_producer *v)
{
	put(v, OF_VICTIM, false);
	ringshm_spsc_producer_close(v);
}

static const struct producing producings[] = {
	{"sends a record", 2, 0, false, {1}, 1, act_send},
	{"sends a record into an empty ring", 0, 0, false, {1}, 1, act_send},
	{"sends a record behind a pad", 1, 1, false, {1}, 1, act_send},
	{"sends the record that fills the ring exactly", 0, 0, true, {1}, 1, act_send},
	{"flushes a batch", 2, 0, false, {3}, 1, act_batch},
	{"flushes a batch that goes round the end", 1, 5, false, {3}, 1, act_batch},
	{"mixes batches, plain commits and a discard", 1, 0, false, {1, 2}, 1, act_mixed},
	{"publishes because the ring is full", 0, 0, true, {1}, 1, act_overfill},
	{"closes", 1, 0, false, {1}, 1, act_close},
	{"sends records of one size", 0, 0, false, {1, 1, 1, 1, 1}, SAME_SIZE, act_stream},
	{"sends records of one size round the end", 0, 9, false, {1, 1, 1, 1, 1}, SAME_SIZE, act_stream},
	{"sends a run", 1, 0, false, {3}, SAME_SIZE, act_run},
};

static bool prepare(const struct producing *s)
{
	uint32_t unit = p.round + 1;
	uint64_t spans = 0;

	for (uint32_t i = 1; i <= s->before; i++)
		spans += ring_span(i);
	/* always the same place: the victim then always takes the same way */
	if (!move_to(s->to_the_end ? p.capacity - s->to_the_end * unit - spans : 0))
		return false;
	if (s->exactly && !(move_to(ring_span(OF_VICTIM)) && fill(p.capacity - ring_span(OF_VICTIM))))
		return false;
	for (uint32_t i = 1; i <= s->before; i++)
		if (!put(&p, i, true))
			return fail("no room to prepare", i);
	return true;
}

static int victim_produces(void *argument)
{
	const struct producing *s = (const struct producing *)argument;
	struct ringshm_spsc_producer v;

	if (ringshm_spsc_producer_open(&v, channel))
		return 1;
	traced_mark();
	s->act(&v);
	traced_mark();
	return 0;
}

/* What is visible of the victim's records: all of some batches. Their number, or FOREIGN. */
static uint32_t visible(const struct producing *s)
{
	uint32_t seen = 0, batches = 0, number;

	for (uint32_t i = 1; i <= s->before; i++)
		if (take_numbered(&c) != i)
			return FOREIGN;
	while ((number = take_numbered(&c)) == OF_VICTIM + seen * s->apart)
		seen++;
	for (uint32_t i = 0; i < 5 && batches < seen; i++)
		batches += s->batch[i];
	return batches == seen && (!number || number == OF_SUCCESSOR) ? seen : FOREIGN;
}

/* The next producer comes, and whether there is room for its record or not, nothing goes wrong. */
static bool check_producer(const struct producing *s, unsigned int n, uint32_t *seen)
{
	bool sent;
	uint32_t now;

	if (ringshm_spsc_producer_open(&p, channel))
		return fail(ringshm_last_error(), n);
	sent = put(&p, OF_SUCCESSOR, true);
	now = visible(s);
	if (now == FOREIGN)
		return fail("what is visible is not what was published", n);
	*seen = now;
	if (!sent && !(put(&p, OF_SUCCESSOR, true) && take_numbered(&c) == OF_SUCCESSOR))
		return fail("the successor cannot send", n);
	return is_healthy() || fail("the ring is damaged", n);
}

static bool kill_producer_everywhere(const struct producing *s, unsigned int *steps)
{
	enum traced_stop stop = TRACED_BETWEEN;
	uint32_t seen = 0, all = 0;

	for (*steps = 0; stop == TRACED_BETWEEN && *steps < MOST_STEPS; *steps += stride(*steps)) {
		struct traced victim;

		if (!prepare(s))
			return false;
		ringshm_spsc_producer_close(&p);
		if (!traced_start(&victim, victim_produces, (void *)s))
			return fail("tracing", 0);
		if (traced_run(&victim) != TRACED_MARK)
			return fail("the victim did not come so far", *steps);
		stop = traced_steps(&victim, *steps);
		traced_kill(&victim);
		if (!check_producer(s, *steps, &seen))
			return false;
	}
	for (uint32_t i = 0; i < 5; i++)
		all += s->batch[i];
	return seen == all || fail("in the end not all was visible", seen);
}

/* ---- consumers ------------------------------------------------------------------------------ */

#define RECORDS 6 /* there are when the victim comes */

struct consuming {
	const char *what;
	bool full;	      /* and as much before them as fits */
	uint32_t progress[5]; /* how many are released behind each of its releases */
	void (*act)(struct ringshm_spsc_consumer *);
};

static void act_one_by_one(struct ringshm_spsc_consumer *v)
{
	uint32_t length;

	for (int i = 0; i < 3; i++) {
		ringshm_spsc_peek(v, &length);
		ringshm_spsc_release(v, 1);
	}
}

static void act_several(struct ringshm_spsc_consumer *v)
{
	uint32_t length;

	for (int i = 0; i < 5; i++)
		ringshm_spsc_peek_next(v, &length);
	ringshm_spsc_release(v, 1);
	ringshm_spsc_release(v, 3);
	ringshm_spsc_peek(v, &length);
	ringshm_spsc_release(v, 1);
}

static void act_receive(struct ringshm_spsc_consumer *v)
{
	unsigned char bytes[64];
	uint32_t length;

	ringshm_spsc_recv(v, bytes, sizeof(bytes), &length);
	ringshm_spsc_recv(v, bytes, 1, &length); /* too small: stays */
	ringshm_spsc_recv(v, bytes, sizeof(bytes), &length);
}

static void act_receive_runs(struct ringshm_spsc_consumer *v)
{
	unsigned char bytes[256];

	ringshm_spsc_recv_n(v, bytes, ring_length(1), 5);
	ringshm_spsc_recv_n(v, bytes, ring_length(1), 5); /* the next has another length: stays */
	ringshm_spsc_recv_n(v, bytes, ring_length(2), 5);
}

static void act_empty(struct ringshm_spsc_consumer *v)
{
	uint32_t length;

	while (ringshm_spsc_peek_next(v, &length))
		;
	ringshm_spsc_release(v, UINT32_MAX);
	ringshm_spsc_peek(v, &length); /* nothing there: tells the producer of all room */
}

static void act_leave(struct ringshm_spsc_consumer *v)
{
	uint32_t length;

	ringshm_spsc_peek(v, &length);
	ringshm_spsc_release(v, 1);
	ringshm_spsc_consumer_close(v);
}

static const struct consuming consumings[] = {
	{"releases one by one", false, {1, 2, 3}, act_one_by_one},
	{"releases several of those shown", false, {1, 4, 5}, act_several},
	{"receives copies", false, {1, 2}, act_receive},
	{"receives runs", false, {1, 2}, act_receive_runs},
	{"empties the ring", false, {RECORDS}, act_empty},
	{"empties a full ring", true, {RECORDS}, act_empty},
	{"closes", false, {1}, act_leave},
};

static int victim_consumes(void *argument)
{
	const struct consuming *s = (const struct consuming *)argument;
	struct ringshm_spsc_consumer v;

	if (ringshm_spsc_consumer_open(&v, channel))
		return 1;
#ifdef RINGSHM_ATOMIC_OVERRIDE
	planted_head = v.head_word;
#endif
	traced_mark();
	s->act(&v);
	traced_mark();
	return 0;
}

/* Everything that was not released is shown again, in order. */
static bool check_consumer(const struct consuming *s, unsigned int n, uint32_t *released)
{
	uint32_t first, now;
	bool known = false;

	if (ringshm_spsc_consumer_open(&c, channel))
		return fail(ringshm_last_error(), n);
	first = take_numbered(&c);
	now = first ? first - 1 : RECORDS;
	for (int i = 0; i < 5; i++)
		known = known || now == s->progress[i]; /* 0 among them */
	if (!known)
		return fail("the next consumer begins at a record that is none of those it may begin at", first);
	*released = now;
	for (uint32_t i = first + 1; first && i <= RECORDS; i++)
		if (take_numbered(&c) != i)
			return fail("a record is missing or torn", i);
	return is_healthy() || fail("the ring is damaged", n);
}

static bool kill_consumer_everywhere(const struct consuming *s, unsigned int *steps)
{
	enum traced_stop stop = TRACED_BETWEEN;
	uint32_t released = 0, all = 0;

	for (*steps = 0; stop == TRACED_BETWEEN && *steps < MOST_STEPS; *steps += stride(*steps)) {
		struct traced victim;
		uint64_t spans = 0;

		for (uint32_t i = 1; i <= RECORDS; i++)
			spans += ring_span(i);
		if (!move_to(0) || (s->full && !fill(p.capacity - spans)))
			return false;
		for (uint32_t i = 1; i <= RECORDS; i++)
			put(&p, i, true);
		ringshm_spsc_consumer_close(&c);
		if (!traced_start(&victim, victim_consumes, (void *)s))
			return fail("tracing", 0);
		if (traced_run(&victim) != TRACED_MARK)
			return fail("the victim did not come so far", *steps);
		stop = traced_steps(&victim, *steps);
		traced_kill(&victim);
		if (!check_consumer(s, *steps, &released))
			return false;
	}
	for (int i = 0; i < 5; i++)
		all = s->progress[i] > all ? s->progress[i] : all;
	return released == all || fail("in the end not all was released", released);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void report(bool good, const char *who, const char *what, unsigned int steps)
{
	char question[200];

	snprintf(question, sizeof(question), "%s: a %s that %s may be killed anywhere in %u instructions", shape->name,
		 who, what, steps);
	if (!tap_ok(good, question))
		tap_note("%s", broken);
}

static void try_shape(void)
{
	unsigned int steps;

	for (size_t i = 0; i < sizeof(producings) / sizeof(producings[0]) + sizeof(consumings) / sizeof(consumings[0]);
	     i++) {
		size_t j = i - sizeof(producings) / sizeof(producings[0]);
		bool producing = i < sizeof(producings) / sizeof(producings[0]), good;

		if (!ring_create(shape->capacity, shape->alignment, shape->features, shape->start) ||
		    ringshm_spsc_producer_open(&p, channel) || ringshm_spsc_consumer_open(&c, channel)) {
			tap_ok(false, ringshm_last_error());
			continue;
		}
		good = producing ? kill_producer_everywhere(&producings[i], &steps) :
				   kill_consumer_everywhere(&consumings[j], &steps);
		report(good, producing ? "producer" : "consumer", producing ? producings[i].what : consumings[j].what,
		       steps);
		ringshm_spsc_producer_close(&p);
		ringshm_spsc_consumer_close(&c);
		ringshm_close(channel);
#ifdef RINGSHM_ATOMIC_OVERRIDE
		if (tap_failures) /* seen */
			exit(tap_done());
#endif
	}
}

int main(int argc, char **argv)
{
#ifdef RINGSHM_ATOMIC_OVERRIDE /* built as spsc_steps_planted FAULT, to be seen to fail */
	if (argc != 2 || !planted_choose(argv[1]))
		return 2;
#else
	every = argc > 1 && atoi(argv[1]) > 0 ? (unsigned int)atoi(argv[1]) : every;
#endif
	if (!traced_init()) {
		tap_skip("killed behind every instruction", "this machine lets nobody trace its children step by step");
		return tap_done();
	}
	for (shape = shapes; shape < shapes + sizeof(shapes) / sizeof(shapes[0]); shape++)
		try_shape();
	return tap_done();
}
