/* SPDX-License-Identifier: MIT */
/* The loops of every candidate for crowds, inlined into its file with its own send and receive. C and C++. */
#ifndef RINGSHM_BENCH_CROWD_LOOPS_H
#define RINGSHM_BENCH_CROWD_LOOPS_H

#include "peer_loops.h"

#define CROWD__CLOCK 64u /* moves between two looks at the clock */

#if defined(__x86_64__) || defined(__i386__)
#define crowd__relax() __builtin_ia32_pause()
#else
#define crowd__relax() __asm__ volatile("" : : : "memory")
#endif

/* Looks at the clock; whoever finds first that the burst is over says so to all. */
PEER__INLINE bool crowd__over(struct peer_burst *b)
{
	uint64_t now = floor_now_ns(), never = 0;

	if (now < b->end_ns)
		return false;
	__atomic_compare_exchange_n(&b->stopped_ns, &never, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return true;
}

PEER__INLINE bool crowd__stopped(const struct peer_burst *b)
{
	return __atomic_load_n(&b->stopped_ns, __ATOMIC_RELAXED) != 0;
}

/*
 * Moves one message or a bulk of them: how many, 0 when the burst is over, or -errno. Who gets nowhere
 * looks some times more and then lets others have the processor: the same manners for all candidates.
 */
PEER__INLINE int crowd__move(struct peer_side *s, struct peer_burst *b, uint64_t *messages, peer_move_bulk *move)
{
	do {
		for (uint32_t n = b->spins; n; n--) {
			int count = move(s, messages);

			if (count)
				return count;
			crowd__relax();
		}
		sched_yield();
	} while (!crowd__over(b));
	return 0;
}

PEER__INLINE int crowd__produce(struct peer_side *s, struct peer_burst *b, peer_move_bulk *send)
{
	uint64_t i = s->sent;
	uint32_t turn = 0;
	int count = 1;

	while (count > 0 && !crowd__stopped(b)) {
		count = crowd__move(s, b, peer__message(s, i), send);
		if (count > 0)
			i += (uint32_t)count;
		if (++turn % CROWD__CLOCK == 0)
			crowd__over(b);
	}
	s->sent = i;
	return count < 0 ? count : 0;
}

PEER__INLINE int crowd__consume(struct peer_side *s, struct peer_burst *b, peer_move_bulk *receive)
{
	const uint32_t words = s->size / 8;
	uint64_t taken = 0, sum = 0;
	uint32_t turn = 0;
	int count = 1;

	while (count > 0 && taken < b->most && !crowd__stopped(b)) {
		count = crowd__move(s, b, s->buf, receive);
		peer__take(s->buf);
		for (int k = 0; k < count; k++)
			sum += s->buf[(uint32_t)k * words] + s->buf[(uint32_t)k * words + words - 1];
		if (count > 0)
			taken += (uint32_t)count;
		if (++turn % CROWD__CLOCK == 0)
			crowd__over(b);
	}
	s->received += taken;
	s->sum += sum;
	return count < 0 ? count : 0;
}

/* Loops named NAME_produce and NAME_consume, and NAME, the crowd made of them. */
#define CROWD_LOOPS(name, strict, send, receive)                             \
	static int name##_produce(struct peer_side *s, struct peer_burst *b) \
	{                                                                    \
		return crowd__produce(s, b, send);                           \
	}                                                                    \
	static int name##_consume(struct peer_side *s, struct peer_burst *b) \
	{                                                                    \
		return crowd__consume(s, b, receive);                        \
	}                                                                    \
	static const struct peer_crowd name __attribute__((unused)) = {strict, name##_produce, name##_consume};

/* For candidates whose messages' size is known when compiled. */
PEER__INLINE const char *crowd_cannot(const struct peer_shape *shape)
{
	return shape->size == 8 || shape->size == 64 ? NULL : "messages of 8 and 64 bytes are built in";
}

/* NAME, made of NAME8 and NAME64. */
#define CROWD_OF_SIZES(name, strict)                                              \
	static int name##_produce(struct peer_side *s, struct peer_burst *b)      \
	{                                                                         \
		return (s->size == 8 ? name##8_produce : name##64_produce)(s, b); \
	}                                                                         \
	static int name##_consume(struct peer_side *s, struct peer_burst *b)      \
	{                                                                         \
		return (s->size == 8 ? name##8_consume : name##64_consume)(s, b); \
	}                                                                         \
	static const struct peer_crowd name = {strict, name##_produce, name##_consume};

#endif /* RINGSHM_BENCH_CROWD_LOOPS_H */
