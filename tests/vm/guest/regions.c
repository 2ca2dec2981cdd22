/* SPDX-License-Identifier: MIT */
/* Short forms of the module's calls for tests. */
#include "guest.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int device_fd = -1;

int device(void)
{
	if (device_fd < 0)
		device_fd = open(RINGSHM_KMOD_DEVICE, O_RDWR | O_CLOEXEC);
	CHECK(device_fd >= 0);
	return device_fd;
}

void device_close(void)
{
	close(device_fd);
	device_fd = -1;
}

void clean_up(void)
{
	struct ringshm_kmod_info info = {.size = sizeof(info)};
	int fd = open(RINGSHM_KMOD_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	while (!ioctl(fd, RINGSHM_KMOD_INFO, &info)) {
		struct ringshm_kmod_unlink arg = {.size = sizeof(arg)};

		memcpy(arg.name, info.name, sizeof(arg.name));
		ioctl(fd, RINGSHM_KMOD_UNLINK, &arg);
	}
	close(fd);
	write_file("/sys/module/ringshm/parameters/quota_total_mib", "0");
	write_file("/sys/module/ringshm/parameters/quota_user_mib", "0");
}

struct ringshm_kmod_create create_arg(const char *name, size_t length)
{
	struct ringshm_kmod_create arg = {
		.size = sizeof(arg),
		.length = length,
		.node = RINGSHM_KMOD_NODE_LOCAL,
		.mode = 0600,
	};

	if (name)
		snprintf(arg.name, sizeof(arg.name), "%s", name);
	return arg;
}

int create_on(const char *name, size_t length, uint32_t flavour, int32_t node)
{
	struct ringshm_kmod_create arg = create_arg(name, length);

	arg.flavour = flavour;
	arg.node = node;
	return ioctl(device(), RINGSHM_KMOD_CREATE, &arg);
}

int create(const char *name, size_t length)
{
	int region = create_on(name, length, RINGSHM_KMOD_BLOCKS, RINGSHM_KMOD_NODE_LOCAL);

	if (region < 0)
		guest_fail(__FILE__, __LINE__, "creating %zu MiB: %s", length / MIB, strerror(errno));
	return region;
}

int open_named(const char *name, uint32_t flags)
{
	struct ringshm_kmod_open arg = {.size = sizeof(arg), .flags = flags};

	snprintf(arg.name, sizeof(arg.name), "%s", name);
	return ioctl(device(), RINGSHM_KMOD_OPEN, &arg);
}

int unlink_named(const char *name)
{
	struct ringshm_kmod_unlink arg = {.size = sizeof(arg)};

	snprintf(arg.name, sizeof(arg.name), "%s", name);
	return ioctl(device(), RINGSHM_KMOD_UNLINK, &arg);
}

struct ringshm_kmod_info info_of(int region)
{
	struct ringshm_kmod_info info = {.size = sizeof(info)};

	CHECK_EQ(ioctl(region, RINGSHM_KMOD_INFO, &info), 0);
	return info;
}

void *map(int region, size_t length)
{
	void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);

	if (at == MAP_FAILED)
		guest_fail(__FILE__, __LINE__, "mapping %zu MiB: %s", length / MIB, strerror(errno));
	return at;
}

int dup_region(int region, uint32_t flags)
{
	struct ringshm_kmod_dup arg = {.size = sizeof(arg), .flags = flags};

	return ioctl(region, RINGSHM_KMOD_DUP, &arg);
}

int attach(int region, uint32_t *id)
{
	struct ringshm_kmod_attach arg = {.size = sizeof(arg), .id = *id};
	int result = ioctl(region, RINGSHM_KMOD_ATTACH, &arg);

	*id = arg.id;
	return result;
}

int alive(int region, uint32_t id)
{
	struct ringshm_kmod_alive arg = {.size = sizeof(arg), .id = id};

	return ioctl(region, RINGSHM_KMOD_ALIVE, &arg);
}

int wake(int region)
{
	struct ringshm_kmod_wake arg = {.size = sizeof(arg)};

	return ioctl(region, RINGSHM_KMOD_WAKE, &arg);
}

int set_eventfd(int region, int fd)
{
	struct ringshm_kmod_eventfd arg = {.size = sizeof(arg), .fd = fd};

	return ioctl(region, RINGSHM_KMOD_EVENTFD, &arg);
}

unsigned int regions_named(void)
{
	struct ringshm_kmod_info info = {.size = sizeof(info)};
	unsigned int count = 0;

	while (!ioctl(device(), RINGSHM_KMOD_INFO, &info)) {
		info.flags = 0;
		count++;
	}
	return count;
}
