/* SPDX-License-Identifier: MIT */
/* A child that is run one instruction or one system call at a time, and killed in between. */
#ifndef RINGSHM_TESTS_TRACED_H
#define RINGSHM_TESTS_TRACED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where the child is when a function below returns. */
enum traced_stop {
	TRACED_BETWEEN,	 /* two instructions */
	TRACED_ENTERING, /* a system call */
	TRACED_LEAVING,	 /* a system call */
	TRACED_MARK,	 /* traced_mark(), which the child has called */
	TRACED_ENDED,	 /* it has exited */
};

struct traced {
	pid_t pid;
	int status;	 /* exit status when ended, -signal when killed by another */
	uint64_t number; /* of the system call, when entering or leaving */
	uint64_t argument[6];
	int64_t result; /* when leaving */
	uint64_t debug; /* processor's register of watches that are on */
};

/* Tracer and traced on one processor: ten times as many steps a second. Also: may we trace at all? */
bool traced_init(void);
/* Start a child; it stands before the first instruction of `body`. False: tracing is not allowed here. */
bool traced_start(struct traced *t, int (*body)(void *), void *argument);
/* Called by the child: a place that its tracer waits for. */
void traced_mark(void);
/* Run to the next mark or to the end. */
enum traced_stop traced_run(struct traced *t);
enum traced_stop traced_step(struct traced *t);
/* Run to the next system call's entry or exit. */
enum traced_stop traced_syscall(struct traced *t);
/* `n` instructions; less if a mark or the end comes before. */
enum traced_stop traced_steps(struct traced *t, unsigned int n);
/* Stop behind the instruction that touches these 4 bytes of the child's (slot 0 or 1; NULL: no more). False: no. */
bool traced_watch(struct traced *t, unsigned int slot, const void *address);
void traced_kill(struct traced *t);

#endif
