/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What frees the positions of an mpmc ring whose owners died, and what notices that a peer scribbles. */
#ifndef RINGSHM_MPMC_REPAIR_H
#define RINGSHM_MPMC_REPAIR_H

#include <ringshm/mpmc_core.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A verdict says of one position what its slot is now that its owner is dead; the state, which has
 * room for a part of the position only, stays what it was until the next owner who lives stores one. So
 * a slot's state may grow old while one owner after the other dies without storing anything; verdicts
 * count how often that has happened in a row, and are refused before a state could be taken for one of a later
 * lap: more than 64 deaths in a row over one slot, with nobody alive having used it in between, wear it out.
 */
#define RINGSHM__MPMC_CHAIN_MAX                                                             \
	(0x10000u / RINGSHM__MPMC_LAP > RINGSHM_MPMC_CHAIN ? (uint32_t)RINGSHM_MPMC_CHAIN : \
							     0x10000u / RINGSHM__MPMC_LAP - 4)

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

/* One slot as a repairer sees it, of the lap of `f`. */
struct ringshm__mpmc_sight {
	uint64_t f;
	uint64_t verdict;
	int16_t state; /* less the lap of `f` */
};

static inline int16_t ringshm__mpmc_since(const struct ringshm__mpmc_ring *r, uint64_t f, uint16_t state)
{
	return (int16_t)(state - ringshm__mpmc_lap(r->order, f));
}

static inline struct ringshm__mpmc_sight ringshm__mpmc_see(const struct ringshm__mpmc_ring *r, uint64_t f)
{
	uint64_t index = ringshm__mpmc_index(r->mask, f);
	struct ringshm__mpmc_sight sight;

	sight.f = f;
	sight.verdict = ringshm_load_relaxed(r->verdicts + index); /* relaxed: R3 swaps this very value or nothing */
	/* relaxed: looked at again, by A1 */
	sight.state = ringshm__mpmc_since(r, f, ringshm_load16_relaxed(r->states + index));
	return sight;
}

/* Has a claimed position been handed to the other side, by its owner or by a verdict? */
static inline bool ringshm__mpmc_finished(const struct ringshm__mpmc_ring *r, unsigned int side,
					  const struct ringshm__mpmc_sight *sight)
{
	uint64_t lap = r->mask + RINGSHM_MPMC_LOW + 1;
	uint64_t next = sight->f + (side ? lap : RINGSHM_MPMC_READY);

	if (sight->state >= (int)(side ? RINGSHM__MPMC_LAP : RINGSHM_MPMC_READY))
		return true;
	return sight->verdict - next < ~UINT64_C(0) / 4; /* that position, or one of a later lap */
}

/* Does the state itself say that the slot awaits this side, not an older verdict? */
static inline bool ringshm__mpmc_fresh(unsigned int side, const struct ringshm__mpmc_sight *sight)
{
	return side ? sight->state >= (int)RINGSHM_MPMC_READY : sight->state == (int)RINGSHM_MPMC_FREE;
}

/* What is to be said of a dead owner's position; 0: the slot is worn out. */
static inline bool ringshm__mpmc_judge(const struct ringshm__mpmc_ring *r, unsigned int side,
				       const struct ringshm__mpmc_sight *sight, uint64_t *verdict)
{
	bool fresh = ringshm__mpmc_fresh(side, sight);
	uint64_t chain = fresh ? 0 : (sight->verdict & RINGSHM_MPMC_CHAIN) + 1;
	uint64_t what = RINGSHM_MPMC_TOMBSTONE;

	*verdict = sight->f;
	if (side) {
		/* discarded, or a tombstone: there was no message, and the producer's loss is counted already */
		what = fresh && sight->state < (int)RINGSHM_MPMC_DISCARDED ? RINGSHM_MPMC_FREED : RINGSHM_MPMC_RETURNED;
		*verdict += r->mask + RINGSHM_MPMC_LOW + 1;
	}
	*verdict |= what | chain;
	return chain <= RINGSHM__MPMC_CHAIN_MAX;
}

/* Nobody alive says that it has this position. Is it still unfinished, and of the lap that I think? */
static inline bool ringshm__mpmc_abandoned(const struct ringshm__mpmc_ring *r, unsigned int side,
					   const struct ringshm__mpmc_sight *sight)
{
	uint64_t lap = r->mask + RINGSHM_MPMC_LOW + 1;
	/* A1: pairs with R2; whoever lives and had it has stored its state by now */
	uint16_t state = ringshm_load16_acquire(r->states + ringshm__mpmc_index(r->mask, sight->f));
	/* A2: pairs with R1; a state of a later lap shows a cursor that has passed */
	uint64_t cursor = ringshm_load_acquire(r->cursor[side]) & ~RINGSHM_MPMC_LOW;

	return ringshm__mpmc_since(r, sight->f, state) == sight->state && cursor - sight->f <= lap;
}

/* What a look at the unfinished positions of one side found. */
struct ringshm__mpmc_look {
	uint64_t f;	   /* the oldest unfinished position that somebody alive has */
	uint32_t holder;   /* its id; `participants`: there is none */
	uint32_t repaired; /* positions repaired */
	bool worn;	   /* a slot cannot be repaired any more */
};

/*
 * Look at all unfinished positions of a side, oldest first, up to the first that somebody alive has;
 * if `repair`, free the dead ones' on the way. Bounded; anybody may, any number at a time, and die.
 */
ringshm__cold struct ringshm__mpmc_look ringshm__mpmc_inspect(const struct ringshm__mpmc_ring *r, unsigned int side,
							      bool repair, ringshm__mpmc_dead *dead, void *context)
{
	struct ringshm__mpmc_look look = {0, r->participants, 0, false};
	/* A2: pairs with R1; first of all, so that every claim below it has its intent visible */
	uint64_t end = ringshm_load_acquire(r->cursor[side]) & ~RINGSHM_MPMC_LOW;
	uint64_t lap = r->mask + RINGSHM_MPMC_LOW + 1, f, verdict;

	for (f = end - lap; f != end; f += RINGSHM_MPMC_LOW + 1) {
		struct ringshm__mpmc_sight sight = ringshm__mpmc_see(r, f);

		if (ringshm__mpmc_finished(r, side, &sight))
			continue;
		look.holder = ringshm__mpmc_holder(r, side, f, dead, context);
		look.f = f;
		if (look.holder < r->participants)
			break;
		if (!repair || !ringshm__mpmc_abandoned(r, side, &sight))
			continue;
		look.worn |= !ringshm__mpmc_judge(r, side, &sight, &verdict);
		/* R3: pairs with A7; verdicts only move forward, so one of this position is left once, by one repairer */
		if (!look.worn &&
		    ringshm_swap_release(r->verdicts + ringshm__mpmc_index(r->mask, f), &sight.verdict, verdict)) {
			ringshm_fetch_add_relaxed(r->repairs[side], 1); /* relaxed: a figure for people */
			look.repaired++;
		}
	}
	return look;
}

/*
 * Can what stands at my cursor be what it is? While a position is unclaimed by my side its slot holds
 * that position or the one a lap before, by its state or by a verdict. False: a peer has scribbled.
 */
ringshm__cold bool ringshm__mpmc_sound(const struct ringshm__mpmc *m)
{
	uint64_t cursor = ringshm_load_acquire(m->cursor); /* A2: pairs with R1 */
	uint64_t f = cursor & ~RINGSHM_MPMC_LOW, lap = m->mask + RINGSHM_MPMC_LOW + 1;
	/* A1: pairs with R2; like the next, between two looks at the cursor */
	uint16_t stored = ringshm_load16_acquire(ringshm__mpmc_state(m, f));
	/* A7: pairs with R3 */
	uint64_t verdict = ringshm_load_acquire(m->ring.verdicts + ringshm__mpmc_index(m->mask, f));
	int16_t state = ringshm__mpmc_since(&m->ring, f, stored);

	if (ringshm_load_relaxed(m->cursor) != cursor) /* relaxed: ordered by the acquires before it */
		return true;
	if (stored & RINGSHM_MPMC_LENGTH && !(stored & RINGSHM_MPMC_READY))
		return false;
	return verdict - (f - lap) <= lap + RINGSHM_MPMC_LOW ||
	       (state >= -(int)RINGSHM__MPMC_LAP && state <= (int)RINGSHM_MPMC_LOW);
}

#ifdef __cplusplus
}
#endif

#endif
