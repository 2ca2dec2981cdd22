/* SPDX-License-Identifier: MIT */
/* Real memory for files, and what to say when there is none. */
#include "config.h"

#include "internal.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

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
	char asked[24], free_text[24], command[320], path[256];
	struct statvfs fs;
	uint64_t free, total;

	ringshm__bytes(size, asked);
	if (fstatvfs(fd, &fs) || !fs.f_blocks || !mount_point(fd, path))
		return ringshm__refuse(error, name, "", "%s asked, and the system has not that much memory to give: %s",
				       asked, ringshm__reason(error));
	free = (uint64_t)fs.f_bavail * fs.f_frsize;
	total = (uint64_t)fs.f_blocks * fs.f_frsize;
	snprintf(command, sizeof(command), "mount -o remount,size=%lluM %s",
		 (unsigned long long)((total + size - (free < size ? free : size) + (1 << 20) - 1) >> 20), path);
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

/* Real memory now, so that no access can fail later. */
int ringshm__allocate(int fd, uint64_t size, const char *name)
{
	int error = ringshm__check_file_limit(size, name);

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
