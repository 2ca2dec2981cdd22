// SPDX-License-Identifier: GPL-2.0-only
/* Kernel code as the consumer of a lane: copies, checked against a user space that changes them. */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <ringshm/kernel.h>
#include <ringshm/spsc.h>

#include "lane.h"

struct ringshm_kconsumer {
	struct ringshm_spsc_consumer ring;	/* private */
	struct ringshm_lane lane;
};

static void ring_fill(struct ringshm_spsc_consumer *ring, struct ringshm_lane *lane)
{
	ring->base = ringshm_lane_base(lane);
	ring->capacity = lane->header.capacity;
	ring->state = &lane->data->state.word;
	ring->tail_word = &lane->data->tail.word;
	ring->head_word = &lane->data->head.word;
	ring->credit_word = &lane->data->credit.word;
	ring->overhead = ringshm_lane_overhead(lane);
	ring->round = lane->header.alignment - 1;
	ring->max_payload = ringshm_spsc_max_payload(ring->capacity, ring->overhead);
}

static int ring_resume(struct ringshm_spsc_consumer *ring)
{
	u64 head = ringshm_load_acquire(ring->head_word); /* A4 */
	u64 tail = ringshm_load_acquire(ring->tail_word); /* A3 */

	if (tail - head > ring->capacity || head & ring->round)
		return -EPROTO;
	ring->head = head;
	ring->next = head;
	ring->credit = head;
	ringshm_store_release(ring->credit_word, head); /* R2 */
	return 0;
}

struct ringshm_kconsumer *ringshm_kconsumer_get(int ctl_fd, int data_fd)
{
	struct ringshm_kconsumer *consumer = kzalloc(sizeof(*consumer), GFP_KERNEL_ACCOUNT);
	int err;

	if (!consumer)
		return ERR_PTR(-ENOMEM);
	err = ringshm_lane_open(&consumer->lane, RINGSHM_LANE_CONSUMER, ctl_fd, data_fd);
	if (err)
		goto free;
	ring_fill(&consumer->ring, &consumer->lane);
	err = ring_resume(&consumer->ring);
	if (!err)
		return consumer;
	ringshm_lane_close(&consumer->lane);
free:
	kfree(consumer);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(ringshm_kconsumer_get);

int ringshm_kconsumer_recv(struct ringshm_kconsumer *consumer, void *buffer, u32 size, u32 *len)
{
	return ringshm_spsc_recv(&consumer->ring, buffer, size, len);
}
EXPORT_SYMBOL_GPL(ringshm_kconsumer_recv);

void ringshm_kconsumer_put(struct ringshm_kconsumer *consumer)
{
	if (IS_ERR_OR_NULL(consumer))
		return;
	ringshm_lane_close(&consumer->lane);
	kfree(consumer);
}
EXPORT_SYMBOL_GPL(ringshm_kconsumer_put);
