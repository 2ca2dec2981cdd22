// SPDX-License-Identifier: MIT
// One side goes to sleep while the other publishes, behind every single instruction on the way: does it ever sleep
// through what it waits for? A sleep ends by itself after 2 ms; one that does so has missed its news.
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "spsc_ring.h"
#include "tap.h"
#include "traced.h"

#define CLOSELY 200 /* instructions: from the first touch of a waiting word it is some hundred to the sleep */
#define MOST 2000   /* system calls of one sleeper */
#define LONG INT64_C(20000000000)
/* The two words of waiting, where the sleeper has them mapped. */
static struct words {
	const void *sequence; /* that it sleeps on */
	const void *sleepers; /* where it announces its sleep */
} * words;

/* ---- sleepers ------------------------------------------------------------------------------- */

static int wait_for_a_record(void *unused)
{
	struct ringshm_spsc_consumer v;
	struct ringshm_ctl *ctl;
	struct ringshm_cons *cons;
	const void *payload;
	uint32_t length;

	(void)unused;
	if (ringshm_spsc_consumer_open(&v, channel))
		return 1;
	ctl = (struct ringshm_ctl *)((char *)(uintptr_t)v.tail_word - offsetof(struct ringshm_ctl, tail));
	cons = (struct ringshm_cons *)((char *)v.head_word - offsetof(struct ringshm_cons, head));
	*words = (struct words){&ctl->wake.sequence, &cons->wake.sleepers};
	traced_mark();
	if (ringshm_spsc_peek_wait(&v, LONG, &payload, &length))
		return 2;
	ringshm_spsc_release(&v, 1);
	return 0;
}

static int wait_for_room(void *unused)
{
	struct ringshm_spsc_producer v;
	struct ringshm_ctl *ctl;
	struct ringshm_cons *cons;
	void *room;

	(void)unused;
	if (ringshm_spsc_producer_open(&v, channel))
		return 1;
	ctl = (struct ringshm_ctl *)((char *)v.tail_word - offsetof(struct ringshm_ctl, tail));
	cons = (struct ringshm_cons *)((char *)(uintptr_t)v.head_word - offsetof(struct ringshm_cons, head));
	*words = (struct words){&cons->wake.sequence, &ctl->wake.sleepers};
	traced_mark();
	return ringshm_spsc_reserve_wait(&v, v.max_payload, LONG, &room) ? 2 : 0;
}

/* ---- news ----------------------------------------------------------------------------------- */

static void a_record(void)
{
	put(&p, 1, true);
}

/* A quarter of the ring: enough to be told, not enough for the largest record. */
static void some_room(void)
{
	uint32_t length;

	ringshm_spsc_peek(&c, &length);
	ringshm_spsc_release(&c, 1);
}

/* ---- following a sleeper -------------------------------------------------------------------- */

static bool is_sleep(const struct traced *t)
{
	return t->number == SYS_futex && (t->argument[1] & FUTEX_CMD_MASK) == FUTEX_WAIT;
}

/*
 * Run the sleeper to its end. `news`, unless NULL, comes at the entry of its next sleep, before the kernel
 * looks whether there is a reason not to sleep. Behind the last news no sleep may last to its own end.
 */
static bool run_to_end(struct traced *t, void (*news)(void))
{
	for (int i = 0; i < MOST; i++) {
		enum traced_stop stop = traced_syscall(t);

		if (stop == TRACED_ENDED)
			return t->status == 0 || fail("the wait failed", (uint64_t)t->status);
		if (stop == TRACED_ENTERING && is_sleep(t) && news) {
			news();
			news = NULL;
		} else if (stop == TRACED_LEAVING && is_sleep(t) && !news && t->result == -ETIMEDOUT) {
			return fail("news were slept through", 0);
		}
	}
	return fail("the wait does not end", 0);
}

/* A sleeper that has just touched one of its words for the first time. */
static bool start_sleeper(struct traced *t, int (*body)(void *))
{
	if (!traced_start(t, body, NULL) || traced_run(t) != TRACED_MARK)
		return fail("the sleeper did not come so far", 0);
	if (!traced_watch(t, 0, words->sequence) || !traced_watch(t, 1, words->sleepers))
		return fail("no watchpoints", 0);
	if (traced_run(t) != TRACED_BETWEEN)
		return fail("the sleeper never touched its words", 0);
	return traced_watch(t, 0, NULL) && traced_watch(t, 1, NULL);
}

/* ---- questions ------------------------------------------------------------------------------ */

static bool nothing_before(bool for_room)
{
	if (!move_to(0))
		return false;
	if (for_room)
		for (int i = 0; i < 4; i++)
			if (!fill(p.capacity / 4))
				return false;
	if (for_room)
		ringshm_spsc_producer_close(&p);
	else
		ringshm_spsc_consumer_close(&c);
	return true;
}

static bool everything_after(bool for_room)
{
	int error = for_room ? ringshm_spsc_producer_open(&p, channel) : ringshm_spsc_consumer_open(&c, channel);

	return error ? fail(ringshm_last_error(), 0) : is_healthy();
}

/* The first news `*steps` instructions on, the second (if one does not suffice) at the door of the sleep. */
static bool sleeps_through_nothing(bool for_room, unsigned int *steps)
{
	for (*steps = 0; *steps < CLOSELY; ++*steps) {
		struct traced t;

		if (!nothing_before(for_room) || !start_sleeper(&t, for_room ? wait_for_room : wait_for_a_record))
			return false;
		traced_steps(&t, *steps);
		(for_room ? some_room : a_record)();
		if (!run_to_end(&t, for_room ? some_room : NULL)) {
			traced_kill(&t);
			return false;
		}
		if (!everything_after(for_room))
			return false;
	}
	return true;
}

static void ask(const char *question, bool for_room)
{
	unsigned int steps = 0;
	bool good = sleeps_through_nothing(for_room, &steps);

	if (!tap_ok(good, question))
		tap_note("%u instructions behind the first touch: %s", steps, broken);
}

int main(void)
{
	words = (struct words *)mmap(NULL, sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED || !traced_init()) {
		tap_skip("no news are slept through", "this machine lets nobody trace its children step by step");
		return tap_done();
	}
	if (!ring_create(1024, 8, RINGSHM_F_BLOCK, 0) || ringshm_spsc_producer_open(&p, channel) ||
	    ringshm_spsc_consumer_open(&c, channel)) {
		tap_ok(false, ringshm_last_error());
		return tap_done();
	}
	ask("a consumer about to sleep never misses a record", false);
	ask("a producer about to sleep never misses room, also when the first news are not enough", true);
	ringshm_spsc_producer_close(&p);
	ringshm_spsc_consumer_close(&c);
	ringshm_close(channel);
	return tap_done();
}
