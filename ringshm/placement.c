/* SPDX-License-Identifier: MIT */
/* Where a channel's pages are now, and how large: asked of the kernel, not of the header. */
#include "config.h"

#include "hugepages.h"
#include "internal.h"
#include "node.h"

#include <sys/mman.h>

static uint64_t add(uint64_t *sum, void *address, uint64_t size, uint64_t page)
{
	uint64_t bytes[RINGSHM_PLACEMENT_NODES] = {0}, unknown;

	ringshm__node_count(address, size, page, bytes, RINGSHM_PLACEMENT_NODES, &unknown);
	for (unsigned int i = 0; i < RINGSHM_PLACEMENT_NODES; i++)
		sum[i] += bytes[i];
	return unknown;
}

/* Whole pages of a pool, or huge entries over tmpfs. */
static void measure_pages(struct ringshm_placement *placement, const void *address, uint64_t size)
{
	uint64_t page = ringshm__smaps(address, 1, "KernelPageSize"),
		 thp = ringshm__smaps(address, size, "ShmemPmdMapped");

	placement->page_size = page;
	placement->huge_bytes = page > ringshm__page() ? size : thp;
	if (thp)
		placement->page_size = ringshm__thp_page();
}

/* Some areas know better than the kernel tells of their mappings. */
static void measure_data(struct ringshm_placement *placement, const struct ringshm_area *area, void *data)
{
	if (!area->ops->nodes) {
		measure_pages(placement, data, area->size);
		placement->unknown_bytes = add(placement->data_bytes, data, area->size, area->page_size);
		return;
	}
	placement->page_size = area->page_size;
	placement->huge_bytes = area->size;
	area->ops->nodes(area, placement->data_bytes, RINGSHM_PLACEMENT_NODES, &placement->unknown_bytes);
}

int ringshm_placement(struct ringshm *channel, struct ringshm_placement *out)
{
	struct ringshm_placement placement = {0};
	uint32_t size = out ? out->size : 0;
	void *data;
	int error;

	if (!channel || size < sizeof(uint32_t))
		return ringshm__fail(EINVAL,
				     "placement: give a channel, and set size to sizeof(struct ringshm_placement)");
	error = ringshm__area_attach(channel, false, &data);
	if (error)
		return error;
	measure_data(&placement, &channel->data, data);
	placement.unknown_bytes +=
		add(placement.control_bytes, channel->ctl, channel->header.ctl_size, ringshm__page());
	placement.unknown_bytes +=
		add(placement.control_bytes, channel->cons, channel->header.cons_size, ringshm__page());
	channel->data.ops->unmap(&channel->data, data);
	placement.size = size < sizeof(placement) ? size : sizeof(placement);
	memcpy(out, &placement, placement.size);
	return 0;
}
