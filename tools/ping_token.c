// SPDX-License-Identifier: MIT
/* ringshm ping over a pair of token rings. */
#include "ping_loops.h"

static int shape(const struct ping_request *request, struct ringshm_config *config)
{
	config->capacity = request->capacity / sizeof(uint64_t);
	return request->size == sizeof(uint64_t) ? 0 : -EMSGSIZE;
}

static int open_ends(struct ping_side *s, struct ringshm *out, struct ringshm *in)
{
	int error = ringshm_token_producer_open(&s->ends.token.out, out);

	if (error)
		return error;
	error = ringshm_token_consumer_open(&s->ends.token.in, in);
	if (error)
		ringshm_token_producer_close(&s->ends.token.out);
	return error;
}

static void close_ends(struct ping_side *s)
{
	ringshm_token_producer_close(&s->ends.token.out);
	ringshm_token_consumer_close(&s->ends.token.in);
}

PING__INLINE int send(struct ping_side *s)
{
	return ringshm_token_send(&s->ends.token.out, s->buf[0]);
}

PING__INLINE int receive(struct ping_side *s)
{
	return ringshm_token_recv(&s->ends.token.in, &s->buf[0]);
}

static int batches(struct ping_side *s, unsigned int n, double *mean_ns)
{
	return ping__batches(s, n, mean_ns, send, receive);
}

static int singles(struct ping_side *s, uint64_t n, struct histogram *h)
{
	return ping__singles(s, n, h, send, receive);
}

static int echo(struct ping_side *s, uint64_t n)
{
	return ping__echo(s, n, send, receive);
}

const struct ping_kind ping_token = {"token", RINGSHM_TOKEN, shape, open_ends, close_ends, batches, singles, echo};
