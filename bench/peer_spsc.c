// SPDX-License-Identifier: MIT
/* Candidates: ringshm spsc, one message a publish, runs of many, and the one to the other. */
#include <stdlib.h>

#include <ringshm/ringshm.h>

#include "peer_loops.h"

static const char *cannot(const struct peer_shape *shape)
{
	return shape->size > shape->bytes / 4 ? "its ring is too small for such messages" : NULL;
}

static int create(struct peer_lane *lane, const struct peer_shape *shape)
{
	struct ringshm_config config;
	struct ringshm *channel;
	int error;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = shape->bytes;
	error = ringshm_create(&channel, NULL, &config);
	lane->handle = error ? NULL : channel;
	return error;
}

static void destroy(struct peer_lane *lane)
{
	ringshm_close((struct ringshm *)lane->handle);
	lane->handle = NULL;
}

static void close_ends(struct peer_side *s)
{
	if (s->out)
		ringshm_spsc_producer_close((struct ringshm_spsc_producer *)s->out);
	if (s->in)
		ringshm_spsc_consumer_close((struct ringshm_spsc_consumer *)s->in);
	free(s->out);
	free(s->in);
	s->out = s->in = NULL;
}

static int open_out(struct peer_side *s, struct peer_lane *lane)
{
	struct ringshm_spsc_producer *p = (struct ringshm_spsc_producer *)aligned_alloc(64, 512);
	int error = p ? ringshm_spsc_producer_open(p, (struct ringshm *)lane->handle) : -ENOMEM;

	if (error)
		free(p);
	else
		s->out = p;
	return error;
}

static int open_in(struct peer_side *s, struct peer_lane *lane)
{
	struct ringshm_spsc_consumer *c = (struct ringshm_spsc_consumer *)aligned_alloc(64, 512);
	int error = c ? ringshm_spsc_consumer_open(c, (struct ringshm *)lane->handle) : -ENOMEM;

	if (error)
		free(c);
	else
		s->in = c;
	return error;
}

_Static_assert(sizeof(struct ringshm_spsc_producer) <= 512 && sizeof(struct ringshm_spsc_consumer) <= 512,
	       "endpoints have grown: ask for more above");

static int open_ends(struct peer_side *s, struct peer_lane *out, struct peer_lane *in)
{
	int error = out ? open_out(s, out) : 0;

	if (!error && in)
		error = open_in(s, in);
	if (error)
		close_ends(s);
	return error;
}

PEER__INLINE int send_one(struct peer_side *s, uint64_t *message)
{
	struct ringshm_spsc_producer *p = (struct ringshm_spsc_producer *)s->out;
	void *payload = ringshm_spsc_reserve(p, s->size);

	if (!payload)
		return p->status ? p->status : -EAGAIN;
	peer__copy(payload, message, s->size);
	ringshm_spsc_commit(p, s->size);
	return 0;
}

PEER__INLINE int receive_one(struct peer_side *s, uint64_t *message)
{
	struct ringshm_spsc_consumer *c = (struct ringshm_spsc_consumer *)s->in;
	uint32_t len;
	const void *payload = ringshm_spsc_peek(c, &len);

	if (!payload)
		return c->status ? c->status : -EAGAIN;
	if (len != s->size)
		return -EBADMSG;
	peer__copy(message, payload, s->size);
	peer__take(message);
	ringshm_spsc_release(c, 1);
	return 0;
}

PEER_SINGLE_LOOPS(send_one, receive_one)

/* The common sizes as in a program that has one type of message, known when it is compiled. */
PEER__INLINE int send_run(struct peer_side *s, const uint64_t *messages, uint32_t n)
{
	struct ringshm_spsc_producer *p = (struct ringshm_spsc_producer *)s->out;

	switch (s->size) {
	case 8:
		return ringshm_spsc_send_n(p, messages, 8, n);
	case 64:
		return ringshm_spsc_send_n(p, messages, 64, n);
	default:
		return ringshm_spsc_send_n(p, messages, s->size, n);
	}
}

static int produce_bulk(struct peer_side *s, uint64_t n)
{
	uint64_t i = s->sent, end = i + n;
	int count = 0;

	do {
		for (uint32_t looks = s->spins; looks && i != end; looks--) {
			count = send_run(s, peer__message(s, i), PEER_BULK - (uint32_t)(i % PEER_BULK));
			if (count < 0 && count != -EAGAIN)
				return count;
			i += count > 0 ? (uint64_t)count : 0;
			looks = count > 0 ? s->spins : looks;
		}
		s->sent = i;
		if (i == end)
			return 0;
		sched_yield();
	} while (floor_now_ns() < s->deadline_ns);
	return -ETIMEDOUT;
}

PEER__INLINE int receive_bulk(struct peer_side *s, uint64_t *messages)
{
	struct ringshm_spsc_consumer *c = (struct ringshm_spsc_consumer *)s->in;
	int count;

	switch (s->size) {
	case 8:
		count = ringshm_spsc_recv_n(c, messages, 8, PEER_BULK);
		break;
	case 64:
		count = ringshm_spsc_recv_n(c, messages, 64, PEER_BULK);
		break;
	default:
		count = ringshm_spsc_recv_n(c, messages, s->size, PEER_BULK);
		break;
	}
	return count == -EAGAIN ? 0 : count;
}

static int consume_bulk(struct peer_side *s, uint64_t n)
{
	return peer__consume_bulk(s, n, receive_bulk);
}

const struct peer peer_spsc = {
	.name = "ringshm spsc",
	.batch = 1,
	.ours = true,
	.cannot = cannot,
	.create = create,
	.destroy = destroy,
	.open = open_ends,
	.close = close_ends,
	.produce = produce,
	.consume = consume,
	.ask = ask,
	.answer = answer,
};

const struct peer peer_spsc_bulk = {
	.name = "ringshm spsc, runs",
	.batch = PEER_BULK,
	.ours = true,
	.cannot = cannot,
	.create = create,
	.destroy = destroy,
	.open = open_ends,
	.close = close_ends,
	.produce = produce_bulk,
	.consume = consume_bulk,
};

/* Each message visible at once, to a consumer that is after throughput. */
const struct peer peer_spsc_mixed = {
	.name = "ringshm spsc, to runs",
	.batch = 1,
	.ours = true,
	.cannot = cannot,
	.create = create,
	.destroy = destroy,
	.open = open_ends,
	.close = close_ends,
	.produce = produce,
	.consume = consume_bulk,
};
