/* SPDX-License-Identifier: MIT */
/* Other users: permissions, quotas, locked-memory limits, physical addresses. */
#include "guest.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALICE 1000
#define BOB 1001
#define STAFF 2000

static int bob_opens(void *context)
{
	device(); /* while still allowed to */
	become(BOB, *(gid_t *)context);
	if (open_named("alices", RINGSHM_KMOD_RDONLY) >= 0)
		return open_named("alices", 0) >= 0 ? 2 : 1;
	CHECK_EQ(errno, EACCES);
	return 0;
}

static int as_bob(mode_t mode, gid_t gid)
{
	int region = open_named("alices", 0);

	CHECK_EQ(fchmod(region, mode), 0);
	close(region);
	return in_child(bob_opens, &gid);
}

static int alice_creates(void *context)
{
	device();
	become(ALICE, STAFF);
	return create_on("alices", 2 * MIB, 0, -1) < 0;
}

GUEST_TEST(modes, "owner, group and mode of a named region decide who may open it, and for what")
{
	struct stat st;
	int region;

	CHECK_EQ(in_child(alice_creates, NULL), 0);
	region = open_named("alices", 0);
	CHECK_EQ(fstat(region, &st), 0);
	CHECK_EQ(st.st_uid, ALICE);
	CHECK_EQ(st.st_gid, STAFF);
	CHECK_EQ(as_bob(0600, STAFF), 0);
	CHECK_EQ(as_bob(0640, STAFF), 1);
	CHECK_EQ(as_bob(0660, STAFF), 2);
	CHECK_EQ(as_bob(0660, BOB), 0);
	CHECK_EQ(as_bob(0604, BOB), 1);
	CHECK_EQ(as_bob(0606, BOB), 2);
	CHECK_EQ(as_bob(0606, STAFF), 0); /* the group's bits count, not the others' */
	CHECK_EQ(unlink_named("alices"), 0);
}

static int bob_unlinks(void *context)
{
	device();
	become(BOB, BOB);
	CHECK_ERRNO(unlink_named("rootish"), EPERM);
	return 0;
}

GUEST_TEST(unlink_owner, "only its owner, or CAP_FOWNER, unlinks a region, whatever its mode")
{
	int region = create("rootish", 2 * MIB);

	CHECK_EQ(fchmod(region, 0666), 0);
	CHECK_EQ(in_child(bob_unlinks, NULL), 0);
	CHECK_EQ(unlink_named("rootish"), 0);
}

static int bob_contiguous(void *context)
{
	device();
	become(BOB, BOB);
	CHECK_ERRNO(create_on(NULL, 2 * MIB, RINGSHM_KMOD_CONTIGUOUS, -1), EPERM);
	CHECK_EQ(info_of(create(NULL, 2 * MIB)).phys, 0);
	return 0;
}

GUEST_TEST(capabilities, "contiguous memory and physical addresses want CAP_SYS_ADMIN")
{
	CHECK(info_of(create(NULL, 2 * MIB)).phys != 0);
	CHECK_EQ(in_child(bob_contiguous, NULL), 0);
}

static int bob_limited(void *context)
{
	struct rlimit limit = {4 * MIB, 4 * MIB};
	int first;

	device();
	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	become(BOB, BOB);
	first = create(NULL, 4 * MIB);
	CHECK_ERRNO(create_on(NULL, 2 * MIB, 0, -1), ENOBUFS);
	close(first);
	close(create(NULL, 4 * MIB));
	return 0;
}

GUEST_TEST(memlock, "RLIMIT_MEMLOCK holds over all regions of a user, and is given back")
{
	for (int i = 0; i < 3; i++)
		CHECK_EQ(in_child(bob_limited, NULL), 0);
}

static int bob_over_quota(void *context)
{
	struct rlimit limit = {512 * MIB, 512 * MIB};

	device();
	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	become(BOB, BOB);
	create(NULL, 6 * MIB);
	CHECK_ERRNO(create_on(NULL, 4 * MIB, 0, -1), EDQUOT);
	create(NULL, 2 * MIB);
	CHECK_ERRNO(create_on(NULL, 2 * MIB, 0, -1), EDQUOT);
	return 0;
}

GUEST_TEST(user_quota, "quota_user_mib bounds a user's regions together; root is exempt")
{
	write_file("/sys/module/ringshm/parameters/quota_user_mib", "8");
	CHECK_EQ(in_child(bob_over_quota, NULL), 0);
	CHECK_EQ(in_child(bob_over_quota, NULL), 0);
	create(NULL, 16 * MIB);
	write_file("/sys/module/ringshm/parameters/quota_user_mib", "0");
}

GUEST_TEST(total_quota, "quota_total_mib bounds all regions together, root's too")
{
	write_file("/sys/module/ringshm/parameters/quota_total_mib", "8");
	create(NULL, 8 * MIB);
	CHECK_ERRNO(create_on(NULL, 2 * MIB, 0, -1), EDQUOT);
	write_file("/sys/module/ringshm/parameters/quota_total_mib", "0");
	create(NULL, 2 * MIB);
}

static int bob_lists(void *context)
{
	struct ringshm_kmod_info info = {.size = sizeof(info)};
	int found = 0;

	device();
	become(BOB, BOB);
	while (!ioctl(device(), RINGSHM_KMOD_INFO, &info)) {
		CHECK_EQ(info.phys, 0);
		found++;
		info.flags = 0;
	}
	CHECK_EQ(errno, ENOENT);
	CHECK_EQ(access("/sys/kernel/debug/ringshm/regions", R_OK), -1);
	return found;
}

GUEST_TEST(listing, "names are listed in order, and no physical address shows to others")
{
	struct ringshm_kmod_info info = {.size = sizeof(info)};

	create("list-b", 2 * MIB);
	create("list-a", 4 * MIB);
	create("list-c", 2 * MIB);
	CHECK_EQ(ioctl(device(), RINGSHM_KMOD_INFO, &info), 0);
	CHECK(!strcmp(info.name, "list-a"));
	CHECK_EQ(info.length, 4 * MIB);
	CHECK_EQ(in_child(bob_lists, NULL), 3);
	unlink_named("list-a");
	unlink_named("list-b");
	unlink_named("list-c");
}

GUEST_TEST(cgroup_charge, "the memory is charged to the maker's memory cgroup")
{
	long before, after;

	if (access("/sys/fs/cgroup/ringshm", F_OK)) {
		CHECK_EQ(
			system("mount -t cgroup2 cgroup2 /sys/fs/cgroup && echo +memory >/sys/fs/cgroup/cgroup.subtree_control"),
			0);
		CHECK_EQ(mkdir("/sys/fs/cgroup/ringshm", 0755), 0);
	}
	write_file("/sys/fs/cgroup/ringshm/cgroup.procs", "0");
	before = read_number("/sys/fs/cgroup/ringshm/memory.current");
	int region = create(NULL, 32 * MIB);

	after = read_number("/sys/fs/cgroup/ringshm/memory.current");
	guest_note("memory.current before %ld, with 32 MiB %ld", before, after);
	CHECK(after - before >= (long)(32 * MIB));
	close(region);
	write_file("/sys/fs/cgroup/ringshm/memory.max", "16777216");
	CHECK_ERRNO(create_on(NULL, 32 * MIB, 0, -1), ENOMEM);
}
