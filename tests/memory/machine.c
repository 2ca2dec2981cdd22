/* SPDX-License-Identifier: MIT */
/* A machine for tests of memory: setting up, putting back. */
#include "machine.h"

#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define SECONDS 110 /* for all of a program */

static char directory[] = "/dev/shm/ringshm-memory.XXXXXX";
static char mount_path[sizeof(directory) + 8];
static bool isolated;
static char why_not[128];

static uint64_t read_pool(const char *file)
{
	char path[128];
	unsigned long long value = 0;
	FILE *from;

	snprintf(path, sizeof(path), POOL "%s", file);
	from = fopen(path, "r");
	if (from && fscanf(from, "%llu", &value) != 1)
		value = 0;
	if (from)
		fclose(from);
	return value;
}

static void write_pool(uint64_t pages)
{
	FILE *to = fopen(POOL "nr_hugepages", "w");

	if (to) {
		fprintf(to, "%llu\n", (unsigned long long)pages);
		fclose(to);
	}
}

/* Pages that somebody has a moment longer cannot be taken out of the pool yet. */
uint64_t machine_pool(uint64_t pages)
{
	for (int i = 0; i < 100; i++) {
		write_pool(pages);
		if (read_pool("nr_hugepages") == pages)
			return pages;
		usleep(20000);
	}
	return read_pool("nr_hugepages");
}

uint64_t machine_pool_free(void)
{
	return read_pool("free_hugepages");
}

bool machine_shadowed(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#else
	return false;
#endif
}

const char *machine_refusal(void)
{
	return isolated ? NULL : why_not;
}

bool machine_mount(void)
{
	mkdir(mount_path, 0755);
	/* the size makes the mount count what it has given out; the pool is everybody's */
	return !mount("none", mount_path, "hugetlbfs", 0, "pagesize=2M,size=256M");
}

void machine_unmount(void)
{
	umount2(mount_path, MNT_DETACH);
}

const char *machine_mount_path(void)
{
	return mount_path;
}

unsigned int machine_files(const char *path)
{
	DIR *entries = opendir(path);
	struct dirent *entry;
	unsigned int count = 0;

	while (entries && (entry = readdir(entries)))
		count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	if (entries)
		closedir(entries);
	return count;
}

unsigned int machine_segments(void)
{
	struct shm_info info;

	return shmctl(0, SHM_INFO, (struct shmid_ds *)&info) < 0 ? 0 : (unsigned int)info.used_ids;
}

static uint64_t mount_used(void)
{
	struct statfs fs;

	/* the type, because under a path that nothing is mounted on lies a tmpfs */
	return statfs(mount_path, &fs) || fs.f_type != 0x958458f6 ? 0 : (uint64_t)(fs.f_blocks - fs.f_bfree);
}

static bool holds_memory_file(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	bool held = false;

	while (maps && fgets(line, sizeof(line), maps))
		held = held || strstr(line, "ringshm-data");
	if (maps)
		fclose(maps);
	return held;
}

/* In an IPC namespace that is shared with others the number of segments proves nothing. */
bool machine_is_clean(void)
{
	unsigned int channels = machine_files(directory), files = machine_files(mount_path);
	unsigned int segments = isolated ? machine_segments() : 0;
	uint64_t used = mount_used();
	bool held = holds_memory_file();

	if (!channels && !files && !segments && !used && !held)
		return true;
	tap_note("left: %u channels, %u files, %llu huge pages, %u segments%s", channels, files,
		 (unsigned long long)used, segments, held ? ", a mapped memory file" : "");
	return false;
}

bool obey(const char *command)
{
	return *command && system(command) == 0;
}

/* ---- children ------------------------------------------------------------------------------- */

int child_status(bool (*question)(void *context), void *context)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(20);
		_exit(question(context) ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

bool child_ended_well(int pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

bool in_child(bool (*question)(void *context), void *context)
{
	int status = child_status(question, context);

	if (status)
		tap_note("the child ended with status 0x%x", (unsigned int)status);
	return status == 0;
}

/* ---- the whole program ---------------------------------------------------------------------- */

/* In our name space only: systems mount one at /dev/hugepages by themselves. */
static void unmount_huge(void)
{
	FILE *table = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;
	char paths[16][256];
	int count = 0;

	while (table && count < 16 && (entry = getmntent(table)))
		if (!strcmp(entry->mnt_type, "hugetlbfs"))
			snprintf(paths[count++], sizeof(paths[0]), "%s", entry->mnt_dir);
	if (table)
		endmntent(table);
	while (count-- > 0)
		umount2(paths[count], MNT_DETACH);
}

/* Mounts and segments made from here on are nobody else's and vanish with us. */
static void isolate(void)
{
	if (geteuid())
		snprintf(why_not, sizeof(why_not), "only root may reserve huge pages and mount");
	else if (unshare(CLONE_NEWNS | CLONE_NEWIPC) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		snprintf(why_not, sizeof(why_not), "no private mounts here: %s", strerror(errno));
	else if (access(POOL "nr_hugepages", W_OK))
		snprintf(why_not, sizeof(why_not), "the pool of 2 MiB pages cannot be changed here");
	else
		isolated = true;
	if (isolated)
		unmount_huge();
}

/* The tests in a child, so that what they do to the machine is undone even when they crash. */
static int supervise(int (*tests)(void))
{
	pid_t pid = fork();
	int status = 1;

	if (pid < 0)
		return 1;
	if (!pid) {
		alarm(SECONDS);
		isolate();
		exit(tests());
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("Bail out! signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void remove_directory(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command))
		printf("# %s is left behind\n", directory);
}

/* One program at a time: they all change the one pool. */
int machine_run(int (*tests)(void))
{
	int lock = open("/sys/kernel/mm/hugepages", O_RDONLY | O_CLOEXEC);
	uint64_t before;
	int result;

	if (lock >= 0)
		flock(lock, LOCK_EX);
	before = read_pool("nr_hugepages");
	if (!mkdtemp(directory)) {
		perror(directory);
		return 1;
	}
	snprintf(mount_path, sizeof(mount_path), "%s.huge", directory);
	setenv("RINGSHM_DIR", directory, 1);
	result = supervise(tests);
	if (read_pool("nr_hugepages") != before)
		machine_pool(before);
	rmdir(mount_path);
	remove_directory();
	if (lock >= 0)
		close(lock);
	return result;
}
