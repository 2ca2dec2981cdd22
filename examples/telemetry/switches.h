/* SPDX-License-Identifier: MIT */
/* switches.h - who ran where and for how long, from the kernel's task switches. */
#ifndef TELEMETRY_SWITCHES_H
#define TELEMETRY_SWITCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/samples/ringshm_sched.h"

/* What a thread did in the interval. pid 0 is a CPU's own idle loop. */
struct sw_thread {
	uint32_t pid;
	uint32_t cpu; /* where it ran last */
	uint64_t ns;
	uint64_t longest_ns; /* without a switch */
	uint64_t turns;	     /* how often it got a CPU */
	uint64_t preempted;  /* how often it would have gone on */
	char comm[16];
	bool used;
};

/* What runs on a CPU now, and what the interval saw of it. */
struct sw_cpu {
	bool known; /* a switch was seen: we know who runs */
	uint32_t pid;
	char comm[16];
	uint64_t since_ns; /* the part not yet counted begins */
	uint64_t came_ns;  /* the switch that brought it */
	uint64_t switches; /* this interval */
	uint64_t idle_ns;  /* this interval */
	uint64_t seen_ns;  /* of this interval, that we can account for */
};

#define SW_THREADS 4096 /* told apart in one interval, a power of two; more are summed up as others */

struct sw_table {
	struct sw_cpu *cpus;
	unsigned int cpu_count;
	uint64_t bad; /* records that are none */
	struct sw_thread others;
	struct sw_thread threads[SW_THREADS];
	size_t thread_count;
};

/* NULL: no memory. */
struct sw_table *sw_table_create(unsigned int cpu_count);
void sw_table_destroy(struct sw_table *table);

/* One record as it came out of @cpu's lane. */
void sw_feed(struct sw_table *table, unsigned int cpu, const void *payload, uint32_t len);

/* Count in what has run until @now_ns without a switch. */
void sw_settle(struct sw_table *table, uint64_t now_ns);

/* The busiest threads, idle loops left out; at most @most pointers into the table. Returns how many. */
size_t sw_busiest(struct sw_table *table, const struct sw_thread **out, size_t most);

/* A new interval begins. */
void sw_clear(struct sw_table *table);

#endif
