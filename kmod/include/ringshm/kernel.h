/* SPDX-License-Identifier: GPL-2.0-only */
/* For kernel code that produces into, or consumes from, a ring that user space maps. */
#ifndef RINGSHM_KERNEL_H
#define RINGSHM_KERNEL_H

#include <linux/types.h>

/*
 * A *kernel lane* is an spsc channel created with RINGSHM_F_KLANE.  Its data area, control words
 * included, is a region of /dev/ringshm or a memory file of huge (or small) pages; user space creates
 * it and hands in two descriptors: of the channel's control file, which says what the channel is, and
 * of its data, open for writing.
 *
 * Everything in it can be written by user space at any time and is treated so: cursors and shape are
 * private copies, the one word read from the other side is checked, and a side that scribbles gets its
 * records dropped, never an access outside the area.
 */
struct ringshm_kproducer;
struct ringshm_kconsumer;

/**
 * ringshm_kproducer_get() - become the producer of a kernel lane.
 *
 * From process context of the one whose descriptors they are.  Pins the memory and the module.
 * ERR_PTR: -EBADF no such descriptor, control not open for reading, or data not for both; -EINVAL
 * control no regular file, data neither a region nor a memory file of less than 4 GiB; -EPROTO no
 * sound kernel lane; -EBUSY it has a kernel producer; -ENOBUFS over RLIMIT_MEMLOCK; -ENOMEM; what
 * reading the one or mapping and pinning the other answered.
 */
struct ringshm_kproducer *ringshm_kproducer_get(int ctl_fd, int data_fd);

/**
 * ringshm_kproducer_reserve() - room for a record of up to @len bytes, or NULL: dropped and counted.
 *
 * From any context: threads, softirq, hard irq, NMI, under a run queue's lock.  Between a successful
 * reserve and its commit or discard interrupts are off on this CPU and other CPUs' reserves spin, so
 * do little; nothing may sleep.  A nested use on one CPU (an NMI, a probe within) gets NULL, and so
 * does an NMI while another CPU is in between: an NMI never waits.  NULL: ring full, @len never fits,
 * the channel has ended, the consumer scribbled.  Never blocks on user space.
 */
void *ringshm_kproducer_reserve(struct ringshm_kproducer *producer, u32 len);

/* Publishes @len bytes of the reservation (at most what was reserved) and wakes a sleeping consumer. */
void ringshm_kproducer_commit(struct ringshm_kproducer *producer, u32 len);
void ringshm_kproducer_commit_typed(struct ringshm_kproducer *producer, u32 len, u16 type, u16 flags);

/* Gives the reservation up: it never existed. */
void ringshm_kproducer_discard(struct ringshm_kproducer *producer);

/* Reserve, copy, commit.  0, or -ENOBUFS: dropped and counted. */
int ringshm_kproducer_send(struct ringshm_kproducer *producer, const void *buffer, u32 len);

/* Records dropped so far; consumers see the same number in the lane's header. */
u64 ringshm_kproducer_dropped(const struct ringshm_kproducer *producer);

/* 0, or why the lane takes nothing any more: -EPROTO, -ESHUTDOWN, -ESTALE. */
int ringshm_kproducer_status(const struct ringshm_kproducer *producer);

/**
 * ringshm_kproducer_put() - leave.  From process context, when nobody uses the producer any more (what
 * calls it from interrupts or probes has been synchronized).
 */
void ringshm_kproducer_put(struct ringshm_kproducer *producer);

/**
 * ringshm_kconsumer_get() - become the consumer of a kernel lane, as above.
 */
struct ringshm_kconsumer *ringshm_kconsumer_get(int ctl_fd, int data_fd);

/**
 * ringshm_kconsumer_recv() - copy the oldest record out.
 *
 * A copy, because user space may change the original while it is looked at.  One caller at a time, any
 * context.  0 with *@len its length; -EAGAIN: none now; -EMSGSIZE: *@len bytes are needed, it stays;
 * -EPROTO, -ESHUTDOWN, -ESTALE: never again.
 */
int ringshm_kconsumer_recv(struct ringshm_kconsumer *consumer, void *buffer, u32 size, u32 *len);

void ringshm_kconsumer_put(struct ringshm_kconsumer *consumer);

#endif
