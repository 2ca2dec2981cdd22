// SPDX-License-Identifier: MIT
/* ringshm_bench: runs the suite through Google Benchmark and prints one table. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ringshm/ringshm.h>

#include "cbench.h"
#include "duel_report.h"
#include "duel_stats.h"
#include "suite.h"

struct settings {
	struct duel_options options;
	const char *cpus;
	const char *json;
};

/* A case and where its result goes. */
struct entry {
	const struct duel_case *duel;
	const struct settings *settings;
	struct duel_result result;
	bool ran;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct settings *s = (struct settings *)state->input;
	char *end = arg;

	switch (key) {
	case 'r':
		s->options.rounds = (unsigned int)strtoul(arg, &end, 10);
		if (*end || !s->options.rounds || s->options.rounds > 400)
			argp_error(state, "--rounds: '%s' is not a number from 1 to 400", arg);
		return 0;
	case 's':
		s->options.seconds = strtod(arg, &end);
		if (*end || !(s->options.seconds > 0))
			argp_error(state, "--seconds: '%s' is not a time", arg);
		return 0;
	case 'b':
		s->options.burst = strtod(arg, &end) / 1000;
		if (*end || !(s->options.burst > 0 && s->options.burst <= 0.5))
			argp_error(state, "--burst: '%s' is not a time from 0 to 500 ms", arg);
		return 0;
	case 'c':
		s->cpus = arg;
		return 0;
	case 'j':
		s->json = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"rounds", 'r', "N", 0, "Rounds of a case (default 25; below 15 nothing is decided)", 0},
	{"seconds", 's', "S", 0, "Stop a case after so long (default 20)", 0},
	{"burst", 'b', "MS", 0, "Length of a sample (default 12 ms)", 0},
	{"cpus", 'c', "A,B", 0, "CPUs of the two sides (default: the first two allowed)", 0},
	{"json", 'j', "FILE", 0, "Write everything as JSON, too ('-': instead of the table)", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Measure ringshm beside what people use today, between two pinned processes (threads where a "
	       "peer's memory cannot be shared). Candidates of a case take turns; each sample stands between two "
	       "calibrations; ratios are taken within rounds; classes of CPU distance are never mixed.\v"
	       "Options of Google Benchmark work as well: --benchmark_list_tests, --benchmark_filter=REGEX, "
	       "--benchmark_out=FILE. Some cases run only when a filter names them: --benchmark_filter=mpmc is the whole "
	       "table of many producers and many consumers.",
};

/* One case is one iteration; its time is that of our first candidate's message. */
static void run_case(struct cbench_state *state, void *arg)
{
	struct entry *e = (struct entry *)arg;

	while (cbench_keep_running(state)) {
		int error;

		fprintf(stderr, "%s ...\n", e->duel->title);
		error = duel_run(e->duel, &e->settings->options, &e->result);

		e->ran = true;
		if (error && !e->result.rounds) {
			cbench_skip(state, "it could not be measured; standard error says why");
			return;
		}
		cbench_set_iteration_time(state, 0);
		for (unsigned int i = 0; i < e->result.n_entries; i++)
			for (int c = 0; c < FLOOR_CLASSES; c++) {
				struct stats_row row = stats_row(&e->result, i, (enum floor_class)c);
				char name[80];

				snprintf(name, sizeof(name), "%s, %s, ns", e->result.entries[i].peer->name,
					 floor_class_name((enum floor_class)c));
				if (row.n)
					cbench_counter(state, name, row.ns, CBENCH_PLAIN);
				if (row.n && e->result.entries[i].peer->ours)
					cbench_set_iteration_time(state, row.ns / 1e9);
			}
	}
}

/* Cases beyond the ordinary ones run only when a filter says so. */
static bool filtered(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "--benchmark_", 12) && strstr(argv[i], "filter="))
			return true;
	return false;
}

/* All cases of both suites that may run. How many. */
static unsigned int list_cases(struct entry *entries, const struct settings *s, bool extra)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < suite_size + suite_mpmc_size; i++) {
		const struct duel_case *c = i < suite_size ? &suite[i] : &suite_mpmc[i - suite_size];

		if (c->extra && !extra)
			continue;
		entries[n].duel = c;
		entries[n++].settings = s;
	}
	return n;
}

static void register_case(struct entry *e)
{
	struct cbench *b = cbench_register(e->duel->name, run_case, e);

	cbench_use_manual_time(b);
	cbench_iterations(b, 1);
	cbench_unit(b, CBENCH_NS);
}

static void print_all(const struct entry *entries, unsigned int n)
{
	printf("\nringshm %s beside others. Ratios are of speed, in pairs from the same round.\n", ringshm_version());
	for (unsigned int i = 0; i < n; i++)
		if (entries[i].ran)
			duel_print(stdout, &entries[i].result);
}

static int write_json(const struct entry *entries, unsigned int n, const char *path)
{
	json_t *cases = json_array(), *all;
	FILE *out = strcmp(path, "-") ? fopen(path, "w") : stdout;
	int failed;

	if (!out) {
		fprintf(stderr, "ringshm_bench: cannot write %s: %m\n", path);
		return 1;
	}
	for (unsigned int i = 0; i < n; i++)
		if (entries[i].ran)
			json_array_append_new(cases, duel_json(&entries[i].result));
	all = json_pack("{s:s, s:o}", "version", ringshm_version(), "cases", cases);
	failed = json_dumpf(all, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	fputc('\n', out);
	json_decref(all);
	if (out != stdout)
		failed |= fclose(out);
	if (failed)
		fprintf(stderr, "ringshm_bench: cannot write %s: %m\n", path);
	return failed != 0;
}

int main(int argc, char **argv)
{
	struct settings s = {.options = {.rounds = 25, .seconds = 20, .burst = 0.012}};
	struct entry *entries = (struct entry *)calloc(suite_size + suite_mpmc_size, sizeof(*entries));
	bool extra = filtered(argc, argv);
	unsigned int n;
	char why[160];
	int code = 0;

	cbench_initialize(&argc, argv);
	argp_parse(&argp, argc, argv, 0, NULL, &s);
	if (!entries || pair_cpus_choose(&s.options.cpus, s.cpus, why, sizeof(why))) {
		fprintf(stderr, "ringshm_bench: %s\n", entries ? why : "no memory");
		return 1;
	}
	n = list_cases(entries, &s, extra);
	for (unsigned int i = 0; i < n; i++)
		register_case(&entries[i]);
	cbench_run_silently();
	if (!s.json || strcmp(s.json, "-"))
		print_all(entries, n);
	if (s.json)
		code = write_json(entries, n, s.json);
	for (unsigned int i = 0; i < n; i++)
		duel_result_free(&entries[i].result);
	free(entries);
	cbench_shutdown();
	return code;
}
