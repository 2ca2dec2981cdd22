// SPDX-License-Identifier: MIT
/* A histogram of times, log-linear as HdrHistogram is. */
#include "histogram.h"

#include <stdlib.h>
#include <string.h>

#define SUB (UINT64_C(1) << HISTOGRAM_SUB_BITS)
#define ROWS_BELOW_P95 14u
#define ROWS_MAX (ROWS_BELOW_P95 + 64u)

struct histogram *histogram_new(void)
{
	return calloc(1, sizeof(struct histogram));
}

void histogram_free(struct histogram *h)
{
	free(h);
}

/* Values below 2 * SUB have a bucket each; above, the top HISTOGRAM_SUB_BITS + 1 bits choose it. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns < SUB)
		return (unsigned)ns;
	shift = 63u - (unsigned)__builtin_clzll(ns) - HISTOGRAM_SUB_BITS;
	return (unsigned)(((uint64_t)(shift + 1) << HISTOGRAM_SUB_BITS) + ((ns >> shift) - SUB));
}

static uint64_t bucket_low(unsigned b)
{
	unsigned shift = b >> HISTOGRAM_SUB_BITS;

	if (!shift)
		return b;
	return (SUB + (b & (SUB - 1))) << (shift - 1);
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->count++;
	h->bucket[bucket_of(ns)]++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++)
		into->bucket[b] += from->bucket[b];
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t rank = (uint64_t)(q * (double)h->count), seen = 0;

	if (!h->count)
		return 0;
	if ((double)rank < q * (double)h->count)
		rank++;
	if (!rank)
		rank = 1;
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		seen += h->bucket[b];
		if (seen >= rank)
			return bucket_low(b);
	}
	return h->max_ns;
}

static uint64_t count_between(const struct histogram *h, uint64_t low, uint64_t high)
{
	uint64_t n = 0;

	for (unsigned b = bucket_of(low); b < HISTOGRAM_BUCKETS && bucket_low(b) < high; b++)
		if (bucket_low(b) >= low)
			n += h->bucket[b];
	return n;
}

static uint64_t round_step(uint64_t ns)
{
	static const uint64_t nice[] = {1, 2, 5};

	for (uint64_t ten = 1;; ten *= 10)
		for (unsigned i = 0; i < 3; i++)
			if (nice[i] * ten >= ns)
				return nice[i] * ten;
}

/* Fills edge[0..n] with the rows' borders and returns n. */
static unsigned choose_edges(const struct histogram *h, uint64_t *edge)
{
	uint64_t low = histogram_quantile(h, 0), p95 = histogram_quantile(h, 0.95);
	uint64_t step = round_step((p95 - low) / ROWS_BELOW_P95 + 1);
	unsigned n = 0;

	edge[0] = low / step * step;
	while (edge[n] <= p95 && n < ROWS_BELOW_P95 + 2) {
		edge[n + 1] = edge[n] + step;
		n++;
	}
	for (; edge[n] <= h->max_ns && n + 1 < ROWS_MAX; n++)
		edge[n + 1] = edge[n] > UINT64_MAX / 2 ? UINT64_MAX : edge[n] * 2;
	return n;
}

static void draw_row(FILE *out, uint64_t low, uint64_t high, uint64_t n, uint64_t most, uint64_t all, int width)
{
	int bar = (int)((double)n * width / (double)most + 0.5);

	fprintf(out, "%9llu - %-9llu ns %7.3f%% ", (unsigned long long)low, (unsigned long long)high,
		100.0 * (double)n / (double)all);
	for (int i = 0; i < bar; i++)
		fputc('#', out);
	fputs(n && !bar ? ".\n" : "\n", out);
}

void histogram_draw(const struct histogram *h, FILE *out, int width)
{
	uint64_t edge[ROWS_MAX + 1], most = 1;
	unsigned n;

	if (!h->count)
		return;
	n = choose_edges(h, edge);
	for (unsigned i = 0; i < n; i++) {
		uint64_t k = count_between(h, edge[i], edge[i + 1]);

		most = k > most ? k : most;
	}
	for (unsigned i = 0; i < n; i++) {
		uint64_t k = count_between(h, edge[i], edge[i + 1]);

		if (k)
			draw_row(out, edge[i], edge[i + 1], k, most, h->count, width);
	}
}
