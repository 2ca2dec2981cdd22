// SPDX-License-Identifier: GPL-2.0-only
/* Kernel code as the producer of a lane, from any context, on the same ring header as user space. */
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include <ringshm/kernel.h>
#include <ringshm/spsc.h>

#include "lane.h"
#include "region.h"

struct ringshm_kproducer {
	struct ringshm_spsc_producer ring;	/* private; nothing of it is believed from shared memory */
	raw_spinlock_t lock;			/* held, interrupts off, from reserve to commit */
	unsigned long flags;			/* of interrupts, for the holder */
	int __percpu *inside;			/* how deep this CPU is: notices nesting before the lock does */
	atomic64_t dropped;
	struct irq_work wake;			/* waking may take a run queue's lock, which a probe may hold */
	struct ringshm_lane lane;
};

static u64 lane_clock(void)
{
	return ktime_get_mono_fast_ns();
}

static void wake_work(struct irq_work *work)
{
	struct ringshm_kproducer *producer = container_of(work, struct ringshm_kproducer, wake);

	ringshm_wake(producer->lane.region);
}

/* Called by the ring header under the lock when the consumer's word says that it sleeps. */
static void ring_wake(struct ringshm_spsc_producer *ring)
{
	struct ringshm_kproducer *producer = container_of(ring, struct ringshm_kproducer, ring);
	u32 sleep = ringshm_load32_relaxed(ring->sleepers); /* relaxed: any value is as good, see below */

	if (sleep == ring->woken) /* that sleep was ended; a hostile number costs wake-ups or sleep of its own */
		return;
	ring->woken = sleep;
	irq_work_queue(&producer->wake);
}

static void ring_fill(struct ringshm_kproducer *producer)
{
	struct ringshm_spsc_producer *ring = &producer->ring;
	struct ringshm_lane *lane = &producer->lane;

	ring->base = ringshm_lane_base(lane);
	ring->capacity = lane->header.capacity;
	ring->state = &lane->data->state.word;
	ring->tail_word = &lane->data->tail.word;
	ring->head_word = &lane->data->head.word;
	ring->credit_word = &lane->data->credit.word;
	if (lane->region)	/* who waits for a memory file has a clock instead */
		ring->sleepers = &lane->data->wake.sleepers;
	ring->certain = 1;
	ring->overhead = ringshm_lane_overhead(lane);
	ring->round = lane->header.alignment - 1;
	ring->max_payload = ringshm_spsc_max_payload(ring->capacity, ring->overhead);
	ring->clock = lane->header.incompat & RINGSHM_F_TIMESTAMP ? lane_clock : NULL;
	ring->wake = ring_wake;
}

/* Where the last kernel producer stopped; it always published what it had. */
static int ring_resume(struct ringshm_spsc_producer *ring)
{
	u64 tail = ringshm_load_acquire(ring->tail_word); /* A3 */
	u64 credit = ringshm_load_acquire(ring->credit_word); /* A2 */

	if (tail - credit > ring->capacity || (tail | credit) & ring->round)
		return -EPROTO;
	ring->tail = tail;
	ring->limit = credit + ring->capacity;
	return 0;
}

struct ringshm_kproducer *ringshm_kproducer_get(int ctl_fd, int data_fd)
{
	struct ringshm_kproducer *producer = kzalloc(sizeof(*producer), GFP_KERNEL_ACCOUNT);
	int err;

	if (!producer)
		return ERR_PTR(-ENOMEM);
	raw_spin_lock_init(&producer->lock);
	init_irq_work(&producer->wake, wake_work);
	err = -ENOMEM;
	producer->inside = alloc_percpu_gfp(int, GFP_KERNEL_ACCOUNT);
	if (!producer->inside)
		goto free;
	err = ringshm_lane_open(&producer->lane, RINGSHM_LANE_PRODUCER, ctl_fd, data_fd);
	if (err)
		goto free;
	ring_fill(producer);
	err = ring_resume(&producer->ring);
	if (!err)
		return producer;
	ringshm_lane_close(&producer->lane);
free:
	free_percpu(producer->inside);
	kfree(producer);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(ringshm_kproducer_get);

/* Taken here, released by another function of the caller's; sparse is told it is even. */
static bool lock_taken(struct ringshm_kproducer *producer)
{
	if (in_nmi()) {
		if (!raw_spin_trylock(&producer->lock))
			return false;
	} else {
		raw_spin_lock(&producer->lock);
	}
	__release(&producer->lock);
	return true;
}

/*
 * Interrupts are off.  False: this CPU is inside already, or we are an NMI and another CPU is.
 * Counted before the lock is touched: a probe on the lock's own tracepoints nests here, too.
 */
static bool producer_lock(struct ringshm_kproducer *producer)
{
	if (this_cpu_inc_return(*producer->inside) == 1 && lock_taken(producer))
		return true;
	this_cpu_dec(*producer->inside);
	return false;
}

static void producer_unlock(struct ringshm_kproducer *producer)
{
	unsigned long flags = producer->flags;

	__acquire(&producer->lock);
	raw_spin_unlock(&producer->lock);
	this_cpu_dec(*producer->inside);
	local_irq_restore(flags);
}

/* For people; whoever dropped last stores the newest count, near enough. */
static void *dropped(struct ringshm_kproducer *producer)
{
	s64 n = atomic64_inc_return(&producer->dropped);

	/* relaxed: a figure for people */
	ringshm_store_relaxed(&producer->lane.data->count.lost, n);
	return NULL;
}

void *ringshm_kproducer_reserve(struct ringshm_kproducer *producer, u32 len)
{
	unsigned long flags;
	void *payload;

	local_irq_save(flags);
	if (!producer_lock(producer)) {
		local_irq_restore(flags);
		return dropped(producer);
	}
	producer->flags = flags;
	payload = ringshm_spsc_reserve(&producer->ring, len);
	if (payload)
		return payload;
	if (producer->ring.status == -EMSGSIZE) /* this record never fits; the next may */
		producer->ring.status = 0;
	producer_unlock(producer);
	return dropped(producer);
}
EXPORT_SYMBOL_GPL(ringshm_kproducer_reserve);

void ringshm_kproducer_commit_typed(struct ringshm_kproducer *producer, u32 len, u16 type, u16 flags)
{
	ringshm_spsc_commit_typed(&producer->ring, len, type, flags);
	producer_unlock(producer);
}
EXPORT_SYMBOL_GPL(ringshm_kproducer_commit_typed);

void ringshm_kproducer_commit(struct ringshm_kproducer *producer, u32 len)
{
	ringshm_kproducer_commit_typed(producer, len, 0, 0);
}
EXPORT_SYMBOL_GPL(ringshm_kproducer_commit);

void ringshm_kproducer_discard(struct ringshm_kproducer *producer)
{
	ringshm_spsc_discard(&producer->ring);
	producer_unlock(producer);
}
EXPORT_SYMBOL_GPL(ringshm_kproducer_discard);

int ringshm_kproducer_send(struct ringshm_kproducer *producer, const void *buffer, u32 len)
{
	void *payload = ringshm_kproducer_reserve(producer, len);

	if (!payload)
		return -ENOBUFS;
	memcpy(payload, buffer, len);
	ringshm_kproducer_commit(producer, len);
	return 0;
}
EXPORT_SYMBOL_GPL(ringshm_kproducer_send);

u64 ringshm_kproducer_dropped(const struct ringshm_kproducer *producer)
{
	return atomic64_read(&producer->dropped);
}
EXPORT_SYMBOL_GPL(ringshm_kproducer_dropped);

int ringshm_kproducer_status(const struct ringshm_kproducer *producer)
{
	return READ_ONCE(producer->ring.status);
}
EXPORT_SYMBOL_GPL(ringshm_kproducer_status);

/* The last wake-up belongs to the last record: a consumer that sleeps now would never hear of it. */
void ringshm_kproducer_put(struct ringshm_kproducer *producer)
{
	if (IS_ERR_OR_NULL(producer))
		return;
	irq_work_sync(&producer->wake);
	if (producer->lane.region)
		ringshm_wake(producer->lane.region);
	ringshm_lane_close(&producer->lane);
	free_percpu(producer->inside);
	kfree(producer);
}
EXPORT_SYMBOL_GPL(ringshm_kproducer_put);
