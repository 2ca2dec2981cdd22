/* SPDX-License-Identifier: MIT */
/* What the unit tests share: a directory of channels of their own, children, and demands on sentences. */
#ifndef RINGSHM_TESTS_FIXTURE_H
#define RINGSHM_TESTS_FIXTURE_H

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <ringshm/ringshm.h>

#define ALL_ACCESS (RINGSHM_OBSERVER | RINGSHM_CONSUMER | RINGSHM_PRODUCER)
#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define NOBODY 65534u

/* Every test has channels of its own, in a directory that goes with it. */
void scratch_make(void);
void scratch_remove(void);
const char *scratch_path(void);
/* "<scratch>/<channel>[/<file>]", in a buffer that the next call uses again. */
const char *path_of(const char *channel, const char *file);
/* Leave a test that cannot run here; Criterion runs no .fini after a skip. */
#define SKIP(why)                  \
	do {                       \
		scratch_remove();  \
		cr_skip_test(why); \
	} while (0)
/* Entries of the scratch directory, hidden ones included. */
int count_entries(void);

/* A named spsc channel of 4096 bytes, or as configured; the test fails when it cannot be made. */
struct ringshm_config small_config(void);
struct ringshm *make_channel(const char *name, uint64_t features);
struct ringshm *make_anonymous(uint64_t features);

/* Both ends of a ring, opened by this thread. */
struct ends {
	struct ringshm *channel;
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
};

void open_ends(struct ends *ends, struct ringshm *channel);
void close_ends(struct ends *ends);

/* The call has failed with `error`, and its sentence for people has all of these words. */
void expect_failure(int result, int error, const char *const *words, const char *call, int line);
#define EXPECT_FAILURE(call, error, ...) \
	expect_failure((call), (error), (const char *const[]){__VA_ARGS__, NULL}, #call, __LINE__)

/*
 * Run `function` in a child: its exit status, or -signal; -1000 when it does not end in 20 s.
 * A child says what is wrong by its return value (not 0) and on stderr; it never uses cr_assert.
 */
int in_child(int (*function)(void *), void *argument);
pid_t start_child(int (*function)(void *), void *argument);
int end_of(pid_t child);
/* In a child: complain and return `line`, which becomes the exit status. */
int wrong(int line, const char *what);
#define CHECK(what)                                    \
	do {                                           \
		if (!(what))                           \
			return wrong(__LINE__, #what); \
	} while (0)

/* Is it really dead to touch? True when reading or writing a byte there raises SIGSEGV or SIGBUS. */
bool write_faults(volatile void *address);

uint64_t now_ns(void);
void sleep_ns(int64_t ns);
bool am_root(void);

#endif
