// SPDX-License-Identifier: MIT
/* Candidate: Concurrency Kit's ck_ring, single producer and consumer, messages in the ring. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "peer_loops.h"

#ifdef HAVE_CK

#include "peer_ck.h"

struct bytes8 {
	uint64_t word[1];
};
struct bytes56 {
	uint64_t word[7];
};
struct bytes64 {
	uint64_t word[8];
};
struct bytes1024 {
	uint64_t word[128];
};

CK_RING_PROTOTYPE(b8, bytes8)
CK_RING_PROTOTYPE(b56, bytes56)
CK_RING_PROTOTYPE(b64, bytes64)
CK_RING_PROTOTYPE(b1024, bytes1024)

static const char *cannot(const struct peer_shape *shape)
{
	switch (shape->size) {
	case 8:
	case 56:
	case 64:
	case 1024:
		return NULL;
	default:
		return "messages of 8, 56, 64 and 1024 bytes are built in";
	}
}

/* The size is constant here, as in a program that has one type of message. */
#define MOVES(n)                                                                                 \
	PEER__INLINE int send##n(struct peer_side *s, uint64_t *message)                         \
	{                                                                                        \
		struct peer_ck_shared *r = (struct peer_ck_shared *)s->out;                      \
		return ck_ring_enqueue_spsc_b##n(&r->ring, (struct bytes##n *)(void *)r->buffer, \
						 (struct bytes##n *)message) ?                   \
			       0 :                                                               \
			       -EAGAIN;                                                          \
	}                                                                                        \
	PEER__INLINE int receive##n(struct peer_side *s, uint64_t *message)                      \
	{                                                                                        \
		struct peer_ck_shared *r = (struct peer_ck_shared *)s->in;                       \
		return ck_ring_dequeue_spsc_b##n(&r->ring, (struct bytes##n *)(void *)r->buffer, \
						 (struct bytes##n *)message) ?                   \
			       0 :                                                               \
			       -EAGAIN;                                                          \
	}

MOVES(8)
MOVES(56)
MOVES(64)
MOVES(1024)

#define BY_SIZE(loop, ...)                      \
	switch (s->size) {                      \
	case 8:                                 \
		return loop(8, __VA_ARGS__);    \
	case 56:                                \
		return loop(56, __VA_ARGS__);   \
	case 64:                                \
		return loop(64, __VA_ARGS__);   \
	default:                                \
		return loop(1024, __VA_ARGS__); \
	}

#define PRODUCE(z, n) peer__produce(s, n, send##z)
#define CONSUME(z, n) peer__consume(s, n, receive##z)
#define ASK(z, batches, mean) peer__ask(s, batches, mean, send##z, receive##z)
#define ANSWER(z, n) peer__answer(s, n, send##z, receive##z)

static int produce(struct peer_side *s, uint64_t n)
{
	BY_SIZE(PRODUCE, n)
}

static int consume(struct peer_side *s, uint64_t n)
{
	BY_SIZE(CONSUME, n)
}

static int ask(struct peer_side *s, unsigned int batches, double *mean_ns)
{
	BY_SIZE(ASK, batches, mean_ns)
}

static int answer(struct peer_side *s, uint64_t n)
{
	BY_SIZE(ANSWER, n)
}

const struct peer peer_ck = {
	.name = "ck_ring",
	.batch = 1,
	.cannot = cannot,
	.create = peer_ck_create,
	.destroy = peer_memory_destroy,
	.open = peer_memory_open,
	.close = peer_memory_close,
	.produce = produce,
	.consume = consume,
	.ask = ask,
	.answer = answer,
};

#else /* no Concurrency Kit here */

const struct peer peer_ck = {
	.name = "ck_ring",
	.absent = "not here when this was built: apt-get install libck-dev",
	.batch = 1,
};

#endif
