// SPDX-License-Identifier: MIT
/* procfs.c - reading files under /proc whole, and listing its processes. */
#include "procfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int procfs_open(struct procfs *proc, const char *root)
{
	int err;

	*proc = (struct procfs){.fd = -1, .cap = 16384};
	proc->dir = opendir(root);
	proc->text = malloc(proc->cap);
	if (proc->dir && proc->text) {
		proc->fd = dirfd(proc->dir);
		return 0;
	}
	err = errno ? -errno : -ENOMEM;
	procfs_close(proc);
	return err;
}

void procfs_close(struct procfs *proc)
{
	if (proc->dir)
		closedir(proc->dir);
	free(proc->text);
	*proc = (struct procfs){.fd = -1};
}

static int grow(struct procfs *proc)
{
	char *text;

	if (proc->cap >= PROCFS_FILE_MAX)
		return -EFBIG;
	text = realloc(proc->text, proc->cap * 2);
	if (!text)
		return -ENOMEM;
	proc->text = text;
	proc->cap *= 2;
	return 0;
}

static int read_all(struct procfs *proc, int fd)
{
	size_t used = 0;

	for (;;) {
		ssize_t n;

		if (proc->cap - used < 2) {
			int err = grow(proc);

			if (err)
				return err;
		}
		n = read(fd, proc->text + used, proc->cap - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	proc->text[used] = '\0';
	return 0;
}

int procfs_read(struct procfs *proc, const char *path)
{
	int fd = openat(proc->fd, path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = read_all(proc, fd);
	close(fd);
	return err;
}

void procfs_rewind(struct procfs *proc)
{
	rewinddir(proc->dir);
}

static int is_pid(const char *name, pid_t *pid)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)name[0]))
		return 0;
	errno = 0;
	value = strtoul(name, &end, 10);
	if (errno || *end || value == 0 || value > INT_MAX)
		return 0;
	*pid = (pid_t)value;
	return 1;
}

int procfs_next(struct procfs *proc, pid_t *pid)
{
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(proc->dir);
		if (!entry)
			return -errno;
		if (is_pid(entry->d_name, pid))
			return 1;
	}
}
