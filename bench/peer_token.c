// SPDX-License-Identifier: MIT
/* Candidate: ringshm token, one 64-bit value a message, each visible at once. */
#include <stdlib.h>

#include <ringshm/ringshm.h>

#include "peer_loops.h"

static const char *cannot(const struct peer_shape *shape)
{
	return shape->size == 8 ? NULL : "its messages are of 8 bytes";
}

static int create(struct peer_lane *lane, const struct peer_shape *shape)
{
	struct ringshm_config config;
	struct ringshm *channel;
	int error;

	ringshm_config_init(&config, RINGSHM_TOKEN);
	config.capacity = shape->slots;
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
		ringshm_token_producer_close((struct ringshm_token_producer *)s->out);
	if (s->in)
		ringshm_token_consumer_close((struct ringshm_token_consumer *)s->in);
	free(s->out);
	free(s->in);
	s->out = s->in = NULL;
}

_Static_assert(sizeof(struct ringshm_token_producer) <= 512 && sizeof(struct ringshm_token_consumer) <= 512,
	       "endpoints have grown: ask for more below");

static int open_ends(struct peer_side *s, struct peer_lane *out, struct peer_lane *in)
{
	struct ringshm_token_producer *p = out ? (struct ringshm_token_producer *)aligned_alloc(64, 512) : NULL;
	struct ringshm_token_consumer *c = in ? (struct ringshm_token_consumer *)aligned_alloc(64, 512) : NULL;
	int error = (out && !p) || (in && !c) ? -ENOMEM : 0;

	if (!error && p) {
		error = ringshm_token_producer_open(p, (struct ringshm *)out->handle);
		s->out = error ? NULL : p;
	}
	if (!error && c) {
		error = ringshm_token_consumer_open(c, (struct ringshm *)in->handle);
		s->in = error ? NULL : c;
	}
	if (!s->out)
		free(p);
	if (!s->in)
		free(c);
	if (error)
		close_ends(s);
	return error;
}

PEER__INLINE int send_one(struct peer_side *s, uint64_t *message)
{
	return ringshm_token_send((struct ringshm_token_producer *)s->out, message[0]);
}

PEER__INLINE int receive_one(struct peer_side *s, uint64_t *message)
{
	return ringshm_token_recv((struct ringshm_token_consumer *)s->in, &message[0]);
}

PEER_SINGLE_LOOPS(send_one, receive_one)

PEER__INLINE int receive_bulk(struct peer_side *s, uint64_t *messages)
{
	int count = ringshm_token_recv_n((struct ringshm_token_consumer *)s->in, messages, PEER_BULK);

	return count == -EAGAIN ? 0 : count;
}

static int consume_bulk(struct peer_side *s, uint64_t n)
{
	return peer__consume_bulk(s, n, receive_bulk);
}

const struct peer peer_token = {
	.name = "ringshm token",
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

/* Each value visible at once, received in runs. */
const struct peer peer_token_mixed = {
	.name = "ringshm token, to runs",
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
