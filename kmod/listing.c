// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/debug/ringshm: every region and what each holds, for root. */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/uidgid.h>

#include "region.h"

static struct dentry *directory;

static void region_show(struct seq_file *file, struct ringshm_region *region)
{
	seq_printf(file, "%-24s %8lu %-10s %4d %5u %5u %4o %8d %11d %8u %6lld %s\n",
		   region->name[0] ? region->name : "-",
		   region->nr_blocks * (RINGSHM_KMOD_BLOCK >> 20),
		   region->flavour == RINGSHM_KMOD_CONTIGUOUS ? "contiguous" : "blocks",
		   region->node, from_kuid(&init_user_ns, region->inode->i_uid),
		   from_kgid(&init_user_ns, region->inode->i_gid), region->inode->i_mode,
		   atomic_read(&region->mappings), atomic_read(&region->descriptors),
		   bitmap_weight(region->ids, RINGSHM_KMOD_IDS),
		   (long long)atomic64_read(&region->deaths),
		   region->charged ? "charged" : "exempt");
}

static int regions_show(struct seq_file *file, void *data)
{
	struct ringshm_region *region;

	seq_puts(file, "name                          MiB flavour    node   uid   gid mode mappings descriptors attached deaths memlock\n");
	mutex_lock(&ringshm_regions_lock);
	list_for_each_entry(region, &ringshm_regions, link)
		if (region->ready)
			region_show(file, region);
	mutex_unlock(&ringshm_regions_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(regions);

void ringshm_listing_init(void)
{
	directory = debugfs_create_dir("ringshm", NULL);
	debugfs_create_file("regions", 0400, directory, NULL, &regions_fops);
}

void ringshm_listing_exit(void)
{
	debugfs_remove_recursive(directory);
}
