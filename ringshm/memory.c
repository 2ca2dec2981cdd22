/* SPDX-License-Identifier: MIT */
/* Mappings: whole areas, every page present before the first message. */
#include "config.h"

#include "internal.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

uint64_t ringshm__page(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Kernels before 5.14 do not know the advice. Reading is enough there: the pages exist already. */
static void touch(const volatile unsigned char *address, uint64_t size)
{
	uint64_t page = ringshm__page();

	for (uint64_t offset = 0; offset < size; offset += page)
		(void)address[offset];
}

int ringshm__populate(void *address, uint64_t size, bool writable, const char *what)
{
	char text[24];

	if (!madvise(address, (size_t)size, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ))
		return 0;
	if (errno == EINVAL) {
		touch((const unsigned char *)address, size);
		return 0;
	}
	if (errno == EFAULT) /* where an access would have raised SIGBUS */
		return ringshm__fail(
			ENOMEM, "attach %s: not all %s of it can be had: the file was cut short, or memory is used up",
			what, ringshm__bytes(size, text));
	return ringshm__fail(ENOMEM, "attach %s: make %s of it present: %s", what, ringshm__bytes(size, text),
			     ringshm__reason(errno));
}

static bool limited(int resource, uint64_t *limit)
{
	struct rlimit now;

	if (getrlimit(resource, &now) || now.rlim_cur == RLIM_INFINITY)
		return false;
	*limit = now.rlim_cur;
	return true;
}

/* Say why a mapping was refused; `error` is errno. */
int ringshm__no_map(int error, uint64_t size, const char *what)
{
	char asked[24], most[24];
	uint64_t limit;

	ringshm__bytes(size, asked);
	if (error == ENOMEM && limited(RLIMIT_AS, &limit))
		return ringshm__fail(
			ENOMEM,
			"attach %s: map %s: the address space of this process is limited to %s; run: ulimit -v unlimited",
			what, asked, ringshm__bytes(limit, most));
	if (error == EAGAIN && limited(RLIMIT_MEMLOCK, &limit))
		return ringshm__fail(
			EAGAIN,
			"attach %s: map %s: this process locks all its memory and may lock %s; run: ulimit -l unlimited (systemd: LimitMEMLOCK=infinity)",
			what, asked, ringshm__bytes(limit, most));
	if (error == ENOMEM)
		return ringshm__fail(
			ENOMEM,
			"attach %s: map %s: no memory, no address space, or too many mappings (sysctl vm.max_map_count)",
			what, asked);
	return ringshm__fail(error, "attach %s: map %s: %s", what, asked, ringshm__reason(error));
}

/* Room in the address space, at a multiple of `align`; a mapping is then put over it. */
static void *reserve(uint64_t size, uint64_t align)
{
	uint64_t room = size + align;
	uintptr_t start, first;
	void *map;

	if (room < size || room > SIZE_MAX) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	map = mmap(NULL, (size_t)room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return map;
	start = (uintptr_t)map;
	first = (start + align - 1) & ~(uintptr_t)(align - 1);
	if (first > start)
		munmap(map, first - start);
	if (first + size < start + room)
		munmap((void *)(first + (uintptr_t)size), (size_t)(start + room - first - size));
	return (void *)first;
}

/* `align`, a power of two: what huge pages of tmpfs need to be mapped as such; 0: as the kernel likes. */
void *ringshm__map_file(int fd, uint64_t size, uint64_t align, int protection)
{
	void *place, *map;

	if (size > SIZE_MAX) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (align <= ringshm__page())
		return mmap(NULL, (size_t)size, protection, MAP_SHARED, fd, 0);
	place = reserve(size, align);
	if (place == MAP_FAILED)
		return place;
	map = mmap(place, (size_t)size, protection, MAP_SHARED | MAP_FIXED, fd, 0);
	if (map == MAP_FAILED) {
		int error = errno;

		munmap(place, (size_t)size);
		errno = error;
	}
	return map;
}

int ringshm__map_aligned(int fd, uint64_t size, uint64_t align, bool writable, const char *what, void **address)
{
	void *map = ringshm__map_file(fd, size, align, PROT_READ | (writable ? PROT_WRITE : 0));
	int error;

	if (map == MAP_FAILED)
		return ringshm__no_map(errno, size, what);
	error = ringshm__populate(map, size, writable, what);
	if (error) {
		munmap(map, (size_t)size);
		return error;
	}
	*address = map;
	return 0;
}

int ringshm__map(int fd, uint64_t size, bool writable, const char *what, void **address)
{
	return ringshm__map_aligned(fd, size, 0, writable, what, address);
}

/* A field in kB of /proc/self/smaps, summed over the mappings that begin in this range, in bytes. */
uint64_t ringshm__smaps(const void *address, uint64_t size, const char *field)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	uintptr_t first = (uintptr_t)address;
	size_t length = strlen(field);
	uint64_t bytes = 0;
	char line[512];
	bool here = false;

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long start, end, value;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start >= first && start - first < size;
		else if (here && !strncmp(line, field, length) && sscanf(line + length, ": %lu", &value) == 1)
			bytes += (uint64_t)value * 1024;
	}
	if (file)
		fclose(file);
	return bytes;
}
