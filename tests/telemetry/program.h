/* SPDX-License-Identifier: MIT */
/* program.h - running the telemetry program from a test, under a limit, with its words kept. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

struct program {
	pid_t pid;
	int out, err; /* files that its standard output and error go to */
};

/* A directory for channels, in $RINGSHM_DIR from now on; removed by the second with all that is in it. */
void channels_begin(void);
void channels_remove(void);

/* The test fails if a channel is left. Not for a suite's .fini, where a failure counts for nothing. */
void channels_are_gone(void);

/* Run build/examples/telemetry/telemetry with these arguments, the last one NULL. */
void program_start(struct program *program, ...) __attribute__((sentinel));

/* Wait for its end, at most `seconds`; one that lasts longer is killed and fails the test. A waitpid() status. */
int program_wait(struct program *program, int seconds);

/* All that it wrote so far; good until the next call. */
const char *program_text(int fd);

/* Wait until it wrote `what`, at most `seconds`; else the test fails. */
void program_expect(const struct program *program, int fd, const char *what, int seconds);

/* Its child process with that name, at most `seconds` later; else the test fails. */
pid_t program_child(const struct program *program, const char *comm, int seconds);

/* Whether a process of that id exists and is not a zombie. */
bool process_lives(pid_t pid);

void sleep_ms(int ms);

#endif
