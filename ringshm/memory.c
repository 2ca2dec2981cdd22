/* SPDX-License-Identifier: MIT */
/* Mappings: whole areas, every page present before the first message. */
#include "config.h"

#include "internal.h"

#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* Kernels before 5.14 do not know the advice. Reading is enough there: the pages exist already. */
static void touch(const volatile unsigned char *address, uint64_t size)
{
	long page = sysconf(_SC_PAGESIZE);

	for (uint64_t offset = 0; offset < size; offset += (uint64_t)page)
		(void)address[offset];
}

int ringshm__populate(void *address, uint64_t size, bool writable, const char *what)
{
	char text[24];

	if (!madvise(address, size, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ))
		return 0;
	if (errno == EINVAL) {
		touch((const unsigned char *)address, size);
		return 0;
	}
	return ringshm__fail(ENOMEM, "attach %s: make %s of it present: %s", what, ringshm__bytes(size, text),
			     ringshm__reason(errno));
}

int ringshm__map(int fd, uint64_t size, bool writable, const char *what, void **address)
{
	char text[24];
	void *map = MAP_FAILED;
	int error;

	errno = ENOMEM;
	if (size <= SIZE_MAX)
		map = mmap(NULL, (size_t)size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return ringshm__fail(errno, "attach %s: map %s: %s", what, ringshm__bytes(size, text),
				     ringshm__reason(errno));
	error = ringshm__populate(map, size, writable, what);
	if (error) {
		munmap(map, (size_t)size);
		return error;
	}
	*address = map;
	return 0;
}
