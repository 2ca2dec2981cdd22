/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where states, verdicts and slots stand in the data area of an mpmc ring. */
#ifndef RINGSHM_MPMC_SHAPE_H
#define RINGSHM_MPMC_SHAPE_H

#include <ringshm/atomic.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Do lengths stand in the states? */
static inline bool ringshm_mpmc_compact(uint32_t slot_size, uint64_t features)
{
	return slot_size <= RINGSHM_MPMC_COMPACT_MAX && !(features & RINGSHM_F_TIMESTAMP);
}

/*
 * What a slot has besides its payload, as its size is counted: 8 bytes of state and verdict, a record
 * header unless compact, a stamp, and what the alignment adds.
 */
static inline uint32_t ringshm_mpmc_extra(uint32_t slot_size, uint32_t alignment, uint64_t features)
{
	uint32_t extra = ringshm_mpmc_compact(slot_size, features) ? 8 : features & RINGSHM_F_TIMESTAMP ? 24 : 16;

	return extra > alignment ? extra : alignment;
}

/* Where things are in a data area; offsets in bytes, from header.data_offset. */
struct ringshm_mpmc_shape {
	uint64_t states;
	uint64_t verdicts;
	uint64_t slots;
	uint64_t size;	      /* of all that */
	uint32_t stride;      /* from slot to slot */
	uint32_t offset;      /* of the payload in a slot */
	uint32_t max_payload; /* bytes of the largest message */
};

static inline uint64_t ringshm__mpmc_whole_lines(uint64_t bytes)
{
	return (bytes + RINGSHM_LINE - 1) & ~(uint64_t)(RINGSHM_LINE - 1);
}

/* slot_size must be more than ringshm_mpmc_extra(), capacity times it must fit 64 bits with room to spare. */
static inline struct ringshm_mpmc_shape ringshm_mpmc_shape(uint64_t capacity, uint32_t slot_size, uint32_t alignment,
							   uint64_t features)
{
	struct ringshm_mpmc_shape shape;
	uint32_t extra = ringshm_mpmc_extra(slot_size, alignment, features);

	shape.max_payload = slot_size - extra;
	shape.offset = 0;
	if (!ringshm_mpmc_compact(slot_size, features))
		shape.offset = alignment > 8 ? alignment : extra - 8;
	shape.stride = shape.offset + shape.max_payload;
	shape.states = 0;
	shape.verdicts = ringshm__mpmc_whole_lines(capacity * sizeof(ringshm_word16));
	shape.slots = shape.verdicts + ringshm__mpmc_whole_lines(capacity * sizeof(ringshm_word));
	shape.size = shape.slots + capacity * shape.stride;
	return shape;
}

#ifdef __cplusplus
}
#endif

#endif
