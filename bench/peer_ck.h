// SPDX-License-Identifier: MIT
/* What both candidates of Concurrency Kit's ck_ring share: where the ring and its messages lie. */
#ifndef BENCH_PEER_CK_H
#define BENCH_PEER_CK_H

#include <ck_ring.h>

#include "peer.h"

/* Head of the shared memory; the messages follow. */
struct peer_ck_shared {
	struct ck_ring ring;
	char buffer[] __attribute__((aligned(128)));
};

static inline int peer_ck_create(struct peer_lane *lane, const struct peer_shape *shape)
{
	int error = peer_memory_create(lane, sizeof(struct peer_ck_shared) + (size_t)shape->slots * shape->size);

	if (!error)
		ck_ring_init(&((struct peer_ck_shared *)lane->memory)->ring, shape->slots);
	return error;
}

#endif
