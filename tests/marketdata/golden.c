// SPDX-License-Identifier: MIT
/* The real capture, replayed: every figure of the table that stands beside it.  Prints TAP. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"

static int tests, failures;

static void ok(bool good, const char *what)
{
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
}

static void is(const struct run *run, const char *name, long long expected)
{
	long long got = figure(run, name);

	ok(got == expected, name);
	if (got != expected)
		printf("# %s is %lld instead of %lld\n", name, got, expected);
}

static void by_type(const struct run *run)
{
	static const char types[] = "QHPOTADSB";
	static const long long counts[] = {27217, 7803, 7802, 7801, 6390, 642, 10, 6, 3};
	const json_t *object = json_object_get(run->json, "by_type");
	bool good = json_object_size(object) == sizeof(types) - 1;
	unsigned int i;

	for (i = 0; i < sizeof(types) - 1; i++)
		good &= json_integer_value(json_object_get(object, (char[]){types[i], '\0'})) == counts[i];
	ok(good, "messages by type");
}

static void vwap(const struct run *run, const char *symbol, double expected)
{
	double got = json_number_value(json_object_get(json_object_get(run->json, "vwap"), symbol));

	ok(fabs(got - expected) < 1e-9, symbol);
}

static void figures(const struct run *run)
{
	const char *crc = json_string_value(json_object_get(run->json, "crc32"));

	ok(run->status == 0 && run->json, "exits with 0 after JSON");
	ok(run->stderr_text[0] == '\0', "has nothing to complain of");
	is(run, "packets", 13022);
	is(run, "heartbeats", 237);
	is(run, "messages", 57674);
	is(run, "bytes", 1898100);
	by_type(run);
	is(run, "gaps", 0);
	is(run, "repeated", 0);
	is(run, "truncated", 0);
	ok(crc && !strcmp(crc, "31e0e564"), "crc32");
	is(run, "trades", 6390);
	is(run, "shares", 1427907);
	is(run, "notional", 693942768200);
	is(run, "quotes", 27217);
	is(run, "symbols_quoted", 7799);
	vwap(run, "AMZN", 364.9396);
	vwap(run, "AAPL", 148.9560);
	vwap(run, "QCOM", 71.8357);
	ok(json_number_value(json_object_get(run->json, "messages_per_s")) > 0, "messages_per_s");
	if (failures)
		printf("# standard error: %s\n", run->stderr_text);
}

static void latencies(const struct run *run)
{
	const json_t *l = json_object_get(run->json, "latency_ns");
	json_int_t p50 = json_integer_value(json_object_get(l, "p50"));
	json_int_t p99 = json_integer_value(json_object_get(l, "p99"));
	json_int_t p999 = json_integer_value(json_object_get(l, "p999"));

	ok(json_object_size(l) == 3 && p50 > 0 && p50 <= p99 && p99 <= p999, "a paced run has latencies, in order");
}

static void replay(const char *const *args, bool paced)
{
	static struct run run;

	run_program(&run, "md_replay", args);
	figures(&run);
	if (paced)
		latencies(&run);
	else
		ok(!json_object_get(run.json, "latency_ns"), "a run at full speed has no latencies");
	run_free(&run);
}

int main(void)
{
	const char *path = real_capture();

	if (!path) {
		printf("1..0 # SKIP no capture beside the sources (../shared/data/iex/TOPS16.pcap.gz); "
		       "RINGSHM_CAPTURE=FILE names another place\n");
		return 0;
	}
	replay((const char *[]){"--json", path, NULL}, false);
	replay((const char *[]){"--json", "--capacity=256K", path, NULL}, false);
	replay((const char *[]){"--json", "--speed=200x", path, NULL}, true);
	printf("1..%d\n", tests);
	return failures != 0;
}
