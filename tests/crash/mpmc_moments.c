// SPDX-License-Identifier: MIT
// Moments of an mpmc ring: kept, gone back to, told to people, judged.
#include "mpmc_moments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define FAILURES_SHOWN 5

static uint64_t tried, failed;
static bool planted, found;
char place[PLACE];

/* ---- the whole ------------------------------------------------------------------------------ */

bool moments_begin(int argc, char **argv)
{
	planted = argc > 1;
	if (planted && !world_plant(argv[1])) {
		fprintf(stderr, "%s: no fault '%s'\n", argv[0], argv[1]);
		return false;
	}
	step_init();
	return true;
}

bool moments_enough(void)
{
	return planted && found;
}

uint32_t moments_share(uint32_t usual)
{
	const char *given = getenv("RINGSHM_CRASH_SHARE");
	uint32_t share = given ? (uint32_t)strtoul(given, NULL, 0) : usual;

	return share ? share : 1;
}

void answer(const char *question)
{
	tap_note("%" PRIu64 " times, %" PRIu64 " failed", tried, failed);
	tap_ok(tried && !failed, question);
	tried = failed = 0;
}

void answer_also(bool good, const char *question)
{
	tap_ok(good, question);
}

int moments_end(void)
{
	return tap_done();
}

/* ---- a moment ------------------------------------------------------------------------------- */

void keep(struct moment *moment)
{
	moment->world = *world;
	step_save(&moment->steps);
	world_save_faults(&moment->faults);
}

void go_back(const struct moment *moment)
{
	*world = moment->world;
	step_restore(&moment->steps);
	world_restore_faults(&moment->faults);
}

uint32_t shuffled(uint32_t i)
{
	return (uint32_t)((uint64_t)i * 389 % WORLDS);
}

void begin(uint32_t number)
{
	static const uint64_t starts[STARTS] = {0, UINT64_C(1) << 32, UINT64_C(1) << 48, UINT64_C(1) << 56,
						UINT64_C(0)};
	static const uint32_t scars[WORLD_SCARS] = {0, 1, 2, 3, 6, 7, 8, 10};
	uint32_t fill = number % (CAPACITY + 1), scar = number / (CAPACITY + 1) % WORLD_SCARS;
	uint32_t offset = number / (CAPACITY + 1) / WORLD_SCARS % CAPACITY;
	uint64_t start = starts[number / (CAPACITY + 1) / WORLD_SCARS / CAPACITY % STARTS] + offset - 3;

	world_begin(start, fill, scars[scar]);
	snprintf(place, sizeof(place), "start %#" PRIx64 ", fill %u, scars %u", start, fill, scars[scar]);
}

void add_place(const char *role, enum operation operation)
{
	size_t length = strlen(place);

	snprintf(place + length, sizeof(place) - length, ", %s: %s", role, operation_name[operation]);
}

/* ---- who is in it --------------------------------------------------------------------------- */

void victim(enum operation operation)
{
	add_place("victim", operation);
	step_begin(VICTIM_RUN, operation_run, world_join(VICTIM, 4, operation));
	world_look_away();
}

bool victim_step(void)
{
	bool more = step_some(VICTIM_RUN, 1);

	world_watch(VICTIM);
	return more;
}

void bystander(enum operation operation)
{
	step_begin(OTHER_RUN, operation_run, world_join(BYSTANDER, 5, operation));
}

static void newcomer(enum operation operation)
{
	struct agent *a = world_join(NEWCOMER, 4, operation);

	operation_run(a);
}

void befall(enum fate fate, enum operation operation)
{
	bool producing = operation_produces(operation);

	if (fate == STOPPED)
		return;
	world_kill(VICTIM);
	if (fate == KILLED_AND_REPLACED)
		newcomer(producing ? SEND : RECV);
	else if (fate == KILLED_AND_REPLACED_OTHERWISE)
		newcomer(producing ? PEEK_N : RESERVE_N);
}

/* ---- judging -------------------------------------------------------------------------------- */

void judge_as(const char *wrong, const char *what)
{
	tried++;
	found |= wrong != NULL;
	if (wrong && failed++ < FAILURES_SHOWN)
		tap_note("%s: %s, instruction %u, %s", wrong, place, step_count(VICTIM_RUN), what);
}

void judge(const char *what)
{
	world_go_on(2);
	judge_as(world_judge(), what);
}

void settle(enum fate fate, uint32_t rounds, const char *more)
{
	char what[160];

	snprintf(what, sizeof(what), "%s%s", fate_name[fate], more);
	world_go_on(rounds);
	if (fate == STOPPED)
		step_finish(VICTIM_RUN);
	judge(what);
}
