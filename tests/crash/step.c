// SPDX-License-Identifier: MIT
// Single-stepping inside one process: SIGTRAP after every instruction, contexts that are switched and copied.
#include "step.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100

struct run {
	ucontext_t context;
	void (*function)(void *);
	void *argument;
	unsigned int count;
	bool ended;
};

_Static_assert(sizeof(struct run) <= sizeof(((struct step_saved *)NULL)->state[0]), "step_saved is too small");

static struct run runs[STEP_RUNS];
static unsigned char stacks[STEP_RUNS][STEP_STACK] __attribute__((aligned(STEP_STACK)));
static ucontext_t caller;
static int current;
static unsigned int budget; /* instructions left; 0: no more steps, run */

static void after_instruction(int number, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;
	struct run *run = &runs[current];

	(void)number, (void)info;
	run->count++;
	if (--budget == 0)
		swapcontext(&run->context, &caller);
	if (budget == 0) /* resumed to run freely */
		interrupted->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void body(int number)
{
	struct run *run = &runs[number];

	if (budget)
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "cc", "memory");
	run->function(run->argument);
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "cc", "memory");
	run->ended = true;
	setcontext(&caller);
}

void step_init(void)
{
	struct sigaction action = {.sa_sigaction = after_instruction, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGTRAP, &action, NULL);
}

void step_begin(int number, void (*function)(void *), void *argument)
{
	struct run *run = &runs[number];

	memset(run, 0, sizeof(*run));
	run->function = function;
	run->argument = argument;
	getcontext(&run->context);
	run->context.uc_stack.ss_sp = stacks[number];
	run->context.uc_stack.ss_size = STEP_STACK;
	makecontext(&run->context, (void (*)(void))body, 1, number);
}

static void go(int number, unsigned int n)
{
	int before = current;

	current = number;
	budget = n;
	swapcontext(&caller, &runs[number].context);
	current = before;
}

bool step_some(int number, unsigned int n)
{
	if (!runs[number].ended)
		go(number, n);
	return !runs[number].ended;
}

void step_finish(int number)
{
	if (!runs[number].ended)
		go(number, 0);
}

unsigned int step_count(int number)
{
	return runs[number].count;
}

void step_save(struct step_saved *saved)
{
	for (int i = 0; i < STEP_RUNS; i++) {
		memcpy(saved->stack[i], stacks[i] + STEP_STACK - STEP_SAVED, STEP_SAVED);
		memcpy(saved->state[i], &runs[i], sizeof(runs[i]));
	}
}

void step_restore(const struct step_saved *saved)
{
	for (int i = 0; i < STEP_RUNS; i++) {
		memcpy(stacks[i] + STEP_STACK - STEP_SAVED, saved->stack[i], STEP_SAVED);
		memcpy(&runs[i], saved->state[i], sizeof(runs[i]));
	}
}
