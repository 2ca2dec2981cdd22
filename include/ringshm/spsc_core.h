/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What both sides of an spsc ring reckon with: spans, laps, the largest record. Include <ringshm/spsc.h>. */
#ifndef RINGSHM_SPSC_CORE_H
#define RINGSHM_SPSC_CORE_H

#include <ringshm/atomic.h>
#include <ringshm/status.h>

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Failed looks in a row after which a base verb calls the endpoint's suspect hook. */
#ifndef RINGSHM_PATIENCE
#define RINGSHM_PATIENCE 16384u
#endif

#define RINGSHM__SPSC_LINE 64u /* bytes that move between cores at once */

/* Bytes of ring whose lines a producer takes from the other side at a time, ahead of need. */
#ifndef RINGSHM_SPSC_AHEAD
#define RINGSHM_SPSC_AHEAD 512u
#endif

/* How often ringshm_spsc_recv_n() says cpu_relax to itself when a stream has run dry: some hundred ns. */
#ifndef RINGSHM_SPSC_REST
#define RINGSHM_SPSC_REST 64u
#endif

/* Records of one ringshm_spsc_send_n() or ringshm_spsc_recv_n(), at most. */
#define RINGSHM_SPSC_RUN_MAX 65536u

static inline uint32_t ringshm__spsc_span(uint32_t overhead, uint32_t round, uint32_t len)
{
	return (overhead + len + round) & ~round;
}

static inline uint64_t ringshm__spsc_lap(uint64_t position, uint64_t capacity)
{
	return position & capacity ? RINGSHM_RECORD_LAP : 0;
}

/* Largest payload, bytes, that always fits an empty ring of this shape, wherever its position
 * stands: the record may have to skip almost its own length to the end of the ring. */
static inline uint32_t ringshm_spsc_max_payload(uint64_t capacity, uint32_t overhead)
{
	uint64_t half = capacity / 2;

	if (half > RINGSHM_RECORD_LENGTH_MAX)
		half = RINGSHM_RECORD_LENGTH_MAX & ~UINT32_C(63);
	return (uint32_t)half - overhead;
}

#ifdef __cplusplus
}
#endif

#endif
