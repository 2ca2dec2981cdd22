/* SPDX-License-Identifier: MIT */
/* The slot protocol of an mpmc ring, for spin(1): claims, repairs, deaths anywhere, seats taken again at once. */

/*
 * What is modelled is include/ringshm/mpmc_core.h: one step per access to a shared word, under the same labels
 * (R0 .. R4, A1 .. A4), on memory without reordering; tests/model/weak is about that. A position stands for a
 * word's 56 bits, LOW for the byte below them. Any actor may die between any two of its steps, DEATHS times in
 * all. Who is left keeps its seat to the end, as a live process that has nothing to do would.
 *
 * What must hold, on every path:
 *   a repair takes a position from nobody who lives                               (R3)
 *   a payload does not change while its consumer reads it, and is the right one   (R2)
 *   no message is released twice                                                  (R2)
 *   in the end, repaired by the living alone, the ring becomes empty, has its full size, and every position
 *   is a message released, a discarded one, or one loss counted on its side       (audit)
 *
 * spin -D picks who takes part, DEATHS, SLOTS, SEATS, and, for the model's own sake, a fault.
 */

#ifndef SLOTS
#define SLOTS 2
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
#define SEATS (PRODUCING + CONSUMING + REPAIRING)
#define ACTORS 5    /* at most: who take a seat, one after the other or together */
#define POSITIONS 8 /* at most */
#define LOW 2	    /* values of the cursor's low field: at most one loss is not folded */
#define NOTHING 255

/* States of a word, in the order of abi.h; of the FREED ones the last consumer died, of TOMBSTONES the producer. */
#define FREE 0
#define FREED 1
#define READY 2
#define DISCARDED 3
#define TOMBSTONE 4

#define PRODUCERS 0
#define CONSUMERS 1

/* ---- shared words --------------------------------------------------------------------------------- */

byte cursor[2], low[2];			 /* one word each */
byte lost[2];				 /* what `low` is folded into */
byte word[SLOTS], state[SLOTS];		 /* one word each: position and state */
byte payload[SLOTS];
byte first[2 * SEATS], count[2 * SEATS]; /* one word each: the intents, by side and seat */
bool locked[SEATS];			 /* the operating system's: somebody lives there */

#define AT(p) ((p) % SLOTS)
#define INTENT(side, who) ((side) * SEATS + (who))

/* ---- what really happened: only the judge looks ------------------------------------------------------ */

byte owner[2 * POSITIONS]; /* actor + 1 who has claimed a position of a side and not finished it */
short holes, released;	   /* a bit a position: claimed without a message in it; released by its consumer */
byte messages, discards, lost_with_producers, lost_with_consumers;
bool dead[ACTORS], seated[ACTORS], idle[ACTORS];
byte seat[ACTORS];
byte actors, deaths;

#define OWNER(side, p) owner[(side) * POSITIONS + (p)]
#define IS(mask, p) ((mask >> (p)) & 1)
#define SET(mask, p) mask = mask | (1 << (p))

/* ---- what a word is to a side --------------------------------------------------------------------- */

#define PLAIN 0
#define COUNTED 1   /* marked: a loss, which the claim counts */
#define UNCOUNTED 2 /* discarded: a hole */
#define BEHIND 3    /* full, or empty */
#define AHEAD 4	    /* somebody has passed */

#define AS_PRODUCER(s) (s == FREE -> PLAIN : (s == FREED -> COUNTED : AHEAD))
#define AS_CONSUMER(s) (s < READY -> BEHIND : (s == READY -> PLAIN : (s == TOMBSTONE -> COUNTED : UNCOUNTED)))
#define LOOK(side, p) \
	(word[AT(p)] > (p) -> AHEAD : (word[AT(p)] < (p) -> BEHIND : \
	(side == PRODUCERS -> AS_PRODUCER(state[AT(p)]) : AS_CONSUMER(state[AT(p)]))))
#define UNFINISHED(side, p) \
	(word[AT(p)] == (p) && (side == PRODUCERS -> state[AT(p)] < READY : state[AT(p)] >= READY))

/* ---- the steps of an actor: each touches one shared word, and names the next -------------------------- */

mtype = { CHOOSE, READ, LOOKING, FOLD, FOLD_LOST, FOLD_CURSOR, FOLD_SWAP, INTEND, SWAP, LATE, CLEAR, FILL, FINISH, REPAIR, WORD, RECORD,
	  ALIVE, MARK, REMEMBER, SWEEP, SWEEP_OTHER }

#if defined(CACHED) || defined(RECORDS_FIRST)
#define REPAIR_FIRST REMEMBER
#else
#define REPAIR_FIRST REPAIR
#endif

inline read_cursor()
{
	at = cursor[side];
	at_low = low[side];
	n = 0;
	next = LOOKING
}

/* A1, and what to do next */
inline look()
{
	found = (held && at != from + held -> BEHIND : LOOK(side, at + n));
	if
	:: found == PLAIN && n + 1 < most -> n++
	:: found == PLAIN && n + 1 == most -> n++; next = INTEND
	:: found != PLAIN && n -> found = PLAIN; next = INTEND
	:: found == COUNTED && !n ->
		n = 1;
#ifdef UNFOLDED /* fault: counted on top of a loss that is not folded */
		next = INTEND
#else
		next = FOLD
#endif
	:: found == UNCOUNTED && !n -> n = 1; next = INTEND
	:: found == AHEAD && !n -> next = READ
	:: found == BEHIND && !n -> next = CLEAR
	fi
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

inline swap_cursor() /* R1 */
{
	if
	:: cursor[side] == at && low[side] == at_low ->
		cursor[side] = at + n;
		low[side] = (at_low + (found == COUNTED)) % LOW;
		k = 0;
		do
		:: k < n ->
			OWNER(side, at + k) = me + 1;
			if
			:: side == CONSUMERS && state[AT(at + k)] != READY -> SET(holes, at + k)
			:: else
			fi;
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
		next = (again -> READ : FILL);
		again = false
#endif
	:: else -> read_cursor()
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
	from = (held -> from : 0);
	n = 0;
	at = 0;
	at_low = 0;
	found = 0;
	again = false;
	if
	:: held -> next = FILL
	:: else -> side = 1 - side; next = REPAIR_FIRST /* full, or empty: has one of the others died? */
	fi
}

inline use()
{
	if
	:: side == PRODUCERS -> payload[AT(from)] = from + 1
	:: else -> assert(IS(holes, from) || payload[AT(from)] == from + 1)
	fi;
	next = FINISH
}

inline hand_over(as) /* R2 */
{
	OWNER(side, from) = 0;
	if
	:: side == PRODUCERS ->
		word[AT(from)] = from;
		state[AT(from)] = as;
		messages = messages + (as == READY);
		discards = discards + (as == DISCARDED)
	:: else ->
		assert(IS(holes, from) || (payload[AT(from)] == from + 1 && !IS(released, from)));
		if
		:: !IS(holes, from) -> SET(released, from)
		:: else
		fi;
		word[AT(from)] = from + SLOTS;
		state[AT(from)] = FREE
	fi;
	held--;
	from = (held -> from + 1 : 0);
	next = (held -> FILL : CHOOSE)
}

inline next_word()
{
	from++;
	k = 0;
	found = 0;
	next = WORD;
	if
	:: from == at -> from = 0; at = 0; next = CHOOSE
	:: else
	fi
}

inline begin_repair() /* A2 */
{
	at = cursor[side];
	from = (at > SLOTS -> at - SLOTS : 0);
	next = (from == at -> CHOOSE : WORD);
	from = (from == at -> 0 : from);
	at = (from == at -> 0 : at)
}

inline see_word() /* relaxed: R3 checks it */
{
	if
	:: UNFINISHED(side, from) -> found = state[AT(from)]; k = 0; next = RECORD
	:: else -> next_word()
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

inline see_record() /* A3 */
{
	if
	:: CLAIMS(k) -> next = ALIVE
	:: else -> k++; next = (k == SEATS -> MARK : RECORD)
	fi
}

inline ask() /* the operating system, and now */
{
	if
	:: LIVES(k) -> from = 0; at = 0; k = 0; found = 0; next = CHOOSE
	:: else -> k++; next = (k == SEATS -> MARK : RECORD)
	fi
}

inline mark() /* R3 */
{
	if
#ifdef BLIND /* fault: a store where a swap is needed */
	:: true ->
#else
	:: word[AT(from)] == from && state[AT(from)] == found ->
#endif
		assert(OWNER(side, from) && dead[OWNER(side, from) - 1]);
		OWNER(side, from) = 0;
		word[AT(from)] = (side == PRODUCERS -> from : from + SLOTS);
#ifdef UNMARKED /* fault: a dead consumer's slot is free as any other */
		state[AT(from)] = (side == PRODUCERS -> TOMBSTONE : FREE)
#else
		state[AT(from)] = (side == PRODUCERS -> TOMBSTONE : (found == READY -> FREED : FREE))
#endif
#ifndef BLIND
	:: else
#endif
	fi;
	next_word()
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

#define IF(now) next == now && !dead[me]

proctype actor(byte me; byte role; byte rounds)
{
	byte mine, side, most, at, at_low, n, k, found, from, held;
	bool intended, again;
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
	:: d_step { IF(CHOOSE) && !rounds -> idle[me] = true; side = 0; most = 0; again = false; intended = false; found = 0; n = 0 } break
	:: d_step { IF(CHOOSE) && rounds && role == PRODUCER -> begin(PRODUCERS, 1, false) }
	:: d_step { IF(CHOOSE) && rounds && role == PRODUCER -> begin(PRODUCERS, 2, false) }
	:: d_step { IF(CHOOSE) && rounds && role == CONSUMER -> begin(CONSUMERS, 1, false) }
	:: d_step { IF(CHOOSE) && rounds && role == CONSUMER -> begin(CONSUMERS, 1, true) } /* peek_next */
	:: d_step { IF(CHOOSE) && rounds && role == CONSUMER -> begin(CONSUMERS, 2, false) }
	:: d_step { IF(CHOOSE) && rounds && role == REPAIRER -> begin(PRODUCERS, 0, false) }
	:: d_step { IF(CHOOSE) && rounds && role == REPAIRER -> begin(CONSUMERS, 0, false) }
	:: d_step { IF(READ) -> read_cursor() }
	:: d_step { IF(LOOKING) -> look() }
	:: d_step { IF(FOLD) -> see_folded() }
	:: d_step { IF(FOLD_LOST) -> k = lost[side]; next = FOLD_CURSOR } /* A4: before the cursor */
	:: d_step { IF(FOLD_CURSOR) -> n = (low[side] + k) % LOW; next = FOLD_SWAP } /* A2 */
	:: d_step { IF(FOLD_SWAP) -> swap_lost() } /* R4 */
#ifdef ANONYMOUS /* fault: the intent comes one step too late */
	:: d_step { IF(INTEND) -> from = (held -> from : at); next = SWAP }
	:: d_step { IF(LATE) -> first[INTENT(side, mine)] = from; count[INTENT(side, mine)] = held; next = (again -> READ : FILL); again = false }
#else
	:: d_step { IF(INTEND) -> store_intent(); next = SWAP }
#endif
	:: d_step { IF(SWAP) -> swap_cursor() }
	:: d_step { IF(CLEAR) -> fail() }
	:: d_step { IF(FILL) -> use() }
	:: d_step { IF(FINISH) -> hand_over(READY) }
	:: d_step { IF(FINISH) && side == PRODUCERS -> hand_over(DISCARDED) }
#if defined(CACHED) || defined(RECORDS_FIRST)
	:: d_step { IF(REMEMBER) -> remember() }
#endif
	:: d_step { IF(REPAIR) -> begin_repair() }
	:: d_step { IF(WORD) -> see_word() }
	:: d_step { IF(RECORD) -> see_record() }
	:: d_step { IF(ALIVE) -> ask() }
	:: d_step { IF(MARK) -> mark() }
	:: d_step { dead[me] -> next = 0; rounds = 0; side = 0; most = 0; at = 0; at_low = 0; n = 0; k = 0; found = 0; from = 0; held = 0; intended = false; again = false } break
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
		:: k < POSITIONS ->
			lost_with_producers = lost_with_producers + (OWNER(PRODUCERS, k) == who + 1);
			lost_with_consumers = lost_with_consumers + (OWNER(CONSUMERS, k) == who + 1 && !IS(holes, k));
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
	from = (cursor[side] > SLOTS -> cursor[side] - SLOTS : 0);
	do
	:: from == cursor[side] -> break
	:: else ->
		k = 0;
		do
		:: k < SEATS && !(locked[k] && first[INTENT(side, k)] <= from && from < first[INTENT(side, k)] + count[INTENT(side, k)]) -> k++
		:: else -> break
		od;
		found = state[AT(from)];
		if
		:: k == SEATS && UNFINISHED(side, from) ->
			word[AT(from)] = (side == PRODUCERS -> from : from + SLOTS);
#ifdef UNMARKED
			state[AT(from)] = (side == PRODUCERS -> TOMBSTONE : FREE)
#else
			state[AT(from)] = (side == PRODUCERS -> TOMBSTONE : (found == READY -> FREED : FREE))
#endif
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
		found = LOOK(CONSUMERS, from);
		assert(found == PLAIN || found == COUNTED || found == UNCOUNTED); /* or nobody ever gets on */
		if
		:: found == PLAIN ->
			assert(payload[AT(from)] == from + 1 && !IS(released, from));
			SET(released, from)
		:: found == COUNTED -> counted_produced++
		:: else
		fi;
		word[AT(from)] = from + SLOTS;
		state[AT(from)] = FREE;
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
		found = LOOK(PRODUCERS, from);
		assert(found == PLAIN || found == COUNTED); /* or the ring has become smaller */
		counted_consumed = counted_consumed + (found == COUNTED);
		k++
	od
}

inline count_released()
{
	k = 0;
	do
	:: k == POSITIONS -> break
	:: else -> received = received + IS(released, k); k++
	od
}

inline audit()
{
	side = PRODUCERS;
	repair_all();
	side = CONSUMERS;
	repair_all();
	drain();
	count_slots();
	count_released();
	counted_produced = counted_produced + lost[CONSUMERS] + (low[CONSUMERS] + lost[CONSUMERS]) % LOW;
	counted_consumed = counted_consumed + lost[PRODUCERS] + (low[PRODUCERS] + lost[PRODUCERS]) % LOW;
	assert(counted_produced == lost_with_producers);
	assert(counted_consumed == lost_with_consumers);
	assert(cursor[PRODUCERS] == messages + discards + lost_with_producers);
	assert(messages == received + lost_with_consumers)
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
		run actor(actors, what, (what == PRODUCER || what == CONSUMER -> ROUNDS : 1));
		actors++;
		k++
	od
}

init
{
	byte side, k, from, found, received, counted_produced, counted_consumed;

	atomic {
		do
		:: k == SLOTS -> break
		:: else ->
			word[k] = k;
			state[k] = (k < FILLED -> READY : FREE);
			payload[k] = (k < FILLED -> k + 1 : 0);
			k++
		od;
		cursor[PRODUCERS] = FILLED;
		messages = FILLED;
		enter(PRODUCER, PRODUCING);
		enter(CONSUMER, CONSUMING);
		enter(REPAIRER, REPAIRING);
		enter(NEWCOMER, COMING);
		run death()
	};
	timeout -> d_step { audit() }
}
