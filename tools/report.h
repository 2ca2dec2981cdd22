/* SPDX-License-Identifier: MIT */
/* How the subcommands talk: errors to people, figures as text or JSON. */
#ifndef RINGSHM_TOOLS_REPORT_H
#define RINGSHM_TOOLS_REPORT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include <ringshm/ringshm.h>

/* Prints "ringshm: ..." on standard error and returns EXIT_FAILED. */
__attribute__((format(printf, 1, 2))) int report_failure(const char *format, ...);

/* Prints what the library says of its last failure, `error` being what it returned; the exit code for it. */
int report_library_failure(int error);

/* Writes `value` to standard output and drops it; EXIT_DONE, or EXIT_FAILED when it cannot be written. */
int report_json(json_t *value);

/* EXIT_DONE, or EXIT_FAILED with a sentence when standard output could not take everything (a full disk). */
int report_end(void);

/* The same on one line. */
int report_json_line(json_t *value);

/* A real number rounded for people: to 1/100. */
json_t *report_real(double value);

/*
 * A name from shared memory, of at most `length` bytes and maybe without an end: whatever could upset a terminal
 * or a reader of UTF-8 becomes '?'. `text` has room for `size` and is returned.
 */
char *report_printable(char *text, size_t size, const char *name, size_t length);

/* CLOCK_MONOTONIC, ns. */
int64_t report_now(void);

/* "64 KiB", "4 MiB", "1000 B": `text` has room for 32 characters and is returned. */
char *report_bytes(char *text, uint64_t bytes);

/* Reads "65536", "64K", "64k", "64KiB", "4M", "1G". 0, or -EINVAL. */
int report_parse_bytes(const char *text, uint64_t *bytes);

/*
 * Opens a channel in order to look at it: as a consumer could, because who may only look cannot ask who
 * is alive, or else as an observer. 0, or the library's error.
 */
int report_open(struct ringshm **channel, const char *name);

/* "open", "shut down", "removed", "ended": what ringshm_info.state says. */
const char *report_state(uint32_t state);

/* What became of one backend, as JSON, and that as a line or two of text. */
json_t *report_trial(const struct ringshm_backend_trial *trial);
void report_trial_text(const json_t *trial);

/* "producer", "consumer" */
const char *report_role(uint32_t role);

/* Calls visit() for each seat that is taken, producers first. 0 or the library's error. */
int report_participants(struct ringshm *channel, void (*visit)(const struct ringshm_participant_info *, void *),
			void *arg);

#endif /* RINGSHM_TOOLS_REPORT_H */
