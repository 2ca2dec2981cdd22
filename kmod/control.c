// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls: argument checks, then one call into the rest. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "arith.h"
#include "region.h"

/*
 * Takes a versioned structure in.  The first version of each is its whole
 * present size; when one grows, its old size becomes the least one here.
 */
static int argument_read(void *to, size_t known, const void __user *from)
{
	u32 given;

	if (get_user(given, (const u32 __user *)from))
		return -EFAULT;
	if (given < known)
		return -EINVAL;
	if (given > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(to, known, from, given);
}

#define argument(arg, user)	argument_read(&(arg), sizeof(arg), user)

static bool named_ok(const char *name, u32 flags, u32 allowed)
{
	return !(flags & ~allowed) && ringshm_name_ok(name);
}

static int create_check(const struct file *device, const struct ringshm_kmod_create *arg)
{
	if (arg->flags & ~RINGSHM_KMOD_RDONLY || arg->pad || arg->mode & ~0777)
		return -EINVAL;
	if (arg->name[0] && !ringshm_name_ok(arg->name))
		return -EINVAL;
	if (!ringshm_blocks_of(arg->length) || arg->flavour > RINGSHM_KMOD_CONTIGUOUS)
		return -EINVAL;
	if (ringshm_node_check(arg->flavour, arg->node))
		return -EINVAL;
	if (!(device->f_mode & FMODE_WRITE))
		return -EACCES;
	if (arg->flavour == RINGSHM_KMOD_CONTIGUOUS && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}

static long device_create(const struct file *device, void __user *user)
{
	struct ringshm_kmod_create arg;
	struct ringshm_region *region;
	int fd, err;

	err = argument(arg, user);
	if (!err)
		err = create_check(device, &arg);
	if (err)
		return err;
	region = ringshm_region_create(&arg);
	if (IS_ERR(region))
		return PTR_ERR(region);
	fd = ringshm_file_open(region, arg.flags & RINGSHM_KMOD_RDONLY);
	if (fd < 0 && arg.name[0])
		ringshm_region_unlink(arg.name);
	return fd;
}

static long device_open(const struct file *device, void __user *user)
{
	struct ringshm_kmod_open arg;
	struct ringshm_region *region;
	bool readonly;
	int err;

	err = argument(arg, user);
	if (err)
		return err;
	if (!named_ok(arg.name, arg.flags, RINGSHM_KMOD_RDONLY))
		return -EINVAL;
	readonly = arg.flags & RINGSHM_KMOD_RDONLY;
	if (!readonly && !(device->f_mode & FMODE_WRITE))
		return -EACCES;
	region = ringshm_region_find(arg.name);
	if (!region)
		return -ENOENT;
	err = ringshm_region_may(region, !readonly);
	if (err) {
		ringshm_region_put(region);
		return err;
	}
	return ringshm_file_open(region, readonly);
}

static long device_unlink(const struct file *device, void __user *user)
{
	struct ringshm_kmod_unlink arg;
	int err;

	err = argument(arg, user);
	if (err)
		return err;
	if (!named_ok(arg.name, arg.flags, 0))
		return -EINVAL;
	if (!(device->f_mode & FMODE_WRITE))
		return -EACCES;
	return ringshm_region_unlink(arg.name);
}

static void info_runs(struct ringshm_region *region, struct ringshm_kmod_info *info)
{
	struct ringshm_runs runs = {};
	unsigned long i, expected = 0;

	for (i = 0; i < region->nr_blocks; i++) {
		unsigned long pfn = page_to_pfn(region->blocks[i]);
		int node = page_to_nid(region->blocks[i]);

		ringshm_runs_add(&runs, !i || pfn != expected);
		expected = pfn + RINGSHM_BLOCK_PAGES;
		if (node < 64)
			info->node_mask |= 1ull << node;
	}
	info->runs = runs.count;
	info->run_length = (u64)runs.longest * RINGSHM_KMOD_BLOCK;
}

/* Everything but flags; the caller holds a reference. */
void ringshm_info_fill(struct ringshm_region *region, struct ringshm_kmod_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	mutex_lock(&ringshm_regions_lock);
	strscpy(info->name, region->name, sizeof(info->name));
	mutex_unlock(&ringshm_regions_lock);
	info->length = ringshm_region_bytes(region);
	info_runs(region, info);
	if (capable(CAP_SYS_ADMIN))
		info->phys = page_to_phys(region->blocks[0]);
	info->ino = region->inode->i_ino;
	info->mappings = atomic_read(&region->mappings);
	info->descriptors = atomic_read(&region->descriptors);
	info->attached = bitmap_weight(region->ids, RINGSHM_KMOD_IDS);
	info->deaths = atomic64_read(&region->deaths);
	info->wakes = atomic64_read(&region->wakes);
	info->flavour = region->flavour;
	info->node = region->node;
	info->uid = from_kuid_munged(current_user_ns(), region->inode->i_uid);
	info->gid = from_kgid_munged(current_user_ns(), region->inode->i_gid);
	info->mode = region->inode->i_mode;
	info->abi = RINGSHM_KMOD_ABI;
}

static long info_write(void __user *user, const struct ringshm_kmod_info *info)
{
	return copy_to_user(user, info, sizeof(*info)) ? -EFAULT : 0;
}

static long device_info(const struct file *device, void __user *user)
{
	struct ringshm_kmod_info info;
	struct ringshm_region *region;
	int err;

	err = argument(info, user);
	if (err)
		return err;
	if (info.flags || strnlen(info.name, sizeof(info.name)) == sizeof(info.name))
		return -EINVAL;
	region = ringshm_region_after(info.name);
	if (!region)
		return -ENOENT;
	ringshm_info_fill(region, &info);
	ringshm_region_put(region);
	return info_write(user, &info);
}

static long region_info(struct file *file, void __user *user)
{
	struct ringshm_kmod_info info;
	int err;

	err = argument(info, user);
	if (err)
		return err;
	if (info.flags)
		return -EINVAL;
	ringshm_info_fill(ringshm_region_of(file), &info);
	if (!(file->f_mode & FMODE_WRITE))
		info.flags = RINGSHM_KMOD_RDONLY;
	return info_write(user, &info);
}

static long region_placement(struct file *file, void __user *user)
{
	struct ringshm_region *region = ringshm_region_of(file);
	struct ringshm_kmod_placement arg;
	s32 __user *nodes;
	u64 i;
	int err;

	err = argument(arg, user);
	if (err)
		return err;
	if (arg.flags || arg.first >= region->nr_blocks)
		return -EINVAL;
	nodes = u64_to_user_ptr(arg.nodes);
	arg.count = min_t(u64, min_t(u64, arg.count, region->nr_blocks - arg.first), INT_MAX);
	for (i = 0; i < arg.count; i++) {
		if (put_user(page_to_nid(region->blocks[arg.first + i]), nodes + i))
			return -EFAULT;
		cond_resched();
	}
	return arg.count;
}

static long region_dup(struct file *file, void __user *user)
{
	struct ringshm_region *region = ringshm_region_of(file);
	struct ringshm_kmod_dup arg;
	int err;

	err = argument(arg, user);
	if (err)
		return err;
	if (arg.flags & ~RINGSHM_KMOD_RDONLY)
		return -EINVAL;
	if (!(arg.flags & RINGSHM_KMOD_RDONLY) && !(file->f_mode & FMODE_WRITE))
		return -EACCES;
	kref_get(&region->ref);
	return ringshm_file_open(region, arg.flags & RINGSHM_KMOD_RDONLY);
}

static long region_attach(struct file *file, void __user *user)
{
	struct ringshm_kmod_attach arg;
	int err;

	err = argument(arg, user);
	if (err)
		return err;
	if (arg.flags || arg.pad)
		return -EINVAL;
	err = ringshm_attach(file->private_data, &arg.id);
	if (err)
		return err;
	return put_user(arg.id, &((struct ringshm_kmod_attach __user *)user)->id);
}

static long region_alive(struct file *file, void __user *user)
{
	struct ringshm_kmod_alive arg;
	int err;

	err = argument(arg, user);
	if (err)
		return err;
	if (arg.flags || arg.pad)
		return -EINVAL;
	return ringshm_alive(ringshm_region_of(file), arg.id);
}

static long region_wake(struct file *file, void __user *user)
{
	struct ringshm_kmod_wake arg;
	int err;

	err = argument(arg, user);
	if (err)
		return err;
	if (arg.flags)
		return -EINVAL;
	ringshm_wake(ringshm_region_of(file));
	return 0;
}

static long region_eventfd(struct file *file, void __user *user)
{
	struct ringshm_kmod_eventfd arg;
	int err;

	err = argument(arg, user);
	if (err)
		return err;
	if (arg.flags || arg.pad || arg.fd < -1)
		return -EINVAL;
	return ringshm_eventfd_set(file->private_data, arg.fd);
}

long ringshm_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case RINGSHM_KMOD_CREATE:
		return device_create(file, user);
	case RINGSHM_KMOD_OPEN:
		return device_open(file, user);
	case RINGSHM_KMOD_UNLINK:
		return device_unlink(file, user);
	case RINGSHM_KMOD_INFO:
		return device_info(file, user);
	default:
		return -ENOTTY;
	}
}

long ringshm_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case RINGSHM_KMOD_INFO:
		return region_info(file, user);
	case RINGSHM_KMOD_PLACEMENT:
		return region_placement(file, user);
	case RINGSHM_KMOD_DUP:
		return region_dup(file, user);
	case RINGSHM_KMOD_ATTACH:
		return region_attach(file, user);
	case RINGSHM_KMOD_ALIVE:
		return region_alive(file, user);
	case RINGSHM_KMOD_WAKE:
		return region_wake(file, user);
	case RINGSHM_KMOD_EVENTFD:
		return region_eventfd(file, user);
	default:
		return -ENOTTY;
	}
}
