/* SPDX-License-Identifier: MIT */
/* What no planted fault changes, for the headers that take the place of <ringshm/atomic.h>'s own functions. */
#ifndef RINGSHM_TESTS_PLANTED_REST_H
#define RINGSHM_TESTS_PLANTED_REST_H

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
