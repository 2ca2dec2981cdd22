/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The consumer of an spsc ring: peek, release, recv. Include <ringshm/spsc.h>. */
#ifndef RINGSHM_SPSC_CONSUMER_H
#define RINGSHM_SPSC_CONSUMER_H

#include <ringshm/spsc_core.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The consumer's endpoint: private to one thread of one process; filled in by ringshm_spsc_consumer_open(). */
struct ringshm_spsc_consumer {
	uint64_t head; /* position of the oldest record not yet released */
	uint64_t next; /* position behind the newest record shown */
	const unsigned char *base;
	uint64_t capacity;
	uint64_t credit; /* head as last published to the producer */
	ringshm_word *head_word;
	ringshm_word *credit_word;
	uint64_t header; /* of the record last shown */
	uint64_t span;	 /* its bytes, header included */
	/* second line */
	uint64_t looked; /* where `looks` were made */
	uint64_t stamp;	 /* of the record last shown, ns; 0 without RINGSHM_F_TIMESTAMP */
	uint32_t shown;	 /* records shown and not released */
	uint32_t overhead;
	uint32_t round;
	uint32_t max_payload;
	int status;
	uint32_t looks;
	uint32_t ended; /* the producer is gone: an empty ring stays empty */
	uint32_t id;
	const ringshm_word *state;
	const ringshm_word *tail_word;
	const ringshm_word32 *sleepers; /* is the producer asleep; NULL: nobody ever sleeps */
	struct ringshm_participant *self;
	uint32_t certain;
	uint32_t woken;
	void (*wake)(struct ringshm_spsc_consumer *c);
	void (*suspect)(struct ringshm_spsc_consumer *c);
	void *owner;
};

static inline const ringshm_word *ringshm__spsc_consumer_word(const struct ringshm_spsc_consumer *c, uint64_t position)
{
	return (const ringshm_word *)(c->base + (position & (c->capacity - 1)));
}

static inline void ringshm__spsc_publish_credit(struct ringshm_spsc_consumer *c)
{
	c->credit = c->head;
	ringshm_store_release(c->credit_word, c->head); /* R2: pairs with A2; my reads of payloads are over */
	if (!c->sleepers)
		return;
	if (c->certain)
		ringshm__waiter_announce(); /* F1: R2 before the look; pairs with the sleeper's own */
	if (ringshm__unlikely(ringshm_load32_relaxed(c->sleepers))) /* relaxed: as above */
		c->wake(c);
}

/* The header at `position`, or 0 when no record of this lap stands there yet. */
static inline uint64_t ringshm__spsc_look(const struct ringshm_spsc_consumer *c, uint64_t position)
{
	uint64_t want = RINGSHM_RECORD_COMMITTED | ringshm__spsc_lap(position, c->capacity);
	uint64_t header = ringshm_load_acquire(ringshm__spsc_consumer_word(c, position)); /* A1: pairs with R1 */

	return (header & (RINGSHM_RECORD_COMMITTED | RINGSHM_RECORD_LAP)) == want ? header : 0;
}

static inline const void *ringshm__spsc_refuse(struct ringshm_spsc_consumer *c, int why)
{
	if (!c->status)
		c->status = why;
	return NULL;
}

/* `ended` may be old, and a successor may have come and published since: ask again. */
static inline int ringshm__spsc_producer_gone(struct ringshm_spsc_consumer *c, uint64_t state)
{
	if (c->ended && c->suspect) {
		c->ended = 0;
		c->suspect(c);
	}
	return c->ended || (state & RINGSHM_STATE_EOF);
}

/* Nothing at `next`. Tell the producer about all room, then see whether there is a reason. */
ringshm__cold void ringshm__spsc_empty(struct ringshm_spsc_consumer *c)
{
	uint64_t state;
	bool gone;

	if (c->head != c->credit)
		ringshm__spsc_publish_credit(c);
	if (c->status)
		return;
	state = ringshm_load_acquire(c->state); /* A5: what was published before the end is visible now */
	if (ringshm__unlikely(state || c->ended)) {
		gone = ringshm__spsc_producer_gone(c, state); /* before the look: what it published is found */
		if (state & RINGSHM_STATE_PRIVATE)
			c->status = ringshm__state_status(state);
		else if (!ringshm__spsc_look(c, c->next))
			c->status = ringshm__state_status(state) ? ringshm__state_status(state) : gone ? -EPIPE : 0;
		if (c->status)
			return;
	}
	if (c->looked != c->next) { /* something came in between */
		c->looked = c->next;
		c->looks = 0;
	}
	if (++c->looks >= RINGSHM_PATIENCE) {
		c->looks = 0;
		if (c->suspect)
			c->suspect(c);
	}
}

/*
 * `span`, as long as that of the record before if it is the same. By a branch, which a processor guesses,
 * instead of a value, which it waits for: so it fetches the next records while this one is under way.
 * (Value speculation: P. Khuong, P. Vognsen.)
 */
static inline uint64_t ringshm__spsc_foretell(struct ringshm_spsc_consumer *c, uint64_t span)
{
	uint64_t guess = c->span;

	if (ringshm__likely(span == guess)) {
		__asm__("" : "+r"(guess)); /* or the compiler would say that it is span */
		return guess;
	}
	return c->span = span;
}

/* Show the record at `position`; everything read from it is checked against the ring. */
static inline const void *ringshm__spsc_show(struct ringshm_spsc_consumer *c, uint64_t position, uint32_t *len)
{
	uint64_t header = ringshm__spsc_look(c, position), index, span;
	uint32_t length;

	if (!header) {
		ringshm__spsc_empty(c);
		return NULL;
	}
	if (ringshm__unlikely(c->status))
		return NULL;
	index = position & (c->capacity - 1);
	if (ringshm__unlikely(header & RINGSHM_RECORD_PAD)) {
		position += c->capacity - index;
		index = 0;
		header = ringshm__spsc_look(c, position);
		if (!header || (header & RINGSHM_RECORD_PAD))
			return ringshm__spsc_refuse(c, -EPROTO);
	}
	length = ringshm_record_length(header);
	span = ringshm__spsc_span(c->overhead, c->round, length);
	if (ringshm__unlikely(length > c->max_payload || span > c->capacity - index ||
			      position + span - c->head > c->capacity))
		return ringshm__spsc_refuse(c, -EPROTO);
	if (c->overhead > sizeof(ringshm_word)) /* relaxed: published by R1 like the payload */
		c->stamp = ringshm_load_relaxed(ringshm__spsc_consumer_word(c, position) + 1);
	c->header = header;
	c->next = position + ringshm__spsc_foretell(c, span);
	*len = length;
	return c->base + index + c->overhead;
}

/*
 * Show the oldest record that is not released; the same one until it is. Wait-free. The payload stays
 * good until its release. NULL: nothing now if `status` is then 0, else never again (-EPIPE,
 * -ESHUTDOWN, -ESTALE: after all records before the end were shown; -EPROTO: a broken peer).
 */
static inline const void *ringshm_spsc_peek(struct ringshm_spsc_consumer *c, uint32_t *len)
{
	uint64_t next = c->next;
	const void *payload = ringshm__spsc_show(c, c->head, len);

	if (payload && ringshm__likely(!c->shown))
		c->shown = 1;
	else if (payload && c->shown > 1)
		c->next = next; /* records behind it stay shown */
	return payload;
}

/* Show the record behind the newest one shown, so that several stay good at once. As peek otherwise. */
static inline const void *ringshm_spsc_peek_next(struct ringshm_spsc_consumer *c, uint32_t *len)
{
	const void *payload = ringshm__spsc_show(c, c->next, len);

	if (payload)
		c->shown++;
	return payload;
}

/* Position behind the first `n` of the records shown, from headers that are checked again. */
ringshm__cold uint64_t ringshm__spsc_skip(struct ringshm_spsc_consumer *c, uint32_t n)
{
	uint64_t position = c->head, header;

	while (n--) {
		/* relaxed: shown before, so acquired before; only a hostile peer has changed it */
		header = ringshm_load_relaxed(ringshm__spsc_consumer_word(c, position));
		if (header & RINGSHM_RECORD_PAD) {
			position += c->capacity - (position & (c->capacity - 1));
			/* relaxed: as above */
			header = ringshm_load_relaxed(ringshm__spsc_consumer_word(c, position));
		}
		position += ringshm__spsc_span(c->overhead, c->round, ringshm_record_length(header));
		if (position - c->head > c->next - c->head) {
			ringshm__spsc_refuse(c, -EPROTO);
			return c->head;
		}
	}
	return position;
}

/*
 * Give back the `n` oldest records shown (more than were shown: all of them). Their payloads are the
 * producer's from here on. Wait-free.
 */
static inline void ringshm_spsc_release(struct ringshm_spsc_consumer *c, uint32_t n)
{
	if (ringshm__likely(n >= c->shown)) {
		c->head = c->next;
		c->shown = 0;
	} else {
		c->head = ringshm__spsc_skip(c, n);
		c->shown -= n;
	}
	ringshm_store_release(c->head_word, c->head); /* R4: pairs with A4 in used() and takeover */
	if (ringshm__unlikely(c->head - c->credit >= c->capacity / 4))
		ringshm__spsc_publish_credit(c);
}

/* Whether the next look finds a record, or a status that says why there will be none. */
static inline bool ringshm__spsc_ready(struct ringshm_spsc_consumer *c)
{
	if (c->status || ringshm__spsc_look(c, c->next))
		return true;
	return ringshm_load_acquire(c->state) || c->ended; /* A5 */
}

/* Type and flags that the producer gave the record last shown. */
static inline uint16_t ringshm_spsc_type(const struct ringshm_spsc_consumer *c)
{
	return ringshm_record_type(c->header);
}

static inline uint16_t ringshm_spsc_flags(const struct ringshm_spsc_consumer *c)
{
	return ringshm_record_flags(c->header);
}

/* CLOCK_MONOTONIC, ns, at the commit of the record last shown; 0 without RINGSHM_F_TIMESTAMP. */
static inline uint64_t ringshm_spsc_timestamp(const struct ringshm_spsc_consumer *c)
{
	return c->stamp;
}

/*
 * Receive a copy of the oldest record into `cap` bytes at `buf`. Wait-free. 0, with *len its length;
 * -EAGAIN: nothing now; -EMSGSIZE: *len bytes are needed, the record stays; else c->status: never.
 */
static inline int ringshm_spsc_recv(struct ringshm_spsc_consumer *c, void *buf, uint32_t cap, uint32_t *len)
{
	uint32_t length = 0; /* compilers do not see that a payload always has one */
	const void *payload = ringshm_spsc_peek(c, &length);

	if (!payload)
		return c->status ? c->status : -EAGAIN;
	*len = length;
	if (length > cap)
		return -EMSGSIZE;
	if (length)
		memcpy(buf, payload, length);
	ringshm_spsc_release(c, 1);
	return 0;
}

ringshm__cold void ringshm__spsc_rest(void)
{
	for (uint32_t i = 0; i < RINGSHM_SPSC_REST; i++)
		ringshm_cpu_relax();
}

/* How many records of `len` bytes stand at head one behind the other, up to `n`; copied to `buf`. */
ringshm__inline uint32_t ringshm__spsc_take_run(struct ringshm_spsc_consumer *c, void *buf, uint32_t len, uint32_t n)
{
	const uint64_t looked_at = RINGSHM_RECORD_COMMITTED | RINGSHM_RECORD_LAP | RINGSHM_RECORD_PAD |
				   (uint64_t)RINGSHM_RECORD_LENGTH_MAX << RINGSHM_RECORD_LENGTH_SHIFT;
	uint64_t index = c->head & (c->capacity - 1), span = ringshm__spsc_span(c->overhead, c->round, len);
	uint64_t want = ringshm_record_header(len, 0, 0) | ringshm__spsc_lap(c->head, c->capacity);
	const unsigned char *record = c->base + index;
	unsigned char *to = (unsigned char *)buf;
	uint32_t i;

	if (n * span > c->capacity - index)
		n = (uint32_t)((c->capacity - index) / span);
	for (i = 0; i < n; i++, record += span, to += len) {
		/* A1: pairs with R1 in ringshm__spsc_publish() */
		if ((ringshm_load_acquire((const ringshm_word *)record) & looked_at) != want)
			break;
		if (len)
			memcpy(to, record + c->overhead, len);
	}
	return i;
}

/*
 * Receive copies of up to `n` messages of exactly `len` bytes, one behind the other at `buf`, without
 * their types, flags and stamps; what is shown and not released comes again. Wait-free, but for the
 * copying. How many, at least 1; -EAGAIN: nothing now; -EMSGSIZE: the oldest message has another length
 * and stays; else c->status: never again.
 *
 * This is the verb for throughput. Whoever looks at once where a record is just being written takes the
 * line from under the producer's hands, and the prefetchers the next ones: both then wait for lines
 * instead of using them. So the first look that finds nothing lets the producer get ahead.
 */
ringshm__inline int ringshm_spsc_recv_n(struct ringshm_spsc_consumer *c, void *buf, uint32_t len, uint32_t n)
{
	bool running = c->looked != c->head;
	uint32_t length = 0, taken = 0;
	const void *payload;

	if (ringshm__unlikely(!n))
		return 0;
	if (ringshm__unlikely(n > RINGSHM_SPSC_RUN_MAX))
		n = RINGSHM_SPSC_RUN_MAX;
	if (ringshm__likely(len <= c->max_payload && !c->status))
		taken = ringshm__spsc_take_run(c, buf, len, n);
	c->shown = taken;
	c->next = c->head + (uint64_t)taken * ringshm__spsc_span(c->overhead, c->round, len);
	if (ringshm__unlikely(!taken)) { /* empty, round the end, or of another length */
		payload = ringshm_spsc_peek(c, &length);
		if (!payload && !c->status && running)
			ringshm__spsc_rest();
		if (!payload)
			return c->status ? c->status : -EAGAIN;
		if (length != len)
			return -EMSGSIZE;
		if (len)
			memcpy(buf, payload, len);
		taken = 1;
	}
	ringshm_spsc_release(c, taken);
	return (int)taken;
}

/* Bytes in the ring that are not released, headers and pads included; a snapshot. */
static inline uint64_t ringshm_spsc_consumer_used(const struct ringshm_spsc_consumer *c)
{
	uint64_t used = ringshm_load_acquire(c->tail_word) - c->head; /* A3: pairs with R3 */

	return used <= c->capacity ? used : 0;
}

static inline void ringshm_spsc_consumer_note_dropped(struct ringshm_spsc_consumer *c, uint64_t n)
{
	/* relaxed: as ringshm_spsc_note_dropped() */
	ringshm_store_relaxed(&c->self->dropped, ringshm_load_relaxed(&c->self->dropped) + n);
}

#ifdef __cplusplus
}
#endif

#endif
