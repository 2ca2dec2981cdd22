/* SPDX-License-Identifier: MIT */
/* Wake-ups by poll and eventfd, and participants that die. */
#include "guest.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static int readable(int fd, int timeout_ms)
{
	struct pollfd want = {.fd = fd, .events = POLLIN};

	return poll(&want, 1, timeout_ms);
}

static int waker(void *context)
{
	usleep(20000);
	CHECK_EQ(wake(*(int *)context), 0);
	return 0;
}

GUEST_TEST(poll_wakes, "a sleeping poll wakes, stays readable until acknowledged, and counts")
{
	int region = create(NULL, 2 * MIB), own = dup_region(region, 0);
	uint64_t count;
	pid_t pid;

	CHECK_EQ(readable(own, 0), 0);
	CHECK_ERRNO(read(own, &count, sizeof(count)), EAGAIN);
	pid = spawn(waker, &region);
	CHECK_EQ(readable(own, 5000), 1);
	CHECK_EQ(reap(pid), 0);
	wake(region);
	CHECK_EQ(readable(own, 0), 1);
	CHECK_ERRNO(read(own, &count, 7), EINVAL);
	CHECK_EQ(read(own, &count, sizeof(count)), sizeof(count));
	CHECK_EQ(count, 2);
	CHECK_EQ(readable(own, 0), 0);
	CHECK_EQ(readable(region, 0), 1); /* each description acknowledges for itself */
	CHECK_EQ(info_of(region).wakes, 2);
}

GUEST_TEST(epoll_wakes, "epoll, level and edge triggered, sees wake-ups")
{
	int region = create(NULL, 2 * MIB), set = epoll_create1(0);
	struct epoll_event want = {.events = EPOLLIN | EPOLLET}, got;

	CHECK_EQ(epoll_ctl(set, EPOLL_CTL_ADD, region, &want), 0);
	CHECK_EQ(epoll_wait(set, &got, 1, 0), 0);
	for (int i = 0; i < 3; i++) {
		wake(region);
		CHECK_EQ(epoll_wait(set, &got, 1, 1000), 1);
		CHECK_EQ(epoll_wait(set, &got, 1, 0), 0);
	}
}

GUEST_TEST(reader_wakes, "a read-only descriptor may wake and be woken")
{
	int region = create(NULL, 2 * MIB), reader = dup_region(region, RINGSHM_KMOD_RDONLY);

	CHECK_EQ(wake(reader), 0);
	CHECK_EQ(readable(region, 1000), 1);
	CHECK_EQ(readable(reader, 1000), 1);
}

GUEST_TEST(eventfd_wakes, "an eventfd is signalled by every wake-up until taken back")
{
	int region = create(NULL, 2 * MIB), event = eventfd(0, EFD_NONBLOCK);
	uint64_t count;

	CHECK_EQ(set_eventfd(region, event), 0);
	CHECK_ERRNO(set_eventfd(region, event), EBUSY);
	wake(region);
	wake(region);
	CHECK_EQ(read(event, &count, sizeof(count)), sizeof(count));
	CHECK_EQ(count, 2);
	CHECK_EQ(set_eventfd(region, -1), 0);
	wake(region);
	CHECK_ERRNO(read(event, &count, sizeof(count)), EAGAIN);
}

GUEST_TEST(eventfd_released, "a registration goes with its descriptor")
{
	int region = create(NULL, 2 * MIB), other = dup_region(region, 0), event = eventfd(0, EFD_NONBLOCK);
	uint64_t count;

	CHECK_EQ(set_eventfd(other, event), 0);
	close(other);
	wake(region);
	CHECK_ERRNO(read(event, &count, sizeof(count)), EAGAIN);
}

GUEST_TEST(ids, "participant ids: lowest free, one each, in range")
{
	int region = create(NULL, 2 * MIB), a = dup_region(region, 0), b = dup_region(region, 0);
	uint32_t id = RINGSHM_KMOD_ANY_ID;

	CHECK_EQ(attach(a, &id), 0);
	CHECK_EQ(id, 0);
	CHECK_ERRNO(attach(a, &id), EALREADY);
	CHECK_ERRNO(attach(b, &id), EBUSY);
	id = 1023;
	CHECK_EQ(attach(b, &id), 0);
	id = 1024;
	CHECK_ERRNO(attach(region, &id), EINVAL);
	CHECK_ERRNO(alive(region, 1024), EINVAL);
	CHECK_EQ(alive(region, 0), 1);
	CHECK_EQ(alive(region, 1), 0);
	CHECK_EQ(alive(region, 1023), 1);
	CHECK_EQ(info_of(region).attached, 2);
	close(b);
	CHECK_EQ(alive(region, 1023), 0);
	CHECK_EQ(info_of(region).deaths, 1);
}

GUEST_TEST(mapped_before, "a description that is mapped already cannot become a participant: children share that")
{
	int region = create(NULL, 2 * MIB);
	void *at = map(region, 2 * MIB);
	uint32_t id = 3;

	CHECK_ERRNO(attach(region, &id), EALREADY);
	munmap(at, 2 * MIB);
	CHECK_EQ(attach(region, &id), 0);
}

GUEST_TEST(id_not_told, "an id that cannot be told to who asked for it is not taken")
{
	struct ringshm_kmod_attach *arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int region = create(NULL, 2 * MIB);
	uint32_t id = 7;

	CHECK(arg != MAP_FAILED);
	*arg = (struct ringshm_kmod_attach){.size = sizeof(*arg), .id = id};
	CHECK_EQ(mprotect(arg, 4096, PROT_READ), 0);
	CHECK_ERRNO(ioctl(region, RINGSHM_KMOD_ATTACH, arg), EFAULT);
	CHECK_EQ(alive(region, 7), 0);
	CHECK_EQ(attach(region, &id), 0);
}

GUEST_TEST(all_ids, "all 1024 ids can be given, then none")
{
	struct rlimit files = {2048, 2048};

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);

	int region = create(NULL, 2 * MIB);

	for (uint32_t i = 0; i < RINGSHM_KMOD_IDS; i++) {
		uint32_t id = RINGSHM_KMOD_ANY_ID;
		int fd = dup_region(region, 0);

		if (fd < 0)
			guest_fail(__FILE__, __LINE__, "descriptor %u: %s", i, strerror(errno));
		CHECK_EQ(attach(fd, &id), 0);
		CHECK_EQ(id, i);
	}
	uint32_t id = RINGSHM_KMOD_ANY_ID;

	CHECK_ERRNO(attach(region, &id), ENOSPC);
}

static int participant(void *context)
{
	int region = dup_region(*(int *)context, 0);
	uint32_t id = 5;

	CHECK_EQ(attach(region, &id), 0);
	map(region, 2 * MIB);
	wake(region);
	pause();
	return 0;
}

static void drain(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) > 0)
		;
}

GUEST_TEST(death_notice, "a killed participant is noticed at once by who polls, and its id is free")
{
	int region = create(NULL, 2 * MIB);
	uint64_t killed;
	pid_t pid = spawn(participant, &region);

	CHECK_EQ(readable(region, 5000), 1);
	drain(region);
	CHECK_EQ(alive(region, 5), 1);
	killed = now_ns();
	kill(pid, SIGKILL);
	CHECK_EQ(readable(region, 5000), 1);
	guest_note("noticed %llu us after SIGKILL", (unsigned long long)(now_ns() - killed) / 1000);
	CHECK_EQ(alive(region, 5), 0);
	CHECK_EQ(info_of(region).deaths, 1);
	CHECK_EQ(reap(pid), 1000 + SIGKILL);
}

GUEST_TEST(unmap_is_death, "unmapping the last area ends a participant while its descriptor stays")
{
	int region = create(NULL, 4 * MIB), own = dup_region(region, 0);
	uint32_t id = 9;
	unsigned char *at;

	CHECK_EQ(attach(own, &id), 0);
	at = map(own, 4 * MIB);
	munmap(at + 2 * MIB, 4096); /* three areas now, two after */
	CHECK_EQ(alive(region, 9), 1);
	munmap(at, 2 * MIB);
	CHECK_EQ(alive(region, 9), 1);
	munmap(at + 2 * MIB, 2 * MIB);
	CHECK_EQ(alive(region, 9), 0);
	CHECK_EQ(attach(own, &id), 0);
}

static int look_at(void *context)
{
	unsigned char byte;

	return mincore((void *)((uintptr_t)context & ~4095ull), 4096, &byte) ? errno : 0;
}

GUEST_TEST(not_inherited, "a participant's mapping is not inherited, so a child does not keep it alive")
{
	int region = create(NULL, 2 * MIB), own = dup_region(region, 0);
	unsigned char *at;
	uint32_t id = 2;

	CHECK_EQ(attach(own, &id), 0);
	at = map(own, 2 * MIB);
	CHECK_ERRNO(madvise(at, 2 * MIB, MADV_DOFORK), EINVAL);
	CHECK_EQ(in_child(look_at, at), ENOMEM);
	CHECK_EQ(alive(region, 2), 1);
}
