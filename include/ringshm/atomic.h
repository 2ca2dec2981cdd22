/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The only way the ring headers touch shared words: relaxed, acquire, release, and one swap. */
#ifndef RINGSHM_ATOMIC_H
#define RINGSHM_ATOMIC_H

/*
 * Three forms with one meaning: the compiler's __atomic builtins (gnu11 and C++17), the kernel's own
 * primitives, and whatever RINGSHM_ATOMIC_OVERRIDE names (a header defining the same functions), for
 * model checkers and for tests that stop between two accesses.
 *
 * Ordering sits on the access. Two stand-alone fences exist, each behind a name that says what for:
 * ringshm__waiter_announce() and ringshm__read_validate().
 */

#include <ringshm/abi.h>

#define ringshm__likely(x) __builtin_expect(!!(x), 1)
#define ringshm__unlikely(x) __builtin_expect(!!(x), 0)
/* Slow paths: out of line, so that the fast ones stay small where they are inlined. */
#define ringshm__cold static __attribute__((__unused__, __noinline__, __cold__))

/* For loops that must not store anything of their own: a call or a spilled register would. */
#define ringshm__inline static inline __attribute__((__always_inline__))

#if defined(RINGSHM_ATOMIC_OVERRIDE)
#include RINGSHM_ATOMIC_OVERRIDE
#elif defined(__KERNEL__)

#include <linux/atomic.h>
#include <linux/compiler.h>

#include <asm/barrier.h>
#include <asm/processor.h>

static inline uint64_t ringshm_load_relaxed(const ringshm_word *p)
{
	return READ_ONCE(*p);
}

static inline uint64_t ringshm_load_acquire(const ringshm_word *p)
{
	return smp_load_acquire(p);
}

static inline void ringshm_store_relaxed(ringshm_word *p, uint64_t v)
{
	WRITE_ONCE(*p, v);
}

static inline void ringshm_store_release(ringshm_word *p, uint64_t v)
{
	smp_store_release(p, v);
}

static inline bool ringshm_swap_release(ringshm_word *p, uint64_t *expected, uint64_t v)
{
	return try_cmpxchg_release(p, expected, v);
}

static inline uint64_t ringshm_fetch_add_relaxed(ringshm_word *p, uint64_t v)
{
	uint64_t old = READ_ONCE(*p);

	while (!try_cmpxchg_relaxed(p, &old, old + v))
		;
	return old;
}

static inline uint32_t ringshm_load32_relaxed(const ringshm_word32 *p)
{
	return READ_ONCE(*p);
}

static inline uint16_t ringshm_load16_relaxed(const ringshm_word16 *p)
{
	return READ_ONCE(*p);
}

static inline uint16_t ringshm_load16_acquire(const ringshm_word16 *p)
{
	return smp_load_acquire(p);
}

static inline void ringshm_store16_release(ringshm_word16 *p, uint16_t v)
{
	smp_store_release(p, v);
}

static inline void ringshm__waiter_announce(void)
{
	smp_mb();
}

static inline void ringshm__read_validate(void)
{
	smp_rmb();
}

#ifndef ringshm_cpu_relax
#define ringshm_cpu_relax() cpu_relax()
#endif

#else /* user space */

#ifndef __cplusplus
#include <stdbool.h>
#endif

static inline uint64_t ringshm_load_relaxed(const ringshm_word *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t ringshm_load_acquire(const ringshm_word *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void ringshm_store_relaxed(ringshm_word *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void ringshm_store_release(ringshm_word *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* Compare-and-swap, release when it succeeds, relaxed when not; *expected then holds what was found. */
static inline bool ringshm_swap_release(ringshm_word *p, uint64_t *expected, uint64_t v)
{
	return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static inline uint64_t ringshm_fetch_add_relaxed(ringshm_word *p, uint64_t v)
{
	return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}

static inline uint32_t ringshm_load32_relaxed(const ringshm_word32 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

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

/*
 * Full barrier between "I have published" and "is anybody asleep?", and between "I am about to
 * sleep" and "is there really nothing?". One of the two then sees the other.
 */
static inline void ringshm__waiter_announce(void)
{
#if defined(__x86_64__)
	__asm__ __volatile__("lock; orl $0, -4(%%rsp)" ::: "memory", "cc"); /* half the cost of mfence */
#elif defined(__i386__)
	__asm__ __volatile__("lock; orl $0, -4(%%esp)" ::: "memory", "cc");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Between copying a slot that may be overwritten meanwhile and checking that it was not. */
static inline void ringshm__read_validate(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ __volatile__("" ::: "memory"); /* loads are not reordered with loads here */
#else
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
#endif
}

/* What a spinning loop says to the processor; define it before including to replace it. */
#ifndef ringshm_cpu_relax
#if defined(__x86_64__) || defined(__i386__)
#define ringshm_cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__) || defined(__arm__)
#define ringshm_cpu_relax() __asm__ __volatile__("yield" ::: "memory")
#else
#define ringshm_cpu_relax() __asm__ __volatile__("" ::: "memory")
#endif
#endif

#endif /* form */

#endif
