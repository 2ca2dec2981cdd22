// SPDX-License-Identifier: MIT
/* Candidate for crowds: Concurrency Kit's ck_ring, many producers and consumers, messages in the ring. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "crowd_loops.h"

#ifdef HAVE_CK

#include <ck_ring.h>

struct bytes8 {
	uint64_t word[1];
};
struct bytes64 {
	uint64_t word[8];
};

CK_RING_PROTOTYPE(b8, bytes8)
CK_RING_PROTOTYPE(b64, bytes64)

/* Head of the shared memory; the messages follow. */
struct shared {
	struct ck_ring ring;
	char buffer[] __attribute__((aligned(128)));
};

static int create(struct peer_lane *lane, const struct peer_shape *shape)
{
	int error = peer_memory_create(lane, sizeof(struct shared) + (size_t)shape->slots * shape->size);

	if (!error)
		ck_ring_init(&((struct shared *)lane->memory)->ring, shape->slots);
	return error;
}

static int open_ends(struct peer_side *s, struct peer_lane *out, struct peer_lane *in)
{
	s->out = out ? out->memory : NULL;
	s->in = in ? in->memory : NULL;
	return 0;
}

static void close_ends(struct peer_side *s)
{
	s->out = s->in = NULL;
}

/* The size is constant here, as in a program that has one type of message. */
#define LOOPS(n)                                                                                 \
	PEER__INLINE int send##n(struct peer_side *s, uint64_t *message)                         \
	{                                                                                        \
		struct shared *r = (struct shared *)s->out;                                      \
		return ck_ring_enqueue_mpmc_b##n(&r->ring, (struct bytes##n *)(void *)r->buffer, \
						 (struct bytes##n *)message);                    \
	}                                                                                        \
	PEER__INLINE int receive##n(struct peer_side *s, uint64_t *message)                      \
	{                                                                                        \
		struct shared *r = (struct shared *)s->in;                                       \
		return ck_ring_dequeue_mpmc_b##n(&r->ring, (struct bytes##n *)(void *)r->buffer, \
						 (struct bytes##n *)message);                    \
	}                                                                                        \
	CROWD_LOOPS(loops##n, true, send##n, receive##n)

LOOPS(8)
LOOPS(64)

CROWD_OF_SIZES(loops, true)

const struct peer peer_ck_mpmc = {
	.name = "ck_ring mpmc",
	.batch = 1,
	.cannot = crowd_cannot,
	.create = create,
	.destroy = peer_memory_destroy,
	.open = open_ends,
	.close = close_ends,
	.crowd = &loops,
};

#else /* no Concurrency Kit here */

const struct peer peer_ck_mpmc = {
	.name = "ck_ring mpmc",
	.absent = "not here when this was built: apt-get install libck-dev",
	.batch = 1,
};

#endif
