/* SPDX-License-Identifier: MIT */
/* Placement: nodes, interleaving, contiguous runs, and how long allocation takes. */
#include "guest.h"

#include <sys/ioctl.h>
#include <unistd.h>

static bool four_nodes(void)
{
	return online_nodes() == 4;
}

static int32_t *placement(int region, size_t blocks)
{
	int32_t *nodes = calloc(blocks, sizeof(*nodes));
	struct ringshm_kmod_placement arg = {.size = sizeof(arg), .count = blocks, .nodes = (uintptr_t)nodes};

	CHECK_EQ(ioctl(region, RINGSHM_KMOD_PLACEMENT, &arg), blocks);
	return nodes;
}

GUEST_TEST_IF(on_each_node, "a region asked on a node lies on that node, every block, both flavours", 0, four_nodes)
{
	for (int32_t node = 0; node < 4; node++) {
		for (uint32_t flavour = 0; flavour <= RINGSHM_KMOD_CONTIGUOUS; flavour++) {
			int region = create_on(NULL, 32 * MIB, flavour, node);
			int32_t *nodes;

			CHECK(region >= 0);
			nodes = placement(region, 16);
			for (int i = 0; i < 16; i++)
				CHECK_EQ(nodes[i], node);
			CHECK_EQ(info_of(region).node_mask, 1 << node);
			CHECK_EQ(info_of(region).node, node);
			close(region);
		}
	}
}

GUEST_TEST_IF(interleaved, "an interleaved region goes round the nodes block by block", 0, four_nodes)
{
	int region = create_on(NULL, 32 * MIB, RINGSHM_KMOD_BLOCKS, RINGSHM_KMOD_NODE_INTERLEAVE);
	int32_t *nodes = placement(region, 16);

	for (int i = 0; i < 16; i++)
		CHECK_EQ(nodes[i], i % 4);
	CHECK_EQ(info_of(region).node_mask, 15);
}

GUEST_TEST_IF(node_full, "more than a node holds is refused, and nothing stays behind", 0, four_nodes)
{
	long before = free_kib(), after;

	write_file("/sys/module/ringshm/parameters/quota_total_mib", "100000");
	CHECK_ERRNO(create_on(NULL, 1024 * MIB, RINGSHM_KMOD_BLOCKS, 2), ENOMEM);
	CHECK_ERRNO(create_on(NULL, 1024 * MIB, RINGSHM_KMOD_CONTIGUOUS, 2), ENOMEM);
	write_file("/sys/module/ringshm/parameters/quota_total_mib", "0");
	after = free_kib();
	guest_note("free KiB before %ld, after %ld", before, after);
	CHECK(before - after < 16 * 1024);
}

static void timed(size_t length, uint32_t flavour)
{
	uint64_t began = now_ns();
	int region = create_on(NULL, length, flavour, RINGSHM_KMOD_NODE_LOCAL);
	struct ringshm_kmod_info info;

	if (region < 0)
		guest_fail(__FILE__, __LINE__, "%zu MiB: %s", length / MIB, strerror(errno));
	info = info_of(region);
	guest_note("%4zu MiB %s: %llu us, %llu runs, longest %llu MiB", length / MIB, flavour ? "contiguous" : "blocks",
		   (unsigned long long)(now_ns() - began) / 1000, (unsigned long long)info.runs,
		   (unsigned long long)info.run_length / MIB);
	if (flavour == RINGSHM_KMOD_CONTIGUOUS) {
		CHECK_EQ(info.runs, 1);
		CHECK_EQ(info.run_length, length);
	}
	CHECK(info.run_length >= BLOCK);
	close(region);
}

GUEST_TEST(allocation, "regions of 2 to 256 MiB are had in both flavours, a contiguous one in one run")
{
	for (uint32_t flavour = 0; flavour <= RINGSHM_KMOD_CONTIGUOUS; flavour++)
		for (size_t length = 2 * MIB; length <= 256 * MIB; length *= 2)
			timed(length, flavour);
}

/* Filling memory with page cache first: the run must be made by moving pages. */
GUEST_TEST(contiguous_in_use, "256 MiB in one run are found while the page cache fills memory")
{
	CHECK_EQ(system("dd if=/dev/zero of=/tmp/fill bs=1M count=400 2>/dev/null"), 0);
	timed(256 * MIB, RINGSHM_KMOD_CONTIGUOUS);
	CHECK_EQ(unlink("/tmp/fill"), 0);
}
