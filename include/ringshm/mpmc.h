/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* mpmc: many producers, many consumers, each message to one, in one order, whoever dies. */
#ifndef RINGSHM_MPMC_H
#define RINGSHM_MPMC_H

/*
 * A ring of slots. Producers claim the slot at the tail, write into it and hand it over; consumers
 * claim the slot at the head, read in place and hand it back. mpmc_core.h holds the protocol and says
 * why the death of any participant between any two instructions stops nobody.
 *
 * Order: positions are one total order; every message goes to exactly one consumer, and a consumer
 * claims them in that order. A slot that is reserved holds up those behind it until it is committed:
 * a *dead* owner's is freed by whoever trips over it, a *stopped* owner's stalls consumers until it goes
 * on, and ringshm_info() names it. ringshm_mpmc_send() claims last, so its window is a few instructions.
 *
 * Progress: reserve and peek are lock-free (bounded here: after RINGSHM_MPMC_TRIES lost races they say
 * "not now"); everything else is wait-free. Nothing here blocks. Endpoints come from
 * ringshm_mpmc_producer_open() and ringshm_mpmc_consumer_open() in <ringshm/ringshm.h>; each belongs to
 * one thread at a time. Everything read from shared memory is masked or clamped before use.
 */

#include <ringshm/mpmc_core.h>

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the protocol that this header speaks; the library refuses what it does not know. */
#define RINGSHM_MPMC_PROTOCOL 1u

/* Failed looks at one position in a row after which a base verb calls the endpoint's suspect hook. */
#ifndef RINGSHM_MPMC_PATIENCE
#define RINGSHM_MPMC_PATIENCE 16384u
#endif

/*
 * A producer's endpoint: private to one thread of one process; filled in by
 * ringshm_mpmc_producer_open(). `status` may be read at any time; everything else is the header's.
 */
struct ringshm_mpmc_producer {
	struct ringshm__mpmc m;
	const ringshm_word *state;	/* why the channel has ended, or 0 */
	uint32_t offset;		/* bytes from a slot to its payload */
	uint32_t max_payload;		/* bytes: the largest message */
	uint32_t compact;		/* lengths stand in the slot words; no type, no flags, no stamp */
	uint32_t certain;		/* RINGSHM_F_BLOCK: a barrier before every look at sleepers */
	const ringshm_word32 *sleepers; /* not 0 while consumers sleep */
	int status;			/* after NULL: 0 not now, else why never (-errno) */
	uint32_t looks;			/* failed looks in a row at `looked` */
	uint64_t looked;
	struct ringshm_participant *self;
	uint64_t (*clock)(void);				      /* RINGSHM_F_TIMESTAMP, else NULL */
	void (*wake)(struct ringshm_mpmc_producer *p, uint32_t most); /* consumers sleep; wake so many */
	void (*suspect)(struct ringshm_mpmc_producer *p);	      /* nothing has moved for long */
	void *owner;						      /* the library's */
	uint32_t id;						      /* participant */
};

/* A consumer's endpoint: as above. */
struct ringshm_mpmc_consumer {
	struct ringshm__mpmc m;
	uint64_t quarter; /* of the ring, in f: how often sleeping producers are thought of */
	uint32_t gaps;	  /* positions among those held that are no messages, and given back already */
	uint32_t offset;
	uint32_t max_payload;
	uint32_t compact;
	const ringshm_word32 *sleepers;
	uint32_t certain;
	int status;
	uint64_t header; /* of the message last shown, unless compact */
	const ringshm_word *state;
	uint64_t stamp; /* of the message last shown; 0 without RINGSHM_F_TIMESTAMP */
	uint32_t looks;
	uint32_t ended; /* no producer is left: an empty ring stays empty */
	uint64_t looked;
	struct ringshm_participant *self;
	void (*wake)(struct ringshm_mpmc_consumer *c, uint32_t most);
	void (*suspect)(struct ringshm_mpmc_consumer *c);
	void *owner;
	uint32_t id;
	uint32_t stamped; /* RINGSHM_F_TIMESTAMP */
};

/* ---- shape ---------------------------------------------------------------------------------- */

/* Do lengths stand in the slot words? */
static inline bool ringshm_mpmc_compact(uint32_t slot_size, uint64_t features)
{
	return slot_size <= RINGSHM_MPMC_COMPACT_MAX && !(features & RINGSHM_F_TIMESTAMP);
}

/* Bytes from the start of a slot to its payload. */
static inline uint32_t ringshm_mpmc_offset(uint32_t slot_size, uint32_t alignment, uint64_t features)
{
	uint32_t offset = ringshm_mpmc_compact(slot_size, features) ? 8 : features & RINGSHM_F_TIMESTAMP ? 24 : 16;

	return offset > alignment ? offset : alignment;
}

/* The state word as an error. */
static inline int ringshm__mpmc_state_status(uint64_t state)
{
	if (state & RINGSHM_STATE_BROKEN)
		return -EPROTO;
	if (state & (RINGSHM_STATE_SUPERSEDED | RINGSHM_STATE_FORKED))
		return -ESTALE;
	return state & RINGSHM_STATE_SHUTDOWN ? -ESHUTDOWN : 0;
}

/* One more failed look. True: time to suspect that somebody died. */
static inline bool ringshm__mpmc_impatient(const struct ringshm__mpmc *m, uint64_t *looked, uint32_t *looks)
{
	uint64_t cursor = ringshm_load_relaxed(m->cursor); /* relaxed: only compared with the last one */

	if (cursor != *looked) {
		*looked = cursor;
		*looks = 0;
	}
	if (++*looks < RINGSHM_MPMC_PATIENCE)
		return false;
	*looks = 0;
	return true;
}

/* ---- producer ------------------------------------------------------------------------------- */

/* No slot. Is there a reason that lasts? */
static inline void ringshm__mpmc_full(struct ringshm_mpmc_producer *p)
{
	int status = ringshm__mpmc_state_status(ringshm_load_acquire(p->state)); /* A5: pairs with R5 */

	if (ringshm__unlikely(status)) {
		p->status = status;
	} else if (ringshm__mpmc_impatient(&p->m, &p->looked, &p->looks)) {
		if (!ringshm__mpmc_sound(&p->m))
			p->status = -EPROTO;
		else if (p->suspect)
			p->suspect(p);
	}
}

/* Claim up to `n` slots, none being held. `intended`: as for ringshm__mpmc_claim(). */
static inline uint32_t ringshm__mpmc_reserve(struct ringshm_mpmc_producer *p, uint32_t n, bool intended)
{
	bool crossed;

	if (ringshm__unlikely(p->status == -EMSGSIZE)) /* that was another message */
		p->status = 0;
	/* relaxed: an end that is seen a moment later ends it a moment later */
	if (ringshm__likely(!p->status && !ringshm_load_relaxed(p->state))) {
		n = ringshm__mpmc_claim(&p->m, RINGSHM__MPMC_PRODUCERS, n, intended, &crossed);
		if (ringshm__likely(n))
			return n;
	}
	if (!p->status)
		ringshm__mpmc_full(p);
	return 0;
}

/*
 * Reserve up to `n` slots in a row (at most RINGSHM_MPMC_BATCH_MAX) by one claim; returns how many:
 * at least one, or 0 as reserve returns NULL. Fill them through ringshm_mpmc_room(), then commit_n(),
 * or commit() one by one in order. With a reservation open: the number of its slots, and no claim.
 */
static inline uint32_t ringshm_mpmc_reserve_n(struct ringshm_mpmc_producer *p, uint32_t n)
{
	if (p->m.held)
		return p->m.held;
	return ringshm__mpmc_reserve(p, n < RINGSHM_MPMC_BATCH_MAX ? n : RINGSHM_MPMC_BATCH_MAX, false);
}

/* Where to write the message of the `i`th slot reserved: max_payload bytes, until its commit. */
static inline void *ringshm_mpmc_room(const struct ringshm_mpmc_producer *p, uint32_t i)
{
	return (unsigned char *)ringshm__mpmc_word(&p->m, p->m.first + ringshm__mpmc_f(i)) + p->offset;
}

/*
 * Reserve a slot for a message of up to `len` bytes and return where to write it. Lock-free. The slot
 * is the caller's until commit or discard; while it is reserved, consumers stop in front of it. A second
 * reserve before that returns the same slot. NULL: not now if `status` is then 0 (the ring is full, or
 * too many races were lost), else never (-EMSGSIZE: longer than max_payload; -ESHUTDOWN, -ESTALE,
 * -EPROTO: the channel has ended for us).
 */
static inline void *ringshm_mpmc_reserve(struct ringshm_mpmc_producer *p, uint32_t len)
{
	if (ringshm__unlikely(len > p->max_payload)) {
		if (!p->status)
			p->status = -EMSGSIZE;
		return NULL;
	}
	return ringshm__likely(ringshm_mpmc_reserve_n(p, 1)) ? ringshm_mpmc_room(p, 0) : NULL;
}

static inline void ringshm__mpmc_wake_consumers(struct ringshm_mpmc_producer *p, uint32_t messages)
{
	if (p->certain)
		ringshm__waiter_announce(); /* F1: R2 before the look; pairs with the sleeper's own */
	/* relaxed: ordered by the barrier; without it a sleeper missed here wakes by its own tick */
	if (ringshm__unlikely(ringshm_load32_relaxed(p->sleepers)))
		p->wake(p, messages);
}

/* What stands before a payload, in slots that are not compact. */
static inline void ringshm__mpmc_describe(const struct ringshm_mpmc_producer *p, ringshm_word *slot, uint32_t len,
					  uint16_t type, uint16_t flags)
{
	/* relaxed, both: published by R2 like the payload */
	ringshm_store_relaxed(slot + 1, ringshm_record_header(len, type, flags));
	if (p->clock)
		ringshm_store_relaxed(slot + 2, p->clock());
}

/* Complete a slot and hand it over. */
static inline void ringshm__mpmc_publish(struct ringshm_mpmc_producer *p, ringshm_word *slot, uint64_t f, uint32_t len,
					 uint16_t type, uint16_t flags)
{
	if (!p->compact) {
		ringshm__mpmc_describe(p, slot, len, type, flags);
		len = 0;
	}
	ringshm__mpmc_done(&p->m, RINGSHM__MPMC_PRODUCERS, slot, f, RINGSHM_MPMC_READY + len);
}

/* The oldest slot reserved. */
static inline void ringshm__mpmc_publish_first(struct ringshm_mpmc_producer *p, uint32_t len, uint16_t type,
					       uint16_t flags)
{
	uint64_t f = p->m.first;

	p->m.first = f + ringshm__mpmc_f(1);
	p->m.held--;
	ringshm__mpmc_publish(p, ringshm__mpmc_word(&p->m, f), f, len < p->max_payload ? len : p->max_payload, type,
			      flags);
}

/*
 * Publish the oldest slot reserved with `len` bytes (at most max_payload), a type and flags of the
 * caller's; compact slots (of up to RINGSHM_MPMC_COMPACT_MAX bytes) have no room for these two: 0 arrives.
 * Wait-free. Does nothing when no reservation is open.
 */
static inline void ringshm_mpmc_commit_typed(struct ringshm_mpmc_producer *p, uint32_t len, uint16_t type,
					     uint16_t flags)
{
	if (ringshm__unlikely(!p->m.held))
		return;
	ringshm__mpmc_publish_first(p, len, type, flags);
	ringshm__mpmc_wake_consumers(p, 1);
}

static inline void ringshm_mpmc_commit(struct ringshm_mpmc_producer *p, uint32_t len)
{
	ringshm_mpmc_commit_typed(p, len, 0, 0);
}

/* Publish the `n` oldest slots reserved (more than there are: all), each with `len` bytes. Wait-free. */
static inline void ringshm_mpmc_commit_n(struct ringshm_mpmc_producer *p, uint32_t n, uint32_t len)
{
	uint32_t i;

	if (n > p->m.held)
		n = p->m.held;
	if (!n)
		return;
	for (i = 0; i < n; i++)
		ringshm__mpmc_publish_first(p, len, 0, 0);
	ringshm__mpmc_wake_consumers(p, n);
}

/* Give up everything reserved: consumers skip those slots, nothing is counted. Wait-free. */
static inline void ringshm_mpmc_discard(struct ringshm_mpmc_producer *p)
{
	if (!p->m.held)
		return;
	while (p->m.held) {
		ringshm__mpmc_done(&p->m, RINGSHM__MPMC_PRODUCERS, ringshm__mpmc_word(&p->m, p->m.first), p->m.first,
				   RINGSHM_MPMC_DISCARDED);
		p->m.first += ringshm__mpmc_f(1);
		p->m.held--;
	}
	ringshm__mpmc_wake_consumers(p, 1); /* it passes them, and wakes others if more stands behind */
}

/* Send a copy of `len` bytes. Lock-free. 0; -EAGAIN: not now; else p->status: never. */
static inline int ringshm_mpmc_send(struct ringshm_mpmc_producer *p, const void *buf, uint32_t len)
{
	struct ringshm__mpmc_one one;

	one.intended = false;
	if (ringshm__unlikely(len > p->max_payload))
		return ringshm_mpmc_reserve(p, len) ? 0 : p->status;
	/* relaxed: as in reserve */
	if (ringshm__likely(!(p->m.held | (uint32_t)p->status | ringshm_load_relaxed(p->state))) &&
	    ringshm__likely(ringshm__mpmc_claim_one(&p->m, RINGSHM__MPMC_PRODUCERS, &one))) {
		/* nothing to add */
	} else if (p->m.held || ringshm__mpmc_reserve(p, 1, one.intended)) {
		one.f = p->m.first;
		one.slot = ringshm__mpmc_word(&p->m, one.f);
		p->m.first += ringshm__mpmc_f(1);
		p->m.held--;
	} else {
		return p->status ? p->status : -EAGAIN;
	}
	if (len)
		memcpy((unsigned char *)one.slot + p->offset, buf, len);
	ringshm__mpmc_publish(p, one.slot, one.f, len, 0, 0);
	ringshm__mpmc_wake_consumers(p, 1);
	return 0;
}

/* Slots between the two cursors of a ring, in use or reserved; a snapshot. */
static inline uint64_t ringshm__mpmc_used(const struct ringshm__mpmc *m)
{
	uint64_t head = ringshm_load_acquire(m->ring.cursor[1]); /* A2: head first, so that tail is not behind it */
	uint64_t tail = ringshm_load_acquire(m->ring.cursor[0]); /* A2 */
	uint64_t used = ((tail & ~RINGSHM_MPMC_LOW) - (head & ~RINGSHM_MPMC_LOW)) >> RINGSHM_MPMC_SHIFT;
	uint64_t capacity = (m->mask >> RINGSHM_MPMC_SHIFT) + 1;

	return used < capacity ? used : capacity;
}

static inline uint64_t ringshm_mpmc_producer_used(const struct ringshm_mpmc_producer *p)
{
	return ringshm__mpmc_used(&p->m);
}

/* Tell whoever looks that the caller gave up `n` messages (after NULL, say). Shown by ringshm_info(). */
static inline void ringshm_mpmc_note_dropped(struct ringshm_mpmc_producer *p, uint64_t n)
{
	/* relaxed: one writer, and readers want a recent figure, no order */
	ringshm_store_relaxed(&p->self->dropped, ringshm_load_relaxed(&p->self->dropped) + n);
}

/* ---- consumer ------------------------------------------------------------------------------- */

/* Producers that sleep because the ring was full are told when it is empty, and every quarter of it. */
static inline void ringshm__mpmc_wake_producers(struct ringshm_mpmc_consumer *c)
{
	if (c->certain)
		ringshm__waiter_announce(); /* F1: R2 before the look; pairs with the sleeper's own */
	if (ringshm__unlikely(ringshm_load32_relaxed(c->sleepers))) /* relaxed: as for consumers */
		c->wake(c, c->quarter >> RINGSHM_MPMC_SHIFT);
}

/* `n` slots that end before `f` were given back. */
static inline void ringshm__mpmc_given_back(struct ringshm_mpmc_consumer *c, uint64_t f, uint32_t n)
{
	if (ringshm__unlikely((f & (c->quarter - 1)) < ringshm__mpmc_f(n)))
		ringshm__mpmc_wake_producers(c);
}

/* Has every position that was ever reserved been taken? */
static inline bool ringshm__mpmc_drained(const struct ringshm__mpmc *m)
{
	uint64_t head = ringshm_load_acquire(m->ring.cursor[1]); /* A2 */
	uint64_t tail = ringshm_load_acquire(m->ring.cursor[0]); /* A2 */

	return (head | RINGSHM_MPMC_LOW) == (tail | RINGSHM_MPMC_LOW);
}

/* No message. Is there a reason that lasts? */
static inline void ringshm__mpmc_empty(struct ringshm_mpmc_consumer *c)
{
	uint64_t state = ringshm_load_acquire(c->state); /* A5: what was published before the end is visible now */
	int status = ringshm__mpmc_state_status(state);

	ringshm__mpmc_wake_producers(c);
	if (ringshm__unlikely(state & RINGSHM_STATE_PRIVATE)) {
		c->status = status;
	} else if (ringshm__unlikely(status || c->ended) && ringshm__mpmc_drained(&c->m)) {
		c->status = status ? status : -EPIPE;
	} else if (ringshm__mpmc_impatient(&c->m, &c->looked, &c->looks)) {
		if (!ringshm__mpmc_sound(&c->m))
			c->status = -EPROTO;
		else if (c->suspect)
			c->suspect(c);
	}
}

static inline void ringshm__mpmc_give_back(struct ringshm_mpmc_consumer *c, uint64_t f)
{
	ringshm__mpmc_done(&c->m, RINGSHM__MPMC_CONSUMERS, ringshm__mpmc_word(&c->m, f), f, RINGSHM_MPMC_FREE);
}

/* A position that is no message was claimed, behind those held: give it back at once. */
static inline void ringshm__mpmc_pass_hole(struct ringshm_mpmc_consumer *c)
{
	uint64_t f = c->m.first + ringshm__mpmc_f(c->m.held - 1);

	ringshm__mpmc_give_back(c, f);
	ringshm__mpmc_given_back(c, f + ringshm__mpmc_f(1), 1);
	if (c->m.held == 1)
		c->m.held = 0;
	else
		c->gaps++;
}

/* Claim up to `n` messages more, behind those held, over holes. How many; 0: none now, see status. */
static inline uint32_t ringshm__mpmc_take(struct ringshm_mpmc_consumer *c, uint32_t n, bool intended)
{
	uint32_t room = RINGSHM_MPMC_BATCH_MAX - c->m.held, got, holes = 0;
	bool hole;

	if (n > room)
		n = room;
	do {
		if (ringshm__unlikely(!n || c->status))
			return 0;
		got = ringshm__mpmc_claim(&c->m, RINGSHM__MPMC_CONSUMERS, n, intended, &hole);
		intended = false;
		if (ringshm__likely(got && !hole))
			return got;
		if (got)
			ringshm__mpmc_pass_hole(c);
	} while (got && ++holes < RINGSHM_MPMC_TRIES && c->m.held < RINGSHM_MPMC_BATCH_MAX);
	ringshm__mpmc_empty(c);
	return 0;
}

/* Length of the message in a slot that I hold, and its payload; `word` is what the slot's word was. */
static inline const void *ringshm__mpmc_open(struct ringshm_mpmc_consumer *c, const ringshm_word *slot, uint64_t word,
					     uint32_t *len)
{
	uint32_t length = (uint32_t)(word & RINGSHM_MPMC_LENGTH);

	if (!c->compact) {
		c->header = ringshm_load_relaxed(slot + 1); /* relaxed: A1 of the claim came before */
		length = ringshm_record_length(c->header);
	}
	*len = length < c->max_payload ? length : c->max_payload;
	return (const unsigned char *)slot + c->offset;
}

static inline const void *ringshm__mpmc_show(struct ringshm_mpmc_consumer *c, uint64_t f, uint32_t *len)
{
	const ringshm_word *slot = ringshm__mpmc_word(&c->m, f);

	if (c->stamped)
		c->stamp = ringshm_load_relaxed(slot + 2);		     /* relaxed: as in open() */
	return ringshm__mpmc_open(c, slot, ringshm_load_relaxed(slot), len); /* relaxed: as in open() */
}

/* Do I still have this position, or was it a hole? */
static inline bool ringshm__mpmc_is_mine(const struct ringshm_mpmc_consumer *c, uint64_t f)
{
	/* relaxed: only I may change it while it is mine */
	uint64_t word = ringshm_load_relaxed(ringshm__mpmc_word(&c->m, f));

	return word - (f | RINGSHM_MPMC_READY) < RINGSHM_MPMC_READY;
}

/* f of the `i`th message held, oldest first. */
static inline uint64_t ringshm__mpmc_nth(const struct ringshm_mpmc_consumer *c, uint32_t i)
{
	uint64_t f = c->m.first, end = f + ringshm__mpmc_f(c->m.held);

	if (ringshm__likely(!c->gaps))
		return f + ringshm__mpmc_f(i);
	for (; f != end; f += ringshm__mpmc_f(1))
		if (ringshm__mpmc_is_mine(c, f) && !i--)
			break;
	return f;
}

/*
 * Show the oldest message held; claims one if none is held. The same one until it is released.
 * Lock-free. The payload stays good until its release, and no other consumer ever gets it. NULL:
 * nothing now if `status` is then 0, else never again (-EPIPE, -ESHUTDOWN, -ESTALE: after all messages
 * before the end were taken; -EPROTO: a broken peer).
 */
static inline const void *ringshm_mpmc_peek(struct ringshm_mpmc_consumer *c, uint32_t *len)
{
	if (!c->m.held && !ringshm__mpmc_take(c, 1, false))
		return NULL;
	return ringshm__mpmc_show(c, c->m.first, len);
}

/*
 * Claim the message right behind those held and show it, so that several stay good at once. NULL as
 * peek, and also (status 0) when another consumer has taken that one, or RINGSHM_MPMC_BATCH_MAX are
 * held: release first.
 */
static inline const void *ringshm_mpmc_peek_next(struct ringshm_mpmc_consumer *c, uint32_t *len)
{
	if (!ringshm__mpmc_take(c, 1, false))
		return NULL;
	return ringshm__mpmc_show(c, c->m.first + ringshm__mpmc_f(c->m.held - 1), len);
}

/*
 * Claim up to `n` messages in a row (at most RINGSHM_MPMC_BATCH_MAX) by one claim; returns how many, 0
 * as peek returns NULL. Read them through ringshm_mpmc_at(). With messages held: their number, and no
 * claim.
 */
static inline uint32_t ringshm_mpmc_peek_n(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	return c->m.held ? c->m.held - c->gaps : ringshm__mpmc_take(c, n, false);
}

/* Show the `i`th message held, oldest first, i below their number. Wait-free. */
static inline const void *ringshm_mpmc_at(struct ringshm_mpmc_consumer *c, uint32_t i, uint32_t *len)
{
	return ringshm__mpmc_show(c, ringshm__mpmc_nth(c, i), len);
}

static inline void ringshm__mpmc_release_gapped(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	uint64_t first = c->m.first;

	while (c->m.held) {
		bool mine = ringshm__mpmc_is_mine(c, c->m.first);

		if (mine && !n--)
			break;
		if (mine)
			ringshm__mpmc_give_back(c, c->m.first);
		else
			c->gaps--;
		c->m.first += ringshm__mpmc_f(1);
		c->m.held--;
	}
	ringshm__mpmc_given_back(c, c->m.first, (uint32_t)((c->m.first - first) >> RINGSHM_MPMC_SHIFT));
}

/*
 * Give back the `n` oldest messages held (more than are held: all). Their payloads are a producer's
 * from here on. Wait-free. What a consumer holds when it dies is lost, and counted.
 */
static inline void ringshm_mpmc_release(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	uint32_t i;

	if (ringshm__unlikely(c->gaps)) {
		ringshm__mpmc_release_gapped(c, n);
	} else {
		if (n > c->m.held)
			n = c->m.held;
		for (i = 0; i < n; i++)
			ringshm__mpmc_give_back(c, c->m.first + ringshm__mpmc_f(i));
		c->m.first += ringshm__mpmc_f(n);
		c->m.held -= n;
		ringshm__mpmc_given_back(c, c->m.first, n);
	}
}

/* The counterpart of peek_n(): another name of release(). */
static inline void ringshm_mpmc_release_n(struct ringshm_mpmc_consumer *c, uint32_t n)
{
	ringshm_mpmc_release(c, n);
}

/* Small messages, whole words: less than the call of memcpy() costs. */
static inline void ringshm__mpmc_copy(void *to, const void *from, uint32_t len)
{
	/* or compilers warn where `to` is a smaller object than lengths that never come */
	__asm__("" : "+r"(to));
	if (len == 8)
		memcpy(to, from, 8);
	else if (len == 64)
		memcpy(to, from, 64);
	else if (len)
		memcpy(to, from, len);
}

/*
 * Receive a copy of the oldest message into `cap` bytes at `buf`. Lock-free. 0, with *len its length;
 * -EAGAIN: nothing now; -EMSGSIZE: *len bytes are needed, the message stays held; else c->status: never.
 */
static inline int ringshm_mpmc_recv(struct ringshm_mpmc_consumer *c, void *buf, uint32_t cap, uint32_t *len)
{
	struct ringshm__mpmc_one one;
	const void *payload;

	one.intended = false;
	if (ringshm__likely(cap >= c->max_payload && !(c->m.held | c->stamped | (uint32_t)c->status)) &&
	    ringshm__likely(ringshm__mpmc_claim_one(&c->m, RINGSHM__MPMC_CONSUMERS, &one))) {
		payload = ringshm__mpmc_open(c, one.slot, one.word, len);
		ringshm__mpmc_copy(buf, payload, *len);
		ringshm__mpmc_done(&c->m, RINGSHM__MPMC_CONSUMERS, one.slot, one.f, RINGSHM_MPMC_FREE);
		ringshm__mpmc_given_back(c, one.f + ringshm__mpmc_f(1), 1);
		return 0;
	}
	if (!c->m.held && !ringshm__mpmc_take(c, 1, one.intended))
		return c->status ? c->status : -EAGAIN;
	payload = ringshm__mpmc_show(c, c->m.first, len);
	if (ringshm__unlikely(*len > cap))
		return -EMSGSIZE;
	if (*len)
		memcpy(buf, payload, *len);
	ringshm_mpmc_release(c, 1);
	return 0;
}

/* Type and flags that the producer gave the message last shown; 0 in compact slots. */
static inline uint16_t ringshm_mpmc_type(const struct ringshm_mpmc_consumer *c)
{
	return c->compact ? 0 : ringshm_record_type(c->header);
}

static inline uint16_t ringshm_mpmc_flags(const struct ringshm_mpmc_consumer *c)
{
	return c->compact ? 0 : ringshm_record_flags(c->header);
}

/* CLOCK_MONOTONIC, ns, at the commit of the message last shown; 0 without RINGSHM_F_TIMESTAMP. */
static inline uint64_t ringshm_mpmc_timestamp(const struct ringshm_mpmc_consumer *c)
{
	return c->stamp;
}

static inline uint64_t ringshm_mpmc_consumer_used(const struct ringshm_mpmc_consumer *c)
{
	return ringshm__mpmc_used(&c->m);
}

static inline void ringshm_mpmc_consumer_note_dropped(struct ringshm_mpmc_consumer *c, uint64_t n)
{
	/* relaxed: as ringshm_mpmc_note_dropped() */
	ringshm_store_relaxed(&c->self->dropped, ringshm_load_relaxed(&c->self->dropped) + n);
}

#ifdef __cplusplus
}
#endif

#endif
