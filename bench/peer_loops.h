/* SPDX-License-Identifier: MIT */
/* The loops of every candidate, inlined into its file with its own send and receive. C and C++. */
#ifndef RINGSHM_BENCH_PEER_LOOPS_H
#define RINGSHM_BENCH_PEER_LOOPS_H

#include "peer.h"

/* One try at one message: 0, -EAGAIN not now, else -errno for good. */
typedef int peer_move(struct peer_side *s, uint64_t *message);
/* One try at up to PEER_BULK messages: how many (sending: all or 0), or -errno for good. */
typedef int peer_move_bulk(struct peer_side *s, uint64_t *messages);

#define PEER__INLINE static inline __attribute__((unused, always_inline))

/* Copies a message; the common sizes as in a program that has one type of message, known when compiled. */
PEER__INLINE void peer__copy(void *to, const void *from, uint32_t size)
{
	switch (size) {
	case 8:
		memcpy(to, from, 8);
		break;
	case 56:
		memcpy(to, from, 56);
		break;
	case 64:
		memcpy(to, from, 64);
		break;
	default:
		memcpy(to, from, size);
		break;
	}
}

/* Makes sure that what was received is really taken, although nobody looks at all of it. */
PEER__INLINE void peer__take(const uint64_t *message)
{
	__asm__ volatile("" : : "r"(message) : "memory");
}

PEER__INLINE int peer__until(struct peer_side *s, uint64_t *message, peer_move *move)
{
	do {
		for (uint32_t n = s->spins; n; n--) {
			int error = move(s, message);

			if (error != -EAGAIN)
				return error;
		}
		sched_yield();
	} while (floor_now_ns() < s->deadline_ns);
	return -ETIMEDOUT;
}

PEER__INLINE int peer__until_bulk(struct peer_side *s, uint64_t *messages, peer_move_bulk *move)
{
	do {
		for (uint32_t n = s->spins; n; n--) {
			int count = move(s, messages);

			if (count)
				return count;
		}
		sched_yield();
	} while (floor_now_ns() < s->deadline_ns);
	return -ETIMEDOUT;
}

/* Message i to send, and the number that message i must have when it arrives. */
PEER__INLINE uint64_t *peer__message(const struct peer_side *s, uint64_t i)
{
	return s->table + (i & s->mask) * (s->size / 8);
}

PEER__INLINE uint64_t peer__number(const struct peer_side *s, uint64_t i)
{
	return (i & s->mask) + 1;
}

PEER__INLINE int peer__produce(struct peer_side *s, uint64_t n, peer_move *send)
{
	uint64_t i = s->sent, end = i + n;
	int error = 0;

	for (; i != end && !error; i++)
		error = peer__until(s, peer__message(s, i), send);
	s->sent = i;
	return error;
}

PEER__INLINE int peer__consume(struct peer_side *s, uint64_t n, peer_move *receive)
{
	uint64_t i = s->received, end = i + n;
	int error = 0;

	for (; i != end && !error; i++) {
		error = peer__until(s, s->buf, receive);
		peer__take(s->buf);
		if (!error && s->buf[0] != peer__number(s, i))
			error = -EBADMSG;
	}
	s->received = i;
	return error;
}

PEER__INLINE int peer__produce_bulk(struct peer_side *s, uint64_t n, peer_move_bulk *send)
{
	uint64_t i = s->sent, end = i + n;
	int count = 1;

	for (; i != end && count > 0; i += PEER_BULK)
		count = peer__until_bulk(s, peer__message(s, i), send);
	s->sent = i;
	return count < 0 ? count : 0;
}

PEER__INLINE int peer__consume_bulk(struct peer_side *s, uint64_t n, peer_move_bulk *receive)
{
	uint64_t i = s->received, end = i + n;

	while (i != end) {
		int count = peer__until_bulk(s, s->buf, receive);

		if (count < 0)
			return count;
		peer__take(s->buf);
		for (uint32_t k = 0; k < (uint32_t)count; k++)
			if (s->buf[k * (s->size / 8)] != peer__number(s, i++))
				return -EBADMSG;
	}
	s->received = i;
	return 0;
}

PEER__INLINE int peer__round_trip(struct peer_side *s, peer_move *send, peer_move *receive)
{
	uint64_t i = s->sent++;
	int error = peer__until(s, peer__message(s, i), send);

	if (!error)
		error = peer__until(s, s->buf, receive);
	peer__take(s->buf);
	if (!error && s->buf[0] != peer__number(s, i))
		error = -EBADMSG;
	return error;
}

PEER__INLINE int peer__ask(struct peer_side *s, unsigned int batches, double *mean_ns, peer_move *send,
			   peer_move *receive)
{
	for (unsigned int i = 0; i < batches; i++) {
		uint64_t start = floor_now_ns();

		for (int k = 0; k < FLOOR_BATCH; k++) {
			int error = peer__round_trip(s, send, receive);

			if (error)
				return error;
		}
		mean_ns[i] = (double)(floor_now_ns() - start) / FLOOR_BATCH;
	}
	return 0;
}

PEER__INLINE int peer__answer(struct peer_side *s, uint64_t n, peer_move *send, peer_move *receive)
{
	for (; n; n--) {
		int error = peer__until(s, s->buf, receive);

		if (!error)
			error = peer__until(s, s->buf, send);
		if (error)
			return error;
	}
	return 0;
}

/* The four functions of a candidate that moves one message at a time, named produce, consume, ask, answer. */
#define PEER_SINGLE_LOOPS(send, receive)                                           \
	static int produce(struct peer_side *s, uint64_t n)                        \
	{                                                                          \
		return peer__produce(s, n, send);                                  \
	}                                                                          \
	static int consume(struct peer_side *s, uint64_t n)                        \
	{                                                                          \
		return peer__consume(s, n, receive);                               \
	}                                                                          \
	static int ask(struct peer_side *s, unsigned int batches, double *mean_ns) \
	{                                                                          \
		return peer__ask(s, batches, mean_ns, send, receive);              \
	}                                                                          \
	static int answer(struct peer_side *s, uint64_t n)                         \
	{                                                                          \
		return peer__answer(s, n, send, receive);                          \
	}

/* And of one that moves PEER_BULK at a time, named produce_bulk, consume_bulk. */
#define PEER_BULK_LOOPS(send, receive)                           \
	static int produce_bulk(struct peer_side *s, uint64_t n) \
	{                                                        \
		return peer__produce_bulk(s, n, send);           \
	}                                                        \
	static int consume_bulk(struct peer_side *s, uint64_t n) \
	{                                                        \
		return peer__consume_bulk(s, n, receive);        \
	}

#endif /* RINGSHM_BENCH_PEER_LOOPS_H */
