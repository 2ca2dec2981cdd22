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
	PLANTED_UNCOUNTED, /* a dead producer's slot becomes a discarded one */
	PLANTED_A1,	   /* a slot's word is loaded relaxed */
	PLANTED_R2,	   /* ... stored relaxed */
};

/* The program includes this in one file only, and names the ring's words before it uses them. */
static enum planted_fault planted_fault;
static const ringshm_word *planted_cursor[2];
static const unsigned char *planted_lines, *planted_lines_end, *planted_slots, *planted_slots_end;
/* Intents not yet stored, one a stack of 32 KiB: tests that step through code give each participant one. */
static struct planted_pending {
	ringshm_word *intent;
	uint64_t value;
} planted_pending[64];

static const char *const planted_names[] = {"none", "anonymous", "uncounted", "A1", "R2"};

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

static inline void planted_ring(const ringshm_word *producers, const ringshm_word *consumers, const void *lines,
				size_t lines_size, const void *slots, size_t slots_size)
{
	planted_cursor[0] = producers;
	planted_cursor[1] = consumers;
	planted_lines = (const unsigned char *)lines;
	planted_lines_end = planted_lines + lines_size;
	planted_slots = (const unsigned char *)slots;
	planted_slots_end = planted_slots + slots_size;
}

static inline struct planted_pending *planted_mine(void)
{
	return &planted_pending[(uintptr_t)__builtin_frame_address(0) >> 15 & 63];
}

static inline bool planted_within(const void *p, const unsigned char *begin, const unsigned char *end)
{
	return (const unsigned char *)p >= begin && (const unsigned char *)p < end;
}

static inline uint64_t ringshm_load_relaxed(const ringshm_word *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t ringshm_load_acquire(const ringshm_word *p)
{
	if (planted_fault == PLANTED_A1 && planted_within(p, planted_slots, planted_slots_end))
		return __atomic_load_n(p, __ATOMIC_RELAXED);
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void ringshm_store_relaxed(ringshm_word *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void ringshm_store_release(ringshm_word *p, uint64_t v)
{
	if (planted_fault == PLANTED_ANONYMOUS && (v & 0xff) && planted_within(p, planted_lines, planted_lines_end)) {
		planted_mine()->intent = p;
		planted_mine()->value = v;
		return;
	}
	if (planted_fault == PLANTED_R2 && planted_within(p, planted_slots, planted_slots_end))
		__atomic_store_n(p, v, __ATOMIC_RELAXED);
	else
		__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline bool ringshm_swap_release(ringshm_word *p, uint64_t *expected, uint64_t v)
{
	bool done;

	if (planted_fault == PLANTED_UNCOUNTED && (v & 0xff) == 0xff &&
	    planted_within(p, planted_slots, planted_slots_end))
		v--;
	done = __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	if (planted_mine()->intent && (p == planted_cursor[0] || p == planted_cursor[1])) {
		__atomic_store_n(planted_mine()->intent, planted_mine()->value, __ATOMIC_RELEASE);
		planted_mine()->intent = NULL;
	}
	return done;
}

static inline uint64_t ringshm_fetch_add_relaxed(ringshm_word *p, uint64_t v)
{
	return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}

static inline uint32_t ringshm_load32_relaxed(const ringshm_word32 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void ringshm__waiter_announce(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void ringshm__read_validate(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

#ifndef ringshm_cpu_relax
#define ringshm_cpu_relax() __asm__ __volatile__("" ::: "memory")
#endif

#endif
