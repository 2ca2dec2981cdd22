// SPDX-License-Identifier: MIT
/* Reading speeds, sizes, times and descriptors from the command line. */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

double option_speed(const char *arg, struct argp_state *state)
{
	char *end;
	double speed;

	if (!strcmp(arg, "max"))
		return 0;
	speed = strtod(arg, &end);
	if (end == arg || (strcmp(end, "x") && *end) || !isfinite(speed) || speed < 1e-6 || speed > 1e9)
		argp_error(state, "--speed=%s: give 1x, 10x, 0.5x, ... or max", arg);
	return speed;
}

/* A whole number that begins `arg`, at most `max`; *end is what follows it. */
static uint64_t number(const char *arg, char **end, uint64_t max)
{
	unsigned long long n;

	*end = (char *)arg;
	if (*arg < '0' || *arg > '9') /* strtoull() would take a sign */
		return 0;
	errno = 0;
	n = strtoull(arg, end, 10);
	if (errno || n > max)
		*end = (char *)arg;
	return n;
}

uint64_t option_capacity(const char *arg, struct argp_state *state)
{
	static const char units[] = "KMG";
	char *end;
	const char *unit;
	uint64_t n = number(arg, &end, UINT64_C(1) << 40);

	unit = *end ? strchr(units, *end) : NULL;
	if (unit && end != arg && !end[1]) {
		n <<= 10 * (unit - units + 1);
		end++;
	}
	if (end == arg || *end || n < WIRE_CAPACITY_MIN || n > UINT64_C(1) << 40 || (n & (n - 1)))
		argp_error(state, "--capacity=%s: give a power of two, 256K or more, such as 1M", arg);
	return n;
}

unsigned int option_seconds(const char *arg, struct argp_state *state)
{
	char *end;
	uint64_t n = number(arg, &end, 1000000);

	if (end == arg || *end)
		argp_error(state, "--wait=%s: give whole seconds", arg);
	return (unsigned int)n;
}

int option_fd(const char *arg, struct argp_state *state)
{
	char *end;
	uint64_t n = number(arg, &end, 1000000);

	if (end == arg || *end)
		argp_error(state, "--socket=%s: give the number of an inherited descriptor", arg);
	return (int)n;
}
