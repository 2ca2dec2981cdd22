/* SPDX-License-Identifier: MIT */
/* Where named channels live, which names they may have, and removing their directories. */
#include "config.h"

#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_DIRECTORY "/dev/shm/ringshm"
#define HOLD_TRIES 100 /* a millisecond each */

const char *ringshm_directory(void)
{
	const char *directory = secure_getenv("RINGSHM_DIR");

	return directory && *directory ? directory : DEFAULT_DIRECTORY;
}

/* A name that may be anything, for a sentence: short, and no control characters. */
static const char *shown(const char *name, char text[static 24])
{
	size_t length = strnlen(name, 21);

	for (size_t i = 0; i < length; i++)
		text[i] = name[i] >= ' ' && name[i] < 0x7f ? name[i] : '?';
	strcpy(text + (length < 21 ? length : 20), length < 21 ? "" : "...");
	return text;
}

static int bad_character(const char *name, unsigned char found)
{
	char character[8], text[24];

	snprintf(character, sizeof(character), found >= ' ' && found < 0x7f ? "'%c'" : "0x%02x", found);
	return ringshm__fail(EINVAL, "channel name '%s': only A-Z a-z 0-9 . _ - are allowed (found %s)",
			     shown(name, text), character);
}

int ringshm__check_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length, good;
	char text[24];

	if (!name || !*name)
		return ringshm__fail(EINVAL, "channel name: it is empty; give 1 to %d characters",
				     RINGSHM_NAME_SIZE - 1);
	length = strnlen(name, RINGSHM_NAME_SIZE);
	if (length == RINGSHM_NAME_SIZE)
		return ringshm__fail(EINVAL, "channel name '%s': longer than %d characters", shown(name, text),
				     RINGSHM_NAME_SIZE - 1);
	if (name[0] == '.')
		return ringshm__fail(EINVAL, "channel name '%s': must not begin with a dot", shown(name, text));
	good = strspn(name, allowed);
	return good == length ? 0 : bad_character(name, (unsigned char)name[good]);
}

/* What to do about a directory of channels that cannot be used. */
const char *ringshm__way_out(int error)
{
	switch (error) {
	case ENOTDIR:
	case ELOOP:
		return "; remove it, or point RINGSHM_DIR elsewhere";
	case EACCES:
	case EPERM:
	case EROFS:
		return "; point RINGSHM_DIR to a directory where you may write";
	default:
		return "";
	}
}

/* Everybody may add channels to the default directory and only their owners remove them, as in /tmp. */
static int make_base(const char *path)
{
	bool shared = !strcmp(path, DEFAULT_DIRECTORY);

	if (mkdir(path, 0755) && errno != EEXIST)
		return ringshm__fail(errno, "create directory %s: %s%s", path, ringshm__reason(errno),
				     errno == ENOENT ? "; create its parent first" : ringshm__way_out(errno));
	if (shared)
		chmod(path, 01777); /* fails when another user made it, and then it is so already */
	return 0;
}

static int refuse_open_base(const char *path)
{
	int error = errno;

	if (error == ENOENT)
		return ringshm__fail(ENOENT, "there are no channels: directory %s does not exist", path);
	return ringshm__fail(error, "directory %s: %s%s", path, ringshm__reason(error), ringshm__way_out(error));
}

int ringshm__open_base(bool create)
{
	const char *path = ringshm_directory();
	struct stat status;
	int base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (base < 0 && errno == ENOENT && create) {
		int error = make_base(path);

		if (error)
			return error;
		base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (base < 0)
		return refuse_open_base(path);
	if (fstat(base, &status) || ((status.st_mode & 0022) && !(status.st_mode & S_ISVTX))) {
		close(base);
		return ringshm__fail(EACCES, "directory %s: others could replace channels in it; run: chmod +t %s",
				     path, path);
	}
	return base;
}

int ringshm__open_channel_dir(int base, const char *name)
{
	int dir = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir >= 0)
		return dir;
	if (errno == ENOENT)
		return ringshm__fail(ENOENT, "%s: no such channel in %s; run: ringshm ls", name, ringshm_directory());
	if (errno == ENOTDIR || errno == ELOOP)
		return ringshm__fail(EPROTO, "%s: %s/%s is not a channel; remove it", name, ringshm_directory(), name);
	if (errno == EACCES)
		return ringshm__fail(EACCES, "%s: no permission; ask its owner for a wider mode", name);
	return ringshm__fail(errno, "%s: %s", name, ringshm__reason(errno));
}

/* Does the name still stand for this directory? */
bool ringshm__is_still(int base, const char *name, int dir)
{
	struct stat now, then;

	return !fstatat(base, name, &now, AT_SYMLINK_NOFOLLOW) && !fstat(dir, &then) && now.st_ino == then.st_ino &&
	       now.st_dev == then.st_dev;
}

/*
 * Open the channel's directory and hold it by flock: nobody else who asks like this takes it away or puts
 * another in its place until it is closed. One who holds it for long, being stopped or hostile, is not
 * waited for.
 */
int ringshm__hold_channel_dir(int base, const char *name)
{
	const struct timespec rest = {.tv_nsec = 1000000};
	int dir = -1;

	for (int i = 0; i < HOLD_TRIES; i++) {
		bool held;

		ringshm__close_fd(&dir);
		dir = ringshm__open_channel_dir(base, name);
		if (dir < 0)
			return dir;
		held = !flock(dir, LOCK_EX | LOCK_NB);
		if (held && ringshm__is_still(base, name, dir))
			return dir;
		if (!held)
			nanosleep(&rest, NULL);
	}
	return dir;
}

/* ".build-NAME-0123456789abcdef": unguessable, so that no two builders ever share one. */
int ringshm__hidden_name(char out[static 256], const char *prefix, const char *name)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return ringshm__fail(EIO, "no random numbers: %s", ringshm__reason(errno));
	snprintf(out, 256, ".%s-%s-%016llx", prefix, name, (unsigned long long)random);
	return 0;
}

/* Whatever somebody has put there, as long as it is not a directory that holds something. */
static int remove_entry(int dir, const char *name)
{
	if (!strcmp(name, ".") || !strcmp(name, "..") || !unlinkat(dir, name, 0))
		return 0;
	if (errno == EISDIR && !unlinkat(dir, name, AT_REMOVEDIR))
		return 0;
	return errno == ENOENT ? 0 : errno;
}

static int remove_entries(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!entries) {
		error = errno;
		ringshm__close_fd(&copy);
		return error;
	}
	while ((entry = readdir(entries))) {
		int failed = remove_entry(dir, entry->d_name);

		error = failed ? failed : error;
	}
	closedir(entries);
	return error;
}

/* Remove a directory of plain files. Gone already is fine: somebody else was quicker. */
int ringshm__remove_dir(int base, const char *entry)
{
	int dir = openat(base, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error = 0;

	if (dir < 0 && (errno == ENOENT || ((errno == ENOTDIR || errno == ELOOP) && !unlinkat(base, entry, 0))))
		return 0;
	if (dir < 0)
		return ringshm__fail(errno, "remove %s: %s", entry, ringshm__reason(errno));
	error = remove_entries(dir);
	close(dir);
	if (!error && unlinkat(base, entry, AT_REMOVEDIR) && errno != ENOENT)
		error = errno;
	return error ? ringshm__fail(error, "remove %s: %s", entry, ringshm__reason(error)) : 0;
}
