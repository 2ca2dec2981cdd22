/* SPDX-License-Identifier: MIT */
/* Running the example's programs: their output, their exit status, and a limit on their time. */
#ifndef MD_TEST_RUNNER_H
#define MD_TEST_RUNNER_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#define RUN_LIMIT_S 60 /* after which a program is killed */

struct run {
	pid_t pid;
	int out; /* read ends */
	int err;
	int status; /* exit status, 128 + signal, or -1: it had to be killed at the limit */
	char stdout_text[1 << 20];
	char stderr_text[1 << 14];
	json_t *json; /* standard output, if it is JSON */
};

/* Start md_NAME of the build tree with these arguments, the last one NULL. */
void run_start(struct run *run, const char *name, const char *const *args);

/* Collect its output until it ends; free with run_free(). */
void run_finish(struct run *run);
void run_free(struct run *run);

/* Both. */
void run_program(struct run *run, const char *name, const char *const *args);

/* A figure of the JSON output; -1 when it is not there or no integer. */
long long figure(const struct run *run, const char *name);

/* A file of the capture data that comes beside the sources, or $RINGSHM_CAPTURE; NULL: there is none. */
const char *real_capture(void);

#endif
