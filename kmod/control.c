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

/* The argument of any ioctl; each begins with its size and its flags. */
union argument {
	struct {
		u32 size;
		u32 flags;
	};
	struct ringshm_kmod_create create;
	struct ringshm_kmod_open open;
	struct ringshm_kmod_unlink unlink;
	struct ringshm_kmod_info info;
	struct ringshm_kmod_placement placement;
	struct ringshm_kmod_dup dup;
	struct ringshm_kmod_attach attach;
	struct ringshm_kmod_alive alive;
	struct ringshm_kmod_wake wake;
	struct ringshm_kmod_eventfd eventfd;
};

/* What all ioctls have done for them, and the rest of each. */
struct command {
	unsigned int code;
	u32 flags;		/* allowed */
	size_t size;		/* of the argument */
	bool answers;		/* the argument is written back after success */
	long (*run)(struct file *file, union argument *arg);
	void (*undo)(struct file *file);	/* when it cannot be written back */
};

static int create_check(const struct file *device, struct ringshm_kmod_create *arg)
{
	if (arg->pad || arg->mode & ~0777)
		return -EINVAL;
	if (arg->name[0] && !ringshm_name_ok(arg->name))
		return -EINVAL;
	if (!ringshm_blocks_of(arg->length) || arg->flavour > RINGSHM_KMOD_CONTIGUOUS)
		return -EINVAL;
	if (ringshm_node_check(arg->flavour, &arg->node))
		return -EINVAL;
	if (!(device->f_mode & FMODE_WRITE))
		return -EACCES;
	if (arg->flavour == RINGSHM_KMOD_CONTIGUOUS && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}

static long device_create(struct file *device, union argument *arg)
{
	struct ringshm_region *region;
	int fd, err;

	err = create_check(device, &arg->create);
	if (err)
		return err;
	region = ringshm_region_create(&arg->create);
	if (IS_ERR(region))
		return PTR_ERR(region);
	kref_get(&region->ref);
	fd = ringshm_file_open(region, arg->flags & RINGSHM_KMOD_RDONLY);
	if (fd >= 0)
		ringshm_region_publish(region);
	ringshm_region_put(region);
	return fd;
}

static long device_open(struct file *device, union argument *arg)
{
	bool readonly = arg->flags & RINGSHM_KMOD_RDONLY;
	struct ringshm_region *region;
	int err;

	if (!ringshm_name_ok(arg->open.name))
		return -EINVAL;
	if (!readonly && !(device->f_mode & FMODE_WRITE))
		return -EACCES;
	region = ringshm_region_find(arg->open.name);
	if (!region)
		return -ENOENT;
	err = ringshm_region_may(region, !readonly);
	if (err) {
		ringshm_region_put(region);
		return err;
	}
	return ringshm_file_open(region, readonly);
}

static long device_unlink(struct file *device, union argument *arg)
{
	if (!ringshm_name_ok(arg->unlink.name))
		return -EINVAL;
	if (!(device->f_mode & FMODE_WRITE))
		return -EACCES;
	return ringshm_region_unlink(arg->unlink.name);
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
static void info_fill(struct ringshm_region *region, struct ringshm_kmod_info *info)
{
	const u32 size = info->size;	/* stays the caller's, who may use it again as it is */

	memset(info, 0, sizeof(*info));
	info->size = size;
	mutex_lock(&ringshm_regions_lock);
	strscpy(info->name, region->name, sizeof(info->name));
	mutex_unlock(&ringshm_regions_lock);
	info->length = ringshm_region_bytes(region);
	info_runs(region, info);
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
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

static long device_info(struct file *device, union argument *arg)
{
	struct ringshm_region *region;

	if (strnlen(arg->info.name, sizeof(arg->info.name)) == sizeof(arg->info.name))
		return -EINVAL;
	region = ringshm_region_after(arg->info.name);
	if (!region)
		return -ENOENT;
	info_fill(region, &arg->info);
	ringshm_region_put(region);
	return 0;
}

static long region_info(struct file *file, union argument *arg)
{
	info_fill(ringshm_region_of(file), &arg->info);
	if (!(file->f_mode & FMODE_WRITE))
		arg->flags = RINGSHM_KMOD_RDONLY;
	return 0;
}

static long region_placement(struct file *file, union argument *arg)
{
	struct ringshm_region *region = ringshm_region_of(file);
	const struct ringshm_kmod_placement *want = &arg->placement;
	s32 __user *nodes = u64_to_user_ptr(want->nodes);
	u64 i, count;

	if (want->first >= region->nr_blocks)
		return -EINVAL;
	count = min3(want->count, (u64)region->nr_blocks - want->first, (u64)INT_MAX);
	for (i = 0; i < count; i++) {
		if (put_user(page_to_nid(ringshm_block(region, want->first + i)), nodes + i))
			return -EFAULT;
		cond_resched();
	}
	return count;
}

static long region_dup(struct file *file, union argument *arg)
{
	struct ringshm_region *region = ringshm_region_of(file);
	bool readonly = arg->flags & RINGSHM_KMOD_RDONLY;

	if (!readonly && !(file->f_mode & FMODE_WRITE))
		return -EACCES;
	kref_get(&region->ref);
	return ringshm_file_open(region, readonly);
}

static long region_attach(struct file *file, union argument *arg)
{
	return arg->attach.pad ? -EINVAL : ringshm_attach(file->private_data, &arg->attach.id);
}

static void region_detach(struct file *file)
{
	ringshm_detach(file->private_data);
}

static long region_alive(struct file *file, union argument *arg)
{
	return arg->alive.pad ? -EINVAL : ringshm_alive(ringshm_region_of(file), arg->alive.id);
}

static long region_wake(struct file *file, union argument *arg)
{
	ringshm_wake(ringshm_region_of(file));
	return 0;
}

static long region_eventfd(struct file *file, union argument *arg)
{
	if (arg->eventfd.pad || arg->eventfd.fd < -1)
		return -EINVAL;
	return ringshm_eventfd_set(file->private_data, arg->eventfd.fd);
}

#define COMMAND(name, member, function, allowed, back, ...)			\
	{									\
		.code = RINGSHM_KMOD_##name,					\
		.flags = (allowed),						\
		.size = sizeof_field(union argument, member),			\
		.answers = (back),						\
		.run = (function),						\
		__VA_ARGS__							\
	}

static const struct command device_commands[] = {
	COMMAND(CREATE, create, device_create, RINGSHM_KMOD_RDONLY, false),
	COMMAND(OPEN, open, device_open, RINGSHM_KMOD_RDONLY, false),
	COMMAND(UNLINK, unlink, device_unlink, 0, false),
	COMMAND(INFO, info, device_info, 0, true),
};

static const struct command region_commands[] = {
	COMMAND(INFO, info, region_info, 0, true),
	COMMAND(PLACEMENT, placement, region_placement, 0, false),
	COMMAND(DUP, dup, region_dup, RINGSHM_KMOD_RDONLY, false),
	COMMAND(ATTACH, attach, region_attach, 0, true, .undo = region_detach),
	COMMAND(ALIVE, alive, region_alive, 0, false),
	COMMAND(WAKE, wake, region_wake, 0, false),
	COMMAND(EVENTFD, eventfd, region_eventfd, 0, false),
};

/*
 * Takes a versioned structure in.  The first version of each is its whole
 * present size; when one grows, its old size becomes the least one here.
 */
static int argument_read(union argument *to, const struct command *command, const void __user *from)
{
	u32 given;
	int err;

	if (get_user(given, (const u32 __user *)from))
		return -EFAULT;
	if (given < command->size)
		return -EINVAL;
	if (given > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(to, command->size, from, given);
	to->size = given;	/* and not what a second look at it may have found */
	return err;
}

static long command_run(const struct command *command, struct file *file, void __user *user)
{
	union argument arg;
	long result;

	result = argument_read(&arg, command, user);
	if (result)
		return result;
	if (arg.flags & ~command->flags)
		return -EINVAL;
	result = command->run(file, &arg);
	if (result || !command->answers)
		return result;
	if (!copy_to_user(user, &arg, min_t(size_t, arg.size, command->size)))
		return 0;
	if (command->undo)
		command->undo(file);
	return -EFAULT;
}

static long command_find(const struct command *commands, size_t count, struct file *file,
			 unsigned int code, unsigned long arg)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (commands[i].code == code)
			return command_run(&commands[i], file, (void __user *)arg);
	return -ENOTTY;
}

long ringshm_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return command_find(device_commands, ARRAY_SIZE(device_commands), file, cmd, arg);
}

long ringshm_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return command_find(region_commands, ARRAY_SIZE(region_commands), file, cmd, arg);
}
