/* SPDX-License-Identifier: MIT */
/* What samples prove: medians, the lower bound of a median, and who is ahead of whom. */
#ifndef RINGSHM_BENCH_DUEL_STATS_H
#define RINGSHM_BENCH_DUEL_STATS_H

#include "duel.h"

#define STATS_PAIRS_LEAST 15u /* fewer paired ratios decide nothing */

/* Sorts v. 0 when there are none. */
double stats_median(double *v, unsigned int n);

/*
 * The lower end of the one-sided 95 % confidence interval of the median, by order statistics: holds for
 * any distribution. Sorts v. 0 when there are too few (below 5) to bound it at all.
 */
double stats_median_lower95(double *v, unsigned int n);

/* A candidate's median within a class; how many samples that was. */
struct stats_row {
	unsigned int n;
	double ns; /* a message or a round trip */
	double f_ns;
};

struct stats_row stats_row(const struct duel_result *r, unsigned int entry, enum floor_class class_);

enum verdict {
	VERDICT_AHEAD,
	VERDICT_BEHIND,
	VERDICT_UNDECIDED,
	VERDICT_NOBODY
};

/* A target held against the samples of one class. Ratios are of speeds: above 1, ours is the faster. */
struct judgement {
	const char *ours, *theirs; /* the names compared in the end */
	double figure;
	unsigned int n;	      /* rounds in which both have a sample of this class */
	double median;	      /* of the ratios within those rounds */
	double lower95;	      /* and its lower bound */
	enum verdict verdict; /* ahead: median >= figure and lower95 >= 0.95 figure, n >= STATS_PAIRS_LEAST */
};

struct judgement stats_judge(const struct duel_result *r, const struct duel_target *target, enum floor_class class_);
const char *verdict_name(enum verdict v);

#endif /* RINGSHM_BENCH_DUEL_STATS_H */
