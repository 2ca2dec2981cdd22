// SPDX-License-Identifier: MIT
/* switches.c - who ran where and for how long: sums over the kernel's task switches. */
#include "switches.h"

#include <stdlib.h>
#include <string.h>

struct sw_table *sw_table_create(unsigned int cpu_count)
{
	struct sw_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->cpu_count = cpu_count;
	table->cpus = calloc(cpu_count, sizeof(*table->cpus));
	if (!table->cpus) {
		free(table);
		return NULL;
	}
	return table;
}

void sw_table_destroy(struct sw_table *table)
{
	if (!table)
		return;
	free(table->cpus);
	free(table);
}

/* Open addressing; a quarter stays empty, so the walk ends. */
static struct sw_thread *find(struct sw_table *table, uint32_t pid)
{
	size_t at = pid * 2654435761u % SW_THREADS;

	while (table->threads[at].used && table->threads[at].pid != pid)
		at = (at + 1) % SW_THREADS;
	if (table->threads[at].used)
		return &table->threads[at];
	if (table->thread_count >= SW_THREADS / 4 * 3)
		return &table->others;
	table->thread_count++;
	table->threads[at].used = true;
	table->threads[at].pid = pid;
	return &table->threads[at];
}

/* Count in what ran on @cpu up to @now_ns. Clocks of CPUs may differ a little: time never runs back. */
static void account(struct sw_table *table, unsigned int cpu, uint64_t now_ns)
{
	struct sw_cpu *c = &table->cpus[cpu];
	struct sw_thread *thread;
	uint64_t ran;

	if (!c->known || now_ns <= c->since_ns)
		return;
	ran = now_ns - c->since_ns;
	c->since_ns = now_ns;
	c->seen_ns += ran;
	if (!c->pid) {
		c->idle_ns += ran;
		return;
	}
	thread = find(table, c->pid);
	thread->cpu = cpu;
	thread->ns += ran;
	memcpy(thread->comm, c->comm, sizeof(thread->comm));
	if (now_ns - c->came_ns > thread->longest_ns)
		thread->longest_ns = now_ns - c->came_ns;
}

static void leaves(struct sw_table *table, const struct ringshm_sched_switch *record)
{
	struct sw_thread *thread;

	if (!record->prev_pid || record->prev_state)
		return;
	thread = find(table, record->prev_pid);
	memcpy(thread->comm, record->prev_comm, sizeof(thread->comm));
	thread->preempted++;
}

static void comes(struct sw_table *table, unsigned int cpu, const struct ringshm_sched_switch *record)
{
	struct sw_cpu *c = &table->cpus[cpu];
	struct sw_thread *thread;

	c->known = true;
	c->pid = record->next_pid;
	memcpy(c->comm, record->next_comm, sizeof(c->comm));
	c->comm[sizeof(c->comm) - 1] = '\0';
	c->since_ns = c->came_ns = record->ns;
	c->switches++;
	if (!c->pid)
		return;
	thread = find(table, c->pid);
	thread->cpu = cpu;
	thread->turns++;
	memcpy(thread->comm, c->comm, sizeof(thread->comm));
}

void sw_feed(struct sw_table *table, unsigned int cpu, const void *payload, uint32_t len)
{
	struct ringshm_sched_switch record;

	if (len != sizeof(record) || cpu >= table->cpu_count) {
		table->bad++;
		return;
	}
	memcpy(&record, payload, sizeof(record));
	record.prev_comm[sizeof(record.prev_comm) - 1] = '\0';
	/* records may have been dropped before this one: who left is not always who we thought ran */
	if (table->cpus[cpu].known && table->cpus[cpu].pid != record.prev_pid)
		table->cpus[cpu].known = false;
	account(table, cpu, record.ns);
	leaves(table, &record);
	comes(table, cpu, &record);
}

void sw_settle(struct sw_table *table, uint64_t now_ns)
{
	for (unsigned int cpu = 0; cpu < table->cpu_count; cpu++)
		account(table, cpu, now_ns);
}

static int busier(const void *a, const void *b)
{
	const struct sw_thread *x = *(const struct sw_thread *const *)a, *y = *(const struct sw_thread *const *)b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

size_t sw_busiest(struct sw_table *table, const struct sw_thread **out, size_t most)
{
	const struct sw_thread **all = malloc(SW_THREADS * sizeof(*all));
	size_t count = 0;

	if (!all)
		return 0;
	for (size_t i = 0; i < SW_THREADS; i++)
		if (table->threads[i].used)
			all[count++] = &table->threads[i];
	qsort(all, count, sizeof(*all), busier);
	if (count > most)
		count = most;
	memcpy(out, all, count * sizeof(*out));
	free(all);
	return count;
}

void sw_clear(struct sw_table *table)
{
	memset(table->threads, 0, sizeof(table->threads));
	memset(&table->others, 0, sizeof(table->others));
	table->thread_count = 0;
	for (unsigned int cpu = 0; cpu < table->cpu_count; cpu++) {
		table->cpus[cpu].switches = 0;
		table->cpus[cpu].idle_ns = 0;
		table->cpus[cpu].seen_ns = 0;
	}
}
