// SPDX-License-Identifier: MIT
/* Medians, their lower bounds, paired ratios. */
#include "duel_stats.h"

#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stats_median(double *v, unsigned int n)
{
	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/*
 * Of n samples the number below the true median is binomial(n, 1/2). The k-th smallest is above the
 * median only if fewer than k are below it: take the largest k for which that has at most 5 %.
 */
double stats_median_lower95(double *v, unsigned int n)
{
	double term = 1, sum = 0;
	unsigned int k;

	qsort(v, n, sizeof(*v), by_value);
	for (unsigned int i = 0; i < n; i++)
		term /= 2;
	for (k = 0; k < n; k++) { /* sum: probability of at most k - 1 below; term: of exactly k */
		if (sum + term > 0.05)
			break;
		sum += term;
		term *= (double)(n - k) / (k + 1);
	}
	return k ? v[k - 1] : 0;
}

static bool counts(const struct duel_sample *s, enum floor_class class_)
{
	return s->valid && s->class_ == class_ && s->ns > 0;
}

struct stats_row stats_row(const struct duel_result *r, unsigned int entry, enum floor_class class_)
{
	const struct duel_sample *samples = r->entries[entry].samples;
	double *ns = (double *)calloc(2 * (size_t)r->rounds + 1, sizeof(*ns)), *f = ns + r->rounds;
	struct stats_row row = {0};

	if (!ns)
		return row;
	for (unsigned int i = 0; i < r->rounds; i++)
		if (counts(&samples[i], class_)) {
			ns[row.n] = samples[i].ns;
			f[row.n++] = samples[i].f_ns;
		}
	row.ns = stats_median(ns, row.n);
	row.f_ns = stats_median(f, row.n);
	free(ns);
	return row;
}

/* Which of the others are rivals. */
struct rivals {
	const char *name;
	bool fifo;   /* only those with one order for all */
	bool single; /* only those that move one at a time ... */
	bool bulk;   /* ... or only the others */
};

static const struct rivals many[] = {
	{DUEL_BEST_PEER, false, false, false},
	{DUEL_BEST_SINGLE, false, true, false},
	{DUEL_BEST_FIFO, true, true, false},
	{DUEL_BEST_FIFO_BULK, true, false, true},
};

static bool is_rival(const struct rivals *rivals, const struct duel_entry *e)
{
	const struct peer *p = e->peer;

	if (e->left_out || p->ours || p->bare || (rivals->fifo && !(p->crowd && p->crowd->fifo)))
		return false;
	return !(rivals->single && p->batch > 1) && !(rivals->bulk && p->batch == 1);
}

/* The fastest of the rivals in this class, or -1. */
static int best_of(const struct rivals *rivals, const struct duel_result *r, enum floor_class class_)
{
	double best_ns = 0;
	int best = -1;

	for (unsigned int i = 0; i < r->n_entries; i++) {
		struct stats_row row;

		if (!is_rival(rivals, &r->entries[i]))
			continue;
		row = stats_row(r, i, class_);
		if (row.n && (best < 0 || row.ns < best_ns)) {
			best = (int)i;
			best_ns = row.ns;
		}
	}
	return best;
}

static int find(const struct duel_result *r, const char *name)
{
	for (unsigned int i = 0; i < r->n_entries; i++)
		if (!r->entries[i].left_out && !strcmp(r->entries[i].peer->name, name))
			return (int)i;
	return -1;
}

static int find_rival(const struct duel_result *r, const char *name, enum floor_class class_)
{
	for (unsigned int i = 0; i < sizeof(many) / sizeof(*many); i++)
		if (!strcmp(name, many[i].name))
			return best_of(&many[i], r, class_);
	return find(r, name);
}

/* The ratio of speeds in one round, or 0 when one of them has no sample there. */
static double ratio(const struct duel_result *r, const struct duel_target *t, unsigned int round, int ours, int theirs,
		    enum floor_class class_)
{
	const struct duel_sample *mine = &r->entries[ours].samples[round], *other;

	if (!counts(mine, class_))
		return 0;
	if (!strcmp(t->theirs, DUEL_FLOOR_F))
		return mine->f_ns / mine->ns;
	if (!strcmp(t->theirs, DUEL_FLOOR_G))
		return mine->g_ns / mine->ns;
	if (theirs < 0)
		return 0;
	other = &r->entries[theirs].samples[round];
	return counts(other, class_) ? other->ns / mine->ns : 0;
}

static enum verdict judge(const struct judgement *j)
{
	if (j->n < STATS_PAIRS_LEAST)
		return j->n ? VERDICT_UNDECIDED : VERDICT_NOBODY;
	return j->median >= j->figure && j->lower95 >= 0.95 * j->figure ? VERDICT_AHEAD : VERDICT_BEHIND;
}

struct judgement stats_judge(const struct duel_result *r, const struct duel_target *t, enum floor_class class_)
{
	struct judgement j = {.ours = t->ours, .theirs = t->theirs, .figure = t->figure};
	int ours = find(r, t->ours), theirs = find_rival(r, t->theirs, class_);
	double *ratios = (double *)calloc(r->rounds + 1, sizeof(*ratios));

	for (unsigned int i = 0; ratios && ours >= 0 && i < r->rounds; i++) {
		double x = ratio(r, t, i, ours, theirs, class_);

		if (x > 0)
			ratios[j.n++] = x;
	}
	if (theirs >= 0)
		j.theirs = r->entries[theirs].peer->name;
	if (j.n) {
		j.median = stats_median(ratios, j.n);
		j.lower95 = stats_median_lower95(ratios, j.n);
	}
	j.verdict = judge(&j);
	free(ratios);
	return j;
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {"ahead", "behind", "undecided", "nobody to compare"};

	return names[v];
}
