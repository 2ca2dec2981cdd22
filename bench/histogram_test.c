// SPDX-License-Identifier: MIT
/* Does the histogram give the quantiles that a sorted list gives, and a drawing that adds up? (TAP) */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "tap.h"

#define MANY 20000u

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t exact(const uint64_t *sorted, unsigned n, double q)
{
	unsigned rank = (unsigned)(q * n);

	if (rank < q * n)
		rank++;
	return sorted[rank ? rank - 1 : 0];
}

/* Within one bucket: exact below 1 us, to 1/512 above. */
static bool agrees(uint64_t got, uint64_t want)
{
	return want < 1024 ? got == want : got <= want && got >= want - want / 512 - 1;
}

static void test_quantiles(unsigned bits, const char *what)
{
	static const double qs[] = {0, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
	uint64_t *v = calloc(MANY, sizeof(*v));
	struct histogram *h = histogram_new();
	bool good = true;

	if (!v || !h)
		exit(1);
	srandom(bits);
	for (unsigned i = 0; i < MANY; i++) {
		v[i] = (((uint64_t)random() << 31) ^ (uint64_t)random()) >> (62 - (unsigned)random() % (bits + 1));
		histogram_add(h, v[i]);
	}
	qsort(v, MANY, sizeof(*v), by_value);
	for (unsigned i = 0; i < sizeof(qs) / sizeof(*qs); i++)
		good &= agrees(histogram_quantile(h, qs[i]), exact(v, MANY, qs[i]));
	ok(good && h->max_ns == v[MANY - 1] && h->count == MANY, what);
	histogram_free(h);
	free(v);
}

static void test_extremes(void)
{
	struct histogram *h = histogram_new(), *sum = histogram_new();

	ok(histogram_quantile(h, 0.5) == 0, "an empty histogram answers 0");
	histogram_add(h, 0);
	ok(histogram_quantile(h, 0.5) == 0 && h->count == 1, "zero is a time like others");
	histogram_add(h, UINT64_MAX);
	ok(h->max_ns == UINT64_MAX && histogram_quantile(h, 1) > UINT64_MAX - (UINT64_MAX >> 9),
	   "the longest time has a bucket");
	histogram_add(sum, 7);
	histogram_merge(sum, h);
	ok(sum->count == 3 && sum->max_ns == UINT64_MAX && histogram_quantile(sum, 0.6) == 7, "merging adds up");
	histogram_free(sum);
	histogram_free(h);
}

static void test_drawing(void)
{
	struct histogram *h = histogram_new();
	char *text = NULL, *line;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	double share = 0;
	unsigned rows = 0;

	for (uint64_t i = 0; i < 1000; i++)
		histogram_add(h, i < 990 ? 100 + i % 40 : 5000 + i * 100);
	histogram_draw(h, f, 40);
	fclose(f);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), rows++)
		share += strtod(strstr(line, "ns") + 2, NULL);
	ok(rows > 3 && rows < 80, "a drawing has a readable number of rows");
	ok(share > 99.9 && share < 100.1, "the rows of a drawing add up to everything");
	free(text);
	histogram_free(h);
}

int main(void)
{
	test_quantiles(9, "quantiles of times below 1 us are exact");
	test_quantiles(20, "quantiles of times up to 1 ms are right to a bucket");
	test_quantiles(62, "quantiles of times of any length are right to a bucket");
	test_extremes();
	test_drawing();
	return tap_done();
}
