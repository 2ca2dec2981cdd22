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

/* Pages of the machine's own size are all that plain memory files have. */
static int round_to_pages(struct ringshm_area *area, const char *name)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char asked[24], there[24];

	if (area->page_size && area->page_size != page)
		return ringshm__fail(EINVAL,
				     "create %s: pages of %s asked; backend %s has pages of %s: leave page_size 0",
				     name, ringshm__bytes(area->page_size, asked), area->ops->name,
				     ringshm__bytes(page, there));
	area->page_size = page;
	area->size = (area->size + page - 1) & ~(page - 1);
	return 0;
}

static int shm_create(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	int error = round_to_pages(area, place->name);

	if (error)
		return error;
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
	int error = round_to_pages(area, place->name);

	if (error)
		return error;
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
	static const struct ringshm_backend_ops *const all[] = {&ringshm__backend_shm, &ringshm__backend_memfd};

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->backend == backend)
			return all[i];
	return NULL;
}
