/* SPDX-License-Identifier: MIT */
/* Memory that cannot be had: each refusal says why, and the command it names mends it. Prints TAP. */
#include "machine.h"

#include "tap.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534
#define MENDS 300

/* What is asked for, and what the refusal must say. */
struct ask {
	const char *name; /* of the channel; NULL: anonymous */
	uint32_t backend;
	uint64_t page_size;
	uint64_t capacity;
	int error;
	const char *words;
	const char *mend; /* how the command begins; NULL: there is none */
};

static int create(const struct ask *ask)
{
	struct ringshm_config config;
	struct ringshm *channel = NULL;
	int error;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = ask->capacity;
	config.backend = ask->backend;
	config.page_size = ask->page_size;
	error = ringshm_create(&channel, ask->name, &config);
	ringshm_close(channel);
	return error;
}

static bool says(const char *words)
{
	if (strstr(ringshm_last_error(), words))
		return true;
	tap_note("looked for '%s' in: %s", words, ringshm_last_error());
	return false;
}

/* Refused as it should be, and the same said by the account of trials. `mend` gets the command. */
static bool refused(const struct ask *ask, char mend[static MENDS])
{
	struct ringshm_backend_trial trial = {.size = sizeof(trial)};
	int error = create(ask);

	if (error != ask->error) {
		tap_note("%d and not %d: %s", error, ask->error, ringshm_last_error());
		if (!error && ask->name)
			ringshm_unlink(ask->name);
		return false;
	}
	if (!says(ask->words) || (ask->mend && !says(ask->mend)))
		return false;
	snprintf(mend, MENDS, "%s", ringshm_backend_trials(&trial, 1) == 1 ? trial.mend : "");
	if (trial.error == ask->error && strstr(trial.reason, ask->words) &&
	    !strncmp(mend, ask->mend ? ask->mend : "", ask->mend ? strlen(ask->mend) : 1))
		return true;
	tap_note("trial: %d, '%s', mend '%s'", trial.error, trial.reason, mend);
	return false;
}

static void check_refusal(const struct ask *ask, const char *question)
{
	char mend[MENDS];

	tap_ok(refused(ask, mend), question);
}

/* Refused; then somebody does as the sentence says; then it works. */
static void check_mend(const struct ask *ask, const char *question)
{
	char mend[MENDS] = "";
	bool good = refused(ask, mend) && obey(mend) && !create(ask);

	if (!good)
		tap_note("mend: %s; then: %s", mend, ringshm_last_error());
	if (good && ask->name)
		good = !ringshm_unlink(ask->name);
	tap_ok(good, question);
}

/* ---- pools and mounts ----------------------------------------------------------------------- */

static void pools(void)
{
	const struct ask no_mount = {"m", RINGSHM_BACKEND_HUGETLBFS, 0, MIB, -ENOENT, "no hugetlbfs", "m"};
	const struct ask hugetlbfs = {"h",     RINGSHM_BACKEND_HUGETLBFS, 0,	       4 * MIB,
				      -ENOSPC, "0 of 0 are free",	  "sysctl vm."};
	const struct ask memfd = {NULL, RINGSHM_BACKEND_MEMFD, HUGE, 4 * MIB, -ENOSPC, "3 huge pages", "sysctl vm."};
	const struct ask sysv = {"s", RINGSHM_BACKEND_SYSV, HUGE, 8 * MIB, -ENOSPC, "5 huge pages", "sysctl vm."};
	const struct ask odd = {NULL, RINGSHM_BACKEND_MEMFD, 8 * MIB, MIB, -EINVAL, "no huge pages of 8 MiB", NULL};

	bool was_there = !access("/dev/hugepages", F_OK);

	machine_pool(0);
	check_mend(&no_mount, "no hugetlbfs mounted: the command mounts one and fills the pool");
	tap_ok(machine_pool(0) == 0, "the pool is empty again");
	check_mend(&hugetlbfs, "hugetlbfs, empty pool: the command fills it");
	machine_pool(0);
	check_mend(&memfd, "memfd, empty pool: the command fills it");
	machine_pool(1);
	check_mend(&sysv, "sysv, a pool too small: the command fills it");
	check_refusal(&odd, "pages of a size that there is not: the sentence says which there are");
	umount2("/dev/hugepages", MNT_DETACH);
	if (!was_there)
		rmdir("/dev/hugepages");
}

/* A mount with a limit of its own has less than the pool. */
static void limited_mount(void)
{
	const struct ask ask = {"l",	 RINGSHM_BACKEND_HUGETLBFS,    0,   4 * MIB,
				-ENOSPC, "limit of the mount (size=)", NULL};

	machine_pool(8);
	mkdir(machine_mount_path(), 0755);
	if (mount("none", machine_mount_path(), "hugetlbfs", 0, "pagesize=2M,size=2M"))
		tap_skip("a mount with a limit", strerror(errno));
	else
		check_refusal(&ask, "a mount with a limit: the sentence says that it is not the pool");
	machine_unmount();
}

/* ---- tmpfs ---------------------------------------------------------------------------------- */

static bool full_tmpfs(void *context)
{
	const struct ask *ask = (const struct ask *)context;
	char mend[MENDS] = "";
	char path[] = "/dev/shm/ringshm-memory.XXXXXX";
	bool good = mkdtemp(path) && !mount("none", path, "tmpfs", 0, "size=1M") && !setenv("RINGSHM_DIR", path, 1) &&
		    refused(ask, mend) && strstr(mend, path) && !machine_files(path) && obey(mend) && !create(ask);

	if (!good)
		tap_note("mend: %s; then: %s", mend, ringshm_last_error());
	umount2(path, MNT_DETACH);
	rmdir(path);
	return good;
}

/* ---- more than the machine has --------------------------------------------------------------- */

#define TIB (UINT64_C(1) << 40)

/* At once, and without taking all there is for a moment: others would be killed for it. */
static bool too_much(void *context)
{
	const uint32_t backend = *(const uint32_t *)context;
	const char *name = backend == RINGSHM_BACKEND_MEMFD ? NULL : "much";
	const struct ask ask = {name, backend, 0, TIB, -ENOMEM, "of memory to give; ask for less", NULL};
	struct timespec begun, ended;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
	if (create(&ask) != ask.error || !says(ask.words) || !says("1.0 TiB asked"))
		return false;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
	return ended.tv_sec - begun.tv_sec <= 1; /* filling memory takes longer, where it ends at all */
}

static void too_much_of_each(void)
{
	const uint32_t backends[] = {RINGSHM_BACKEND_SHM, RINGSHM_BACKEND_THP, RINGSHM_BACKEND_SYSV,
				     RINGSHM_BACKEND_MEMFD};

	char question[64];

	for (unsigned int i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		snprintf(question, sizeof(question), "more memory than there is, of %s",
			 ringshm_backend_name(backends[i]));
		if ((uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) >= TIB)
			tap_skip(question, "the machine has a terabyte");
		else
			tap_ok(in_child(too_much, (void *)(uintptr_t)&backends[i]), question);
	}
}

/* ---- limits of the process ------------------------------------------------------------------ */

static bool set_limit(int which, rlim_t value)
{
	struct rlimit limit = {value, value};

	return !setrlimit((unsigned int)which, &limit);
}

static bool addresses(void *context)
{
	const struct ask ask = {NULL, RINGSHM_BACKEND_MEMFD, 0, 64 * MIB, -ENOMEM, "ulimit -v unlimited", NULL};

	(void)context;
	return set_limit(RLIMIT_AS, 48 * MIB) && create(&ask) == ask.error && says(ask.words) && says("48 MiB");
}

static bool file_size(void *context)
{
	const struct ask ask = {"f",	 *(uint32_t *)context, 0, 4 * MIB, -EFBIG, "files of this process are limited",
				"ulimit"};
	char mend[MENDS];

	return set_limit(RLIMIT_FSIZE, MIB) && refused(&ask, mend);
}

static bool become_nobody(void)
{
	return !setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) && !setresuid(NOBODY, NOBODY, NOBODY);
}

/* As somebody without privileges, all of whose memory is locked. */
static bool locked_memory(void *context)
{
	const struct ask ask = {NULL, RINGSHM_BACKEND_MEMFD, 0, 4 * MIB, -EAGAIN, "ulimit -l unlimited", NULL};

	(void)context;
	if (!set_limit(RLIMIT_MEMLOCK, MIB) || mlockall(MCL_FUTURE) || (!geteuid() && !become_nobody()))
		return false;
	return create(&ask) == ask.error && says(ask.words) && says("1 MiB");
}

static bool without_privileges(void *context)
{
	return become_nobody() && refused((const struct ask *)context, (char[MENDS]){0});
}

static bool without_thp(void *context)
{
	return !prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) && refused((const struct ask *)context, (char[MENDS]){0});
}

/* ---- segments ------------------------------------------------------------------------------- */

static bool other_namespace(void *context)
{
	struct ringshm *channel;

	(void)context;
	return !unshare(CLONE_NEWIPC) && ringshm_open(&channel, "ipc", RINGSHM_CONSUMER) == -ENXIO &&
	       says("another IPC namespace") && says("--ipc=container") && says("nsenter");
}

static bool no_descriptor(void)
{
	struct ringshm *channel;
	int sockets[2];
	bool good = !ringshm_open(&channel, "ipc", RINGSHM_CONSUMER) && !socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) &&
		    ringshm_send_fd(channel, sockets[0], RINGSHM_CONSUMER) == -EOPNOTSUPP && says("sysv") &&
		    says("open it by name");

	ringshm_close(channel);
	return good;
}

static void segments(void)
{
	struct ringshm_config config;
	struct ringshm *channel;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 65536;
	config.backend = RINGSHM_BACKEND_SYSV;
	if (!tap_ok(!ringshm_create(&channel, "ipc", &config), "a channel in a segment"))
		return;
	tap_ok(no_descriptor(), "it cannot be passed over a socket, and the sentence says what to do");
	if (machine_refusal())
		tap_skip("its segment is in another IPC namespace", machine_refusal());
	else
		tap_ok(in_child(other_namespace, NULL),
		       "its segment is in another IPC namespace: the sentence says so");
	ringshm_close(channel);
	ringshm_unlink("ipc");
}

/* ---- everything ----------------------------------------------------------------------------- */

static void as_root(void)
{
	const struct ask hugetlbfs = {"n",     RINGSHM_BACKEND_HUGETLBFS,	   0,		MIB,
				      -EACCES, "may not be written by user 65534", "chmod 1777"};
	const struct ask sysv = {
		"n", RINGSHM_BACKEND_SYSV, HUGE, MIB, -EPERM, "user 65534", "sysctl vm.hugetlb_shm_group=65534"};
	const struct ask shm = {
		"t", RINGSHM_BACKEND_SHM, 0, 4 * MIB, -ENOSPC, "4.0 MiB asked", "mount -o remount,size="};
	const struct ask thp = {
		"t", RINGSHM_BACKEND_THP, 0, 4 * MIB, -ENOSPC, "4.0 MiB asked", "mount -o remount,size="};

	tap_ok(in_child(full_tmpfs, (void *)(uintptr_t)&shm), "shm, full tmpfs: the command enlarges it");
	tap_ok(in_child(full_tmpfs, (void *)(uintptr_t)&thp), "thp, full tmpfs: the command enlarges it");
	if (machine_pool(8) < 8) {
		tap_skip("huge pages that are not to be had", "there are none to begin with");
		return;
	}
	pools();
	limited_mount();
	machine_pool(8);
	machine_mount();
	chmod(ringshm_directory(), 01777);
	tap_ok(in_child(without_privileges, (void *)(uintptr_t)&hugetlbfs), "a hugetlbfs that others may not write");
	if (obey("test $(cat /proc/sys/vm/hugetlb_shm_group) = 0"))
		tap_ok(in_child(without_privileges, (void *)(uintptr_t)&sysv),
		       "segments of huge pages for those who may not have them");
	chmod(ringshm_directory(), 0700);
}

static int tests(void)
{
	const struct ask thp = {"t", RINGSHM_BACKEND_THP, 0, 4 * MIB, -EOPNOTSUPP, "PR_SET_THP_DISABLE", NULL};
	const struct ask pages = {"p", RINGSHM_BACKEND_SHM, HUGE, 4 * MIB, -EINVAL, "pages of 4 KiB only", NULL};
	const struct ask sizes = {"p", RINGSHM_BACKEND_THP, 4096, 4 * MIB, -EINVAL, "of 2 MiB only", NULL};
	uint32_t backends[] = {RINGSHM_BACKEND_SHM, RINGSHM_BACKEND_THP};

	if (machine_refusal())
		tap_skip("pools, mounts and other users", machine_refusal());
	else
		as_root();
	too_much_of_each();
	check_refusal(&pages, "huge pages of a backend without them");
	check_refusal(&sizes, "small pages of a backend without them");
	tap_ok(in_child(without_thp, (void *)(uintptr_t)&thp), "a process without transparent huge pages");
	tap_ok(in_child(file_size, &backends[0]), "a limit on the size of files refuses, and does not kill");
	tap_ok(in_child(file_size, &backends[1]), "the same for thp");
	if (machine_shadowed()) {
		tap_skip("limits on addresses and locked memory", "a sanitizer's shadow memory is beyond any limit");
	} else {
		tap_ok(in_child(addresses, NULL), "a limit on the address space: the sentence names it");
		tap_ok(in_child(locked_memory, NULL), "a limit on locked memory: the sentence names it");
	}
	segments();
	tap_ok(machine_is_clean(), "no refusal leaves anything behind");
	return tap_done();
}

int main(void)
{
	return machine_run(tests);
}
