/* SPDX-License-Identifier: GPL-2.0-only */
/* Arithmetic of regions, free of side effects so that KUnit can have all of it. */
#ifndef RINGSHM_ARITH_H
#define RINGSHM_ARITH_H

#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/pgtable.h>
#include <linux/string.h>
#include <linux/types.h>

#include <ringshm/kmod.h>

#define RINGSHM_BLOCK_PAGES	(RINGSHM_KMOD_BLOCK >> PAGE_SHIFT)

/* Blocks of a region of @length bytes, 0 if there can be no such region. */
static inline unsigned long ringshm_blocks_of(u64 length)
{
	if (!length || length % RINGSHM_KMOD_BLOCK || length > S64_MAX)
		return 0;
	return length / RINGSHM_KMOD_BLOCK;
}

/* Does the mapping of @pages from page @offset on stay in a region of @nr_blocks? */
static inline bool ringshm_mapping_fits(unsigned long nr_blocks, unsigned long offset,
					unsigned long pages)
{
	unsigned long total = nr_blocks * RINGSHM_BLOCK_PAGES;

	return pages <= total && offset <= total - pages;
}

/*
 * Can the 2 MiB around @address, in an area [@start, @end) whose first page is
 * page @offset of the region, be mapped by one entry?
 */
static inline bool ringshm_pmd_fits(unsigned long address, unsigned long start,
				    unsigned long end, unsigned long offset)
{
	unsigned long base = address & PMD_MASK;

	if (base < start || end - base < PMD_SIZE)
		return false;
	return !((offset + ((base - start) >> PAGE_SHIFT)) % RINGSHM_BLOCK_PAGES);
}

/* Pages to go on by after a range of @nr_pages could not be had: at most 64 MiB. */
static inline unsigned long ringshm_scan_stride(unsigned long nr_pages)
{
	unsigned long stride = min(nr_pages / 4, 32ul * RINGSHM_BLOCK_PAGES);

	return max(stride - stride % RINGSHM_BLOCK_PAGES, (unsigned long)RINGSHM_BLOCK_PAGES);
}

/* May @used become @used + @more under @limit? */
static inline bool ringshm_quota_allows(u64 used, u64 more, u64 limit)
{
	u64 sum;

	return !check_add_overflow(used, more, &sum) && sum <= limit;
}

/* A name has at least one byte, ends in the array, and cannot be taken for a path. */
static inline bool ringshm_name_ok(const char name[RINGSHM_KMOD_NAME_MAX])
{
	size_t len = strnlen(name, RINGSHM_KMOD_NAME_MAX);

	if (!len || len == RINGSHM_KMOD_NAME_MAX || name[0] == '.')
		return false;
	return !memchr(name, '/', len);
}

/* Runs of consecutive blocks: @starts(i) tells that block i does not follow block i - 1. */
struct ringshm_runs {
	unsigned long count;		/* of runs */
	unsigned long longest;		/* in blocks */
	unsigned long current_length;
};

static inline void ringshm_runs_add(struct ringshm_runs *runs, bool starts)
{
	if (starts) {
		runs->count++;
		runs->current_length = 0;
	}
	runs->current_length++;
	runs->longest = max(runs->longest, runs->current_length);
}

#endif
