/* SPDX-License-Identifier: MIT */
/* Where the data area of a channel comes from: one table of operations a backend. */
#ifndef RINGSHM_BACKEND_H
#define RINGSHM_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

struct ringshm_backend_ops;
struct ringshm_header;

/* A data area that this process can map. */
struct ringshm_area {
	const struct ringshm_backend_ops *ops;
	int fd;		    /* -1: the backend has no descriptors */
	int id;		    /* sysv: of the segment */
	uint64_t size;	    /* bytes */
	uint64_t page_size; /* bytes, as obtained */
	uint64_t key;	    /* ringshm_header.backend_key */
	uint32_t owner;	    /* uid, where there is no descriptor to ask */
};

/* What create() and open() are given besides. */
struct ringshm_area_place {
	int dir;	  /* the channel's directory, or -1 when anonymous */
	const char *name; /* of the channel, for messages and for what is named after it */
	uint32_t mode;	  /* of the data area */
	uint32_t group;
	uint32_t owner; /* uid of the control file: data of anybody else's is not the channel's */
	int32_t node;
	bool contiguous; /* one physical run */
	const uint8_t *uuid;
	uint64_t home; /* tag of the directory that holds the channel */
};

/* An area outside the channels' directories, as gc finds it. */
struct ringshm_area_found {
	uint32_t backend;
	uint32_t owner; /* uid */
	uint64_t bytes;
	uint64_t home;
	uint8_t uuid[16];
	int id;		 /* sysv: of the segment */
	char where[256]; /* path, or which segment */
};

typedef int ringshm_area_visit(const struct ringshm_area_found *found, void *context);

/* Every function returns 0 or -errno, with the sentence of ringshm_last_error() composed. */
struct ringshm_backend_ops {
	uint32_t backend;
	const char *name;
	bool named;	/* usable for named channels */
	bool anonymous; /* usable for anonymous ones */
	/*
	 * Allocate area->size bytes, which may grow, all of it now. area->page_size is what is wanted, 0: as
	 * the backend thinks best; what was obtained is left there. ringshm__area_drop() clears up a failure.
	 */
	int (*create)(struct ringshm_area *area, const struct ringshm_area_place *place);
	/* Find the area of an existing channel; area->size, ->page_size and ->key come from its checked header. */
	int (*open)(struct ringshm_area *area, const struct ringshm_area_place *place, bool writable);
	/* Map all of it, every page present; with claim() below, that one sees to the pages of who stays. */
	int (*map)(const struct ringshm_area *area, bool writable, void **address);
	void (*unmap)(const struct ringshm_area *area, void *address);
	/*
	 * Make what lives outside the channel's directory go when its last user has. Where it is follows from
	 * uuid, name and owner alone, so it also works for what a crashed builder left. May be NULL.
	 */
	void (*destroy)(const struct ringshm_area_place *place);
	/* Show all areas that destroy() could be about, whoever's they are, until `visit` returns not 0. */
	int (*each)(ringshm_area_visit *visit, void *context);
	int (*discard)(const struct ringshm_area_found *found);
	/* What only areas that are no files can do; NULL: as files do it. */
	/* Is area->fd, which a stranger may have sent, such an area, as large as it is said to be? */
	bool (*check)(const struct ringshm_area *area);
	/* A description of its own, for somebody else. */
	int (*reopen)(const struct ringshm_area *area, bool writable);
	/* Map again at `address` so that the kernel knows by this mapping that participant `id` lives. */
	int (*claim)(const struct ringshm_area *area, void *address, bool writable, uint32_t id);
	bool (*alive)(const struct ringshm_area *area, uint32_t id);
	/* Count bytes by node. Areas that can are placed by create(), and cannot be moved afterwards. */
	int (*nodes)(const struct ringshm_area *area, uint64_t *bytes, unsigned int nodes, uint64_t *unknown);
};

const struct ringshm_backend_ops *ringshm__backend(uint32_t backend);

/* area.c: an area from its beginning to its end. */
int ringshm__area_create(struct ringshm_area *area, const struct ringshm_backend_ops *ops,
			 const struct ringshm_area *wanted, const struct ringshm_area_place *place);
int ringshm__area_reopen(const struct ringshm_area *area, bool writable);
void ringshm__area_drop(struct ringshm_area *area, const struct ringshm_area_place *place);
void ringshm__area_destroy(const struct ringshm_header *header, const struct ringshm_area_place *place);
struct ringshm_area_place ringshm__place_of(const struct ringshm_header *header, int dir, const char *name);
uint64_t ringshm__home(int dir, const char *path);

/* auto.c: the backend that is asked for, or the best there is. */
int ringshm__area_choose(struct ringshm_area *area, uint32_t backend, const struct ringshm_area *wanted,
			 const struct ringshm_area_place *place);
/* Refuse: "create NAME: reason; run: mend". `mend` may be empty. Returns -`error`. */
int ringshm__refuse(int error, const char *name, const char *mend, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* backend.c: for backends that are a descriptor: mmap and munmap. */
int ringshm__area_map(const struct ringshm_area *area, bool writable, void **address);
void ringshm__area_unmap(const struct ringshm_area *area, void *address);
int ringshm__area_check(const struct ringshm_area *area, const char *name);
int ringshm__area_open_file(struct ringshm_area *area, const struct ringshm_area_place *place, bool writable);

extern const struct ringshm_backend_ops ringshm__backend_shm;
extern const struct ringshm_backend_ops ringshm__backend_memfd;
extern const struct ringshm_backend_ops ringshm__backend_hugetlbfs;
extern const struct ringshm_backend_ops ringshm__backend_thp;
extern const struct ringshm_backend_ops ringshm__backend_sysv;
extern const struct ringshm_backend_ops ringshm__backend_kmod;

#endif
