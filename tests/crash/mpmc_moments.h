/* SPDX-License-Identifier: MIT */
/* Moments of an mpmc ring that can be gone back to: what happened until then, and what may happen from there on. */
#ifndef RINGSHM_TESTS_MPMC_MOMENTS_H
#define RINGSHM_TESTS_MPMC_MOMENTS_H

#include "mpmc_world.h"
#include "step.h"

#define VICTIM_RUN 0
#define OTHER_RUN 1
#define STARTS 5
#define WORLDS (STARTS * CAPACITY * WORLD_SCARS * (CAPACITY + 1))

struct moment {
	struct world world;
	struct step_saved steps;
	struct world_faults faults;
};

#define PLACE 200
extern char place[PLACE]; /* where we are, for people */

/* What `argv` asks for: nothing, or a planted fault, of which one failure is enough. False: no such fault. */
bool moments_begin(int argc, char **argv);
/* Nothing more can be learnt: the planted fault was found. */
bool moments_enough(void);
/* One in so many worlds: RINGSHM_CRASH_SHARE, or this. */
uint32_t moments_share(uint32_t usual);

void keep(struct moment *moment);
void go_back(const struct moment *moment);

/* One of the world's shapes by number ... */
void begin(uint32_t number);
/* ... of which every one comes, but those that come first are of all sorts. */
uint32_t shuffled(uint32_t i);
void add_place(const char *role, enum operation operation);

/* Somebody begins an operation, to be stepped through. */
void victim(enum operation operation);
bool victim_step(void);
void bystander(enum operation operation);
/* The victim's fate, as of now. */
void befall(enum fate fate, enum operation operation);
/* The others go on so far, then a victim that was stopped; is all well then? */
void settle(enum fate fate, uint32_t rounds, const char *more);
/* Is all well, with somebody who is what `what` says? */
void judge(const char *what);

/* A verdict of the caller's: what is wrong, or NULL. */
void judge_as(const char *wrong, const char *what);

/* Of all that was tried since the last answer. */
void answer(const char *question);
/* Another answer, of the program's own. */
void answer_also(bool good, const char *question);
/* What main() returns. */
int moments_end(void);

#endif
