/* SPDX-License-Identifier: MIT */
/* Every allocation fails once, in turn: what was asked for fails cleanly or succeeds, and nothing leaks. */
#include "lanes.h"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../kmod/tests/ringshm_contexts.h"

#define NTH "/proc/thread-self/fail-nth"

static bool can_inject(void)
{
	return !access(NTH, W_OK) && !access("/sys/kernel/debug/failslab/ignore-gfp-wait", F_OK);
}

/* Allocations that may wait are failed too, those of pages of any order. */
static void inject_setup(void)
{
	write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/failslab/verbose", "0");
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	write_file("/sys/kernel/debug/fail_page_alloc/verbose", "0");
}

/*
 * Does `operation` again and again, its n-th allocation failing, until it ends before the n-th. Returns
 * how many there were. The operation returns a descriptor to be closed, 0, or -1 and errno.
 */
static int fail_each(const char *what, int (*operation)(void *), void *context)
{
	int nth_fd = open(NTH, O_RDWR), failures = 0;
	int n;

	CHECK(nth_fd >= 0);
	for (n = 1; n < 10000; n++) {
		char text[16];
		int length = snprintf(text, sizeof(text), "%d", n), result, error;

		CHECK_EQ(pwrite(nth_fd, text, (size_t)length, 0), length);
		result = operation(context);
		error = errno;
		memset(text, 0, sizeof(text));
		CHECK(pread(nth_fd, text, sizeof(text) - 1, 0) > 0);
		CHECK_EQ(pwrite(nth_fd, "0", 1, 0), 1);
		if (result < 0) {
			failures++;
			if (error != ENOMEM && error != ENFILE && error != EFAULT)
				guest_fail(__FILE__, __LINE__, "%s: allocation %d failed as %s", what, n,
					   strerrorname_np(error));
		} else if (result > 2) {
			close(result);
		}
		if (atoi(text)) /* not reached any more */
			break;
		CHECK(result >= 0 || error);
	}
	guest_note("%s: %d allocations failed in turn, %d of them made it fail", what, n - 1, failures);
	close(nth_fd);
	return n - 1;
}

static int do_create(void *context)
{
	const struct ringshm_kmod_create *arg = context;
	struct ringshm_kmod_create copy = *arg;
	int region = ioctl(device(), RINGSHM_KMOD_CREATE, &copy);

	if (region >= 0 && arg->name[0])
		unlink_named(arg->name);
	return region;
}

static int do_open(void *context)
{
	return open_named(context, 0);
}

static int do_dup(void *context)
{
	return dup_region(*(int *)context, RINGSHM_KMOD_RDONLY);
}

static int do_map(void *context)
{
	volatile unsigned char *at = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, *(int *)context, 0);

	if (at == MAP_FAILED)
		return -1;
	at[0] = 1;
	at[2 * MIB] = 1;
	at[4096] = 1;
	if (!munmap((void *)at, 4 * MIB))
		return 0;
	munmap((void *)at, 4 * MIB); /* it failed for the allocation, which fails only once */
	errno = ENOMEM;
	return -1;
}

static int do_eventfd(void *context)
{
	int event = eventfd(0, 0), result;

	if (event < 0)
		return -1;
	result = set_eventfd(*(int *)context, event);
	if (!result)
		set_eventfd(*(int *)context, -1);
	close(event);
	return result;
}

static int do_lane(void *context)
{
	const struct lane *lane = context;
	struct ringshm_contexts_lane arg = {lane->ctl_fd, lane->data_fd};
	int fd = open("/dev/ringshm_contexts", O_RDWR);
	int result = -1, error;

	if (fd < 0)
		return -1;
	if (!ioctl(fd, RINGSHM_CONTEXTS_PRODUCE, &arg))
		result = ioctl(fd, RINGSHM_CONTEXTS_CONSUME, &arg);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

static long settled_free_kib(void)
{
	usleep(200000);
	return free_kib();
}

/* Twice: what the detectors of this kernel keep for good is there after the first time. */
static void fail_create(const char *what, struct ringshm_kmod_create *arg, int least)
{
	long before, after;

	CHECK(fail_each(what, do_create, arg) >= least);
	before = settled_free_kib();
	CHECK(fail_each(what, do_create, arg) >= least);
	after = settled_free_kib();
	guest_note("%s: free KiB before %ld, after %ld", what, before, after);
	CHECK(before - after < 2048); /* less than one block */
}

GUEST_TEST_IF(inject_create, "every allocation of create fails once, in all flavours, and nothing leaks", 400,
	      can_inject)
{
	struct ringshm_kmod_create blocks = create_arg(NULL, 8 * MIB), named = create_arg("inject", 2 * MIB);
	struct ringshm_kmod_create contiguous = create_arg(NULL, 4 * MIB);

	inject_setup();
	device(); /* not to be opened while allocations fail */
	contiguous.flavour = RINGSHM_KMOD_CONTIGUOUS;
	fail_create("create blocks", &blocks, 6);
	fail_create("create named", &named, 3);
	fail_create("create contiguous", &contiguous, 3);
	CHECK_ERRNO(open_named("inject", 0), ENOENT);
}

GUEST_TEST_IF(inject_use, "every allocation of open, dup, map and eventfd fails once", 400, can_inject)
{
	int region = create("inject", 4 * MIB);

	inject_setup();
	CHECK(fail_each("open", do_open, "inject") >= 2);
	CHECK(fail_each("dup", do_dup, &region) >= 2);
	CHECK(fail_each("map and touch", do_map, &region) >= 1);
	CHECK(fail_each("eventfd", do_eventfd, &region) >= 1);
	CHECK_EQ(info_of(region).mappings, 0);
	CHECK_EQ(info_of(region).descriptors, 1);
}

GUEST_TEST_IF(inject_lane, "every allocation of a lane fails once, of a region and of a memory file", 400, can_inject)
{
	struct lane region, file;
	int fd = memfd_create("small", MFD_CLOEXEC);

	inject_setup();
	CHECK_EQ(ftruncate(fd, 256 * 1024), 0);
	lane_make(&file, fd, 256 * 1024, 65536, 0);
	lane_make(&region, create(NULL, 8 * MIB), 8 * MIB, 4 * MIB, 0);
	CHECK(fail_each("lane in a region", do_lane, &region) >= 2);
	CHECK(fail_each("lane in a memory file", do_lane, &file) >= 4);
}
