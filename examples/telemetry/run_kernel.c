// SPDX-License-Identifier: MIT
/* run_kernel.c - the kernel as the producer: one lane a CPU of task switches, one poller over all lanes. */
#include "roles.h"
#include "switches.h"
#include "units.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <ringshm/poller.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EVENTS 64
#define IDLE_NS INT64_C(100000000) /* how long a signal may go unnoticed */

static volatile sig_atomic_t told_to_end;

static void on_signal(int sig)
{
	(void)sig;
	told_to_end = 1;
}

struct lane {
	unsigned int cpu;
	struct ringshm *channel;
	struct ringshm_spsc_consumer consumer;
	bool open;
	int status; /* why it has ended */
};

struct watching {
	const struct tel_options *options;
	int device; /* the kernel publishes as long as it is open */
	struct lane *lanes;
	unsigned int count;
	struct ringshm_poller *poller;
	struct sw_table *table;
	uint64_t intervals;
};

/* ---- lanes ---------------------------------------------------------------------------------- */

static int device_open(void)
{
	int fd = open(RINGSHM_SCHED_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		tel_complain("there is no %s; load the sample module: modprobe ringshm_sched", RINGSHM_SCHED_DEVICE);
	else if (fd < 0)
		tel_complain("open %s: %s; task switches show what others run: be root", RINGSHM_SCHED_DEVICE,
			     strerror(errno));
	return fd;
}

static int attach(struct watching *w, struct lane *lane)
{
	struct ringshm_sched_attach arg = {.cpu = lane->cpu};

	if (ringshm_kernel_lane_fds(lane->channel, &arg.ctl_fd, &arg.data_fd)) {
		tel_complain("%s", ringshm_last_error());
		return -1;
	}
	if (!ioctl(w->device, RINGSHM_SCHED_ATTACH, &arg))
		return 0;
	tel_complain("the kernel does not publish CPU %u: %s%s", lane->cpu, strerror(errno),
		     errno == EBUSY ? "; another telemetry --kernel has it" : "");
	return -1;
}

static int lane_open(struct watching *w, struct lane *lane)
{
	struct ringshm_config config;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = w->options->capacity;
	config.features |= RINGSHM_F_KLANE;
	config.schema_id = RINGSHM_SCHED_SCHEMA;
	if (ringshm_create(&lane->channel, NULL, &config) ||
	    ringshm_spsc_consumer_open(&lane->consumer, lane->channel)) {
		tel_complain("a lane for CPU %u: %s", lane->cpu, ringshm_last_error());
		return -1;
	}
	lane->open = true;
	if (ringshm_poller_add(w->poller, RINGSHM_SPSC, &lane->consumer, lane)) {
		tel_complain("%s", ringshm_last_error());
		return -1;
	}
	return attach(w, lane);
}

static int open_all(struct watching *w)
{
	w->device = device_open();
	if (w->device < 0)
		return -1;
	w->count = (unsigned int)sysconf(_SC_NPROCESSORS_CONF);
	w->lanes = calloc(w->count, sizeof(*w->lanes));
	w->table = sw_table_create(w->count);
	if (!w->lanes || !w->table || ringshm_poller_create(&w->poller)) {
		tel_complain("no memory for %u lanes", w->count);
		return -1;
	}
	for (unsigned int cpu = 0; cpu < w->count; cpu++) {
		w->lanes[cpu].cpu = cpu;
		if (lane_open(w, &w->lanes[cpu]))
			return -1;
	}
	return 0;
}

static void close_all(struct watching *w)
{
	if (w->device >= 0)
		close(w->device);
	for (unsigned int i = 0; w->lanes && i < w->count; i++) {
		if (!w->lanes[i].open)
			continue;
		ringshm_poller_remove(w->poller, &w->lanes[i].consumer);
		ringshm_spsc_consumer_close(&w->lanes[i].consumer);
		ringshm_close(w->lanes[i].channel);
	}
	ringshm_poller_destroy(w->poller);
	sw_table_destroy(w->table);
	free(w->lanes);
}

/* ---- showing -------------------------------------------------------------------------------- */

/* Records that the kernel dropped because the lane was full, since its beginning. */
static uint64_t dropped(const struct watching *w)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < w->count; i++) {
		struct ringshm_info info = {.size = sizeof(info)};

		if (!ringshm_info(w->lanes[i].channel, &info))
			sum += info.lost_produced;
	}
	return sum;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void show_lines(const struct watching *w, const struct sw_thread **busiest, size_t n)
{
	for (unsigned int i = 0; i < w->count; i++) {
		const struct sw_cpu *c = &w->table->cpus[i];
		char comm[16];

		memcpy(comm, c->comm, sizeof(comm));
		tel_sanitize(comm, 1);
		printf("cpu %u: %5.1f %% busy, %llu switches, now %s (%u)\n", i,
		       percent(c->seen_ns - c->idle_ns, c->seen_ns), (unsigned long long)c->switches,
		       c->pid ? comm : "idle", c->pid);
	}
	printf("%10s %-16s %4s %10s %7s %8s %9s %12s\n", "pid", "thread", "cpu", "ran ms", "%", "turns", "preempted",
	       "longest ms");
	for (size_t i = 0; i < n; i++) {
		char comm[16];

		memcpy(comm, busiest[i]->comm, sizeof(comm));
		tel_sanitize(comm, 1);
		printf("%10u %-16s %4u %10.3f %7.2f %8llu %9llu %12.3f\n", busiest[i]->pid, comm, busiest[i]->cpu,
		       (double)busiest[i]->ns / 1e6, percent(busiest[i]->ns, (uint64_t)w->options->interval_ns),
		       (unsigned long long)busiest[i]->turns, (unsigned long long)busiest[i]->preempted,
		       (double)busiest[i]->longest_ns / 1e6);
	}
	printf("dropped %llu\n\n", (unsigned long long)dropped(w));
}

static json_t *json_cpus(const struct watching *w)
{
	json_t *cpus = json_array();

	for (unsigned int i = 0; i < w->count; i++) {
		const struct sw_cpu *c = &w->table->cpus[i];

		json_array_append_new(cpus, json_pack("{s:i, s:f, s:I, s:i}", "cpu", (int)i, "busy_percent",
						      percent(c->seen_ns - c->idle_ns, c->seen_ns), "switches",
						      (json_int_t)c->switches, "running", (int)c->pid));
	}
	return cpus;
}

static json_t *json_threads(const struct sw_thread **busiest, size_t n)
{
	json_t *threads = json_array();

	for (size_t i = 0; i < n; i++) {
		char comm[16];

		memcpy(comm, busiest[i]->comm, sizeof(comm));
		tel_sanitize(comm, 1);
		json_array_append_new(threads, json_pack("{s:i, s:s, s:i, s:I, s:I, s:I, s:I}", "pid",
							 (int)busiest[i]->pid, "comm", comm, "cpu",
							 (int)busiest[i]->cpu, "ran_ns", (json_int_t)busiest[i]->ns,
							 "longest_ns", (json_int_t)busiest[i]->longest_ns, "turns",
							 (json_int_t)busiest[i]->turns, "preempted",
							 (json_int_t)busiest[i]->preempted));
	}
	return threads;
}

static void show_json(const struct watching *w, const struct sw_thread **busiest, size_t n)
{
	json_t *all = json_pack("{s:s, s:I, s:o, s:o, s:I, s:I}", "source", "kernel", "interval_ns",
				(json_int_t)w->options->interval_ns, "cpus", json_cpus(w), "threads",
				json_threads(busiest, n), "dropped", (json_int_t)dropped(w), "bad",
				(json_int_t)w->table->bad);

	if (!all)
		return;
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
}

static int show(struct watching *w)
{
	size_t most = w->options->top, n;
	const struct sw_thread **busiest = calloc(most ? most : 1, sizeof(*busiest));

	if (!busiest)
		return -ENOMEM;
	sw_settle(w->table, (uint64_t)tel_now_ns());
	n = sw_busiest(w->table, busiest, most);
	if (w->options->format == FORMAT_JSON)
		show_json(w, busiest, n);
	else
		show_lines(w, busiest, n);
	free(busiest);
	sw_clear(w->table);
	w->intervals++;
	return fflush(stdout) ? -errno : 0;
}

/* ---- watching ------------------------------------------------------------------------------- */

static void drain(struct watching *w, struct lane *lane)
{
	const void *payload;
	uint32_t len;

	while ((payload = ringshm_spsc_peek(&lane->consumer, &len))) {
		if (ringshm_spsc_type(&lane->consumer) == RINGSHM_SCHED_TYPE)
			sw_feed(w->table, lane->cpu, payload, len);
		else
			w->table->bad++;
		ringshm_spsc_release(&lane->consumer, 1);
	}
	lane->status = lane->consumer.status;
}

/* Until @until. 0, or why there is no use in going on. */
static int watch_until(struct watching *w, int64_t until)
{
	struct ringshm_event events[EVENTS];

	while (!told_to_end) {
		int64_t left = until - tel_now_ns();
		int n;

		if (left <= 0)
			return 0;
		n = ringshm_poller_wait(w->poller, events, EVENTS, left < IDLE_NS ? left : IDLE_NS);
		if (n < 0 && n != -EINTR)
			return n;
		for (int i = 0; i < n; i++) {
			struct lane *lane = events[i].user;

			drain(w, lane);
			if (lane->status)
				return lane->status;
		}
	}
	return 0;
}

static int watch_all(struct watching *w)
{
	const struct tel_options *options = w->options;
	int64_t next = tel_now_ns(), end = options->duration_ns ? next + options->duration_ns : INT64_MAX;
	int err = 0;

	while (!err && !told_to_end && next < end && !(options->count && w->intervals >= options->count)) {
		next = end - next < options->interval_ns ? end : next + options->interval_ns;
		err = watch_until(w, next);
		if (!err)
			err = show(w);
	}
	return err;
}

int tel_run_kernel(const struct tel_options *options)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct watching w = {.options = options, .device = -1};
	int err = -1;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!open_all(&w)) {
		err = watch_all(&w);
		if (err && err != -EPIPE)
			tel_complain("%s", tel_status_text(err));
	}
	close_all(&w);
	return err ? 1 : 0;
}
