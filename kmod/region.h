/* SPDX-License-Identifier: GPL-2.0-only */
/* Regions and descriptors as the files of ringshm.ko know them. */
#ifndef RINGSHM_REGION_H
#define RINGSHM_REGION_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include <ringshm/kmod.h>

struct eventfd_ctx;
struct vfsmount;
struct user_struct;

/*
 * A region: its memory, its name, who waits for it.
 *
 * Referenced by its name and by each open file description (a mapping holds a
 * description).  Owner, group and mode are those of @inode, so fstat(),
 * fchmod() and fchown() mean what they always mean.
 */
struct ringshm_region {
	struct kref ref;
	struct list_head link;		/* ringshm_regions, under ringshm_regions_lock */
	bool ready;			/* published; under ringshm_regions_lock */
	char name[RINGSHM_KMOD_NAME_MAX];	/* empty: anonymous or unlinked; same lock */

	struct inode *inode;
	kuid_t owner;			/* who made it: its quota */
	struct user_struct *charged;	/* whose RLIMIT_MEMLOCK, NULL if exempt */

	u32 flavour;
	s32 node;
	unsigned long nr_blocks;
	struct page **blocks;		/* the first page of each 2 MiB */

	wait_queue_head_t wait;
	atomic64_t wakes;

	spinlock_t lock;		/* eventfds, ids */
	struct list_head eventfds;	/* ringshm_file.eventfd_link */
	DECLARE_BITMAP(ids, RINGSHM_KMOD_IDS);
	atomic64_t deaths;
	atomic_t mappings;
	atomic_t descriptors;
};

/* An open file description of a region. */
struct ringshm_file {
	struct ringshm_region *region;
	atomic64_t seen;		/* wakes at the last acknowledgement */
	struct eventfd_ctx *eventfd;	/* under region->lock */
	struct list_head eventfd_link;
	u32 id;				/* participant, RINGSHM_KMOD_ANY_ID if none; region->lock */
	unsigned int areas;		/* memory areas that map it; region->lock */
};

/* region.c */
extern struct list_head ringshm_regions;
extern struct mutex ringshm_regions_lock;
extern struct vfsmount *ringshm_mount;
struct ringshm_region *ringshm_region_create(const struct ringshm_kmod_create *arg);
void ringshm_region_publish(struct ringshm_region *region);
struct ringshm_region *ringshm_region_find(const char *name);
struct ringshm_region *ringshm_region_after(const char *name);
int ringshm_region_unlink(const char *name);
void ringshm_region_put(struct ringshm_region *region);
int ringshm_region_may(struct ringshm_region *region, bool write);
int ringshm_memlock_charge(struct user_struct **charged, unsigned long pages);
void ringshm_memlock_uncharge(struct user_struct *charged, unsigned long pages);

/* pages.c */
int ringshm_pages_alloc(struct ringshm_region *region);
void ringshm_pages_free(struct ringshm_region *region);
int ringshm_node_check(u32 flavour, s32 *node);

/* file.c */
int ringshm_file_open(struct ringshm_region *region, bool readonly);
struct ringshm_region *ringshm_region_of(struct file *file);

/* fault.c */
int ringshm_mmap(struct file *file, struct vm_area_struct *vma);

/* attach.c */
int ringshm_attach(struct ringshm_file *rf, u32 *id);
int ringshm_alive(struct ringshm_region *region, u32 id);
bool ringshm_area_added(struct ringshm_file *rf);
void ringshm_area_gone(struct ringshm_file *rf);
void ringshm_detach(struct ringshm_file *rf);

/* wake.c */
void ringshm_wake(struct ringshm_region *region);
int ringshm_eventfd_set(struct ringshm_file *rf, int fd);
void ringshm_eventfd_drop(struct ringshm_file *rf);

/* control.c */
long ringshm_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long ringshm_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* listing.c */
void ringshm_listing_init(void);
void ringshm_listing_exit(void);

/* The first page of block @index, which the caller has checked: not even speculation goes beyond. */
static inline struct page *ringshm_block(const struct ringshm_region *region, unsigned long index)
{
	return region->blocks[array_index_nospec(index, region->nr_blocks)];
}

static inline u64 ringshm_region_bytes(const struct ringshm_region *region)
{
	return (u64)region->nr_blocks * RINGSHM_KMOD_BLOCK;
}

#endif
