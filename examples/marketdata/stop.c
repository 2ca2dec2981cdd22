// SPDX-License-Identifier: MIT
/* Signals that end a run in good order. */
#include "stop.h"

#include <stddef.h>

volatile sig_atomic_t stop_signal;

static void on_signal(int signo)
{
	stop_signal = signo;
}

/* Without SA_RESTART: a read or a wait that is interrupted returns and sees the flag. */
static void catch_one(int signo)
{
	struct sigaction old, act = {.sa_handler = on_signal};

	if (sigaction(signo, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(signo, &act, NULL);
}

void stop_catch(void)
{
	sigset_t both;

	catch_one(SIGINT);
	catch_one(SIGTERM);
	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &both, NULL);
}

void sleep_slice(uint64_t deadline)
{
	uint64_t slice_end = now_ns() + 100000000u;
	uint64_t until = deadline < slice_end ? deadline : slice_end;
	struct timespec ts = {.tv_sec = (time_t)(until / 1000000000u), .tv_nsec = (long)(until % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}
