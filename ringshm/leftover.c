/* SPDX-License-Identifier: MIT */
/* Hidden directories that crashes left: channels half built, and channels half removed. */
#include "config.h"

#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM_DIGITS 16 /* of ringshm__hidden_name() */

/*
 * A builder holds flock on its hidden directory: free means that it died. The lock is ours then, so that a
 * builder who was only about to take it does not begin to build what we remove. -1: hands off.
 */
static int take_dead_build(int base, const char *entry)
{
	int dir = openat(base, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB))
		ringshm__close_fd(&dir);
	return dir;
}

/* ".build-NAME-0123456789abcdef" or ".gone-NAME-...": true, with NAME copied. */
static bool parse_entry(const char *entry, bool *build, char name[static RINGSHM_NAME_SIZE])
{
	const char *begin;
	size_t length;

	*build = !strncmp(entry, ".build-", 7);
	if (!*build && strncmp(entry, ".gone-", 6))
		return false;
	begin = entry + (*build ? 7 : 6);
	length = strlen(begin);
	if (length <= RANDOM_DIGITS + 1 || length - RANDOM_DIGITS - 1 >= RINGSHM_NAME_SIZE ||
	    begin[length - RANDOM_DIGITS - 1] != '-')
		return false;
	memcpy(name, begin, length - RANDOM_DIGITS - 1);
	name[length - RANDOM_DIGITS - 1] = 0;
	return true;
}

struct sweep {
	int base;
	const char *only; /* this channel's; NULL: everybody's */
	bool remove;
	int found;
	int removed;
	void (*visit)(const struct ringshm_leftover *leftover, void *context);
	void *context;
};

static void show(const struct sweep *s, const char *entry, const char *name, bool build, int error)
{
	struct ringshm_leftover leftover = {.size = sizeof(leftover), .half_built = build, .error = error};
	struct stat status;

	if (!s->visit)
		return;
	if (!fstatat(s->base, entry, &status, AT_SYMLINK_NOFOLLOW))
		leftover.owner = status.st_uid;
	snprintf(leftover.channel, sizeof(leftover.channel), "%s", name);
	snprintf(leftover.entry, sizeof(leftover.entry), "%s", entry);
	s->visit(&leftover, s->context);
}

static void consider(struct sweep *s, const char *entry)
{
	char name[RINGSHM_NAME_SIZE];
	int dir = -1, error = 0;
	bool build;

	if (!parse_entry(entry, &build, name) || (s->only && strcmp(s->only, name)))
		return;
	if (build && (dir = take_dead_build(s->base, entry)) < 0)
		return;
	s->found++;
	if (!s->remove)
		show(s, entry, name, build, 0);
	else
		error = ringshm__remove_marked(s->base, entry, name);
	s->removed += s->remove && !error;
	if (s->remove)
		show(s, entry, name, build, error);
	ringshm__close_fd(&dir);
}

static int sweep(struct sweep *s)
{
	int copy = openat(s->base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!entries) {
		ringshm__close_fd(&copy);
		return ringshm__fail(errno, "read directory %s: %s", ringshm_directory(), ringshm__reason(errno));
	}
	while ((entry = readdir(entries)))
		consider(s, entry->d_name);
	closedir(entries);
	return 0;
}

/* What crashes left half built or half removed under this name. Number removed, or -errno. */
int ringshm__remove_leftovers(int base, const char *name)
{
	struct sweep s = {.base = base, .only = name, .remove = true};
	int error = sweep(&s);

	return error ? error : s.removed;
}

int ringshm_leftovers(int remove, void (*visit)(const struct ringshm_leftover *leftover, void *context), void *context)
{
	struct sweep s = {.remove = remove, .visit = visit, .context = context};
	int error;

	s.base = ringshm__open_base(false);
	if (s.base < 0)
		return s.base == -ENOENT ? 0 : s.base;
	error = sweep(&s);
	close(s.base);
	return error ? error : s.found;
}
