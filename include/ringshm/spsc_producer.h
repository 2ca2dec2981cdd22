/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The producer of an spsc ring: reserve, commit, discard, batches, send. Include <ringshm/spsc.h>. */
#ifndef RINGSHM_SPSC_PRODUCER_H
#define RINGSHM_SPSC_PRODUCER_H

#include <ringshm/spsc_core.h>

#ifdef __cplusplus
extern "C" {
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

#ifdef __cplusplus
}
#endif

#endif
