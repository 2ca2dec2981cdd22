// SPDX-License-Identifier: MIT
/* Two pinned sides and the yardstick between them. */
#define _GNU_SOURCE
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WARM 2u	     /* batches thrown away: the other side may still be on its way */
#define KEPT 9u	     /* batches whose median counts */
#define LARGE 16384u /* bytes: G with messages from here on is slow, and steady with fewer batches */
#define KEPT_LARGE 3u

static int first_cpus(struct pair_cpus *out, const cpu_set_t *allowed)
{
	int found = 0;

	for (size_t cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, allowed))
			out->cpu[found++] = (int)cpu;
	if (found == 1)
		out->cpu[1] = out->cpu[0];
	return found ? 0 : -ENODEV;
}

static int parse_cpus(struct pair_cpus *out, const char *spec)
{
	char tail;

	if (sscanf(spec, "%d,%d%c", &out->cpu[0], &out->cpu[1], &tail) != 2)
		return -EINVAL;
	return 0;
}

static bool cpu_allowed(const cpu_set_t *allowed, int cpu)
{
	return cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET((size_t)cpu, allowed);
}

int pair_cpus_choose(struct pair_cpus *out, const char *spec, char *why, size_t why_size)
{
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed)) {
		snprintf(why, why_size, "cannot learn which CPUs may be used: %m");
		return -errno;
	}
	if (!spec)
		return first_cpus(out, &allowed);
	if (parse_cpus(out, spec)) {
		snprintf(why, why_size, "'%s' is not a pair of CPU numbers such as 0,1", spec);
		return -EINVAL;
	}
	for (int i = 0; i < 2; i++)
		if (!cpu_allowed(&allowed, out->cpu[i])) {
			snprintf(why, why_size, "this process may not run on CPU %d; see: taskset -cp $$", out->cpu[i]);
			return -ENODEV;
		}
	return 0;
}

int pair_pin(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
}

struct floor_pace pair_pace(const struct pair_cpus *p, uint32_t size, double seconds)
{
	struct floor_pace pace = {
		.spins = pair_is_one_cpu(p) ? 1 : FLOOR_SPINS * (1 + size / 4096),
		.deadline_ns = floor_now_ns() + (uint64_t)(seconds * 1e9),
	};

	return pace;
}

static uint64_t *buffer_new(uint32_t size)
{
	return calloc(size / sizeof(uint64_t) + 1, sizeof(uint64_t));
}

int pair_yardstick_new(struct pair_yardstick *y, uint64_t capacity, uint32_t size)
{
	size_t head = 4096; /* the lines on a page of their own */
	char *mem;

	memset(y, 0, sizeof(*y));
	if (!capacity || size > floor_size_max(capacity))
		return -EMSGSIZE;
	y->mapped = head + 2 * capacity;
	mem = mmap(NULL, y->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (mem == MAP_FAILED)
		return -errno;
	y->lines = (struct floor_lines *)mem;
	y->path = (struct floor_path){mem + head, mem + head + capacity, capacity, size, buffer_new(size), 0};
	if (y->path.buf)
		return 0;
	pair_yardstick_free(y);
	return -ENOMEM;
}

int pair_yardstick_fork(struct pair_yardstick *other, const struct pair_yardstick *y)
{
	*other = *y;
	other->path.buf = buffer_new(y->path.size);
	return other->path.buf ? 0 : -ENOMEM;
}

void pair_yardstick_unfork(struct pair_yardstick *other)
{
	free(other->path.buf);
	memset(other, 0, sizeof(*other));
}

void pair_yardstick_free(struct pair_yardstick *y)
{
	if (y->lines)
		munmap(y->lines, y->mapped);
	pair_yardstick_unfork(y);
}

/* A process that was forked has the mapping but not yet its pages: touch them before the clock runs. */
static void prefault(const struct pair_yardstick *y)
{
	const volatile char *mem = (const volatile char *)y->lines;

	for (size_t i = 0; i < y->mapped; i += 4096)
		(void)mem[i];
}

static unsigned int kept_of_g(const struct pair_yardstick *y)
{
	return y->path.size < LARGE ? KEPT : KEPT_LARGE;
}

int pair_calibrate_lead(struct pair_yardstick *y, const struct floor_pace *pace, struct pair_mark *mark)
{
	double mean[WARM + KEPT];

	if (!y->path.pos)
		prefault(y);
	if (floor_f_lead(y->lines, pace, WARM + KEPT, mean))
		return -ETIMEDOUT;
	mark->f_ns = floor_median(mean + WARM, KEPT);
	if (floor_g_lead(&y->path, pace, WARM + kept_of_g(y), mean))
		return -ETIMEDOUT;
	mark->g_ns = floor_median(mean + WARM, kept_of_g(y));
	mark->class_ = floor_class_of(mark->f_ns);
	return 0;
}

int pair_calibrate_follow(struct pair_yardstick *y, const struct floor_pace *pace)
{
	if (!y->path.pos)
		prefault(y);
	if (floor_f_follow(y->lines, pace, WARM + KEPT))
		return -ETIMEDOUT;
	return floor_g_follow(&y->path, pace, WARM + kept_of_g(y));
}
