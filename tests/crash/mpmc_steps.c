// SPDX-License-Identifier: MIT
// Does an mpmc ring survive whoever is killed, or stopped, between any two instructions of any operation?
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mpmc_world.h"
#include "step.h"
#include "tap.h"

/*
 * A moment is a world (start position, fill, scars) in which a victim has executed so many instructions of
 * an operation. It is saved, and every fate is tried on it. RINGSHM_CRASH_SHARE=n tries every nth world
 * only: 1 is everything (hours), the default a minute.
 */
#define VICTIM_RUN 0
#define OTHER_RUN 1
#define STARTS 5
#define WORLDS (STARTS * CAPACITY * WORLD_SCARS * (CAPACITY + 1))
#define FAILURES_SHOWN 5

enum fate {
	KILLED,
	KILLED_AND_REPLACED,	       /* its seat taken at once, by one of the same role */
	KILLED_AND_REPLACED_OTHERWISE, /* ... of the other role */
	STOPPED,		       /* alive, goes on when the others have gone as far as they can */
	FATES
};

struct moment {
	struct world world;
	struct step_saved steps;
	struct world_faults faults;
};

static const char *const fate_name[FATES] = {"killed", "killed, seat taken", "killed, seat taken by the other role",
					     "stopped"};
static struct moment first, second;
static uint64_t tried, failed;
static bool planted;	/* one failure is enough */
static char place[200]; /* where we are, for people */

static void keep(struct moment *moment)
{
	moment->world = *world;
	step_save(&moment->steps);
	world_save_faults(&moment->faults);
}

static void go_back(const struct moment *moment)
{
	*world = moment->world;
	step_restore(&moment->steps);
	world_restore_faults(&moment->faults);
}

static void report(const char *what, enum fate fate, const char *more)
{
	if (failed++ < FAILURES_SHOWN)
		tap_note("%s: %s, instruction %u, %s%s", what, place, step_count(VICTIM_RUN), fate_name[fate], more);
}

/* One of the world's shapes by number. */
static void begin(uint32_t number)
{
	static const uint64_t starts[STARTS] = {0, UINT64_C(1) << 32, UINT64_C(1) << 48, UINT64_C(1) << 56,
						UINT64_C(0)};
	static const uint32_t scars[WORLD_SCARS] = {0, 1, 2, 3, 6, 7};
	uint32_t fill = number % (CAPACITY + 1), scar = number / (CAPACITY + 1) % WORLD_SCARS;
	uint32_t offset = number / (CAPACITY + 1) / WORLD_SCARS % CAPACITY;
	uint64_t start = starts[number / (CAPACITY + 1) / WORLD_SCARS / CAPACITY % STARTS] + offset - 3;

	world_begin(start, fill, scars[scar]);
	snprintf(place, sizeof(place), "start %#" PRIx64 ", fill %u, scars %u", start, fill, scars[scar]);
}

static void add_place(const char *role, enum operation operation)
{
	size_t length = strlen(place);

	snprintf(place + length, sizeof(place) - length, ", %s: %s", role, operation_name[operation]);
}

static void newcomer(enum operation operation)
{
	struct agent *a = world_join(NEWCOMER, 4, operation);

	operation_run(a);
}

/* The victim's fate, as of now. */
static void befall(enum fate fate, bool producing)
{
	if (fate == STOPPED)
		return;
	world_kill(VICTIM);
	if (fate == KILLED_AND_REPLACED)
		newcomer(producing ? SEND : RECV);
	else if (fate == KILLED_AND_REPLACED_OTHERWISE)
		newcomer(producing ? PEEK_N : RESERVE_N);
}

static void settle(enum fate fate, uint32_t rounds, const char *more)
{
	const char *wrong;

	world_go_on(rounds);
	if (fate == STOPPED)
		step_finish(VICTIM_RUN);
	world_go_on(2);
	wrong = world_judge();
	tried++;
	if (wrong)
		report(wrong, fate, more);
}

static void victim(enum operation operation)
{
	add_place("victim", operation);
	step_begin(VICTIM_RUN, operation_run, world_join(VICTIM, 4, operation));
	world_look_away();
}

static bool victim_step(void)
{
	bool more = step_some(VICTIM_RUN, 1);

	world_watch(VICTIM);
	return more;
}

/* ---- one victim ----------------------------------------------------------------------------- */

static void kill_one(uint32_t number, enum operation operation)
{
	if (failed && planted)
		return;
	begin(number);
	victim(operation);
	for (bool more = true; more;) {
		more = victim_step();
		keep(&first);
		for (int fate = 0; fate < FATES; fate++)
			for (uint32_t rounds = 1; rounds <= 16; rounds += 15) {
				befall((enum fate)fate, operation_produces(operation));
				settle((enum fate)fate, rounds, "");
				go_back(&first);
			}
	}
}

/* ---- and a repairer ------------------------------------------------------------------------- */

static void repairer(enum operation operation)
{
	step_begin(OTHER_RUN, operation_run, world_join(BYSTANDER, 5, operation));
}

/* Somebody repairs after the victim's end, and is killed, or stopped while others go laps on. */
static void repair_by_the_dying(enum fate fate, enum operation operation, uint32_t stride)
{
	char more_text[80];

	repairer(operation);
	for (bool more = true; more;) {
		more = step_some(OTHER_RUN, stride);
		keep(&second);
		snprintf(more_text, sizeof(more_text), ", %s killed at %u", operation_name[operation],
			 step_count(OTHER_RUN));
		world->dead[5] = true;
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
	if (failed && planted)
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
				befall((enum fate)fate, operation_produces(operation));
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
			befall((enum fate)fate, operation_produces(operation));
			world_go_on(12);
			step_finish(OTHER_RUN);
			settle((enum fate)fate, 2, more_text);
			go_back(&second);
		}
	}
}

static void pause_bystander(uint32_t number, enum operation beside, enum operation operation, uint32_t stride)
{
	char begun[sizeof(place)];

	if (failed && planted)
		return;
	begin(number);
	add_place("bystander", beside);
	memcpy(begun, place, sizeof(begun));
	step_begin(OTHER_RUN, operation_run, world_join(BYSTANDER, 5, beside));
	while (step_some(OTHER_RUN, stride)) {
		keep(&first);
		kill_beside(operation, stride);
		go_back(&first);
		memcpy(place, begun, sizeof(begun));
	}
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* Every world comes, but those that come first are of all sorts. */
static uint32_t shuffled(uint32_t i)
{
	return (uint32_t)((uint64_t)i * 389 % WORLDS);
}

static void answer(const char *question)
{
	tap_note("%" PRIu64 " times, %" PRIu64 " failed", tried, failed);
	tap_ok(tried && !failed, question);
	tried = failed = 0;
}

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

/* All pairs of operations; of a small share every fifth pair, none of the operations left out. */
static void ask_bystanders(uint32_t share)
{
	uint32_t stride = share > 1 ? 5 : 1, n = 0;

	for (int beside = 0; beside < OPERATIONS; beside++)
		for (int operation = 0; operation < OPERATIONS; operation++, n++)
			for (uint32_t i = n % 7; i < WORLDS && (share == 1 || n % 5 == 0);
			     i += share > 1 ? 8 * share : 1)
				pause_bystander(shuffled(i), (enum operation)beside, (enum operation)operation, stride);
	answer("beside somebody stopped at every instruction, anybody may be killed at every instruction");
}

int main(int argc, char **argv)
{
	const char *given = getenv("RINGSHM_CRASH_SHARE");
	uint32_t share = given ? (uint32_t)strtoul(given, NULL, 0) : 80;

	if (argc > 1 && !world_plant(argv[1])) { /* mpmc_steps_planted FAULT, to be seen to fail */
		fprintf(stderr, "mpmc_steps: no fault '%s'\n", argv[1]);
		return 2;
	}
	planted = argc > 1;
	step_init();
	share = share ? share : 1;
	ask_victims(share);
	ask_repairers(share);
	ask_bystanders(share);
	return tap_done();
}
