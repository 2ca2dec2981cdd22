/* SPDX-License-Identifier: MIT */
/* Everything that must be refused, with the errno that kmod.h documents. */
#include "guest.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int try_create(struct ringshm_kmod_create arg)
{
	return ioctl(device(), RINGSHM_KMOD_CREATE, &arg);
}

#define REFUSED_CREATE(error, change)                                       \
	do {                                                                \
		struct ringshm_kmod_create arg = create_arg(NULL, 2 * MIB); \
		change;                                                     \
		CHECK_ERRNO(try_create(arg), error);                        \
	} while (0)

GUEST_TEST(bad_create, "create refuses every field that is out of its range")
{
	REFUSED_CREATE(EINVAL, arg.length = 0);
	REFUSED_CREATE(EINVAL, arg.length = 1);
	REFUSED_CREATE(EINVAL, arg.length = 2 * MIB + 4096);
	REFUSED_CREATE(EINVAL, arg.length = ~0ull);
	REFUSED_CREATE(EINVAL, arg.length = 1ull << 63);
	REFUSED_CREATE(EDQUOT, arg.length = (1ull << 62));
	REFUSED_CREATE(EINVAL, arg.flavour = 2);
	REFUSED_CREATE(EINVAL, arg.flavour = ~0u);
	REFUSED_CREATE(EINVAL, arg.flags = 2);
	REFUSED_CREATE(EINVAL, arg.flags = 0x80000000);
	REFUSED_CREATE(EINVAL, arg.pad = 1);
	REFUSED_CREATE(EINVAL, arg.mode = 01777);
	REFUSED_CREATE(EINVAL, arg.mode = ~0u);
	REFUSED_CREATE(EINVAL, arg.node = -3);
	REFUSED_CREATE(EINVAL, arg.node = online_nodes());
	REFUSED_CREATE(EINVAL, arg.node = 1 << 20);
	REFUSED_CREATE(EINVAL, arg.node = INT32_MIN);
	REFUSED_CREATE(EINVAL, (arg.flavour = RINGSHM_KMOD_CONTIGUOUS, arg.node = RINGSHM_KMOD_NODE_INTERLEAVE));
}

GUEST_TEST(bad_names, "names that could be taken for paths, or do not end, are refused")
{
	REFUSED_CREATE(EINVAL, memset(arg.name, 'x', sizeof(arg.name)));
	REFUSED_CREATE(EINVAL, strcpy(arg.name, "a/b"));
	REFUSED_CREATE(EINVAL, strcpy(arg.name, ".hidden"));
	CHECK_ERRNO(open_named("", 0), EINVAL);
	CHECK_ERRNO(open_named("..", 0), EINVAL);
	CHECK_ERRNO(open_named("nobody-made-this", 0), ENOENT);
	CHECK_ERRNO(unlink_named(""), EINVAL);
	CHECK_ERRNO(unlink_named("nobody-made-this"), ENOENT);
}

GUEST_TEST(taken_name, "a name is given once, and again after unlinking")
{
	int first = create("taken", 2 * MIB), second;

	CHECK_ERRNO(create_on("taken", 2 * MIB, 0, -1), EEXIST);
	CHECK_EQ(unlink_named("taken"), 0);
	second = create("taken", 2 * MIB);
	CHECK(info_of(first).ino != info_of(second).ino);
	CHECK_EQ(unlink_named("taken"), 0);
}

/* Every command, its place, the size of its argument and the flags it knows. */
static const struct command {
	unsigned int code;
	bool on_device, on_region;
	uint32_t size, flags;
} commands[] = {
	{RINGSHM_KMOD_CREATE, true, false, sizeof(struct ringshm_kmod_create), RINGSHM_KMOD_RDONLY},
	{RINGSHM_KMOD_OPEN, true, false, sizeof(struct ringshm_kmod_open), RINGSHM_KMOD_RDONLY},
	{RINGSHM_KMOD_UNLINK, true, false, sizeof(struct ringshm_kmod_unlink), 0},
	{RINGSHM_KMOD_INFO, true, true, sizeof(struct ringshm_kmod_info), 0},
	{RINGSHM_KMOD_PLACEMENT, false, true, sizeof(struct ringshm_kmod_placement), 0},
	{RINGSHM_KMOD_DUP, false, true, sizeof(struct ringshm_kmod_dup), RINGSHM_KMOD_RDONLY},
	{RINGSHM_KMOD_ATTACH, false, true, sizeof(struct ringshm_kmod_attach), 0},
	{RINGSHM_KMOD_ALIVE, false, true, sizeof(struct ringshm_kmod_alive), 0},
	{RINGSHM_KMOD_WAKE, false, true, sizeof(struct ringshm_kmod_wake), 0},
	{RINGSHM_KMOD_EVENTFD, false, true, sizeof(struct ringshm_kmod_eventfd), 0},
};

#define EACH_COMMAND(c) \
	for (const struct command *c = commands; c < commands + sizeof(commands) / sizeof(*commands); c++)

/* One page ends where the argument ends, so reading too far is seen. */
static uint32_t *argument(uint32_t size, uint32_t claimed)
{
	unsigned char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *arg;

	CHECK(pages != MAP_FAILED);
	CHECK_EQ(munmap(pages + 2 * 4096, 4096), 0);
	arg = (uint32_t *)(pages + 2 * 4096 - size);
	arg[0] = claimed;
	return arg;
}

static void refuse_sizes(int fd, const struct command *c)
{
	uint32_t *longer = argument(4096 + 64, 0);
	uint32_t sizes[] = {0, 1, 4, 7, c->size - 1, c->size - 8};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		CHECK_ERRNO(ioctl(fd, c->code, argument(c->size, sizes[i])), EINVAL);
	CHECK_ERRNO(ioctl(fd, c->code, argument(c->size, 4097)), E2BIG);
	CHECK_ERRNO(ioctl(fd, c->code, argument(c->size, ~0u)), E2BIG);
	longer[0] = c->size + 8;
	longer[c->size / 4 + 1] = 1; /* something the kernel does not know */
	CHECK_ERRNO(ioctl(fd, c->code, longer), E2BIG);
	CHECK_ERRNO(ioctl(fd, c->code, argument(c->size, c->size + 8)), EFAULT);
	CHECK_ERRNO(ioctl(fd, c->code, NULL), EFAULT);
	CHECK_ERRNO(ioctl(fd, c->code, (void *)~0xfffull), EFAULT);
	CHECK_ERRNO(ioctl(fd, c->code, (void *)0xffff888000000000ull), EFAULT);
}

static void refuse_flags(int fd, const struct command *c)
{
	for (uint32_t flag = 1; flag; flag <<= 1) {
		uint32_t *arg;

		if (c->flags & flag)
			continue;
		arg = argument(c->size, c->size);
		arg[1] = flag;
		CHECK_ERRNO(ioctl(fd, c->code, arg), EINVAL);
		munmap((void *)((uintptr_t)arg & ~4095ull), 4096);
	}
}

GUEST_TEST(bad_sizes, "every ioctl refuses sizes it does not know and addresses it may not touch")
{
	int region = create(NULL, 2 * MIB);

	EACH_COMMAND(c)
	{
		if (c->on_device)
			refuse_sizes(device(), c);
		if (c->on_region)
			refuse_sizes(region, c);
	}
}

GUEST_TEST(bad_flags, "every ioctl refuses every flag it does not know")
{
	int region = create(NULL, 2 * MIB);

	EACH_COMMAND(c)
	{
		if (c->on_device)
			refuse_flags(device(), c);
		if (c->on_region)
			refuse_flags(region, c);
	}
}

GUEST_TEST(bad_padding, "attach, alive and eventfd refuse padding that is not zero")
{
	int region = create(NULL, 2 * MIB);

	for (uint32_t bit = 1; bit; bit <<= 1) {
		struct ringshm_kmod_attach attaching = {.size = sizeof(attaching), .id = 0, .pad = bit};
		struct ringshm_kmod_alive asking = {.size = sizeof(asking), .id = 0, .pad = bit};
		struct ringshm_kmod_eventfd signalling = {.size = sizeof(signalling), .fd = -1, .pad = bit};

		CHECK_ERRNO(ioctl(region, RINGSHM_KMOD_ATTACH, &attaching), EINVAL);
		CHECK_ERRNO(ioctl(region, RINGSHM_KMOD_ALIVE, &asking), EINVAL);
		CHECK_ERRNO(ioctl(region, RINGSHM_KMOD_EVENTFD, &signalling), EINVAL);
	}
	CHECK_EQ(info_of(region).attached, 0);
}

GUEST_TEST(grown_struct, "a longer argument whose unknown part is zero is accepted")
{
	uint32_t *arg = argument(sizeof(struct ringshm_kmod_info) + 64, sizeof(struct ringshm_kmod_info) + 64);
	int region = create(NULL, 2 * MIB);

	CHECK_EQ(ioctl(region, RINGSHM_KMOD_INFO, arg), 0);
	CHECK_EQ(((struct ringshm_kmod_info *)arg)->length, 2 * MIB);
	CHECK_EQ(arg[0], sizeof(struct ringshm_kmod_info) + 64); /* so that it can be used again */
}

GUEST_TEST(wrong_place, "commands at the wrong place, and unknown ones, are no commands")
{
	int region = create(NULL, 2 * MIB);

	EACH_COMMAND(c)
	{
		if (!c->on_device)
			CHECK_ERRNO(ioctl(device(), c->code, argument(c->size, c->size)), ENOTTY);
		if (!c->on_region)
			CHECK_ERRNO(ioctl(region, c->code, argument(c->size, c->size)), ENOTTY);
	}
	for (unsigned int n = 10; n < 256; n++) {
		CHECK_ERRNO(ioctl(device(), _IO(RINGSHM_KMOD_MAGIC, n), argument(64, 64)), ENOTTY);
		CHECK_ERRNO(ioctl(region, _IO(RINGSHM_KMOD_MAGIC, n), argument(64, 64)), ENOTTY);
	}
	CHECK_ERRNO(ioctl(region, _IO('T', 1), argument(64, 64)), ENOTTY);
}

static long try_map(int region, size_t length, int protection, int flags, off_t offset)
{
	void *at = mmap(NULL, length, protection, flags, region, offset);

	return at == MAP_FAILED ? -1 : 0;
}

GUEST_TEST(bad_maps, "private, executable and overlong mappings are refused")
{
	int region = create(NULL, 4 * MIB);
	const int rw = PROT_READ | PROT_WRITE;

	CHECK_ERRNO(try_map(region, 2 * MIB, rw, MAP_PRIVATE, 0), EINVAL);
	CHECK_ERRNO(try_map(region, 2 * MIB, PROT_READ, MAP_PRIVATE, 0), EINVAL);
	CHECK_ERRNO(try_map(region, 2 * MIB, rw | PROT_EXEC, MAP_SHARED, 0), EPERM);
	CHECK_ERRNO(try_map(region, 2 * MIB, PROT_EXEC, MAP_SHARED, 0), EPERM);
	CHECK_ERRNO(try_map(region, 4 * MIB + 4096, rw, MAP_SHARED, 0), EINVAL);
	CHECK_ERRNO(try_map(region, 4 * MIB, rw, MAP_SHARED, 4096), EINVAL);
	CHECK_ERRNO(try_map(region, 4096, rw, MAP_SHARED, 4 * MIB), EINVAL);
	CHECK_ERRNO(try_map(region, 4096, rw, MAP_SHARED, 1ll << 46), EINVAL);
	CHECK_ERRNO(try_map(region, 1ull << 40, rw, MAP_SHARED, 0), EINVAL);
	CHECK_ERRNO(try_map(region, 4096, rw, MAP_SHARED, INT64_MAX & ~4095ll), EINVAL);
}

GUEST_TEST(no_exec, "a mapping never becomes executable")
{
	void *at = map(create(NULL, 2 * MIB), 2 * MIB);

	CHECK_ERRNO(mprotect(at, 2 * MIB, PROT_READ | PROT_EXEC), EACCES);
	CHECK(personality(READ_IMPLIES_EXEC) >= 0); /* of old programs, which shall not be refused */
	at = map(create(NULL, 2 * MIB), 2 * MIB);
	CHECK_ERRNO(mprotect(at, 2 * MIB, PROT_READ | PROT_EXEC), EACCES);
}

GUEST_TEST(readonly_stays, "a read-only descriptor never gives a writable mapping or descriptor")
{
	int region = create("ro", 2 * MIB), readonly = dup_region(region, RINGSHM_KMOD_RDONLY);
	int named = open_named("ro", RINGSHM_KMOD_RDONLY);
	char path[64];
	void *at;

	CHECK(readonly >= 0 && named >= 0);
	CHECK_EQ(info_of(readonly).flags, RINGSHM_KMOD_RDONLY);
	CHECK_EQ(info_of(region).flags, 0);
	CHECK_ERRNO(try_map(readonly, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, 0), EACCES);
	CHECK_ERRNO(try_map(named, 2 * MIB, PROT_WRITE, MAP_SHARED, 0), EACCES);
	CHECK_ERRNO(dup_region(readonly, 0), EACCES);
	at = mmap(NULL, 2 * MIB, PROT_READ, MAP_SHARED, readonly, 0);
	CHECK(at != MAP_FAILED);
	CHECK_ERRNO(mprotect(at, 2 * MIB, PROT_READ | PROT_WRITE), EACCES);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", readonly);
	CHECK_ERRNO(open(path, O_RDWR), ENXIO);
	CHECK(dup_region(readonly, RINGSHM_KMOD_RDONLY) >= 0);
	CHECK_EQ(unlink_named("ro"), 0);
}

GUEST_TEST(readonly_device, "a device opened read-only lists and opens for reading, and makes nothing")
{
	struct ringshm_kmod_create arg = create_arg("never", 2 * MIB);
	struct ringshm_kmod_open opening = {.size = sizeof(opening), .name = "seen"};
	struct ringshm_kmod_unlink unlinking = {.size = sizeof(unlinking), .name = "seen"};
	struct ringshm_kmod_info info = {.size = sizeof(info)};
	int looking = open(RINGSHM_KMOD_DEVICE, O_RDONLY);

	create("seen", 2 * MIB);
	CHECK_ERRNO(ioctl(looking, RINGSHM_KMOD_CREATE, &arg), EACCES);
	CHECK_ERRNO(ioctl(looking, RINGSHM_KMOD_OPEN, &opening), EACCES);
	CHECK_ERRNO(ioctl(looking, RINGSHM_KMOD_UNLINK, &unlinking), EACCES);
	opening.flags = RINGSHM_KMOD_RDONLY;
	CHECK(ioctl(looking, RINGSHM_KMOD_OPEN, &opening) >= 0);
	CHECK_EQ(ioctl(looking, RINGSHM_KMOD_INFO, &info), 0);
	CHECK(!strcmp(info.name, "seen"));
	CHECK_EQ(unlink_named("seen"), 0);
}

GUEST_TEST(no_truncate, "a region cannot be truncated, allocated, spliced into or written")
{
	int region = create(NULL, 2 * MIB);
	char byte = 1;

	CHECK_ERRNO(ftruncate(region, 4096), EINVAL);
	CHECK_ERRNO(fallocate(region, 0, 0, 4 * MIB), ENODEV);
	CHECK_ERRNO(write(region, &byte, 1), EINVAL);
	CHECK_EQ(info_of(region).length, 2 * MIB);
}

GUEST_TEST(bad_placement, "placement refuses blocks beyond the region and bad addresses")
{
	struct ringshm_kmod_placement arg = {.size = sizeof(arg), .first = 2, .count = 1};
	int region = create(NULL, 4 * MIB);
	int32_t nodes[4] = {7, 7, 7, 7};

	arg.nodes = (uintptr_t)nodes;
	CHECK_ERRNO(ioctl(region, RINGSHM_KMOD_PLACEMENT, &arg), EINVAL);
	arg.first = ~0ull;
	CHECK_ERRNO(ioctl(region, RINGSHM_KMOD_PLACEMENT, &arg), EINVAL);
	arg.first = 1;
	arg.count = ~0ull;
	CHECK_EQ(ioctl(region, RINGSHM_KMOD_PLACEMENT, &arg), 1);
	CHECK_EQ(nodes[1], 7);
	arg.nodes = 8;
	CHECK_ERRNO(ioctl(region, RINGSHM_KMOD_PLACEMENT, &arg), EFAULT);
}

GUEST_TEST(bad_eventfd, "only eventfds are taken, one at a time")
{
	int region = create(NULL, 2 * MIB), other = create(NULL, 2 * MIB);

	CHECK_ERRNO(set_eventfd(region, 9999), EBADF);
	CHECK_ERRNO(set_eventfd(region, other), EINVAL);
	CHECK_ERRNO(set_eventfd(region, -2), EINVAL);
	CHECK_ERRNO(set_eventfd(region, -1), ENOENT);
}

static int unload(void)
{
	return (int)syscall(SYS_delete_module, "ringshm", O_NONBLOCK);
}

GUEST_TEST(rmmod_refused, "unloading is refused while a region is open, mapped or named")
{
	int region = create("pinning", 2 * MIB);
	void *at = map(region, 2 * MIB);

	CHECK_EQ(unlink_named("pinning"), 0);
	device_close();
	CHECK_ERRNO(unload(), EAGAIN); /* open and mapped */
	munmap(at, 2 * MIB);
	CHECK_ERRNO(unload(), EAGAIN); /* open */
	at = map(region, 2 * MIB);
	close(region);
	CHECK_ERRNO(unload(), EAGAIN); /* mapped */
	munmap(at, 2 * MIB);
	close(create("pinning", 2 * MIB));
	device_close();
	CHECK_ERRNO(unload(), EAGAIN); /* named */
	CHECK_EQ(unlink_named("pinning"), 0);
}
