// SPDX-License-Identifier: MIT
/* The consumer's loop, and what it does with each message. */
#include "reader.h"

#include <errno.h>
#include <zlib.h>

#include "iextp.h"
#include "stop.h"

#define BATCH 64u	   /* messages looked at before their room is given back */
#define SLICE_NS 100000000 /* how long to wait before looking at the stop flag again */

int reader_init(struct reader *r)
{
	*r = (struct reader){.crc32 = (uint32_t)crc32(0, NULL, 0)};
	return book_init(&r->book);
}

void reader_free(struct reader *r)
{
	book_free(&r->book);
}

static int take_tops(struct book *book, const uint8_t *msg, uint32_t len)
{
	struct tops_quote quote;
	struct tops_trade trade;

	if (tops_quote_get(&quote, msg, len))
		return book_quote(book, &quote);
	if (tops_trade_get(&trade, msg, len))
		return book_trade(book, &trade);
	return 0;
}

static int take_message(struct reader *r, const uint8_t *msg, uint32_t len, uint16_t protocol)
{
	r->messages++;
	r->bytes += len;
	r->crc32 = (uint32_t)crc32(r->crc32, msg, len);
	if (!len) {
		r->empty++;
		return 0;
	}
	r->by_type[msg[0]]++;
	return protocol == IEXTP_TOPS_1_6 ? take_tops(&r->book, msg, len) : 0;
}

static int take_end(struct reader *r, const uint8_t *bytes, uint32_t len)
{
	struct wire_end end;

	if (len != sizeof(end))
		return READER_RING_ENDED;
	memcpy(&end, bytes, sizeof(end));
	r->figures = end.figures;
	r->complete = true;
	return READER_DONE;
}

int reader_take(struct reader *r, const uint8_t *bytes, uint32_t len, uint16_t type, uint16_t flags, uint64_t stamp)
{
	if (flags & WIRE_END)
		return take_end(r, bytes, len);
	if (flags & WIRE_PACED) {
		uint64_t now = now_ns();

		latency_add(&r->latency, now > stamp ? now - stamp : 0);
	}
	return take_message(r, bytes, len, type) < 0 ? READER_NO_MEMORY : -1;
}

/*
 * Give back what was read: the ring is empty, or a batch is full.  Unpaced, the
 * clock is read here and not for every message, so the end of the last batch
 * stands for the last message.
 */
static void rest(struct reader *r, struct ringshm_spsc_consumer *consumer)
{
	ringshm_spsc_release(consumer, BATCH);
	r->held = 0;
	if (r->messages != r->timed) {
		r->timed = r->messages;
		r->last_ns = now_ns();
	}
}

/* Wait for a record; READER_* when none will come, else -1. */
static int await(struct ringshm_spsc_consumer *consumer, const void **bytes, uint32_t *len)
{
	int ret;

	do {
		if (stop_signal)
			return READER_STOPPED;
		ret = ringshm_spsc_peek_next_wait(consumer, SLICE_NS, bytes, len);
	} while (ret == -ETIMEDOUT || ret == -EINTR);
	if (ret == 0)
		return -1;
	return ret == -EPIPE || ret == -ESHUTDOWN ? READER_NO_FEED : READER_RING_ENDED;
}

/* The next record; READER_* when none will come, else -1. */
static int next_record(struct reader *r, struct ringshm_spsc_consumer *consumer, const void **bytes, uint32_t *len)
{
	if (r->held == BATCH) {
		rest(r, consumer);
		if (stop_signal)
			return READER_STOPPED;
	}
	*bytes = ringshm_spsc_peek_next(consumer, len);
	if (*bytes)
		return -1;
	rest(r, consumer);
	return await(consumer, bytes, len);
}

enum reader_result reader_run(struct reader *r, struct ringshm_spsc_consumer *consumer)
{
	const void *bytes;
	uint32_t len;
	int res = -1;

	while (res < 0) {
		res = next_record(r, consumer, &bytes, &len);
		if (res >= 0)
			break;
		r->held++;
		if (!r->first_ns)
			r->first_ns = now_ns();
		res = reader_take(r, bytes, len, ringshm_spsc_type(consumer), ringshm_spsc_flags(consumer),
				  ringshm_spsc_timestamp(consumer));
	}
	rest(r, consumer);
	return (enum reader_result)res;
}

double reader_rate(const struct reader *r)
{
	if (r->messages < 2 || r->last_ns <= r->first_ns)
		return 0;
	return (double)(r->messages - 1) * 1e9 / (double)(r->last_ns - r->first_ns);
}
