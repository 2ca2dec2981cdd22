// SPDX-License-Identifier: MIT
// Where channels live and what they live on: directories that will not do, no room, no address space, other users.
#include "fixture.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static struct ringshm *channel;

TestSuite(place, .init = scratch_make, .fini = scratch_remove, .timeout = 30);

/* ---- RINGSHM_DIR ---------------------------------------------------------------------------- */

Test(place, channels_live_where_the_environment_says)
{
	struct stat status;

	ringshm_close(make_channel("x", 0));
	cr_expect_str_eq(ringshm_directory(), scratch_path());
	cr_expect_eq(stat(path_of("x", "ctl"), &status), 0);
}

Test(place, without_the_variable_channels_live_in_dev_shm)
{
	unsetenv("RINGSHM_DIR");
	cr_expect_str_eq(ringshm_directory(), "/dev/shm/ringshm");
	setenv("RINGSHM_DIR", "", 1);
	cr_expect_str_eq(ringshm_directory(), "/dev/shm/ringshm");
}

Test(place, a_directory_that_is_not_there_is_made_by_who_creates)
{
	setenv("RINGSHM_DIR", path_of("new", NULL), 1);
	EXPECT_FAILURE(ringshm_open(&channel, "x", ALL_ACCESS), ENOENT, "no channels", "new", "does not exist");
	EXPECT_FAILURE(ringshm_unlink("x"), ENOENT, "no channels");
	ringshm_close(make_channel("x", 0));
	cr_expect_eq(ringshm_unlink("x"), 0);
}

Test(place, a_directory_whose_parent_is_not_there_is_refused)
{
	struct ringshm_config config = small_config();

	setenv("RINGSHM_DIR", path_of("no/such", NULL), 1);
	EXPECT_FAILURE(ringshm_create(&channel, "x", &config), ENOENT, "no/such", "parent");
}

Test(place, a_file_is_no_directory)
{
	struct ringshm_config config = small_config();

	close(open(path_of("file", NULL), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	setenv("RINGSHM_DIR", path_of("file", NULL), 1);
	EXPECT_FAILURE(ringshm_create(&channel, "x", &config), ENOTDIR, "file", "RINGSHM_DIR");
	EXPECT_FAILURE(ringshm_open(&channel, "x", ALL_ACCESS), ENOTDIR, "file", "RINGSHM_DIR");
}

Test(place, a_directory_in_which_others_could_replace_channels_is_refused)
{
	struct ringshm_config config = small_config();

	cr_assert_eq(chmod(scratch_path(), 0777), 0);
	EXPECT_FAILURE(ringshm_create(&channel, "x", &config), EACCES, scratch_path(), "chmod +t");
	EXPECT_FAILURE(ringshm_open(&channel, "x", ALL_ACCESS), EACCES, "chmod +t");
	EXPECT_FAILURE(ringshm_unlink("x"), EACCES, "chmod +t");
	cr_assert_eq(chmod(scratch_path(), 01777), 0);
	ringshm_close(make_channel("x", 0));
}

static int create_as_nobody(void *unused)
{
	struct ringshm_config config = small_config();

	(void)unused;
	CHECK(!setgid(NOBODY) && !setuid(NOBODY));
	CHECK(ringshm_create(&channel, "x", &config) == -EACCES);
	CHECK(strstr(ringshm_last_error(), scratch_path()) && strstr(ringshm_last_error(), "Permission denied"));
	return 0;
}

Test(place, a_directory_that_may_not_be_written_is_named)
{
	if (!am_root())
		SKIP("only root can become another user");
	cr_assert_eq(chmod(scratch_path(), 0755), 0);
	cr_expect_eq(in_child(create_as_nobody, NULL), 0);
}

/* ---- room ----------------------------------------------------------------------------------- */

static bool small_tmpfs(void)
{
	return am_root() && !mount("ringshm-test", scratch_path(), "tmpfs", 0, "size=256k,mode=0700");
}

Test(place, a_full_file_system_is_reported_and_nothing_is_left_behind)
{
	struct ringshm_config config = small_config();

	if (!small_tmpfs())
		SKIP("only root can mount a small file system");
	config.capacity = 1 << 20;
	EXPECT_FAILURE(ringshm_create(&channel, "x", &config), ENOSPC, "create x", "1.0 MiB", "free", "ringshm ls");
	cr_expect_eq(count_entries(), 0);
	config.capacity = 64 << 10;
	cr_assert_eq(ringshm_create(&channel, "y", &config), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
	EXPECT_FAILURE(ringshm_open_or_create(&channel, "z",
					      &(struct ringshm_config){.size = sizeof(config),
								       .kind = RINGSHM_SPSC,
								       .capacity = 256 << 10,
								       .node = RINGSHM_NODE_ANY,
								       .group = RINGSHM_GROUP_NONE}),
		       ENOSPC, "create z", "free");
	cr_expect_eq(count_entries(), 1);
	umount2(scratch_path(), MNT_DETACH);
}

Test(place, a_file_system_without_inodes_is_reported_and_nothing_is_left_behind)
{
	struct ringshm_config config = small_config();

	if (!am_root() || mount("ringshm-test", scratch_path(), "tmpfs", 0, "size=1m,nr_inodes=4,mode=0700"))
		SKIP("only root can mount a small file system");
	EXPECT_FAILURE(ringshm_create(&channel, "x", &config), ENOSPC, "create x", "No space left");
	cr_expect_eq(count_entries(), 0);
	umount2(scratch_path(), MNT_DETACH);
}

static uint64_t address_space(void)
{
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");

	if (statm && fscanf(statm, "%lu", &pages) != 1)
		pages = 0;
	if (statm)
		fclose(statm);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int run_out_of_addresses(void *name)
{
	struct rlimit limit = {.rlim_cur = address_space() + (16 << 20), .rlim_max = RLIM_INFINITY};
	struct ringshm_config config = small_config();

	config.capacity = 64 << 20;
	CHECK(!setrlimit(RLIMIT_AS, &limit));
	CHECK(ringshm_create(&channel, (const char *)name, &config) == -ENOMEM);
	CHECK(strstr(ringshm_last_error(), "64.0 MiB") && strstr(ringshm_last_error(), "ulimit -v unlimited"));
	return 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHADOWED 1 /* a limit on addresses means nothing beside terabytes of shadow memory */
#else
#define SHADOWED 0
#endif

Test(place, a_limit_on_addresses_is_reported_and_nothing_is_left_behind)
{
	if (SHADOWED)
		SKIP("a sanitizer's shadow memory is no use for limits");
	cr_expect_eq(in_child(run_out_of_addresses, (void *)"x"), 0);
	cr_expect_eq(in_child(run_out_of_addresses, NULL), 0);
	cr_expect_eq(count_entries(), 0);
}

static int attach_without_addresses(void *unused)
{
	struct rlimit limit = {.rlim_cur = address_space() + (16 << 20), .rlim_max = RLIM_INFINITY};
	struct ringshm_spsc_producer p;

	(void)unused;
	CHECK(!setrlimit(RLIMIT_AS, &limit));
	CHECK(!ringshm_open(&channel, "x", ALL_ACCESS));
	CHECK(ringshm_spsc_producer_open(&p, channel) == -ENOMEM);
	CHECK(strstr(ringshm_last_error(), "64.0 MiB"));
	return 0;
}

Test(place, an_endpoint_without_addresses_is_refused_and_the_role_stays_free)
{
	struct ringshm_config config = small_config();
	struct ringshm_spsc_producer p;

	if (SHADOWED)
		SKIP("a sanitizer's shadow memory is no use for limits");
	config.capacity = 64 << 20;
	cr_assert_eq(ringshm_create(&channel, "x", &config), 0, "%s", ringshm_last_error());
	cr_expect_eq(in_child(attach_without_addresses, NULL), 0);
	cr_expect_eq(ringshm_spsc_producer_open(&p, channel), 0);
	ringshm_spsc_producer_close(&p);
	ringshm_close(channel);
}

static int run_out_of_descriptors(void *unused)
{
	struct ringshm_config config = small_config();

	(void)unused;
	for (rlim_t most = 3; most < 16; most++) {
		struct rlimit limit = {.rlim_cur = most, .rlim_max = 1024};
		int error;

		CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
		error = ringshm_create(&channel, "x", &config);
		CHECK(error == -EMFILE || !error);
		CHECK(error == 0 || strstr(ringshm_last_error(), "run: ulimit -n"));
		if (!error) {
			ringshm_close(channel);
			limit.rlim_cur = 64;
			CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
			CHECK(!ringshm_unlink("x"));
		}
	}
	return 0;
}

Test(place, too_few_descriptors_are_reported_and_nothing_is_left_behind)
{
	cr_expect_eq(in_child(run_out_of_descriptors, NULL), 0);
	ringshm_close(make_channel("x", 0)); /* which removes what could not be removed without descriptors */
	cr_expect_eq(ringshm_unlink("x"), 0);
	cr_expect_eq(count_entries(), 0);
}

/* ---- other users ---------------------------------------------------------------------------- */

struct visit {
	unsigned int access;
	int expected;
};

static int visit_as_nobody(void *argument)
{
	const struct visit *visit = (const struct visit *)argument;
	int error;

	CHECK(!setgid(NOBODY) && !setuid(NOBODY));
	error = ringshm_open(&channel, "x", visit->access);
	if (error != visit->expected)
		fprintf(stderr, "access %u gave %d: %s\n", visit->access, error, ringshm_last_error());
	CHECK(error == visit->expected);
	CHECK(!error || strstr(ringshm_last_error(), "no permission"));
	return 0;
}

/* What a stranger may do with a channel of these modes. */
static void expect_access(uint32_t mode, uint32_t consumer_mode, int observe, int consume, int produce)
{
	struct visit visits[] = {{RINGSHM_OBSERVER, observe}, {RINGSHM_CONSUMER, consume}, {RINGSHM_PRODUCER, produce}};
	struct ringshm_config config = small_config();

	if (!am_root())
		SKIP("only root can become another user");
	cr_assert_eq(chmod(scratch_path(), 01777), 0);
	config.mode = mode;
	config.consumer_mode = consumer_mode;
	cr_assert_eq(ringshm_create(&channel, "x", &config), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(in_child(visit_as_nobody, &visits[i]), 0, "modes %o %o, access %u", mode, consumer_mode,
			     visits[i].access);
}

Test(place, by_default_a_stranger_may_do_nothing)
{
	expect_access(0, 0, -EACCES, -EACCES, -EACCES);
}

Test(place, read_bits_let_a_stranger_look)
{
	expect_access(0644, 0644, 0, -EACCES, -EACCES);
}

Test(place, consumer_bits_let_a_stranger_consume_and_not_produce)
{
	expect_access(0600, 0666, 0, 0, -EACCES);
}

Test(place, producer_bits_let_a_stranger_produce_and_not_consume)
{
	expect_access(0666, 0600, 0, -EACCES, 0);
}

static int steal_as_nobody(void *unused)
{
	struct ringshm_config config = small_config();

	(void)unused;
	CHECK(!setgid(NOBODY) && !setuid(NOBODY));
	CHECK(ringshm_unlink("x") < 0);
	config.flags = RINGSHM_CREATE_REPLACE;
	CHECK(ringshm_create(&channel, "x", &config) < 0);
	CHECK(ringshm_create(&channel, "mine", &config) == 0);
	return 0;
}

Test(place, a_stranger_cannot_remove_or_replace_what_he_may_use)
{
	expect_access(0666, 0666, 0, 0, 0);
	cr_expect_eq(in_child(steal_as_nobody, NULL), 0);
	cr_expect_eq(ringshm_open(&channel, "x", ALL_ACCESS), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
	cr_expect_eq(count_entries(), 2);
}

Test(place, a_group_can_be_given_access)
{
	struct ringshm_config config = small_config();
	struct stat status;

	if (!am_root())
		SKIP("only root can give files to any group");
	config.mode = 0660;
	config.group = NOBODY;
	cr_assert_eq(ringshm_create(&channel, "x", &config), 0, "%s", ringshm_last_error());
	cr_assert_eq(stat(path_of("x", "ctl"), &status), 0);
	cr_expect_eq(status.st_gid, NOBODY);
	cr_expect_eq(status.st_mode & 0777, 0660);
	cr_assert_eq(stat(path_of("x", NULL), &status), 0);
	cr_expect_eq(status.st_gid, NOBODY);
	ringshm_close(channel);
}

static int give_to_root(void *unused)
{
	struct ringshm_config config = small_config();

	(void)unused;
	CHECK(!setgid(NOBODY) && !setuid(NOBODY));
	config.group = 0;
	CHECK(ringshm_create(&channel, "x", &config) == -EPERM);
	CHECK(strstr(ringshm_last_error(), "group 0") && strstr(ringshm_last_error(), "member"));
	return 0;
}

Test(place, a_group_that_one_is_not_in_is_refused_and_nothing_is_left_behind)
{
	if (!am_root())
		SKIP("only root can become another user");
	cr_assert_eq(chmod(scratch_path(), 01777), 0);
	cr_expect_eq(in_child(give_to_root, NULL), 0);
	cr_expect_eq(count_entries(), 0);
}
