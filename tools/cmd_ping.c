// SPDX-License-Identifier: MIT
/* ringshm ping: options and report. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ping.h"
#include "report.h"

#define BAR_WIDTH 40

struct ping_arguments {
	struct ping_request request;
	const char *cpus;
	bool json;
};

static const struct ping_kind *const kinds[] = {&ping_spsc, &ping_token, &ping_mpmc};

static const struct ping_kind *find_kind(const char *name, struct argp_state *state)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	argp_error(state, "--kind: ping does not know '%s'", name);
	return NULL;
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most, struct argp_state *state)
{
	uint64_t n;

	if (report_parse_bytes(text, &n) || n < least || n > most) {
		argp_error(state, "%s: '%s' is not a number from %llu to %llu", option, text, (unsigned long long)least,
			   (unsigned long long)most);
		return 0;
	}
	return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ping_arguments *a = state->input;

	switch (key) {
	case 's':
		a->request.size = (uint32_t)number("--size", arg, 0, UINT32_C(1) << 28, state);
		return 0;
	case 'n':
		a->request.count = number("--count", arg, 1, PING_COUNT_MAX, state);
		return 0;
	case 'c':
		a->request.capacity = number("--capacity", arg, 64, UINT64_C(1) << 32, state);
		return 0;
	case 'k':
		a->request.kind = find_kind(arg, state);
		return 0;
	case 'p':
		a->cpus = arg;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"size", 's', "BYTES", 0, "Size of a message (default 8)", 0},
	{"count", 'n', "N", 0, "Round trips to time one by one (default 100000)", 0},
	{"cpus", 'p', "A,B", 0, "CPUs of the two processes (default: the first two allowed)", 0},
	{"capacity", 'c', "BYTES", 0, "Memory of each ring, a power of two (default 64K, more for large messages)", 0},
	{"kind", 'k', "KIND", 0, "spsc (default), token or mpmc", 0},
	{"json", 'j', NULL, 0, "Print a JSON object", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Measure round trips between two processes, each tied to a CPU, over two rings of their own.\v"
	       "Beside the ring stand two floors, taken before and after every sample: F, the bare round trip of "
	       "one cache line each way, and G, the same with whole messages on fresh lines of memory as large as "
	       "the ring, without a ring. What lies between the two CPUs is told from F: one core, a shared L3 "
	       "cache, or no shared cache. Samples during which that changed are left out.\n\n"
	       "The batch mean is the time of one of 100 round trips in a row, as the floors are; the percentiles "
	       "are of round trips timed one by one and contain one look at the clock.",
};

/* What reading the clock costs, which is in every single time: ns. */
static double clock_cost(void)
{
	uint64_t start = floor_now_ns();

	for (int i = 0; i < 1000; i++)
		(void)floor_now_ns();
	return (double)(floor_now_ns() - start) / 1001;
}

static uint64_t quantile(const struct ping_result *r, double q)
{
	return histogram_quantile(r->times, q);
}

static int report_as_json(const struct ping_request *q, const struct ping_result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "kind", json_string(q->kind->name));
	json_object_set_new(o, "size", json_integer(q->size));
	json_object_set_new(o, "count", json_integer((json_int_t)r->times->count));
	json_object_set_new(o, "floor_ns", report_real(r->floor_ns));
	json_object_set_new(o, "fresh_floor_ns", report_real(r->fresh_floor_ns));
	json_object_set_new(o, "class", json_string(floor_class_name(r->class_)));
	json_object_set_new(o, "batch_mean_ns", report_real(r->batch_mean_ns));
	json_object_set_new(o, "p50_ns", json_integer((json_int_t)quantile(r, 0.5)));
	json_object_set_new(o, "p99_ns", json_integer((json_int_t)quantile(r, 0.99)));
	json_object_set_new(o, "p999_ns", json_integer((json_int_t)quantile(r, 0.999)));
	json_object_set_new(o, "max_ns", json_integer((json_int_t)r->times->max_ns));
	json_object_set_new(o, "ratio_f", report_real(r->ratio_f));
	json_object_set_new(o, "ratio_g", report_real(r->ratio_g));
	return report_json(o);
}

static void report_left_out(const struct ping_result *r)
{
	if (r->changed || r->other)
		printf("left out      %u samples during which the class changed, %u of another class\n", r->changed,
		       r->other);
}

static int report_as_text(const struct ping_request *q, const struct ping_result *r)
{
	char capacity[32];

	printf("%s, %u bytes, rings of %s, CPUs %d and %d (%s), %llu round trips in %u samples\n", q->kind->name,
	       q->size, report_bytes(capacity, q->capacity), q->cpus.cpu[0], q->cpus.cpu[1],
	       floor_class_name(r->class_), (unsigned long long)r->times->count, r->kept);
	report_left_out(r);
	printf("floor F   %10.1f ns  a cache line each way\n", r->floor_ns);
	printf("floor G   %10.1f ns  such messages on fresh lines, no ring\n", r->fresh_floor_ns);
	printf("batch mean%10.1f ns  %.2f F, %.2f G\n", r->batch_mean_ns, r->ratio_f, r->ratio_g);
	printf("p50 %llu ns, p99 %llu ns, p99.9 %llu ns, max %llu ns (with %.0f ns for reading the clock)\n",
	       (unsigned long long)quantile(r, 0.5), (unsigned long long)quantile(r, 0.99),
	       (unsigned long long)quantile(r, 0.999), (unsigned long long)r->times->max_ns, clock_cost());
	histogram_draw(r->times, stdout, BAR_WIDTH);
	return report_end();
}

/* 64 KiB, or what holds four of the messages. */
static uint64_t default_capacity(uint32_t size)
{
	uint64_t capacity = 65536;

	while (capacity < 4 * floor_stride(size))
		capacity *= 2;
	return capacity;
}

/* 100,000, or what moves as many bytes as that many messages of 4 KiB. */
static uint64_t default_count(uint32_t size)
{
	uint64_t count = size <= 4096 ? 100000 : 100000ull * 4096 / size;

	return count < 100 ? 100 : count;
}

int cmd_ping(int argc, char **argv)
{
	struct ping_arguments a = {
		.request = {.kind = &ping_spsc, .size = 8, .count = 100000},
	};
	struct ping_result result;
	char why[160];
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (pair_cpus_choose(&a.request.cpus, a.cpus, why, sizeof(why))) {
		report_failure("ping --cpus: %s", why);
		return EXIT_USAGE;
	}
	if (!a.request.capacity)
		a.request.capacity = default_capacity(a.request.size);
	if (!a.request.count)
		a.request.count = default_count(a.request.size);
	if (pair_is_one_cpu(&a.request.cpus))
		fprintf(stderr,
			"ringshm: ping: both processes share CPU %d and take turns by yielding: "
			"the figures show the scheduler, not the ring\n",
			a.request.cpus.cpu[0]);
	code = ping_measure(&a.request, &result);
	if (code != EXIT_DONE)
		return code;
	code = a.json ? report_as_json(&a.request, &result) : report_as_text(&a.request, &result);
	ping_result_free(&result);
	return code;
}
