// SPDX-License-Identifier: MIT
// Do the rings' accesses suffice on a machine with weak memory? With a label, say spsc.R1: is it noticed when
// that access is relaxed? --list names the labels; RINGSHM_SEED varies the runs.
#include "weak.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "random.h"
#include "tap.h"

static const struct weak_case *const cases[] = {&weak_mpmc, &weak_spsc, &weak_token};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void try(const struct weak_case *of, const struct weak_site *weakened)
{
	uint64_t seed = random_seed(), state = seed;
	char question[80];
	const char *fault = NULL;
	unsigned int i;

	weak_case_is(of->name);
	for (i = 0; i < of->runs && !fault; i++) {
		of->run(random_next(&state), weakened);
		fault = weak_faulted();
	}
	if (fault)
		tap_note("run %u of seed %" PRIu64 ": %s", i, seed, fault);
	snprintf(question, sizeof(question), "%s%s%s over weak memory, %u runs", of->name, weakened ? " without " : "",
		 weakened ? weakened->name : "", of->runs);
	tap_ok(!fault, question);
}

static void list(void)
{
	for (unsigned int i = 0; i < CASES; i++)
		for (unsigned int k = 0; k < cases[i]->site_count; k++)
			printf("%s.%s\n", cases[i]->name, cases[i]->sites[k].name);
}

static int try_without(const char *label)
{
	for (unsigned int i = 0; i < CASES; i++)
		for (unsigned int k = 0; k < cases[i]->site_count; k++) {
			char name[32];

			snprintf(name, sizeof(name), "%s.%s", cases[i]->name, cases[i]->sites[k].name);
			if (!strcmp(name, label)) {
				try(cases[i], &cases[i]->sites[k]);
				return tap_done();
			}
		}
	fprintf(stderr, "weak: no label '%s'; run: weak --list\n", label);
	return 2;
}

/* Runs without a fault, so that every place of a ring is known. */
static void explore(void)
{
	for (unsigned int i = 0; i < CASES; i++) {
		uint64_t state = random_seed();

		weak_case_is(cases[i]->name);
		for (unsigned int k = 0; k < cases[i]->runs / 4; k++)
			cases[i]->run(random_next(&state), NULL);
	}
}

/*
 * Places that may be relaxed without harm to anything that these runs can see, and why. Their labels are
 * needed at other places.
 */
static const struct spare {
	const char *place, *why;
} spares[] = {
	{"mpmc.ringshm__mpmc_abandoned.2", "A1 came before: who stored a state of a later lap had moved the cursor"},
	{"mpmc.ringshm__mpmc_drained.1", "A5 came before: the cursors at the end are seen"},
	{"mpmc.ringshm__mpmc_drained.2", "the same"},
	{"mpmc.ringshm__mpmc_fold.2", "A4 before it and R4 behind it order this look at the cursor"},
	{"mpmc.ringshm__mpmc_folded.1", "an old counter leads to a fold too many, or one loss more that is not folded"},
	{"mpmc.ringshm__mpmc_full.1", "nothing is looked at behind the end"},
	{"mpmc.ringshm__mpmc_lost.2", "the two looks at the counter around it order it"},
	{"mpmc.ringshm__mpmc_sound.3", "only after more deaths in a row over a slot than one of eight laps survives"},
	{"mpmc.ringshm__mpmc_store_run.2",
	 "the batch's first store orders all payloads, since positions are claimed in order"},
	{"mpmc.ringshm__mpmc_store_run.3", "the same"},
	{"mpmc.ringshm__mpmc_store_run.4", "the same"},
	{"spsc.ringshm__spsc_make_room.1", "nothing is looked at behind the end"},
	{"spsc.ringshm__spsc_publish.2", "R3: for successors, who take a lock first"},
	{"token.ringshm__token_empty.2", "A5 came before"},
	{"token.ringshm_token_release.1", "R4: for successors"},
	{"token.ringshm_token_send.1", "the test itself waits for the slot, as who uses the place of a token must"},
	{"token.ringshm_token_send.2", "R3: for successors"},
};

static const char *spare(const char *name)
{
	for (size_t i = 0; i < sizeof(spares) / sizeof(spares[0]); i++)
		if (!strcmp(name, spares[i].place))
			return spares[i].why;
	return NULL;
}

/* True: some run without that access's order goes wrong. */
static bool noticed(const char *name)
{
	for (unsigned int i = 0; i < CASES; i++) {
		uint64_t state = random_seed();
		bool fault = false;

		if (strncmp(name, cases[i]->name, strlen(cases[i]->name)))
			continue;
		weak_case_is(cases[i]->name);
		for (unsigned int k = 0; k < 10 * cases[i]->runs && !fault; k++) {
			cases[i]->run(random_next(&state), NULL);
			fault = weak_faulted();
			if (fault)
				tap_note("run %u: %s", k + 1, weak_faulted());
		}
		return fault;
	}
	return false;
}

/* Every access that orders something, made relaxed alone. */
static int try_places(void)
{
	unsigned int places;

	explore();
	places = weak_places();
	for (unsigned int i = 0; i < places; i++) {
		char question[160];

		if (spare(weak_place_name(i))) {
			tap_note("%s may be relaxed: %s", weak_place_name(i), spare(weak_place_name(i)));
			continue;
		}
		weak_relax(weak_place_name(i));
		snprintf(question, sizeof(question), "%s made relaxed is noticed", weak_place_name(i));
		tap_ok(noticed(weak_place_name(i)), question);
	}
	return tap_done();
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--list")) {
		list();
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "--places"))
		return try_places();
	if (argc > 1)
		return try_without(argv[1]);
	for (unsigned int i = 0; i < CASES; i++)
		try(cases[i], NULL);
	return tap_done();
}
