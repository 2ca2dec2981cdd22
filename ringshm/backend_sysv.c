/* SPDX-License-Identifier: MIT */
/* Backend sysv: a System V segment whose key follows from the channel's uuid and that goes with the channel. */
#include "config.h"

#include "backend.h"
#include "hugepages.h"
#include "internal.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SHM_HUGE_SHIFT
#define SHM_HUGE_SHIFT 26
#endif

#define KEYS 8		     /* tried one after the other, should strangers have one already */
#define KEY_BASE 0x52000000u /* all begin with an R, so that gc need not look into everybody's segments */
#define KEY_MASK 0x00ffffffu

static key_t derive_key(const struct ringshm_area_place *place, uint32_t attempt)
{
	uint32_t hash = 2166136261u + attempt; /* FNV-1a */

	for (unsigned int i = 0; i < RINGSHM_UUID_SIZE; i++)
		hash = (hash ^ place->uuid[i]) * 16777619u;
	for (const char *c = place->name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return (key_t)(KEY_BASE | ((hash ^ hash >> 24) & KEY_MASK));
}

/* Keys mean something only within a namespace; its inode number tells one from another. 0: not known. */
static uint32_t ipc_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/ipc", &status) ? 0 : (uint32_t)status.st_ino;
}

/* ---- creating ------------------------------------------------------------------------------- */

static int refuse_permission(uint64_t size, const struct ringshm_area_place *place)
{
	char command[64], text[24];

	snprintf(command, sizeof(command), "sysctl vm.hugetlb_shm_group=%u", (unsigned int)getegid());
	return ringshm__refuse(
		EPERM, place->name, command,
		"user %u may not take %s of huge pages for System V segments (nor lock as much: ulimit -l)",
		(unsigned int)geteuid(), ringshm__bytes(size, text));
}

static int refuse_create(int error, const struct ringshm_area *area, const struct ringshm_area_place *place)
{
	bool huge = area->page_size > ringshm__page();
	int why = error == ENOMEM && huge ? ringshm__pool_check(area->page_size, area->size, place) : 0;
	char text[24];

	if (why)
		return why;
	ringshm__bytes(area->size, text);
	if (error == EPERM && huge)
		return refuse_permission(area->size, place);
	if (error == ENOSPC)
		return ringshm__refuse(
			error, place->name, "sysctl kernel.shmmni=8192 kernel.shmall=18446744073692774399",
			"the limit on System V segments or on their total is reached (see: ipcs -lm, ipcs -m)");
	if (error == EINVAL)
		return ringshm__refuse(error, place->name, "sysctl kernel.shmmax=18446744073692774399",
				       "a System V segment of %s is beyond the limit of one segment", text);
	return ringshm__refuse(error, place->name, "", "a System V segment of %s: %s", text, ringshm__reason(error));
}

static int make_segment(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	int flags = IPC_CREAT | IPC_EXCL | 0600, error = EEXIST;

	if (area->page_size > ringshm__page())
		flags |= SHM_HUGETLB | __builtin_ctzll(area->page_size) << SHM_HUGE_SHIFT;
	if (area->size > SIZE_MAX)
		return refuse_create(EINVAL, area, place);
	for (uint32_t attempt = 0; attempt < KEYS && error == EEXIST; attempt++) {
		key_t key = derive_key(place, attempt);

		area->id = shmget(key, (size_t)area->size, flags);
		error = area->id < 0 ? errno : 0;
		area->key = (uint64_t)ipc_namespace() << 32 | (uint32_t)key;
	}
	return error ? refuse_create(error, area, place) : 0;
}

static int hand_over(const struct ringshm_area *area, const struct ringshm_area_place *place)
{
	struct shmid_ds segment;

	if (shmctl(area->id, IPC_STAT, &segment))
		return ringshm__fail(errno, "create %s: its segment: %s", place->name, ringshm__reason(errno));
	if (place->group != RINGSHM_GROUP_NONE)
		segment.shm_perm.gid = place->group;
	segment.shm_perm.mode = (unsigned short)place->mode;
	if (shmctl(area->id, IPC_SET, &segment))
		return ringshm__fail(errno, "create %s: mode %03o of its segment: %s", place->name, place->mode,
				     ringshm__reason(errno));
	return 0;
}

static int sysv_map(const struct ringshm_area *area, bool writable, void **address);
static void sysv_unmap(const struct ringshm_area *area, void *address);

/* Huge pages only when asked for; small ones are allocated here, by touching them. */
static int sysv_create(struct ringshm_area *area, const struct ringshm_area_place *place)
{
	uint64_t page = area->page_size ? area->page_size : ringshm__page();
	void *address;
	int error = 0;

	area->page_size = page;
	area->size = ringshm__round_up(area->size, page);
	if (page > ringshm__page())
		error = ringshm__pool_check(page, area->size, place);
	else
		error = ringshm__check_memory(area->size, place->name);
	if (!error)
		error = make_segment(area, place);
	if (!error)
		error = sysv_map(area, true, &address);
	if (error)
		return error;
	sysv_unmap(area, address);
	return hand_over(area, place);
}

/* ---- finding -------------------------------------------------------------------------------- */

static int not_found(const struct ringshm_area *area, const struct ringshm_area_place *place)
{
	uint32_t there = (uint32_t)(area->key >> 32), here = ipc_namespace();

	if (there && here && there != here)
		return ringshm__fail(
			ENXIO,
			"open %s: its memory is a System V segment of another IPC namespace (ipc:[%u], and this process is in ipc:[%u]); share it (docker run --ipc=container:..., nsenter --ipc), or recreate it with another backend",
			place->name, there, here);
	return ringshm__fail(
		ENXIO,
		"open %s: its System V segment is gone: removed by ipcrm, or by systemd when its user logged out (RemoveIPC=no in logind.conf, or a system user, prevents that); run: ringshm rm %s",
		place->name, place->name);
}

static bool derivable(const struct ringshm_area *area, const struct ringshm_area_place *place)
{
	for (uint32_t attempt = 0; attempt < KEYS; attempt++)
		if ((uint32_t)derive_key(place, attempt) == (uint32_t)area->key)
			return true;
	return false;
}

static int refuse_access(int error, const struct ringshm_area_place *place, bool writable)
{
	if (error == EACCES)
		return ringshm__fail(
			EACCES,
			"open %s: no permission to %s its System V segment; ask its owner for a wider mode, or open it with less access",
			place->name, writable ? "write" : "read");
	return ringshm__fail(error, "open %s: its System V segment: %s", place->name, ringshm__reason(error));
}

/* Whose it is, how large, and whether its own marks say that it is the channel's. */
static int check_segment(struct ringshm_area *area, const struct ringshm_area_place *place, bool writable)
{
	struct ringshm_header mark = {.magic = 0};
	struct shmid_ds segment;
	const void *map;
	int error;

	if (shmctl(area->id, IPC_STAT, &segment))
		return refuse_access(errno, place, writable);
	area->owner = (uint32_t)segment.shm_perm.uid;
	if (area->owner != place->owner || segment.shm_segsz < area->size || area->size & (area->page_size - 1))
		return ringshm__fail(
			EPROTO,
			"open %s: its System V segment is not the one that was made for it; recreate it (ringshm rm %s)",
			place->name, place->name);
	map = shmat(area->id, NULL, writable ? 0 : SHM_RDONLY);
	if (map == (void *)-1)
		return refuse_access(errno, place, writable);
	memcpy(mark.uuid, place->uuid, sizeof(mark.uuid));
	error = ringshm__check_marks((const struct ringshm_data *)map, &mark, place->name);
	shmdt(map);
	return error;
}

static int sysv_open(struct ringshm_area *area, const struct ringshm_area_place *place, bool writable)
{
	uint32_t there = (uint32_t)(area->key >> 32), here = ipc_namespace();

	if (there && here && there != here)
		return not_found(area, place);
	if (!derivable(area, place))
		return ringshm__fail(
			EPROTO,
			"open %s: the key of its segment is not the one that follows from its identity; recreate it (ringshm rm %s)",
			place->name, place->name);
	area->id = shmget((key_t)(uint32_t)area->key, 0, 0);
	if (area->id < 0)
		return errno == ENOENT ? not_found(area, place) : refuse_access(errno, place, writable);
	return check_segment(area, place, writable);
}

static int sysv_map(const struct ringshm_area *area, bool writable, void **address)
{
	void *map = shmat(area->id, NULL, writable ? 0 : SHM_RDONLY);
	int error;

	if (map == (void *)-1 && (errno == EIDRM || errno == EINVAL))
		return ringshm__fail(ESTALE, "attach data: its System V segment was removed; open the channel again");
	if (map == (void *)-1)
		return ringshm__no_map(errno, area->size, "data");
	error = ringshm__populate(map, area->size, writable, "data");
	if (error) {
		shmdt(map);
		return error;
	}
	*address = map;
	return 0;
}

/* A fork child has put private pages in the place of its parent's segment. */
static void sysv_unmap(const struct ringshm_area *area, void *address)
{
	if (shmdt(address))
		munmap(address, (size_t)area->size);
}

/* ---- removing ------------------------------------------------------------------------------- */

/* Ours by uuid, or never finished: then it is all zeros and nobody is attached. */
static bool is_ours(int id, const struct ringshm_area_place *place)
{
	struct shmid_ds segment;
	const struct ringshm_data *data;
	bool ours;

	if (shmctl(id, IPC_STAT, &segment) || segment.shm_perm.uid != place->owner ||
	    segment.shm_segsz < sizeof(struct ringshm_data))
		return false;
	data = (const struct ringshm_data *)shmat(id, NULL, SHM_RDONLY);
	if (data == (const struct ringshm_data *)-1)
		return false;
	ours = ringshm_load_acquire(&data->magic) == RINGSHM_DATA_MAGIC ?
		       !memcmp(data->uuid, place->uuid, sizeof(data->uuid)) :
		       !ringshm_load_relaxed(&data->magic) && !segment.shm_nattch; /* relaxed: it is constant */
	shmdt(data);
	return ours;
}

static void sysv_destroy(const struct ringshm_area_place *place)
{
	for (uint32_t attempt = 0; attempt < KEYS; attempt++) {
		int id = shmget(derive_key(place, attempt), 0, 0);

		if (id >= 0 && is_ours(id, place))
			shmctl(id, IPC_RMID, NULL);
	}
}

/* ---- left-overs ----------------------------------------------------------------------------- */

/* A segment of ours or of somebody whose segments we may read, with a key and marks as here. */
static bool describe(int id, const struct shmid_ds *segment, struct ringshm_area_found *found)
{
	const struct ringshm_data *data;
	bool marked;

	if (((uint32_t)segment->shm_perm.__key & ~KEY_MASK) != KEY_BASE ||
	    segment->shm_segsz < sizeof(struct ringshm_data))
		return false;
	data = (const struct ringshm_data *)shmat(id, NULL, SHM_RDONLY);
	if (data == (const struct ringshm_data *)-1)
		return false;
	marked = ringshm_load_acquire(&data->magic) == RINGSHM_DATA_MAGIC; /* pairs with its builder's last store */
	found->backend = RINGSHM_BACKEND_SYSV;
	found->owner = (uint32_t)segment->shm_perm.uid;
	found->bytes = segment->shm_segsz;
	found->home = ringshm_load_relaxed(&data->home); /* relaxed: constant since the magic */
	memcpy(found->uuid, data->uuid, sizeof(found->uuid));
	found->id = id;
	snprintf(found->where, sizeof(found->where), "System V segment %d (key 0x%08x)", id,
		 (unsigned int)segment->shm_perm.__key);
	shmdt(data);
	return marked;
}

static int sysv_each(ringshm_area_visit *visit, void *context)
{
	struct shmid_ds segment;
	int last = shmctl(0, SHM_INFO, &segment), stop = 0;

	for (int index = 0; index <= last && !stop; index++) {
		struct ringshm_area_found found = {.id = -1};
		int id = shmctl(index, SHM_STAT, &segment);

		if (id >= 0 && describe(id, &segment, &found))
			stop = visit(&found, context);
	}
	return stop;
}

static int sysv_discard(const struct ringshm_area_found *found)
{
	if (!shmctl(found->id, IPC_RMID, NULL) || errno == EIDRM || errno == EINVAL)
		return 0;
	return ringshm__fail(errno, "remove %s: %s", found->where, ringshm__reason(errno));
}

const struct ringshm_backend_ops ringshm__backend_sysv = {
	.backend = RINGSHM_BACKEND_SYSV,
	.name = "sysv",
	.named = true,
	.create = sysv_create,
	.open = sysv_open,
	.map = sysv_map,
	.unmap = sysv_unmap,
	.destroy = sysv_destroy,
	.each = sysv_each,
	.discard = sysv_discard,
};
