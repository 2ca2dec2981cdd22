/* SPDX-License-Identifier: MIT */
/* counter.h - how far a kernel counter went between two looks. */
#ifndef TELEMETRY_COUNTER_H
#define TELEMETRY_COUNTER_H

#include <stdint.h>

/*
 * Counters that the kernel keeps in an unsigned long wrap at 2^32 on 32-bit
 * machines, the rest at 2^64: a fall over more than half of the range is a
 * wrap. A smaller fall is a counter going backwards (iowait and idle do, when
 * a CPU goes off line or two CPUs account the same wait): nothing happened.
 */
static inline uint64_t tel_counter_delta(uint64_t before, uint64_t after)
{
	if (after >= before)
		return after - before;
	if (before <= UINT32_MAX && before - after > UINT32_MAX / 2)
		return (uint32_t)(after - before);
	if (before - after > UINT64_MAX / 2)
		return after - before;
	return 0;
}

#endif
