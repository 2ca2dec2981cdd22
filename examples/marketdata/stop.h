/* SPDX-License-Identifier: MIT */
/* A wish to stop (SIGINT, SIGTERM) as a flag, and the time. */
#ifndef MD_STOP_H
#define MD_STOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

extern volatile sig_atomic_t stop_signal; /* 0, or the signal that asked for an end */

/*
 * Catch SIGINT and SIGTERM, but leave one alone that the program was started to
 * ignore.  Whoever starts the program may block them: they then wait until here.
 */
void stop_catch(void);

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Sleep until `deadline` (CLOCK_MONOTONIC, ns) or until a signal; at most 100 ms. */
void sleep_slice(uint64_t deadline);

#endif
