// SPDX-License-Identifier: MIT
/* table.c - a sample as a table of text lines; whoever paints them is elsewhere. */
#include "view.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CPU_ROWS_MIN 4

static void print_title(FILE *out, const struct tel_view *view, const struct tel_model *m)
{
	time_t seconds = (time_t)(m->begin.real_ns / 1000000000);
	struct tel_text every = {""};
	char clock[16] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	tel_format_duration(every.s, sizeof(every.s), (int64_t)m->begin.interval_ns);
	fprintf(out, "telemetry%s%s  sampler %u every %s  sample %" PRIu64 "  %s  (q quits)\n",
		view->channel[0] ? " " : "", view->channel, m->begin.sampler_pid, every.s, m->begin.head.seq, clock);
}

static void print_cpu_row(FILE *out, const char *label, const struct tel_cpu_state *cpu)
{
	const struct tel_cpu_rates *r = &cpu->rates;

	fprintf(out, "%5s %6s %6s %6s %6s %6s %6s %6s %10s\n", label, TEL_RATE(r->busy, 1), TEL_RATE(r->user, 1),
		TEL_RATE(r->nice, 1), TEL_RATE(r->system, 1), TEL_RATE(r->iowait, 1), TEL_RATE(r->irq, 1),
		TEL_RATE(r->steal, 1), TEL_RATE(cpu->wait_ms_per_s, 1));
}

/* CPUs off line, or lost with a full ring, are not of this sample. */
static void print_cpus(FILE *out, const struct tel_model *m, int rows)
{
	size_t hidden = 0;

	fprintf(out, "%5s %6s %6s %6s %6s %6s %6s %6s %10s\n", "cpu %", "busy", "user", "nice", "system", "iowait",
		"irq", "steal", "wait ms/s");
	print_cpu_row(out, "all", &m->all);
	for (size_t i = 0; i < m->ncpus; i++) {
		struct tel_text label;

		if (!tel_model_current(m, &m->cpus[i].last.head))
			continue;
		if (rows-- <= 0) {
			hidden++;
			continue;
		}
		snprintf(label.s, sizeof(label.s), "%zu", i);
		print_cpu_row(out, label.s, &m->cpus[i]);
	}
	if (hidden)
		fprintf(out, "      (%zu more CPUs)\n", hidden);
}

static void print_events(FILE *out, const struct tel_model *m)
{
	const struct tel_kernel_state *k = &m->kernel;

	fprintf(out, "per second: %s switches  %s interrupts  %s softirqs  %s forks\n", TEL_RATE(k->ctxt_per_s, 0),
		TEL_RATE(k->intr_per_s, 0), TEL_RATE(k->softirq_per_s, 0), TEL_RATE(k->forks_per_s, 0));
	fprintf(out, "tasks: %u processes, %u running, %u blocked; run-queue wait %s ms/s%s\n", m->end.processes,
		k->last.running, k->last.blocked, TEL_RATE(m->wait_ms_per_s, 1),
		m->wait_source == WAIT_PROCESSES ? " (first threads)" : "");
}

static void print_pressure(FILE *out, const struct tel_model *m)
{
	fprintf(out, "pressure %%:");
	for (int i = 0; i < PSI_RESOURCES; i++) {
		if (!tel_model_current(m, &m->pressure[i].last.head))
			continue;
		fprintf(out, "  %s some %s full %s", tel_resource_names[i],
			TEL_RATE(tel_pressure_share(m, i, PSI_SOME), 1),
			TEL_RATE(tel_pressure_share(m, i, PSI_FULL), 1));
	}
	fputc('\n', out);
}

static void print_memory_field(FILE *out, const struct tel_memory *memory, enum tel_mem field, const char *label)
{
	if (memory->present & (1u << field))
		fprintf(out, "  %s %s", label, TEL_BYTES(memory->value[field] * 1024));
}

static void print_memory(FILE *out, const struct tel_model *m)
{
	const struct tel_memory *memory = &m->memory;

	fprintf(out, "memory:");
	print_memory_field(out, memory, MEM_TOTAL, "total");
	print_memory_field(out, memory, MEM_AVAILABLE, "available");
	print_memory_field(out, memory, MEM_CACHED, "cached");
	print_memory_field(out, memory, MEM_ANON, "anon");
	print_memory_field(out, memory, MEM_DIRTY, "dirty");
	if (memory->value[MEM_SWAP_TOTAL])
		print_memory_field(out, memory, MEM_SWAP_FREE, "swap free");
	fputc('\n', out);
}

static void print_ring(FILE *out, const struct tel_view *view, const struct tel_model *m)
{
	fprintf(out,
		"ring: %" PRIu64 " records, %s, %" PRIu64 " dropped, %" PRIu64
		" incomplete samples; %u vanished, %u denied, %" PRIu64 " late\n",
		m->totals.records, TEL_BYTES(m->totals.bytes), m->end.dropped, m->totals.incomplete, m->end.vanished,
		m->end.denied, m->end.late);
	if (view->note[0])
		fprintf(out, "note: %s\n", view->note);
}

static void print_processes(FILE *out, const struct tel_view *view, struct tel_model *m)
{
	size_t count = tel_procs_rank(&m->procs, view->top);

	fprintf(out, "%7s %7s %s %7s %10s %10s %5s %3s  %s\n", "PID", "PPID", "S", "CPU %", "WAIT ms/s", "RESIDENT",
		"THR", "ON", "NAME");
	for (size_t i = 0; i < count; i++) {
		const struct tel_proc *proc = m->procs.busiest[i];
		const struct tel_process *p = &proc->last;
		char name[sizeof(proc->name)];

		memcpy(name, proc->name, sizeof(name));
		tel_sanitize(name, view->ascii);
		fprintf(out, "%7u %7u %c %7s %10s %10s %5u %3u  %s\n", p->pid, p->ppid, p->state,
			TEL_RATE(proc->cpu_pct, 1), TEL_RATE(proc->wait_ms_per_s, 1),
			TEL_BYTES(p->rss_pages * m->begin.page_size), p->threads, p->cpu, name);
	}
}

/* Copy @text line by line, no more and no longer than there is room for. */
static void clip(FILE *out, char *text, int rows, int cols)
{
	char *save, *line;

	for (line = strtok_r(text, "\n", &save); line && rows-- > 0; line = strtok_r(NULL, "\n", &save)) {
		tel_cut_columns(line, cols);
		fprintf(out, "%s\n", line);
	}
}

int tel_table_print(FILE *out, struct tel_view *view, struct tel_model *m, int rows, int cols)
{
	char *text = NULL;
	size_t size;
	FILE *all = open_memstream(&text, &size);
	int cpu_rows = rows / 4 > CPU_ROWS_MIN ? rows / 4 : CPU_ROWS_MIN;

	if (!all)
		return -ENOMEM;
	print_title(all, view, m);
	print_cpus(all, m, cpu_rows);
	print_events(all, m);
	print_pressure(all, m);
	print_memory(all, m);
	print_ring(all, view, m);
	print_processes(all, view, m);
	if (fclose(all)) {
		free(text);
		return -ENOMEM;
	}
	clip(out, text, rows, cols);
	free(text);
	return 0;
}
