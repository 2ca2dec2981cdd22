/* SPDX-License-Identifier: MIT */
/* From what the caller asks for to a channel's header. */
#include "config.h"

#include "internal.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define CAPACITY_MAX (UINT64_C(1) << 40)
#define SLOTS_MAX (UINT64_C(1) << 32)
#define CREATE_KNOWN (RINGSHM_CREATE_REPLACE | RINGSHM_CREATE_CONTIGUOUS)

/* A caller compiled against an older header gives a shorter struct: what it does not have is zero. */
int ringshm__config_copy(struct ringshm_config *copy, const struct ringshm_config *config)
{
	if (!config)
		return ringshm__fail(EINVAL, "create: no configuration given");
	if (config->size < offsetof(struct ringshm_config, slot_size) || config->size > 4096)
		return ringshm__fail(EINVAL, "create: config.size is %u; call ringshm_config_init() first",
				     config->size);
	memset(copy, 0, sizeof(*copy));
	memcpy(copy, config, config->size < sizeof(*copy) ? config->size : sizeof(*copy));
	for (uint32_t i = sizeof(*copy); i < config->size; i++)
		if (((const unsigned char *)config)[i])
			return ringshm__fail(
				EINVAL,
				"create: the program asks for something that this library (%s) does not know; install a newer one",
				ringshm_version());
	if (copy->size <= offsetof(struct ringshm_config, group))
		copy->group = RINGSHM_GROUP_NONE;
	copy->mode = copy->mode ? copy->mode : 0600;
	copy->consumer_mode = copy->consumer_mode ? copy->consumer_mode : copy->mode;
	copy->alignment = copy->alignment ? copy->alignment : 8;
	return 0;
}

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static int check_capacity(const struct ringshm_config *config)
{
	bool bytes = config->kind == RINGSHM_SPSC;
	uint64_t least = bytes ? config->alignment * 8 : 2, most = bytes ? CAPACITY_MAX : SLOTS_MAX;

	if (!power_of_two(config->capacity))
		return ringshm__fail(EINVAL, "create: capacity %llu is not a power of two",
				     (unsigned long long)config->capacity);
	if (config->capacity < least || config->capacity > most)
		return ringshm__fail(EINVAL, "create: capacity %llu; %s rings take %llu to %llu %s",
				     (unsigned long long)config->capacity, ringshm_kind_name(config->kind),
				     (unsigned long long)least, (unsigned long long)most, bytes ? "bytes" : "slots");
	return 0;
}

static int check_modes(const struct ringshm_config *config)
{
	if ((config->mode | config->consumer_mode) & ~0666u)
		return ringshm__fail(EINVAL,
				     "create: modes %03o and %03o; only read and write bits (0666) mean anything",
				     config->mode, config->consumer_mode);
	if ((config->mode & 0600) != 0600 || (config->consumer_mode & 0600) != 0600)
		return ringshm__fail(EINVAL, "create: modes %03o and %03o; the owner needs both read and write (0600)",
				     config->mode, config->consumer_mode);
	return 0;
}

static int check_kind(const struct ringshm_config *config)
{
	if (!ringshm__kind_supported(config->kind))
		return ringshm__fail(EINVAL, "create: kind %u (%s) is not one that this library (%s) makes",
				     config->kind, ringshm_kind_name(config->kind), ringshm_version());
	if (config->alignment != 8 && config->alignment != 64)
		return ringshm__fail(EINVAL, "create: alignment %u; it is 8 or 64", config->alignment);
	if (config->participants > RINGSHM_PARTICIPANTS_MAX)
		return ringshm__fail(EINVAL, "create: %u participants; at most %u", config->participants,
				     RINGSHM_PARTICIPANTS_MAX);
	if (config->slot_size && !ringshm__kind_has_slots(config->kind))
		return ringshm__fail(EINVAL, "create: slot_size %u; %s rings have no slots, leave it 0",
				     config->slot_size, ringshm_kind_name(config->kind));
	if (config->flags & ~CREATE_KNOWN)
		return ringshm__fail(EINVAL, "create: unknown flags 0x%x", config->flags & ~CREATE_KNOWN);
	if (config->features & ~RINGSHM_F_KNOWN)
		return ringshm__fail(EINVAL, "create: unknown features 0x%llx",
				     (unsigned long long)(config->features & ~RINGSHM_F_KNOWN));
	return ringshm__kind_check(config);
}

static int check_place(const struct ringshm_config *config, bool anonymous)
{
	const struct ringshm_backend_ops *ops = ringshm__backend(config->backend);

	if (config->backend != RINGSHM_BACKEND_AUTO && !ops)
		return ringshm__fail(EINVAL, "create: backend %u (%s) is not one that this library has",
				     config->backend, ringshm_backend_name(config->backend));
	if (ops && !(anonymous ? ops->anonymous : ops->named))
		return ringshm__fail(EINVAL, "create: backend %s cannot hold %s channels", ops->name,
				     anonymous ? "anonymous" : "named");
	if (config->flags & RINGSHM_CREATE_CONTIGUOUS && ops && config->backend != RINGSHM_BACKEND_KMOD)
		return ringshm__fail(EINVAL, "create: backend %s has no contiguous memory, only kmod has", ops->name);
	if (config->page_size && !power_of_two(config->page_size))
		return ringshm__fail(EINVAL, "create: page size %llu is not a power of two",
				     (unsigned long long)config->page_size);
	if (config->node < RINGSHM_NODE_LOCAL)
		return ringshm__fail(EINVAL, "create: node %d; give a number from 0, or RINGSHM_NODE_*", config->node);
	if (config->start_position & (config->alignment - 1) && config->kind == RINGSHM_SPSC)
		return ringshm__fail(EINVAL, "create: start_position %llu is not a multiple of the alignment %u",
				     (unsigned long long)config->start_position, config->alignment);
	return 0;
}

static uint64_t whole_pages(uint64_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) & ~(page - 1);
}

static int stamp(struct ringshm_header *header)
{
	struct timespec now;

	if (getrandom(header->uuid, sizeof(header->uuid), 0) != sizeof(header->uuid))
		return ringshm__fail(EIO, "no random numbers: %s", ringshm__reason(errno));
	clock_gettime(CLOCK_REALTIME, &now);
	header->created_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	header->creator_pid = (uint32_t)getpid();
	header->creator_uid = (uint32_t)geteuid();
	return 0;
}

static void describe(struct ringshm_header *header, const struct ringshm_config *config)
{
	header->magic = RINGSHM_MAGIC;
	header->major = RINGSHM_ABI_MAJOR;
	header->minor = RINGSHM_ABI_MINOR;
	header->header_size = sizeof(*header);
	header->byte_order = RINGSHM_BYTE_ORDER;
	header->kind = config->kind;
	header->incompat = config->features | ringshm__kind_layout(config->kind);
	header->capacity = config->capacity;
	header->start_position = config->start_position;
	header->slot_size = ringshm__kind_slot_size(config);
	header->alignment = config->alignment;
	header->participants = ringshm__kind_participants(config);
	header->schema_id = config->schema_id;
	header->schema_version = config->schema_version;
	header->node = config->node;
}

int ringshm__config_header(struct ringshm_header *header, const struct ringshm_config *config, bool anonymous)
{
	uint64_t lines;
	int error = check_kind(config);

	if (!error)
		error = check_capacity(config);
	if (!error)
		error = check_modes(config);
	if (!error)
		error = check_place(config, anonymous);
	if (error)
		return error;
	memset(header, 0, sizeof(*header));
	describe(header, config);
	lines = (uint64_t)header->participants * sizeof(struct ringshm_participant);
	header->ctl_size = whole_pages(RINGSHM_BLOCK + lines);
	header->cons_size = whole_pages(RINGSHM_BLOCK + lines);
	header->data_offset = RINGSHM_BLOCK;
	header->data_size = RINGSHM_BLOCK + ringshm__kind_records(header);
	return stamp(header);
}

static int names_differ(const char *name, const char *what, const char *asked, const char *there)
{
	return ringshm__fail(
		EEXIST,
		"open or create %s: the channel exists with %s %s, and %s was asked; ask for the same, or remove it (ringshm rm %s)",
		name, what, there, asked, name);
}

static int differ(const char *name, const char *what, uint64_t asked, uint64_t there)
{
	char asked_text[24], there_text[24];

	snprintf(asked_text, sizeof(asked_text), "%llu", (unsigned long long)asked);
	snprintf(there_text, sizeof(there_text), "%llu", (unsigned long long)there);
	return names_differ(name, what, asked_text, there_text);
}

static const char *list_features(uint64_t features, char text[static 64])
{
	static const char *const word[] = {"TIMESTAMP", "BLOCK", "POLLFD", "EOF", "KLANE", "GATED"};
	size_t length = 0;

	text[0] = 0;
	for (unsigned int i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		if (features >> i & 1)
			length += (size_t)snprintf(text + length, 64 - length, "%s%s", length ? "|" : "", word[i]);
	return length ? text : "none";
}

static int features_differ(const char *name, uint64_t asked, uint64_t there)
{
	char asked_text[64], there_text[64];

	return names_differ(name, "features", list_features(asked, asked_text), list_features(there, there_text));
}

/* 0 when a channel of this header is what the caller would have created, else -EEXIST. */
int ringshm__config_matches(const struct ringshm_config *config, const struct ringshm_header *header, const char *name)
{
	if (config->kind != header->kind)
		return names_differ(name, "kind", ringshm_kind_name(config->kind), ringshm_kind_name(header->kind));
	if (config->capacity != header->capacity)
		return differ(name, "capacity", config->capacity, header->capacity);
	if (ringshm__kind_slot_size(config) != header->slot_size)
		return differ(name, "slot size", ringshm__kind_slot_size(config), header->slot_size);
	if (config->alignment != header->alignment)
		return differ(name, "alignment", config->alignment, header->alignment);
	if (ringshm__kind_participants(config) != header->participants)
		return differ(name, "participants", ringshm__kind_participants(config), header->participants);
	if (config->features != (header->incompat & RINGSHM_F_KNOWN))
		return features_differ(name, config->features, header->incompat & RINGSHM_F_KNOWN);
	if (config->schema_id != header->schema_id)
		return differ(name, "schema", config->schema_id, header->schema_id);
	if (config->schema_version != header->schema_version)
		return differ(name, "schema version", config->schema_version, header->schema_version);
	if (config->backend != RINGSHM_BACKEND_AUTO && config->backend != header->backend)
		return names_differ(name, "backend", ringshm_backend_name(config->backend),
				    ringshm_backend_name(header->backend));
	return 0;
}
