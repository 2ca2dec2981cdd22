/* SPDX-License-Identifier: MIT */
/* Test Anything Protocol in ten lines, for the test programs of this directory. */
#ifndef RINGSHM_BENCH_TAP_H
#define RINGSHM_BENCH_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_tests, tap_failures;

static inline void ok(bool good, const char *what)
{
	tap_failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_tests, what);
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures != 0;
}

#endif /* RINGSHM_BENCH_TAP_H */
