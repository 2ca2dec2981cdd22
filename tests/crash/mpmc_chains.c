// SPDX-License-Identifier: MIT
// Owner after owner of one slot dies, and none stores a state: how often is that repaired, and what comes then?
#include <stdio.h>
#include <string.h>

#include "mpmc_moments.h"

/*
 * A state grows old while its slot goes round and nobody alive has it; verdicts count how often, and refuse before
 * it could be taken for another lap's. The same program also with states that come again after 16 laps, where a
 * slot may be passed on 12 times. RINGSHM_CRASH_SHARE=n: every nth world is stepped through.
 */
#define SHARE 80
#define MOST (RINGSHM__MPMC_CHAIN_MAX + 1) /* deaths in a row that are repaired */

static struct moment first;

/* An empty world, at one of the starts and offsets. */
static void begin_empty(uint32_t number)
{
	begin(number * WORLD_SCARS * (CAPACITY + 1));
}

/* With messages where consumers begin. */
static void age(uint32_t deaths, uint32_t slots, unsigned int side)
{
	if (side == RINGSHM__MPMC_CONSUMERS)
		world_fill(slots);
	world_age(deaths, slots, side);
}

/* Some chain in some empty world, told to people. */
static void begin_chain(uint32_t number, uint32_t deaths, uint32_t slots, unsigned int side, char *what, size_t size)
{
	begin_empty(number);
	snprintf(what, size, "%u deaths over %u slots, first a %s", deaths, slots, side ? "consumer" : "producer");
	age(deaths, slots, side);
}

/* ---- how often ------------------------------------------------------------------------------ */

static void die_in_turn(uint32_t number, uint32_t slots, unsigned int side)
{
	char what[160];

	for (uint32_t deaths = 1; deaths <= MOST; deaths++) {
		begin_chain(number, deaths, slots, side, what, sizeof(what));
		judge(what);
	}
}

/* One who lives has had each slot; then as many die as before. */
static void live_between(uint32_t number, uint32_t slots, unsigned int side)
{
	char what[160];

	for (uint32_t deaths = 1; deaths <= MOST; deaths++) {
		begin_chain(number, deaths, slots, side, what, sizeof(what));
		world_turn(CAPACITY);
		age(MOST, slots, !side);
		strncat(what, ", some who live, then as many as can be", sizeof(what) - strlen(what) - 1);
		judge(what);
	}
}

/* ---- and then ------------------------------------------------------------------------------- */

/* What a repairer who refuses leaves as it was. */
struct remains {
	unsigned char area[AREA];
	ringshm_word cursor[2], repairs[2];
};

static struct remains remains(void)
{
	struct remains r;

	memcpy(r.area, world->area, sizeof(r.area));
	memcpy(r.cursor, (const void *)world->cursor, sizeof(r.cursor));
	memcpy(r.repairs, (const void *)world->repairs, sizeof(r.repairs));
	return r;
}

/* NULL, or what is wrong with the refusal. */
static const char *refusal(void)
{
	struct remains before = remains(), after;

	for (unsigned int side = 0; side < 2; side++)
		world_repair(&world->agent[FIRST_PRODUCER], side);
	after = remains();
	if (!world->worn)
		return "more deaths than a verdict can count, and nobody says so";
	if (memcmp(&before, &after, sizeof(before)))
		return "a repair that refuses changes something";
	/* what producers lost is counted by those who pass it, who were all dead, but for a last one not repaired */
	if (ringshm__mpmc_lost(&world->ring, 1) - world->counted[1] > world->lost_p ||
	    ringshm__mpmc_lost(&world->ring, 0) - world->counted[0] > world->lost_c)
		return "more losses are counted than there were";
	return NULL;
}

static void die_once_more(uint32_t number, uint32_t slots, unsigned int side)
{
	char what[160];

	begin_chain(number, MOST + 1, slots, side, what, sizeof(what));
	judge_as(refusal(), what);
}

/* ---- at every instruction ------------------------------------------------------------------- */

/* The last death that is repaired, wherever it comes. */
static void die_last(uint32_t number, uint32_t fill, enum operation operation)
{
	if (moments_enough())
		return;
	begin_empty(number);
	age((MOST - 1) & ~1u, CAPACITY, RINGSHM__MPMC_PRODUCERS); /* all slots are free, and the victim may die */
	world_fill(fill);
	world_look_away();
	victim(operation);
	for (bool more = true; more;) {
		more = victim_step();
		keep(&first);
		for (int fate = 0; fate < FATES; fate++) {
			befall((enum fate)fate, operation);
			settle((enum fate)fate, 16, ", the last of many");
			go_back(&first);
		}
	}
}

/* One death too many: where the victim had a slot, it is refused; else all is well. */
static void die_too_late(uint32_t number, enum operation operation)
{
	uint64_t left;

	if (moments_enough())
		return;
	begin_empty(number);
	age(MOST, CAPACITY, RINGSHM__MPMC_PRODUCERS);
	victim(operation);
	left = world->unfinished[0] + world->unfinished[1];
	for (bool more = true; more;) {
		more = victim_step();
		keep(&first);
		world_kill(VICTIM);
		if (world->unfinished[0] + world->unfinished[1] == left) {
			world_go_on(16);
			judge("dead, and had nothing");
		} else {
			world_repair(&world->agent[FIRST_PRODUCER], 0);
			world_repair(&world->agent[FIRST_PRODUCER], 1);
			judge_as(refusal(), "dead, one too many");
		}
		go_back(&first);
	}
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void ask_each(void (*question)(uint32_t number, uint32_t slots, unsigned int side), const char *text)
{
	for (uint32_t number = 0; number < STARTS * CAPACITY && !moments_enough(); number++)
		for (uint32_t slots = 1; slots <= CAPACITY; slots++)
			for (unsigned int side = 0; side < 2; side++)
				question(number, slots, side);
	answer(text);
}

static void ask_victims(uint32_t share)
{
	for (int operation = 0; operation < OPERATIONS; operation++)
		for (uint32_t i = (uint32_t)operation; i < WORLDS; i += share)
			die_last(shuffled(i) % (STARTS * CAPACITY), i % (CAPACITY + 1), (enum operation)operation);
	answer("killed or stopped at every instruction, the last one that can be repaired is");
	for (int operation = 0; operation < OPERATIONS; operation++)
		for (uint32_t i = (uint32_t)operation; i < WORLDS; i += share)
			/* those who come next: even many deaths end with consumers' */
			if (operation_produces((enum operation)operation) == !(MOST % 2))
				die_too_late(shuffled(i) % (STARTS * CAPACITY), (enum operation)operation);
	answer("killed at every instruction, one too many is refused, where it had a slot");
}

int main(int argc, char **argv)
{
	if (!moments_begin(argc, argv)) /* mpmc_chains_planted FAULT, to be seen to fail */
		return 2;
	ask_each(die_in_turn, "owners of a slot that die in turn, as many as can be, leave nothing wrong");
	ask_each(live_between, "after one who lives, as many may die again");
	ask_each(die_once_more, "one more is refused, and the refusal changes nothing");
	ask_victims(moments_share(SHARE));
	return moments_end();
}
