/* SPDX-License-Identifier: MIT */
/* Attach trusts nothing: what another process wrote is copied once, checked, and only the copy used. */
#include "config.h"

#include "internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* `name` is empty for what came over a socket: there is nothing to remove then. */
static int unsound(const char *name, const char *what)
{
	if (!name[0])
		return ringshm__fail(EPROTO, "receive a channel: %s; do not trust its sender", what);
	return ringshm__fail(EPROTO, "open %s: %s; it is not a sound channel: recreate it (ringshm rm %s)", name, what,
			     name);
}

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* Made before its kind got the layout that this library knows. */
static int outdated(const struct ringshm_header *h, const char *name)
{
	const char *kind = ringshm_kind_name(h->kind);

	if (!name[0])
		return ringshm__fail(
			EPROTONOSUPPORT,
			"receive a channel: its sender's ringshm lays %s slots out otherwise than this one (%s); use the same ringshm on both sides",
			kind, ringshm_version());
	return ringshm__fail(
		EPROTONOSUPPORT,
		"open %s: an older ringshm made it, which lays %s slots out otherwise than this one (%s); stop its users and recreate it (ringshm rm %s)",
		name, kind, ringshm_version(), name);
}

/* What a channel is and has, by its kind. */
static int check_kind(const struct ringshm_header *h, const char *name)
{
	uint64_t layout = ringshm__kind_supported(h->kind) ? ringshm__kind_layout(h->kind) : 0;

	if (!ringshm__kind_supported(h->kind) || h->incompat & ~(ringshm__kind_features(h->kind) | layout))
		return ringshm__fail(EPROTONOSUPPORT,
				     "open %s: kind %u with features 0x%llx needs a newer ringshm than this one (%s)",
				     name[0] ? name : "(received)", h->kind, (unsigned long long)h->incompat,
				     ringshm_version());
	return ~h->incompat & layout ? outdated(h, name) : 0;
}

static int check_identity(const struct ringshm_header *h, const char *name)
{
	const char *title = name[0] ? name : "(received)";

	if (h->magic == __builtin_bswap64(RINGSHM_MAGIC))
		return ringshm__fail(EPROTO, "open %s: written by a machine of the other byte order", title);
	if (h->magic != RINGSHM_MAGIC || h->byte_order != RINGSHM_BYTE_ORDER)
		return unsound(name, "the header has no magic number");
	if (h->major != RINGSHM_ABI_MAJOR)
		return ringshm__fail(
			EPROTONOSUPPORT,
			"open %s: layout version %u, and this library (%s) knows version %u; use the same ringshm on both sides",
			title, h->major, ringshm_version(), RINGSHM_ABI_MAJOR);
	if (h->header_size < sizeof(*h) || h->header_size > RINGSHM_BLOCK)
		return unsound(name, "the header's size is impossible");
	return check_kind(h, name);
}

static int check_shape(const struct ringshm_header *h, const char *name)
{
	uint64_t unit = h->slot_size ? h->slot_size : 1;

	if (h->alignment != 8 && h->alignment != 64)
		return unsound(name, "the alignment is neither 8 nor 64");
	if (!power_of_two(h->capacity) || h->capacity > UINT64_C(1) << 40)
		return unsound(name, "the capacity is no power of two");
	if (h->kind == RINGSHM_SPSC ? h->slot_size || h->capacity < h->alignment * 8u : !h->slot_size)
		return unsound(name, "capacity and slot size do not fit the kind");
	if (h->slot_size > UINT32_C(1) << 30 || h->capacity > UINT64_MAX / unit)
		return unsound(name, "the slot size is impossible");
	if (!ringshm__kind_sound(h))
		return unsound(name, "capacity and slot size do not fit the kind");
	if (!h->participants || h->participants > RINGSHM_PARTICIPANTS_MAX || !ringshm__kind_seats_fit(h))
		return unsound(name, "the number of participants is impossible");
	if (h->kind == RINGSHM_SPSC && h->start_position & (h->alignment - 1))
		return unsound(name, "the start position is off the grid");
	return 0;
}

static int check_sizes(const struct ringshm_header *h, const char *name)
{
	uint64_t lines = RINGSHM_BLOCK + (uint64_t)h->participants * sizeof(struct ringshm_participant);
	uint64_t records = ringshm__kind_records(h);

	if (h->ctl_size < lines || h->cons_size < lines)
		return unsound(name, "control files too small for their participants");
	if (h->data_offset != RINGSHM_BLOCK || h->data_size < RINGSHM_BLOCK || records > h->data_size - RINGSHM_BLOCK)
		return unsound(name, "the data area is too small for its capacity");
	if (h->ctl_size > UINT32_MAX || h->cons_size > UINT32_MAX || h->data_size > INT64_MAX)
		return unsound(name, "a file's size is impossible");
	if (!power_of_two(h->page_size) || h->page_size < 4096)
		return unsound(name, "the page size is impossible");
	return 0;
}

/* By read(2), not through a mapping: a file cut short meanwhile gives a short read, not SIGBUS. */
int ringshm__read_header(int ctl_fd, struct ringshm_header *header, const char *name)
{
	ssize_t got = pread(ctl_fd, header, sizeof(*header), 0);
	int error;

	if (got != (ssize_t)sizeof(*header))
		return unsound(name, got < 0 ? "the header cannot be read" : "the control file is cut short");
	error = check_identity(header, name);
	if (!error)
		error = check_shape(header, name);
	if (!error)
		error = check_sizes(header, name);
	return error;
}

static int check_file(int fd, uint64_t size, bool sealed, const char *name)
{
	const int needed = F_SEAL_SHRINK | F_SEAL_GROW;
	struct stat status;

	int seals;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return unsound(name, "a descriptor is not of a plain file");
	if (status.st_size < 0 || (uint64_t)status.st_size < size)
		return unsound(name, "a file is shorter than the header says");
	seals = sealed ? fcntl(fd, F_GET_SEALS) : needed;
	if (seals < 0 || (seals & needed) != needed)
		return unsound(name, "a memory file is not sealed, so its sender could cut it short");
	return 0;
}

static int check_uuid(int fd, uint64_t magic, const struct ringshm *channel)
{
	struct {
		uint64_t magic;
		uint8_t uuid[RINGSHM_UUID_SIZE];
	} mark;

	if (pread(fd, &mark, sizeof(mark), 0) != (ssize_t)sizeof(mark) || mark.magic != magic ||
	    memcmp(mark.uuid, channel->header.uuid, sizeof(mark.uuid)))
		return unsound(channel->name, "its files do not belong together");
	return 0;
}

/* The same for an area that is mapped: backends without descriptors have nothing to read. */
int ringshm__check_marks(const struct ringshm_data *data, const struct ringshm_header *header, const char *name)
{
	if (ringshm_load_acquire(&data->magic) != RINGSHM_DATA_MAGIC || /* pairs with the channel's rename */
	    memcmp(data->uuid, header->uuid, sizeof(data->uuid)))
		return unsound(name, "its memory does not belong to it");
	return 0;
}

static int check_data(const struct ringshm *channel, bool sealed)
{
	const struct ringshm_area *area = &channel->data;
	int error = 0;

	if (area->ops->check) /* its marks are looked at when it is mapped */
		return area->ops->check(area) ? 0 : unsound(channel->name, "its memory is not what its header says");
	if (area->fd >= 0)
		error = check_file(area->fd, channel->header.data_size, sealed, channel->name);
	if (!error)
		error = ringshm__area_check(area, ringshm__title(channel));
	if (!error && area->fd >= 0)
		error = check_uuid(area->fd, RINGSHM_DATA_MAGIC, channel);
	return error;
}

/* Sizes, seals and marks of all files against the checked header. */
int ringshm__check_files(struct ringshm *channel)
{
	const struct ringshm_header *h = &channel->header;
	/* whoever sees "memfd" in ringshm_info() may rely on it: no SIGBUS */
	bool sealed = !channel->name[0] || h->backend == RINGSHM_BACKEND_MEMFD;
	int error = check_file(channel->ctl_fd, h->ctl_size, sealed, channel->name);

	if (!error)
		error = check_file(channel->cons_fd, h->cons_size, sealed, channel->name);
	if (!error)
		error = check_uuid(channel->cons_fd, RINGSHM_CONS_MAGIC, channel);
	return error ? error : check_data(channel, sealed);
}

/* Bytes before each payload. */
uint32_t ringshm__overhead(const struct ringshm_header *header)
{
	return header->incompat & RINGSHM_F_TIMESTAMP ? 16 : 8;
}
