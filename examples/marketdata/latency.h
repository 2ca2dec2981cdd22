/* SPDX-License-Identifier: MIT */
/* A histogram of nanoseconds with buckets that are at most 1/128 of their value wide. */
#ifndef MD_LATENCY_H
#define MD_LATENCY_H

#include <stdint.h>

#define LATENCY_SUB_BITS 7
#define LATENCY_BUCKETS ((64 - LATENCY_SUB_BITS + 1) << LATENCY_SUB_BITS)

struct latency {
	uint64_t count;
	uint64_t bucket[LATENCY_BUCKETS];
};

/* Values below 128 have a bucket each; then every power of two is cut into 128 equal ones. */
static inline unsigned int latency_bucket(uint64_t ns)
{
	unsigned int shift;

	if (ns >> LATENCY_SUB_BITS == 0)
		return (unsigned int)ns;
	shift = 63u - (unsigned int)__builtin_clzll(ns) - LATENCY_SUB_BITS;
	return ((shift + 1) << LATENCY_SUB_BITS) + (unsigned int)((ns >> shift) & ((1u << LATENCY_SUB_BITS) - 1));
}

static inline void latency_add(struct latency *l, uint64_t ns)
{
	l->count++;
	l->bucket[latency_bucket(ns)]++;
}

/* The value that `permille` thousandths of all do not exceed, within 0.4 %; 0 when there is none. */
uint64_t latency_quantile(const struct latency *l, unsigned int permille);

#endif
