/* SPDX-License-Identifier: MIT */
/* procfs.h - reading files under /proc whole, and listing its processes. */
#ifndef TELEMETRY_PROCFS_H
#define TELEMETRY_PROCFS_H

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

/* No file read here comes near this; a longer one is refused, not cut. */
#define PROCFS_FILE_MAX (16u << 20)

struct procfs {
	int fd;	    /* of the directory */
	DIR *dir;   /* the same directory, for listing */
	char *text; /* of the last file read, terminated */
	size_t cap;
};

/* @root is "/proc", or another machine's or container's proc mount. 0 or -errno. */
int procfs_open(struct procfs *proc, const char *root);
void procfs_close(struct procfs *proc);

/*
 * Read @path, relative to the root, whole; proc->text is good until the next
 * call. -ENOENT, -ESRCH: not there, or gone meanwhile; -EFBIG; other -errno.
 */
int procfs_read(struct procfs *proc, const char *path);

void procfs_rewind(struct procfs *proc);

/* The next process id listed: 1 and *pid, 0 at the end, or -errno. */
int procfs_next(struct procfs *proc, pid_t *pid);

#endif
