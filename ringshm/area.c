/* SPDX-License-Identifier: MIT */
/* Data areas from their beginning to their end, whatever backend they come from. */
#include "config.h"

#include "internal.h"
#include "node.h"

#include <sys/stat.h>
#include <unistd.h>

/* A tag of the directory of channels: areas elsewhere carry it, so that gc tells its own from others'. */
uint64_t ringshm__home(int dir, const char *path)
{
	struct stat status;
	uint64_t tag;

	if (dir < 0 || fstatat(dir, path, &status, 0))
		return 0;
	tag = (uint64_t)status.st_dev * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)status.st_ino;
	tag = (tag ^ tag >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return tag ^ tag >> 32;
}

struct ringshm_area_place ringshm__place_of(const struct ringshm_header *header, int dir, const char *name)
{
	struct ringshm_area_place place = {
		.dir = dir,
		.name = name,
		.mode = 0600,
		.group = RINGSHM_GROUP_NONE,
		.owner = (uint32_t)geteuid(),
		.node = header->node,
		.uuid = header->uuid,
		.home = ringshm__home(dir, ".."),
	};

	return place;
}

/* The backend was told the node and has no other pages to offer. */
static int check_nodes(const struct ringshm_area *area, const struct ringshm_area_place *place)
{
	uint64_t bytes[RINGSHM_NODES_MOST] = {0}, unknown;

	if (place->node == RINGSHM_NODE_INTERLEAVE)
		return 0;
	area->ops->nodes(area, bytes, RINGSHM_NODES_MOST, &unknown);
	if (bytes[place->node] == area->size)
		return 0;
	return ringshm__refuse(ENOMEM, place->name, "", "backend %s has put part of it elsewhere than on node %d",
			       area->ops->name, place->node);
}

/* The policy of the calling thread has put the pages where they belong; make sure of it. */
static int settle(const struct ringshm_area *area, const struct ringshm_area_place *place)
{
	void *address;
	int error;

	if (place->node == RINGSHM_NODE_ANY)
		return 0;
	if (area->ops->nodes)
		return check_nodes(area, place);
	error = area->ops->map(area, true, &address);
	if (error)
		return error;
	error = ringshm__node_settle(address, area->size, area->page_size, place->node, place->name);
	area->ops->unmap(area, address);
	return error;
}

/* Allocate an area of wanted->size and ->page_size from this backend, or leave nothing. */
int ringshm__area_create(struct ringshm_area *area, const struct ringshm_backend_ops *ops,
			 const struct ringshm_area *wanted, const struct ringshm_area_place *place)
{
	int error;

	*area = *wanted;
	area->ops = ops;
	area->fd = -1;
	area->owner = place->owner;
	error = ops->create(area, place);
	if (!error)
		error = settle(area, place);
	if (error)
		ringshm__area_drop(area, place);
	return error;
}

/* Undo a create(), also one that failed half way. */
void ringshm__area_drop(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	ringshm__close_fd(&area->fd);
	if (place->dir >= 0)
		unlinkat(place->dir, "data", 0);
	if (area->ops->destroy)
		area->ops->destroy(place);
	area->ops = NULL;
}

/* Of a channel that is being removed. A header without magic does not say yet which backend it was to be. */
void ringshm__area_destroy(const struct ringshm_header *header, const struct ringshm_area_place *place)
{
	for (uint32_t backend = RINGSHM_BACKEND_SHM; backend <= RINGSHM_BACKEND_KMOD; backend++) {
		const struct ringshm_backend_ops *ops = ringshm__backend(backend);

		if (ops && ops->destroy && (!header->magic || header->backend == backend))
			ops->destroy(place);
	}
}

int ringshm__area_attach(const struct ringshm *channel, bool writable, void **address)
{
	void *map;
	int error = channel->data.ops->map(&channel->data, writable, &map);

	if (error)
		return error;
	error = ringshm__check_marks((const struct ringshm_data *)map, &channel->header, ringshm__title(channel));
	if (error)
		channel->data.ops->unmap(&channel->data, map);
	else
		*address = map;
	return error;
}

/* A description of its own, for somebody else. */
int ringshm__area_reopen(const struct ringshm_area *area, bool writable)
{
	return area->ops->reopen ? area->ops->reopen(area, writable) : ringshm__reopen_as(area->fd, writable);
}
