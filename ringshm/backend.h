/* SPDX-License-Identifier: MIT */
/* Where the data area of a channel comes from: one table of operations a backend. */
#ifndef RINGSHM_BACKEND_H
#define RINGSHM_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

struct ringshm_backend_ops;

/* A data area that this process can map. */
struct ringshm_area {
	const struct ringshm_backend_ops *ops;
	int fd;		    /* -1: the backend has no descriptors */
	uint64_t size;	    /* bytes */
	uint64_t page_size; /* bytes, as obtained */
	uint64_t key;	    /* ringshm_header.backend_key */
};

/* What create() and open() are given besides. */
struct ringshm_area_place {
	int dir;	  /* the channel's directory, or -1 when anonymous */
	const char *name; /* of the channel, for messages */
	uint32_t mode;	  /* of the files */
	uint32_t group;
	int32_t node;
	const uint8_t *uuid;
};

/* Every function returns 0 or -errno, with the sentence of ringshm_last_error() composed. */
struct ringshm_backend_ops {
	uint32_t backend;
	const char *name;
	bool named;	/* usable for named channels */
	bool anonymous; /* usable for anonymous ones */
	/* Allocate area->size bytes (the caller has set size and the wanted page_size; both may grow). */
	int (*create)(struct ringshm_area *area, const struct ringshm_area_place *place);
	/* Find the area of an existing channel; area->size and ->key come from its checked header. */
	int (*open)(struct ringshm_area *area, const struct ringshm_area_place *place, bool writable);
	/* Map all of it, every page present. */
	int (*map)(const struct ringshm_area *area, bool writable, void **address);
	void (*unmap)(const struct ringshm_area *area, void *address);
	/* Make the memory go when its last user has: for what outlives its directory entry. */
	void (*destroy)(struct ringshm_area *area);
};

const struct ringshm_backend_ops *ringshm__backend(uint32_t backend);

/* For backends that are a descriptor: mmap and munmap. */
int ringshm__area_map(const struct ringshm_area *area, bool writable, void **address);
void ringshm__area_unmap(const struct ringshm_area *area, void *address);

extern const struct ringshm_backend_ops ringshm__backend_shm;
extern const struct ringshm_backend_ops ringshm__backend_memfd;

#endif
