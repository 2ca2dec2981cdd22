// SPDX-License-Identifier: MIT
/* Candidate for crowds: Concurrency Kit's ck_ring, many producers and consumers, messages in the ring. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "crowd_loops.h"

#ifdef HAVE_CK

#include "peer_ck.h"

struct bytes8 {
	uint64_t word[1];
};
struct bytes64 {
	uint64_t word[8];
};

CK_RING_PROTOTYPE(b8, bytes8)
CK_RING_PROTOTYPE(b64, bytes64)

/* The size is constant here, as in a program that has one type of message. */
#define LOOPS(n)                                                                                 \
	PEER__INLINE int send##n(struct peer_side *s, uint64_t *message)                         \
	{                                                                                        \
		struct peer_ck_shared *r = (struct peer_ck_shared *)s->out;                      \
		return ck_ring_enqueue_mpmc_b##n(&r->ring, (struct bytes##n *)(void *)r->buffer, \
						 (struct bytes##n *)message);                    \
	}                                                                                        \
	PEER__INLINE int receive##n(struct peer_side *s, uint64_t *message)                      \
	{                                                                                        \
		struct peer_ck_shared *r = (struct peer_ck_shared *)s->in;                       \
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
	.create = peer_ck_create,
	.destroy = peer_memory_destroy,
	.open = peer_memory_open,
	.close = peer_memory_close,
	.crowd = &loops,
};

#else /* no Concurrency Kit here */

const struct peer peer_ck_mpmc = {
	.name = "ck_ring mpmc",
	.absent = "not here when this was built: apt-get install libck-dev",
	.batch = 1,
};

#endif
