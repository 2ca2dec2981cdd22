/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory of a kernel lane: pinned, mapped into the kernel, checked. */
#ifndef RINGSHM_LANE_H
#define RINGSHM_LANE_H

#include <linux/list.h>
#include <linux/types.h>

#include <ringshm/abi.h>

struct eventfd_ctx;
struct file;
struct page;
struct ringshm_region;
struct user_struct;

enum ringshm_lane_side { RINGSHM_LANE_PRODUCER, RINGSHM_LANE_CONSUMER };

struct ringshm_lane {
	struct list_head link;		/* all lanes, so that a side has one kernel user */
	enum ringshm_lane_side side;
	struct file *data_file;		/* referenced: it keeps the region, or the memory file */
	struct ringshm_region *region;	/* NULL: a memory file */
	struct page **pages;		/* pinned, of a memory file */
	unsigned long nr_pages;
	struct user_struct *charged;
	void *mapped;			/* to be unmapped; NULL: part of the linear map */

	struct ringshm_data *data;	/* shared with user space */
	u64 size;			/* bytes from there on that are ours */
	struct ringshm_header header;	/* the checked private copy */
};

int ringshm_lane_open(struct ringshm_lane *lane, enum ringshm_lane_side side, int ctl_fd, int data_fd);
void ringshm_lane_close(struct ringshm_lane *lane);

/* Bytes of a record before its payload; where position 0 lies. */
u32 ringshm_lane_overhead(const struct ringshm_lane *lane);
unsigned char *ringshm_lane_base(const struct ringshm_lane *lane);

#endif
