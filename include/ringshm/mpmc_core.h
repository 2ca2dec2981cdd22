/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What producers and consumers of an mpmc ring share: one claim, one completion, one repair. */
#ifndef RINGSHM_MPMC_CORE_H
#define RINGSHM_MPMC_CORE_H

/*
 * How it works (docs/adr/0007-mpmc-scheme.md and 0010-mpmc-states.md say why; abi.h draws the words). Each
 * side has a cursor, and a slot's state says whose turn it is. Producers are side 0, consumers side 1, and
 * both do this:
 *
 *   claim    read the cursor; see that the slots from there on await my side     A2 cursor, A1 state, acquire
 *            write the range into my own participant's line: the intent          R0 intent, release
 *            swap the cursor past the range                                      R1 cursor, release
 *   use      write or read the payload
 *   done     hand each slot to the other side                                    R2 state, release
 *
 * The claim leaves the states alone. A position that the cursor has passed and whose state still awaits
 * this side is *unfinished*: either its owner is at work, or it died. Which, its intent tells; mpmc_repair.h
 * has the repair, which never stores a state, but leaves a *verdict* beside it:
 *
 *   repair   read the cursor                                                     A2 cursor, acquire
 *            an unfinished position?                                             its verdict and its state
 *            does the intent of anybody alive cover it? then leave it            A3 intent, acquire
 *            is it still unfinished, and its lap not over?                       A1 state, A2 cursor, acquire
 *            swap the verdict to what the other side can go on with              R3 verdict, release
 *
 *   R1 -> A2  who sees the cursor behind a range sees the intent that covers it (R0 comes before R1,
 *             and every later swap of the cursor continues the release sequence)
 *   R0 -> A3  who sees an owner's next intent sees the states that it had stored before, at the second look
 *   R2 -> A1  who sees a slot handed over may touch the payload; R3 -> A7 likewise
 *
 * A state has room for 8 bits of its lap only. That is enough, because whoever trusts one has read a cursor
 * (acquire) within a lap of it, and swaps that very cursor, or looks at it again, before it acts; no state that
 * the claims below this cursor have not seen already can then be seen (the rest is in ADR 10). A verdict has
 * the whole position, and only ever moves forward: a repairer that was stopped for laps swaps nothing.
 *
 * A loss is marked in the verdict by R3, once, because only one swap succeeds, and counted in the low byte
 * of the cursor by the claim that crosses the mark, once, for the same reason. Before that, the
 * claim folds the byte into the 64-bit counter behind it, so at most one loss is ever not yet folded.
 *
 * Progress: a claim is lock-free; done is wait-free; a repair is bounded by capacity times participants
 * and never waits. A participant that is stopped between its intent and its next one delays the repair
 * of those positions until it goes on; it is named by ringshm_info().
 */

#include <ringshm/atomic.h>
#include <ringshm/mpmc_shape.h>
#include <ringshm/status.h>

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Attempts of one claim: a peer that moves the cursor without end costs time, never for ever. */
#ifndef RINGSHM_MPMC_TRIES
#define RINGSHM_MPMC_TRIES 4096u
#endif

/* Failed looks at one position in a row after which a base verb calls the endpoint's suspect hook. */
#ifndef RINGSHM_MPMC_PATIENCE
#define RINGSHM_MPMC_PATIENCE 16384u
#endif

/* What a lap adds to a state. Tests take more, so that laps come again soon. */
#ifndef RINGSHM__MPMC_LAP
#define RINGSHM__MPMC_LAP RINGSHM_MPMC_LAP
#endif

/* Slots that one look ahead may cover: a line of states. */
#define RINGSHM__MPMC_SCOUT 32u

#define RINGSHM__MPMC_PRODUCERS 0u
#define RINGSHM__MPMC_CONSUMERS 1u

/* Where the words of a ring are, in this process; index: side. */
struct ringshm__mpmc_ring {
	ringshm_word *cursor[2];
	struct ringshm_participant *lines[2];
	ringshm_word *lost[2];	  /* what the low byte of that side's cursor is folded into */
	ringshm_word *repairs[2]; /* positions of that side repaired */
	ringshm_word16 *states;
	ringshm_word *verdicts;
	unsigned char *slots;
	uint64_t mask;	 /* capacity - 1, as a position in a word */
	uint32_t order;	 /* of the capacity: its binary logarithm */
	uint32_t stride; /* bytes a slot */
	uint32_t participants;
};

/* One participant's half of the protocol: private to its thread. "f" is a position as it stands in a word. */
struct ringshm__mpmc {
	ringshm_word *cursor; /* of my side */
	ringshm_word *intent; /* in my line */
	ringshm_word16 *states;
	unsigned char *slots;
	uint64_t mask;
	uint64_t scouted; /* f from which on slots are known to await my side, until its cursor passes them ... */
	uint64_t ahead;	  /* ... and for how many positions, in f */
	uint16_t seen[RINGSHM__MPMC_SCOUT]; /* their states */
	uint64_t first;			    /* f of the oldest position that I hold */
	uint32_t held;			    /* how many, in a row */
	uint32_t order;
	uint32_t stride;
	struct ringshm__mpmc_ring ring;
};

/* Slots from that of `f` on up to the end of the array. */
static inline uint64_t ringshm__mpmc_behind(uint64_t mask, uint64_t f)
{
	return ((~f & mask) >> RINGSHM_MPMC_SHIFT) + 1;
}

static inline uint64_t ringshm__mpmc_f(uint64_t position)
{
	return position << RINGSHM_MPMC_SHIFT;
}

/* Which slot, from 0. */
static inline uint64_t ringshm__mpmc_index(uint64_t mask, uint64_t f)
{
	return (f & mask) >> RINGSHM_MPMC_SHIFT;
}

/* The lap of a position, as it stands in a state. */
static inline uint16_t ringshm__mpmc_lap(uint32_t order, uint64_t f)
{
	return (uint16_t)(((f >> order) & ~RINGSHM_MPMC_LOW) * (RINGSHM__MPMC_LAP / RINGSHM_MPMC_LAP));
}

static inline ringshm_word16 *ringshm__mpmc_state(const struct ringshm__mpmc *m, uint64_t f)
{
	return m->states + ringshm__mpmc_index(m->mask, f);
}

static inline unsigned char *ringshm__mpmc_slot(const struct ringshm__mpmc *m, uint64_t f)
{
	return m->slots + ringshm__mpmc_index(m->mask, f) * m->stride;
}

/* ---- counting losses ------------------------------------------------------------------------ */

/*
 * Bring the wide counter up to the low byte of the cursor. Anybody may, at any time: the counter only
 * grows, so a swap that succeeds found it as it was before the cursor was read.
 */
ringshm__cold void ringshm__mpmc_fold(const struct ringshm__mpmc_ring *r, unsigned int side)
{
	uint64_t lost = ringshm_load_acquire(r->lost[side]);	 /* A4: pairs with R4; read before the cursor */
	uint64_t cursor = ringshm_load_acquire(r->cursor[side]); /* A2 */
	uint64_t more = (cursor - lost) & RINGSHM_MPMC_LOW;

	if (more)
		ringshm_swap_release(r->lost[side], &lost, lost + more); /* R4: pairs with A4 */
}

/* Losses that this side's claims have counted, folded or not. */
static inline uint64_t ringshm__mpmc_lost(const struct ringshm__mpmc_ring *r, unsigned int side)
{
	uint64_t lost, cursor, again = ringshm_load_acquire(r->lost[side]); /* A4 */
	uint32_t tries = 0;

	do {
		lost = again;
		cursor = ringshm_load_acquire(r->cursor[side]); /* A2 */
		again = ringshm_load_acquire(r->lost[side]);	/* A4: unchanged, so the two belong together */
	} while (again != lost && ++tries < RINGSHM_MPMC_TRIES);
	return lost + ((cursor - lost) & RINGSHM_MPMC_LOW);
}

/* ---- claim ---------------------------------------------------------------------------------- */

/* The first state in which a slot awaits this side ... */
static inline uint16_t ringshm__mpmc_turn(unsigned int side)
{
	return side ? RINGSHM_MPMC_READY : RINGSHM_MPMC_FREE;
}

/* ... and how many from there on are plain: a message of any length; free. */
static inline uint16_t ringshm__mpmc_plain(unsigned int side)
{
	return side ? RINGSHM_MPMC_DISCARDED - RINGSHM_MPMC_READY : 1;
}

/* What a slot that awaits this side has as its state, or, to a consumer, its state less the length. */
static inline uint16_t ringshm__mpmc_want(const struct ringshm__mpmc *m, unsigned int side, uint64_t f)
{
	return (uint16_t)(ringshm__mpmc_lap(m->order, f) + ringshm__mpmc_turn(side));
}

/* How many of `n` states are `want`, or less than `plain` above it; *off: how far the one behind them is from it. */
ringshm__inline uint32_t ringshm__mpmc_run(const ringshm_word16 *states, uint32_t n, uint16_t want, uint16_t plain,
					   uint16_t *off)
{
	uint32_t i = 0;

	/* A1, all: pairs with R2; four at a time, while all are as wanted */
	for (; n - i >= 4; i += 4)
		if ((ringshm_load16_acquire(states + i) ^ want) | (ringshm_load16_acquire(states + i + 1) ^ want) |
		    (ringshm_load16_acquire(states + i + 2) ^ want) | (ringshm_load16_acquire(states + i + 3) ^ want))
			break;
	for (; i < n; i++) {
		*off = (uint16_t)(ringshm_load16_acquire(states + i) - want); /* A1: pairs with R2 */
		if (*off >= plain)
			break;
	}
	return i;
}

/* The same of at most `max` slots from `f` on. */
ringshm__inline uint32_t ringshm__mpmc_ready(const struct ringshm__mpmc *m, uint64_t f, uint32_t max, uint16_t want,
					     uint16_t plain, uint16_t *off)
{
	uint64_t behind = ringshm__mpmc_behind(m->mask, f);
	uint32_t n;

	if (ringshm__likely(max <= behind))
		return ringshm__mpmc_run(ringshm__mpmc_state(m, f), max, want, plain, off);
	n = ringshm__mpmc_run(ringshm__mpmc_state(m, f), (uint32_t)behind, want, plain, off);
	if (n < behind)
		return n;
	max -= n;
	if (max > ringshm__mpmc_index(m->mask, f))
		max = (uint32_t)ringshm__mpmc_index(m->mask, f); /* once around */
	return n + ringshm__mpmc_run(m->states, max, (uint16_t)(want + RINGSHM__MPMC_LAP), plain, off);
}

/* May a loss be counted on top of this cursor? If not, fold, and say so. */
ringshm__cold bool ringshm__mpmc_folded(const struct ringshm__mpmc *m, unsigned int side, uint64_t cursor)
{
	uint64_t lost = ringshm_load_acquire(m->ring.lost[side]); /* A4 */

	if (!((cursor - lost) & RINGSHM_MPMC_LOW))
		return true;
	ringshm__mpmc_fold(&m->ring, side);
	return false;
}

/* What stands at a position whose state is not plain. */
enum ringshm__mpmc_obstacle {
	RINGSHM__MPMC_WALL,   /* the ring is full or empty for me, or somebody stands between */
	RINGSHM__MPMC_PASSED, /* my view of the cursor is old */
	RINGSHM__MPMC_HOLE,   /* may be claimed alone; nothing is lost by it */
	RINGSHM__MPMC_LOSS    /* may be claimed alone, and a loss counted */
};

/* `off`: how far the state of `f` is from what was wanted. */
static inline enum ringshm__mpmc_obstacle ringshm__mpmc_obstacle(const struct ringshm__mpmc *m, unsigned int side,
								 uint64_t f, uint16_t off)
{
	uint64_t verdict;

	if ((int16_t)off >= 0) /* ready, but not plain: discarded. Or the other side's turn, or later */
		return side && off < RINGSHM_MPMC_READY ? RINGSHM__MPMC_HOLE : RINGSHM__MPMC_PASSED;
	/* A7: pairs with R3 */
	verdict = ringshm_load_acquire(m->ring.verdicts + ringshm__mpmc_index(m->mask, f)) - f;
	if (verdict - ringshm__mpmc_turn(side) >= RINGSHM_MPMC_READY)
		return RINGSHM__MPMC_WALL;
	return (verdict & RINGSHM_MPMC_VERDICT) == RINGSHM_MPMC_RETURNED ? RINGSHM__MPMC_HOLE : RINGSHM__MPMC_LOSS;
}

/*
 * Claim up to `max` positions right behind those held (together at most RINGSHM_MPMC_BATCH_MAX); returns
 * how many. 0: the ring is full or empty for me, or somebody stands between. A position that is marked,
 * or discarded, is claimed alone, and *crossed tells so; to a consumer it is a hole. `intended`: an
 * attempt of mine that failed has left its intent behind.
 */
static inline uint32_t ringshm__mpmc_claim(struct ringshm__mpmc *m, unsigned int side, uint32_t max, bool intended,
					   bool *crossed)
{
	uint32_t held = m->held, n, tries;

	for (tries = 0; tries < RINGSHM_MPMC_TRIES; tries++) {
		uint64_t cursor = ringshm_load_acquire(m->cursor); /* A2: pairs with R1 */
		/* computed before the swap, so that no address waits for its result */
		uint64_t first = cursor & ~RINGSHM_MPMC_LOW, lost = 0;
		uint64_t from = held ? m->first : first;
		uint16_t off = 0;

		*crossed = false;
		if (ringshm__unlikely(first != from + ringshm__mpmc_f(held)))
			break;
		n = ringshm__mpmc_ready(m, first, max, ringshm__mpmc_want(m, side, first), ringshm__mpmc_plain(side),
					&off);
		if (ringshm__unlikely(!n)) {
			enum ringshm__mpmc_obstacle what = ringshm__mpmc_obstacle(m, side, first, off);

			lost = what == RINGSHM__MPMC_LOSS;
			/* relaxed: only compared; a wall before an old cursor is none */
			if (what == RINGSHM__MPMC_WALL && ringshm_load_relaxed(m->cursor) == cursor)
				break;
			if (what <= RINGSHM__MPMC_PASSED || (lost && !ringshm__mpmc_folded(m, side, cursor)))
				continue;
			*crossed = true;
			n = 1;
		}
		/* R0: pairs with A3; release, so that what I finished under the last intent is seen with it */
		ringshm_store_release(m->intent, from | (held + n));
		intended = true;
		/* R1: pairs with A2 */
		if (ringshm__likely(ringshm_swap_release(
			    m->cursor, &cursor, (first + ringshm__mpmc_f(n)) | ((cursor + lost) & RINGSHM_MPMC_LOW)))) {
			m->first = from;
			m->held = held + n;
			return n;
		}
	}
	if (intended)
		ringshm_store_release(m->intent, held ? m->first | held : 0); /* R0: as above */
	return 0;
}

/*
 * See how far the slots of one line of states, from `f` on, await this side: none but this side's claims can
 * change that, so until its cursor has passed them nobody need look again. False: not even the first.
 */
static inline bool ringshm__mpmc_scout(struct ringshm__mpmc *m, unsigned int side, uint64_t f)
{
	uint64_t index = ringshm__mpmc_index(m->mask, f), capacity = (m->mask >> RINGSHM_MPMC_SHIFT) + 1;
	uint32_t left = RINGSHM__MPMC_SCOUT - (uint32_t)(index % RINGSHM__MPMC_SCOUT), n;
	const uint16_t want = ringshm__mpmc_want(m, side, f), plain = ringshm__mpmc_plain(side);
	const ringshm_word16 *states = m->states + index;

	if (left > capacity - index)
		left = (uint32_t)(capacity - index);
	for (n = 0; n < left; n++) {
		m->seen[n] = ringshm_load16_acquire(states + n); /* A1: pairs with R2 */
		if ((uint16_t)(m->seen[n] - want) >= plain)
			break;
	}
	m->scouted = f;
	m->ahead = f ? ringshm__mpmc_f(n) : 0; /* a child's private zeros must never look like a known position */
	return n;
}

/* A claim whose positions are finished at once. */
struct ringshm__mpmc_one {
	uint64_t f;
	uint16_t state; /* of the one position */
	bool intended;	/* not claimed, but the intent is left behind */
	bool wall;	/* not claimed: the ring is full or empty for me, or somebody stands between */
};

/* Claim one plain position, nothing being held. False: unless it is a wall, go on with claim(), given `intended`. */
static inline bool ringshm__mpmc_claim_one(struct ringshm__mpmc *m, unsigned int side, struct ringshm__mpmc_one *one)
{
	uint32_t tries;

	one->intended = one->wall = false;
	for (tries = 0; tries < RINGSHM_MPMC_TRIES; tries++) {
		uint64_t cursor = ringshm_load_acquire(m->cursor); /* A2: pairs with R1 */

		one->f = cursor & ~RINGSHM_MPMC_LOW;
		if (one->f - m->scouted >= m->ahead && !ringshm__mpmc_scout(m, side, one->f)) {
			uint16_t off = (uint16_t)(m->seen[0] - ringshm__mpmc_want(m, side, one->f));

			/* relaxed: only compared, as in claim() */
			one->wall = !one->intended &&
				    ringshm__mpmc_obstacle(m, side, one->f, off) == RINGSHM__MPMC_WALL &&
				    ringshm_load_relaxed(m->cursor) == cursor;
			return false;
		}
		one->state = m->seen[(one->f - m->scouted) >> RINGSHM_MPMC_SHIFT];
		ringshm_store_release(m->intent, one->f | 1); /* R0: pairs with A3, as in claim() */
		one->intended = true;
		/* R1: pairs with A2 */
		if (ringshm__likely(ringshm_swap_release(m->cursor, &cursor, cursor + RINGSHM_MPMC_LOW + 1)))
			return true;
	}
	return false;
}

/*
 * Claim up to `max` positions (at most RINGSHM_MPMC_BATCH_MAX) whose states are this one exactly, in one
 * attempt, nothing being held. How many; 0: go on with claim(), given `intended`.
 */
ringshm__inline uint32_t ringshm__mpmc_claim_run(const struct ringshm__mpmc *m, uint16_t state, uint32_t max,
						 struct ringshm__mpmc_one *one)
{
	uint64_t cursor = ringshm_load_acquire(m->cursor); /* A2: pairs with R1 */
	uint16_t off;
	uint32_t n;

	one->f = cursor & ~RINGSHM_MPMC_LOW;
	n = ringshm__mpmc_ready(m, one->f, max, (uint16_t)(ringshm__mpmc_lap(m->order, one->f) + state), 1, &off);
	one->intended = n;
	if (ringshm__unlikely(!n))
		return 0;
	ringshm_store_release(m->intent, one->f | n); /* R0: pairs with A3, as in claim() */
	/* R1: pairs with A2 */
	return ringshm__likely(ringshm_swap_release(m->cursor, &cursor, cursor + ringshm__mpmc_f(n))) ? n : 0;
}

/* What the slot of `f` becomes when it is handed over: the consumers' in this state, or free for the next lap. */
static inline uint16_t ringshm__mpmc_next(const struct ringshm__mpmc *m, unsigned int side, uint64_t f, uint16_t state)
{
	return (uint16_t)(ringshm__mpmc_lap(m->order, f) + (side ? RINGSHM__MPMC_LAP + RINGSHM_MPMC_FREE : state));
}

/* Hand the slot of `f` to the other side. */
static inline void ringshm__mpmc_done(const struct ringshm__mpmc *m, unsigned int side, uint64_t f, uint16_t state)
{
	/* R2: pairs with A1 */
	ringshm_store16_release(ringshm__mpmc_state(m, f), ringshm__mpmc_next(m, side, f, state));
}

/* Hand `n` slots over whose states are in a row. */
ringshm__inline void ringshm__mpmc_store_run(ringshm_word16 *states, uint32_t n, uint16_t next)
{
	ringshm_word16 *const end = states + n;

	for (; end - states >= 4; states += 4) {
		/* R2, all: pairs with A1 */
		ringshm_store16_release(states, next);
		ringshm_store16_release(states + 1, next);
		ringshm_store16_release(states + 2, next);
		ringshm_store16_release(states + 3, next);
	}
	for (; states != end; states++)
		ringshm_store16_release(states, next); /* R2 */
}

/* The same for `n` slots from `f` on. */
static inline void ringshm__mpmc_done_n(const struct ringshm__mpmc *m, unsigned int side, uint64_t f, uint32_t n,
					uint16_t state)
{
	uint64_t behind = ringshm__mpmc_behind(m->mask, f);
	uint16_t next = ringshm__mpmc_next(m, side, f, state);
	ringshm_word16 *at = ringshm__mpmc_state(m, f);

	while (ringshm__unlikely(n > behind)) {
		ringshm__mpmc_store_run(at, (uint32_t)behind, next);
		n -= (uint32_t)behind;
		behind = (m->mask >> RINGSHM_MPMC_SHIFT) + 1;
		at = m->states;
		next = (uint16_t)(next + RINGSHM__MPMC_LAP);
	}
	ringshm__mpmc_store_run(at, n, next);
}

/* ---- what both roles ask -------------------------------------------------------------------- */

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

/* Slots between the two cursors of a ring, in use or reserved; a snapshot. */
static inline uint64_t ringshm__mpmc_used(const struct ringshm__mpmc *m)
{
	uint64_t head = ringshm_load_acquire(m->ring.cursor[1]); /* A2: head first, so that tail is not behind it */
	uint64_t tail = ringshm_load_acquire(m->ring.cursor[0]); /* A2 */
	uint64_t used = ((tail & ~RINGSHM_MPMC_LOW) - (head & ~RINGSHM_MPMC_LOW)) >> RINGSHM_MPMC_SHIFT;
	uint64_t capacity = (m->mask >> RINGSHM_MPMC_SHIFT) + 1;

	return used < capacity ? used : capacity;
}

/* Has every position that was ever reserved been taken? */
static inline bool ringshm__mpmc_drained(const struct ringshm__mpmc *m)
{
	uint64_t head = ringshm_load_acquire(m->ring.cursor[1]); /* A2 */
	uint64_t tail = ringshm_load_acquire(m->ring.cursor[0]); /* A2 */

	return (head | RINGSHM_MPMC_LOW) == (tail | RINGSHM_MPMC_LOW);
}

#ifdef __cplusplus
}
#endif

#endif
