/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What producers and consumers of an mpmc ring share: one claim, one completion, one repair. */
#ifndef RINGSHM_MPMC_CORE_H
#define RINGSHM_MPMC_CORE_H

/*
 * How it works (docs/adr/0007-mpmc-scheme.md says why; abi.h draws the words). Each side has a cursor,
 * and a slot's word says whose turn it is. Producers are side 0, consumers side 1, and both do this:
 *
 *   claim    read the cursor; see that the words from there on await my side     A1 word, acquire
 *            write the range into my own participant's line: the intent          R0 intent, release
 *            swap the cursor past the range                                      R1 cursor, release
 *   use      write or read the payload
 *   done     hand each word to the other side                                    R2 word, release
 *
 * The claim leaves the words alone. A position that the cursor has passed and whose word still awaits
 * this side is *unfinished*: either its owner is at work, or it died. Which, its intent tells:
 *
 *   repair   read the cursor                                                     A2 cursor, acquire
 *            an unfinished word?                                                 relaxed; R3 checks it
 *            does the intent of anybody alive cover the position? then leave it  A3 intent, acquire
 *            swap the word to what the other side can go on with, marked         R3 word, release
 *
 *   R1 -> A2  who sees the cursor behind a range sees the intent that covers it (R0 comes before R1,
 *             and every later swap of the cursor continues the release sequence)
 *   R0 -> A3  who sees an owner's next intent sees the words that it had finished before, so R3 fails
 *   R2 -> A1  who sees a word handed over may touch the payload; R3 -> A1 likewise
 *   R3 swaps a value that occurs once in 2^56 positions, so a late or dying repairer changes nothing.
 *
 * A loss is marked in the word by R3, once, because only one swap succeeds, and counted in the low byte
 * of the cursor by the claim that crosses the mark, once, for the same reason. Before that, the
 * claim folds the byte into the 64-bit counter behind it, so at most one loss is ever not yet folded.
 *
 * Progress: a claim is lock-free; done is wait-free; a repair is bounded by capacity times participants
 * and never waits. A participant that is stopped between its intent and its next one delays the repair
 * of those positions until it goes on; it is named by ringshm_info().
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

/* Attempts of one claim: a peer that moves the cursor without end costs time, never for ever. */
#ifndef RINGSHM_MPMC_TRIES
#define RINGSHM_MPMC_TRIES 4096u
#endif

/* Failed looks at one position in a row after which a base verb calls the endpoint's suspect hook. */
#ifndef RINGSHM_MPMC_PATIENCE
#define RINGSHM_MPMC_PATIENCE 16384u
#endif

#define RINGSHM__MPMC_PRODUCERS 0u
#define RINGSHM__MPMC_CONSUMERS 1u

/* Where the words of a ring are, in this process; index: side. */
struct ringshm__mpmc_ring {
	ringshm_word *cursor[2];
	struct ringshm_participant *lines[2];
	ringshm_word *lost[2];	  /* what the low byte of that side's cursor is folded into */
	ringshm_word *repairs[2]; /* positions of that side repaired */
	unsigned char *base;	  /* slot 0 */
	uint64_t mask;		  /* capacity - 1, as a position in a word */
	uint32_t stride;	  /* bytes a slot */
	uint32_t participants;
};

/* One participant's half of the protocol: private to its thread. "f" is a position as it stands in a word. */
struct ringshm__mpmc {
	ringshm_word *cursor; /* of my side */
	ringshm_word *intent; /* in my line */
	unsigned char *base;
	uint64_t mask;
	uint64_t first; /* f of the oldest position that I hold */
	uint32_t held;	/* how many, in a row */
	uint32_t stride;
	struct ringshm__mpmc_ring ring;
};

static inline uint64_t ringshm__mpmc_f(uint64_t position)
{
	return position << RINGSHM_MPMC_SHIFT;
}

static inline ringshm_word *ringshm__mpmc_slot(unsigned char *base, uint64_t mask, uint32_t stride, uint64_t f)
{
	return (ringshm_word *)(base + ((f & mask) >> RINGSHM_MPMC_SHIFT) * stride);
}

static inline ringshm_word *ringshm__mpmc_word(const struct ringshm__mpmc *m, uint64_t f)
{
	return ringshm__mpmc_slot(m->base, m->mask, m->stride, f);
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
static inline uint64_t ringshm__mpmc_turn(unsigned int side)
{
	return side ? RINGSHM_MPMC_READY : RINGSHM_MPMC_FREE;
}

/* ... and how many from there on are plain: a message of any length; free and unmarked. */
static inline uint64_t ringshm__mpmc_plain(unsigned int side)
{
	return side ? RINGSHM_MPMC_DISCARDED - RINGSHM_MPMC_READY : 1;
}

/* Is this state a loss that the claim has to count? */
static inline uint64_t ringshm__mpmc_marked(unsigned int side, uint64_t state)
{
	return state == (side ? RINGSHM_MPMC_TOMBSTONE : RINGSHM_MPMC_FREED);
}

/*
 * How many slots from `first` on, at most `max`, await this side in the plain way; *off says how far
 * the word behind them is from what was wanted.
 */
static inline uint32_t ringshm__mpmc_ready(const struct ringshm__mpmc *m, unsigned int side, uint64_t first,
					   uint32_t max, uint64_t *off)
{
	/* copies: after an acquire the compiler would read them again for each slot */
	const uint64_t plain = ringshm__mpmc_plain(side), mask = m->mask;
	unsigned char *const base = m->base;
	const uint32_t stride = m->stride;
	uint64_t want = first | ringshm__mpmc_turn(side);
	uint32_t n;

	for (n = 0; n < max; n++) {
		/* A1: pairs with R2, R3 */
		*off = ringshm_load_acquire(ringshm__mpmc_slot(base, mask, stride, want)) - want;
		if (*off >= plain)
			break;
		want += RINGSHM_MPMC_LOW + 1;
	}
	return n;
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

/*
 * Claim up to `max` positions right behind those held (together at most RINGSHM_MPMC_BATCH_MAX); returns
 * how many. 0: the ring is full or empty for me, or somebody stands between. A position that is marked,
 * or discarded, is claimed alone, and *crossed tells so; to a consumer it is a hole. `intended`: an
 * attempt of mine that failed has left its intent behind.
 */
static inline uint32_t ringshm__mpmc_claim(struct ringshm__mpmc *m, unsigned int side, uint32_t max, bool intended,
					   bool *crossed)
{
	uint64_t cursor = ringshm_load_relaxed(m->cursor); /* relaxed: R1 fails when it is stale */
	uint32_t held = m->held, n, tries;

	for (tries = 0; tries < RINGSHM_MPMC_TRIES; tries++) {
		/* computed before the swap, so that no address waits for its result */
		uint64_t first = cursor & ~RINGSHM_MPMC_LOW, off = 0, lost = 0;
		uint64_t from = held ? m->first : first;

		*crossed = false;
		if (ringshm__unlikely(first != from + ringshm__mpmc_f(held)))
			break;
		n = ringshm__mpmc_ready(m, side, first, max, &off);
		if (ringshm__unlikely(!n)) {
			if ((int64_t)off < 0)
				break;
			if (off < RINGSHM_MPMC_READY) {
				n = 1;
				lost = ringshm__mpmc_marked(side, off + ringshm__mpmc_turn(side));
			}
			if (off >= RINGSHM_MPMC_READY || (lost && !ringshm__mpmc_folded(m, side, cursor))) {
				cursor = ringshm_load_relaxed(m->cursor); /* somebody passed; relaxed: as above */
				continue;
			}
			*crossed = true;
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

/* A claim of one position that is finished at once. */
struct ringshm__mpmc_one {
	ringshm_word *slot;
	uint64_t f;
	uint64_t word; /* what stood there */
	bool intended; /* not claimed, but the intent is left behind */
};

/*
 * Claim one plain position in one attempt, nothing being held; *m does not change. False: go on with
 * claim(), given `intended`.
 */
static inline bool ringshm__mpmc_claim_one(const struct ringshm__mpmc *m, unsigned int side,
					   struct ringshm__mpmc_one *one)
{
	uint64_t cursor = ringshm_load_relaxed(m->cursor); /* relaxed: R1 fails when it is stale */

	one->f = cursor & ~RINGSHM_MPMC_LOW;
	one->slot = ringshm__mpmc_word(m, one->f);
	one->word = ringshm_load_acquire(one->slot); /* A1: pairs with R2, R3 */
	one->intended = one->word - (one->f | ringshm__mpmc_turn(side)) < ringshm__mpmc_plain(side);
	if (ringshm__unlikely(!one->intended))
		return false;
	ringshm_store_release(m->intent, one->f | 1); /* R0: pairs with A3, as in claim() */
	/* R1: pairs with A2 */
	return ringshm__likely(ringshm_swap_release(m->cursor, &cursor, cursor + RINGSHM_MPMC_LOW + 1));
}

/* Hand the slot of `f` to the other side: to consumers in this state, to producers free for the next lap. */
static inline void ringshm__mpmc_done(const struct ringshm__mpmc *m, unsigned int side, ringshm_word *slot, uint64_t f,
				      uint64_t state)
{
	uint64_t next = side ? f + m->mask + RINGSHM_MPMC_LOW + 1 : f | state;

	ringshm_store_release(slot, next); /* R2: pairs with A1 */
}

/* The same for `n` slots from `f` on: no store of one makes the compiler read for the next what does not change. */
static inline void ringshm__mpmc_done_n(const struct ringshm__mpmc *m, unsigned int side, uint64_t f, uint32_t n,
					uint64_t state)
{
	const uint64_t mask = m->mask, more = side ? mask + RINGSHM_MPMC_LOW + 1 : state;
	unsigned char *const base = m->base;
	const uint32_t stride = m->stride;

	for (; n; n--, f += RINGSHM_MPMC_LOW + 1)
		ringshm_store_release(ringshm__mpmc_slot(base, mask, stride, f), f + more); /* R2: pairs with A1 */
}

/* ---- repair --------------------------------------------------------------------------------- */

/* What a repairer asks: is participant `id` of that side dead? Must be a fact, not a guess. */
typedef bool ringshm__mpmc_dead(void *context, unsigned int side, uint32_t id);

/* Who says that it has `f`, and lives? Its id, or `participants` if nobody. */
static inline uint32_t ringshm__mpmc_holder(const struct ringshm__mpmc_ring *r, unsigned int side, uint64_t f,
					    ringshm__mpmc_dead *dead, void *context)
{
	uint32_t id;

	for (id = 0; id < r->participants; id++) {
		uint64_t intent = ringshm_load_acquire(&r->lines[side][id].intent); /* A3: pairs with R0 */
		uint64_t into = (f - (intent & ~RINGSHM_MPMC_LOW)) >> RINGSHM_MPMC_SHIFT;

		if (into < (intent & RINGSHM_MPMC_LOW) && !dead(context, side, id))
			break;
	}
	return id;
}

/* What a dead owner's word becomes: a tombstone, or a free slot; marked unless nothing was lost. */
static inline uint64_t ringshm__mpmc_repaired(const struct ringshm__mpmc_ring *r, unsigned int side, uint64_t f,
					      uint64_t state)
{
	if (!side)
		return f | RINGSHM_MPMC_TOMBSTONE;
	f += r->mask + RINGSHM_MPMC_LOW + 1;
	if (state >= RINGSHM_MPMC_DISCARDED) /* no message was in it, and the producer's loss is counted already */
		return f | RINGSHM_MPMC_FREE;
	return f | RINGSHM_MPMC_FREED;
}

/* What a look at the unfinished positions of one side found. */
struct ringshm__mpmc_look {
	uint64_t f;	   /* the oldest unfinished position that somebody alive has */
	uint32_t holder;   /* its id; `participants`: there is none */
	uint32_t repaired; /* positions repaired */
};

/*
 * Look at all unfinished positions of a side, oldest first, up to the first that somebody alive has;
 * if `repair`, free the dead ones' on the way. Bounded; anybody may, any number at a time, and die.
 */
ringshm__cold struct ringshm__mpmc_look ringshm__mpmc_inspect(const struct ringshm__mpmc_ring *r, unsigned int side,
							      bool repair, ringshm__mpmc_dead *dead, void *context)
{
	struct ringshm__mpmc_look look = {0, r->participants, 0};
	/* A2: pairs with R1; first of all, so that every claim below it has its intent visible */
	uint64_t end = ringshm_load_acquire(r->cursor[side]) & ~RINGSHM_MPMC_LOW;
	uint64_t lap = r->mask + RINGSHM_MPMC_LOW + 1, f, word;

	for (f = end - lap; f != end; f += RINGSHM_MPMC_LOW + 1) {
		ringshm_word *slot = ringshm__mpmc_slot(r->base, r->mask, r->stride, f);

		word = ringshm_load_relaxed(slot); /* relaxed: R3 swaps this very value or nothing */
		if (word - (f | ringshm__mpmc_turn(side)) >= RINGSHM_MPMC_READY)
			continue;
		look.holder = ringshm__mpmc_holder(r, side, f, dead, context);
		look.f = f;
		if (look.holder < r->participants)
			break;
		/* R3: pairs with A1; whoever lives and had it has finished it by now, and this fails */
		if (repair && ringshm_swap_release(slot, &word, ringshm__mpmc_repaired(r, side, f, word - f))) {
			ringshm_fetch_add_relaxed(r->repairs[side], 1); /* relaxed: a figure for people */
			look.repaired++;
		}
	}
	return look;
}

/*
 * Can the word at my cursor be what it is? While a position is unclaimed by my side its slot holds
 * that position or the one a lap before. False: a peer has scribbled.
 */
ringshm__cold bool ringshm__mpmc_sound(const struct ringshm__mpmc *m)
{
	uint64_t cursor = ringshm_load_acquire(m->cursor); /* A2: pairs with R1 */
	uint64_t f = cursor & ~RINGSHM_MPMC_LOW;
	uint64_t word = ringshm_load_acquire(ringshm__mpmc_word(m, f)); /* A1: between two looks at the cursor */
	uint64_t lap = m->mask + RINGSHM_MPMC_LOW + 1;

	if (ringshm_load_relaxed(m->cursor) != cursor) /* relaxed: ordered by the acquire before it */
		return true;
	return word - (f - lap) <= lap + RINGSHM_MPMC_LOW;
}

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
