// SPDX-License-Identifier: GPL-2.0-only
/* Pinning and checking the memory of a kernel lane: a region, or a user's memory file. */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "arith.h"
#include "lane.h"
#include "region.h"

static LIST_HEAD(lanes);
static DEFINE_MUTEX(lanes_lock);

/* ---- what the channel is -------------------------------------------------------------------- */

static bool is_regular(const struct file *file)
{
	return S_ISREG(file_inode(file)->i_mode);
}

/* One copy; whatever user space writes afterwards, the copy is what counts. */
static int header_read(struct ringshm_header *header, int ctl_fd)
{
	struct file *file = fget(ctl_fd);
	loff_t position = 0;
	ssize_t got = -EBADF;

	if (!file)
		return -EBADF;
	if (file->f_mode & FMODE_READ)	/* of a pipe or a device, a read may wait or change something */
		got = is_regular(file) ? kernel_read(file, header, sizeof(*header), &position) : -EINVAL;
	fput(file);
	if (got < 0)
		return got;
	return got == sizeof(*header) ? 0 : -EPROTO;
}

static int header_check(const struct ringshm_header *h, u64 size)
{
	const u64 known = RINGSHM_F_KLANE | RINGSHM_F_TIMESTAMP | RINGSHM_F_BLOCK | RINGSHM_F_POLLFD | RINGSHM_F_EOF;

	if (h->magic != RINGSHM_MAGIC || h->major != RINGSHM_ABI_MAJOR || h->byte_order != RINGSHM_BYTE_ORDER)
		return -EPROTO;
	if (h->kind != RINGSHM_SPSC || !(h->incompat & RINGSHM_F_KLANE) || h->incompat & ~known)
		return -EPROTO;
	if (h->alignment != 8 && h->alignment != 64)
		return -EPROTO;
	if (!is_power_of_2(h->capacity) || h->capacity < h->alignment * 8)
		return -EPROTO;
	if (h->data_offset < sizeof(struct ringshm_data) || h->data_offset % 64)
		return -EPROTO;
	if (h->data_offset > size || h->capacity > size - h->data_offset)
		return -EPROTO;
	return 0;
}

/* The data must be this channel's, or two honest mistakes make one disaster. */
static int data_check(const struct ringshm_lane *lane)
{
	if (READ_ONCE(lane->data->magic) != RINGSHM_DATA_MAGIC)
		return -EPROTO;
	return memcmp(lane->data->uuid, lane->header.uuid, RINGSHM_UUID_SIZE) ? -EPROTO : 0;
}

u32 ringshm_lane_overhead(const struct ringshm_lane *lane)
{
	return lane->header.incompat & RINGSHM_F_TIMESTAMP ? 16 : 8;
}

/* Alignment 64 is that of payloads: records begin so far before a line that theirs does not. */
unsigned char *ringshm_lane_base(const struct ringshm_lane *lane)
{
	u32 before = lane->header.alignment > 8 ? ringshm_lane_overhead(lane) : 0;

	return (unsigned char *)lane->data + lane->header.data_offset - before;
}

/* ---- a region's memory ---------------------------------------------------------------------- */

static bool region_is_one_run(const struct ringshm_region *region)
{
	unsigned long i;

	for (i = 1; i < region->nr_blocks; i++)
		if (page_to_pfn(region->blocks[i]) != page_to_pfn(region->blocks[0]) + i * RINGSHM_BLOCK_PAGES)
			return false;
	return true;
}

static void *region_vmap(const struct ringshm_region *region)
{
	unsigned long i, nr_pages = region->nr_blocks * RINGSHM_BLOCK_PAGES;
	struct page **pages = kvmalloc_array(nr_pages, sizeof(*pages), GFP_KERNEL);
	void *address;

	if (!pages)
		return NULL;
	for (i = 0; i < nr_pages; i++)
		pages[i] = nth_page(region->blocks[i / RINGSHM_BLOCK_PAGES], i % RINGSHM_BLOCK_PAGES);
	address = vmap(pages, nr_pages, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return address;
}

/* One run, and so every lane of one block, is used through the linear map's huge entries. */
static int region_take(struct ringshm_lane *lane, struct ringshm_region *region)
{
	if (region_is_one_run(region)) {
		lane->data = page_address(region->blocks[0]);
	} else {
		lane->mapped = region_vmap(region);
		lane->data = lane->mapped;
	}
	if (!lane->data)
		return -ENOMEM;
	lane->size = ringshm_region_bytes(region);
	lane->region = region;
	return 0;
}

/* ---- a memory file's ------------------------------------------------------------------------ */

static bool is_memory_file(const struct file *file)
{
	unsigned long magic = file_inode(file)->i_sb->s_magic;

	return is_regular(file) && (magic == HUGETLBFS_MAGIC || magic == TMPFS_MAGIC);
}

static int pages_pin(struct ringshm_lane *lane, unsigned long start)
{
	unsigned long done = 0;
	int got = 0;

	while (done < lane->nr_pages) {
		got = pin_user_pages_fast(start + (done << PAGE_SHIFT), min(lane->nr_pages - done, 4096ul),
					  FOLL_WRITE | FOLL_LONGTERM, lane->pages + done);
		if (got <= 0)
			break;
		done += got;
	}
	if (done == lane->nr_pages)
		return 0;
	unpin_user_pages(lane->pages, done);
	return got < 0 ? got : -EFAULT;
}

/* memfd_pin_folios() came with 6.11; a short-lived mapping of the caller's does it everywhere. */
static int file_pin(struct ringshm_lane *lane, struct file *file)
{
	u64 size = lane->size;
	unsigned long at;
	int err;

	at = vm_mmap(file, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	if (IS_ERR_VALUE(at))
		return at;
	err = pages_pin(lane, at);
	vm_munmap(at, size);
	return err;
}

static int file_take(struct ringshm_lane *lane, struct file *file)
{
	int err;

	lane->size = i_size_read(file_inode(file)) & PAGE_MASK;
	lane->nr_pages = lane->size >> PAGE_SHIFT;
	if (!is_memory_file(file) || !lane->nr_pages || lane->size > U32_MAX)
		return -EINVAL;
	lane->pages = kvcalloc(lane->nr_pages, sizeof(*lane->pages), GFP_KERNEL_ACCOUNT);
	if (!lane->pages)
		return -ENOMEM;
	err = ringshm_memlock_charge(&lane->charged, lane->nr_pages);
	if (err)
		goto free;
	err = file_pin(lane, file);
	if (err)
		goto uncharge;
	lane->mapped = vmap(lane->pages, lane->nr_pages, VM_MAP, PAGE_KERNEL);
	lane->data = lane->mapped;
	if (lane->data)
		return 0;
	err = -ENOMEM;
	unpin_user_pages(lane->pages, lane->nr_pages);
uncharge:
	ringshm_memlock_uncharge(lane->charged, lane->nr_pages);
free:
	kvfree(lane->pages);
	lane->pages = NULL;
	return err;
}

static void memory_drop(struct ringshm_lane *lane)
{
	vunmap(lane->mapped);
	if (lane->pages) {
		unpin_user_pages_dirty_lock(lane->pages, lane->nr_pages, true);
		ringshm_memlock_uncharge(lane->charged, lane->nr_pages);
		kvfree(lane->pages);
	}
}

/* ---- both ----------------------------------------------------------------------------------- */

static int lane_enlist(struct ringshm_lane *lane)
{
	struct ringshm_lane *other;
	int err = 0;

	mutex_lock(&lanes_lock);
	list_for_each_entry(other, &lanes, link)
		if (file_inode(other->data_file) == file_inode(lane->data_file) && other->side == lane->side)
			err = -EBUSY;
	if (!err)
		list_add(&lane->link, &lanes);
	mutex_unlock(&lanes_lock);
	return err;
}

static void lane_delist(struct ringshm_lane *lane)
{
	mutex_lock(&lanes_lock);
	list_del(&lane->link);
	mutex_unlock(&lanes_lock);
}

static int memory_take(struct ringshm_lane *lane, struct file *file)
{
	struct ringshm_region *region = ringshm_region_of(file);
	int err;

	err = region ? region_take(lane, region) : file_take(lane, file);
	if (err)
		return err;
	err = header_check(&lane->header, lane->size);
	if (!err)
		err = data_check(lane);
	if (err)
		memory_drop(lane);
	return err;
}

int ringshm_lane_open(struct ringshm_lane *lane, enum ringshm_lane_side side, int ctl_fd, int data_fd)
{
	const fmode_t both = FMODE_READ | FMODE_WRITE;
	int err;

	err = header_read(&lane->header, ctl_fd);
	if (err)
		return err;
	lane->side = side;
	lane->data_file = fget(data_fd);
	if (!lane->data_file)
		return -EBADF;
	err = (lane->data_file->f_mode & both) == both ? lane_enlist(lane) : -EBADF;
	if (err)
		goto put;
	err = memory_take(lane, lane->data_file);
	if (!err)
		return 0;
	lane_delist(lane);
put:
	fput(lane->data_file);
	return err;
}

void ringshm_lane_close(struct ringshm_lane *lane)
{
	lane_delist(lane);
	memory_drop(lane);
	fput(lane->data_file);
}
