/* SPDX-License-Identifier: MIT */
/* Run a function one instruction at a time, pause it between any two, and never go on with it: a death. */
#ifndef RINGSHM_TESTS_STEP_H
#define RINGSHM_TESTS_STEP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The function runs on a stack of its own with the processor's trap flag set; after each instruction the
 * kernel delivers SIGTRAP. What another process would see of one killed there is what is in memory then.
 * A run can be saved and gone back to any number of times, which tries every continuation of one moment.
 */
#define STEP_RUNS 2 /* at a time */
#define STEP_STACK 32768
#define STEP_SAVED 12288 /* bytes at a stack's end that are saved: signal frame and all */

struct step_saved {
	unsigned char stack[STEP_RUNS][STEP_SAVED];
	unsigned char state[STEP_RUNS][2048];
};

void step_init(void);
/* Prepare run `run`; nothing of it is executed yet. */
void step_begin(int run, void (*function)(void *), void *argument);
/* Go on for `n` instructions. False: it has returned. */
bool step_some(int run, unsigned int n);
/* Go on to its end, at full speed. */
void step_finish(int run);
/* Instructions so far. */
unsigned int step_count(int run);
void step_save(struct step_saved *saved);
void step_restore(const struct step_saved *saved);

#endif
