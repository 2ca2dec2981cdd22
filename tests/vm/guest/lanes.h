/* SPDX-License-Identifier: MIT */
/* Kernel lanes made by hand, so that every word of them can also be made wrong. */
#ifndef GUEST_LANES_H
#define GUEST_LANES_H

#include <ringshm/spsc.h>

#include "guest.h"

struct lane {
	int ctl_fd;
	int data_fd;
	size_t size;
	struct ringshm_header header;
	struct ringshm_data *data;
	struct ringshm_spsc_consumer consumer;
};

/* A lane in `fd` (a region or a memory file) of `size` bytes; its consumer is ready. */
void lane_make(struct lane *lane, int fd, size_t size, uint64_t capacity, uint64_t features);
void lane_write_header(struct lane *lane);
void lane_consumer_open(struct lane *lane);
/* Waits until something is there: 1, or 0 after `timeout_ms`. */
int lane_wait(struct lane *lane, int timeout_ms);

#endif
