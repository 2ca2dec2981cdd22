/* SPDX-License-Identifier: MIT */
/* SIGKILL at any moment frees everything: random kills, and the balance of pages. */
#include "guest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define KILLS 1000

static uint32_t random_state = 20240229;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

/* Does everything a participant does, over and over, until it is killed. */
static int victim(void *context)
{
	for (uint32_t round = *(uint32_t *)context;; round++) {
		uint32_t id = RINGSHM_KMOD_ANY_ID, flavour = round % 8 == 7;
		int region = create_on(NULL, (1 + round % 8) * BLOCK, flavour, RINGSHM_KMOD_NODE_LOCAL);
		int own = dup_region(region, 0), event = eventfd(0, 0);
		unsigned char *at;
		pid_t child;

		if (region < 0)
			continue;
		attach(own, &id);
		at = map(own, 2 * MIB);
		set_eventfd(own, event);
		at[round % 4096] = 1;
		wake(region);
		child = round % 4 ? -1 : fork();
		if (!child)
			_exit(0);
		if (child > 0)
			reap(child);
		if (round % 3)
			munmap(at, 2 * MIB);
		close(region);
		close(own);
		close(event);
	}
	return 0;
}

static long regions_listed(void)
{
	FILE *file = fopen("/sys/kernel/debug/ringshm/regions", "r");
	char line[512];
	long lines = -1;

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		lines++;
	fclose(file);
	return lines;
}

static void kill_many(int kills)
{
	for (uint32_t i = 0; i < (uint32_t)kills; i++) {
		pid_t pid = spawn(victim, &i);

		usleep(random_below(8000));
		kill(pid, SIGKILL);
		CHECK_EQ(reap(pid), 1000 + SIGKILL);
	}
}

static bool debug_kernel(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK);
}

/* A debug kernel keeps books of its own; one region lost in ten kills would still be more than that. */
static long spare_kib(void)
{
	return (debug_kernel() ? 32 : 8) * 1024;
}

GUEST_TEST_LONG(random_kills, "processes killed at random moments leave no region and no page behind", 240)
{
	int kills = debug_kernel() ? KILLS / 5 : KILLS; /* it takes its time */
	uint64_t began = now_ns();
	long before, after;

	kill_many(50); /* what the kernel keeps for next time is there now */
	before = free_kib();
	kill_many(kills);
	usleep(100000);
	after = free_kib();
	guest_note("%d kills in %llu ms; free KiB before %ld, after %ld", kills,
		   (unsigned long long)(now_ns() - began) / 1000000, before, after);
	CHECK_EQ(regions_listed(), 0);
	CHECK(before - after < spare_kib());
}

/* Planted: a region that is kept must show in both measures used above. */
GUEST_TEST(balance_sees, "the balance of pages sees one kept region (planted)")
{
	long before = free_kib();

	create("kept-on-purpose", 32 * MIB);
	CHECK_EQ(regions_listed(), 1);
	CHECK(before - free_kib() >= 30 * 1024);
	CHECK_EQ(unlink_named("kept-on-purpose"), 0);
	usleep(10000);
}
