/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/* What the tests ask of /dev/ringshm_contexts, and the records that it sends. */
#ifndef RINGSHM_CONTEXTS_H
#define RINGSHM_CONTEXTS_H

#include <linux/ioctl.h>
#include <linux/types.h>

enum ringshm_context {
	RINGSHM_IN_THREAD,
	RINGSHM_IN_SOFTIRQ,
	RINGSHM_IN_HARDIRQ,
	RINGSHM_IN_NMI,
	RINGSHM_CONTEXTS
};

/* A record: words that can be checked, then filler of the same byte. */
struct ringshm_contexts_record {
	__aligned_u64 sequence; /* of its context and CPU */
	__u32 context;
	__u32 cpu;
	__aligned_u64 check; /* sequence ^ context << 32 ^ cpu ^ RINGSHM_CONTEXTS_SALT */
};

#define RINGSHM_CONTEXTS_SALT 0x9e3779b97f4a7c15ull

/* Both descriptors of a lane; a file of the device has one lane, as producer or as consumer. */
struct ringshm_contexts_lane {
	__s32 ctl_fd;
	__s32 data_fd;
};

/* Sends @records from every context of @contexts (bits) on every CPU at once, and waits for all. */
struct ringshm_contexts_run {
	__u32 contexts;
	__u32 filler;		   /* bytes after the record, varied from 0 up to this */
	__aligned_u64 records;	   /* each, tried */
	__aligned_u64 tried;	   /* out: all of them */
	__aligned_u64 dropped;	   /* out: all of them */
	__aligned_u64 nanoseconds; /* out: from first to last */
	__s32 status;		   /* out: the lane's */
	__u32 nested;		   /* 1: also from a probe on the lane's own lock; out: how often that tried */
};

/* Receives until @records have come or @milliseconds are over; nothing is checked but bounds. */
struct ringshm_contexts_drain {
	__aligned_u64 records;
	__aligned_u64 received; /* out */
	__u32 milliseconds;
	__s32 status; /* out: 0, or the errno that ended it */
};

#define RINGSHM_CONTEXTS_PRODUCE _IOW(0xb6, 0, struct ringshm_contexts_lane)
#define RINGSHM_CONTEXTS_CONSUME _IOW(0xb6, 1, struct ringshm_contexts_lane)
#define RINGSHM_CONTEXTS_RUN _IOWR(0xb6, 2, struct ringshm_contexts_run)
#define RINGSHM_CONTEXTS_DRAIN _IOWR(0xb6, 3, struct ringshm_contexts_drain)

#endif
