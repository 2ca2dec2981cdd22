/* SPDX-License-Identifier: MIT */
/* Making kernel lanes by hand. */
#include "lanes.h"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

void lane_write_header(struct lane *lane)
{
	CHECK_EQ(pwrite(lane->ctl_fd, &lane->header, sizeof(lane->header), 0), sizeof(lane->header));
}

static void data_fill(struct lane *lane)
{
	memcpy(lane->data->uuid, lane->header.uuid, RINGSHM_UUID_SIZE);
	lane->data->size = lane->size;
	lane->data->tail.word = lane->header.start_position;
	lane->data->head.word = lane->header.start_position;
	lane->data->credit.word = lane->header.start_position;
	lane->data->magic = RINGSHM_DATA_MAGIC;
}

void lane_make(struct lane *lane, int fd, size_t size, uint64_t capacity, uint64_t features)
{
	memset(lane, 0, sizeof(*lane));
	lane->ctl_fd = memfd_create("ctl", MFD_CLOEXEC);
	lane->data_fd = fd;
	lane->size = size;
	lane->data = map(fd, size);
	lane->header = (struct ringshm_header){
		.magic = RINGSHM_MAGIC,
		.major = RINGSHM_ABI_MAJOR,
		.header_size = sizeof(lane->header),
		.byte_order = RINGSHM_BYTE_ORDER,
		.kind = RINGSHM_SPSC,
		.incompat = RINGSHM_F_KLANE | features,
		.uuid = "a lane by hand",
		.capacity = capacity,
		.start_position = capacity * 3 - 64, /* soon round the end */
		.alignment = 8,
		.data_size = size,
		.data_offset = RINGSHM_BLOCK,
	};
	lane_write_header(lane);
	data_fill(lane);
	lane_consumer_open(lane);
}

void lane_consumer_open(struct lane *lane)
{
	static struct ringshm_participant nobody;
	struct ringshm_spsc_consumer *c = &lane->consumer;

	memset(c, 0, sizeof(*c));
	c->base = (unsigned char *)lane->data + lane->header.data_offset;
	c->capacity = lane->header.capacity;
	c->head = c->next = c->credit = lane->data->head.word;
	c->head_word = &lane->data->head.word;
	c->credit_word = &lane->data->credit.word;
	c->tail_word = &lane->data->tail.word;
	c->state = &lane->data->state.word;
	c->overhead = lane->header.incompat & RINGSHM_F_TIMESTAMP ? 16 : 8;
	c->round = 7;
	c->max_payload = ringshm_spsc_max_payload(c->capacity, c->overhead);
	c->self = &nobody;
}

/* Announce, look once more, sleep in poll. */
int lane_wait(struct lane *lane, int timeout_ms)
{
	static uint32_t number;
	struct pollfd want = {.fd = lane->data_fd, .events = POLLIN};
	uint64_t count;
	uint32_t len;
	int found = 1;

	while (read(lane->data_fd, &count, sizeof(count)) > 0)
		; /* wake-ups of sleeps that are over */
	__atomic_store_n(&lane->data->wake.sleepers, ++number, __ATOMIC_RELAXED);
	ringshm__waiter_announce();
	if (!ringshm_spsc_peek(&lane->consumer, &len))
		found = poll(&want, 1, timeout_ms);
	__atomic_store_n(&lane->data->wake.sleepers, 0, __ATOMIC_RELAXED);
	return found;
}
