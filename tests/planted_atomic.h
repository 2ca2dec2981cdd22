/* SPDX-License-Identifier: MIT */
/* atomic.h with a fault on demand (RINGSHM_ATOMIC_OVERRIDE): do the tests notice what it breaks? */
#ifndef RINGSHM_TESTS_PLANTED_ATOMIC_H
#define RINGSHM_TESTS_PLANTED_ATOMIC_H

#include <stdbool.h>
#include <string.h>

enum planted_fault {
	PLANTED_NONE,
	PLANTED_UNZEROED, /* R0 is forgotten: the header behind the newest record keeps its old bytes */
	PLANTED_GENEROUS, /* the consumer gives back 8 bytes more than it released */
	PLANTED_R1,	  /* a record's header is stored relaxed */
	PLANTED_A1,	  /* ... loaded relaxed */
	PLANTED_R2,	  /* the credit is stored relaxed */
	PLANTED_A2,	  /* ... loaded relaxed */
	PLANTED_R4,	  /* the consumer's progress is not stored */
	PLANTED_KEPT,	  /* every second slot of a token ring is not emptied */
};

/* Weak: one of each, whichever files of a program include this. Set before its threads start. */
#define PLANTED_SHARED __attribute__((weak))
PLANTED_SHARED enum planted_fault planted_fault;
PLANTED_SHARED const void *planted_head;			   /* the consumer's progress */
PLANTED_SHARED const void *planted_credit;			   /* the credit word, as both sides see it */
PLANTED_SHARED const unsigned char *planted_records, *planted_end; /* the ring */

static const char *const planted_names[] = {"none", "unzeroed", "generous", "R1", "A1", "R2", "A2", "R4", "kept"};

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

static inline bool planted_in_records(const void *p)
{
	return (const unsigned char *)p >= planted_records && (const unsigned char *)p < planted_end;
}

static inline uint64_t ringshm_load_relaxed(const ringshm_word *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t ringshm_load_acquire(const ringshm_word *p)
{
	if ((planted_fault == PLANTED_A1 && planted_in_records(p)) ||
	    (planted_fault == PLANTED_A2 && p == planted_credit))
		return __atomic_load_n(p, __ATOMIC_RELAXED);
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void ringshm_store_relaxed(ringshm_word *p, uint64_t v)
{
	if (planted_fault == PLANTED_UNZEROED && !v)
		return;
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void ringshm_store_release(ringshm_word *p, uint64_t v)
{
	if (planted_fault == PLANTED_R4 && p == planted_head)
		return;
	if (planted_fault == PLANTED_KEPT && !v && planted_in_records(p) && ((uintptr_t)p & 8))
		return;
	if (planted_fault == PLANTED_GENEROUS && p == planted_credit)
		v += 8;
	if ((planted_fault == PLANTED_R1 && planted_in_records(p)) ||
	    (planted_fault == PLANTED_R2 && p == planted_credit))
		__atomic_store_n(p, v, __ATOMIC_RELAXED);
	else
		__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline bool ringshm_swap_release(ringshm_word *p, uint64_t *expected, uint64_t v)
{
	return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/* Only an mpmc ring has words of 16 bits; planted_mpmc.h has its faults. */
static inline uint16_t ringshm_load16_relaxed(const ringshm_word16 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint16_t ringshm_load16_acquire(const ringshm_word16 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void ringshm_store16_release(ringshm_word16 *p, uint16_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

#include "planted_rest.h"

#endif
