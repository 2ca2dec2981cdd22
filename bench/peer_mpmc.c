// SPDX-License-Identifier: MIT
/* Candidates for crowds: ringshm mpmc, one message a claim, the same blocking while there is none, and batches. */
#include <stdlib.h>

#include <ringshm/ringshm.h>

#include "crowd_loops.h"

#define WAIT_NS 2000000 /* for room or messages; then the clock is looked at */
#define ENDPOINT 512u	/* bytes; whole lines, so that nobody shares one */

_Static_assert(sizeof(struct ringshm_mpmc_producer) <= ENDPOINT && sizeof(struct ringshm_mpmc_consumer) <= ENDPOINT,
	       "endpoints have grown: ask for more above");

static int create_with(struct peer_lane *lane, const struct peer_shape *shape, uint64_t features)
{
	struct ringshm_config config;
	struct ringshm *channel;
	int error;

	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = shape->slots;
	config.slot_size = shape->size + 8;
	config.features |= features;
	error = ringshm_create(&channel, NULL, &config);
	lane->handle = error ? NULL : channel;
	return error;
}

static int create(struct peer_lane *lane, const struct peer_shape *shape)
{
	return create_with(lane, shape, 0);
}

static int create_blocking(struct peer_lane *lane, const struct peer_shape *shape)
{
	return create_with(lane, shape, RINGSHM_F_BLOCK);
}

static void destroy(struct peer_lane *lane)
{
	ringshm_close((struct ringshm *)lane->handle);
	lane->handle = NULL;
}

static void close_ends(struct peer_side *s)
{
	if (s->out)
		ringshm_mpmc_producer_close((struct ringshm_mpmc_producer *)s->out);
	if (s->in)
		ringshm_mpmc_consumer_close((struct ringshm_mpmc_consumer *)s->in);
	free(s->out);
	free(s->in);
	s->out = s->in = NULL;
}

static int open_ends(struct peer_side *s, struct peer_lane *out, struct peer_lane *in)
{
	struct peer_lane *lane = out ? out : in;
	void *end = aligned_alloc(64, ENDPOINT);
	int error;

	if (!end)
		return -ENOMEM;
	error = out ? ringshm_mpmc_producer_open((struct ringshm_mpmc_producer *)end, (struct ringshm *)lane->handle) :
		      ringshm_mpmc_consumer_open((struct ringshm_mpmc_consumer *)end, (struct ringshm *)lane->handle);
	if (error)
		free(end);
	else
		*(out ? &s->out : &s->in) = end;
	return error;
}

/* What a try returns to the loops: how many moved, 0 not now, or -errno. */
PEER__INLINE int moved(int error)
{
	return error == -EAGAIN ? 0 : error ? error : 1;
}

/* The same of one that waited. */
PEER__INLINE int moved_in_time(int error)
{
	return moved(error == -ETIMEDOUT ? -EAGAIN : error);
}

/* Copies that the library makes, as DPDK's bulk operations do. */
PEER__INLINE int send_bulk(struct peer_side *s, uint64_t *message, uint32_t size)
{
	int n = ringshm_mpmc_send_n((struct ringshm_mpmc_producer *)s->out, message, size, PEER_BULK);

	return n == -EAGAIN ? 0 : n;
}

PEER__INLINE int receive_bulk(struct peer_side *s, uint64_t *messages, uint32_t size)
{
	int n = ringshm_mpmc_recv_n((struct ringshm_mpmc_consumer *)s->in, messages, size, PEER_BULK);

	return n == -EAGAIN ? 0 : n;
}

/* The same, in place. */
PEER__INLINE int send_there(struct peer_side *s, uint64_t *message, uint32_t size)
{
	struct ringshm_mpmc_producer *p = (struct ringshm_mpmc_producer *)s->out;
	uint32_t n = ringshm_mpmc_reserve_n(p, PEER_BULK);

	for (uint32_t i = 0; i < n; i++)
		memcpy(ringshm_mpmc_room(p, i), message + i * (size / 8), size);
	ringshm_mpmc_commit_n(p, n, size);
	return n ? (int)n : p->status;
}

PEER__INLINE int receive_there(struct peer_side *s, uint64_t *messages, uint32_t size)
{
	struct ringshm_mpmc_consumer *c = (struct ringshm_mpmc_consumer *)s->in;
	uint32_t n = ringshm_mpmc_peek_n(c, PEER_BULK);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t len;

		memcpy(messages + i * (size / 8), ringshm_mpmc_at(c, i, &len), size);
	}
	ringshm_mpmc_release_n(c, n);
	return n ? (int)n : c->status;
}

/* The size is constant here, as in a program that has one type of message. */
#define LOOPS(n)                                                                                                   \
	PEER__INLINE int send##n(struct peer_side *s, uint64_t *message)                                           \
	{                                                                                                          \
		return moved(ringshm_mpmc_send((struct ringshm_mpmc_producer *)s->out, message, n));               \
	}                                                                                                          \
	PEER__INLINE int receive##n(struct peer_side *s, uint64_t *message)                                        \
	{                                                                                                          \
		uint32_t len;                                                                                      \
		return moved(ringshm_mpmc_recv((struct ringshm_mpmc_consumer *)s->in, message, n, &len));          \
	}                                                                                                          \
	PEER__INLINE int send_wait##n(struct peer_side *s, uint64_t *message)                                      \
	{                                                                                                          \
		return moved_in_time(                                                                              \
			ringshm_mpmc_send_wait((struct ringshm_mpmc_producer *)s->out, message, n, WAIT_NS));      \
	}                                                                                                          \
	PEER__INLINE int receive_wait##n(struct peer_side *s, uint64_t *message)                                   \
	{                                                                                                          \
		uint32_t len;                                                                                      \
		return moved_in_time(                                                                              \
			ringshm_mpmc_recv_wait((struct ringshm_mpmc_consumer *)s->in, message, n, &len, WAIT_NS)); \
	}                                                                                                          \
	PEER__INLINE int send_bulk##n(struct peer_side *s, uint64_t *message)                                      \
	{                                                                                                          \
		return send_bulk(s, message, n);                                                                   \
	}                                                                                                          \
	PEER__INLINE int receive_bulk##n(struct peer_side *s, uint64_t *message)                                   \
	{                                                                                                          \
		return receive_bulk(s, message, n);                                                                \
	}                                                                                                          \
	PEER__INLINE int send_there##n(struct peer_side *s, uint64_t *message)                                     \
	{                                                                                                          \
		return send_there(s, message, n);                                                                  \
	}                                                                                                          \
	PEER__INLINE int receive_there##n(struct peer_side *s, uint64_t *message)                                  \
	{                                                                                                          \
		return receive_there(s, message, n);                                                               \
	}                                                                                                          \
	CROWD_LOOPS(single##n, true, send##n, receive##n)                                                          \
	CROWD_LOOPS(waiting##n, true, send_wait##n, receive_wait##n)                                               \
	CROWD_LOOPS(bulk##n, true, send_bulk##n, receive_bulk##n)                                                  \
	CROWD_LOOPS(there##n, true, send_there##n, receive_there##n)

LOOPS(8)
LOOPS(64)
CROWD_OF_SIZES(single, true)
CROWD_OF_SIZES(waiting, true)
CROWD_OF_SIZES(bulk, true)
CROWD_OF_SIZES(there, true)

/* A candidate: its name, messages at a time, how its channel is made, and its loops. */
#define PEER(peer_name, people_call_it, messages, make, loops) \
	const struct peer peer_name = {                        \
		.name = people_call_it,                        \
		.batch = messages,                             \
		.ours = true,                                  \
		.cannot = crowd_cannot,                        \
		.create = make,                                \
		.destroy = destroy,                            \
		.open = open_ends,                             \
		.close = close_ends,                           \
		.crowd = &(loops),                             \
	};

PEER(peer_mpmc, "ringshm mpmc", 1, create, single)
PEER(peer_mpmc_bulk, "ringshm mpmc, batches", PEER_BULK, create, bulk)
PEER(peer_mpmc_there, "ringshm mpmc, in place", PEER_BULK, create, there)
PEER(peer_mpmc_waiting, "ringshm mpmc, blocking", 1, create_blocking, waiting)
