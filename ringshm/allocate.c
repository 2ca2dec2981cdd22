/* SPDX-License-Identifier: MIT */
/* Real memory for files, and what to say when there is none. */
#include "config.h"

#include "internal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define LITTLE (UINT64_C(16) << 20) /* bytes that are not worth asking how much memory there is */

/* Where the file system of an open file is mounted; false when it is nowhere, as that of memory files. */
static bool mount_point(int fd, char path[static 256])
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	unsigned int major_number, minor_number;
	char line[1024], where[256];
	struct stat status;
	bool found = false;

	if (table && !fstat(fd, &status))
		while (!found && fgets(line, sizeof(line), table))
			found = sscanf(line, "%*d %*d %u:%u %*s %255s", &major_number, &minor_number, where) == 3 &&
				makedev(major_number, minor_number) == status.st_dev;
	if (table)
		fclose(table);
	if (found)
		memcpy(path, where, sizeof(where));
	return found;
}

static int no_space(int error, int fd, uint64_t size, const char *name)
{
	char asked[24], free_text[24], command[320] = "", path[256];
	struct statvfs fs;
	struct statfs type;
	uint64_t free, total;

	ringshm__bytes(size, asked);
	if (fstatvfs(fd, &fs) || !fs.f_blocks)
		return ringshm__refuse(error, name, "", "%s asked, and the system has not that much memory to give: %s",
				       asked, ringshm__reason(error));
	free = (uint64_t)fs.f_bavail * fs.f_frsize;
	total = (uint64_t)fs.f_blocks * fs.f_frsize;
	if (!mount_point(fd, path)) /* it lies outside of what a chroot shows */
		snprintf(path, sizeof(path), "%s", ringshm_directory());
	else if (!fstatfs(fd, &type) && (uint32_t)type.f_type == TMPFS_MAGIC) /* others are not so easily enlarged */
		snprintf(command, sizeof(command), "mount -o remount,size=%lluM %s",
			 (unsigned long long)((total + size - (free < size ? free : size) + (1 << 20) - 1) >> 20),
			 path);
	return ringshm__refuse(error, name, command, "%s asked, %s free in %s (ringshm ls shows what is there)", asked,
			       ringshm__bytes(free, free_text), path);
}

/* Beyond this limit the kernel does not just refuse, it kills with SIGXFSZ. */
int ringshm__check_file_limit(uint64_t size, const char *name)
{
	char asked[24], most[24];
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur)
		return 0;
	return ringshm__refuse(EFBIG, name, "ulimit -f unlimited",
			       "%s asked, and files of this process are limited to %s", ringshm__bytes(size, asked),
			       ringshm__bytes(limit.rlim_cur, most));
}

/* Bytes that the kernel can give without killing anybody for them; false when it does not say. */
static bool memory_at_hand(uint64_t *bytes)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib;
	bool found = false;
	char line[128];

	*bytes = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			found = true;
		else if (sscanf(line, "SwapFree: %llu kB", &kib) != 1)
			continue;
		*bytes += (uint64_t)kib * 1024;
	}
	if (file)
		fclose(file);
	return found;
}

/* Memory files and segments are bounded by nothing else: asking for too much would wake the out-of-memory killer. */
int ringshm__check_memory(uint64_t size, const char *name)
{
	char asked[24], have[24];
	uint64_t free;

	if (size < LITTLE || !memory_at_hand(&free) || size <= free)
		return 0;
	return ringshm__refuse(ENOMEM, name, "", "%s asked, and this machine has %s of memory to give; ask for less",
			       ringshm__bytes(size, asked), ringshm__bytes(free, have));
}

/*
 * Before any of it is taken: what does not fit shall be refused at once, not after all that there is was filled and
 * given back, which takes long and leaves nothing to others meanwhile.
 */
int ringshm__check_room(int fd, uint64_t size, const char *name)
{
	int error = ringshm__check_file_limit(size, name);
	uint64_t taken, more;
	struct stat status;
	struct statfs fs;

	if (error || fstatfs(fd, &fs) || fstat(fd, &status))
		return error;
	taken = (uint64_t)status.st_blocks * 512;
	more = size > taken ? size - taken : 0;
	if ((uint32_t)fs.f_type == TMPFS_MAGIC) /* first: enlarging the mount would not help */
		error = ringshm__check_memory(more, name);
	if (!error && fs.f_blocks && more > (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize)
		error = no_space(ENOSPC, fd, size, name);
	return error;
}

/* Real memory now, so that no access can fail later. */
int ringshm__allocate(int fd, uint64_t size, const char *name)
{
	int error = ringshm__check_room(fd, size, name);

	if (error)
		return error;
	error = ENOSPC;
	if (size <= INT64_MAX)
		do
			error = posix_fallocate(fd, 0, (off_t)size);
		while (error == EINTR);
	if (error == ENOSPC || error == EFBIG || error == ENOMEM)
		return no_space(error == ENOMEM ? ENOMEM : ENOSPC, fd, size, name);
	if (error)
		return ringshm__refuse(error, name, "", "allocate memory: %s", ringshm__reason(error));
	return 0;
}
