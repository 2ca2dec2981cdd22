// SPDX-License-Identifier: MIT
// Does an mpmc ring survive whoever is killed, or stopped, between any two instructions of any operation?
#include <stdio.h>
#include <string.h>

#include "mpmc_moments.h"

/*
 * A moment is a world (start position, fill, scars) in which a victim has executed so many instructions of
 * an operation. It is saved, and every fate is tried on it. RINGSHM_CRASH_SHARE=n tries every nth world
 * only: 1 is everything (hours), the default a minute.
 */
#define SHARE 110

static struct moment first, second;

/* ---- one victim ----------------------------------------------------------------------------- */

static void kill_one(uint32_t number, enum operation operation)
{
	if (moments_enough())
		return;
	begin(number);
	victim(operation);
	for (bool more = true; more;) {
		more = victim_step();
		keep(&first);
		for (int fate = 0; fate < FATES; fate++)
			for (uint32_t rounds = 1; rounds <= 16; rounds += 15) {
				befall((enum fate)fate, operation);
				settle((enum fate)fate, rounds, "");
				go_back(&first);
			}
	}
}

/* ---- and a repairer ------------------------------------------------------------------------- */

/* Somebody repairs after the victim's end, and is killed, or stopped while others go laps on. */
static void repair_by_the_dying(enum fate fate, enum operation operation, uint32_t stride)
{
	char more_text[80];

	bystander(operation);
	for (bool more = true; more;) {
		more = step_some(OTHER_RUN, stride);
		keep(&second);
		snprintf(more_text, sizeof(more_text), ", %s killed at %u", operation_name[operation],
			 step_count(OTHER_RUN));
		world_kill_repairer(BYSTANDER);
		settle(fate, 6, more_text);
		go_back(&second);
		snprintf(more_text, sizeof(more_text), ", %s stopped at %u", operation_name[operation],
			 step_count(OTHER_RUN));
		world_go_on(16);
		step_finish(OTHER_RUN);
		settle(fate, 2, more_text);
		go_back(&second);
	}
}

static void kill_repairers(uint32_t number, enum operation operation, uint32_t victim_stride, uint32_t stride)
{
	if (moments_enough())
		return;
	begin(number);
	victim(operation);
	for (bool more = true; more;) {
		more = victim_step();
		if (step_count(VICTIM_RUN) % victim_stride && more)
			continue;
		keep(&first);
		for (int fate = 0; fate < FATES; fate++)
			for (int repair = REPAIR_PRODUCED; repair <= FOLD; repair++) {
				befall((enum fate)fate, operation);
				repair_by_the_dying((enum fate)fate, (enum operation)repair, stride);
				go_back(&first);
			}
	}
}

/* ---- and a bystander ------------------------------------------------------------------------ */

/* The bystander stands between two instructions while the victim runs, dies, and others go on. */
static void kill_beside(enum operation operation, uint32_t stride)
{
	char more_text[80];

	snprintf(more_text, sizeof(more_text), ", bystander at %u", step_count(OTHER_RUN));
	victim(operation);
	for (bool more = true; more;) {
		more = victim_step();
		if (step_count(VICTIM_RUN) % stride && more)
			continue;
		keep(&second);
		for (int fate = 0; fate < FATES; fate++) {
			befall((enum fate)fate, operation);
			world_go_on(12);
			step_finish(OTHER_RUN);
			settle((enum fate)fate, 2, more_text);
			go_back(&second);
		}
	}
}

static void pause_bystander(uint32_t number, enum operation beside, enum operation operation, uint32_t stride)
{
	char begun[PLACE];

	if (moments_enough())
		return;
	begin(number);
	add_place("bystander", beside);
	memcpy(begun, place, sizeof(begun));
	bystander(beside);
	while (step_some(OTHER_RUN, stride)) {
		keep(&first);
		kill_beside(operation, stride);
		go_back(&first);
		memcpy(place, begun, sizeof(begun));
	}
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void ask_victims(uint32_t share)
{
	for (int operation = 0; operation < OPERATIONS; operation++) {
		char question[128];

		for (uint32_t i = 0; i < WORLDS; i += share)
			kill_one(shuffled(i + (uint32_t)operation), (enum operation)operation);
		snprintf(question, sizeof(question),
			 "killed or stopped at every instruction of %s, nothing is lost uncounted",
			 operation_name[operation]);
		answer(question);
	}
}

static void ask_repairers(uint32_t share)
{
	uint32_t stride = share > 1 ? 5 : 1;

	for (int operation = 0; operation < OPERATIONS; operation++)
		for (uint32_t i = 0; i<WORLDS; i += share> 1 ? 8 * share : 1)
			kill_repairers(shuffled(i + (uint32_t)operation), (enum operation)operation, 2 * stride + 1,
				       stride);
	answer("repairers killed at every instruction, or resumed laps later, change nothing");
}

/* All pairs of operations; of a small share every seventh pair, none of the operations left out. */
static void ask_bystanders(uint32_t share)
{
	uint32_t stride = share > 1 ? 7 : 1, n = 0;

	for (int beside = 0; beside < OPERATIONS; beside++)
		for (int operation = 0; operation < OPERATIONS; operation++, n++)
			for (uint32_t i = n % 5; i < WORLDS && (share == 1 || n % 7 == 0);
			     i += share > 1 ? 8 * share : 1)
				pause_bystander(shuffled(i), (enum operation)beside, (enum operation)operation, stride);
	answer("beside somebody stopped at every instruction, anybody may be killed at every instruction");
}

int main(int argc, char **argv)
{
	uint32_t share = moments_share(SHARE);

	if (!moments_begin(argc, argv)) /* mpmc_steps_planted FAULT, to be seen to fail */
		return 2;
	ask_victims(share);
	ask_repairers(share);
	ask_bystanders(share);
	return moments_end();
}
