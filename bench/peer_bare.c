// SPDX-License-Identifier: MIT
/* Candidates without a ring: what memory itself does. A stream of lines between two cores; one core's memcpy. */
#include "peer_loops.h"

/*
 * The bare stream: lines written one behind the other and read by the other side, told of in chunks of
 * CHUNK lines by one word each way. The number stands in the first word of each line; nothing else.
 */
#define CHUNK 64u /* lines */

struct shared {
	uint64_t written __attribute__((aligned(128))); /* lines, by the producer */
	uint64_t read __attribute__((aligned(128)));	/* lines, by the consumer */
	char lines[] __attribute__((aligned(4096)));
};

static const char *cannot_stream(const struct peer_shape *shape)
{
	return shape->size != FLOOR_LINE || shape->bytes < 4 * CHUNK * FLOOR_LINE ? "it is made of lines of 64 bytes" :
										    NULL;
}

static int create(struct peer_lane *lane, const struct peer_shape *shape)
{
	return peer_memory_create(lane, sizeof(struct shared) + shape->bytes);
}

/* Waits until `word` has reached `least`. */
static int reach(const struct peer_side *s, const uint64_t *word, uint64_t least)
{
	do {
		for (uint32_t n = s->spins; n; n--)
			if ((int64_t)(__atomic_load_n(word, __ATOMIC_ACQUIRE) - least) >= 0) /* pairs with tell() */
				return 0;
		sched_yield();
	} while (floor_now_ns() < s->deadline_ns);
	return -ETIMEDOUT;
}

static void tell(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE); /* pairs with reach() */
}

static int produce_lines(struct peer_side *s, uint64_t n)
{
	struct shared *r = (struct shared *)s->out;
	uint64_t lines = s->shape->bytes / FLOOR_LINE, i = s->sent, end = i + n;

	while (i != end) {
		if (i % CHUNK == 0 && reach(s, &r->read, i + CHUNK - lines))
			return -ETIMEDOUT;
		memcpy(r->lines + i % lines * FLOOR_LINE, peer__message(s, i), FLOOR_LINE);
		i++;
		if (i % CHUNK == 0 || i == end)
			tell(&r->written, i);
	}
	s->sent = i;
	return 0;
}

static int consume_lines(struct peer_side *s, uint64_t n)
{
	struct shared *r = (struct shared *)s->in;
	uint64_t lines = s->shape->bytes / FLOOR_LINE, i = s->received, end = i + n, known = i;

	while (i != end) {
		if (i == known) {
			known = i - i % CHUNK + CHUNK < end ? i - i % CHUNK + CHUNK : end;
			if (reach(s, &r->written, known))
				return -ETIMEDOUT;
		}
		memcpy(s->buf, r->lines + i % lines * FLOOR_LINE, FLOOR_LINE);
		peer__take(s->buf);
		if (s->buf[0] != peer__number(s, i))
			return -EBADMSG;
		i++;
		if (i % CHUNK == 0 || i == end)
			tell(&r->read, i);
	}
	s->received = i;
	return 0;
}

/* One core's memcpy at the working set of the ring: the producer alone, the other side only waits. */
static int produce_copies(struct peer_side *s, uint64_t n)
{
	struct shared *r = (struct shared *)s->out;
	uint64_t slots = s->shape->bytes / s->size;

	for (; n; n--, s->sent++) {
		memcpy(r->lines + s->sent % slots * s->size, peer__message(s, s->sent), s->size);
		__asm__ volatile("" : : : "memory");
	}
	tell(&r->written, s->sent);
	return 0;
}

static int consume_copies(struct peer_side *s, uint64_t n)
{
	struct shared *r = (struct shared *)s->in;

	s->received += n;
	return reach(s, &r->written, s->received);
}

const struct peer peer_stream = {
	.name = "bare stream of lines",
	.batch = CHUNK,
	.bare = true,
	.cannot = cannot_stream,
	.create = create,
	.destroy = peer_memory_destroy,
	.open = peer_memory_open,
	.close = peer_memory_close,
	.produce = produce_lines,
	.consume = consume_lines,
};

const struct peer peer_memcpy = {
	.name = "memcpy on one core",
	.batch = 1,
	.bare = true,
	.create = create,
	.destroy = peer_memory_destroy,
	.open = peer_memory_open,
	.close = peer_memory_close,
	.produce = produce_copies,
	.consume = consume_copies,
};
