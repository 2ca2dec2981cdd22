/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints, under events/ringshm in tracefs. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ringshm

#if !defined(RINGSHM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define RINGSHM_TRACE_H

#include <linux/tracepoint.h>

#include "region.h"

DECLARE_EVENT_CLASS(ringshm_region,
	TP_PROTO(struct ringshm_region *region),
	TP_ARGS(region),
	TP_STRUCT__entry(
		__field(unsigned long, ino)
		__field(unsigned long, blocks)
		__field(u32, flavour)
		__field(s32, node)
	),
	TP_fast_assign(
		__entry->ino = region->inode->i_ino;
		__entry->blocks = region->nr_blocks;
		__entry->flavour = region->flavour;
		__entry->node = region->node;
	),
	TP_printk("ino=%lu blocks=%lu flavour=%s node=%d", __entry->ino, __entry->blocks,
		  __print_symbolic(__entry->flavour, { 0, "blocks" }, { 1, "contiguous" }),
		  __entry->node)
);

DEFINE_EVENT(ringshm_region, ringshm_region_create,
	TP_PROTO(struct ringshm_region *region), TP_ARGS(region));
DEFINE_EVENT(ringshm_region, ringshm_region_free,
	TP_PROTO(struct ringshm_region *region), TP_ARGS(region));
DEFINE_EVENT(ringshm_region, ringshm_wake,
	TP_PROTO(struct ringshm_region *region), TP_ARGS(region));

TRACE_EVENT(ringshm_map,
	TP_PROTO(struct ringshm_region *region, unsigned long page, unsigned long pages),
	TP_ARGS(region, page, pages),
	TP_STRUCT__entry(
		__field(unsigned long, ino)
		__field(unsigned long, page)
		__field(unsigned long, pages)
	),
	TP_fast_assign(
		__entry->ino = region->inode->i_ino;
		__entry->page = page;
		__entry->pages = pages;
	),
	TP_printk("ino=%lu page=%lu pages=%lu", __entry->ino, __entry->page, __entry->pages)
);

TRACE_EVENT(ringshm_fault,
	TP_PROTO(struct ringshm_region *region, unsigned long page, bool huge),
	TP_ARGS(region, page, huge),
	TP_STRUCT__entry(
		__field(unsigned long, ino)
		__field(unsigned long, page)
		__field(bool, huge)
	),
	TP_fast_assign(
		__entry->ino = region->inode->i_ino;
		__entry->page = page;
		__entry->huge = huge;
	),
	TP_printk("ino=%lu page=%lu size=%s", __entry->ino, __entry->page,
		  __entry->huge ? "2M" : "4K")
);

TRACE_EVENT(ringshm_death,
	TP_PROTO(struct ringshm_region *region, u32 id),
	TP_ARGS(region, id),
	TP_STRUCT__entry(
		__field(unsigned long, ino)
		__field(u32, id)
	),
	TP_fast_assign(
		__entry->ino = region->inode->i_ino;
		__entry->id = id;
	),
	TP_printk("ino=%lu id=%u", __entry->ino, __entry->id)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
