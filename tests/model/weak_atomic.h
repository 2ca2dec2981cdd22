/* SPDX-License-Identifier: MIT */
/* atomic.h over a machine with weak memory (RINGSHM_ATOMIC_OVERRIDE): every access is a choice. weak.h says how. */
#ifndef RINGSHM_TESTS_WEAK_ATOMIC_H
#define RINGSHM_TESTS_WEAK_ATOMIC_H

#include <stdbool.h>

/* Words of 64 or of 16 bits, each always accessed as what it is. */
uint64_t weak_load(const void *p, bool acquire);
void weak_store(void *p, uint64_t v, bool release);
bool weak_swap(ringshm_word *p, uint64_t *expected, uint64_t v);
uint64_t weak_add(ringshm_word *p, uint64_t v);

static inline uint64_t ringshm_load_relaxed(const ringshm_word *p)
{
	return weak_load(p, false);
}

static inline void ringshm_store_relaxed(ringshm_word *p, uint64_t v)
{
	weak_store(p, v, false);
}

/* One access in the sources that orders something. */
struct weak_place {
	const char *function;
	int line;
};

/* The access that follows stands here. */
void weak_at(struct weak_place *place, const char *function, int line);

#define WEAK_AT()                                        \
	do {                                             \
		static struct weak_place weak_here;      \
		weak_at(&weak_here, __func__, __LINE__); \
	} while (0)

#define ringshm_load_acquire(p)       \
	({                            \
		WEAK_AT();            \
		weak_load((p), true); \
	})
#define ringshm_store_release(p, v)         \
	({                                  \
		WEAK_AT();                  \
		weak_store((p), (v), true); \
	})
#define ringshm_swap_release(p, expected, v)     \
	({                                       \
		WEAK_AT();                       \
		weak_swap((p), (expected), (v)); \
	})

#define ringshm_load16_acquire(p)                \
	({                                       \
		WEAK_AT();                       \
		(uint16_t) weak_load((p), true); \
	})
#define ringshm_store16_release(p, v)       \
	({                                  \
		WEAK_AT();                  \
		weak_store((p), (v), true); \
	})

static inline uint16_t ringshm_load16_relaxed(const ringshm_word16 *p)
{
	return (uint16_t)weak_load(p, false);
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
