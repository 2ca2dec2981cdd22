/* SPDX-License-Identifier: MIT */
/* model.h - records in, rates out: what a viewer knows of the machine. */
#ifndef TELEMETRY_MODEL_H
#define TELEMETRY_MODEL_H

#include "processes.h"
#include "record.h"

#include <stdbool.h>

#define TEL_CPUS_MAX 8192 /* the most that Linux can be built for */

/* Every rate is NAN while it is not known. Shares are percent. */
struct tel_cpu_rates {
	double busy, user, nice, system, idle, iowait, irq, steal;
};

struct tel_cpu_state {
	struct tel_cpu last;
	struct tel_cpu_rates rates;
	struct tel_sched sched;
	double wait_ms_per_s; /* tasks runnable on this CPU, but not running */
};

struct tel_kernel_state {
	struct tel_kernel last;
	double ctxt_per_s, intr_per_s, softirq_per_s, forks_per_s;
};

struct tel_pressure_state {
	struct tel_pressure last;
	double share[PSI_STALLS]; /* percent of the interval in stall */
};

enum tel_wait_source {
	WAIT_UNKNOWN,
	WAIT_SCHEDSTAT, /* the CPUs' run queues */
	WAIT_PROCESSES, /* first threads only, where the kernel has no schedstat */
};

enum tel_event {
	EVENT_NONE,
	EVENT_SAMPLE, /* a sample is whole as far as it arrived: show it */
	EVENT_NOTE,   /* model->note has a sentence for people */
	EVENT_GOODBYE,
};

struct tel_totals {
	uint64_t samples;    /* with their end seen */
	uint64_t incomplete; /* of which some record was lost */
	uint64_t records;
	uint64_t bytes;	  /* of payload */
	uint64_t orphans; /* records whose sample's beginning was lost */
	uint64_t unknown; /* of a type that only newer programs know */
	uint64_t malformed;
};

struct tel_model {
	bool in_sample;
	uint32_t received; /* records of this sample */
	uint32_t received_processes;
	struct tel_begin begin;
	struct tel_end end;
	struct tel_goodbye goodbye;
	uint64_t previous_ns; /* when the last sample began; 0: none */
	double interval_s;    /* between the last two; NAN: one only */
	struct tel_cpu_state all;
	struct tel_cpu_state *cpus; /* by number; last.head.seq tells if it is on line */
	size_t ncpus;
	struct tel_kernel_state kernel;
	struct tel_pressure_state pressure[PSI_RESOURCES];
	struct tel_memory memory;
	struct tel_procs procs;
	double wait_ms_per_s;
	enum tel_wait_source wait_source;
	char note[TEL_NOTE_MAX + 1];
	struct tel_totals totals;
};

void tel_model_init(struct tel_model *model);
void tel_model_free(struct tel_model *model);

/*
 * One record as it came out of the ring: an enum tel_event, or -ENOMEM. A
 * malformed or unknown record is counted and passed over.
 */
int tel_model_feed(struct tel_model *model, unsigned int type, const void *payload, size_t len);

/* Whether @head is of the sample that was last begun. */
static inline bool tel_model_current(const struct tel_model *model, const struct tel_head *head)
{
	return head->seq && head->seq == model->begin.head.seq;
}

/* Samples that the sampler left out, as last heard of. */
static inline uint64_t tel_model_late(const struct tel_model *model)
{
	return model->goodbye.head.seq ? model->goodbye.late : model->end.late;
}

/* Records that the sampler lost to a full ring, as last heard of. */
static inline uint64_t tel_model_dropped(const struct tel_model *model)
{
	return model->goodbye.head.seq ? model->goodbye.dropped : model->end.dropped;
}

#endif
