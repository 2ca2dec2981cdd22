/* SPDX-License-Identifier: MIT */
/* The two floors under every round-trip figure: F, bare cache lines, and G, whole messages without a ring. */
#ifndef RINGSHM_BENCH_FLOOR_H
#define RINGSHM_BENCH_FLOOR_H

/*
 * FROZEN. Figures taken years apart are compared through this code; a change here makes them incomparable, so it changes
 * only together with a new name. It depends on nothing of ringshm: what is measured cannot move its own yardstick.
 *
 *   F   two cache lines, one written by each side. The leader stores n into `ping`, the follower waits for n and stores
 *       it into `pong`, the leader waits for that. No PAUSE in the loop: in runs of 16 it doubles the round trip.
 *   G   the same with messages of `size` bytes, each on fresh lines of a ring as large as the one under test, one ring
 *       each way: payload stored, then a flag word before it; the other side waits for the flag, takes the payload into
 *       a buffer of its own and sends it back. No ring logic: nothing bounds the sender but the answer it waits for.
 *
 * Both are taken as means over FLOOR_BATCH round trips (so that the clock's own cost vanishes) and the median of those
 * means is the figure (so that one preemption does not spoil it).
 *
 * The memory is the caller's: shared between two processes or two threads, zeroed, page-aligned. One side calls
 * floor_*_lead(), the other floor_*_follow() with the same number of batches. Both wait for one another in the loop
 * itself; when one has waited for `spins` looks it yields the processor, and when the deadline is past it gives up with
 * -ETIMEDOUT. Two CPUs never get as far as yielding; on a single one set `spins` to 1.
 *
 * C and C++.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define FLOOR_BATCH 100	  /* round trips in one mean */
#define FLOOR_SPINS 65536 /* looks before yielding: some 30 us, far above any round trip between two CPUs */
#define FLOOR_LINE 64	  /* bytes; what G calls a fresh line */
#define FLOOR_WORDS 32	  /* up to this many words a payload is moved word by word, above it by memcpy */

#define FLOOR__CODE static __attribute__((unused, noinline, aligned(64)))
#define FLOOR__INLINE static inline __attribute__((unused, always_inline))

/* F's shared memory. 128 bytes apart: adjacent-line prefetchers fetch pairs. */
struct floor_lines {
	uint64_t ping __attribute__((aligned(128))); /* stored by the leader alone */
	uint64_t pong __attribute__((aligned(128))); /* stored by the follower alone */
} __attribute__((aligned(128)));

/* G's path, private to each side; both begin with pos 0 on zeroed rings. */
struct floor_path {
	char *there; /* leader to follower, `capacity` bytes */
	char *back;  /* follower to leader, `capacity` bytes */
	uint64_t capacity;
	uint32_t size; /* of a message, bytes, at most floor_size_max(capacity) */
	uint64_t *buf; /* at least `size` bytes, rounded up to 8, of one's own */
	uint64_t pos;  /* messages that have gone each way */
};

/* How long to wait for the other side. */
struct floor_pace {
	uint32_t spins;	      /* looks before each sched_yield(), at least 1 */
	uint64_t deadline_ns; /* on CLOCK_MONOTONIC */
};

/*
 * What lies between the two CPUs, told from F. A virtual CPU floats over the cores of its host, so this is measured, not
 * looked up. The thresholds are the geometric means between the values seen: 46 ns for two threads of one core, 100 to 120
 * for two cores under one L3, 480 where nothing is shared. Beyond FLOOR_NS_APART no cache line was waited for but the
 * scheduler: the two sides are not running at the same time.
 */
enum floor_class {
	FLOOR_SAME_CORE,
	FLOOR_SHARED_L3,
	FLOOR_NO_SHARED_CACHE,
	FLOOR_ONE_CPU,
	FLOOR_CLASSES
};

#define FLOOR_NS_CORE 72.0
#define FLOOR_NS_L3 230.0
#define FLOOR_NS_APART 2000.0

FLOOR__INLINE enum floor_class floor_class_of(double f_ns)
{
	if (f_ns < FLOOR_NS_CORE)
		return FLOOR_SAME_CORE;
	if (f_ns < FLOOR_NS_L3)
		return FLOOR_SHARED_L3;
	return f_ns < FLOOR_NS_APART ? FLOOR_NO_SHARED_CACHE : FLOOR_ONE_CPU;
}

FLOOR__INLINE const char *floor_class_name(enum floor_class c)
{
	static const char *const names[FLOOR_CLASSES] = {"same-core", "shared-l3", "no-shared-cache", "one-cpu"};

	return (unsigned)c < FLOOR_CLASSES ? names[c] : "unknown";
}

FLOOR__INLINE uint64_t floor_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Sorts `v` and returns its median. */
FLOOR__CODE double floor_median(double *v, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		double x = v[i];
		unsigned j = i;

		for (; j && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

FLOOR__INLINE int floor__await(const uint64_t *word, uint64_t want, const struct floor_pace *pace)
{
	do {
		for (uint32_t n = pace->spins; n; n--)
			if (__atomic_load_n(word, __ATOMIC_ACQUIRE) == want) /* pairs with the store in floor__tell() */
				return 0;
		sched_yield();
	} while (floor_now_ns() < pace->deadline_ns);
	return -ETIMEDOUT;
}

FLOOR__INLINE void floor__tell(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE); /* pairs with the load in floor__await() */
}

/* Leads `batches` x FLOOR_BATCH round trips of F; mean_ns[i] is the mean of batch i. 0 or -ETIMEDOUT. */
FLOOR__CODE int floor_f_lead(struct floor_lines *l, const struct floor_pace *pace, unsigned batches, double *mean_ns)
{
	uint64_t n = __atomic_load_n(&l->pong, __ATOMIC_RELAXED); /* at rest between runs: ping == pong */

	for (unsigned i = 0; i < batches; i++) {
		uint64_t start = floor_now_ns();

		for (int k = 0; k < FLOOR_BATCH; k++) {
			floor__tell(&l->ping, ++n);
			if (floor__await(&l->pong, n, pace))
				return -ETIMEDOUT;
		}
		mean_ns[i] = (double)(floor_now_ns() - start) / FLOOR_BATCH;
	}
	return 0;
}

/* Answers what floor_f_lead() asks. 0 or -ETIMEDOUT. */
FLOOR__CODE int floor_f_follow(struct floor_lines *l, const struct floor_pace *pace, unsigned batches)
{
	uint64_t n = __atomic_load_n(&l->pong, __ATOMIC_RELAXED); /* one's own word */

	for (uint64_t k = (uint64_t)batches * FLOOR_BATCH; k; k--) {
		if (floor__await(&l->ping, ++n, pace))
			return -ETIMEDOUT;
		floor__tell(&l->pong, n);
	}
	return 0;
}

/* Bytes from one message of G to the next: flag and payload on whole lines. */
FLOOR__INLINE uint64_t floor_stride(uint32_t size)
{
	return ((uint64_t)size + sizeof(uint64_t) + FLOOR_LINE - 1) & ~(uint64_t)(FLOOR_LINE - 1);
}

FLOOR__INLINE uint32_t floor_size_max(uint64_t capacity)
{
	uint64_t max = (capacity & ~(uint64_t)(FLOOR_LINE - 1)) - sizeof(uint64_t);

	return capacity < FLOOR_LINE ? 0 : max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
}

/*
 * Moves a payload into shared memory, or out of it: whole words, so up to 7 bytes more than asked for. Every candidate that
 * is measured against G moves its payload with these two, so that all do the same work. Word by word and atomic (relaxed:
 * the flag orders it) so that the compiler does not make a call of it.
 */
FLOOR__INLINE void floor_put(void *shared, const uint64_t *own, uint32_t size)
{
	uint32_t words = (size + 7) / 8;
	uint64_t *to = (uint64_t *)shared;

	if (words > FLOOR_WORDS) {
		memcpy(shared, own, size);
		return;
	}
	for (uint32_t i = 0; i < words; i++)
		__atomic_store_n(&to[i], own[i], __ATOMIC_RELAXED);
}

FLOOR__INLINE void floor_get(uint64_t *own, const void *shared, uint32_t size)
{
	uint32_t words = (size + 7) / 8;
	const uint64_t *from = (const uint64_t *)shared;

	if (words > FLOOR_WORDS)
		memcpy(own, shared, size);
	else
		for (uint32_t i = 0; i < words; i++)
			own[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	__asm__ volatile("" : : "r"(own) : "memory"); /* taken for good, whether the caller looks at it or not */
}

/* G's slot for message `pos`: a flag word that becomes pos + 1, then the payload. */
FLOOR__INLINE uint64_t *floor__slot(char *ring, const struct floor_path *p, uint64_t stride, uint64_t *off)
{
	uint64_t *slot = (uint64_t *)(void *)(ring + *off);

	*off += stride;
	if (*off + stride > p->capacity)
		*off = 0;
	return slot;
}

FLOOR__INLINE void floor__send(uint64_t *slot, const struct floor_path *p, uint64_t pos)
{
	floor_put(slot + 1, p->buf, p->size);
	floor__tell(slot, pos + 1);
}

FLOOR__INLINE int floor__recv(const uint64_t *slot, const struct floor_path *p, uint64_t pos,
			      const struct floor_pace *pace)
{
	if (floor__await(slot, pos + 1, pace))
		return -ETIMEDOUT;
	floor_get(p->buf, slot + 1, p->size);
	return 0;
}

FLOOR__INLINE uint64_t floor__offset(const struct floor_path *p, uint64_t stride)
{
	return p->pos % (p->capacity / stride) * stride;
}

/* Leads `batches` x FLOOR_BATCH round trips of G, as floor_f_lead() does for F. p->buf is what is sent and what comes back. */
FLOOR__CODE int floor_g_lead(struct floor_path *p, const struct floor_pace *pace, unsigned batches, double *mean_ns)
{
	uint64_t stride = floor_stride(p->size), there = floor__offset(p, stride), back = there;

	for (unsigned i = 0; i < batches; i++) {
		uint64_t start = floor_now_ns();

		for (int k = 0; k < FLOOR_BATCH; k++, p->pos++) {
			floor__send(floor__slot(p->there, p, stride, &there), p, p->pos);
			if (floor__recv(floor__slot(p->back, p, stride, &back), p, p->pos, pace))
				return -ETIMEDOUT;
		}
		mean_ns[i] = (double)(floor_now_ns() - start) / FLOOR_BATCH;
	}
	return 0;
}

/* Answers what floor_g_lead() sends with the same bytes. 0 or -ETIMEDOUT. */
FLOOR__CODE int floor_g_follow(struct floor_path *p, const struct floor_pace *pace, unsigned batches)
{
	uint64_t stride = floor_stride(p->size), there = floor__offset(p, stride), back = there;

	for (uint64_t k = (uint64_t)batches * FLOOR_BATCH; k; k--, p->pos++) {
		if (floor__recv(floor__slot(p->there, p, stride, &there), p, p->pos, pace))
			return -ETIMEDOUT;
		floor__send(floor__slot(p->back, p, stride, &back), p, p->pos);
	}
	return 0;
}

#endif /* RINGSHM_BENCH_FLOOR_H */
