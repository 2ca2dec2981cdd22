/* SPDX-License-Identifier: MIT */
/* roles.h - what the program was asked for, and the three ways to run it. */
#ifndef TELEMETRY_ROLES_H
#define TELEMETRY_ROLES_H

#include <ringshm/ringshm.h>

#include <stdbool.h>

enum tel_format {
	FORMAT_AUTO,
	FORMAT_LINES,
	FORMAT_JSON
};

struct tel_options {
	const char *sampler; /* channel to sample into, or NULL */
	const char *viewer;  /* channel to view, or NULL; neither: both roles, two processes */
	bool kernel;	     /* task switches from the kernel instead */
	const char *proc;    /* "/proc" */
	int64_t interval_ns;
	int64_t duration_ns; /* 0: until told to end */
	uint64_t count;	     /* samples; 0: no limit */
	uint64_t capacity;   /* bytes of ring */
	size_t top;
	enum tel_format format;
};

/* All three return the program's exit status, with every complaint already said. */

/* Sample into @channel until the time, the count or a signal ends it. @quiet: half of a pair. */
int tel_run_sampler(struct ringshm *channel, const struct tel_options *options, bool quiet);

/* Show what comes out of @channel until it ends. @paired: the sampler says when. */
int tel_run_viewer(struct ringshm *channel, const struct tel_options *options, bool paired);

/* Both, as two child processes over an anonymous channel. */
int tel_run_pair(const struct tel_options *options);

/* What the kernel does, published by its sample module; no /proc and no sampler. */
int tel_run_kernel(const struct tel_options *options);

/* The channel's shape. */
void tel_channel_config(struct ringshm_config *config, const struct tel_options *options);

/* "telemetry: ..." on the standard error. */
void tel_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What an endpoint's final status means, in words. */
const char *tel_status_text(int status);

/* CLOCK_MONOTONIC, nanoseconds. */
int64_t tel_now_ns(void);

#endif
