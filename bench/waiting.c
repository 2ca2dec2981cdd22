/* SPDX-License-Identifier: MIT */
/* waiting: how long a sleeper takes to wake beside a bare futex, and what a poller costs by number of rings. */
#include <argp.h>
#include <jansson.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <ringshm/poller.h>
#include <ringshm/ringshm.h>

#include "histogram.h"
#include "pair.h"

#define PAUSE_NS 1000000 /* between two messages: long enough for the receiver to be fast asleep */

struct settings {
	long count; /* wake-ups measured a way */
	long looks; /* messages a number of rings */
	const char *json;
	const char *cpus;
};

/* A way to hand over one time stamp to somebody asleep. */
struct way {
	const char *name;
	uint32_t kind;
	uint64_t features;
	void (*sleeper)(struct histogram *h, long count);
	void (*waker)(long count);
};

static struct ringshm *channel;
static struct pair_cpus cpus;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void pause_for(long ns)
{
	const struct timespec t = {.tv_nsec = ns};

	nanosleep(&t, NULL);
}

static void die(const char *what)
{
	fprintf(stderr, "waiting: %s: %s\n", what, ringshm_last_error());
	exit(1);
}

/* ---- the ways --------------------------------------------------------------------------------- */

static uint32_t futex_word;
static uint64_t futex_stamp;

static void futex_sleeper(struct histogram *h, long count)
{
	uint32_t seen = 0;

	for (long i = 0; i < count; i++) {
		while (__atomic_load_n(&futex_word, __ATOMIC_ACQUIRE) == seen)
			syscall(SYS_futex, &futex_word, FUTEX_WAIT, seen, NULL, NULL, 0);
		seen++;
		histogram_add(h, now() - __atomic_load_n(&futex_stamp, __ATOMIC_RELAXED));
	}
}

static void futex_waker(long count)
{
	for (long i = 0; i < count; i++) {
		pause_for(PAUSE_NS);
		__atomic_store_n(&futex_stamp, now(), __ATOMIC_RELAXED);
		__atomic_fetch_add(&futex_word, 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, &futex_word, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

static void ring_waker(long count)
{
	struct ringshm_spsc_producer p;

	if (ringshm_spsc_producer_open(&p, channel))
		die("open a producer");
	for (long i = 0; i < count; i++) {
		uint64_t stamp;

		pause_for(PAUSE_NS);
		stamp = now();
		ringshm_spsc_send(&p, &stamp, sizeof(stamp));
	}
	ringshm_spsc_producer_close(&p);
}

static void take(struct ringshm_spsc_consumer *c, struct histogram *h)
{
	uint64_t stamp;
	uint32_t len;

	if (!ringshm_spsc_recv(c, &stamp, sizeof(stamp), &len))
		histogram_add(h, now() - stamp);
}

static void block_sleeper(struct histogram *h, long count)
{
	struct ringshm_spsc_consumer c;
	const void *payload;
	uint32_t len;

	if (ringshm_spsc_consumer_open(&c, channel))
		die("open a consumer");
	for (long i = 0; i < count; i++) {
		if (ringshm_spsc_peek_wait(&c, -1, &payload, &len))
			die("wait");
		take(&c, h);
	}
	ringshm_spsc_consumer_close(&c);
}

static void poller_sleeper(struct histogram *h, long count)
{
	struct ringshm_spsc_consumer c;
	struct ringshm_poller *poller;
	struct ringshm_event event;

	if (ringshm_spsc_consumer_open(&c, channel) || ringshm_poller_create(&poller) ||
	    ringshm_poller_add(poller, RINGSHM_SPSC, &c, NULL))
		die("open a consumer");
	for (long i = 0; i < count; i++) {
		if (ringshm_poller_wait(poller, &event, 1, -1) != 1)
			die("wait");
		take(&c, h);
	}
	ringshm_poller_destroy(poller);
	ringshm_spsc_consumer_close(&c);
}

static void mpmc_waker(long count)
{
	struct ringshm_mpmc_producer p;

	if (ringshm_mpmc_producer_open(&p, channel))
		die("open a producer");
	for (long i = 0; i < count; i++) {
		uint64_t stamp;

		pause_for(PAUSE_NS);
		stamp = now();
		ringshm_mpmc_send(&p, &stamp, sizeof(stamp));
	}
	ringshm_mpmc_producer_close(&p);
}

static void mpmc_sleeper(struct histogram *h, long count)
{
	struct ringshm_mpmc_consumer c;
	uint64_t stamp;
	uint32_t len;

	if (ringshm_mpmc_consumer_open(&c, channel))
		die("open a consumer");
	for (long i = 0; i < count; i++) {
		if (ringshm_mpmc_recv_wait(&c, &stamp, sizeof(stamp), &len, -1))
			die("wait");
		histogram_add(h, now() - stamp);
	}
	ringshm_mpmc_consumer_close(&c);
}

static const struct way ways[] = {
	{"bare futex", RINGSHM_SPSC, 0, futex_sleeper, futex_waker},
	{"wait, RINGSHM_F_BLOCK", RINGSHM_SPSC, RINGSHM_F_BLOCK, block_sleeper, ring_waker},
	{"wait, no features", RINGSHM_SPSC, 0, block_sleeper, ring_waker},
	{"mpmc, RINGSHM_F_BLOCK", RINGSHM_MPMC, RINGSHM_F_BLOCK, mpmc_sleeper, mpmc_waker},
	{"poller, bell", RINGSHM_SPSC, RINGSHM_F_BLOCK | RINGSHM_F_POLLFD, poller_sleeper, ring_waker},
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* ---- measuring -------------------------------------------------------------------------------- */

static void make_channel(uint32_t kind, uint64_t features)
{
	struct ringshm_config config;

	ringshm_config_init(&config, kind);
	config.capacity = kind == RINGSHM_SPSC ? 65536 : 1024;
	config.features = features;
	if (ringshm_create(&channel, NULL, &config))
		die("create a channel");
}

struct sleeper {
	const struct way *way;
	struct histogram *h;
	long count;
};

static void *run_sleeper(void *argument)
{
	struct sleeper *s = (struct sleeper *)argument;

	pair_pin(cpus.cpu[1]);
	s->way->sleeper(s->h, s->count);
	return NULL;
}

/* A slice of one way's wake-ups; ways take turns, so that the machine's moods meet all of them alike. */
static void measure_way(const struct way *way, struct histogram *h, long count)
{
	struct sleeper sleeper = {way, h, count};
	pthread_t thread;

	make_channel(way->kind, way->features);
	__atomic_store_n(&futex_word, 0, __ATOMIC_RELAXED);
	if (pthread_create(&thread, NULL, run_sleeper, &sleeper))
		die("start a thread");
	pair_pin(cpus.cpu[0]);
	way->waker(count);
	pthread_join(thread, NULL);
	ringshm_close(channel);
}

static json_t *report_way(const struct way *way, const struct histogram *h, const struct histogram *bare)
{
	double p50 = (double)histogram_quantile(h, 0.5), p99 = (double)histogram_quantile(h, 0.99);
	double ratio = p99 / (double)histogram_quantile(bare, 0.99);

	printf("  %-24s %8.1f %8.1f %8.1f %8.2f\n", way->name, p50 / 1000, p99 / 1000,
	       (double)histogram_quantile(h, 0.999) / 1000, ratio);
	return json_pack("{s:s, s:f, s:f, s:f}", "way", way->name, "p50_ns", p50, "p99_ns", p99, "p99_ratio", ratio);
}

static json_t *wake_ups(const struct settings *settings)
{
	struct histogram *h[WAYS];
	json_t *rows = json_array();

	for (unsigned int i = 0; i < WAYS; i++)
		h[i] = histogram_new();
	for (long done = 0; done < settings->count; done += 100)
		for (unsigned int i = 0; i < WAYS; i++)
			measure_way(&ways[i], h[i], 100);
	printf("Wake-ups of a sleeper on another CPU, %ld each, us\n", (settings->count + 99) / 100 * 100);
	printf("  %-24s %8s %8s %8s %8s\n", "WAY", "p50", "p99", "p99.9", "p99/bare");
	for (unsigned int i = 0; i < WAYS; i++)
		json_array_append_new(rows, report_way(&ways[i], h[i], h[0]));
	for (unsigned int i = 0; i < WAYS; i++)
		histogram_free(h[i]);
	return rows;
}

/* ---- the poller ------------------------------------------------------------------------------- */

struct lane {
	struct ringshm *channel;
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
};

static void open_lane(struct lane *lane, struct ringshm_poller *poller, uint64_t features)
{
	make_channel(RINGSHM_SPSC, features);
	lane->channel = channel;
	if (ringshm_spsc_producer_open(&lane->p, channel) || ringshm_spsc_consumer_open(&lane->c, channel) ||
	    ringshm_poller_add(poller, RINGSHM_SPSC, &lane->c, lane))
		die("open a lane");
}

static void close_lane(struct lane *lane)
{
	ringshm_spsc_producer_close(&lane->p);
	ringshm_spsc_consumer_close(&lane->c);
	ringshm_close(lane->channel);
}

/* One lane always has a message, the others have none: ns a wait that finds it. */
static double ns_a_wait(struct ringshm_poller *poller, struct lane *active, long looks)
{
	struct ringshm_event event;
	uint64_t started, value = 1;

	ringshm_poller_wait(poller, &event, 1, 20000000); /* arms the idle ones */
	started = now();
	for (long i = 0; i < looks; i++) {
		uint32_t len;

		ringshm_spsc_send(&active->p, &value, sizeof(value));
		if (ringshm_poller_wait(poller, &event, 1, 1000000000) != 1 || event.user != active)
			die("the message was not found");
		ringshm_spsc_recv(&active->c, &value, sizeof(value), &len);
	}
	return (double)(now() - started) / (double)looks;
}

static json_t *poller_row(long rings, uint64_t features, long looks)
{
	struct lane *lanes = (struct lane *)calloc((size_t)rings, sizeof(*lanes));
	struct ringshm_poller *poller;
	double ns;

	if (!lanes || ringshm_poller_create(&poller))
		die("create a poller");
	for (long i = 0; i < rings; i++)
		open_lane(&lanes[i], poller, features);
	ns = ns_a_wait(poller, &lanes[rings / 2], looks);
	printf("  %8ld %-12s %10.0f\n", rings, features & RINGSHM_F_POLLFD ? "bells" : "no bells", ns);
	ringshm_poller_destroy(poller);
	for (long i = 0; i < rings; i++)
		close_lane(&lanes[i]);
	free(lanes);
	return json_pack("{s:I, s:b, s:f}", "rings", (json_int_t)rings, "bells", (features & RINGSHM_F_POLLFD) != 0,
			 "ns", ns);
}

static json_t *poller_costs(const struct settings *settings)
{
	static const long rings[] = {1, 10, 100, 1000};
	json_t *rows = json_array();

	printf("\nA poller over many rings of which one is active: ns from send to receipt, one thread\n");
	printf("  %8s %-12s %10s\n", "RINGS", "", "ns");
	for (unsigned int i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		json_array_append_new(rows, poller_row(rings[i], RINGSHM_F_POLLFD, settings->looks));
		json_array_append_new(rows, poller_row(rings[i], 0, settings->looks));
	}
	return rows;
}

/* ---- the program ------------------------------------------------------------------------------ */

static const struct argp_option options[] = {
	{"count", 'n', "N", 0, "Wake-ups measured a way (default 1000)", 0},
	{"looks", 'l', "N", 0, "Messages through each poller (default 20000)", 0},
	{"cpus", 'c', "A,B", 0, "CPUs of waker and sleeper (default: the first two allowed)", 0},
	{"json", 'j', "FILE", 0, "Write the figures as JSON, too", 0},
	{0},
};

static long number(const char *text, struct argp_state *state)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value < 1 || value > 100000000)
		argp_error(state, "'%s' is not a number from 1 to 100000000", text);
	return value;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct settings *settings = (struct settings *)state->input;

	switch (key) {
	case 'n':
		settings->count = number(argument, state);
		return 0;
	case 'l':
		settings->looks = number(argument, state);
		return 0;
	case 'c':
		settings->cpus = argument;
		return 0;
	case 'j':
		settings->json = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A thousand lanes want more descriptors than the usual 1,024. */
static void want_descriptors(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		options, parse, NULL, "How long a sleeper takes to wake, and what a poller costs by number of rings.",
		NULL,	 NULL,	NULL};
	struct settings settings = {.count = 1000, .looks = 20000};
	char why[256];
	json_t *all;

	argp_parse(&argp, argc, argv, 0, NULL, &settings);
	if (pair_cpus_choose(&cpus, settings.cpus, why, sizeof(why))) {
		fprintf(stderr, "waiting: %s\n", why);
		return 1;
	}
	want_descriptors();
	all = json_object();
	json_object_set_new(all, "wake_ups", wake_ups(&settings));
	json_object_set_new(all, "poller", poller_costs(&settings));
	if (settings.json && json_dump_file(all, settings.json, JSON_INDENT(1))) {
		fprintf(stderr, "waiting: %s cannot be written\n", settings.json);
		return 1;
	}
	json_decref(all);
	return 0;
}
