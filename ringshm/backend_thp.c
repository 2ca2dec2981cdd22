/* SPDX-License-Identifier: MIT */
/* Backend thp: tmpfs in transparent huge pages, collapsed by hand, so that neither mount option nor root is needed. */
#include "config.h"

#include "backend.h"
#include "hugepages.h"
#include "internal.h"
#include "node.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

#define TRIES 8 /* against pages that are in use for a moment */

/*
 * Huge pages cover all but a rest of less than half a huge page, which stays in small ones: a ring of 64 MiB has one
 * page of header more than that, and shall not cost 66.
 */
static uint64_t shape(uint64_t size, uint64_t huge)
{
	uint64_t rest = size % huge;

	return size < huge || rest >= huge / 2 ? ringshm__round_up(size, huge) :
						 ringshm__round_up(size, ringshm__page());
}

static int make_file(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	struct statfs fs;
	int error;

	if (place->dir < 0)
		area->fd = memfd_create("ringshm-data", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	else
		area->fd = openat(place->dir, "data", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (area->fd < 0)
		return ringshm__fail(errno, "create %s: file 'data': %s", place->name, ringshm__reason(errno));
	if (!fstatfs(area->fd, &fs) && (uint32_t)fs.f_type != TMPFS_MAGIC)
		return ringshm__refuse(EOPNOTSUPP, place->name, "", "%s is not on tmpfs; point RINGSHM_DIR into one",
				       ringshm_directory());
	error = ringshm__check_room(area->fd, area->size, place->name);
	if (error)
		return error;
	if (ftruncate(area->fd, (off_t)area->size))
		return ringshm__fail(errno, "create %s: size of 'data': %s", place->name, ringshm__reason(errno));
	return 0;
}

/* Why the kernel will not even try. */
static int refuse_collapse(const struct ringshm_area_place *place)
{
	const char *const knob = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	char text[128] = "", command[160];
	FILE *file = fopen(knob, "re");

	if (file && !fgets(text, sizeof(text), file))
		text[0] = 0;
	if (file)
		fclose(file);
	snprintf(command, sizeof(command), "echo advise > %s", knob);
	if (strstr(text, "[deny]"))
		return ringshm__refuse(EOPNOTSUPP, place->name, command, "transparent huge pages are denied to tmpfs");
	if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) > 0)
		return ringshm__refuse(EOPNOTSUPP, place->name, "",
				       "transparent huge pages are switched off for this process (PR_SET_THP_DISABLE)");
	return ringshm__refuse(EOPNOTSUPP, place->name, "mount -o remount,huge=advise /dev/shm",
			       "this kernel cannot collapse pages on request (that takes Linux 6.1)");
}

static int refuse_scarce(uint64_t got, uint64_t want, const struct ringshm_area_place *place)
{
	char got_text[24], want_text[24];

	return ringshm__refuse(ENOMEM, place->name, "sysctl vm.compact_memory=1",
			       "%s of %s came in huge pages; free memory is short or in pieces",
			       ringshm__bytes(got, got_text), ringshm__bytes(want, want_text));
}

static int collapse(unsigned char *address, uint64_t size)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	for (int i = 0; i < TRIES; i++) {
		if (!madvise(address, (size_t)size, MADV_COLLAPSE))
			return 0;
		if (errno != EAGAIN && errno != EBUSY)
			break;
		nanosleep(&moment, NULL);
	}
	return errno;
}

/* What is not mapped by huge entries already is collapsed; then the kernel's own account decides. */
static int make_huge(unsigned char *address, uint64_t size, uint64_t huge, const struct ringshm_area_place *place)
{
	uint64_t whole = size / huge * huge, got = ringshm__smaps(address, size, "ShmemPmdMapped");
	int error = 0;

	if (got < whole)
		error = collapse(address, whole);
	if (error == EINVAL)
		return refuse_collapse(place);
	if (!error)
		ringshm__populate(address, size, true, place->name);
	got = ringshm__smaps(address, size, "ShmemPmdMapped");
	return got == whole ? 0 : refuse_scarce(got, whole, place);
}

/* Advice comes before the pages: where the mount says huge=advise they are huge from the beginning. */
static int fill(struct ringshm_area *area, uint64_t huge, const struct ringshm_area_place *place)
{
	void *map = ringshm__map_file(area->fd, area->size, huge, PROT_READ | PROT_WRITE);
	int error;

	if (map == MAP_FAILED)
		return ringshm__no_map(errno, area->size, place->name);
	ringshm__node_deal(map, area->size, huge, place->node);
	/* both are attempts: allocating and looking afterwards says what came of them */
	madvise(map, (size_t)area->size, MADV_HUGEPAGE);
	madvise(map, (size_t)area->size, MADV_POPULATE_WRITE);
	error = ringshm__allocate(area->fd, area->size, place->name);
	if (!error)
		error = make_huge((unsigned char *)map, area->size, huge, place);
	munmap(map, (size_t)area->size);
	return error;
}

static int thp_create(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	uint64_t huge = ringshm__thp_page();
	char text[24];
	int error;

	if (!huge)
		return ringshm__refuse(EOPNOTSUPP, place->name, "", "this kernel has no transparent huge pages");
	if (area->page_size && area->page_size != huge)
		return ringshm__refuse(EINVAL, place->name, "", "transparent huge pages are of %s only",
				       ringshm__bytes(huge, text));
	area->page_size = huge;
	area->size = shape(area->size, huge);
	error = make_file(area, place);
	return error ? error : fill(area, huge, place);
}

/* At a multiple of the huge page, or the processor could not be told of it by one entry. */
static int thp_map(const struct ringshm_area *area, bool writable, void **address)
{
	return ringshm__map_aligned(area->fd, area->size, ringshm__thp_page(), writable, "data", address);
}

const struct ringshm_backend_ops ringshm__backend_thp = {
	.backend = RINGSHM_BACKEND_THP,
	.name = "thp",
	.named = true,
	.anonymous = true,
	.create = thp_create,
	.open = ringshm__area_open_file,
	.map = thp_map,
	.unmap = ringshm__area_unmap,
};
