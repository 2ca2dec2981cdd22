// SPDX-License-Identifier: MIT
/* processes.c - every process's last record, its rates, and the busiest of them. */
#include "processes.h"

#include "counter.h"
#include "units.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PROCS_MAX (1u << 22) /* Linux never has more process ids */
#define MISSED_MAX 8	     /* incomplete samples that a process may be absent from */

void tel_procs_free(struct tel_procs *procs)
{
	free(procs->now.item);
	free(procs->before.item);
	free(procs->busiest);
	*procs = (struct tel_procs){0};
}

static struct tel_proc *list_add(struct tel_proc_list *list)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 256;
		struct tel_proc *item = realloc(list->item, cap * sizeof(*item));

		if (!item)
			return NULL;
		list->item = item;
		list->cap = cap;
	}
	return &list->item[list->count++];
}

static int by_pid(const void *a, const void *b)
{
	const struct tel_proc *x = a, *y = b;

	return (x->last.pid > y->last.pid) - (x->last.pid < y->last.pid);
}

static const struct tel_proc *list_find(const struct tel_proc_list *list, uint32_t pid)
{
	struct tel_proc key = {.last.pid = pid};

	if (!list->count)
		return NULL;
	return bsearch(&key, list->item, list->count, sizeof(key), by_pid);
}

/* A pid may have passed to another process between two samples: the start time tells. */
static const struct tel_proc *find_before(const struct tel_procs *procs, const struct tel_process *process)
{
	const struct tel_proc *old = list_find(&procs->before, process->pid);

	return old && old->last.start == process->start ? old : NULL;
}

static double per_second(uint64_t before, uint64_t after, uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns <= from_ns)
		return NAN;
	return (double)tel_counter_delta(before, after) * 1e9 / (double)(to_ns - from_ns);
}

static void rate(struct tel_proc *proc, const struct tel_procs *procs, uint32_t tick_hz)
{
	static const struct tel_process unborn = {.present = PROCESS_SCHED};
	const struct tel_proc *old = find_before(procs, &proc->last);
	const struct tel_process *from = old ? &old->last : NULL, *to = &proc->last;
	uint64_t from_ns = old ? old->last.head.mono_ns : procs->before_ns;

	proc->cpu_pct = NAN;
	proc->wait_ms_per_s = NAN;
	if (!old && procs->before_complete)
		from = &unborn; /* it began since, so all it used is of this interval */
	if (!from)
		return;
	proc->cpu_pct =
		per_second(from->utime + from->stime, to->utime + to->stime, from_ns, to->head.mono_ns) * 100 / tick_hz;
	if (from->present & to->present & PROCESS_SCHED)
		proc->wait_ms_per_s = per_second(from->wait_ns, to->wait_ns, from_ns, to->head.mono_ns) / 1e6;
}

int tel_procs_add(struct tel_procs *procs, const struct tel_record *record, uint32_t tick_hz)
{
	struct tel_proc *proc;

	if (procs->now.count >= PROCS_MAX)
		return -EPROTO;
	proc = list_add(&procs->now);
	if (!proc)
		return -ENOMEM;
	proc->last = record->process;
	proc->missed = 0;
	memcpy(proc->name, record->text, sizeof(proc->name) - 1);
	proc->name[sizeof(proc->name) - 1] = '\0';
	tel_sanitize(proc->name, 0);
	rate(proc, procs, tick_hz);
	return 0;
}

/* Records were lost: who is not there may yet live, and its next record wants its last. */
static int carry_over(struct tel_procs *procs)
{
	size_t sorted = procs->now.count;

	for (size_t i = 0; i < procs->before.count; i++) {
		const struct tel_proc_list seen = {procs->now.item, sorted, 0};
		struct tel_proc *old = &procs->before.item[i], *copy;

		if (old->missed >= MISSED_MAX || list_find(&seen, old->last.pid))
			continue;
		copy = list_add(&procs->now);
		if (!copy)
			return -ENOMEM;
		*copy = *old;
		copy->missed++;
		copy->cpu_pct = NAN;
		copy->wait_ms_per_s = NAN;
	}
	if (procs->now.count > sorted)
		qsort(procs->now.item, procs->now.count, sizeof(*procs->now.item), by_pid);
	return 0;
}

static void add_up(const struct tel_proc_list *list, struct tel_procs_sum *sum)
{
	*sum = (struct tel_procs_sum){.seen = list->count, .wait_ms_per_s = NAN};
	for (size_t i = 0; i < list->count; i++) {
		double wait = list->item[i].wait_ms_per_s;

		if (isnan(wait))
			continue;
		sum->wait_ms_per_s = (isnan(sum->wait_ms_per_s) ? 0 : sum->wait_ms_per_s) + wait;
	}
}

int tel_procs_finish(struct tel_procs *procs, uint64_t sample_ns, bool complete, struct tel_procs_sum *sum)
{
	struct tel_proc_list spare;

	add_up(&procs->now, sum);
	if (procs->now.count)
		qsort(procs->now.item, procs->now.count, sizeof(*procs->now.item), by_pid);
	if (!complete && carry_over(procs))
		return -ENOMEM;
	spare = procs->before;
	spare.count = 0;
	procs->before = procs->now;
	procs->now = spare;
	procs->before_complete = complete;
	procs->before_ns = sample_ns;
	return 0;
}

/* Unknown rates last; ties by what each holds, then by pid, so that rows do not dance. */
static int by_cpu(const void *a, const void *b)
{
	const struct tel_proc *x = *(const struct tel_proc *const *)a;
	const struct tel_proc *y = *(const struct tel_proc *const *)b;
	double cx = isnan(x->cpu_pct) ? -1 : x->cpu_pct, cy = isnan(y->cpu_pct) ? -1 : y->cpu_pct;

	if (cx != cy)
		return cx < cy ? 1 : -1;
	if (x->last.rss_pages != y->last.rss_pages)
		return x->last.rss_pages < y->last.rss_pages ? 1 : -1;
	return by_pid(x, y);
}

size_t tel_procs_rank(struct tel_procs *procs, size_t want)
{
	size_t count = 0;

	if (procs->busiest_cap < procs->before.count) {
		const struct tel_proc **grown = realloc(procs->busiest, procs->before.cap * sizeof(*grown));

		if (!grown)
			return 0;
		procs->busiest = grown;
		procs->busiest_cap = procs->before.cap;
	}
	for (size_t i = 0; i < procs->before.count; i++) {
		if (!procs->before.item[i].missed)
			procs->busiest[count++] = &procs->before.item[i];
	}
	if (count)
		qsort(procs->busiest, count, sizeof(*procs->busiest), by_cpu);
	return count < want ? count : want;
}
