/* SPDX-License-Identifier: MIT */
/* A histogram of times: exact to the nanosecond up to 1 us, to 1/512 above, any number of them in 240 KiB. */
#ifndef RINGSHM_BENCH_HISTOGRAM_H
#define RINGSHM_BENCH_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HISTOGRAM_SUB_BITS 9 /* buckets per power of two: 512 */
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count;
	uint64_t max_ns;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

struct histogram *histogram_new(void); /* NULL: no memory */
void histogram_free(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The time that a share `q` (0 to 1) of all does not exceed; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *h, double q);

/* Draws it as bars of at most `width` characters: evenly spaced up to p95, then by doubling up to the longest. */
void histogram_draw(const struct histogram *h, FILE *out, int width);

#ifdef __cplusplus
}
#endif

#endif /* RINGSHM_BENCH_HISTOGRAM_H */
