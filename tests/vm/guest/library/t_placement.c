/* SPDX-License-Identifier: MIT */
/* Every backend on every node of a machine that has four. */
#include "../guest.h"

#include <ringshm/ringshm.h>
#include <sys/mount.h>
#include <unistd.h>

static bool four_nodes(void)
{
	return online_nodes() == 4;
}

static const struct {
	const char *what;
	uint32_t backend;
	uint64_t page_size;
	bool named;
} wishes[] = {
	{"kmod, named", RINGSHM_BACKEND_KMOD, 0, true},
	{"kmod, anonymous", RINGSHM_BACKEND_KMOD, 0, false},
	{"hugetlbfs", RINGSHM_BACKEND_HUGETLBFS, 2 << 20, true},
	{"memfd, 2 MiB pages", RINGSHM_BACKEND_MEMFD, 2 << 20, false},
	{"memfd", RINGSHM_BACKEND_MEMFD, 0, false},
	{"thp", RINGSHM_BACKEND_THP, 2 << 20, true},
	{"sysv, 2 MiB pages", RINGSHM_BACKEND_SYSV, 2 << 20, true},
	{"sysv", RINGSHM_BACKEND_SYSV, 0, true},
	{"shm", RINGSHM_BACKEND_SHM, 0, true},
};

#define WISHES (sizeof(wishes) / sizeof(wishes[0]))

/* The pool has pages on every node, and the file system of huge pages is mounted. */
static void pools(void)
{
	char path[128];

	for (int node = 0; node < 4; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages",
			 node);
		write_file(path, "12");
	}
	if (mount("none", "/dev/hugepages", "hugetlbfs", 0, NULL) && errno != EBUSY)
		guest_fail(__FILE__, __LINE__, "mount hugetlbfs: %s", strerror(errno));
}

static struct ringshm_placement placed(unsigned int wish, int32_t node)
{
	struct ringshm_placement placement = {.size = sizeof(placement)};
	struct ringshm_config config;
	struct ringshm *channel;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 16 << 20;
	config.backend = wishes[wish].backend;
	config.page_size = wishes[wish].page_size;
	config.node = node;
	if (ringshm_create(&channel, wishes[wish].named ? "placed" : NULL, &config) ||
	    ringshm_placement(channel, &placement))
		guest_fail(__FILE__, __LINE__, "%s on node %d: %s", wishes[wish].what, node, ringshm_last_error());
	ringshm_close(channel);
	if (wishes[wish].named)
		ringshm_unlink("placed");
	return placement;
}

GUEST_TEST_IF(every_node, "every backend puts data and control on the node asked for, each of four", 120, four_nodes)
{
	pools();
	for (unsigned int wish = 0; wish < WISHES; wish++) {
		for (int32_t node = 0; node < 4; node++) {
			struct ringshm_placement p = placed(wish, node);

			if (p.unknown_bytes || p.data_bytes[node] < 16 * MIB || !p.control_bytes[node])
				guest_fail(__FILE__, __LINE__, "%s on node %d: %llu there, %llu unknown",
					   wishes[wish].what, node, (unsigned long long)p.data_bytes[node],
					   (unsigned long long)p.unknown_bytes);
			for (int other = 0; other < 4; other++)
				CHECK(other == node || (!p.data_bytes[other] && !p.control_bytes[other]));
		}
	}
}

GUEST_TEST_IF(every_interleaved, "every backend spreads data over the nodes when asked to interleave", 120, four_nodes)
{
	pools();
	for (unsigned int wish = 0; wish < WISHES; wish++) {
		struct ringshm_placement p = placed(wish, RINGSHM_NODE_INTERLEAVE);
		int nodes = 0;

		for (int node = 0; node < 4; node++)
			nodes += p.data_bytes[node] > 0;
		if (nodes < 4)
			guest_fail(__FILE__, __LINE__, "%s: %llu, %llu, %llu and %llu bytes on the nodes",
				   wishes[wish].what, (unsigned long long)p.data_bytes[0],
				   (unsigned long long)p.data_bytes[1], (unsigned long long)p.data_bytes[2],
				   (unsigned long long)p.data_bytes[3]);
	}
}

GUEST_TEST_IF(node_without_room, "a node that is full is refused, not silently replaced by another", 60, four_nodes)
{
	struct ringshm_config config;
	struct ringshm *channel;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 1 << 30;
	config.backend = RINGSHM_BACKEND_KMOD;
	config.node = 3;
	write_file("/sys/module/ringshm/parameters/quota_total_mib", "100000");
	CHECK_EQ(ringshm_create(&channel, NULL, &config), -ENOMEM);
	guest_note("%s", ringshm_last_error());
}
