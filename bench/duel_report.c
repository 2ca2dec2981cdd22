// SPDX-License-Identifier: MIT
/* The table of duels by class, and the same as JSON. */
#include "duel_report.h"

#include <math.h>

#include "duel_stats.h"

#define CLASS_LEAST 5u /* samples; a class seen more seldom than that has no table */

/* The most samples that any candidate has in the class. */
static unsigned int seen(const struct duel_result *r, enum floor_class class_)
{
	unsigned int most = 0;

	for (unsigned int i = 0; i < r->n_entries; i++) {
		unsigned int n = stats_row(r, i, class_).n;

		most = n > most ? n : most;
	}
	return most;
}

/* The floors of the class over all candidates' samples. */
static void floors(const struct duel_result *r, enum floor_class class_, double *f_ns, double *g_ns)
{
	double v[2][4096];
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->n_entries; i++)
		for (unsigned int k = 0; k < r->rounds && n < 4096; k++) {
			const struct duel_sample *s = &r->entries[i].samples[k];

			if (s->valid && s->class_ == class_) {
				v[0][n] = s->f_ns;
				v[1][n++] = s->g_ns;
			}
		}
	*f_ns = stats_median(v[0], n);
	*g_ns = stats_median(v[1], n);
}

static const char *between(const struct duel_result *r, const struct peer *peer)
{
	bool threads = r->duel->what == DUEL_CROWD ? r->duel->threads : peer->threads;

	return threads ? "threads" : "processes";
}

static void print_row(FILE *out, const struct duel_result *r, unsigned int i, enum floor_class class_)
{
	const struct duel_entry *e = &r->entries[i];
	struct stats_row row = stats_row(r, i, class_);

	if (e->left_out) {
		fprintf(out, "  %-24s %s\n", e->peer->name, e->left_out);
		return;
	}
	if (!row.n)
		return;
	fprintf(out, "  %-24s %-9s %5u %4u %10.1f", e->peer->name, between(r, e->peer), e->peer->batch, row.n, row.ns);
	if (r->duel->what == DUEL_ROUND_TRIP)
		fprintf(out, " %8.2f F\n", row.ns / row.f_ns);
	else
		fprintf(out, " %8.1f M/s %8.2f GB/s%s\n", 1000 / row.ns, r->duel->shape.size / row.ns,
			e->peer->crowd && e->peer->crowd->fifo ? "  strict FIFO" : "");
}

static void print_judgement(FILE *out, const struct judgement *j)
{
	if (j->verdict == VERDICT_NOBODY) {
		fprintf(out, "  -> %s against %s: nobody to compare\n", j->ours, j->theirs);
		return;
	}
	fprintf(out, "  -> %s is %.2f times %s (95%% sure of %.2f; %u pairs; target %.2f): %s\n", j->ours, j->median,
		j->theirs, j->lower95, j->n, j->figure, verdict_name(j->verdict));
}

static void print_class(FILE *out, const struct duel_result *r, enum floor_class class_)
{
	const struct peer_shape *shape = &r->duel->shape;
	double f_ns, g_ns;

	floors(r, class_, &f_ns, &g_ns);
	fprintf(out, "\n%s, %s\n", r->duel->title, floor_class_name(class_));
	fprintf(out, "  messages of %u bytes; rings of %u slots", shape->size, shape->slots);
	if (shape->bytes)
		fprintf(out, ", or of %llu KiB", (unsigned long long)shape->bytes / 1024);
	fprintf(out, "; F %.1f ns", f_ns);
	if (r->duel->what == DUEL_ROUND_TRIP)
		fprintf(out, ", G %.1f ns", g_ns);
	fprintf(out, "\n  %-24s %-9s %5s %4s %10s\n", "WHO", "BETWEEN", "BATCH", "N", "NS");
	for (unsigned int i = 0; i < r->n_entries; i++)
		print_row(out, r, i, class_);
	for (const struct duel_target *t = r->duel->targets; t->ours; t++) {
		struct judgement j = stats_judge(r, t, class_);

		print_judgement(out, &j);
	}
}

void duel_print(FILE *out, const struct duel_result *r)
{
	bool any = false;

	for (int c = 0; c < FLOOR_CLASSES; c++)
		if (seen(r, (enum floor_class)c) >= CLASS_LEAST) {
			print_class(out, r, (enum floor_class)c);
			any = true;
		}
	if (!any)
		fprintf(out, "\n%s\n  no class lasted for %u samples\n", r->duel->title, CLASS_LEAST);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *rounded(double x)
{
	return json_real(round(x * 1000) / 1000);
}

static json_t *row_json(const struct duel_result *r, unsigned int i, enum floor_class class_)
{
	const struct duel_entry *e = &r->entries[i];
	struct stats_row row = stats_row(r, i, class_);
	json_t *o = json_pack("{s:s, s:s, s:i, s:i}", "who", e->peer->name, "between", between(r, e->peer), "batch",
			      (int)e->peer->batch, "n", (int)row.n);

	if (e->left_out)
		json_object_set_new(o, "left_out", json_string(e->left_out));
	if (e->peer->crowd)
		json_object_set_new(o, "fifo", json_boolean(e->peer->crowd->fifo));
	if (!row.n)
		return o;
	json_object_set_new(o, "ns", rounded(row.ns));
	json_object_set_new(o, "floor_ns", rounded(row.f_ns));
	if (r->duel->what != DUEL_ROUND_TRIP)
		json_object_set_new(o, "messages_per_s", rounded(1e9 / row.ns));
	return o;
}

static json_t *judgement_json(const struct judgement *j)
{
	json_t *o = json_pack("{s:s, s:s, s:i, s:s}", "ours", j->ours, "theirs", j->theirs, "n", (int)j->n, "verdict",
			      verdict_name(j->verdict));

	json_object_set_new(o, "figure", rounded(j->figure));
	json_object_set_new(o, "median", rounded(j->median));
	json_object_set_new(o, "lower95", rounded(j->lower95));
	return o;
}

static json_t *class_json(const struct duel_result *r, enum floor_class class_)
{
	json_t *o = json_object(), *rows = json_array(), *targets = json_array();
	double f_ns, g_ns;

	floors(r, class_, &f_ns, &g_ns);
	json_object_set_new(o, "class", json_string(floor_class_name(class_)));
	json_object_set_new(o, "floor_ns", rounded(f_ns));
	if (r->duel->what == DUEL_ROUND_TRIP)
		json_object_set_new(o, "fresh_floor_ns", rounded(g_ns));
	for (unsigned int i = 0; i < r->n_entries; i++)
		json_array_append_new(rows, row_json(r, i, class_));
	for (const struct duel_target *t = r->duel->targets; t->ours; t++) {
		struct judgement j = stats_judge(r, t, class_);

		json_array_append_new(targets, judgement_json(&j));
	}
	json_object_set_new(o, "rows", rows);
	json_object_set_new(o, "targets", targets);
	return o;
}

json_t *duel_json(const struct duel_result *r)
{
	const struct duel_case *c = r->duel;
	static const char *const what[] = {"round trip", "one way", "crowd"};
	json_t *classes = json_array();

	for (int k = 0; k < FLOOR_CLASSES; k++)
		if (seen(r, (enum floor_class)k) >= CLASS_LEAST)
			json_array_append_new(classes, class_json(r, (enum floor_class)k));
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:i, s:b, s:o}", "case", c->name, "title", c->title,
			 "what", what[c->what], "crowd", (int)c->crowd, "size", (int)c->shape.size, "slots",
			 (int)c->shape.slots, "bytes", (json_int_t)c->shape.bytes, "rounds", (int)r->rounds, "realtime",
			 (int)r->realtime, "classes", classes);
}
