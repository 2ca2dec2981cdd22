// SPDX-License-Identifier: GPL-2.0-only
/* Where a region's memory comes from: 2 MiB blocks, or one run found by scanning zones. */
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/memory_hotplug.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "arith.h"
#include "compat.h"
#include "region.h"

#define BLOCK_ORDER	(PMD_SHIFT - PAGE_SHIFT)

static_assert(PMD_SIZE == RINGSHM_KMOD_BLOCK, "ringshm.ko needs 2 MiB page middle directory entries");

int ringshm_node_check(u32 flavour, s32 *node)
{
	if (*node == RINGSHM_KMOD_NODE_LOCAL)
		return 0;
	if (*node == RINGSHM_KMOD_NODE_INTERLEAVE)
		return flavour == RINGSHM_KMOD_BLOCKS ? 0 : -EINVAL;
	if (*node < 0 || *node >= MAX_NUMNODES)
		return -EINVAL;
	*node = array_index_nospec(*node, MAX_NUMNODES);
	return node_state(*node, N_MEMORY) ? 0 : -EINVAL;
}

/* The node block @i must lie on, NUMA_NO_NODE where any will do. */
static int block_node(const struct ringshm_region *region, unsigned long i)
{
	int skip, node;

	if (region->node != RINGSHM_KMOD_NODE_INTERLEAVE)
		return region->node;
	skip = i % num_node_state(N_MEMORY);
	for_each_node_state(node, N_MEMORY)
		if (!skip--)
			return node;
	return NUMA_NO_NODE;
}

static struct page *block_alloc(int node)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_COMP | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL;

	if (node == NUMA_NO_NODE)
		node = numa_mem_id();
	else
		gfp |= __GFP_THISNODE;
	return alloc_pages_node(node, gfp, BLOCK_ORDER);
}

static int blocks_alloc(struct ringshm_region *region)
{
	unsigned long i;

	for (i = 0; i < region->nr_blocks; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		region->blocks[i] = block_alloc(block_node(region, i));
		if (!region->blocks[i])
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

/* First page in the range that rules the range out, or @end. */
static unsigned long run_obstacle(struct zone *zone, unsigned long pfn, unsigned long end)
{
	struct page *page;

	for (; pfn < end; pfn++) {
		if (!(pfn % RINGSHM_BLOCK_PAGES))
			cond_resched();
		page = pfn_to_online_page(pfn);
		if (!page || page_zone(page) != zone || PageReserved(page) || PageHuge(page))
			break;
	}
	return pfn;
}

/*
 * alloc_contig_pages() is not exported, alloc_contig_range() is: try range
 * after range of one zone.  A range that fails for its content costs a
 * migration attempt, so a failure skips further than an obstacle does.
 */
static int run_in_zone(struct zone *zone, unsigned long nr_pages, unsigned long *found)
{
	unsigned long end = zone_end_pfn(zone), stride = ringshm_scan_stride(nr_pages);
	unsigned long pfn = ALIGN(zone->zone_start_pfn, RINGSHM_BLOCK_PAGES), bad;
	int err;

	while (pfn < end && end - pfn >= nr_pages) {
		if (fatal_signal_pending(current))
			return -EINTR;
		bad = run_obstacle(zone, pfn, pfn + nr_pages);
		if (bad != pfn + nr_pages) {
			pfn = ALIGN(bad + 1, RINGSHM_BLOCK_PAGES);
			continue;
		}
		err = ringshm_alloc_contig_range(pfn, pfn + nr_pages, GFP_KERNEL | __GFP_NOWARN);
		if (!err) {
			*found = pfn;
			return 0;
		}
		if (err == -EINTR)
			return err;
		pfn += stride;
	}
	return -ENOMEM;
}

/* Memory that never moves has no place in ZONE_MOVABLE. */
static int run_on_node(int node, unsigned long nr_pages, unsigned long *found)
{
	int index, err = -ENOMEM;

	for (index = ZONE_NORMAL; index >= 0; index--) {
		struct zone *zone = &NODE_DATA(node)->node_zones[index];

		if (!populated_zone(zone))
			continue;
		err = run_in_zone(zone, nr_pages, found);
		if (err != -ENOMEM)
			break;
	}
	return err;
}

static int run_find(s32 wanted, unsigned long nr_pages, unsigned long *found)
{
	int node, err, first = wanted < 0 ? numa_mem_id() : wanted;

	err = run_on_node(first, nr_pages, found);
	if (wanted >= 0 || err != -ENOMEM)
		return err;
	for_each_node_state(node, N_MEMORY) {
		if (node == first)
			continue;
		err = run_on_node(node, nr_pages, found);
		if (err != -ENOMEM)
			break;
	}
	return err;
}

static int run_alloc(struct ringshm_region *region)
{
	unsigned long pfn, i, nr_pages = region->nr_blocks * RINGSHM_BLOCK_PAGES;
	int err;

	err = run_find(region->node, nr_pages, &pfn);
	if (err)
		return err;
	for (i = 0; i < nr_pages; i++) {
		clear_highpage(pfn_to_page(pfn + i));
		if (!(i % RINGSHM_BLOCK_PAGES)) {
			region->blocks[i / RINGSHM_BLOCK_PAGES] = pfn_to_page(pfn + i);
			cond_resched();
		}
	}
	return 0;
}

/* Fills region->blocks, all zeroed; frees what it got if it cannot get all. */
int ringshm_pages_alloc(struct ringshm_region *region)
{
	int err;

	region->blocks = kvcalloc(region->nr_blocks, sizeof(*region->blocks), GFP_KERNEL_ACCOUNT);
	if (!region->blocks)
		return -ENOMEM;
	if (region->flavour == RINGSHM_KMOD_CONTIGUOUS)
		err = run_alloc(region);
	else
		err = blocks_alloc(region);
	if (err)
		ringshm_pages_free(region);
	return err;
}

/* put_page() and not free_contig_range(): whoever should hold a reference keeps the page. */
static void block_put(u32 flavour, struct page *block)
{
	unsigned long i;

	if (flavour == RINGSHM_KMOD_BLOCKS) {
		put_page(block);
		return;
	}
	for (i = 0; i < RINGSHM_BLOCK_PAGES; i++)
		put_page(nth_page(block, i));
}

void ringshm_pages_free(struct ringshm_region *region)
{
	unsigned long i;

	if (!region->blocks)
		return;
	for (i = 0; i < region->nr_blocks; i++) {
		if (region->blocks[i])
			block_put(region->flavour, region->blocks[i]);
		cond_resched();
	}
	kvfree(region->blocks);
	region->blocks = NULL;
}
