// SPDX-License-Identifier: MIT
/* lines.c - a sample as one plain line, for pipes and logs. */
#include "view.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define TOP_ON_A_LINE 3

static void print_time(FILE *out, uint64_t real_ns)
{
	time_t seconds = (time_t)(real_ns / 1000000000);
	struct tm tm;
	char text[16] = "--:--:--";

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	fprintf(out, "%s.%03u", text, (unsigned int)(real_ns / 1000000 % 1000));
}

static void print_cpu(FILE *out, const struct tel_cpu_rates *r)
{
	fprintf(out, "  cpu %s%% (us %s sy %s wa %s irq %s st %s)", TEL_RATE(r->busy, 1),
		TEL_RATE(r->user + r->nice, 1), TEL_RATE(r->system, 1), TEL_RATE(r->iowait, 1), TEL_RATE(r->irq, 1),
		TEL_RATE(r->steal, 1));
}

static void print_events(FILE *out, const struct tel_model *m)
{
	const struct tel_kernel_state *k = &m->kernel;

	fprintf(out, "  ctx %s/s  irq %s/s  fork %s/s  run %u blk %u", TEL_RATE(k->ctxt_per_s, 0),
		TEL_RATE(k->intr_per_s, 0), TEL_RATE(k->forks_per_s, 0), k->last.running, k->last.blocked);
	fprintf(out, "  rqwait %s ms/s", TEL_RATE(m->wait_ms_per_s, 1));
}

static void print_pressure(FILE *out, const struct tel_model *m)
{
	fprintf(out, "  psi cpu %s io %s mem %s", TEL_RATE(tel_pressure_share(m, PSI_CPU, PSI_SOME), 1),
		TEL_RATE(tel_pressure_share(m, PSI_IO, PSI_SOME), 1),
		TEL_RATE(tel_pressure_share(m, PSI_MEMORY, PSI_SOME), 1));
}

static void print_memory(FILE *out, const struct tel_model *m)
{
	const uint64_t *value = m->memory.value;
	uint32_t want = 1u << MEM_TOTAL | 1u << MEM_AVAILABLE;

	if (!tel_model_current(m, &m->memory.head) || (m->memory.present & want) != want ||
	    value[MEM_AVAILABLE] > value[MEM_TOTAL]) {
		fprintf(out, "  mem -");
		return;
	}
	fprintf(out, "  mem %s of %s", TEL_BYTES((value[MEM_TOTAL] - value[MEM_AVAILABLE]) * 1024),
		TEL_BYTES(value[MEM_TOTAL] * 1024));
}

static void print_top(FILE *out, const struct tel_view *view, struct tel_model *m)
{
	size_t want = view->top < TOP_ON_A_LINE ? view->top : TOP_ON_A_LINE;
	size_t count = tel_procs_rank(&m->procs, want);

	for (size_t i = 0; i < count; i++) {
		const struct tel_proc *proc = m->procs.busiest[i];
		char name[sizeof(proc->name)];

		if (!(proc->cpu_pct > 0))
			break;
		memcpy(name, proc->name, sizeof(name));
		tel_sanitize(name, view->ascii);
		fprintf(out, "%s %s(%u) %s%%", i ? "" : "  top", name, proc->last.pid, TEL_RATE(proc->cpu_pct, 1));
	}
}

static int lines_sample(struct tel_view *view, struct tel_model *m)
{
	FILE *out = view->out;

	print_time(out, m->begin.real_ns);
	print_cpu(out, &m->all.rates);
	print_events(out, m);
	print_pressure(out, m);
	print_memory(out, m);
	fprintf(out, "  procs %u", m->end.processes);
	if (m->end.dropped)
		fprintf(out, "  dropped %" PRIu64, m->end.dropped);
	print_top(out, view, m);
	fputc('\n', out);
	return tel_view_flush(view);
}

static int lines_note(struct tel_view *view, const char *text)
{
	fprintf(view->out, "note: %s\n", text);
	return tel_view_flush(view);
}

static int lines_open(struct tel_view *view)
{
	(void)view;
	return 0;
}

static int lines_idle(struct tel_view *view, struct tel_model *m)
{
	(void)view;
	(void)m;
	return 0;
}

static int lines_finish(struct tel_view *view, const struct tel_model *m)
{
	const struct tel_totals *t = &m->totals;

	fprintf(view->out, "telemetry: %" PRIu64 " samples, %" PRIu64 " records, %s", t->samples, t->records,
		TEL_BYTES(t->bytes));
	fprintf(view->out, ", %" PRIu64 " dropped, %" PRIu64 " incomplete samples", tel_model_dropped(m),
		t->incomplete);
	if (t->orphans || t->unknown || t->malformed)
		fprintf(view->out, ", %" PRIu64 " orphans, %" PRIu64 " of unknown type, %" PRIu64 " malformed",
			t->orphans, t->unknown, t->malformed);
	fputc('\n', view->out);
	return tel_view_flush(view);
}

const struct tel_view_ops tel_view_lines = {
	.open = lines_open,
	.sample = lines_sample,
	.note = lines_note,
	.idle = lines_idle,
	.finish = lines_finish,
};
