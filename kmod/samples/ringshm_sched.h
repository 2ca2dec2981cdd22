/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/* The ioctl of /dev/ringshm_sched, and the record that it publishes at every task switch. */
#ifndef RINGSHM_SCHED_H
#define RINGSHM_SCHED_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RINGSHM_SCHED_DEVICE "/dev/ringshm_sched"
#define RINGSHM_SCHED_TYPE 1			   /* of the records, as ringshm_spsc_type() tells */
#define RINGSHM_SCHED_SCHEMA 0x5245484344454853ull /* schema id of such channels */

struct ringshm_sched_switch {
	__aligned_u64 ns; /* CLOCK_MONOTONIC, at the switch */
	__u32 cpu;
	__u32 prev_pid;	  /* of the thread that leaves; 0: idle */
	__u32 next_pid;	  /* of the thread that comes */
	__u32 prev_state; /* 0: it would have gone on (it was preempted) */
	char prev_comm[16];
	char next_comm[16];
};

/*
 * From now on @cpu's switches go into the kernel lane of these two descriptors (an spsc channel with
 * RINGSHM_F_KLANE), until the file is closed.  Needs CAP_PERFMON: it shows what others run.
 * -EPERM; -EINVAL: no such CPU; -EBUSY: that CPU, or that lane, is taken; else as
 * ringshm_kproducer_get().
 */
struct ringshm_sched_attach {
	__u32 cpu;
	__s32 ctl_fd;
	__s32 data_fd;
	__u32 pad; /* 0 */
};

#define RINGSHM_SCHED_ATTACH _IOW(0xb7, 0, struct ringshm_sched_attach)

#endif
