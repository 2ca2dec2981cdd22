/* SPDX-License-Identifier: MIT */
/* Random numbers that a seed repeats, for tests: splitmix64 (Sebastiano Vigna, public domain). */
#ifndef RINGSHM_TESTS_RANDOM_H
#define RINGSHM_TESTS_RANDOM_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 .. below - 1 */
static inline uint32_t random_below(uint64_t *state, uint32_t below)
{
	return (uint32_t)((random_next(state) >> 32) * below >> 32);
}

/* Bytes that any record can be given and checked by: the same for the same seed. */
static inline void random_fill(uint64_t seed, void *to, uint32_t length)
{
	unsigned char *bytes = (unsigned char *)to;

	for (uint32_t i = 0; i < length; i += 8) {
		uint64_t word = random_next(&seed);

		memcpy(bytes + i, &word, length - i < 8 ? length - i : 8);
	}
}

static inline int random_same(uint64_t seed, const void *there, uint32_t length)
{
	const unsigned char *bytes = (const unsigned char *)there;

	for (uint32_t i = 0; i < length; i += 8) {
		uint64_t word = random_next(&seed);

		if (memcmp(bytes + i, &word, length - i < 8 ? length - i : 8))
			return 0;
	}
	return 1;
}

/* The seed of a test run: $RINGSHM_SEED, or always the same. Tests print it when they fail. */
static inline uint64_t random_seed(void)
{
	const char *given = getenv("RINGSHM_SEED");

	return given ? strtoull(given, NULL, 0) : 1;
}

#endif
