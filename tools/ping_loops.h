/* SPDX-License-Identifier: MIT */
/* The loops of a round trip, once for every kind: inlined into ping_KIND.c with that kind's send and receive. */
#ifndef RINGSHM_TOOLS_PING_LOOPS_H
#define RINGSHM_TOOLS_PING_LOOPS_H

#include "ping.h"

/* One try: 0, -EAGAIN not now, else -errno for good. Both move the payload as the floor G does. */
typedef int ping_move(struct ping_side *s);

#define PING__INLINE static inline __attribute__((always_inline))

PING__INLINE int ping__until(struct ping_side *s, ping_move *move)
{
	do {
		for (uint32_t n = s->spins; n; n--) {
			int error = move(s);

			if (error != -EAGAIN)
				return error;
		}
		sched_yield();
	} while (floor_now_ns() < s->deadline_ns);
	return -ETIMEDOUT;
}

PING__INLINE int ping__round_trip(struct ping_side *s, ping_move *send, ping_move *receive)
{
	uint64_t sequence = ++s->sequence;
	int error;

	s->buf[0] = sequence;
	error = ping__until(s, send);
	if (!error)
		error = ping__until(s, receive);
	if (!error && s->size >= sizeof(sequence) && s->buf[0] != sequence)
		error = -EBADMSG;
	return error;
}

PING__INLINE int ping__batches(struct ping_side *s, unsigned int n, double *mean_ns, ping_move *send,
			       ping_move *receive)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t start = floor_now_ns();

		for (int k = 0; k < FLOOR_BATCH; k++) {
			int error = ping__round_trip(s, send, receive);

			if (error)
				return error;
		}
		mean_ns[i] = (double)(floor_now_ns() - start) / FLOOR_BATCH;
	}
	return 0;
}

PING__INLINE int ping__singles(struct ping_side *s, uint64_t n, struct histogram *h, ping_move *send,
			       ping_move *receive)
{
	uint64_t before = floor_now_ns();

	for (uint64_t i = 0; i < n; i++) {
		int error = ping__round_trip(s, send, receive);
		uint64_t now = floor_now_ns();

		if (error)
			return error;
		histogram_add(h, now - before);
		before = now;
	}
	return 0;
}

PING__INLINE int ping__echo(struct ping_side *s, uint64_t n, ping_move *send, ping_move *receive)
{
	for (uint64_t i = 0; i < n; i++) {
		int error = ping__until(s, receive);

		if (!error)
			error = ping__until(s, send);
		if (error)
			return error;
	}
	return 0;
}

/* Reserving and committing, showing and releasing, for the kinds that do: `send` and `receive`. */
#define PING__MESSAGES(KIND)                                             \
	PING__INLINE int send(struct ping_side *s)                       \
	{                                                                \
		struct ringshm_##KIND##_producer *p = &s->ends.KIND.out; \
		void *payload = ringshm_##KIND##_reserve(p, s->size);    \
                                                                         \
		if (!payload)                                            \
			return p->status ? p->status : -EAGAIN;          \
		floor_put(payload, s->buf, s->size);                     \
		ringshm_##KIND##_commit(p, s->size);                     \
		return 0;                                                \
	}                                                                \
                                                                         \
	PING__INLINE int receive(struct ping_side *s)                    \
	{                                                                \
		struct ringshm_##KIND##_consumer *c = &s->ends.KIND.in;  \
		uint32_t len;                                            \
		const void *payload = ringshm_##KIND##_peek(c, &len);    \
                                                                         \
		if (!payload)                                            \
			return c->status ? c->status : -EAGAIN;          \
		if (len != s->size)                                      \
			return -EBADMSG;                                 \
		floor_get(s->buf, payload, len);                         \
		ringshm_##KIND##_release(c, 1);                          \
		return 0;                                                \
	}

/* The table of a kind that has its `shape`, `send` and `receive`. */
#define PING__KIND(KIND, NUMBER)                                                           \
	static int open_ends(struct ping_side *s, struct ringshm *out, struct ringshm *in) \
	{                                                                                  \
		int error = ringshm_##KIND##_producer_open(&s->ends.KIND.out, out);        \
                                                                                           \
		if (error)                                                                 \
			return error;                                                      \
		error = ringshm_##KIND##_consumer_open(&s->ends.KIND.in, in);              \
		if (error)                                                                 \
			ringshm_##KIND##_producer_close(&s->ends.KIND.out);                \
		return error;                                                              \
	}                                                                                  \
                                                                                           \
	static void close_ends(struct ping_side *s)                                        \
	{                                                                                  \
		ringshm_##KIND##_producer_close(&s->ends.KIND.out);                        \
		ringshm_##KIND##_consumer_close(&s->ends.KIND.in);                         \
	}                                                                                  \
                                                                                           \
	static int batches(struct ping_side *s, unsigned int n, double *mean_ns)           \
	{                                                                                  \
		return ping__batches(s, n, mean_ns, send, receive);                        \
	}                                                                                  \
                                                                                           \
	static int singles(struct ping_side *s, uint64_t n, struct histogram *h)           \
	{                                                                                  \
		return ping__singles(s, n, h, send, receive);                              \
	}                                                                                  \
                                                                                           \
	static int echo(struct ping_side *s, uint64_t n)                                   \
	{                                                                                  \
		return ping__echo(s, n, send, receive);                                    \
	}                                                                                  \
                                                                                           \
	const struct ping_kind ping_##KIND = {#KIND, NUMBER, shape, open_ends, close_ends, batches, singles, echo}

#endif /* RINGSHM_TOOLS_PING_LOOPS_H */
