/* SPDX-License-Identifier: MIT */
/* Where a ring and its model stand in a trial, and the first thing in which they differ. */
#ifndef RINGSHM_TESTS_TRIAL_H
#define RINGSHM_TESTS_TRIAL_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

struct trial {
	uint32_t step;
	const char *doing;
	char broken[256]; /* how the two differ; empty while they do not */
};

__attribute__((format(printf, 2, 3))) static void trial_differs(struct trial *t, const char *format, ...)
{
	va_list arguments;
	int length;

	if (t->broken[0])
		return;
	length = snprintf(t->broken, sizeof(t->broken), "step %u, %s: ", t->step, t->doing);
	va_start(arguments, format);
	vsnprintf(t->broken + length, sizeof(t->broken) - (size_t)length, format, arguments);
	va_end(arguments);
}

#endif
