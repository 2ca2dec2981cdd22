// SPDX-License-Identifier: MIT
/* Does bench/floor.h do what it says: between two pinned processes, on one CPU, and when the other side never comes? (TAP) */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "floor.h"
#include "tap.h"

#define CAPACITY 4096u
#define BATCHES 5u

struct arena {
	struct floor_lines lines;
	char there[CAPACITY] __attribute__((aligned(4096)));
	char back[CAPACITY] __attribute__((aligned(4096)));
};

static struct arena *arena_new(void)
{
	struct arena *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (a == MAP_FAILED) {
		perror("Bail out! mmap");
		exit(1);
	}
	return a;
}

static void pin(int nth)
{
	cpu_set_t all, one;
	size_t cpu;

	sched_getaffinity(0, sizeof(all), &all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && nth-- == 0)
			break;
	if (cpu == CPU_SETSIZE)
		return; /* fewer CPUs than that: run where we may */
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static struct floor_pace pace_of(uint32_t spins, double seconds)
{
	return (struct floor_pace){spins, floor_now_ns() + (uint64_t)(seconds * 1e9)};
}

static struct floor_path path_of(struct arena *a, uint32_t size, uint64_t *buf)
{
	return (struct floor_path){a->there, a->back, CAPACITY, size, buf, 0};
}

struct outcome {
	int lead, follow;
	double f_ns, g_ns;
	bool echoed, counted;
};

static int follower(struct arena *a, uint32_t size, uint32_t spins)
{
	uint64_t buf[CAPACITY / 8] = {0};
	struct floor_path p = path_of(a, size, buf);
	struct floor_pace pace = pace_of(spins, 20);

	return floor_f_follow(&a->lines, &pace, BATCHES) || floor_g_follow(&p, &pace, BATCHES);
}

/* True when the newest message in each ring carries the sent bytes and the last flag. */
static bool arrived(const struct arena *a, const struct floor_path *p, const unsigned char *sent)
{
	uint64_t off = (p->pos - 1) % (CAPACITY / floor_stride(p->size)) * floor_stride(p->size), flag[2];

	memcpy(&flag[0], a->there + off, 8);
	memcpy(&flag[1], a->back + off, 8);
	return flag[0] == p->pos && flag[1] == p->pos && !memcmp(a->there + off + 8, sent, p->size) &&
	       !memcmp(a->back + off + 8, sent, p->size) && !memcmp(p->buf, sent, p->size);
}

static struct outcome converse(uint32_t size, uint32_t spins, int cpu_b)
{
	struct arena *a = arena_new();
	uint64_t buf[CAPACITY / 8];
	unsigned char sent[CAPACITY];
	double mean[BATCHES];
	struct outcome o = {0};
	int status = -1;
	pid_t pid;

	for (unsigned i = 0; i < sizeof(sent); i++)
		sent[i] = (unsigned char)(i * 7 + size);
	memcpy(buf, sent, sizeof(buf));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		pin(cpu_b);
		_exit(follower(a, size, spins));
	}
	pin(0);
	struct floor_path p = path_of(a, size, buf);
	struct floor_pace pace = pace_of(spins, 20);

	o.lead = floor_f_lead(&a->lines, &pace, BATCHES, mean);
	o.f_ns = floor_median(mean, BATCHES);
	if (!o.lead)
		o.lead = floor_g_lead(&p, &pace, BATCHES, mean);
	o.g_ns = floor_median(mean, BATCHES);
	waitpid(pid, &status, 0);
	o.follow = status;
	o.counted = a->lines.ping == BATCHES * FLOOR_BATCH && a->lines.pong == a->lines.ping &&
		    p.pos == BATCHES * FLOOR_BATCH;
	o.echoed = arrived(a, &p, sent);
	munmap(a, sizeof(*a));
	return o;
}

static void test_two_processes(void)
{
	static const uint32_t sizes[] = {0, 1, 8, 56, 57, 64, 256, 257, 1000, 2040, 4088};
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct outcome o = converse(sizes[i], CPU_COUNT(&all) > 1 ? FLOOR_SPINS : 1, 1);
		char what[120];

		sched_setaffinity(0, sizeof(all), &all);
		snprintf(what, sizeof(what), "two processes go %u round trips each of F and G, %u bytes",
			 BATCHES * FLOOR_BATCH, sizes[i]);
		ok(!o.lead && !o.follow && o.counted, what);
		snprintf(what, sizeof(what), "each message arrives whole and comes back, %u bytes", sizes[i]);
		ok(o.echoed, what);
		printf("# F %.1f ns, G %.1f ns, %s\n", o.f_ns, o.g_ns, floor_class_name(floor_class_of(o.f_ns)));
	}
}

static void test_one_cpu(void)
{
	cpu_set_t all;
	struct outcome o;

	sched_getaffinity(0, sizeof(all), &all);
	o = converse(8, 1, 0);
	sched_setaffinity(0, sizeof(all), &all);
	ok(!o.lead && !o.follow && o.counted && o.echoed,
	   "two processes on one CPU yield to one another and get through");
	printf("# F %.1f ns, G %.1f ns\n", o.f_ns, o.g_ns);
}

static void test_nobody_comes(void)
{
	struct arena *a = arena_new();
	uint64_t buf[1] = {0};
	struct floor_path p = path_of(a, 8, buf);
	double mean[1];
	struct floor_pace pace = pace_of(1000, 0.01);

	ok(floor_f_lead(&a->lines, &pace, 1, mean) == -ETIMEDOUT, "F gives up when nobody answers");
	pace = pace_of(1000, 0.01);
	ok(floor_g_lead(&p, &pace, 1, mean) == -ETIMEDOUT, "G gives up when nobody answers");
	munmap(a, sizeof(*a));
	a = arena_new();
	p = path_of(a, 8, buf);
	pace = pace_of(1000, 0.01);
	ok(floor_f_follow(&a->lines, &pace, 1) == -ETIMEDOUT && a->lines.pong == 0,
	   "F's follower gives up when nobody asks");
	pace = pace_of(1000, 0.01);
	ok(floor_g_follow(&p, &pace, 1) == -ETIMEDOUT && p.pos == 0, "G's follower gives up when nobody asks");
	munmap(a, sizeof(*a));
}

static void test_classes(void)
{
	ok(floor_class_of(46) == FLOOR_SAME_CORE, "46 ns is one core");
	ok(floor_class_of(100) == FLOOR_SHARED_L3 && floor_class_of(120) == FLOOR_SHARED_L3, "100 to 120 ns is one L3");
	ok(floor_class_of(480) == FLOOR_NO_SHARED_CACHE, "480 ns is no shared cache");
	ok(floor_class_of(50000) == FLOOR_ONE_CPU, "50 us is the scheduler");
	ok(!strcmp(floor_class_name(FLOOR_SHARED_L3), "shared-l3") &&
		   !strcmp(floor_class_name(FLOOR_CLASSES), "unknown"),
	   "classes have names, others none");
}

static void test_arithmetic(void)
{
	double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 2};

	ok(floor_median(odd, 3) == 3 && floor_median(even, 4) == 2.5, "the median is the middle");
	ok(floor_stride(0) == 64 && floor_stride(56) == 64 && floor_stride(57) == 128,
	   "a message begins on a fresh line");
	ok(floor_size_max(4096) == 4088 && floor_size_max(64) == 56 && floor_size_max(63) == 0,
	   "the largest message fills the ring");
}

int main(void)
{
	test_classes();
	test_arithmetic();
	test_two_processes();
	test_one_cpu();
	test_nobody_comes();
	return tap_done();
}
