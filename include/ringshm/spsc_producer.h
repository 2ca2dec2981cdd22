/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The producer of an spsc ring: reserve, commit, discard, batches, send. Include <ringshm/spsc.h>. */
#ifndef RINGSHM_SPSC_PRODUCER_H
#define RINGSHM_SPSC_PRODUCER_H

#include <ringshm/spsc_core.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The producer's endpoint: private to one thread of one process; filled in by
 * ringshm_spsc_producer_open(). `status` may be read at any time; everything else is the header's.
 */
struct ringshm_spsc_producer {
	uint64_t tail;	     /* position of the next record */
	uint64_t limit;	     /* first position that may not be written */
	unsigned char *base; /* address of position 0 modulo capacity */
	uint64_t capacity;
	const ringshm_word *state; /* why the channel has ended, or 0 */
	ringshm_word *tail_word;   /* shared copy of what is published */
	uint64_t taken;		   /* lines up to here have been taken from the other side */
	uint32_t reserved;	   /* payload bytes of the open reservation, plus 1; 0: none is open */
	uint32_t overhead;	   /* header bytes before a payload: 8, with timestamps 16 */
	/* second line: batches and slow paths */
	uint64_t first;	       /* position of the first unpublished record */
	uint64_t first_header; /* its header, still to be stored; 0: nothing unpublished */
	uint32_t round;	       /* alignment - 1 */
	uint32_t max_payload;  /* bytes: what always fits an empty ring */
	int status;	       /* after NULL: 0 not now, else why never (-errno) */
	uint32_t looks;	       /* failed looks in a row */
	uint32_t id;	       /* participant */
	const ringshm_word *credit_word;
	const ringshm_word *head_word;
	const ringshm_word32 *sleepers; /* is the consumer asleep; NULL: nobody ever sleeps */
	struct ringshm_participant *self;
	uint32_t certain;				  /* RINGSHM_F_BLOCK: a barrier before every look at sleepers */
	uint32_t woken;					  /* the sleep last ended, as *sleepers numbers them */
	uint64_t (*clock)(void);			  /* RINGSHM_F_TIMESTAMP, else NULL */
	void (*wake)(struct ringshm_spsc_producer *p);	  /* somebody sleeps */
	void (*suspect)(struct ringshm_spsc_producer *p); /* nothing has moved for long */
	void *owner;					  /* the library's */
};

static inline ringshm_word *ringshm__spsc_producer_word(const struct ringshm_spsc_producer *p, uint64_t position)
{
	return (ringshm_word *)(p->base + (position & (p->capacity - 1)));
}

static inline void ringshm__spsc_wake_consumer(struct ringshm_spsc_producer *p)
{
	if (!p->sleepers)
		return;
	if (p->certain)
		ringshm__waiter_announce(); /* F1: R1 before the look; pairs with the sleeper's own */
	/* relaxed: ordered by the barrier; without it a sleeper missed here wakes by its own tick */
	if (ringshm__unlikely(ringshm_load32_relaxed(p->sleepers)))
		p->wake(p);
}

/* The first position from `position` on that begins a line of memory. */
static inline uint64_t ringshm__spsc_line(const struct ringshm_spsc_producer *p, uint64_t position)
{
	return position + ((UINT64_C(0) - (uintptr_t)p->base - position) & (RINGSHM__SPSC_LINE - 1));
}

/*
 * Take the next lines from the other side, each by one store where nothing is yet. A store to a line that
 * the other side has read waits for it; several such stores in a row wait together, but a store to
 * anything else between them waits for all before it. So payloads and headers, among which the private
 * words are stored, shall find their lines taken already (docs/performance.md has the figures).
 */
static inline uint64_t ringshm__spsc_take_lines(const struct ringshm_spsc_producer *p, uint64_t line)
{
	uint64_t end = line + RINGSHM_SPSC_AHEAD;

	for (; line != end && (int64_t)(p->limit - line) > 0; line += RINGSHM__SPSC_LINE)
		/* relaxed: nobody looks there before a later R1 */
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, line), 0);
	return line;
}

/* The first line from `position` on that is not taken. */
static inline uint64_t ringshm__spsc_untaken(const struct ringshm_spsc_producer *p, uint64_t position)
{
	return ringshm__spsc_line(p, (int64_t)(p->taken - position) > 0 ? p->taken : position);
}

/*
 * Publish what begins with `header` at `position` and ends at `tail`: one store shows all of it. What is
 * private is stored behind that, in one go.
 */
static inline void ringshm__spsc_publish(struct ringshm_spsc_producer *p, uint64_t position, uint64_t header,
					 uint64_t tail)
{
	if (ringshm__likely(tail != p->limit)) /* else exactly full, and that word is the oldest unread header */
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, tail), 0); /* R0: ordered by R1 */
	/* R1: pairs with A1 in ringshm__spsc_look() */
	ringshm_store_release(ringshm__spsc_producer_word(p, position), header);
	ringshm_store_release(p->tail_word, tail); /* R3: pairs with A3 in used() and takeover */
	p->tail = tail;
	ringshm__spsc_wake_consumer(p);
}

/*
 * Publish everything committed with commit_more since the last flush. Wait-free. Harmless when there
 * is nothing to publish.
 */
static inline void ringshm_spsc_flush(struct ringshm_spsc_producer *p)
{
	uint64_t header = p->first_header;

	if (!header)
		return;
	p->first_header = 0;
	ringshm__spsc_publish(p, p->first, header, p->tail);
}

/* Where a record of `span` bytes begins: at tail, or at the start of the ring if it does not fit before its end. */
static inline uint64_t ringshm__spsc_start(const struct ringshm_spsc_producer *p, uint64_t span)
{
	uint64_t room = p->capacity - (p->tail & (p->capacity - 1));

	return ringshm__likely(span <= room) ? p->tail : p->tail + room;
}

/*
 * The first position that may not be written. The consumer's head itself is newer than its credit, but
 * lives in the line that it writes at every release: look there only on the first failed look in a row
 * and every 64th after that, so that whoever polls a full ring leaves the consumer its line.
 */
static inline uint64_t ringshm__spsc_read_limit(const struct ringshm_spsc_producer *p, uint64_t need)
{
	uint64_t limit = ringshm_load_acquire(p->credit_word) + p->capacity; /* A2: pairs with R2 */

	if ((int64_t)(p->limit - limit) > 0 && p->limit - limit <= p->capacity)
		limit = p->limit; /* from a head newer than this credit */
	if (limit - p->tail < need && p->looks % 64 == 0)
		limit = ringshm_load_acquire(p->head_word) + p->capacity; /* A4: pairs with R4 */
	return limit;
}

/* Out of room, or the channel has ended. True: there is room after all. */
ringshm__cold bool ringshm__spsc_make_room(struct ringshm_spsc_producer *p, uint64_t need)
{
	uint64_t limit;

	ringshm_spsc_flush(p); /* an unpublished batch may be all that fills the ring */
	if (p->status && p->status != -EMSGSIZE)
		return false;
	p->status = ringshm__state_status(ringshm_load_acquire(p->state)); /* A5: pairs with R5 */
	if (p->status)
		return false;
	limit = ringshm__spsc_read_limit(p, need);
	/* A limit that goes back, beyond what is published, or off the grid is none. */
	if (ringshm__unlikely(limit - p->tail > p->capacity || (limit & p->round) || limit - p->limit > p->capacity)) {
		p->status = -EPROTO;
		p->limit = p->tail;
		return false;
	}
	p->limit = limit;
	if (ringshm__likely(limit - p->tail >= need)) {
		p->looks = 0;
		return true;
	}
	if (++p->looks >= RINGSHM_PATIENCE) {
		p->looks = 0;
		if (p->suspect)
			p->suspect(p);
	}
	return false;
}

/*
 * Reserve room for a record of up to `len` payload bytes and return where to write them. Wait-free.
 * The room is the caller's until commit, commit_more or discard; one reservation at a time: a second
 * reserve gives up the first. NULL: not now if `status` is then 0, else never (-EMSGSIZE: longer
 * than max_payload, never fits; -ESHUTDOWN, -ESTALE, -EPROTO: the channel has ended for us).
 */
static inline void *ringshm_spsc_reserve(struct ringshm_spsc_producer *p, uint32_t len)
{
	uint64_t start, span, need;

	if (ringshm__unlikely(len > p->max_payload)) {
		if (!p->status)
			p->status = -EMSGSIZE;
		return NULL;
	}
	span = ringshm__spsc_span(p->overhead, p->round, len);
	start = ringshm__spsc_start(p, span);
	need = start + span - p->tail;
	/* relaxed: an end that is seen a moment later ends it a moment later */
	if (ringshm__unlikely(p->limit - p->tail < need || ringshm_load_relaxed(p->state))) {
		if (!ringshm__spsc_make_room(p, need))
			return NULL;
	}
	p->reserved = len + 1;
	return p->base + (start & (p->capacity - 1)) + p->overhead;
}

/*
 * What closes the reservation with `len` bytes: the header that is to stand at tail, which the caller
 * stores, and in *end where tail goes. 0: no reservation is open.
 */
static inline uint64_t ringshm__spsc_complete(struct ringshm_spsc_producer *p, uint32_t len, uint16_t type,
					      uint16_t flags, uint64_t *end)
{
	uint64_t start, header;
	uint32_t reserved = p->reserved;

	if (ringshm__unlikely(!reserved))
		return 0;
	start = ringshm__spsc_start(p, ringshm__spsc_span(p->overhead, p->round, reserved - 1));
	if (ringshm__unlikely(len >= reserved))
		len = reserved - 1; /* never more than was reserved */
	header = ringshm_record_header(len, type, flags) | ringshm__spsc_lap(start, p->capacity);
	if (ringshm__unlikely(p->overhead > sizeof(ringshm_word))) /* relaxed: published by R1 like the payload */
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, start) + 1, p->clock ? p->clock() : 0);
	if (ringshm__unlikely(start != p->tail)) { /* behind a pad, which then comes first */
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, start), header); /* relaxed: ordered by R1 */
		header = RINGSHM_RECORD_COMMITTED | RINGSHM_RECORD_PAD | ringshm__spsc_lap(p->tail, p->capacity);
	}
	*end = start + ringshm__spsc_span(p->overhead, p->round, len);
	return header;
}

/* The reservation is closed and tail is `tail` now; `position` was it before. */
static inline void ringshm__spsc_closed(struct ringshm_spsc_producer *p, uint64_t position)
{
	uint64_t next = p->tail + (p->tail - position) + sizeof(ringshm_word); /* if it is like this one */

	p->reserved = 0;
	if (ringshm__unlikely((int64_t)(next - p->taken) > 0))
		p->taken = ringshm__spsc_take_lines(p, ringshm__spsc_untaken(p, p->tail));
}

/*
 * Complete the open reservation with `len` bytes (at most what was reserved), a type and flags of the
 * caller's, without publishing it yet: that is for flush(), for the next plain commit, or for a
 * reserve that finds the ring full. Wait-free. Does nothing when no reservation is open.
 */
static inline void ringshm_spsc_commit_more_typed(struct ringshm_spsc_producer *p, uint32_t len, uint16_t type,
						  uint16_t flags)
{
	uint64_t position = p->tail, end, header = ringshm__spsc_complete(p, len, type, flags, &end);

	if (ringshm__unlikely(!header))
		return;
	if (p->first_header) { /* relaxed: hidden behind the first header until R1 */
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, position), header);
	} else {
		p->first = position;
		p->first_header = header;
	}
	p->tail = end;
	ringshm__spsc_closed(p, position);
}

static inline void ringshm_spsc_commit_more(struct ringshm_spsc_producer *p, uint32_t len)
{
	ringshm_spsc_commit_more_typed(p, len, 0, 0);
}

/* Complete the open reservation and publish it, with everything committed before it. Wait-free. */
static inline void ringshm_spsc_commit_typed(struct ringshm_spsc_producer *p, uint32_t len, uint16_t type,
					     uint16_t flags)
{
	uint64_t position = p->tail, end, header;

	if (ringshm__unlikely(p->first_header)) {
		ringshm_spsc_commit_more_typed(p, len, type, flags);
		ringshm_spsc_flush(p);
		return;
	}
	header = ringshm__spsc_complete(p, len, type, flags, &end);
	if (ringshm__unlikely(!header))
		return;
	ringshm__spsc_publish(p, position, header, end);
	ringshm__spsc_closed(p, position);
}

static inline void ringshm_spsc_commit(struct ringshm_spsc_producer *p, uint32_t len)
{
	ringshm_spsc_commit_typed(p, len, 0, 0);
}

/* Give up the open reservation: it never existed. Wait-free. */
static inline void ringshm_spsc_discard(struct ringshm_spsc_producer *p)
{
	p->reserved = 0;
}

/*
 * Send a copy of `len` bytes. Wait-free. 0; -EAGAIN: not now; else p->status: never.
 */
static inline int ringshm_spsc_send(struct ringshm_spsc_producer *p, const void *buf, uint32_t len)
{
	void *payload = ringshm_spsc_reserve(p, len);

	if (!payload)
		return p->status ? p->status : -EAGAIN;
	if (len)
		memcpy(payload, buf, len);
	ringshm_spsc_commit(p, len);
	return 0;
}

/* How many of `n` records of `span` bytes fit between tail and the end of the ring, in one piece. */
static inline uint32_t ringshm__spsc_fit(struct ringshm_spsc_producer *p, uint64_t span, uint32_t n)
{
	uint64_t end = p->capacity - (p->tail & (p->capacity - 1)), room;

	if (p->limit - p->tail < n * span && n * span <= end)
		ringshm__spsc_make_room(p, n * span);
	room = p->limit - p->tail < end ? p->limit - p->tail : end;
	return n * span <= room ? n : (uint32_t)(room / span);
}

/*
 * Copies of `n` messages of `len` bytes, into a run at tail that is unpublished as long as its first
 * header is missing. The ring is written in one direction and nothing else is stored meanwhile.
 */
ringshm__inline void ringshm__spsc_fill(struct ringshm_spsc_producer *p, const void *buf, uint32_t len, uint32_t n)
{
	const unsigned char *from = (const unsigned char *)buf;
	uint64_t span = ringshm__spsc_span(p->overhead, p->round, len), at = p->tail, stamp = p->clock ? p->clock() : 0;
	uint64_t header = ringshm_record_header(len, 0, 0) | ringshm__spsc_lap(at, p->capacity);
	uint64_t taken = ringshm__spsc_untaken(p, at);

	for (uint32_t i = 0; i < n; i++, at += span, from += len) {
		ringshm_word *word = ringshm__spsc_producer_word(p, at);

		if (ringshm__unlikely((int64_t)(at + span + sizeof(*word) - taken) > 0) && span < RINGSHM_SPSC_AHEAD)
			taken = ringshm__spsc_take_lines(p, taken);
		if (i) /* relaxed: hidden behind the first header until R1 */
			ringshm_store_relaxed(word, header);
		if (p->overhead > sizeof(*word)) /* relaxed: published by R1 like the payload */
			ringshm_store_relaxed(word + 1, stamp);
		if (len)
			memcpy((unsigned char *)word + p->overhead, from, len);
	}
	p->taken = taken;
}

/*
 * Send copies of `n` messages of `len` bytes each, which stand one behind the other at `buf`; all become
 * visible at once. Gives up an open reservation, and publishes what was committed before. Wait-free,
 * but for the copying. How many were sent, perhaps fewer than n; -EAGAIN: none, not now; else
 * p->status: never.
 */
ringshm__inline int ringshm_spsc_send_n(struct ringshm_spsc_producer *p, const void *buf, uint32_t len, uint32_t n)
{
	uint32_t span = ringshm__spsc_span(p->overhead, p->round, len), fit;
	uint64_t position = p->tail, header;
	int error;

	if (ringshm__unlikely(!n))
		return 0;
	p->reserved = 0;
	ringshm_spsc_flush(p);
	if (ringshm__unlikely(n > RINGSHM_SPSC_RUN_MAX))
		n = RINGSHM_SPSC_RUN_MAX;
	/* relaxed: as in reserve */
	fit = len > p->max_payload || ringshm_load_relaxed(p->state) ? 0 : ringshm__spsc_fit(p, span, n);
	if (ringshm__unlikely(!fit)) { /* round the end, or there is a reason why never */
		error = ringshm_spsc_send(p, buf, len);
		return error ? error : 1;
	}
	ringshm__spsc_fill(p, buf, len, fit);
	header = ringshm_record_header(len, 0, 0) | ringshm__spsc_lap(position, p->capacity);
	ringshm__spsc_publish(p, position, header, position + (uint64_t)fit * span);
	return (int)fit;
}

/* Bytes in the ring that the consumer has not released, headers and pads included; a snapshot. */
static inline uint64_t ringshm_spsc_producer_used(const struct ringshm_spsc_producer *p)
{
	uint64_t used = p->tail - ringshm_load_acquire(p->head_word); /* A4: pairs with R4 */

	return used <= p->capacity ? used : 0;
}

/* Tell whoever looks that the caller gave up `n` messages (after NULL, say). Shown by ringshm_info(). */
static inline void ringshm_spsc_note_dropped(struct ringshm_spsc_producer *p, uint64_t n)
{
	/* relaxed: one writer, and readers want a recent figure, no order */
	ringshm_store_relaxed(&p->self->dropped, ringshm_load_relaxed(&p->self->dropped) + n);
}

#ifdef __cplusplus
}
#endif

#endif
