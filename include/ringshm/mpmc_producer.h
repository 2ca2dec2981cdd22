/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The producers of an mpmc ring: reserve, commit, discard, send. Include <ringshm/mpmc.h>. */
#ifndef RINGSHM_MPMC_PRODUCER_H
#define RINGSHM_MPMC_PRODUCER_H

#include <ringshm/mpmc_repair.h>

#ifdef __cplusplus
extern "C" {
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
	uint32_t compact;		/* lengths stand in the states; no type, no flags, no stamp */
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

/* No slot. Is there a reason that lasts? */
static inline void ringshm__mpmc_full(struct ringshm_mpmc_producer *p)
{
	int status = ringshm__state_status(ringshm_load_acquire(p->state)); /* A5: pairs with R5 */

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
	/*
	 * relaxed: an end that is seen a moment later ends it a moment later; and a claim that has left its intent
	 * goes on, because it takes the intent away: nobody could repair what it covers as long as I live
	 */
	if (ringshm__likely(intended || (!p->status && !ringshm_load_relaxed(p->state)))) {
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
	return ringshm__mpmc_slot(&p->m, p->m.first + ringshm__mpmc_f(i)) + p->offset;
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
static inline void ringshm__mpmc_describe(const struct ringshm_mpmc_producer *p, uint64_t f, uint32_t len,
					  uint16_t type, uint16_t flags)
{
	ringshm_word *slot = (ringshm_word *)ringshm__mpmc_slot(&p->m, f);

	/* relaxed, both: published by R2 like the payload */
	ringshm_store_relaxed(slot, ringshm_record_header(len, type, flags));
	if (p->clock)
		ringshm_store_relaxed(slot + 1, p->clock());
}

/* Complete a slot and hand it over. */
static inline void ringshm__mpmc_publish(struct ringshm_mpmc_producer *p, uint64_t f, uint32_t len, uint16_t type,
					 uint16_t flags)
{
	if (!p->compact) {
		ringshm__mpmc_describe(p, f, len, type, flags);
		len = 0;
	}
	ringshm__mpmc_done(&p->m, RINGSHM__MPMC_PRODUCERS, f, (uint16_t)(RINGSHM_MPMC_READY + len));
}

/* The oldest slot reserved. */
static inline void ringshm__mpmc_publish_first(struct ringshm_mpmc_producer *p, uint32_t len, uint16_t type,
					       uint16_t flags)
{
	uint64_t f = p->m.first;

	p->m.first = f + ringshm__mpmc_f(1);
	p->m.held--;
	ringshm__mpmc_publish(p, f, len < p->max_payload ? len : p->max_payload, type, flags);
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

/* Hand `n` slots from `f` on over, each with `len` bytes. */
static inline void ringshm__mpmc_publish_n(struct ringshm_mpmc_producer *p, uint64_t f, uint32_t n, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < n && !p->compact; i++)
		ringshm__mpmc_describe(p, f + ringshm__mpmc_f(i), len, 0, 0);
	ringshm__mpmc_done_n(&p->m, RINGSHM__MPMC_PRODUCERS, f, n,
			     (uint16_t)(RINGSHM_MPMC_READY + (p->compact ? len : 0)));
	ringshm__mpmc_wake_consumers(p, n);
}

/* Publish the `n` oldest slots reserved (more than there are: all), each with `len` bytes. Wait-free. */
static inline void ringshm_mpmc_commit_n(struct ringshm_mpmc_producer *p, uint32_t n, uint32_t len)
{
	uint64_t f = p->m.first;

	if (n > p->m.held)
		n = p->m.held;
	if (!n)
		return;
	p->m.first = f + ringshm__mpmc_f(n);
	p->m.held -= n;
	ringshm__mpmc_publish_n(p, f, n, len < p->max_payload ? len : p->max_payload);
}

/* Give up everything reserved: consumers skip those slots, nothing is counted. Wait-free. */
static inline void ringshm_mpmc_discard(struct ringshm_mpmc_producer *p)
{
	if (!p->m.held)
		return;
	ringshm__mpmc_done_n(&p->m, RINGSHM__MPMC_PRODUCERS, p->m.first, p->m.held, RINGSHM_MPMC_DISCARDED);
	p->m.first += ringshm__mpmc_f(p->m.held);
	p->m.held = 0;
	ringshm__mpmc_wake_consumers(p, 1); /* it passes them, and wakes others if more stands behind */
}

/* Send a copy of `len` bytes. Lock-free. 0; -EAGAIN: not now; else p->status: never. */
static inline int ringshm_mpmc_send(struct ringshm_mpmc_producer *p, const void *buf, uint32_t len)
{
	struct ringshm__mpmc_one one;

	one.intended = one.wall = false;
	if (ringshm__unlikely(len > p->max_payload))
		return ringshm_mpmc_reserve(p, len) ? 0 : p->status;
	/* relaxed: as in reserve */
	if (ringshm__likely(!(p->m.held | (uint32_t)p->status | ringshm_load_relaxed(p->state))) &&
	    ringshm__likely(ringshm__mpmc_claim_one(&p->m, RINGSHM__MPMC_PRODUCERS, &one))) {
		/* nothing to add */
	} else if (one.wall) {
		ringshm__mpmc_full(p);
		return p->status ? p->status : -EAGAIN;
	} else if (p->m.held || ringshm__mpmc_reserve(p, 1, one.intended)) {
		one.f = p->m.first;
		p->m.first += ringshm__mpmc_f(1);
		p->m.held--;
	} else {
		return p->status ? p->status : -EAGAIN;
	}
	ringshm__mpmc_copy(ringshm__mpmc_slot(&p->m, one.f) + p->offset, buf, len);
	ringshm__mpmc_publish(p, one.f, len, 0, 0);
	ringshm__mpmc_wake_consumers(p, 1);
	return 0;
}

/*
 * Copy `bytes` (a multiple of 8) into slots in a row. Lines that the other side has read come sooner when
 * several are taken at a time, each by one store, than when they are taken as they are written (ADR 9).
 */
static inline void ringshm__mpmc_write(unsigned char *to, const unsigned char *from, size_t bytes)
{
	const size_t line = 64, taken = 8 * line;
	size_t at;

	for (; bytes >= taken; bytes -= taken, to += taken, from += taken) {
		for (at = 0; at < taken; at += line) /* relaxed: nobody but me looks there before R2 */
			ringshm_store_relaxed((ringshm_word *)(to + at), 0);
		for (at = 0; at < taken; at += line)
			memcpy(to + at, from + at, line);
	}
	if (bytes)
		memcpy(to, from, bytes);
}

/* Write `n` messages of `len` bytes into the slots from `f` on. */
ringshm__inline void ringshm__mpmc_fill(struct ringshm_mpmc_producer *p, uint64_t f, const void *buf, uint32_t len,
					uint32_t n)
{
	/* copies: after a store to a payload the compiler would read them again for each slot */
	unsigned char *const slots = p->m.slots + p->offset;
	const uint64_t mask = p->m.mask, stride = p->m.stride;
	const unsigned char *from = (const unsigned char *)buf;

	if (stride == len && n <= ringshm__mpmc_behind(mask, f)) {
		ringshm__mpmc_write(slots + ringshm__mpmc_index(mask, f) * len, from, (size_t)n * len);
		return;
	}
	for (; n && len; n--, f += RINGSHM_MPMC_LOW + 1, from += len)
		memcpy(slots + ringshm__mpmc_index(mask, f) * stride, from, len);
}

/*
 * Send copies of up to `n` messages (at most RINGSHM_MPMC_BATCH_MAX) of `len` bytes each, which stand one
 * behind the other at `buf`, by one claim. Gives up an open reservation. Lock-free, but for the copying. How
 * many were sent, perhaps fewer than n; -EAGAIN: none, not now; else p->status: never.
 */
ringshm__inline int ringshm_mpmc_send_n(struct ringshm_mpmc_producer *p, const void *buf, uint32_t len, uint32_t n)
{
	struct ringshm__mpmc_one one;
	uint32_t got = 0;

	one.intended = false;
	if (ringshm__unlikely(p->m.held))
		ringshm_mpmc_discard(p);
	if (ringshm__unlikely(!n))
		return 0;
	if (n > RINGSHM_MPMC_BATCH_MAX)
		n = RINGSHM_MPMC_BATCH_MAX;
	if (ringshm__unlikely(len > p->max_payload))
		return ringshm_mpmc_reserve(p, len) ? 0 : p->status;
	/* relaxed: as in reserve */
	if (ringshm__likely(!((uint32_t)p->status | ringshm_load_relaxed(p->state))))
		got = ringshm__mpmc_claim_run(&p->m, RINGSHM_MPMC_FREE, n, &one);
	if (ringshm__unlikely(!got)) {
		got = ringshm__mpmc_reserve(p, n, one.intended);
		if (!got)
			return p->status ? p->status : -EAGAIN;
		one.f = p->m.first;
		p->m.first += ringshm__mpmc_f(got);
		p->m.held = 0;
	}
	ringshm__mpmc_fill(p, one.f, buf, len, got);
	ringshm__mpmc_publish_n(p, one.f, got, len);
	return (int)got;
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

#ifdef __cplusplus
}
#endif

#endif
