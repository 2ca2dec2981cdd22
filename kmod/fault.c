// SPDX-License-Identifier: GPL-2.0-only
/* Mapping a region: one page fault per 2 MiB, page by page only where alignment forbids it. */
#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/pagemap.h>

#include "arith.h"
#include "compat.h"
#include "region.h"
#include "trace.h"

static struct ringshm_file *file_of(struct vm_area_struct *vma)
{
	return vma->vm_file->private_data;
}

static vm_fault_t fault_huge(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct ringshm_region *region = file_of(vma)->region;
	unsigned long page = linear_page_index(vma, vmf->address & PMD_MASK);
	unsigned long block = page / RINGSHM_BLOCK_PAGES;
	vm_fault_t result;

	if (!ringshm_pmd_fits(vmf->address, vma->vm_start, vma->vm_end, vma->vm_pgoff))
		return VM_FAULT_FALLBACK;
	if (block >= region->nr_blocks)
		return VM_FAULT_SIGBUS;
	result = vmf_insert_pfn_pmd(vmf, ringshm_pmd_pfn(page_to_pfn(ringshm_block(region, block))),
				    vmf->flags & FAULT_FLAG_WRITE);
	trace_ringshm_fault(region, page, true);
	return result;
}

static vm_fault_t fault_small(struct vm_fault *vmf)
{
	struct ringshm_region *region = file_of(vmf->vma)->region;
	unsigned long block = vmf->pgoff / RINGSHM_BLOCK_PAGES;

	if (block >= region->nr_blocks)
		return VM_FAULT_SIGBUS;
	trace_ringshm_fault(region, vmf->pgoff, false);
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      page_to_pfn(ringshm_block(region, block)) + vmf->pgoff % RINGSHM_BLOCK_PAGES);
}

/*
 * 6.1 does not offer huge faults to such areas, so the huge entry is put in
 * from here while there is none; with a page table in place there cannot be one.
 * Another thread may have put it in since the core looked: inserting a small
 * entry would then take the block for a page table, so let the core look again.
 */
static vm_fault_t region_fault(struct vm_fault *vmf)
{
	pmd_t pmd = READ_ONCE(*vmf->pmd);
	vm_fault_t result = VM_FAULT_FALLBACK;

	if (pmd_leaf(pmd))
		return VM_FAULT_NOPAGE;
	if (pmd_none(pmd))
		result = fault_huge(vmf);
	return result == VM_FAULT_FALLBACK ? fault_small(vmf) : result;
}

#ifdef RINGSHM_HAVE_HUGE_FAULT_ORDER
static vm_fault_t region_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	return order == PMD_SHIFT - PAGE_SHIFT ? fault_huge(vmf) : VM_FAULT_FALLBACK;
}
#else
static vm_fault_t region_huge_fault(struct vm_fault *vmf, enum page_entry_size size)
{
	return size == PE_SIZE_PMD ? fault_huge(vmf) : VM_FAULT_FALLBACK;
}
#endif

static void region_area_open(struct vm_area_struct *vma)
{
	ringshm_area_added(file_of(vma));
}

static void region_area_close(struct vm_area_struct *vma)
{
	ringshm_area_gone(file_of(vma));
}

/* For debuggers; @address and @length have been checked to lie in the area. */
static int region_access(struct vm_area_struct *vma, unsigned long address, void *buffer,
			 int length, int write)
{
	struct ringshm_region *region = file_of(vma)->region;
	u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (address - vma->vm_start);
	size_t in_block = offset % RINGSHM_KMOD_BLOCK;
	void *kernel;

	if (length < 0 || offset / RINGSHM_KMOD_BLOCK >= region->nr_blocks)
		return -EFAULT;
	if (write && !(vma->vm_flags & VM_WRITE))
		return -EACCES;
	length = min_t(u64, length, RINGSHM_KMOD_BLOCK - in_block);
	length = min_t(u64, length, vma->vm_end - address);
	kernel = page_address(ringshm_block(region, offset / RINGSHM_KMOD_BLOCK)) + in_block;
	if (write)
		memcpy(kernel, buffer, length);
	else
		memcpy(buffer, kernel, length);
	return length;
}

static const struct vm_operations_struct region_vm_ops = {
	.open = region_area_open,
	.close = region_area_close,
	.fault = region_fault,
	.huge_fault = region_huge_fault,
	.access = region_access,
};

/*
 * -EINVAL: MAP_PRIVATE, or beyond the region; -EPERM: PROT_EXEC.  (The core
 * answers -EACCES for a writable mapping of a read-only descriptor.)
 */
int ringshm_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ringshm_file *rf = file->private_data;
	vm_flags_t set = VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP, clear = VM_MAYEXEC;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (!ringshm_mapping_fits(rf->region->nr_blocks, vma->vm_pgoff, vma_pages(vma)))
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		clear |= VM_MAYWRITE;
	if (ringshm_area_added(rf))
		set |= VM_DONTCOPY | VM_IO;	/* the second keeps MADV_DOFORK from undoing the first */
	ringshm_vm_flags(vma, set, clear);
	vma->vm_ops = &region_vm_ops;
	trace_ringshm_map(rf->region, vma->vm_pgoff, vma_pages(vma));
	return 0;
}
