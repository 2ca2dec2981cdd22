/* SPDX-License-Identifier: MIT */
/* Several threads at the same thing at once. */
#include "guest.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS 4
#define RUSH_BLOCKS 32
#define RUSH_ROUNDS 8

/* All threads touch block after block, each its own page, and wait for each other in between. */
struct rush {
	unsigned char *at;
	unsigned int arrived; /* at blocks, all threads together */
};

struct runner {
	struct rush *rush;
	unsigned int number;
};

static void *run_over_blocks(void *context)
{
	const struct runner *runner = context;
	struct rush *rush = runner->rush;

	for (unsigned int block = 0; block < RUSH_BLOCKS; block++) {
		unsigned char *mine = rush->at + block * BLOCK + (runner->number + 1) * 64 * 4096;

		__atomic_fetch_add(&rush->arrived, 1, __ATOMIC_ACQ_REL);
		while (__atomic_load_n(&rush->arrived, __ATOMIC_ACQUIRE) < (block + 1) * THREADS)
			;
		if (runner->number % 2)
			(void)*(volatile unsigned char *)mine;
		*mine = (unsigned char)(runner->number + 1);
	}
	return NULL;
}

/* Nothing but what the threads wrote: a page table taken for data, or the reverse, would leave its mark. */
static void check_rush(const struct rush *rush)
{
	for (size_t block = 0; block < RUSH_BLOCKS; block++) {
		const unsigned char *at = rush->at + block * BLOCK;

		for (size_t i = 0; i < 4096; i++)
			CHECK_EQ(at[i], 0);
		for (size_t i = 0; i < THREADS; i++)
			CHECK_EQ(at[(i + 1) * 64 * 4096], i + 1);
	}
}

static void rush_once(int region)
{
	struct rush rush = {map(region, RUSH_BLOCKS * BLOCK), 0};
	struct runner runners[THREADS];
	pthread_t threads[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		runners[i] = (struct runner){&rush, i};
		CHECK_EQ(pthread_create(&threads[i], NULL, run_over_blocks, &runners[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	check_rush(&rush);
	CHECK_EQ(munmap(rush.at, RUSH_BLOCKS * BLOCK), 0);
}

GUEST_TEST_LONG(faults_at_once, "threads that touch the same 2 MiB first at the same time find one mapping of it", 120)
{
	int region = create(NULL, RUSH_BLOCKS * BLOCK);

	for (int i = 0; i < RUSH_ROUNDS; i++)
		rush_once(region);
}

#define WAKES 100000

struct acknowledging {
	int region;
	int over;
	uint64_t counted;
};

static void *acknowledge(void *context)
{
	struct acknowledging *a = context;
	uint64_t count, sum = 0;
	int over;

	do {
		over = __atomic_load_n(&a->over, __ATOMIC_ACQUIRE);
		while (read(a->region, &count, sizeof(count)) == sizeof(count)) {
			CHECK(count <= WAKES); /* not behind what another had acknowledged */
			sum += count;
		}
	} while (!over);
	__atomic_fetch_add(&a->counted, sum, __ATOMIC_RELAXED);
	return NULL;
}

GUEST_TEST(acknowledged_once, "wake-ups acknowledged by several threads of one descriptor are counted once each")
{
	struct acknowledging a = {.region = create(NULL, 2 * MIB)};
	int waker = dup_region(a.region, 0);
	pthread_t threads[2 * THREADS];

	for (unsigned int i = 0; i < 2 * THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, acknowledge, &a), 0);
	for (int i = 0; i < WAKES; i++)
		CHECK_EQ(wake(waker), 0);
	__atomic_store_n(&a.over, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < 2 * THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(a.counted, WAKES);
}
