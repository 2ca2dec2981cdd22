// SPDX-License-Identifier: MIT
/* Reading quantiles out of the histogram. */
#include "latency.h"

/* The middle of a bucket. */
static uint64_t bucket_value(unsigned int i)
{
	unsigned int shift;
	uint64_t low;

	if (i < 1u << LATENCY_SUB_BITS)
		return i;
	shift = (i >> LATENCY_SUB_BITS) - 1;
	low = (uint64_t)((i & ((1u << LATENCY_SUB_BITS) - 1)) | 1u << LATENCY_SUB_BITS) << shift;
	return low + ((UINT64_C(1) << shift) >> 1);
}

uint64_t latency_quantile(const struct latency *l, unsigned int permille)
{
	/* The rank, rounded up, without a product that could overflow. */
	uint64_t rank = l->count / 1000 * permille + (l->count % 1000 * permille + 999) / 1000;
	uint64_t seen = 0;
	unsigned int i;

	if (!l->count)
		return 0;
	for (i = 0; i < LATENCY_BUCKETS; i++) {
		seen += l->bucket[i];
		if (seen >= rank && seen)
			return bucket_value(i);
	}
	return 0;
}
