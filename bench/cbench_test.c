// SPDX-License-Identifier: MIT
/* Does cbench hand everything through: arguments, threads, iterations, manual time, counters, the filter? (TAP) */
#include <stdlib.h>
#include <string.h>

#include "cbench.h"
#include "tap.h"

static int64_t seen_args[8];
static unsigned int n_seen, thread_calls, thread_mask, filtered_calls, skipped_loops;
static int64_t exact, batched, manual;
static int the_arg;
static bool arg_arrived;

static void with_args(struct cbench_state *s, void *arg)
{
	while (cbench_keep_running(s))
		CBENCH_KEEP(arg);
	arg_arrived = arg == &the_arg;
	if (n_seen + 2 <= 8) {
		seen_args[n_seen++] = cbench_range(s, 0);
		seen_args[n_seen++] = cbench_range(s, 1);
	}
}

static void with_threads(struct cbench_state *s, void *arg)
{
	(void)arg;
	while (cbench_keep_running(s))
		;
	__atomic_fetch_add(&thread_calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_or(&thread_mask, 1u << cbench_thread_index(s), __ATOMIC_RELAXED);
	cbench_counter(s, "threads", cbench_thread_count(s), CBENCH_AVERAGE);
}

static void with_iterations(struct cbench_state *s, void *arg)
{
	(void)arg;
	exact = 0;
	while (cbench_keep_running(s))
		exact++;
	cbench_items_processed(s, cbench_iterations_done(s));
	cbench_label(s, "seven");
}

static void with_batches(struct cbench_state *s, void *arg)
{
	(void)arg;
	batched = 0;
	while (cbench_keep_running_batch(s, 10))
		batched += 10;
	batched -= cbench_iterations_done(s);
}

static void with_manual_time(struct cbench_state *s, void *arg)
{
	(void)arg;
	manual = 0;
	while (cbench_keep_running(s)) {
		cbench_set_iteration_time(s, 0.25);
		manual++;
	}
	cbench_counter(s, "quarter", 1, CBENCH_PER_ITERATION);
}

static void with_skip(struct cbench_state *s, void *arg)
{
	(void)arg;
	cbench_skip(s, "planted");
	while (cbench_keep_running(s))
		skipped_loops++;
}

static void filtered(struct cbench_state *s, void *arg)
{
	(void)arg;
	while (cbench_keep_running(s))
		;
	filtered_calls++;
}

/* What the JSON reporter wrote, to look for names in. */
static char *read_all(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

int main(void)
{
	char out[64] = "/tmp/cbench_test.XXXXXX", option[96];
	char *argv[] = {(char *)"cbench_test", option, (char *)"--benchmark_out_format=json",
			(char *)"--benchmark_filter=wanted", NULL};
	int argc = 4, fd = mkstemp(out);
	static const char *const names[] = {"a", "b"};
	const int64_t first[] = {3, 4}, second[] = {5, 6};
	struct cbench *b;
	const char *json;

	if (fd < 0)
		return 1;
	snprintf(option, sizeof(option), "--benchmark_out=%s", out);
	b = cbench_register("wanted/args", with_args, &the_arg);
	cbench_args(b, first, 2);
	cbench_args(b, second, 2);
	cbench_arg_names(b, names, 2);
	cbench_iterations(b, 5);
	cbench_unit(b, CBENCH_US);
	b = cbench_register("wanted/threads", with_threads, NULL);
	cbench_threads(b, 3);
	cbench_iterations(b, 2);
	cbench_use_real_time(b);
	b = cbench_register("wanted/iterations", with_iterations, NULL);
	cbench_iterations(b, 7);
	b = cbench_register("wanted/batches", with_batches, NULL);
	cbench_min_time(b, 0.001);
	b = cbench_register("wanted/manual", with_manual_time, NULL);
	cbench_use_manual_time(b);
	cbench_iterations(b, 4);
	cbench_register("wanted/skip", with_skip, NULL);
	cbench_register("other", filtered, NULL);
	cbench_initialize(&argc, argv);
	ok(argc == 1, "the benchmark options are taken out of the arguments");
	ok(cbench_run() == 7, "the filter leaves those with the wanted name");
	json = read_all(out);
	ok(n_seen == 4 && !memcmp(seen_args, (int64_t[]){3, 4, 5, 6}, 32), "each set of arguments arrives");
	ok(arg_arrived, "the function's own argument arrives");
	ok(strstr(json, "wanted/args/a:3/b:4/iterations:5") && strstr(json, "\"time_unit\": \"us\""),
	   "arguments have their names, and time its unit");
	ok(thread_calls == 3 && thread_mask == 7, "each thread runs once and knows its number");
	ok(strstr(json, "\"threads\": 3"), "a counter is averaged over threads");
	ok(exact == 7 && strstr(json, "\"label\": \"seven\""), "iterations are as many as asked for, and labelled");
	ok(batched == 0, "batches add up to the iterations");
	ok(manual == 4 && strstr(json, "\"real_time\": 2.5000000000000000e+08") &&
		   strstr(json, "\"quarter\": 2.5000000000000000e-01"),
	   "manual time is what the function said, and a counter is divided by the iterations");
	ok(!skipped_loops && strstr(json, "\"error_message\": \"planted\""),
	   "what is skipped does not run and says why");
	ok(!filtered_calls, "what the filter leaves out does not run");
	cbench_shutdown();
	remove(out);
	return tap_done();
}
