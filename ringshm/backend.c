/* SPDX-License-Identifier: MIT */
/* The backends that every machine has: tmpfs files and sealed memory files. And the list of all. */
#include "config.h"

#include "backend.h"
#include "hugepages.h"
#include "internal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

int ringshm__area_map(const struct ringshm_area *area, bool writable, void **address)
{
	return ringshm__map(area->fd, area->size, writable, "data", address);
}

void ringshm__area_unmap(const struct ringshm_area *area, void *address)
{
	munmap(address, (size_t)area->size);
}

int ringshm__area_open_file(struct ringshm_area *area, const struct ringshm_area_place *place, bool writable)
{
	area->fd = ringshm__open_file(place->dir, "data", writable, place->name);
	return area->fd < 0 ? area->fd : 0;
}

uint64_t ringshm__round_up(uint64_t size, uint64_t page)
{
	return (size + page - 1) & ~(page - 1);
}

static int shm_create(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	uint64_t page = ringshm__page();
	char text[24];

	if (area->page_size && area->page_size != page)
		return ringshm__refuse(EINVAL, place->name, "",
				       "backend shm has pages of %s only; ask for backend auto",
				       ringshm__bytes(page, text));
	area->page_size = page;
	area->size = ringshm__round_up(area->size, page);
	area->fd = openat(place->dir, "data", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (area->fd < 0)
		return ringshm__fail(errno, "create %s: file 'data': %s", place->name, ringshm__reason(errno));
	return ringshm__allocate(area->fd, area->size, place->name);
}

const struct ringshm_backend_ops ringshm__backend_shm = {
	.backend = RINGSHM_BACKEND_SHM,
	.name = "shm",
	.named = true,
	.create = shm_create,
	.open = ringshm__area_open_file,
	.map = ringshm__area_map,
	.unmap = ringshm__area_unmap,
};

/* With huge pages its pages come out of the pool, as hugetlbfs' do, but no mount is needed. */
static int memfd_create_area(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	uint64_t page = ringshm__page();
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int error = 0;

	if (area->page_size > page) {
		page = area->page_size;
		flags |= MFD_HUGETLB | (unsigned int)__builtin_ctzll(page) << MFD_HUGE_SHIFT;
	}
	area->page_size = page;
	area->size = ringshm__round_up(area->size, page);
	if (flags & MFD_HUGETLB)
		error = ringshm__pool_check(page, area->size, place);
	if (error)
		return error;
	area->fd = memfd_create("ringshm-data", flags);
	if (area->fd < 0)
		return ringshm__fail(errno, "create %s: memory file: %s", place->name, ringshm__reason(errno));
	if (flags & MFD_HUGETLB)
		return ringshm__pool_take(area->fd, page, area->size, place);
	return ringshm__allocate(area->fd, area->size, place->name);
}

const struct ringshm_backend_ops ringshm__backend_memfd = {
	.backend = RINGSHM_BACKEND_MEMFD,
	.name = "memfd",
	.anonymous = true,
	.create = memfd_create_area,
	.map = ringshm__area_map,
	.unmap = ringshm__area_unmap,
};

const struct ringshm_backend_ops *ringshm__backend(uint32_t backend)
{
	static const struct ringshm_backend_ops *const all[] = {
		&ringshm__backend_shm, &ringshm__backend_memfd, &ringshm__backend_hugetlbfs,
		&ringshm__backend_thp, &ringshm__backend_sysv,	&ringshm__backend_kmod,
	};

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->backend == backend)
			return all[i];
	return NULL;
}

/*
 * A sender's or creator's claim about pages decides how a mapping may be cut, so ask the file itself: one of
 * huge pages can only be mapped and unmapped in whole ones.
 */
int ringshm__area_check(const struct ringshm_area *area, const char *name)
{
	struct statfs fs;
	uint64_t page = ringshm__page();
	bool pooled;

	if (area->fd < 0)
		return 0;
	if (fstatfs(area->fd, &fs))
		return ringshm__fail(errno, "open %s: its memory: %s", name, ringshm__reason(errno));
	pooled = (uint32_t)fs.f_type == HUGETLBFS_MAGIC;
	if (pooled)
		page = (uint64_t)fs.f_bsize;
	if (area->size & (page - 1) || (pooled && area->page_size != page))
		return ringshm__fail(
			EPROTO, "open %s: its memory is not in pages as its header says; recreate it (ringshm rm %s)",
			name, name);
	return 0;
}
