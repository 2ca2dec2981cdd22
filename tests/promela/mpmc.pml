/* SPDX-License-Identifier: MIT */
/* The slot protocol of an mpmc ring, for spin(1): claims, repairs, deaths anywhere, seats taken again at once. */

/*
 * What is modelled is include/ringshm/mpmc_core.h and mpmc_repair.h: one step per access to a shared word, under the
 * same labels (R0 .. R4, A1 .. A4, A7), on memory without reordering; tests/model/weak is about that. A position
 * stands for a word's 56 bits, `low` for the byte below them. A state has its lap modulo LAPS only, so that a few messages
 * are enough for a lap to come again; a verdict has the whole position. Any actor may die between any two of its steps,
 * DEATHS times in all. Who is left keeps its seat to the end, as a live process that has nothing to do would.
 *
 * What must hold, on every path:
 *   nobody claims a slot that another one of its side still has, nor takes for a message what is none   (R1)
 *   a repair takes a position from nobody who lives, and none that is over                              (R3)
 *   a payload does not change while its consumer reads it, and is the right one                         (R2)
 *   no message is released twice                                                                        (R2)
 *   in the end, repaired by the living alone, the ring becomes empty, has its full size, and every position
 *   is a message released, a discarded one, or one loss counted on its side                             (audit)
 *
 * spin -D picks who takes part, DEATHS, SLOTS, LAPS, SEATS, SCOUTING (single claims keep in mind how far they have
 * seen), and, for the model's own sake, a fault.
 */

#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef LAPS
#define LAPS 5 /* that a state can tell apart; at least 4 */
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
/* Who takes part, and how many things each of them does. */
#ifndef PRODUCING
#define PRODUCING 1
#endif
#ifndef CONSUMING
#define CONSUMING 1
#endif
#ifndef REPAIRING
#define REPAIRING 0
#endif
#ifndef COMING
#define COMING 1
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef FILLED
#define FILLED 0 /* messages in the ring at the beginning */
#endif
#ifdef HOLED
#define HOLES 1 /* ... the last of them discarded; the first consumer peeks, once */
#else
#define HOLES 0
#endif
/* BRISK: claims of two alone, until that many succeed, no discards, no repairs but the repairer's: so laps soon come
 * again. Without deaths only: a consumer waits for who is dead. */
#define SEATS (PRODUCING + CONSUMING + REPAIRING)
#define ACTORS 5    /* at most: who take a seat, one after the other or together */
#define START SLOTS /* the first position; there is a lap before it that nobody asks for */
#define LOW 2	    /* values of the cursor's low field: at most one loss is not folded */
#define NOTHING 255

#define PRODUCERS 0
#define CONSUMERS 1

/* A state is LAP times its lap, modulo LAPS, and one of these, in the order of abi.h. */
#define FREE 0
#define READY 4
#define DISCARDED 5
#define LAP 8
#define ROUND (LAP * LAPS)
#define LAP_OF(p) ((((p) / SLOTS) % LAPS) * LAP)
#define SINCE(s, p) (((s) + ROUND - LAP_OF(p)) % ROUND) /* from 0, modulo ROUND */
#define SIGNED(off) ((off) < ROUND / 2 -> (off) : (off) - ROUND)
#define TURN(side) ((side) * READY)
/* How far a state is from awaiting this side. */
#define OFF(s, side, p) ((SINCE(s, p) + ROUND - TURN(side)) % ROUND)

/* A verdict is its whole position times POSITION, one of these, and how many in a row there were, less one. */
#define RETURNED 0
#define FREED 4
#define TOMBSTONE 8
#define POSITION 16
#define CHAIN(v) ((v) % 4)
#define CHAIN_MAX (LAPS - 4)
/* What a verdict says of a position to a side, if anything. */
#define SAYS(v, side, p) ((v) >= (p) * POSITION + 2 * TURN(side) && (v) < (p) * POSITION + 2 * TURN(side) + 8)
#define SAYS_LOSS(v) ((v) % POSITION >= FREED)

/* ---- shared words --------------------------------------------------------------------------------- */

byte cursor[2], low[2];			 /* one word each */
byte lost[2];				 /* what `low` is folded into */
byte state[SLOTS];
short verdict[SLOTS];
byte payload[SLOTS];
byte first[2 * SEATS], count[2 * SEATS]; /* one word each: the intents, by side and seat */
bool locked[SEATS];			 /* the operating system's: somebody lives there */

#define AT(p) ((p) % SLOTS)
#define INTENT(side, who) ((side) * SEATS + (who))

/* ---- what really happened: only the judge looks ------------------------------------------------------ */

byte owner[2 * SLOTS];	   /* actor + 1 who has claimed a slot for a side and not finished it ... */
byte owned[2 * SLOTS];	   /* ... for this position */
int published, released;   /* a bit a position: a message; released by its consumer */
byte messages, discards, lost_with_producers, lost_with_consumers;
bool dead[ACTORS], seated[ACTORS], idle[ACTORS];
byte seat[ACTORS];
byte actors, deaths;

#define OWNER(side, p) owner[(side) * SLOTS + AT(p)]
#define OWNED(side, p) owned[(side) * SLOTS + AT(p)]
#define IS(mask, p) ((mask >> (p)) & 1)
#define SET(mask, p) mask = mask | (1 << (p))
#define GIVE_UP(side, p) OWNER(side, p) = 0; OWNED(side, p) = 0

/* ---- what stands at a position that is a side's next ------------------------------------------------- */

#define PLAIN 0
#define COUNTED 1   /* a dead one's: a loss, which the claim counts */
#define UNCOUNTED 2 /* a hole */
#define BEHIND 3    /* full, or empty */
#define AHEAD 4	    /* somebody has passed */

/* By its state alone. */
#define STATED(s, side, p) \
	(OFF(s, side, p) == 0 -> PLAIN : (SIGNED(OFF(s, side, p)) < 0 -> BEHIND : \
	(side == CONSUMERS && OFF(s, side, p) < READY -> UNCOUNTED : AHEAD)))
/* By its verdict, when the state is behind. */
#define JUDGED(v, side, p) (SAYS(v, side, p) -> (SAYS_LOSS(v) -> COUNTED : UNCOUNTED) : BEHIND)
#define STANDS(side, p) \
	(STATED(state[AT(p)], side, p) == BEHIND -> JUDGED(verdict[AT(p)], side, p) : STATED(state[AT(p)], side, p))

/* ---- what a repairer makes of a claimed position, from its state (since its lap) and its verdict ------- */

#define FINISHED(since, v, side, p) \
	(SIGNED(since) >= (side == PRODUCERS -> READY : LAP) || \
	 (v) >= (p) * POSITION + (side == PRODUCERS -> TOMBSTONE : SLOTS * POSITION))
#define FRESH(since, side) \
	(side == PRODUCERS -> (since) == FREE : SIGNED(since) >= READY)
#ifdef UNCHAINED /* fault: how often in a row is not counted */
#define NEXT_CHAIN(since, v, side) 0
#else
#define NEXT_CHAIN(since, v, side) (FRESH(since, side) -> 0 : CHAIN(v) + 1)
#endif
#define WORN(since, v, side) (NEXT_CHAIN(since, v, side) > CHAIN_MAX)
#ifdef UNMARKED /* fault: a dead consumer's slot is free as any other */
#define FREED_IF(message) RETURNED
#else
#define FREED_IF(message) (message -> FREED : RETURNED)
#endif
#define JUDGEMENT(since, v, side, p) \
	(side == PRODUCERS -> (p) * POSITION + TOMBSTONE : \
	 ((p) + SLOTS) * POSITION + FREED_IF(FRESH(since, side) && SIGNED(since) < DISCARDED)) + \
	NEXT_CHAIN(since, v, side)

/* ---- the steps of an actor: each touches one shared word, and names the next -------------------------- */

mtype = { CHOOSE, READ, SCOUT, LOOKING, VERDICT, WALL, FOLD, FOLD_LOST, FOLD_CURSOR, FOLD_SWAP, INTEND, SWAP, LATE, CLEAR,
	  HOLE, FILL, FINISH, MINE, REPAIR, SIGHT, SIGHT_STATE, RECORD, ALIVE, AGAIN, PASSED, NEWER, MARK, REMEMBER, SWEEP,
	  SWEEP_OTHER }

#if defined(CACHED) || defined(RECORDS_FIRST)
#define REPAIR_FIRST REMEMBER
#else
#define REPAIR_FIRST REPAIR
#endif

inline read_cursor() /* A2 */
{
	at = cursor[side];
	at_low = low[side];
	n = 0;
#ifdef SCOUTING
	if
	:: single && scouted <= at && at < scouted + ahead -> n = 1; found = PLAIN; next = INTEND
	:: single && !(scouted <= at && at < scouted + ahead) -> scouted = at; ahead = 0; next = SCOUT
	:: !single -> next = LOOKING
	fi
#else
	next = LOOKING
#endif
}

#ifdef SCOUTING
/* A1, of one after the other up to the end of the array */
inline scout()
{
	if
	:: OFF(state[AT(scouted + ahead)], side, scouted + ahead) == 0 ->
		ahead++;
		if
		:: AT(scouted + ahead) == 0 -> n = 1; found = PLAIN; next = INTEND
		:: else
		fi
	:: else ->
		if
		:: ahead -> n = 1; found = PLAIN; next = INTEND
		:: else -> single = false; scouted = 0; at = 0; at_low = 0; next = READ
		fi
	fi
}
#endif

/* A1, and what to do next */
inline look()
{
	found = (held && at != from + held -> AHEAD : STATED(state[AT(at + n)], side, at + n));
	if
	:: held && at != from + held -> found = 0; next = CLEAR
	:: else ->
		if
		:: found == PLAIN && n + 1 < most -> n++
		:: found == PLAIN && n + 1 == most -> n++; next = INTEND
		:: found != PLAIN && n -> found = PLAIN; next = INTEND
		:: found == UNCOUNTED && !n -> n = 1; next = INTEND
		:: found == AHEAD && !n -> found = 0; next = READ
		:: found == BEHIND && !n -> next = VERDICT
		fi
	fi
}

inline ask_verdict() /* A7 */
{
	found = JUDGED(verdict[AT(at)], side, at);
	if
	:: found == COUNTED ->
		n = 1;
#ifdef UNFOLDED /* fault: counted on top of a loss that is not folded */
		next = INTEND
#else
		next = FOLD
#endif
	:: found == UNCOUNTED -> n = 1; next = INTEND
	:: found == BEHIND -> found = 0; next = WALL
	fi
}

inline see_wall() /* relaxed: a wall before an old cursor is none */
{
	next = (cursor[side] == at && low[side] == at_low -> CLEAR : READ)
}

/* A4: is that loss folded? Then another may be counted; if not, fold and begin again */
inline see_folded()
{
	next = (lost[side] % LOW == at_low -> INTEND : FOLD_LOST)
}

inline swap_lost() /* R4, for the `k` that was read before the cursor */
{
	if
	:: lost[side] == k && n -> lost[side] = k + n
	:: else
	fi;
	k = 0;
	next = READ
}

inline store_intent() /* R0 */
{
	from = (held -> from : at);
	first[INTENT(side, mine)] = from;
	count[INTENT(side, mine)] = held + n;
	intended = true
}

#ifdef UNCONFIRMED /* fault: the cursor moves, wherever it has got to meanwhile */
#define CONFIRMED true
#else
#ifdef NARROW /* fault: the cursor has no more bits than an index */
#define CONFIRMED AT(cursor[side]) == AT(at) && low[side] == at_low
#else
#define CONFIRMED cursor[side] == at && low[side] == at_low
#endif
#endif

inline claimed()
{
	next = (side == CONSUMERS && found != PLAIN -> HOLE : (again -> READ : FILL));
	again = (next == READ -> false : again);
	found = 0
}

inline swap_cursor() /* R1 */
{
	if
	:: CONFIRMED ->
		cursor[side] = at + n;
		low[side] = (at_low + (found == COUNTED)) % LOW;
		k = 0;
		do
		:: k < n ->
			assert(!OWNER(side, at + k));
			assert(side == PRODUCERS || (found == PLAIN) == IS(published, at + k));
			OWNER(side, at + k) = me + 1;
			OWNED(side, at + k) = at + k;
			k++
		:: else -> break
		od;
		held = held + n;
		k = 0;
		at = 0;
		at_low = 0;
		n = 0;
		intended = false;
#ifdef ANONYMOUS
		next = LATE
#else
		claimed()
#endif
	:: else -> n = 0; at = 0; at_low = 0; found = 0; next = READ
	fi
}

inline fail() /* R0: the intent of an attempt that failed ends */
{
#ifndef UNCLEARED /* fault: it does not */
	if
	:: intended ->
		first[INTENT(side, mine)] = (held -> from : 0);
		count[INTENT(side, mine)] = held
	:: else
	fi;
#endif
	intended = false;
	from = (held -> from : 0);
	n = 0;
	at = 0;
	at_low = 0;
	found = 0;
	again = false;
	if
	:: held -> next = FILL
#ifdef BRISK
	:: else -> rounds++; next = CHOOSE
#else
	:: else -> side = 1 - side; next = REPAIR_FIRST /* full, or empty: has one of the others died? */
#endif
	fi
}

/* R2, of the last position held, which is no message; then claim once more. */
inline pass_hole()
{
	state[AT(from + held - 1)] = LAP_OF(from + held - 1 + SLOTS) + FREE;
	GIVE_UP(side, from + held - 1);
	gaps = (held > 1 -> gaps | (1 << AT(from + held - 1)) : gaps);
	from = (held > 1 -> from : 0);
	held = (held > 1 -> held : 0);
	next = READ
}

inline use()
{
	if
	:: side == PRODUCERS -> payload[AT(from)] = from + 1
	:: else -> assert(payload[AT(from)] == from + 1)
	fi;
	next = FINISH
}

#define IS_GAP(p) IS(gaps, AT(p))

/* Over positions given back long ago; no look at any slot. */
inline skip_gaps()
{
	do
	:: held && IS_GAP(from) -> gaps = gaps & ~(1 << AT(from)); held--; from++
	:: else -> break
	od;
	from = (held -> from : 0);
	next = (held -> FILL : CHOOSE)
}

inline hand_over(as) /* R2 */
{
	GIVE_UP(side, from);
	if
	:: side == PRODUCERS ->
		state[AT(from)] = LAP_OF(from) + as;
		if
		:: as == READY -> SET(published, from); messages++
		:: else -> discards++
		fi
	:: else ->
		assert(payload[AT(from)] == from + 1 && !IS(released, from));
		SET(released, from);
		state[AT(from)] = LAP_OF(from + SLOTS) + FREE
	fi;
	held--;
	from++;
#ifdef FORGETFUL /* fault: whether a position held was a hole is asked of its slot */
	next = (held -> MINE : CHOOSE);
	from = (held -> from : 0)
#else
	skip_gaps()
#endif
}

#ifdef FORGETFUL
inline see_mine()
{
	if
	:: side == CONSUMERS && OFF(state[AT(from)], side, from) >= READY -> held--; from++
	:: else -> next = FILL
	fi;
	if
	:: !held -> from = 0; next = CHOOSE
	:: else
	fi
}
#endif

inline next_slot()
{
	from++;
	k = 0;
	found = 0;
	sight = 0;
	next = SIGHT;
	if
	:: from == at -> from = 0; at = 0; next = CHOOSE
	:: else
	fi
}

inline begin_repair() /* A2 */
{
	at = cursor[side];
	from = at - SLOTS;
	next = SIGHT
}

inline see_verdict() /* relaxed: R3 swaps this very value or nothing */
{
	sight = verdict[AT(from)];
	next = SIGHT_STATE
}

inline see_state() /* relaxed: looked at again */
{
	found = SINCE(state[AT(from)], from);
	if
	:: FINISHED(found, sight, side, from) -> next_slot()
	:: else -> k = 0; next = RECORD
	fi
}

#ifdef RECORDS_FIRST /* fault: the intents are read before the cursor */
#define CLAIMS(i) (old_first[i] <= from && from < old_first[i] + old_count[i])
#else
#define CLAIMS(i) (first[INTENT(side, i)] <= from && from < first[INTENT(side, i)] + count[INTENT(side, i)])
#endif
#ifdef CACHED /* fault: who was dead when the repair began counts as dead to its end */
#define LIVES(i) was_locked[i]
#else
#define LIVES(i) locked[i]
#endif

#ifdef ONCE /* fault: the state is not looked at again */
#define NOBODYS MARK
#else
#define NOBODYS AGAIN
#endif

inline next_record()
{
	k++;
	next = (k == SEATS -> NOBODYS : RECORD)
}

inline see_record() /* A3 */
{
	if
	:: CLAIMS(k) -> next = ALIVE
	:: else -> next_record()
	fi
}

inline ask() /* the operating system, and now */
{
	if
	:: LIVES(k) -> from = 0; at = 0; k = 0; found = 0; sight = 0; next = CHOOSE
	:: else -> next_record()
	fi
}

inline see_again() /* A1 */
{
	if
	:: SINCE(state[AT(from)], from) == found ->
#ifdef UNLOOKED /* fault: not whether the lap is over */
		next = MARK
#else
		next = PASSED
#endif
	:: else -> next_slot()
	fi
}

inline see_passed() /* A2 */
{
	if
	:: cursor[side] - from <= SLOTS ->
#ifdef NEWEST /* fault: the verdict that is swapped is read anew, and not judged */
		next = NEWER
#else
		next = MARK
#endif
	:: else -> next_slot()
	fi
}

inline mark() /* R3 */
{
	if
	:: WORN(found, sight, side) -> from = 0; at = 0; k = 0; found = 0; sight = 0; next = CHOOSE /* it is refused */
	:: else ->
		if
#ifdef BLIND /* fault: a store where a swap is needed */
		:: true ->
#else
		:: verdict[AT(from)] == sight ->
#endif
			assert(OWNER(side, from) && OWNED(side, from) == from && dead[OWNER(side, from) - 1]);
			GIVE_UP(side, from);
			verdict[AT(from)] = JUDGEMENT(found, sight, side, from)
#ifndef BLIND
		:: else
#endif
		fi;
		next_slot()
	fi
}

#if defined(CACHED) || defined(RECORDS_FIRST)
inline remember()
{
	k = 0;
	do
	:: k < SEATS ->
#ifdef CACHED
		was_locked[k] = locked[k];
#else
		old_first[k] = first[INTENT(side, k)];
		old_count[k] = count[INTENT(side, k)];
#endif
		k++
	:: else -> break
	od;
	k = 0;
	next = REPAIR
}
#endif

/* ---- who takes part ------------------------------------------------------------------------------- */

#define PRODUCER 0
#define CONSUMER 1
#define REPAIRER 2
#define NEWCOMER 3 /* takes a dead one's seat, in either role */

inline begin(on, positions, extending)
{
	rounds--;
	side = on;
	most = positions;
	again = extending;
	intended = false;
#ifdef SCOUTING
	single = (positions == 1 && !extending);
#endif
	next = (positions -> READ : REPAIR_FIRST)
}

inline sweep(on) /* R0 */
{
#ifdef UNSWEPT /* fault: the intents of who sat there before stay */
	skip
#else
	first[INTENT(on, mine)] = 0;
	count[INTENT(on, mine)] = 0
#endif
}

inline forget()
{
	next = 0;
	rounds = 0;
	side = 0;
	most = 0;
	at = 0;
	at_low = 0;
	n = 0;
	k = 0;
	found = 0;
	from = 0;
	held = 0;
	gaps = 0;
	sight = 0;
#ifdef SCOUTING
	single = false;
	scouted = 0;
	ahead = 0;
#endif
	intended = false;
	again = false
}

#ifdef BRISK
#define PEEKS (HOLES && me == PRODUCING)
#define TAKES (!PEEKS)
#else
#define PEEKS true
#define TAKES true
#endif
#define IF(now) next == now && !dead[me]

proctype actor(byte me; byte role; byte rounds)
{
	byte mine, side, most, at, at_low, n, k, found, from, held, gaps;
	short sight;
	bool intended, again;
#ifdef SCOUTING
	bool single;
	byte scouted, ahead;
#endif
	mtype next = CHOOSE;
#ifdef CACHED
	bool was_locked[SEATS];
#endif
#ifdef RECORDS_FIRST
	byte old_first[SEATS], old_count[SEATS];
#endif

	if
	:: role == NEWCOMER ->
end_waiting:	atomic {
			if
			:: dead[0] && !locked[seat[0]] -> mine = seat[0]
			:: dead[1] && !locked[seat[1]] -> mine = seat[1]
			:: dead[2] && !locked[seat[2]] -> mine = seat[2]
			:: dead[3] && !locked[seat[3]] -> mine = seat[3]
			fi;
			locked[mine] = true;
			seat[me] = mine;
			seated[me] = true;
			next = SWEEP;
			if
			:: role = PRODUCER
			:: role = CONSUMER
			fi
		}
	:: else -> mine = seat[me]
	fi;
	do
	:: d_step { IF(SWEEP) -> sweep(PRODUCERS); next = SWEEP_OTHER }
	:: d_step { IF(SWEEP_OTHER) -> sweep(CONSUMERS); next = CHOOSE }
	:: d_step { IF(CHOOSE) && !rounds -> idle[me] = true; forget() } break
#ifndef BRISK
	:: d_step { IF(CHOOSE) && rounds && role == PRODUCER -> begin(PRODUCERS, 1, false) }
	:: d_step { IF(CHOOSE) && rounds && role == CONSUMER -> begin(CONSUMERS, 1, false) }
#endif
	:: d_step { IF(CHOOSE) && rounds && role == CONSUMER && PEEKS -> begin(CONSUMERS, 1, true) } /* peek_next */
	:: d_step { IF(CHOOSE) && rounds && role == PRODUCER -> begin(PRODUCERS, 2, false) }
	:: d_step { IF(CHOOSE) && rounds && role == CONSUMER && TAKES -> begin(CONSUMERS, 2, false) }
	:: d_step { IF(CHOOSE) && rounds && role == REPAIRER -> begin(PRODUCERS, 0, false) }
	:: d_step { IF(CHOOSE) && rounds && role == REPAIRER -> begin(CONSUMERS, 0, false) }
	:: d_step { IF(READ) -> read_cursor() }
#ifdef SCOUTING
	:: d_step { IF(SCOUT) -> scout() }
#endif
	:: d_step { IF(LOOKING) -> look() }
	:: d_step { IF(VERDICT) -> ask_verdict() }
	:: d_step { IF(WALL) -> see_wall() }
	:: d_step { IF(FOLD) -> see_folded() }
	:: d_step { IF(FOLD_LOST) -> k = lost[side]; next = FOLD_CURSOR } /* A4: before the cursor */
	:: d_step { IF(FOLD_CURSOR) -> n = (low[side] + k) % LOW; next = FOLD_SWAP } /* A2 */
	:: d_step { IF(FOLD_SWAP) -> swap_lost() } /* R4 */
#ifdef ANONYMOUS /* fault: the intent comes one step too late */
	:: d_step { IF(INTEND) -> from = (held -> from : at); next = SWAP }
	:: d_step { IF(LATE) -> first[INTENT(side, mine)] = from; count[INTENT(side, mine)] = held; claimed() }
#else
	:: d_step { IF(INTEND) -> store_intent(); next = SWAP }
#endif
	:: d_step { IF(SWAP) -> swap_cursor() }
	:: d_step { IF(CLEAR) -> fail() }
	:: d_step { IF(HOLE) -> pass_hole() }
	:: d_step { IF(FILL) -> use() }
	:: d_step { IF(FINISH) -> hand_over(READY) }
#ifndef BRISK
	:: d_step { IF(FINISH) && side == PRODUCERS -> hand_over(DISCARDED) }
#endif
#ifdef FORGETFUL
	:: d_step { IF(MINE) -> see_mine() }
#endif
#if defined(CACHED) || defined(RECORDS_FIRST)
	:: d_step { IF(REMEMBER) -> remember() }
#endif
	:: d_step { IF(REPAIR) -> begin_repair() }
	:: d_step { IF(SIGHT) -> see_verdict() }
	:: d_step { IF(SIGHT_STATE) -> see_state() }
	:: d_step { IF(RECORD) -> see_record() }
	:: d_step { IF(ALIVE) -> ask() }
	:: d_step { IF(AGAIN) -> see_again() }
	:: d_step { IF(PASSED) -> see_passed() }
#ifdef NEWEST
	:: d_step { IF(NEWER) -> sight = verdict[AT(from)]; next = MARK }
#endif
	:: d_step { IF(MARK) -> mark() }
	:: d_step { dead[me] -> forget() } break
	od
}

/* ---- death, at any time ----------------------------------------------------------------------------- */

inline die(who)
{
	deaths < DEATHS && seated[who] && !idle[who] && !dead[who] ->
		deaths++;
		dead[who] = true;
		locked[seat[who]] = false;
		k = 0;
		do
		:: k < SLOTS ->
			lost_with_producers = lost_with_producers + (OWNER(PRODUCERS, k) == who + 1);
			lost_with_consumers = lost_with_consumers + (OWNER(CONSUMERS, k) == who + 1 && IS(published, OWNED(CONSUMERS, k)));
			k++
		:: else -> break
		od;
		k = 0
}

proctype death()
{
	byte k;

end:	do
	:: d_step { die(0) }
	:: d_step { die(1) }
	:: d_step { die(2) }
	:: d_step { die(3) }
	:: d_step { die(4) }
	od
}

/* ---- the judge, when nobody moves any more ------------------------------------------------------------ */

/* What anybody alive could repair now. */
inline repair_all()
{
	from = cursor[side] - SLOTS;
	do
	:: from == cursor[side] -> break
	:: else ->
		k = 0;
		do
		:: k < SEATS && !(locked[k] && first[INTENT(side, k)] <= from && from < first[INTENT(side, k)] + count[INTENT(side, k)]) -> k++
		:: else -> break
		od;
		found = SINCE(state[AT(from)], from);
		if
		:: k == SEATS && !FINISHED(found, verdict[AT(from)], side, from) ->
			assert(OWNER(side, from) && OWNED(side, from) == from && dead[OWNER(side, from) - 1]);
			worn = worn || WORN(found, verdict[AT(from)], side);
			verdict[AT(from)] = JUDGEMENT(found, verdict[AT(from)], side, from)
		:: else
		fi;
		from++
	od
}

inline drain()
{
	do
	:: cursor[CONSUMERS] == cursor[PRODUCERS] -> break
	:: else ->
		from = cursor[CONSUMERS];
		found = STANDS(CONSUMERS, from);
		assert(found == PLAIN || found == COUNTED || found == UNCOUNTED); /* or nobody ever gets on */
		if
		:: found == PLAIN ->
			assert(payload[AT(from)] == from + 1 && !IS(released, from));
			SET(released, from)
		:: found == COUNTED -> counted_produced++
		:: else
		fi;
		state[AT(from)] = LAP_OF(from + SLOTS) + FREE;
		cursor[CONSUMERS] = from + 1
	od
}

inline count_slots()
{
	k = 0;
	do
	:: k == SLOTS -> break
	:: else ->
		from = cursor[PRODUCERS] + k;
		found = STANDS(PRODUCERS, from);
		assert(found == PLAIN || found == COUNTED || found == UNCOUNTED); /* or the ring has become smaller */
		counted_consumed = counted_consumed + (found == COUNTED);
		k++
	od
}

inline count_released()
{
	k = 0;
	do
	:: k == 31 -> break
	:: else -> received = received + IS(released, k); k++
	od
}

inline judge()
{
	drain();
	count_slots();
	count_released();
	counted_produced = counted_produced + lost[CONSUMERS] + (low[CONSUMERS] + lost[CONSUMERS]) % LOW;
	counted_consumed = counted_consumed + lost[PRODUCERS] + (low[PRODUCERS] + lost[PRODUCERS]) % LOW;
	assert(counted_produced == lost_with_producers);
	assert(counted_consumed == lost_with_consumers);
	assert(cursor[PRODUCERS] - START == messages + discards + lost_with_producers);
	assert(messages == received + lost_with_consumers)
}

/* A slot may only be worn out by more deaths in a row than can be told apart from a later lap. */
inline audit()
{
	side = PRODUCERS;
	repair_all();
	side = CONSUMERS;
	repair_all();
	assert(!worn || deaths > CHAIN_MAX + 1);
	if
	:: !worn -> judge()
	:: else
	fi
}

inline enter(what, number)
{
	k = 0;
	do
	:: k == number -> break
	:: else ->
		if
		:: what != NEWCOMER ->
			seat[actors] = actors;
			seated[actors] = true;
			locked[actors] = true
		:: else
		fi;
		run actor(actors, what, (what == PRODUCER || (what == CONSUMER && (k || !HOLES)) -> ROUNDS : 1));
		actors++;
		k++
	od
}

init
{
	byte side, k, from, found, received, counted_produced, counted_consumed;
	bool worn;

	atomic {
		do
		:: k == SLOTS -> break
		:: else ->
			verdict[k] = k * POSITION + RETURNED; /* of the lap before */
			state[k] = LAP_OF(START + k) + (k < FILLED - HOLES -> READY : (k < FILLED -> DISCARDED : FREE));
			payload[k] = (k < FILLED -> START + k + 1 : 0);
			if
			:: k < FILLED - HOLES -> SET(published, START + k)
			:: else
			fi;
			k++
		od;
		cursor[PRODUCERS] = START + FILLED;
		cursor[CONSUMERS] = START;
		messages = FILLED - HOLES;
		discards = HOLES;
		enter(PRODUCER, PRODUCING);
		enter(CONSUMER, CONSUMING);
		enter(REPAIRER, REPAIRING);
		enter(NEWCOMER, COMING);
		run death()
	};
	timeout -> d_step { audit() }
}
