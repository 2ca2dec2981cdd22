/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The consumers of an mpmc ring: peek, release, recv. Include <ringshm/mpmc.h>. */
#ifndef RINGSHM_MPMC_CONSUMER_H
#define RINGSHM_MPMC_CONSUMER_H

#include <ringshm/mpmc_repair.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A consumer's endpoint: private to one thread of one process; filled in by ringshm_mpmc_consumer_open(). */
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
	uint32_t stamped;			       /* RINGSHM_F_TIMESTAMP */
	uint64_t gap[RINGSHM_MPMC_BATCH_MAX / 64 + 1]; /* which they are: a bit for each position modulo 256 */
};

/* Producers that sleep because the ring was full are told when it is empty, and every quarter of it. */
static inline void ringshm__mpmc_wake_producers(struct ringshm_mpmc_consumer *c)
{
	if (c->certain)
		ringshm__waiter_announce(); /* F1: R2 before the look; pairs with the sleeper's own */
	if (ringshm__unlikely(ringshm_load32_relaxed(c->sleepers))) /* relaxed: as for consumers */
		c->wake(c, (uint32_t)(c->quarter >> RINGSHM_MPMC_SHIFT));
}

/* `n` slots that end before `f` were given back. */
static inline void ringshm__mpmc_given_back(struct ringshm_mpmc_consumer *c, uint64_t f, uint32_t n)
{
	if (ringshm__unlikely((f & (c->quarter - 1)) < ringshm__mpmc_f(n)))
		ringshm__mpmc_wake_producers(c);
}

/* No message. Is there a reason that lasts? */
static inline void ringshm__mpmc_empty(struct ringshm_mpmc_consumer *c)
{
	uint64_t state = ringshm_load_acquire(c->state); /* A5: what was published before the end is visible now */
	int status = ringshm__state_status(state);

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
	ringshm__mpmc_done(&c->m, RINGSHM__MPMC_CONSUMERS, f, RINGSHM_MPMC_FREE);
}

/*
 * Of a position held: was it a hole? Its slot does not say it for ever: as soon as nothing older is held the ring
 * may go on, and after 256 laps the slot looks like a message of mine.
 */
static inline bool ringshm__mpmc_is_gap(const struct ringshm_mpmc_consumer *c, uint64_t f)
{
	uint64_t bit = f >> RINGSHM_MPMC_SHIFT & RINGSHM_MPMC_BATCH_MAX;

	return c->gap[bit / 64] >> bit % 64 & 1;
}

static inline void ringshm__mpmc_flip_gap(struct ringshm_mpmc_consumer *c, uint64_t f)
{
	uint64_t bit = f >> RINGSHM_MPMC_SHIFT & RINGSHM_MPMC_BATCH_MAX;

	c->gap[bit / 64] ^= UINT64_C(1) << bit % 64;
}

/* A position that is no message was claimed, behind those held: give it back at once. */
static inline void ringshm__mpmc_pass_hole(struct ringshm_mpmc_consumer *c)
{
	uint64_t f = c->m.first + ringshm__mpmc_f(c->m.held - 1);

	ringshm__mpmc_give_back(c, f);
	ringshm__mpmc_given_back(c, f + ringshm__mpmc_f(1), 1);
	if (c->m.held == 1) {
		c->m.held = 0;
		return;
	}
	ringshm__mpmc_flip_gap(c, f);
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

/* Length of the message in a slot that I hold, and its payload; `state` is the slot's. */
static inline const void *ringshm__mpmc_open(struct ringshm_mpmc_consumer *c, uint64_t f, uint16_t state, uint32_t *len)
{
	const unsigned char *slot = ringshm__mpmc_slot(&c->m, f);
	uint32_t length = state & RINGSHM_MPMC_LENGTH;

	if (!c->compact) {
		/* relaxed, both: A1 of the claim came before, and nobody else changes them */
		c->header = ringshm_load_relaxed((const ringshm_word *)slot);
		length = ringshm_record_length(c->header);
		if (c->stamped)
			c->stamp = ringshm_load_relaxed((const ringshm_word *)slot + 1);
	}
	*len = length < c->max_payload ? length : c->max_payload;
	return slot + c->offset;
}

static inline const void *ringshm__mpmc_show(struct ringshm_mpmc_consumer *c, uint64_t f, uint32_t *len)
{
	/* relaxed: as in open() */
	return ringshm__mpmc_open(c, f, ringshm_load16_relaxed(ringshm__mpmc_state(&c->m, f)), len);
}

/* f of the `i`th message held, oldest first. */
static inline uint64_t ringshm__mpmc_nth(const struct ringshm_mpmc_consumer *c, uint32_t i)
{
	uint64_t f = c->m.first, end = f + ringshm__mpmc_f(c->m.held);

	if (ringshm__likely(!c->gaps))
		return f + ringshm__mpmc_f(i);
	for (; f != end; f += ringshm__mpmc_f(1))
		if (!ringshm__mpmc_is_gap(c, f) && !i--)
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
		if (ringshm__mpmc_is_gap(c, c->m.first)) {
			ringshm__mpmc_flip_gap(c, c->m.first);
			c->gaps--;
		} else {
			if (!n--)
				break;
			ringshm__mpmc_give_back(c, c->m.first);
		}
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
	if (ringshm__unlikely(c->gaps)) {
		ringshm__mpmc_release_gapped(c, n);
	} else {
		if (n > c->m.held)
			n = c->m.held;
		ringshm__mpmc_done_n(&c->m, RINGSHM__MPMC_CONSUMERS, c->m.first, n, RINGSHM_MPMC_FREE);
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

/*
 * Receive a copy of the oldest message into `cap` bytes at `buf`. Lock-free. 0, with *len its length;
 * -EAGAIN: nothing now; -EMSGSIZE: *len bytes are needed, the message stays held; else c->status: never.
 */
static inline int ringshm_mpmc_recv(struct ringshm_mpmc_consumer *c, void *buf, uint32_t cap, uint32_t *len)
{
	struct ringshm__mpmc_one one;
	const void *payload;

	one.intended = one.wall = false;
	if (ringshm__likely(cap >= c->max_payload && !(c->m.held | (uint32_t)c->status)) &&
	    ringshm__likely(ringshm__mpmc_claim_one(&c->m, RINGSHM__MPMC_CONSUMERS, &one))) {
		payload = ringshm__mpmc_open(c, one.f, one.state, len);
		ringshm__mpmc_copy(buf, payload, *len);
		ringshm__mpmc_give_back(c, one.f);
		ringshm__mpmc_given_back(c, one.f + ringshm__mpmc_f(1), 1);
		return 0;
	}
	if (one.wall)
		ringshm__mpmc_empty(c);
	if (one.wall || (!c->m.held && !ringshm__mpmc_take(c, 1, one.intended)))
		return c->status ? c->status : -EAGAIN;
	payload = ringshm__mpmc_show(c, c->m.first, len);
	if (ringshm__unlikely(*len > cap))
		return -EMSGSIZE;
	if (*len)
		memcpy(buf, payload, *len);
	ringshm_mpmc_release(c, 1);
	return 0;
}

/* Read `n` messages of `len` bytes from the slots from `f` on. */
ringshm__inline void ringshm__mpmc_empty_into(const struct ringshm_mpmc_consumer *c, uint64_t f, void *buf,
					      uint32_t len, uint32_t n)
{
	/* copies: as in ringshm__mpmc_fill() */
	const unsigned char *const slots = c->m.slots + c->offset;
	const uint64_t mask = c->m.mask, stride = c->m.stride;
	unsigned char *to = (unsigned char *)buf;

	if (stride == len && n <= ringshm__mpmc_behind(mask, f)) {
		memcpy(to, slots + ringshm__mpmc_index(mask, f) * len, (size_t)n * len);
		return;
	}
	for (; n && len; n--, f += RINGSHM_MPMC_LOW + 1, to += len)
		memcpy(to, slots + ringshm__mpmc_index(mask, f) * stride, len);
}

/* recv_n() of messages that are held, whose lengths stand in their slots, or with something in the way. */
static inline int ringshm__mpmc_recv_held(struct ringshm_mpmc_consumer *c, unsigned char *to, uint32_t len, uint32_t n)
{
	uint32_t held = ringshm_mpmc_peek_n(c, 0), i, length;

	if (!held)
		return c->status ? c->status : -EAGAIN;
	if (n > held)
		n = held;
	for (i = 0; i < n; i++, to += len) {
		const void *payload = ringshm_mpmc_at(c, i, &length);

		if (length != len)
			break;
		if (len)
			memcpy(to, payload, len);
	}
	ringshm_mpmc_release(c, i);
	return i ? (int)i : -EMSGSIZE;
}

/*
 * Receive copies of up to `n` messages (at most RINGSHM_MPMC_BATCH_MAX) of exactly `len` bytes, one behind
 * the other at `buf`, without their types, flags and stamps, by one claim; those held come first. Lock-free,
 * but for the copying. How many, at least 1; -EAGAIN: nothing now; -EMSGSIZE: the oldest message has
 * another length and stays held; else c->status: never again.
 */
ringshm__inline int ringshm_mpmc_recv_n(struct ringshm_mpmc_consumer *c, void *buf, uint32_t len, uint32_t n)
{
	struct ringshm__mpmc_one one;
	uint32_t got = 0;

	one.intended = false;
	if (ringshm__unlikely(!n))
		return 0;
	if (n > RINGSHM_MPMC_BATCH_MAX)
		n = RINGSHM_MPMC_BATCH_MAX;
	if (ringshm__likely(c->compact && len <= c->max_payload && !(c->m.held | (uint32_t)c->status)))
		got = ringshm__mpmc_claim_run(&c->m, (uint16_t)(RINGSHM_MPMC_READY + len), n, &one);
	if (ringshm__unlikely(!got)) {
		if (!c->m.held)
			ringshm__mpmc_take(c, n, one.intended);
		return ringshm__mpmc_recv_held(c, (unsigned char *)buf, len, n);
	}
	ringshm__mpmc_empty_into(c, one.f, buf, len, got);
	ringshm__mpmc_done_n(&c->m, RINGSHM__MPMC_CONSUMERS, one.f, got, RINGSHM_MPMC_FREE);
	ringshm__mpmc_given_back(c, one.f + ringshm__mpmc_f(got), got);
	return (int)got;
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
