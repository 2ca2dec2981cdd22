/* SPDX-License-Identifier: MIT */
/* Backend kmod: regions of /dev/ringshm, made of physically contiguous 2 MiB blocks or of one run, on a chosen node. */
#include "config.h"

#include "backend.h"
#include "hugepages.h"
#include "internal.h"

#include <fcntl.h>
#include <ringshm/kmod.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_SIZE UINT64_C(0x200000)
#define NAME_HEX (2 * RINGSHM_UUID_SIZE)
#define CLAIM_TRIES 200 /* of a millisecond: whoever left the seat is about to unmap */

/* Regions have no directories: the name follows from the channel's uuid alone. */
static void region_name(const uint8_t *uuid, char name[static RINGSHM_KMOD_NAME_MAX])
{
	for (unsigned int i = 0; i < RINGSHM_UUID_SIZE; i++)
		snprintf(name + 2 * (size_t)i, 3, "%02x", uuid[i]);
}

static int device_open(bool writable)
{
	return open(RINGSHM_KMOD_DEVICE, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
}

/* ---- creating ------------------------------------------------------------------------------- */

static int refuse_device(int error, const char *name)
{
	if (error == ENOENT || error == ENXIO || error == ENODEV)
		return ringshm__refuse(ENODEV, name, "modprobe ringshm", "module not present");
	if (error == EACCES || error == EPERM)
		return ringshm__refuse(EACCES, name, "usermod -aG ringshm USER, and log in again",
				       "user %u may not use %s", (unsigned int)geteuid(), RINGSHM_KMOD_DEVICE);
	return ringshm__refuse(error, name, "", "%s: %s", RINGSHM_KMOD_DEVICE, ringshm__reason(error));
}

static int refuse_create(int error, uint64_t size, const struct ringshm_area_place *place)
{
	char text[24], command[96];

	ringshm__bytes(size, text);
	if (error == EDQUOT) {
		snprintf(command, sizeof(command),
			 "echo %llu | tee /sys/module/ringshm/parameters/quota_{user,total}_mib",
			 (unsigned long long)(size >> 20) * 4);
		return ringshm__refuse(error, place->name, command,
				       "%s is over the module's quota (quota_total_mib, quota_user_mib)", text);
	}
	if (error == ENOBUFS)
		return ringshm__refuse(error, place->name, "ulimit -l unlimited",
				       "%s is over what this user may lock (RLIMIT_MEMLOCK)", text);
	if (error == EPERM)
		return ringshm__refuse(error, place->name, "",
				       "one physical run is given to CAP_SYS_ADMIN only; be root, or do without");
	if (error == ENOMEM && place->contiguous)
		return ringshm__refuse(error, place->name, "sysctl vm.drop_caches=3 vm.compact_memory=1",
				       "%s in one physical run are not to be had%s", text,
				       place->node >= 0 ? " on that node" : "");
	if (error == ENOMEM)
		return ringshm__refuse(error, place->name, "sysctl vm.compact_memory=1",
				       "%s of free 2 MiB blocks are not to be had%s", text,
				       place->node >= 0 ? " on that node" : "");
	return ringshm__refuse(error, place->name, "", "a region of %s: %s", text, ringshm__reason(error));
}

static int create_region(const struct ringshm_area *area, const struct ringshm_area_place *place)
{
	struct ringshm_kmod_create request = {.size = sizeof(request), .length = area->size, .mode = 0600};
	int device = device_open(true), fd, error;

	if (device < 0)
		return refuse_device(errno, place->name);
	request.flavour = place->contiguous ? RINGSHM_KMOD_CONTIGUOUS : RINGSHM_KMOD_BLOCKS;
	request.node = place->node >= 0			      ? place->node :
		       place->node == RINGSHM_NODE_INTERLEAVE ? RINGSHM_KMOD_NODE_INTERLEAVE :
								RINGSHM_KMOD_NODE_LOCAL;
	if (place->dir >= 0)
		region_name(place->uuid, request.name);
	fd = ioctl(device, RINGSHM_KMOD_CREATE, &request);
	error = errno;
	close(device);
	return fd >= 0 ? fd : refuse_create(error, area->size, place);
}

static int kmod_create(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	char text[24];
	int fd;

	if (area->page_size && area->page_size != BLOCK_SIZE)
		return ringshm__refuse(EINVAL, place->name, "", "backend kmod has pages of %s only",
				       ringshm__bytes(BLOCK_SIZE, text));
	if (place->contiguous && place->node == RINGSHM_NODE_INTERLEAVE)
		return ringshm__refuse(EINVAL, place->name, "", "one physical run cannot be interleaved over nodes");
	area->page_size = BLOCK_SIZE;
	area->size = ringshm__round_up(area->size, BLOCK_SIZE);
	fd = create_region(area, place);
	if (fd < 0)
		return fd;
	area->fd = fd;
	return 0;
}

/* ---- finding -------------------------------------------------------------------------------- */

static int open_region(const char *name, bool writable)
{
	struct ringshm_kmod_open request = {.size = sizeof(request), .flags = writable ? 0 : RINGSHM_KMOD_RDONLY};
	int device = device_open(writable), fd, error;

	if (device < 0)
		return -errno;
	memcpy(request.name, name, sizeof(request.name));
	fd = ioctl(device, RINGSHM_KMOD_OPEN, &request);
	error = errno;
	close(device);
	return fd < 0 ? -error : fd;
}

static int kmod_open(struct ringshm_area *area, const struct ringshm_area_place *place, bool writable)
{
	char name[RINGSHM_KMOD_NAME_MAX] = "";

	region_name(place->uuid, name);
	area->fd = open_region(name, writable);
	if (area->fd >= 0)
		return 0;
	if (area->fd == -ENOENT)
		return ringshm__fail(
			ENXIO,
			"open %s: its memory, region %s of the module, is gone or the module is not loaded; run: ringshm rm %s",
			place->name, name, place->name);
	return ringshm__fail(-area->fd, "open %s: its memory, region %s of %s: %s; be a member of group ringshm",
			     place->name, name, RINGSHM_KMOD_DEVICE, ringshm__reason(-area->fd));
}

static int region_info(int fd, struct ringshm_kmod_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ioctl(fd, RINGSHM_KMOD_INFO, info) ? -errno : 0;
}

/* Only a region answers, and a region is never cut short. */
static bool kmod_check(const struct ringshm_area *area)
{
	struct ringshm_kmod_info info;

	return !region_info(area->fd, &info) && info.length >= area->size && !(area->size % BLOCK_SIZE);
}

/* ---- mapping -------------------------------------------------------------------------------- */

static int map_at(void *at, int fd, uint64_t size, bool writable, void **address)
{
	void *map = MAP_FAILED;

	errno = ENOMEM;
	if (size <= SIZE_MAX)
		map = mmap(at, (size_t)size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED | (at ? MAP_FIXED : 0),
			   fd, 0);
	if (map == MAP_FAILED)
		return ringshm__no_map(errno, size, "data");
	*address = map;
	return 0;
}

/* Not touched: an endpoint's is soon mapped over by kmod_claim(), and who only looks looks at little. */
static int kmod_map(const struct ringshm_area *area, bool writable, void **address)
{
	return map_at(NULL, area->fd, area->size, writable, address);
}

static int kmod_reopen(const struct ringshm_area *area, bool writable)
{
	struct ringshm_kmod_dup request = {.size = sizeof(request), .flags = writable ? 0 : RINGSHM_KMOD_RDONLY};
	int fd = ioctl(area->fd, RINGSHM_KMOD_DUP, &request);

	return fd < 0 ? ringshm__fail(errno, "open a second description of a region: %s", ringshm__reason(errno)) : fd;
}

/* ---- participants --------------------------------------------------------------------------- */

static int attach(int fd, uint32_t id)
{
	struct ringshm_kmod_attach request = {.size = sizeof(request), .id = id};
	const struct timespec moment = {.tv_nsec = 1000000};

	for (int i = 0; ioctl(fd, RINGSHM_KMOD_ATTACH, &request); i++) {
		if (errno != EBUSY || i == CLAIM_TRIES)
			return -errno;
		nanosleep(&moment, NULL);
	}
	return 0;
}

/* One fault for 2 MiB; the usual advice does not reach such mappings. */
static void touch(const volatile unsigned char *address, uint64_t size)
{
	for (uint64_t offset = 0; offset < size; offset += BLOCK_SIZE)
		(void)address[offset];
}

/*
 * Put a mapping over the one there is that ends with this participant and with nothing else: it is not
 * inherited, and its closing is what the module takes for the participant's death.
 */
static int kmod_claim(const struct ringshm_area *area, void *address, bool writable, uint32_t id)
{
	int fd = kmod_reopen(area, writable), error;
	void *same;

	if (fd < 0)
		return fd;
	error = attach(fd, id);
	if (error)
		error = ringshm__fail(-error, "take seat %u of the region: %s", id, ringshm__reason(-error));
	else
		error = map_at(address, fd, area->size, writable, &same);
	close(fd); /* the mapping keeps the description */
	if (!error)
		touch((const unsigned char *)address, area->size);
	return error;
}

static bool kmod_alive(const struct ringshm_area *area, uint32_t id)
{
	struct ringshm_kmod_alive request = {.size = sizeof(request), .id = id};

	return ioctl(area->fd, RINGSHM_KMOD_ALIVE, &request) != 0; /* what cannot be asked is not declared dead */
}

/* ---- placement ------------------------------------------------------------------------------ */

static int kmod_nodes(const struct ringshm_area *area, uint64_t *bytes, unsigned int nodes, uint64_t *unknown)
{
	uint64_t count = area->size / BLOCK_SIZE;
	int32_t *each = (int32_t *)calloc(count, sizeof(*each));
	struct ringshm_kmod_placement request = {.size = sizeof(request), .count = count, .nodes = (uintptr_t)each};
	int got = each ? ioctl(area->fd, RINGSHM_KMOD_PLACEMENT, &request) : -1;

	*unknown = 0;
	for (uint64_t i = 0; i < count; i++)
		if ((int64_t)i < got && each[i] >= 0 && (unsigned int)each[i] < nodes)
			bytes[each[i]] += BLOCK_SIZE;
		else
			*unknown += BLOCK_SIZE;
	free(each);
	return 0;
}

/* ---- removing, left-overs ------------------------------------------------------------------- */

static int unlink_region(const uint8_t *uuid)
{
	struct ringshm_kmod_unlink request = {.size = sizeof(request)};
	int device = device_open(true), error = 0;

	if (device < 0)
		return -errno;
	region_name(uuid, request.name);
	if (ioctl(device, RINGSHM_KMOD_UNLINK, &request))
		error = -errno;
	close(device);
	return error;
}

static void kmod_destroy(const struct ringshm_area_place *place)
{
	if (place->dir >= 0)
		unlink_region(place->uuid);
}

static bool parse_name(const char *name, uint8_t *uuid)
{
	if (strlen(name) != NAME_HEX || strspn(name, "0123456789abcdef") != NAME_HEX)
		return false;
	for (unsigned int i = 0; i < RINGSHM_UUID_SIZE; i++) {
		unsigned int byte;

		if (sscanf(name + 2 * (size_t)i, "%2x", &byte) != 1)
			return false;
		uuid[i] = (uint8_t)byte;
	}
	return true;
}

/* Its marks say whose directory it belongs to; one that we may not read is not for us to judge. */
static bool describe(const struct ringshm_kmod_info *info, struct ringshm_area_found *found)
{
	const struct ringshm_data *data;
	bool marked;
	int fd;

	if (!parse_name(info->name, found->uuid))
		return false;
	fd = open_region(info->name, false);
	if (fd < 0)
		return false;
	data = (const struct ringshm_data *)mmap(NULL, sizeof(*data), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return false;
	marked = ringshm_load_acquire(&data->magic) == RINGSHM_DATA_MAGIC; /* pairs with its builder's last store */
	found->backend = RINGSHM_BACKEND_KMOD;
	found->owner = info->uid;
	found->bytes = info->length;
	found->home = ringshm_load_relaxed(&data->home); /* relaxed: constant since the magic */
	snprintf(found->where, sizeof(found->where), "region %s of %s", info->name, RINGSHM_KMOD_DEVICE);
	munmap((void *)(uintptr_t)data, sizeof(*data));
	return marked;
}

static int kmod_each(ringshm_area_visit *visit, void *context)
{
	struct ringshm_kmod_info info = {.size = sizeof(info)};
	int device = device_open(false), stop = 0;

	while (device >= 0 && !stop && !ioctl(device, RINGSHM_KMOD_INFO, &info)) {
		struct ringshm_area_found found = {.id = -1};

		info.flags = 0;
		if (describe(&info, &found))
			stop = visit(&found, context);
	}
	ringshm__close_fd(&device);
	return stop;
}

static int kmod_discard(const struct ringshm_area_found *found)
{
	int error = unlink_region(found->uuid);

	if (!error || error == -ENOENT)
		return 0;
	return ringshm__fail(-error, "remove %s: %s", found->where, ringshm__reason(-error));
}

const struct ringshm_backend_ops ringshm__backend_kmod = {
	.backend = RINGSHM_BACKEND_KMOD,
	.name = "kmod",
	.named = true,
	.anonymous = true,
	.create = kmod_create,
	.open = kmod_open,
	.map = kmod_map,
	.unmap = ringshm__area_unmap,
	.destroy = kmod_destroy,
	.each = kmod_each,
	.discard = kmod_discard,
	.check = kmod_check,
	.reopen = kmod_reopen,
	.claim = kmod_claim,
	.alive = kmod_alive,
	.nodes = kmod_nodes,
};
