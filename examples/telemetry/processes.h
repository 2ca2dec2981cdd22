/* SPDX-License-Identifier: MIT */
/* processes.h - every process's last record, its rates, and the busiest of them. */
#ifndef TELEMETRY_PROCESSES_H
#define TELEMETRY_PROCESSES_H

#include "record.h"

#include <stdbool.h>

struct tel_proc {
	struct tel_process last;
	char name[TEL_NAME_MAX + 1]; /* fit for a terminal */
	double cpu_pct;		     /* of one CPU; NAN: seen only once */
	double wait_ms_per_s;	     /* first thread, runnable but not running; NAN: not known */
	unsigned int missed;	     /* samples since it was last seen */
};

struct tel_proc_list {
	struct tel_proc *item;
	size_t count, cap;
};

struct tel_procs {
	struct tel_proc_list now;    /* this sample, as they come */
	struct tel_proc_list before; /* sorted by pid */
	bool before_complete;	     /* every process of that sample arrived */
	uint64_t before_ns;
	const struct tel_proc **busiest; /* into `before`, most CPU first */
	size_t busiest_cap;
};

/* What one sample did to the table. */
struct tel_procs_sum {
	size_t seen;
	double wait_ms_per_s; /* of all first threads; NAN: nobody's is known */
};

void tel_procs_free(struct tel_procs *procs);

/* A process of the current sample. -ENOMEM, or -EPROTO past any real number of processes. */
int tel_procs_add(struct tel_procs *procs, const struct tel_record *record, uint32_t tick_hz);

/*
 * The sample is over. @complete: none of its processes was lost, so those not
 * seen are gone and those new are younger than the last sample.
 */
int tel_procs_finish(struct tel_procs *procs, uint64_t sample_ns, bool complete, struct tel_procs_sum *sum);

/* The @want busiest into procs->busiest; returns how many there are. */
size_t tel_procs_rank(struct tel_procs *procs, size_t want);

#endif
