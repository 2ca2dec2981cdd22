// SPDX-License-Identifier: MIT
// Commits one fault on purpose, so that the check can see each sanitizer fire: planted race|overflow|late|leak.
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

static int late(void)
{
	char *volatile four = malloc(4);
	char *kept = four;

	free(four);
	return *(volatile char *)kept == 'x';
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
	if (!strcmp(fault, "late"))
		return late();
	if (!strcmp(fault, "leak"))
		return leak();
	fprintf(stderr, "usage: planted race|overflow|late|leak\n");
	return 0;
}
