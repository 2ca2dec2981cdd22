/* SPDX-License-Identifier: MIT */
/* Programs that are also built over planted_mpmc.h: choose a fault, and show it the rings of endpoints. */
#ifndef RINGSHM_TESTS_PLANTED_ENDPOINT_H
#define RINGSHM_TESTS_PLANTED_ENDPOINT_H

#include <stdio.h>
#include <unistd.h>

#include <ringshm/mpmc.h>

#ifdef RINGSHM_ATOMIC_OVERRIDE
/* An intent that comes late: the pause makes of the one instruction what the scheduler may make of it. */
static void planted_doze(void)
{
	if (++planted_turn % 16 == 0)
		usleep(300);
}

static inline bool planted_begin(int argc, char **argv)
{
	planted_pause = planted_doze;
	return argc == 2 && planted_choose(argv[1]);
}

static inline bool planted_reverses(void)
{
	return planted_fault == PLANTED_REVERSED;
}

static inline void planted_endpoint(const struct ringshm__mpmc_ring *ring)
{
	planted_add(&(struct planted_ring){
		.cursor = {ring->cursor[0], ring->cursor[1]},
		.lines = {(unsigned char *)ring->lines[0], (unsigned char *)ring->lines[1]},
		.lines_size = ring->participants * sizeof(*ring->lines[0]),
		.states = (const unsigned char *)ring->states,
		.states_size = (size_t)((ring->mask >> RINGSHM_MPMC_SHIFT) + 1) * sizeof(*ring->states),
		.verdicts = (const unsigned char *)ring->verdicts,
		.verdicts_size = (size_t)((ring->mask >> RINGSHM_MPMC_SHIFT) + 1) * sizeof(*ring->verdicts),
	});
}
#else
static inline bool planted_begin(int argc, char **argv)
{
	(void)argv;
	return argc == 1;
}

static inline bool planted_reverses(void)
{
	return false;
}

static inline void planted_endpoint(const struct ringshm__mpmc_ring *ring)
{
	(void)ring;
}
#endif

#endif
