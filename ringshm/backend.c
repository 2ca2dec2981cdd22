/* SPDX-License-Identifier: MIT */
/* The backends that every machine has: tmpfs files and sealed memory files. */
#include "config.h"

#include "backend.h"
#include "internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int ringshm__area_map(const struct ringshm_area *area, bool writable, void **address)
{
	return ringshm__map(area->fd, area->size, writable, "data", address);
}

void ringshm__area_unmap(const struct ringshm_area *area, void *address)
{
	munmap(address, (size_t)area->size);
}

static void round_to_pages(struct ringshm_area *area)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	area->page_size = page;
	area->size = (area->size + page - 1) & ~(page - 1);
}

static int shm_create(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	round_to_pages(area);
	area->fd = openat(place->dir, "data", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (area->fd < 0)
		return ringshm__fail(errno, "create %s: file 'data': %s", place->name, ringshm__reason(errno));
	return ringshm__allocate(area->fd, area->size, place->name);
}

static int file_open(struct ringshm_area *area, const struct ringshm_area_place *place, bool writable)
{
	area->fd = ringshm__open_file(place->dir, "data", writable, place->name);
	return area->fd < 0 ? area->fd : 0;
}

const struct ringshm_backend_ops ringshm__backend_shm = {
	.backend = RINGSHM_BACKEND_SHM,
	.name = "shm",
	.named = true,
	.create = shm_create,
	.open = file_open,
	.map = ringshm__area_map,
	.unmap = ringshm__area_unmap,
};

static int memfd_create_area(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	round_to_pages(area);
	area->fd = memfd_create("ringshm-data", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (area->fd < 0)
		return ringshm__fail(errno, "create %s: memory file: %s", place->name, ringshm__reason(errno));
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
	static const struct ringshm_backend_ops *const all[] = { &ringshm__backend_shm, &ringshm__backend_memfd };

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->backend == backend)
			return all[i];
	return NULL;
}
