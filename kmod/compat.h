/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels built for; the probes themselves stand in Kbuild. */
#ifndef RINGSHM_COMPAT_H
#define RINGSHM_COMPAT_H

#include <linux/eventfd.h>
#include <linux/gfp.h>
#include <linux/mm.h>	/* before huge_mm.h, which leans on it */
#include <linux/huge_mm.h>

/*
 * get_user_pages_fast() sees no area, only page tables, and must take no
 * reference through ours: in a contiguous run it would count all of them on one
 * page.  Newer kernels mark huge entries of page frames special; older ones only
 * leave alone what they take for a device's.
 */
#ifdef RINGSHM_HAVE_PMD_ULONG
#define ringshm_pmd_pfn(pfn)	(pfn)
#else
#include <linux/pfn_t.h>
#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
#define ringshm_pmd_pfn(pfn)	pfn_to_pfn_t(pfn)
#else
#define ringshm_pmd_pfn(pfn)	__pfn_to_pfn_t(pfn, PFN_DEV | PFN_MAP)
#endif
#endif

static inline void ringshm_vm_flags(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
#ifdef RINGSHM_HAVE_VM_FLAGS_SET
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

static inline void ringshm_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef RINGSHM_HAVE_EVENTFD_SIGNAL_1
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

static inline int ringshm_alloc_contig_range(unsigned long start, unsigned long end, gfp_t gfp)
{
#ifdef RINGSHM_HAVE_ACR_FLAGS
	return alloc_contig_range(start, end, ACR_FLAGS_NONE, gfp);
#else
	return alloc_contig_range(start, end, MIGRATE_MOVABLE, gfp);
#endif
}

#endif
