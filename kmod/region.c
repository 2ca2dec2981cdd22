// SPDX-License-Identifier: GPL-2.0-only
/* The life of a region: quota and accounting, the index of names, references. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "arith.h"
#include "region.h"
#include "trace.h"

static unsigned long quota_total_mib;
module_param(quota_total_mib, ulong, 0644);
MODULE_PARM_DESC(quota_total_mib, "MiB all regions together may take (0: half of the memory)");

static unsigned long quota_user_mib;
module_param(quota_user_mib, ulong, 0644);
MODULE_PARM_DESC(quota_user_mib,
		 "MiB one user's regions may take, CAP_SYS_RESOURCE exempt (0: a quarter of the memory)");

/* Every region, named or not; names are compared only under the lock. */
LIST_HEAD(ringshm_regions);
DEFINE_MUTEX(ringshm_regions_lock);

/* Each region pins a mount of this, which pins the module: no unloading under a region. */
static int ringshm_init_fs_context(struct fs_context *fc)
{
	if (!init_pseudo(fc, 0x52534d4b))
		return -ENOMEM;
	fc->s_iflags |= SB_I_NOEXEC;	/* or READ_IMPLIES_EXEC would ask for what we refuse */
	return 0;
}

static struct file_system_type ringshm_fs = {
	.name = "ringshm",
	.owner = THIS_MODULE,
	.init_fs_context = ringshm_init_fs_context,
	.kill_sb = kill_anon_super,
};

struct vfsmount *ringshm_mount;
static int ringshm_mount_users;

static u64 quota(unsigned long mib, unsigned int share)
{
	return mib ? (u64)mib << 20 : ((u64)totalram_pages() << PAGE_SHIFT) / share;
}

static int quota_check(const struct ringshm_region *region)
{
	u64 all = 0, own = 0, more = ringshm_region_bytes(region);
	const struct ringshm_region *other;

	lockdep_assert_held(&ringshm_regions_lock);
	list_for_each_entry(other, &ringshm_regions, link) {
		all += ringshm_region_bytes(other);
		if (uid_eq(other->owner, region->owner))
			own += ringshm_region_bytes(other);
	}
	if (!ringshm_quota_allows(all, more, quota(quota_total_mib, 2)))
		return -EDQUOT;
	if (!ringshm_quota_allows(own, more, quota(quota_user_mib, 4)) && !capable(CAP_SYS_RESOURCE))
		return -EDQUOT;
	return 0;
}

/* Locked memory counts against the user who asked for it, as AF_XDP's does; *charged NULL: exempt. */
int ringshm_memlock_charge(struct user_struct **charged, unsigned long pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct user_struct *user = current_user();
	long old, new;

	*charged = NULL;
	if (capable(CAP_IPC_LOCK))
		return 0;
	old = atomic_long_read(&user->locked_vm);
	do {
		new = old + pages;
		if (!ringshm_quota_allows(old, pages, limit))
			return -ENOBUFS;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &old, new));
	*charged = get_uid(user);
	return 0;
}

void ringshm_memlock_uncharge(struct user_struct *charged, unsigned long pages)
{
	if (!charged)
		return;
	atomic_long_sub(pages, &charged->locked_vm);
	free_uid(charged);
}

static struct ringshm_region *lookup(const char *name)
{
	struct ringshm_region *region;

	lockdep_assert_held(&ringshm_regions_lock);
	list_for_each_entry(region, &ringshm_regions, link)
		if (!strcmp(region->name, name))
			return region;
	return NULL;
}

/* Enters the region into the index, which is what reserves its quota and its name. */
static int region_enter(struct ringshm_region *region)
{
	int err;

	mutex_lock(&ringshm_regions_lock);
	err = quota_check(region);
	if (!err && region->name[0] && lookup(region->name))
		err = -EEXIST;
	if (!err)
		list_add_tail(&region->link, &ringshm_regions);
	mutex_unlock(&ringshm_regions_lock);
	return err;
}

static void region_leave(struct ringshm_region *region)
{
	mutex_lock(&ringshm_regions_lock);
	list_del(&region->link);
	mutex_unlock(&ringshm_regions_lock);
}

/* From here on it can be found. The name holds a reference of its own. */
void ringshm_region_publish(struct ringshm_region *region)
{
	mutex_lock(&ringshm_regions_lock);
	region->ready = true;
	if (region->name[0])
		kref_get(&region->ref);
	mutex_unlock(&ringshm_regions_lock);
}

static int inode_make(struct ringshm_region *region, u32 mode)
{
	struct inode *inode;
	int err;

	err = simple_pin_fs(&ringshm_fs, &ringshm_mount, &ringshm_mount_users);
	if (err)
		return err;
	inode = alloc_anon_inode(ringshm_mount->mnt_sb);
	if (IS_ERR(inode)) {
		simple_release_fs(&ringshm_mount, &ringshm_mount_users);
		return PTR_ERR(inode);
	}
	inode->i_ino = get_next_ino();
	inode->i_mode = mode;
	inode->i_size = ringshm_region_bytes(region);
	region->inode = inode;
	return 0;
}

static void inode_drop(struct ringshm_region *region)
{
	iput(region->inode);
	simple_release_fs(&ringshm_mount, &ringshm_mount_users);
}

static struct ringshm_region *region_new(const struct ringshm_kmod_create *arg)
{
	struct ringshm_region *region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);

	if (!region)
		return NULL;
	kref_init(&region->ref);
	strscpy(region->name, arg->name, sizeof(region->name));
	region->owner = current_fsuid();
	region->flavour = arg->flavour;
	region->node = arg->node;
	region->nr_blocks = ringshm_blocks_of(arg->length);
	spin_lock_init(&region->lock);
	INIT_LIST_HEAD(&region->eventfds);
	init_waitqueue_head(&region->wait);
	return region;
}

static int region_fill(struct ringshm_region *region, u32 mode)
{
	unsigned long pages = region->nr_blocks * RINGSHM_BLOCK_PAGES;
	int err;

	err = ringshm_memlock_charge(&region->charged, pages);
	if (err)
		return err;
	err = inode_make(region, mode);
	if (err)
		goto uncharge;
	err = ringshm_pages_alloc(region);
	if (err)
		goto inode;
	return 0;
inode:
	inode_drop(region);
uncharge:
	ringshm_memlock_uncharge(region->charged, pages);
	return err;
}

/* Arguments have been checked.  Returns a region with one reference, to be published, or ERR_PTR. */
struct ringshm_region *ringshm_region_create(const struct ringshm_kmod_create *arg)
{
	struct ringshm_region *region = region_new(arg);
	int err;

	if (!region)
		return ERR_PTR(-ENOMEM);
	err = region_enter(region);
	if (err)
		goto free;
	err = region_fill(region, arg->mode);
	if (err)
		goto leave;
	trace_ringshm_region_create(region);
	return region;
leave:
	region_leave(region);
free:
	kfree(region);
	return ERR_PTR(err);
}

static void region_free(struct kref *ref)
{
	struct ringshm_region *region = container_of(ref, struct ringshm_region, ref);

	trace_ringshm_region_free(region);
	ringshm_pages_free(region);
	ringshm_memlock_uncharge(region->charged, region->nr_blocks * RINGSHM_BLOCK_PAGES);
	region_leave(region);
	inode_drop(region);
	kfree(region);
}

void ringshm_region_put(struct ringshm_region *region)
{
	kref_put(&region->ref, region_free);
}

/* The named region, with a reference, or NULL. */
struct ringshm_region *ringshm_region_find(const char *name)
{
	struct ringshm_region *region;

	mutex_lock(&ringshm_regions_lock);
	region = lookup(name);
	if (region && region->ready)
		kref_get(&region->ref);
	else
		region = NULL;
	mutex_unlock(&ringshm_regions_lock);
	return region;
}

/* The region named next after @name in byte order, with a reference, or NULL. */
struct ringshm_region *ringshm_region_after(const char *name)
{
	struct ringshm_region *region, *best = NULL;

	mutex_lock(&ringshm_regions_lock);
	list_for_each_entry(region, &ringshm_regions, link) {
		if (!region->ready || strcmp(region->name, name) <= 0)
			continue;
		if (!best || strcmp(region->name, best->name) < 0)
			best = region;
	}
	if (best)
		kref_get(&best->ref);
	mutex_unlock(&ringshm_regions_lock);
	return best;
}

static bool may_unlink(const struct ringshm_region *region)
{
	return uid_eq(current_fsuid(), region->inode->i_uid) || capable(CAP_FOWNER);
}

int ringshm_region_unlink(const char *name)
{
	struct ringshm_region *region;
	int err = -ENOENT;

	mutex_lock(&ringshm_regions_lock);
	region = lookup(name);
	if (region && region->ready)
		err = may_unlink(region) ? 0 : -EPERM;
	if (!err)
		region->name[0] = '\0';
	mutex_unlock(&ringshm_regions_lock);
	if (!err)
		ringshm_region_put(region);
	return err;
}

/* What a file of that owner, group and mode would answer. */
int ringshm_region_may(struct ringshm_region *region, bool write)
{
	const struct inode *inode = region->inode;
	umode_t want = write ? 06 : 04, mode = inode->i_mode;

	if (uid_eq(current_fsuid(), inode->i_uid))
		mode >>= 6;
	else if (in_group_p(inode->i_gid))
		mode >>= 3;
	if ((mode & want) == want || capable(CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}
