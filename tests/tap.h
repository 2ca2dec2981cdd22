/* SPDX-License-Identifier: MIT */
/* Test Anything Protocol for test programs that are not Criterion's: they fork, step or race themselves. */
#ifndef RINGSHM_TESTS_TAP_H
#define RINGSHM_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_tests, tap_failures;

/* One question, answered. Every field of a failure that explains it goes out before, by tap_note(). */
__attribute__((unused)) static bool tap_ok(bool good, const char *question)
{
	tap_failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_tests, question);
	fflush(stdout);
	return good;
}

__attribute__((unused)) static void tap_skip(const char *question, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_tests, question, why);
	fflush(stdout);
}

__attribute__((unused, format(printf, 1, 2))) static void tap_note(const char *format, ...)
{
	va_list arguments;

	printf("# ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

__attribute__((unused)) static int tap_done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures != 0;
}

#endif
