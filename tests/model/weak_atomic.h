/* SPDX-License-Identifier: MIT */
/* atomic.h over a machine with weak memory (RINGSHM_ATOMIC_OVERRIDE): every access is a choice. weak.h says how. */
#ifndef RINGSHM_TESTS_WEAK_ATOMIC_H
#define RINGSHM_TESTS_WEAK_ATOMIC_H

#include <stdbool.h>

uint64_t weak_load(const ringshm_word *p, bool acquire);
void weak_store(ringshm_word *p, uint64_t v, bool release);
bool weak_swap(ringshm_word *p, uint64_t *expected, uint64_t v);
uint64_t weak_add(ringshm_word *p, uint64_t v);

static inline uint64_t ringshm_load_relaxed(const ringshm_word *p)
{
	return weak_load(p, false);
}

static inline uint64_t ringshm_load_acquire(const ringshm_word *p)
{
	return weak_load(p, true);
}

static inline void ringshm_store_relaxed(ringshm_word *p, uint64_t v)
{
	weak_store(p, v, false);
}

static inline void ringshm_store_release(ringshm_word *p, uint64_t v)
{
	weak_store(p, v, true);
}

static inline bool ringshm_swap_release(ringshm_word *p, uint64_t *expected, uint64_t v)
{
	return weak_swap(p, expected, v);
}

static inline uint64_t ringshm_fetch_add_relaxed(ringshm_word *p, uint64_t v)
{
	return weak_add(p, v);
}

/* Nobody sleeps in these tests. */
static inline uint32_t ringshm_load32_relaxed(const ringshm_word32 *p)
{
	return *p;
}

static inline void ringshm__waiter_announce(void)
{
}

static inline void ringshm__read_validate(void)
{
}

#define ringshm_cpu_relax() ((void)0)

#endif
