// SPDX-License-Identifier: MIT
/* ^C and a closed pipe. */
#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

#define N_SIGNALS (sizeof(signals) / sizeof(*signals))

static volatile sig_atomic_t came;
static bool pipe_was_ignored;

static void note(int signal)
{
	came = signal;
}

/* What was ignored when we came (nohup) stays ignored. */
static void catch (int signal)
{
	struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND}, before;

	if (!sigaction(signal, NULL, &before) && before.sa_handler != SIG_IGN)
		sigaction(signal, &action, NULL);
}

void interrupt_begin(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before = {0};

	for (size_t i = 0; i < N_SIGNALS; i++)
		catch (signals[i]);
	sigaction(SIGPIPE, &ignore, &before);
	pipe_was_ignored = before.sa_handler == SIG_IGN;
}

int interrupt_signal(void)
{
	return came;
}

bool interrupt_note_closed_pipe(void)
{
	if (!pipe_was_ignored)
		came = SIGPIPE;
	return !pipe_was_ignored;
}

/* The look at `came` and the sleep are one: signals stay blocked between them. */
static int poll_unless_signal(struct pollfd *fds, nfds_t count, int64_t timeout_ns)
{
	struct timespec limit = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
	sigset_t block, before;
	int n = -1;

	sigemptyset(&block);
	for (size_t i = 0; i < N_SIGNALS; i++)
		sigaddset(&block, signals[i]);
	sigprocmask(SIG_BLOCK, &block, &before);
	if (!came)
		n = ppoll(fds, count, timeout_ns < 0 ? NULL : &limit, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return n;
}

int interrupt_poll(int fd, short events, int64_t timeout_ns)
{
	struct pollfd look = {.fd = fd, .events = events};
	int n = poll_unless_signal(&look, 1, timeout_ns);

	if (n < 0 && came)
		return -EINTR;
	return n; /* other failures: let the read or write show them */
}

void interrupt_rest(int64_t ns)
{
	poll_unless_signal(NULL, 0, ns);
}

int interrupt_end(int code)
{
	sigset_t one;

	if (!came)
		return code;
	signal(came, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, came);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	raise(came);
	return 128 + came;
}
