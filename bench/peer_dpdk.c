// SPDX-License-Identifier: MIT
/* Candidate: DPDK rte_ring, single producer and consumer, elements in the ring; its headers alone, no EAL. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "peer_loops.h"

#ifdef HAVE_DPDK

#include <rte_ring.h>
#include <rte_ring_elem.h>

static const char *cannot(const struct peer_shape *shape)
{
	return shape->size > 1024 ? "its elements are copied one by one and meant to be small" : NULL;
}

/* What rte_ring_init() does, which lives in a library that wants its environment. */
static int create(struct peer_lane *lane, const struct peer_shape *shape)
{
	int error = peer_memory_create(lane, sizeof(struct rte_ring) + (size_t)shape->slots * shape->size);
	struct rte_ring *r = (struct rte_ring *)lane->memory;

	if (error)
		return error;
	r->flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
	r->prod.sync_type = RTE_RING_SYNC_ST;
	r->cons.sync_type = RTE_RING_SYNC_ST;
	r->size = shape->slots;
	r->mask = r->size - 1;
	r->capacity = r->mask;
	return 0;
}

PEER__INLINE int send_one(struct peer_side *s, uint64_t *message)
{
	return rte_ring_sp_enqueue_bulk_elem((struct rte_ring *)s->out, message, s->size, 1, NULL) ? 0 : -EAGAIN;
}

PEER__INLINE int receive_one(struct peer_side *s, uint64_t *message)
{
	return rte_ring_sc_dequeue_bulk_elem((struct rte_ring *)s->in, message, s->size, 1, NULL) ? 0 : -EAGAIN;
}

PEER__INLINE int send_bulk(struct peer_side *s, uint64_t *message)
{
	return (int)rte_ring_sp_enqueue_bulk_elem((struct rte_ring *)s->out, message, s->size, PEER_BULK, NULL);
}

PEER__INLINE int receive_bulk(struct peer_side *s, uint64_t *message)
{
	return (int)rte_ring_sc_dequeue_bulk_elem((struct rte_ring *)s->in, message, s->size, PEER_BULK, NULL);
}

PEER_SINGLE_LOOPS(send_one, receive_one)
PEER_BULK_LOOPS(send_bulk, receive_bulk)

const struct peer peer_dpdk = {
	.name = "DPDK rte_ring",
	.batch = 1,
	.cannot = cannot,
	.create = create,
	.destroy = peer_memory_destroy,
	.open = peer_memory_open,
	.close = peer_memory_close,
	.produce = produce,
	.consume = consume,
	.ask = ask,
	.answer = answer,
};

const struct peer peer_dpdk_bulk = {
	.name = "DPDK rte_ring, bulk",
	.batch = PEER_BULK,
	.cannot = cannot,
	.create = create,
	.destroy = peer_memory_destroy,
	.open = peer_memory_open,
	.close = peer_memory_close,
	.produce = produce_bulk,
	.consume = consume_bulk,
};

#else /* no DPDK here */

#define ABSENT "not here when this was built: apt-get install libdpdk-dev"

const struct peer peer_dpdk = {.name = "DPDK rte_ring", .absent = ABSENT, .batch = 1};
const struct peer peer_dpdk_bulk = {.name = "DPDK rte_ring, bulk", .absent = ABSENT, .batch = PEER_BULK};

#endif
