/* SPDX-License-Identifier: MIT */
/* Two pinned sides and the yardstick between them: CPUs to use, and the floors F and G taken when asked. */
#ifndef RINGSHM_BENCH_PAIR_H
#define RINGSHM_BENCH_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "floor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The CPUs of the two sides; the same one twice where there is but one. */
struct pair_cpus {
	int cpu[2];
};

/*
 * Chooses CPUs: `spec` as "a,b", or NULL for the first two that the process may run on. 0, or -errno with a sentence in
 * `why`: -EINVAL (not two numbers), -ENODEV (the process may not run there).
 */
int pair_cpus_choose(struct pair_cpus *out, const char *spec, char *why, size_t why_size);

static inline bool pair_is_one_cpu(const struct pair_cpus *p)
{
	return p->cpu[0] == p->cpu[1];
}

/* Ties the calling thread to a CPU. 0 or -errno. */
int pair_pin(int cpu);

/*
 * How long one side waits for the other, with messages of `size` bytes: `seconds` from now. Where both
 * share a CPU it yields at once, elsewhere not before such a message had ample time to come: who yields
 * on a busy machine is gone for milliseconds.
 */
struct floor_pace pair_pace(const struct pair_cpus *p, uint32_t size, double seconds);

/* What one calibration found. */
struct pair_mark {
	double f_ns;
	double g_ns;
	enum floor_class class_;
};

/*
 * Shared memory for calibrating, made before the second side is forked or started. Each side then has a yardstick of its
 * own (a copy, made by pair_yardstick_fork(), where the sides are threads).
 */
struct pair_yardstick {
	struct floor_lines *lines;
	struct floor_path path;
	size_t mapped;
};

/* Rings of `capacity` bytes each way, messages of `size`. 0 or -errno: -EMSGSIZE (a message exceeds the ring), -ENOMEM. */
int pair_yardstick_new(struct pair_yardstick *y, uint64_t capacity, uint32_t size);

/* The other side's yardstick over the same memory: with a buffer of its own. 0 or -ENOMEM. */
int pair_yardstick_fork(struct pair_yardstick *other, const struct pair_yardstick *y);

void pair_yardstick_free(struct pair_yardstick *y);
void pair_yardstick_unfork(struct pair_yardstick *other);

/* One calibration, F then G; the two sides call one each. 0 or -ETIMEDOUT. */
int pair_calibrate_lead(struct pair_yardstick *y, const struct floor_pace *pace, struct pair_mark *mark);
int pair_calibrate_follow(struct pair_yardstick *y, const struct floor_pace *pace);

#ifdef __cplusplus
}
#endif

#endif /* RINGSHM_BENCH_PAIR_H */
