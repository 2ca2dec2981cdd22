// SPDX-License-Identifier: MIT
// Taking over an spsc role is itself interrupted: the successor is killed anywhere in it, or paused there while
// the other side goes on. Does the one after it find everything?
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "spsc_ring.h"
#include "tap.h"
#include "traced.h"

#define MOST 20000 /* steps or system calls */
#define RECORDS 5
#define LAG 3 /* records behind which a producer died before it stored its tail */

static unsigned int stride = 3; /* instructions; spsc_succession N: N times that */

/* ---- victims -------------------------------------------------------------------------------- */

static int succeed_producer(void *unused)
{
	struct ringshm_spsc_producer v;

	(void)unused;
	if (ringshm_spsc_producer_open(&v, channel))
		return 1;
	traced_mark();
	return put(&v, OF_VICTIM, true) ? 0 : 2;
}

static int succeed_consumer(void *unused)
{
	struct ringshm_spsc_consumer v;

	(void)unused;
	if (ringshm_spsc_consumer_open(&v, channel))
		return 1;
	traced_mark();
	return 0;
}

static int flush_some(void *unused)
{
	struct ringshm_spsc_producer v;

	(void)unused;
	if (ringshm_spsc_producer_open(&v, channel))
		return 1;
	for (uint32_t i = 0; i < LAG; i++)
		put(&v, RECORDS + 1 + i, false);
	traced_mark();
	ringshm_spsc_flush(&v);
	traced_mark();
	return 0;
}

/* ---- the moment before ---------------------------------------------------------------------- */

/* A producer that died between showing its records and storing its tail: RECORDS + LAG are there. */
static bool die_with_a_lagging_tail(void)
{
	struct ringshm_info info = {.size = sizeof(info)};
	struct traced victim;
	uint64_t before;
	uint32_t seen = 0;

	ringshm_info(channel, &info);
	before = info.tail;
	if (!traced_start(&victim, flush_some, NULL) || traced_run(&victim) != TRACED_MARK)
		return fail("the victim did not come so far", 0);
	for (int i = 0; i < MOST && seen != RECORDS + LAG; i++) {
		if (traced_step(&victim) != TRACED_BETWEEN)
			break;
		while (look(&c))
			seen++;
	}
	ringshm_info(channel, &info);
	traced_kill(&victim);
	/* what was looked at is not released: a new consumer is shown it again */
	ringshm_spsc_consumer_close(&c);
	if (ringshm_spsc_consumer_open(&c, channel))
		return fail(ringshm_last_error(), 0);
	return (seen == RECORDS + LAG && info.tail == before) || fail("the tail does not lag", info.tail - before);
}

static bool prepare(bool lagging)
{
	if (!move_to(0))
		return false;
	for (uint32_t i = 1; i <= RECORDS; i++)
		put(&p, i, true);
	ringshm_spsc_producer_close(&p);
	return !lagging || die_with_a_lagging_tail();
}

/* Run a successor to where it has taken the lock; before that it touches nothing. */
static bool start_successor(struct traced *victim, int (*body)(void *))
{
	if (!traced_start(victim, body, NULL))
		return fail("tracing", 0);
	for (int i = 0; i < MOST; i++) {
		enum traced_stop stop = traced_syscall(victim);
		bool locking = victim->number == SYS_fcntl && victim->argument[1] == F_OFD_SETLK;

		if (stop == TRACED_ENDED || stop == TRACED_MARK)
			break;
		if (stop == TRACED_LEAVING && locking)
			return victim->result == 0 || fail("the lock was refused", 0);
	}
	return fail("the successor never took the lock", 0);
}

static bool expect_records(uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++)
		if (take_numbered(&c) != i)
			return fail("a record is missing or torn", i);
	return true;
}

/* ---- killed --------------------------------------------------------------------------------- */

static bool third_producer_goes_on(uint32_t records, unsigned int n)
{
	uint32_t number;

	if (ringshm_spsc_producer_open(&p, channel))
		return fail(ringshm_last_error(), n);
	if (!put(&p, OF_SUCCESSOR, true))
		return fail("no room for the third producer", n);
	if (!expect_records(1, records))
		return false;
	number = take_numbered(&c);
	if (number == OF_VICTIM)
		number = take_numbered(&c);
	if (number != OF_SUCCESSOR)
		return fail("the third producer's record is not there", n);
	return is_healthy();
}

/* A system call at a time, entries and exits, from its first to its last. */
static bool killed_at_system_calls(unsigned int *calls)
{
	enum traced_stop stop = TRACED_BETWEEN;

	for (*calls = 0; stop != TRACED_MARK && *calls < MOST; ++*calls) {
		struct traced victim;

		if (!prepare(false) || !traced_start(&victim, succeed_producer, NULL))
			return fail("tracing", 0);
		stop = TRACED_BETWEEN;
		for (unsigned int i = 0; i < *calls && stop != TRACED_MARK && stop != TRACED_ENDED; i++)
			stop = traced_syscall(&victim);
		traced_kill(&victim);
		if (stop == TRACED_ENDED)
			return fail("the successor was refused", *calls);
		if (!third_producer_goes_on(RECORDS, *calls))
			return false;
	}
	return true;
}

static bool killed_between_instructions(bool lagging, unsigned int *steps)
{
	enum traced_stop stop = TRACED_BETWEEN;

	for (*steps = 0; stop == TRACED_BETWEEN && *steps < MOST; *steps += stride) {
		struct traced victim;

		if (!prepare(lagging) || !start_successor(&victim, succeed_producer))
			return false;
		stop = traced_steps(&victim, *steps);
		traced_kill(&victim);
		if (!third_producer_goes_on(RECORDS + (lagging ? LAG : 0), *steps))
			return false;
	}
	return stop == TRACED_MARK;
}

static bool consumer_killed_between_instructions(unsigned int *steps)
{
	enum traced_stop stop = TRACED_BETWEEN;

	for (*steps = 0; stop == TRACED_BETWEEN && *steps < MOST; *steps += stride) {
		struct traced victim;

		if (!move_to(0))
			return false;
		for (uint32_t i = 1; i <= RECORDS; i++)
			put(&p, i, true);
		ringshm_spsc_consumer_close(&c);
		if (!start_successor(&victim, succeed_consumer))
			return false;
		stop = traced_steps(&victim, *steps);
		traced_kill(&victim);
		if (ringshm_spsc_consumer_open(&c, channel))
			return fail(ringshm_last_error(), *steps);
		if (!expect_records(1, RECORDS) || !is_healthy())
			return false;
	}
	return stop == TRACED_MARK;
}

/* ---- paused while the other side goes on ---------------------------------------------------- */

/* The consumer takes everything just then: the successor must not take what it sees for damage. */
static bool paused_while_the_consumer_drains(bool lagging, unsigned int *steps)
{
	enum traced_stop stop = TRACED_BETWEEN;

	for (*steps = 0; stop == TRACED_BETWEEN && *steps < MOST; *steps += stride) {
		struct traced victim;

		if (!prepare(lagging) || !start_successor(&victim, succeed_producer))
			return false;
		stop = traced_steps(&victim, *steps);
		if (!expect_records(1, RECORDS + (lagging ? LAG : 0)) || take_numbered(&c))
			return false;
		if (stop == TRACED_BETWEEN && traced_run(&victim) != TRACED_MARK)
			return fail("the successor was refused", *steps);
		traced_run(&victim);
		if (victim.status || take_numbered(&c) != OF_VICTIM || take_numbered(&c))
			return fail("the successor's record is not there", *steps);
		if (ringshm_spsc_producer_open(&p, channel) || !is_healthy())
			return fail("the ring is damaged", *steps);
	}
	return stop == TRACED_MARK;
}

static void report(bool good, const char *question, unsigned int steps)
{
	if (!tap_ok(good, question))
		tap_note("after %u steps: %s", steps, broken);
	broken[0] = 0;
}

int main(int argc, char **argv)
{
	unsigned int steps = 0;
	bool good;

	if (argc > 1 && atoi(argv[1]) > 0)
		stride *= (unsigned int)atoi(argv[1]);

	if (!traced_init()) {
		tap_skip("interrupted successions", "this machine lets nobody trace its children step by step");
		return tap_done();
	}
	if (!ring_create(512, 8, 0, (UINT64_C(1) << 32) - 4096) || ringshm_spsc_producer_open(&p, channel) ||
	    ringshm_spsc_consumer_open(&c, channel)) {
		tap_ok(false, ringshm_last_error());
		return tap_done();
	}
	good = killed_at_system_calls(&steps);
	report(good, "a successor may be killed at any of its system calls", steps);
	good = good && killed_between_instructions(false, &steps);
	report(good, "a producer's successor may be killed anywhere behind its lock", steps);
	good = good && killed_between_instructions(true, &steps);
	report(good, "... also where it completes what a dead one had published in part", steps);
	good = good && consumer_killed_between_instructions(&steps);
	report(good, "a consumer's successor may be killed anywhere behind its lock", steps);
	good = good && paused_while_the_consumer_drains(false, &steps);
	report(good, "a producer's successor may be paused anywhere while the consumer drains the ring", steps);
	good = good && paused_while_the_consumer_drains(true, &steps);
	report(good, "... also where it completes what a dead one had published in part", steps);
	ringshm_spsc_producer_close(&p);
	ringshm_spsc_consumer_close(&c);
	ringshm_close(channel);
	return tap_done();
}
