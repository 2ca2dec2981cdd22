/* SPDX-License-Identifier: MIT */
/* atomic.h with one fault of an mpmc ring on demand (RINGSHM_ATOMIC_OVERRIDE): do the tests notice it? */
#ifndef RINGSHM_TESTS_PLANTED_MPMC_H
#define RINGSHM_TESTS_PLANTED_MPMC_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum planted_fault {
	PLANTED_NONE,
	PLANTED_ANONYMOUS, /* the intent is stored one step too late: after the swap of the cursor */
	PLANTED_UNCOUNTED, /* what a dead producer lost is passed and not counted */
	PLANTED_SHARED,	   /* now and then a consumer believes that it has claimed what it has not */
	PLANTED_IDLE,	   /* now and then a message is looked at and not seen */
	PLANTED_REVERSED,  /* nothing here: a test that knows it turns what it took around */
	PLANTED_A1,	   /* a slot's state is loaded relaxed */
	PLANTED_R2,	   /* ... stored relaxed */
	PLANTED_BLIND,	   /* a repairer does not look at the cursor again: it has the value of its first look */
	PLANTED_NARROW,	   /* a cursor is compared as states are: laps come again */
	PLANTED_FORGETFUL, /* a verdict does not count those before it */
};

/* Where a ring's words are; a process may have it mapped several times. */
struct planted_ring {
	const ringshm_word *cursor[2];
	const unsigned char *lines[2], *states, *verdicts; /* lines: of either side */
	size_t lines_size, states_size, verdicts_size;
};

/*
 * The program names the ring's words before it uses them. Intents not yet stored: one a thread and, of its
 * stack, 32 KiB: tests that step through code give each participant one. Weak: one of each, whichever files of
 * a program include this.
 */
#define PLANTED_ONE __attribute__((weak))
PLANTED_ONE enum planted_fault planted_fault;
PLANTED_ONE struct planted_ring planted_rings[64];
PLANTED_ONE unsigned int planted_count;
PLANTED_ONE void (*planted_pause)(void); /* in the middle of the fault, where one is: makes one instruction longer */
PLANTED_ONE __thread struct planted_pending {
	ringshm_word *intent;
	uint64_t value;
	const ringshm_word *looked; /* at this cursor ... */
	uint64_t cursor;	    /* ... first of all, and this was there */
	uint64_t sight;		    /* looks at a state since, as a repairer takes them */
} planted_pending[64];
PLANTED_ONE __thread unsigned int planted_turn; /* for faults that come now and then */

static const char *const planted_names[] = {"none", "anonymous", "uncounted", "shared", "idle",	    "reversed",
					    "A1",   "R2",	 "blind",     "narrow", "forgetful"};

#ifdef RINGSHM__MPMC_LAP
#define PLANTED_LAPS (0x10000u / RINGSHM__MPMC_LAP) /* that a state can tell apart */
#else
#define PLANTED_LAPS (0x10000u / RINGSHM_MPMC_LAP)
#endif

/* False: no such fault. */
static inline bool planted_choose(const char *name)
{
	for (unsigned int i = 0; i < sizeof(planted_names) / sizeof(planted_names[0]); i++)
		if (!strcmp(name, planted_names[i])) {
			planted_fault = (enum planted_fault)i;
			return true;
		}
	return false;
}

static inline void planted_add(const struct planted_ring *ring)
{
	unsigned int i = __atomic_fetch_add(&planted_count, 1, __ATOMIC_RELAXED);

	planted_rings[i % 64] = *ring;
}

static inline struct planted_pending *planted_mine(void)
{
	return &planted_pending[(uintptr_t)__builtin_frame_address(0) >> 15 & 63];
}

static inline bool planted_within(const void *p, const unsigned char *begin, size_t size)
{
	return (const unsigned char *)p >= begin && (const unsigned char *)p < begin + size;
}

enum planted_place {
	PLANTED_ELSEWHERE,
	PLANTED_CURSOR,	     /* of producers */
	PLANTED_CURSOR_HEAD, /* of consumers */
	PLANTED_LINE,
	PLANTED_STATE,
	PLANTED_VERDICT,
};

static inline enum planted_place planted_place(const void *p)
{
	unsigned int count = __atomic_load_n(&planted_count, __ATOMIC_RELAXED);

	for (unsigned int i = 0; i < 64 && i < count; i++) {
		const struct planted_ring *ring = &planted_rings[i];

		if (p == ring->cursor[0] || p == ring->cursor[1])
			return p == ring->cursor[0] ? PLANTED_CURSOR : PLANTED_CURSOR_HEAD;
		if (planted_within(p, ring->states, ring->states_size))
			return PLANTED_STATE;
		if (planted_within(p, ring->verdicts, ring->verdicts_size))
			return PLANTED_VERDICT;
		for (int side = 0; side < 2; side++)
			if (planted_within(p, ring->lines[side], ring->lines_size))
				return PLANTED_LINE;
	}
	return PLANTED_ELSEWHERE;
}

static inline bool planted_now(enum planted_fault fault, const void *p, enum planted_place place)
{
	return planted_fault == fault && planted_place(p) == place;
}

static inline uint64_t ringshm_load_relaxed(const ringshm_word *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* The cursor that a repairer looks at last, behind its second look at a state. */
static inline uint64_t planted_blind(const ringshm_word *p, uint64_t value)
{
	struct planted_pending *mine = planted_mine();
	bool again = mine->sight == 2 && mine->looked == p;

	mine->sight = 0;
	if (again)
		return mine->cursor;
	mine->looked = p;
	mine->cursor = value;
	return value;
}

static inline uint64_t ringshm_load_acquire(const ringshm_word *p)
{
	uint64_t value = __atomic_load_n(p, __ATOMIC_ACQUIRE);

	if (planted_now(PLANTED_BLIND, p, PLANTED_CURSOR) || planted_now(PLANTED_BLIND, p, PLANTED_CURSOR_HEAD))
		return planted_blind(p, value);
	return value;
}

/* Of states only repairers take looks that are relaxed, each before one that is not. */
static inline uint16_t ringshm_load16_relaxed(const ringshm_word16 *p)
{
	if (planted_fault == PLANTED_BLIND)
		planted_mine()->sight = 1;
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint16_t ringshm_load16_acquire(const ringshm_word16 *p)
{
	uint16_t value;

	if (planted_now(PLANTED_A1, p, PLANTED_STATE))
		return __atomic_load_n(p, __ATOMIC_RELAXED);
	value = __atomic_load_n(p, __ATOMIC_ACQUIRE);
	if (planted_now(PLANTED_IDLE, p, PLANTED_STATE) && value & RINGSHM_MPMC_READY && ++planted_turn % 8 == 0)
		value = (uint16_t)(value & ~RINGSHM_MPMC_LOW);
	if (planted_fault == PLANTED_BLIND && planted_mine()->sight)
		planted_mine()->sight++;
	return value;
}

static inline void ringshm_store16_release(ringshm_word16 *p, uint16_t v)
{
	if (planted_now(PLANTED_R2, p, PLANTED_STATE))
		__atomic_store_n(p, v, __ATOMIC_RELAXED);
	else
		__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline void ringshm_store_relaxed(ringshm_word *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void ringshm_store_release(ringshm_word *p, uint64_t v)
{
	if ((v & 0xff) && planted_now(PLANTED_ANONYMOUS, p, PLANTED_LINE)) {
		planted_mine()->intent = p;
		planted_mine()->value = v;
		return;
	}
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* The swap of a cursor is over: now comes the intent that should have come before it. */
static inline void planted_late(void)
{
	struct planted_pending *mine = planted_mine();

	if (planted_pause)
		planted_pause();
	__atomic_store_n(mine->intent, mine->value, __ATOMIC_RELEASE);
	mine->intent = NULL;
}

/* What a cursor without its upper half would take for what it expects. */
static inline void planted_narrow(const ringshm_word *p, uint64_t *expected, uint64_t *v)
{
	uint64_t now = __atomic_load_n(p, __ATOMIC_RELAXED);
	uint64_t laps = PLANTED_LAPS * (planted_rings[0].states_size / sizeof(ringshm_word16)) << RINGSHM_MPMC_SHIFT;

	if ((now - *expected) % laps)
		return;
	*v += now - *expected;
	*expected = now;
}

static inline bool ringshm_swap_release(ringshm_word *p, uint64_t *expected, uint64_t v)
{
	enum planted_place place = planted_fault ? planted_place(p) : PLANTED_ELSEWHERE;
	bool is_cursor = place == PLANTED_CURSOR || place == PLANTED_CURSOR_HEAD, done;

	if (planted_fault == PLANTED_UNCOUNTED && place == PLANTED_CURSOR_HEAD)
		v = (v & ~RINGSHM_MPMC_LOW) | (*expected & RINGSHM_MPMC_LOW);
	if (planted_fault == PLANTED_FORGETFUL && place == PLANTED_VERDICT)
		v &= ~RINGSHM_MPMC_CHAIN;
	if (planted_fault == PLANTED_SHARED && place == PLANTED_CURSOR_HEAD && ++planted_turn % 64 == 0)
		return true;
	if (planted_fault == PLANTED_NARROW && is_cursor)
		planted_narrow(p, expected, &v);
	done = __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	if (is_cursor && planted_mine()->intent)
		planted_late();
	return done;
}

#include "planted_rest.h"

#endif
