// SPDX-License-Identifier: MIT
/* Candidates for crowds: DPDK rte_ring, MP/MC, HTS and RTS, elements in the ring; its headers alone, no EAL. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "crowd_loops.h"

#ifdef HAVE_DPDK

#include <rte_ring.h>
#include <rte_ring_elem.h>

/* What rte_ring_init() does, which lives in a library that wants its environment. */
static int create(struct peer_lane *lane, const struct peer_shape *shape, enum rte_ring_sync_type type)
{
	int error = peer_memory_create(lane, sizeof(struct rte_ring) + (size_t)shape->slots * shape->size);
	struct rte_ring *r = (struct rte_ring *)lane->memory;

	if (error)
		return error;
	r->prod.sync_type = type;
	r->cons.sync_type = type;
	r->size = shape->slots;
	r->mask = r->size - 1;
	r->capacity = r->mask;
	if (type == RTE_RING_SYNC_MT_RTS) {
		rte_ring_set_prod_htd_max(r, r->capacity / 8);
		rte_ring_set_cons_htd_max(r, r->capacity / 8);
	}
	return 0;
}

/* The size is constant here, as in a program that has one type of element. */
#define LOOPS(form, n, enqueue, dequeue)                                                     \
	PEER__INLINE int form##_send##n(struct peer_side *s, uint64_t *message)              \
	{                                                                                    \
		return (int)enqueue((struct rte_ring *)s->out, message, n, 1, NULL);         \
	}                                                                                    \
	PEER__INLINE int form##_receive##n(struct peer_side *s, uint64_t *message)           \
	{                                                                                    \
		return (int)dequeue((struct rte_ring *)s->in, message, n, 1, NULL);          \
	}                                                                                    \
	PEER__INLINE int form##_send_bulk##n(struct peer_side *s, uint64_t *message)         \
	{                                                                                    \
		return (int)enqueue((struct rte_ring *)s->out, message, n, PEER_BULK, NULL); \
	}                                                                                    \
	PEER__INLINE int form##_receive_bulk##n(struct peer_side *s, uint64_t *message)      \
	{                                                                                    \
		return (int)dequeue((struct rte_ring *)s->in, message, n, PEER_BULK, NULL);  \
	}                                                                                    \
	CROWD_LOOPS(form##n, true, form##_send##n, form##_receive##n)                        \
	CROWD_LOOPS(form##_bulk##n, true, form##_send_bulk##n, form##_receive_bulk##n)

/* One form of synchronization: how to make it, and its two candidates. */
#define FORM(form, type, enqueue, dequeue, single_name, bulk_name)                       \
	static int form##_create(struct peer_lane *lane, const struct peer_shape *shape) \
	{                                                                                \
		return create(lane, shape, type);                                        \
	}                                                                                \
	LOOPS(form, 8, enqueue, dequeue)                                                 \
	LOOPS(form, 64, enqueue, dequeue)                                                \
	CROWD_OF_SIZES(form, true)                                                       \
	CROWD_OF_SIZES(form##_bulk, true)                                                \
	const struct peer peer_dpdk_##form = {                                           \
		.name = single_name,                                                     \
		.batch = 1,                                                              \
		.cannot = crowd_cannot,                                                  \
		.create = form##_create,                                                 \
		.destroy = peer_memory_destroy,                                          \
		.open = peer_memory_open,                                                \
		.close = peer_memory_close,                                              \
		.crowd = &form,                                                          \
	};                                                                               \
	const struct peer peer_dpdk_##form##_bulk = {                                    \
		.name = bulk_name,                                                       \
		.batch = PEER_BULK,                                                      \
		.cannot = crowd_cannot,                                                  \
		.create = form##_create,                                                 \
		.destroy = peer_memory_destroy,                                          \
		.open = peer_memory_open,                                                \
		.close = peer_memory_close,                                              \
		.crowd = &form##_bulk,                                                   \
	};

FORM(mpmc, RTE_RING_SYNC_MT, rte_ring_mp_enqueue_bulk_elem, rte_ring_mc_dequeue_bulk_elem, "DPDK MP/MC",
     "DPDK MP/MC, bulk")
FORM(hts, RTE_RING_SYNC_MT_HTS, rte_ring_mp_hts_enqueue_bulk_elem, rte_ring_mc_hts_dequeue_bulk_elem, "DPDK HTS",
     "DPDK HTS, bulk")
FORM(rts, RTE_RING_SYNC_MT_RTS, rte_ring_mp_rts_enqueue_bulk_elem, rte_ring_mc_rts_dequeue_bulk_elem, "DPDK RTS",
     "DPDK RTS, bulk")

#else /* no DPDK here */

#define ABSENT "not here when this was built: apt-get install libdpdk-dev"
#define MISSING(form, single_name, bulk_name)                                                     \
	const struct peer peer_dpdk_##form = {.name = single_name, .absent = ABSENT, .batch = 1}; \
	const struct peer peer_dpdk_##form##_bulk = {.name = bulk_name, .absent = ABSENT, .batch = PEER_BULK};

MISSING(mpmc, "DPDK MP/MC", "DPDK MP/MC, bulk")
MISSING(hts, "DPDK HTS", "DPDK HTS, bulk")
MISSING(rts, "DPDK RTS", "DPDK RTS, bulk")

#endif
