// SPDX-License-Identifier: MIT
/* The ends of each kind of ring behind one table. */
#include "stream_kind.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* ---- spsc ----------------------------------------------------------------------------------- */

static int spsc_producer_open(union stream_end *end, struct ringshm *channel)
{
	return ringshm_spsc_producer_open(&end->spsc_producer, channel);
}

static void spsc_producer_close(union stream_end *end)
{
	ringshm_spsc_producer_close(&end->spsc_producer);
}

static int spsc_send(union stream_end *end, const void *buf, uint32_t len, int64_t timeout_ns)
{
	return ringshm_spsc_send_wait(&end->spsc_producer, buf, len, timeout_ns);
}

static int spsc_consumer_open(union stream_end *end, struct ringshm *channel)
{
	return ringshm_spsc_consumer_open(&end->spsc_consumer, channel);
}

static void spsc_consumer_close(union stream_end *end)
{
	ringshm_spsc_consumer_close(&end->spsc_consumer);
}

static int spsc_show(union stream_end *end, int64_t timeout_ns, const void **payload, uint32_t *len)
{
	return ringshm_spsc_peek_next_wait(&end->spsc_consumer, timeout_ns, payload, len);
}

static void spsc_release(union stream_end *end, uint32_t n)
{
	ringshm_spsc_release(&end->spsc_consumer, n);
}

/* ---- token ---------------------------------------------------------------------------------- */

static int token_producer_open(union stream_end *end, struct ringshm *channel)
{
	return ringshm_token_producer_open(&end->token_producer, channel);
}

static void token_producer_close(union stream_end *end)
{
	ringshm_token_producer_close(&end->token_producer);
}

static int token_send(union stream_end *end, const void *buf, uint32_t len, int64_t timeout_ns)
{
	uint64_t value;

	if (len != sizeof(value))
		return -EMSGSIZE;
	memcpy(&value, buf, sizeof(value));
	return ringshm_token_send_wait(&end->token_producer, value, timeout_ns);
}

static int token_consumer_open(union stream_end *end, struct ringshm *channel)
{
	return ringshm_token_consumer_open(&end->token_consumer, channel);
}

static void token_consumer_close(union stream_end *end)
{
	ringshm_token_consumer_close(&end->token_consumer);
}

static int token_show(union stream_end *end, int64_t timeout_ns, const void **payload, uint32_t *len)
{
	static uint64_t value; /* good until the next, as its caller copies at once */
	int error = ringshm_token_peek_wait(&end->token_consumer, timeout_ns, &value);

	*payload = &value;
	*len = sizeof(value);
	return error;
}

static void token_release(union stream_end *end, uint32_t n)
{
	while (n--)
		ringshm_token_release(&end->token_consumer);
}

/* ---- mpmc ----------------------------------------------------------------------------------- */

static int mpmc_producer_open(union stream_end *end, struct ringshm *channel)
{
	return ringshm_mpmc_producer_open(&end->mpmc_producer, channel);
}

static void mpmc_producer_close(union stream_end *end)
{
	ringshm_mpmc_producer_close(&end->mpmc_producer);
}

static int mpmc_send(union stream_end *end, const void *buf, uint32_t len, int64_t timeout_ns)
{
	return ringshm_mpmc_send_wait(&end->mpmc_producer, buf, len, timeout_ns);
}

static int mpmc_consumer_open(union stream_end *end, struct ringshm *channel)
{
	return ringshm_mpmc_consumer_open(&end->mpmc_consumer, channel);
}

static void mpmc_consumer_close(union stream_end *end)
{
	ringshm_mpmc_consumer_close(&end->mpmc_consumer);
}

static int mpmc_show(union stream_end *end, int64_t timeout_ns, const void **payload, uint32_t *len)
{
	return ringshm_mpmc_peek_wait(&end->mpmc_consumer, timeout_ns, payload, len);
}

static void mpmc_release(union stream_end *end, uint32_t n)
{
	ringshm_mpmc_release(&end->mpmc_consumer, n);
}

/* ---- all ------------------------------------------------------------------------------------ */

static const struct stream_kind kinds[] = {
	{
		.kind = RINGSHM_SPSC,
		.keeps = true,
		.producer_open = spsc_producer_open,
		.producer_close = spsc_producer_close,
		.send = spsc_send,
		.consumer_open = spsc_consumer_open,
		.consumer_close = spsc_consumer_close,
		.show = spsc_show,
		.release = spsc_release,
	},
	{
		.kind = RINGSHM_TOKEN,
		.producer_open = token_producer_open,
		.producer_close = token_producer_close,
		.send = token_send,
		.consumer_open = token_consumer_open,
		.consumer_close = token_consumer_close,
		.show = token_show,
		.release = token_release,
	},
	{
		.kind = RINGSHM_MPMC,
		.producer_open = mpmc_producer_open,
		.producer_close = mpmc_producer_close,
		.send = mpmc_send,
		.consumer_open = mpmc_consumer_open,
		.consumer_close = mpmc_consumer_close,
		.show = mpmc_show,
		.release = mpmc_release,
	},
};

const struct stream_kind *stream_kind_find(uint32_t kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}
