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

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--list")) {
		list();
		return 0;
	}
	if (argc > 1)
		return try_without(argv[1]);
	for (unsigned int i = 0; i < CASES; i++)
		try(cases[i], NULL);
	return tap_done();
}
