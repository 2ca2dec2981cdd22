/* SPDX-License-Identifier: MIT */
/* Descriptors: opening files of strangers with care, second descriptions. */
#include "config.h"

#include "internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void ringshm__close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int refuse_file(const char *channel, const char *file, bool writable, int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return ringshm__fail(
			EACCES,
			"open %s: no permission to %s its file '%s'; ask its owner for a wider mode, or open it with less access",
			channel, writable ? "write" : "read", file);
	case ENOENT:
		return ringshm__fail(EPROTO, "open %s: its file '%s' is missing; run: ringshm rm %s", channel, file,
				     channel);
	case EISDIR:
	case ELOOP: /* O_NOFOLLOW found a symbolic link */
	case ENXIO: /* a socket */
		return ringshm__fail(EPROTO, "open %s: '%s' is not a plain file; run: ringshm rm %s", channel, file,
				     channel);
	default:
		return ringshm__fail(error, "open %s: file '%s': %s", channel, file, ringshm__reason(error));
	}
}

/* O_NONBLOCK so that a FIFO put in a file's place cannot hold us; it means nothing to plain files. */
int ringshm__open_file(int dir, const char *file, bool writable, const char *channel)
{
	int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct stat status;
	int fd = openat(dir, file, flags);

	if (fd < 0)
		return refuse_file(channel, file, writable, errno);
	if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		close(fd);
		return refuse_file(channel, file, writable, ELOOP);
	}
	return fd;
}

/* A description of its own for the same file: locks belong to descriptions, not to descriptors. */
int ringshm__reopen(int fd, bool writable)
{
	char path[40];
	int copy;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	copy = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (copy >= 0)
		return copy;
	if (errno == ENOENT)
		return ringshm__fail(ENOENT, "%s is not there: mount proc on /proc", path);
	return ringshm__fail(errno, "open a second description of a channel file: %s", ringshm__reason(errno));
}

bool ringshm__is_writable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

/* A descriptor with this access, for files that carry no locks; a user who may not open it again copies it. */
int ringshm__reopen_as(int fd, bool writable)
{
	int copy = ringshm__reopen(fd, writable);

	if (copy == -EACCES && writable && ringshm__is_writable(fd))
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy == -1 ? -errno : copy;
}
