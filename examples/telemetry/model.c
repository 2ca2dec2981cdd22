// SPDX-License-Identifier: MIT
/* model.c - records in, rates out: what a viewer knows of the machine. */
#include "model.h"

#include "counter.h"
#include "units.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct tel_cpu_rates no_rates = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};

static void cpu_state_init(struct tel_cpu_state *cpu)
{
	*cpu = (struct tel_cpu_state){.rates = no_rates, .wait_ms_per_s = NAN};
}

void tel_model_init(struct tel_model *model)
{
	*model = (struct tel_model){.interval_s = NAN, .wait_ms_per_s = NAN};
	cpu_state_init(&model->all);
	model->kernel = (struct tel_kernel_state){
		.ctxt_per_s = NAN, .intr_per_s = NAN, .softirq_per_s = NAN, .forks_per_s = NAN};
	for (int i = 0; i < PSI_RESOURCES; i++) {
		model->pressure[i].share[PSI_SOME] = NAN;
		model->pressure[i].share[PSI_FULL] = NAN;
	}
}

void tel_model_free(struct tel_model *model)
{
	tel_procs_free(&model->procs);
	free(model->cpus);
	tel_model_init(model);
}

static double per_second(const struct tel_head *from, const struct tel_head *to, uint64_t before, uint64_t after)
{
	if (!from->seq || to->mono_ns <= from->mono_ns)
		return NAN;
	return (double)tel_counter_delta(before, after) * 1e9 / (double)(to->mono_ns - from->mono_ns);
}

/* State of CPU @n, or NULL: no memory, or no such CPU can be. */
static struct tel_cpu_state *cpu_state(struct tel_model *model, uint32_t n)
{
	struct tel_cpu_state *grown;

	if (n == TEL_CPU_ALL)
		return &model->all;
	if (n >= TEL_CPUS_MAX)
		return NULL;
	if (n >= model->ncpus) {
		grown = realloc(model->cpus, (n + 1) * sizeof(*grown));
		if (!grown)
			return NULL;
		for (size_t i = model->ncpus; i <= n; i++)
			cpu_state_init(&grown[i]);
		model->cpus = grown;
		model->ncpus = n + 1;
	}
	return &model->cpus[n];
}

/*
 * Shares of what was accounted, not of the clock: the two differ by a tick or
 * so, and only the first always adds up to 100. The guest columns are already
 * part of user and nice.
 */
static void cpu_rates(struct tel_cpu_state *cpu, const struct tel_cpu *now)
{
	double d[TICK_STEAL + 1], total = 0;
	struct tel_cpu_rates *r = &cpu->rates;

	for (int i = 0; i <= TICK_STEAL; i++) {
		d[i] = (double)tel_counter_delta(cpu->last.ticks[i], now->ticks[i]);
		total += d[i];
	}
	*r = no_rates;
	if (!cpu->last.head.seq || total <= 0)
		return;
	for (int i = 0; i <= TICK_STEAL; i++)
		d[i] *= 100 / total;
	*r = (struct tel_cpu_rates){
		.busy = 100 - d[TICK_IDLE] - d[TICK_IOWAIT],
		.user = d[TICK_USER],
		.nice = d[TICK_NICE],
		.system = d[TICK_SYSTEM],
		.idle = d[TICK_IDLE],
		.iowait = d[TICK_IOWAIT],
		.irq = d[TICK_IRQ] + d[TICK_SOFTIRQ],
		.steal = d[TICK_STEAL],
	};
	if (r->busy < 0)
		r->busy = 0; /* rounding */
}

static int feed_cpu(struct tel_model *model, const struct tel_cpu *now)
{
	struct tel_cpu_state *cpu = cpu_state(model, now->cpu);

	if (!cpu)
		return now->cpu >= TEL_CPUS_MAX ? -EPROTO : -ENOMEM;
	cpu_rates(cpu, now);
	cpu->last = *now;
	return 0;
}

static int feed_sched(struct tel_model *model, const struct tel_sched *now)
{
	struct tel_cpu_state *cpu = now->cpu == TEL_CPU_ALL ? NULL : cpu_state(model, now->cpu);

	if (!cpu)
		return now->cpu >= TEL_CPUS_MAX ? -EPROTO : -ENOMEM;
	cpu->wait_ms_per_s = per_second(&cpu->sched.head, &now->head, cpu->sched.wait_ns, now->wait_ns) / 1e6;
	cpu->sched = *now;
	return 0;
}

static void feed_kernel(struct tel_kernel_state *k, const struct tel_kernel *now)
{
	const struct tel_kernel *old = &k->last;
	const struct {
		uint32_t bit;
		uint64_t before, after;
		double *rate;
	} fields[] = {
		{KERNEL_CTXT, old->ctxt, now->ctxt, &k->ctxt_per_s},
		{KERNEL_INTR, old->intr, now->intr, &k->intr_per_s},
		{KERNEL_SOFTIRQ, old->softirq, now->softirq, &k->softirq_per_s},
		{KERNEL_FORKS, old->forks, now->forks, &k->forks_per_s},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		*fields[i].rate = NAN;
		if (old->present & now->present & fields[i].bit)
			*fields[i].rate = per_second(&old->head, &now->head, fields[i].before, fields[i].after);
	}
	k->last = *now;
}

static void feed_pressure(struct tel_pressure_state *p, const struct tel_pressure *now)
{
	for (int i = 0; i < PSI_STALLS; i++) {
		p->share[i] = NAN;
		if (p->last.present & now->present & (1u << i))
			p->share[i] =
				per_second(&p->last.head, &now->head, p->last.total_us[i], now->total_us[i]) / 1e4;
	}
	p->last = *now;
}

/* One run-queue figure for the machine, from the best source there is. */
static void add_up_wait(struct tel_model *model, const struct tel_procs_sum *procs)
{
	double sum = NAN;

	for (size_t i = 0; i < model->ncpus; i++) {
		const struct tel_cpu_state *cpu = &model->cpus[i];

		if (tel_model_current(model, &cpu->sched.head) && !isnan(cpu->wait_ms_per_s))
			sum = (isnan(sum) ? 0 : sum) + cpu->wait_ms_per_s;
	}
	model->wait_source = isnan(sum) ? WAIT_UNKNOWN : WAIT_SCHEDSTAT;
	if (isnan(sum) && !isnan(procs->wait_ms_per_s)) {
		sum = procs->wait_ms_per_s;
		model->wait_source = WAIT_PROCESSES;
	}
	model->wait_ms_per_s = sum;
}

static int finish_sample(struct tel_model *model, bool complete)
{
	struct tel_procs_sum sum;
	int err = tel_procs_finish(&model->procs, model->begin.head.mono_ns, complete, &sum);

	model->in_sample = false;
	if (err)
		return err;
	add_up_wait(model, &sum);
	model->totals.incomplete += !complete;
	return 0;
}

static int feed_begin(struct tel_model *model, const struct tel_begin *begin)
{
	int err = 0;

	if (model->in_sample) /* its end was lost */
		err = finish_sample(model, false);
	if (begin->sampler_pid != model->begin.sampler_pid)
		model->previous_ns = 0;
	else
		model->previous_ns = model->begin.head.mono_ns;
	model->interval_s = NAN;
	if (model->previous_ns && begin->head.mono_ns > model->previous_ns)
		model->interval_s = (double)(begin->head.mono_ns - model->previous_ns) / 1e9;
	model->begin = *begin;
	model->in_sample = true;
	model->received = 1;
	model->received_processes = 0;
	return err;
}

static int feed_end(struct tel_model *model, const struct tel_end *end)
{
	/* TEL_END itself is in `received`, but not in end->records */
	bool complete = model->received - 1 == end->records && model->received_processes == end->processes;
	int err = finish_sample(model, complete);

	if (err)
		return err;
	model->end = *end;
	model->totals.samples++;
	return EVENT_SAMPLE;
}

static int feed_process(struct tel_model *model, const struct tel_record *record)
{
	model->received_processes++;
	return tel_procs_add(&model->procs, record, model->begin.tick_hz);
}

static int feed_in_sample(struct tel_model *model, const struct tel_record *record)
{
	switch (record->type) {
	case TEL_CPU:
		return feed_cpu(model, &record->cpu);
	case TEL_KERNEL:
		feed_kernel(&model->kernel, &record->kernel);
		return 0;
	case TEL_SCHED:
		return feed_sched(model, &record->sched);
	case TEL_PRESSURE:
		feed_pressure(&model->pressure[record->pressure.resource], &record->pressure);
		return 0;
	case TEL_MEMORY:
		model->memory = record->memory;
		return 0;
	case TEL_PROCESS:
		return feed_process(model, record);
	case TEL_END:
		return feed_end(model, &record->end);
	default:
		return 0;
	}
}

static int feed_note(struct tel_model *model, const struct tel_record *record)
{
	memcpy(model->note, record->text, sizeof(model->note));
	tel_sanitize(model->note, 0);
	return EVENT_NOTE;
}

static int feed(struct tel_model *model, const struct tel_record *record)
{
	switch (record->type) {
	case TEL_BEGIN:
		return feed_begin(model, &record->begin);
	case TEL_NOTE:
		return feed_note(model, record);
	case TEL_GOODBYE:
		model->goodbye = record->goodbye;
		return EVENT_GOODBYE;
	default:
		break;
	}
	if (!model->in_sample || !tel_model_current(model, &record->head)) {
		model->totals.orphans++;
		return 0;
	}
	return feed_in_sample(model, record);
}

int tel_model_feed(struct tel_model *model, unsigned int type, const void *payload, size_t len)
{
	struct tel_record record;
	int err = tel_record_decode(&record, type, payload, len);

	model->totals.records++;
	model->totals.bytes += len;
	model->received++;
	if (err == -ENOTSUP) {
		model->totals.unknown++;
		return 0;
	}
	if (!err)
		err = feed(model, &record);
	if (err == -EPROTO) {
		model->totals.malformed++;
		return 0;
	}
	return err;
}
