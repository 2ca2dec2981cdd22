/* SPDX-License-Identifier: MIT */
/* Backend hugetlbfs: a file of huge pages in a mounted hugetlbfs, named after channel, uuid and directory. */
#include "config.h"

#include "backend.h"
#include "hugepages.h"
#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PREFIX "ringshm."
#define UUID_DIGITS (2 * RINGSHM_UUID_SIZE)
#define HOME_DIGITS 16

/* "ringshm.NAME.UUID.HOME": derived, so that nobody has to be believed where a channel's memory is. */
static void file_name(char file[static 256], const struct ringshm_area_place *place)
{
	char uuid[RINGSHM_UUID_TEXT];

	for (unsigned int i = 0; i < RINGSHM_UUID_SIZE; i++)
		snprintf(uuid + 2 * i, 3, "%02x", place->uuid[i]);
	snprintf(file, 256, PREFIX "%s.%s.%016llx", place->name, uuid, (unsigned long long)place->home);
}

/* ---- mounts --------------------------------------------------------------------------------- */

/* Open the next hugetlbfs in the table, with pages of `page` unless 0; -1: no more. */
static int next_mount(FILE *table, uint64_t page, struct ringshm_mount_info *mount)
{
	struct mntent entry;
	char text[1024];
	struct statfs fs;

	while (table && getmntent_r(table, &entry, text, sizeof(text))) {
		int dir = strcmp(entry.mnt_type, "hugetlbfs") ? -1 :
								open(entry.mnt_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0)
			continue;
		if (!fstatfs(dir, &fs) && (!page || (uint64_t)fs.f_bsize == page)) {
			memset(mount, 0, sizeof(*mount));
			mount->page_size = (uint64_t)fs.f_bsize;
			mount->limit = (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize;
			mount->writable = !faccessat(dir, ".", W_OK | X_OK, AT_EACCESS);
			snprintf(mount->path, sizeof(mount->path), "%s", entry.mnt_dir);
			return dir;
		}
		close(dir);
	}
	return -1;
}

static FILE *mount_table(void)
{
	return setmntent("/proc/self/mounts", "re");
}

static void close_table(FILE *table)
{
	if (table)
		endmntent(table);
}

int ringshm_mount_info(unsigned int index, struct ringshm_mount_info *out)
{
	struct ringshm_mount_info mount;
	uint32_t size = out ? out->size : 0;
	FILE *table;
	int dir = -1;

	if (size < sizeof(uint32_t))
		return ringshm__fail(EINVAL, "mount: set mount.size to sizeof(struct ringshm_mount_info)");
	table = mount_table();
	for (unsigned int i = 0; i <= index; i++) {
		ringshm__close_fd(&dir);
		dir = next_mount(table, 0, &mount);
		if (dir < 0)
			break;
	}
	close_table(table);
	if (dir < 0)
		return ringshm__fail(ERANGE, "mount %u: no such hugetlbfs", index);
	close(dir);
	mount.size = size < sizeof(mount) ? size : sizeof(mount);
	memcpy(out, &mount, mount.size);
	return 0;
}

/* ---- creating ------------------------------------------------------------------------------- */

static int no_mount(uint64_t page, uint64_t size, const struct ringshm_area_place *place)
{
	char one[24], option[24], command[192], fill[64] = "";
	struct ringshm_pool_info pool = {.size = sizeof(pool)};
	bool there = !access("/dev/hugepages", F_OK);

	for (unsigned int i = 0; !ringshm_pool_info(i, RINGSHM_NODE_ANY, &pool); i++)
		if (pool.page_size == page && pool.free < size / page && page == ringshm__huge_page())
			snprintf(fill, sizeof(fill), " && sysctl vm.nr_hugepages=%llu",
				 (unsigned long long)(pool.total + size / page - pool.free));
	snprintf(command, sizeof(command), "%smount -t hugetlbfs -o pagesize=%s,mode=1777 none /dev/hugepages%s",
		 there ? "" : "mkdir -p /dev/hugepages && ", ringshm__page_option(page, option), fill);
	return ringshm__refuse(ENOENT, place->name, command, "no hugetlbfs with pages of %s is mounted",
			       ringshm__bytes(page, one));
}

static int create_in(struct ringshm_area *area, int dir, const struct ringshm_mount_info *mount,
		     const struct ringshm_area_place *place)
{
	char file[256], command[320];
	int error;

	snprintf(command, sizeof(command), "chmod 1777 %s", mount->path);
	if (!mount->writable)
		return ringshm__refuse(EACCES, place->name, command, "hugetlbfs at %s may not be written by user %u",
				       mount->path, (unsigned int)geteuid());
	file_name(file, place);
	area->fd = openat(dir, file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (area->fd < 0)
		return ringshm__refuse(errno, place->name, "", "file %s/%s: %s", mount->path, file,
				       ringshm__reason(errno));
	error = ringshm__pool_take(area->fd, area->page_size, area->size, place);
	if (error)
		unlinkat(dir, file, 0); /* another mount may still do */
	return error;
}

/* In the first mount that takes it. */
static int hugetlbfs_create(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	uint64_t page = area->page_size ? area->page_size : ringshm__huge_page();
	struct ringshm_mount_info mount;
	FILE *table;
	int dir, error;

	if (!page)
		return ringshm__refuse(EOPNOTSUPP, place->name, "", "this kernel has no pools of huge pages");
	area->page_size = page;
	area->size = ringshm__round_up(area->size, page);
	if (!ringshm__pool_exists(page))
		return ringshm__pool_check(page, area->size, place);
	error = 1;
	table = mount_table();
	while (error && (dir = next_mount(table, page, &mount)) >= 0) {
		ringshm__close_fd(&area->fd);
		error = ringshm__pool_check(page, area->size, place);
		if (!error)
			error = create_in(area, dir, &mount, place);
		close(dir);
	}
	close_table(table);
	return error > 0 ? no_mount(page, area->size, place) : error;
}

/* ---- finding -------------------------------------------------------------------------------- */

/* Only a file of the channel's own owner counts: others may write to the same mount. */
static bool is_ours(int dir, const char *file, uint32_t owner)
{
	struct stat status;

	return !fstatat(dir, file, &status, AT_SYMLINK_NOFOLLOW) && S_ISREG(status.st_mode) && status.st_uid == owner;
}

static int not_found(uint64_t page, const struct ringshm_area_place *place)
{
	struct ringshm_mount_info mount = {.size = sizeof(mount)};
	char one[24];

	ringshm__bytes(page, one);
	if (ringshm_mount_info(0, &mount) == -ERANGE)
		return ringshm__fail(
			ENXIO,
			"open %s: its memory is a file in a hugetlbfs, and none is mounted here; bind-mount the one where it was created",
			place->name);
	return ringshm__fail(
		ENXIO,
		"open %s: its memory file is in no hugetlbfs with pages of %s that is mounted here (%s ...); bind-mount the one where it was created, or recreate it (ringshm rm %s)",
		place->name, one, mount.path, place->name);
}

static int hugetlbfs_open(struct ringshm_area *area, const struct ringshm_area_place *place, bool writable)
{
	struct ringshm_mount_info mount;
	FILE *table = mount_table();
	char file[256];
	int dir;

	file_name(file, place);
	while (area->fd == -1 && (dir = next_mount(table, area->page_size, &mount)) >= 0) {
		if (is_ours(dir, file, place->owner))
			area->fd = ringshm__open_file(dir, file, writable, place->name);
		close(dir);
	}
	close_table(table);
	if (area->fd == -1)
		return not_found(area->page_size, place);
	return area->fd < 0 ? area->fd : 0;
}

static void hugetlbfs_destroy(const struct ringshm_area_place *place)
{
	struct ringshm_mount_info mount;
	FILE *table = mount_table();
	char file[256];
	int dir;

	file_name(file, place);
	while ((dir = next_mount(table, 0, &mount)) >= 0) {
		if (is_ours(dir, file, place->owner))
			unlinkat(dir, file, 0);
		close(dir);
	}
	close_table(table);
}

/* ---- left-overs ----------------------------------------------------------------------------- */

static bool read_hex(const char *text, unsigned int digits, uint8_t *bytes)
{
	for (unsigned int i = 0; i < digits; i += 2) {
		unsigned int value;

		if (strspn(text + i, "0123456789abcdef") < 2 || sscanf(text + i, "%2x", &value) != 1)
			return false;
		bytes[i / 2] = (uint8_t)value;
	}
	return true;
}

/* A name as file_name() makes it; channel names may have dots, so from the end. */
static bool parse_name(const char *file, struct ringshm_area_found *found)
{
	size_t length = strlen(file), tail = 1 + UUID_DIGITS + 1 + HOME_DIGITS;
	const char *end = file + length - tail;
	uint8_t home[HOME_DIGITS / 2];

	if (strncmp(file, PREFIX, strlen(PREFIX)) || length <= strlen(PREFIX) + tail || end[0] != '.' ||
	    end[1 + UUID_DIGITS] != '.')
		return false;
	if (!read_hex(end + 1, UUID_DIGITS, found->uuid) || !read_hex(end + 2 + UUID_DIGITS, HOME_DIGITS, home))
		return false;
	for (unsigned int i = 0; i < sizeof(home); i++)
		found->home = found->home << 8 | home[i];
	return true;
}

static int visit_files(DIR *files, const struct ringshm_mount_info *mount, ringshm_area_visit *visit, void *context)
{
	struct dirent *entry;
	int stop = 0;

	while (!stop && (entry = readdir(files))) {
		struct ringshm_area_found found = {.backend = RINGSHM_BACKEND_HUGETLBFS};
		struct stat status;
		int length;

		if (!parse_name(entry->d_name, &found) ||
		    fstatat(dirfd(files), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode))
			continue;
		found.owner = (uint32_t)status.st_uid;
		found.bytes = (uint64_t)status.st_size;
		length = snprintf(found.where, sizeof(found.where), "%s/%s", mount->path, entry->d_name);
		if (length < (int)sizeof(found.where))
			stop = visit(&found, context);
	}
	return stop;
}

static int hugetlbfs_each(ringshm_area_visit *visit, void *context)
{
	struct ringshm_mount_info mount;
	FILE *table = mount_table();
	int dir, stop = 0;

	while (!stop && (dir = next_mount(table, 0, &mount)) >= 0) {
		int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *files = copy < 0 ? NULL : fdopendir(copy);

		if (files) {
			stop = visit_files(files, &mount, visit, context);
			closedir(files);
		}
		close(dir);
	}
	close_table(table);
	return stop;
}

static int hugetlbfs_discard(const struct ringshm_area_found *found)
{
	if (!unlink(found->where) || errno == ENOENT)
		return 0;
	return ringshm__fail(errno, "remove %s: %s", found->where, ringshm__reason(errno));
}

const struct ringshm_backend_ops ringshm__backend_hugetlbfs = {
	.backend = RINGSHM_BACKEND_HUGETLBFS,
	.name = "hugetlbfs",
	.named = true,
	.create = hugetlbfs_create,
	.open = hugetlbfs_open,
	.map = ringshm__area_map,
	.unmap = ringshm__area_unmap,
	.destroy = hugetlbfs_destroy,
	.each = hugetlbfs_each,
	.discard = hugetlbfs_discard,
};
