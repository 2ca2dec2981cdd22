/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* spsc: one producer, one consumer, records of any length, lossless, first in first out. */
#ifndef RINGSHM_SPSC_H
#define RINGSHM_SPSC_H

/*
 * How it works. A record is a header word and its payload (abi.h draws the word). The header itself
 * is the flag: the consumer spins on the header at its own position and needs no index, so a small
 * message costs the move of one cache line.
 *
 *   producer                                           consumer
 *   --------                                           --------
 *   payload of the record          (plain)             A1 header at head          load acquire
 *   R0 header behind it := 0       store relaxed          committed and of this lap?
 *   R1 header of the record        store release ----> A1
 *                                                      payload                    (plain)
 *   A2 credit, when out of room    load acquire  <---- R2 credit, now and then    store release
 *
 * R0 comes before R1, so whoever reaches a position always finds either a header of this lap, a zero,
 * or (when the ring is exactly full) a real header of the lap before. What was payload a lap ago is
 * never looked at as a header. The consumer writes nothing into the data area.
 *
 * R0 would come between a payload and its header, on another line, and wait for that line. So while
 * records are of one size, the headers behind the next few are cleared ahead of need; a record of
 * another size, or a reservation longer than that, goes back to one R0 before each R1.
 *
 * A batch (commit_more) writes all headers but its first, which flush() stores last: one release
 * store publishes everything, and a producer that dies before it has published nothing.
 *
 * `tail` and `head` are stored for others to see (takeover, observers, used()); neither side polls
 * the other's. The consumer stores `head` at every release, in its own line, and copies it to
 * `credit`, the word that the producer polls, only after a quarter of the ring or when it finds the
 * ring empty: that line moves seldom.
 *
 * Both sides are wait-free: every function here ends after a bounded number of its own steps.
 * Everything read from shared memory is masked or checked before use; a peer that scribbles gets
 * status -EPROTO for this endpoint, never an access outside the mapping.
 */

#include <ringshm/atomic.h>
#include <ringshm/status.h>

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the protocol that this header speaks; the library refuses what it does not know. */
#define RINGSHM_SPSC_PROTOCOL 1u

/* Failed looks in a row after which a base verb calls the endpoint's suspect hook. */
#ifndef RINGSHM_PATIENCE
#define RINGSHM_PATIENCE 16384u
#endif

/* How far a producer of records of one size clears headers ahead of itself, bytes; in batches twice that. */
#ifndef RINGSHM_SPSC_AHEAD
#define RINGSHM_SPSC_AHEAD 256u
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
	uint32_t reserved;	   /* payload bytes of the open reservation, plus 1; 0: none is open */
	uint32_t overhead;	   /* header bytes before a payload: 8, with timestamps 16 */
	/* second line: batches and slow paths */
	uint64_t first;	       /* position of the first unpublished record */
	uint64_t first_header; /* its header, still to be stored; 0: nothing unpublished */
	uint64_t cleared;      /* from tail to here, a word every `stride` bytes is 0; before tail: none is */
	uint32_t stride;       /* span of the record committed last; 0: a reservation of another size stands */
	uint32_t steady;       /* the one before it had the same */
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

/* The consumer's endpoint: as above. */
struct ringshm_spsc_consumer {
	uint64_t head; /* position of the oldest record not yet released */
	uint64_t next; /* position behind the newest record shown */
	const unsigned char *base;
	uint64_t capacity;
	uint64_t credit; /* head as last published to the producer */
	ringshm_word *head_word;
	ringshm_word *credit_word;
	uint64_t header; /* of the record last shown */
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

/* ---- shared arithmetic ---------------------------------------------------------------------- */

static inline uint32_t ringshm__spsc_span(uint32_t overhead, uint32_t round, uint32_t len)
{
	return (overhead + len + round) & ~round;
}

static inline uint64_t ringshm__spsc_lap(uint64_t position, uint64_t capacity)
{
	return position & capacity ? RINGSHM_RECORD_LAP : 0;
}

/* Largest payload, bytes, that always fits an empty ring of this shape, wherever its position
 * stands: the record may have to skip almost its own length to the end of the ring. */
static inline uint32_t ringshm_spsc_max_payload(uint64_t capacity, uint32_t overhead)
{
	uint64_t half = capacity / 2;

	if (half > RINGSHM_RECORD_LENGTH_MAX)
		half = RINGSHM_RECORD_LENGTH_MAX & ~UINT32_C(63);
	return (uint32_t)half - overhead;
}

/* ---- producer ------------------------------------------------------------------------------- */

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

/* Does the word at `position` hold the 0 of a header cleared ahead? */
static inline bool ringshm__spsc_is_clear(const struct ringshm_spsc_producer *p, uint64_t position)
{
	return (int64_t)(p->cleared - position) >= 0;
}

/* Tail has moved by a record of `span` bytes. */
static inline void ringshm__spsc_note_span(struct ringshm_spsc_producer *p, uint64_t span)
{
	if (ringshm__unlikely(span != p->stride)) {
		p->stride = (uint32_t)span;
		p->steady = 0;
		p->cleared = p->tail - 1;
	}
}

/*
 * R0 ahead of need, for records as long as the last two: off the way from a payload to its header, and
 * several at once, because lines taken from the other side in a row come several times as fast as lines
 * taken one a message. From `position` on, before which all is clear already.
 */
static inline void ringshm__spsc_clear_ahead(struct ringshm_spsc_producer *p, uint64_t position, uint64_t bytes)
{
	uint64_t end = position + bytes;

	if (!p->stride) /* a longer or shorter payload may be under way behind tail */
		return;
	if (!p->steady) {
		p->steady = 1;
		return;
	}
	for (; (int64_t)(end - position) > 0 && (int64_t)(p->limit - position) > 0; position += p->stride) {
		/* relaxed: R0, ordered by a later R1 */
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, position), 0);
		p->cleared = position;
	}
}

/* Publish what ends at tail and begins with `header` at `position`: one store shows all of it. */
static inline void ringshm__spsc_publish(struct ringshm_spsc_producer *p, uint64_t position, uint64_t header)
{
	/* limit: exactly full, and that word is the oldest unread header */
	if (ringshm__unlikely(!ringshm__spsc_is_clear(p, p->tail) && p->tail != p->limit))
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, p->tail), 0); /* R0: ordered by R1 */
	/* R1: pairs with A1 in ringshm__spsc_look() */
	ringshm_store_release(ringshm__spsc_producer_word(p, position), header);
	ringshm_store_release(p->tail_word, p->tail); /* R3: pairs with A3 in used() and takeover */
	if (ringshm__unlikely(!ringshm__spsc_is_clear(p, p->tail + p->stride)))
		ringshm__spsc_clear_ahead(p, p->tail + p->stride, RINGSHM_SPSC_AHEAD);
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
	ringshm__spsc_publish(p, p->first, header);
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
	if (ringshm__unlikely(need != p->stride)) /* its payload may be written over what is cleared */
		p->stride = 0;
	p->reserved = len + 1;
	return p->base + (start & (p->capacity - 1)) + p->overhead;
}

/*
 * Close the reservation with `len` bytes and move tail behind it. The header that is to stand at the old
 * tail, which the caller stores, or 0 when no reservation is open.
 */
static inline uint64_t ringshm__spsc_complete(struct ringshm_spsc_producer *p, uint32_t len, uint16_t type,
					      uint16_t flags)
{
	uint64_t tail = p->tail, start, header;
	uint32_t reserved = p->reserved;

	if (ringshm__unlikely(!reserved))
		return 0;
	start = ringshm__spsc_start(p, ringshm__spsc_span(p->overhead, p->round, reserved - 1));
	p->reserved = 0;
	if (ringshm__unlikely(len >= reserved))
		len = reserved - 1; /* never more than was reserved */
	header = ringshm_record_header(len, type, flags) | ringshm__spsc_lap(start, p->capacity);
	if (ringshm__unlikely(p->overhead > sizeof(ringshm_word))) /* relaxed: published by R1 like the payload */
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, start) + 1, p->clock ? p->clock() : 0);
	if (ringshm__unlikely(start != tail)) { /* behind a pad, which then comes first */
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, start), header); /* relaxed: ordered by R1 */
		header = RINGSHM_RECORD_COMMITTED | RINGSHM_RECORD_PAD | ringshm__spsc_lap(tail, p->capacity);
	}
	p->tail = start + ringshm__spsc_span(p->overhead, p->round, len);
	ringshm__spsc_note_span(p, p->tail - tail);
	return header;
}

/*
 * Complete the open reservation with `len` bytes (at most what was reserved), a type and flags of the
 * caller's, without publishing it yet: that is for flush(), for the next plain commit, or for a
 * reserve that finds the ring full. Wait-free. Does nothing when no reservation is open.
 */
static inline void ringshm_spsc_commit_more_typed(struct ringshm_spsc_producer *p, uint32_t len, uint16_t type,
						  uint16_t flags)
{
	uint64_t position = p->tail, header = ringshm__spsc_complete(p, len, type, flags);

	if (ringshm__unlikely(!header))
		return;
	if (p->first_header) { /* relaxed: hidden behind the first header until R1 */
		ringshm_store_relaxed(ringshm__spsc_producer_word(p, position), header);
		if (ringshm__unlikely(!ringshm__spsc_is_clear(p, p->tail)))
			ringshm__spsc_clear_ahead(p, p->tail, 2 * RINGSHM_SPSC_AHEAD);
	} else {
		p->first = position;
		p->first_header = header;
	}
}

static inline void ringshm_spsc_commit_more(struct ringshm_spsc_producer *p, uint32_t len)
{
	ringshm_spsc_commit_more_typed(p, len, 0, 0);
}

/* Complete the open reservation and publish it, with everything committed before it. Wait-free. */
static inline void ringshm_spsc_commit_typed(struct ringshm_spsc_producer *p, uint32_t len, uint16_t type,
					     uint16_t flags)
{
	uint64_t position = p->tail, header;

	if (ringshm__unlikely(p->first_header)) {
		ringshm_spsc_commit_more_typed(p, len, type, flags);
		ringshm_spsc_flush(p);
		return;
	}
	header = ringshm__spsc_complete(p, len, type, flags);
	if (ringshm__likely(header))
		ringshm__spsc_publish(p, position, header);
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

/* ---- consumer ------------------------------------------------------------------------------- */

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
	c->next = position + span;
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
