// SPDX-License-Identifier: MIT
/* json.c - a sample as one JSON object on a line of its own. */
#include "view.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

/* JSON has no word for "not known" but null. */
static void put_real(json_t *object, const char *key, double value)
{
	json_object_set_new(object, key, isnan(value) ? json_null() : json_real(value));
}

static void put_whole(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void put_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_string(text));
}

static json_t *cpu_rates(const struct tel_cpu_state *cpu)
{
	const struct tel_cpu_rates *r = &cpu->rates;
	json_t *object = json_object();

	put_real(object, "busy", r->busy);
	put_real(object, "user", r->user);
	put_real(object, "nice", r->nice);
	put_real(object, "system", r->system);
	put_real(object, "idle", r->idle);
	put_real(object, "iowait", r->iowait);
	put_real(object, "irq", r->irq);
	put_real(object, "steal", r->steal);
	put_real(object, "wait_ms_per_s", cpu->wait_ms_per_s);
	return object;
}

static json_t *all_cpus(const struct tel_model *m)
{
	json_t *list = json_array(), *cpu;

	for (size_t i = 0; i < m->ncpus; i++) {
		if (!tel_model_current(m, &m->cpus[i].last.head))
			continue;
		cpu = cpu_rates(&m->cpus[i]);
		put_whole(cpu, "cpu", i);
		json_array_append_new(list, cpu);
	}
	return list;
}

static json_t *events(const struct tel_model *m)
{
	const struct tel_kernel_state *k = &m->kernel;
	json_t *object = json_object();

	put_real(object, "switches_per_s", k->ctxt_per_s);
	put_real(object, "interrupts_per_s", k->intr_per_s);
	put_real(object, "softirqs_per_s", k->softirq_per_s);
	put_real(object, "forks_per_s", k->forks_per_s);
	put_whole(object, "running", k->last.running);
	put_whole(object, "blocked", k->last.blocked);
	return object;
}

static json_t *stall(const struct tel_model *m, enum tel_resource resource, enum tel_stall which)
{
	const struct tel_pressure *p = &m->pressure[resource].last;
	json_t *object;

	if (!(p->present & (1u << which)))
		return json_null();
	object = json_object();
	put_real(object, "share", tel_pressure_share(m, resource, which));
	put_real(object, "avg10", p->centi[which][PSI_AVG10] / 100.0);
	put_real(object, "avg60", p->centi[which][PSI_AVG60] / 100.0);
	put_real(object, "avg300", p->centi[which][PSI_AVG300] / 100.0);
	put_whole(object, "total_us", p->total_us[which]);
	return object;
}

static json_t *pressure(const struct tel_model *m)
{
	json_t *all = json_object(), *object;

	for (int i = 0; i < PSI_RESOURCES; i++) {
		if (!tel_model_current(m, &m->pressure[i].last.head))
			continue;
		object = json_object();
		json_object_set_new(object, "some", stall(m, i, PSI_SOME));
		json_object_set_new(object, "full", stall(m, i, PSI_FULL));
		json_object_set_new(all, tel_resource_names[i], object);
	}
	return all;
}

static json_t *memory(const struct tel_model *m)
{
	static const char *const names[MEM_FIELDS] = {
		[MEM_TOTAL] = "total_kib",	     [MEM_FREE] = "free_kib",	  [MEM_AVAILABLE] = "available_kib",
		[MEM_BUFFERS] = "buffers_kib",	     [MEM_CACHED] = "cached_kib", [MEM_SWAP_TOTAL] = "swap_total_kib",
		[MEM_SWAP_FREE] = "swap_free_kib",   [MEM_DIRTY] = "dirty_kib",	  [MEM_ANON] = "anon_kib",
		[MEM_SHMEM] = "shmem_kib",	     [MEM_SLAB] = "slab_kib",	  [MEM_HUGE_TOTAL] = "huge_pages",
		[MEM_HUGE_FREE] = "huge_pages_free",
	};
	json_t *object = json_object();

	for (int i = 0; i < MEM_FIELDS; i++) {
		if (m->memory.present & (1u << i))
			put_whole(object, names[i], m->memory.value[i]);
	}
	return object;
}

static json_t *process(const struct tel_proc *proc, uint32_t page_size)
{
	const struct tel_process *p = &proc->last;
	char state[2] = {(char)p->state, '\0'};
	json_t *object = json_object();

	tel_sanitize(state, 1);
	put_whole(object, "pid", p->pid);
	put_whole(object, "ppid", p->ppid);
	put_text(object, "name", proc->name);
	put_text(object, "state", state);
	put_real(object, "cpu", proc->cpu_pct);
	put_real(object, "wait_ms_per_s", proc->wait_ms_per_s);
	put_whole(object, "resident_bytes", p->rss_pages * page_size);
	put_whole(object, "threads", p->threads);
	put_whole(object, "on_cpu", p->cpu);
	return object;
}

static json_t *processes(const struct tel_view *view, struct tel_model *m)
{
	size_t count = tel_procs_rank(&m->procs, view->top);
	json_t *object = json_object(), *top = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(top, process(m->procs.busiest[i], m->begin.page_size));
	put_whole(object, "count", m->end.processes);
	put_whole(object, "vanished", m->end.vanished);
	put_whole(object, "denied", m->end.denied);
	json_object_set_new(object, "top", top);
	return object;
}

static json_t *ring(const struct tel_model *m)
{
	const struct tel_totals *t = &m->totals;
	json_t *object = json_object();

	put_whole(object, "records", t->records);
	put_whole(object, "bytes", t->bytes);
	put_whole(object, "dropped", tel_model_dropped(m));
	put_whole(object, "incomplete_samples", t->incomplete);
	put_whole(object, "orphans", t->orphans);
	put_whole(object, "unknown", t->unknown);
	put_whole(object, "malformed", t->malformed);
	put_whole(object, "late", tel_model_late(m));
	return object;
}

/* Print @object, which is NULL for want of memory, and drop it. */
static int print(struct tel_view *view, json_t *object)
{
	int err = object ? 0 : -ENOMEM;

	errno = 0;
	if (object && json_dumpf(object, view->out, JSON_COMPACT | JSON_REAL_PRECISION(14)))
		err = errno ? -errno : -EIO;
	json_decref(object);
	fputc('\n', view->out);
	return err ? err : tel_view_flush(view);
}

static int json_sample(struct tel_view *view, struct tel_model *m)
{
	json_t *object = json_object();

	put_text(object, "type", "sample");
	put_whole(object, "seq", m->begin.head.seq);
	put_real(object, "time", (double)(m->begin.real_ns / 1000) / 1e6);
	put_real(object, "interval_s", m->interval_s);
	put_whole(object, "sampler_pid", m->begin.sampler_pid);
	json_object_set_new(object, "cpu", cpu_rates(&m->all));
	json_object_set_new(object, "cpus", all_cpus(m));
	json_object_set_new(object, "events", events(m));
	put_real(object, "wait_ms_per_s", m->wait_ms_per_s);
	put_text(object, "wait_source", tel_wait_source_name(m->wait_source));
	json_object_set_new(object, "pressure", pressure(m));
	json_object_set_new(object, "memory", memory(m));
	json_object_set_new(object, "processes", processes(view, m));
	json_object_set_new(object, "ring", ring(m));
	return print(view, object);
}

static int json_note(struct tel_view *view, const char *text)
{
	json_t *object = json_object();

	put_text(object, "type", "note");
	put_text(object, "text", text);
	return print(view, object);
}

static int json_open(struct tel_view *view)
{
	(void)view;
	return 0;
}

static int json_idle(struct tel_view *view, struct tel_model *m)
{
	(void)view;
	(void)m;
	return 0;
}

static int json_finish(struct tel_view *view, const struct tel_model *m)
{
	json_t *object = json_object();

	put_text(object, "type", "end");
	put_whole(object, "samples", m->totals.samples);
	json_object_set_new(object, "ring", ring(m));
	return print(view, object);
}

const struct tel_view_ops tel_view_json = {
	.open = json_open,
	.sample = json_sample,
	.note = json_note,
	.idle = json_idle,
	.finish = json_finish,
};
