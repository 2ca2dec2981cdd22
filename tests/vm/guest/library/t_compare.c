/* SPDX-License-Identifier: MIT */
/* What the module adds: creating and attaching 64 MiB, by backend. */
#include "../guest.h"

#include <ringshm/ringshm.h>
#include <sys/mount.h>
#include <unistd.h>

struct cost {
	uint64_t create_us;
	uint64_t attach_us;
	long faults; /* of attaching a producer */
};

static struct cost measure(const char *what, uint32_t backend, uint64_t page_size)
{
	struct ringshm_spsc_producer producer;
	struct ringshm_config config;
	struct ringshm *channel;
	struct cost cost = {0};
	uint64_t began = now_ns();
	long before;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 64 << 20;
	config.backend = backend;
	config.page_size = page_size;
	if (ringshm_create(&channel, "compared", &config))
		guest_fail(__FILE__, __LINE__, "%s: %s", what, ringshm_last_error());
	cost.create_us = (now_ns() - began) / 1000;
	before = faults();
	began = now_ns();
	if (ringshm_spsc_producer_open(&producer, channel))
		guest_fail(__FILE__, __LINE__, "%s: %s", what, ringshm_last_error());
	cost.attach_us = (now_ns() - began) / 1000;
	cost.faults = faults() - before;
	guest_note("%-9s created in %7llu us, attached in %6llu us with %5ld faults", what,
		   (unsigned long long)cost.create_us, (unsigned long long)cost.attach_us, cost.faults);
	ringshm_spsc_producer_close(&producer);
	ringshm_close(channel);
	ringshm_unlink("compared");
	return cost;
}

GUEST_TEST_LONG(compare,
		"attaching 64 MiB in a region takes a fault for 2 MiB, as huge pages of a pool do, not one for 4 KiB",
		120)
{
	struct cost kmod, pool, small;

	write_file("/proc/sys/vm/nr_hugepages", "48");
	if (mount("none", "/dev/hugepages", "hugetlbfs", 0, NULL) && errno != EBUSY)
		guest_fail(__FILE__, __LINE__, "mount hugetlbfs: %s", strerror(errno));
	kmod = measure("kmod", RINGSHM_BACKEND_KMOD, 0);
	pool = measure("hugetlbfs", RINGSHM_BACKEND_HUGETLBFS, 2 << 20);
	small = measure("shm", RINGSHM_BACKEND_SHM, 0);
	CHECK(kmod.faults < 64 && pool.faults < 192);
	CHECK(small.faults > 1000);
	write_file("/proc/sys/vm/nr_hugepages", "0");
}
