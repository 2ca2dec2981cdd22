// SPDX-License-Identifier: MIT
// Commits one fault on purpose, so that the check can see each sanitizer fire: planted race|overflow|overrun|leak.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int unguarded;

static void *race_along(void *unused)
{
	unguarded++;
	return unused;
}

static int race(void)
{
	pthread_t other;

	if (pthread_create(&other, NULL, race_along, NULL))
		return 0;
	unguarded++;
	pthread_join(other, NULL);
	return 0;
}

static int overflow(int one)
{
	volatile int most = 0x7fffffff;

	most += one;
	return most == 0;
}

static int overrun(int one)
{
	char *four = malloc(4);
	volatile size_t length = 4 + (size_t)one;

	if (four)
		memset(four, 0, length);
	free(four);
	return 0;
}

static int leak(void)
{
	char *volatile lost = malloc(100);

	lost = NULL;
	return lost != NULL;
}

int main(int argc, char **argv)
{
	const char *fault = argc == 2 ? argv[1] : "";

	if (!strcmp(fault, "race"))
		return race();
	if (!strcmp(fault, "overflow"))
		return overflow(argc - 1);
	if (!strcmp(fault, "overrun"))
		return overrun(argc - 1);
	if (!strcmp(fault, "leak"))
		return leak();
	fprintf(stderr, "usage: planted race|overflow|overrun|leak\n");
	return 0;
}
