// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors of regions: opening, reading wake-ups, polling, releasing. */
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "compat.h"
#include "region.h"
#include "trace.h"

static int region_release(struct inode *inode, struct file *file)
{
	struct ringshm_file *rf = file->private_data;
	struct ringshm_region *region = rf->region;

	ringshm_detach(rf);
	ringshm_eventfd_drop(rf);
	atomic_dec(&region->descriptors);
	kfree(rf);
	ringshm_region_put(region);
	return 0;
}

/* No wake-up is lost: it is counted before the queue's lock is taken, which we have had before we look. */
static __poll_t region_poll(struct file *file, struct poll_table_struct *table)
{
	struct ringshm_file *rf = file->private_data;

	poll_wait(file, &rf->region->wait, table);
	if (atomic64_read(&rf->region->wakes) == atomic64_read(&rf->seen))
		return 0;
	return EPOLLIN | EPOLLRDNORM;
}

/* Acknowledges: from here on the descriptor polls readable only after a new wake-up. */
static ssize_t region_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
	struct ringshm_file *rf = file->private_data;
	s64 seen, now;
	u64 count;

	if (size < sizeof(count))
		return -EINVAL;
	do {	/* others may acknowledge too; acquire: so ours is no older than what they saw */
		seen = atomic64_read_acquire(&rf->seen);
		now = atomic64_read(&rf->region->wakes);
		if (now == seen)
			return -EAGAIN;
	} while (atomic64_cmpxchg(&rf->seen, seen, now) != seen);
	count = now - seen;
	return copy_to_user(buffer, &count, sizeof(count)) ? -EFAULT : sizeof(count);
}

static loff_t region_llseek(struct file *file, loff_t offset, int whence)
{
	struct ringshm_file *rf = file->private_data;

	return fixed_size_llseek(file, offset, whence, ringshm_region_bytes(rf->region));
}

static const struct file_operations region_fops = {
	.owner = THIS_MODULE,
	.release = region_release,
	.poll = region_poll,
	.read = region_read,
	.llseek = region_llseek,
	.mmap = ringshm_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.unlocked_ioctl = ringshm_region_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* The region behind a file, or NULL if it is no region's. */
struct ringshm_region *ringshm_region_of(struct file *file)
{
	struct ringshm_file *rf = file->private_data;

	return file->f_op == &region_fops ? rf->region : NULL;
}

static struct file *file_make(struct ringshm_file *rf, bool readonly)
{
	struct inode *inode = rf->region->inode;
	struct file *file;

	ihold(inode);
	__module_get(THIS_MODULE);	/* region_fops.owner, put when the file is closed */
	file = alloc_file_pseudo(inode, ringshm_mount, "ringshm",
				 readonly ? O_RDONLY : O_RDWR, &region_fops);
	if (IS_ERR(file)) {
		iput(inode);
		module_put(THIS_MODULE);
		return file;
	}
	file->private_data = rf;
	return file;
}

/*
 * A new descriptor, close-on-exec.  Takes over the caller's reference to the
 * region, also when it fails.
 */
int ringshm_file_open(struct ringshm_region *region, bool readonly)
{
	struct ringshm_file *rf;
	struct file *file;
	int fd, err = -ENOMEM;

	rf = kzalloc(sizeof(*rf), GFP_KERNEL_ACCOUNT);
	if (!rf)
		goto put;
	rf->region = region;
	rf->id = RINGSHM_KMOD_ANY_ID;
	INIT_LIST_HEAD(&rf->eventfd_link);
	atomic64_set(&rf->seen, atomic64_read(&region->wakes));
	fd = get_unused_fd_flags(O_CLOEXEC);
	err = fd;
	if (fd < 0)
		goto free;
	file = file_make(rf, readonly);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto unused;
	atomic_inc(&region->descriptors);
	fd_install(fd, file);
	return fd;
unused:
	put_unused_fd(fd);
free:
	kfree(rf);
put:
	ringshm_region_put(region);
	return err;
}
