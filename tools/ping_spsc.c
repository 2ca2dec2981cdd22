// SPDX-License-Identifier: MIT
/* ringshm ping over a pair of spsc rings. */
#include "ping_loops.h"

static int shape(const struct ping_request *request, struct ringshm_config *config)
{
	config->capacity = request->capacity;
	return 0;
}

static int open_ends(struct ping_side *s, struct ringshm *out, struct ringshm *in)
{
	int error = ringshm_spsc_producer_open(&s->ends.spsc.out, out);

	if (error)
		return error;
	error = ringshm_spsc_consumer_open(&s->ends.spsc.in, in);
	if (error)
		ringshm_spsc_producer_close(&s->ends.spsc.out);
	return error;
}

static void close_ends(struct ping_side *s)
{
	ringshm_spsc_producer_close(&s->ends.spsc.out);
	ringshm_spsc_consumer_close(&s->ends.spsc.in);
}

PING__INLINE int send(struct ping_side *s)
{
	struct ringshm_spsc_producer *p = &s->ends.spsc.out;
	void *payload = ringshm_spsc_reserve(p, s->size);

	if (!payload)
		return p->status ? p->status : -EAGAIN;
	floor_put(payload, s->buf, s->size);
	ringshm_spsc_commit(p, s->size);
	return 0;
}

PING__INLINE int receive(struct ping_side *s)
{
	struct ringshm_spsc_consumer *c = &s->ends.spsc.in;
	uint32_t len;
	const void *payload = ringshm_spsc_peek(c, &len);

	if (!payload)
		return c->status ? c->status : -EAGAIN;
	if (len != s->size)
		return -EBADMSG;
	floor_get(s->buf, payload, len);
	ringshm_spsc_release(c, 1);
	return 0;
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

const struct ping_kind ping_spsc = {"spsc", RINGSHM_SPSC, shape, open_ends, close_ends, batches, singles, echo};
