// SPDX-License-Identifier: MIT
// ptrace(2), as far as the crash tests need it.
#include "traced.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* A breakpoint: one instruction, where raise() takes a hundred. */
void traced_mark(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("int3" ::: "memory");
#else
	raise(SIGTRAP);
#endif
}

/* SIGTRAP of a mark, and not of a single step? */
static bool is_mark(pid_t pid)
{
	siginfo_t info;

	return !ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) && (info.si_code == SI_KERNEL || info.si_code == SI_TKILL);
}

bool traced_start(struct traced *t, int (*body)(void *), void *argument)
{
	int status;

	memset(t, 0, sizeof(*t));
	t->pid = fork();
	if (t->pid < 0)
		return false;
	if (!t->pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(99);
		raise(SIGSTOP);
		_exit(body(argument));
	}
	if (waitpid(t->pid, &status, 0) != t->pid || !WIFSTOPPED(status))
		return false;
	return !ptrace(PTRACE_SETOPTIONS, t->pid, NULL, (void *)(long)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD));
}

static enum traced_stop at_syscall(struct traced *t)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, (void *)sizeof(info), &info) <= 0)
		return TRACED_BETWEEN;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		t->number = info.entry.nr;
		memcpy(t->argument, info.entry.args, sizeof(t->argument));
		return TRACED_ENTERING;
	}
	t->result = info.exit.rval;
	return TRACED_LEAVING;
}

/* Go on by `request` to where the next of our stops is; signals of others are passed on. */
static enum traced_stop go_on(struct traced *t, int request)
{
	long signal = 0;
	int status;

	for (;;) {
		if (ptrace((enum __ptrace_request)request, t->pid, NULL, (void *)signal))
			return TRACED_ENDED;
		if (waitpid(t->pid, &status, 0) != t->pid)
			return TRACED_ENDED;
		if (!WIFSTOPPED(status)) {
			t->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
			t->pid = 0;
			return TRACED_ENDED;
		}
		signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80))
			return at_syscall(t);
		if (signal == SIGTRAP)
			return is_mark(t->pid) ? TRACED_MARK : TRACED_BETWEEN;
	}
}

enum traced_stop traced_run(struct traced *t)
{
	return go_on(t, PTRACE_CONT);
}

enum traced_stop traced_step(struct traced *t)
{
	return go_on(t, PTRACE_SINGLESTEP);
}

enum traced_stop traced_syscall(struct traced *t)
{
	return go_on(t, PTRACE_SYSCALL);
}

enum traced_stop traced_steps(struct traced *t, unsigned int n)
{
	enum traced_stop stop = TRACED_BETWEEN;

	while (n-- && stop == TRACED_BETWEEN)
		stop = traced_step(t);
	return stop;
}

void traced_kill(struct traced *t)
{
	if (t->pid <= 0)
		return;
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	t->pid = 0;
}

#if defined(__x86_64__) || defined(__i386__)
static bool set_debug_register(const struct traced *t, unsigned int number, uint64_t value)
{
	return !ptrace(PTRACE_POKEUSER, t->pid, offsetof(struct user, u_debugreg) + number * sizeof(long), value);
}

bool traced_watch(struct traced *t, unsigned int slot, const void *address)
{
	const uint64_t reads_and_writes = 3, four_bytes = 3;
	uint64_t on = UINT64_C(1) << 2 * slot | (reads_and_writes | four_bytes << 2) << (16 + 4 * slot);

	t->debug &= ~on;
	if (!set_debug_register(t, 7, t->debug))
		return false;
	if (!address)
		return true;
	t->debug |= on;
	return set_debug_register(t, slot, (uintptr_t)address) && set_debug_register(t, 7, t->debug);
}
#else
bool traced_watch(struct traced *t, unsigned int slot, const void *address)
{
	(void)t, (void)slot, (void)address;
	return false;
}
#endif

static int nothing(void *unused)
{
	(void)unused;
	return 0;
}

bool traced_init(void)
{
	struct traced probe;
	cpu_set_t one;
	bool good;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one); /* slower without */
	good = traced_start(&probe, nothing, NULL) && traced_step(&probe) == TRACED_BETWEEN;
	traced_kill(&probe);
	return good;
}
