/* SPDX-License-Identifier: MIT */
/* Data memory outside the directory of channels whose channel is gone. */
#include "config.h"

#include "backend.h"
#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct search {
	int base;
	uint64_t home;
	int remove;
	int found;
	void (*visit)(const struct ringshm_orphan *orphan, void *context);
	void *context;
};

/* Is the memory that of the channel in this directory? Also yes where its owner does not let us see. */
static bool belongs(int base, const char *entry, const struct ringshm_area_found *found)
{
	struct ringshm_header header;
	struct stat status;
	bool yes = false;
	int dir, ctl;

	if (fstatat(base, entry, &status, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(status.st_mode))
		return false;
	dir = openat(base, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	ctl = dir < 0 ? -1 : openat(dir, "ctl", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (ctl < 0)
		yes = errno != ENOENT && errno != ELOOP && status.st_uid == found->owner;
	else
		yes = pread(ctl, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
		      !memcmp(header.uuid, found->uuid, sizeof(header.uuid));
	ringshm__close_fd(&ctl);
	ringshm__close_fd(&dir);
	return yes;
}

static bool look_through(int base, const struct ringshm_area_found *found)
{
	int copy = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	bool yes = !entries; /* nothing is an orphan that cannot be shown to be one */

	if (!entries)
		ringshm__close_fd(&copy);
	while (entries && !yes && (entry = readdir(entries)))
		yes = strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && belongs(base, entry->d_name, found);
	if (entries)
		closedir(entries);
	return yes;
}

/* Twice: a builder renames its directory once, and one look could miss it under both names. */
static bool has_channel(int base, const struct ringshm_area_found *found)
{
	return look_through(base, found) || look_through(base, found);
}

static int consider(const struct ringshm_area_found *found, void *context)
{
	struct search *search = (struct search *)context;
	struct ringshm_orphan orphan = {.size = sizeof(orphan)};

	if (found->home != search->home || has_channel(search->base, found))
		return 0;
	search->found++;
	orphan.backend = found->backend;
	orphan.bytes = found->bytes;
	orphan.owner = found->owner;
	memcpy(orphan.where, found->where, sizeof(orphan.where));
	if (search->remove)
		orphan.error = ringshm__backend(found->backend)->discard(found);
	if (search->visit)
		search->visit(&orphan, search->context);
	return 0;
}

int ringshm_orphans(int remove, void (*visit)(const struct ringshm_orphan *orphan, void *context), void *context)
{
	struct search search = {.remove = remove, .visit = visit, .context = context};

	search.base = ringshm__open_base(false);
	if (search.base == -ENOENT)
		return 0; /* and whose they were cannot be told any more */
	if (search.base < 0)
		return search.base;
	search.home = ringshm__home(search.base, ".");
	for (uint32_t backend = RINGSHM_BACKEND_SHM; backend <= RINGSHM_BACKEND_KMOD; backend++) {
		const struct ringshm_backend_ops *ops = ringshm__backend(backend);

		if (ops && ops->each)
			ops->each(consider, &search);
	}
	close(search.base);
	return search.found;
}
