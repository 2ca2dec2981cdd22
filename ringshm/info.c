/* SPDX-License-Identifier: MIT */
/* Looking at a channel from outside: shape, positions, who is there, what was lost. */
#include "config.h"

#include "internal.h"

#include <sys/mman.h>
#include <sys/stat.h>

static void describe(const struct ringshm *channel, struct ringshm_info *info)
{
	const struct ringshm_header *h = &channel->header;

	info->kind = h->kind;
	info->capacity = h->capacity;
	info->start_position = h->start_position;
	info->slot_size = h->slot_size;
	info->alignment = h->alignment;
	info->max_payload = ringshm__kind_max_payload(h);
	info->backend = h->backend;
	info->page_size = h->page_size;
	info->features = h->incompat & RINGSHM_F_KNOWN;
	info->node = h->node;
	info->participants = h->participants;
	info->ctl_size = h->ctl_size;
	info->cons_size = h->cons_size;
	info->data_size = h->data_size;
	info->schema_id = h->schema_id;
	info->schema_version = h->schema_version;
	memcpy(info->uuid, h->uuid, sizeof(info->uuid));
	info->created_ns = h->created_ns;
	info->creator_pid = h->creator_pid;
}

static void permissions(const struct ringshm *channel, struct ringshm_info *info)
{
	struct stat status;

	if (!fstat(channel->ctl_fd, &status)) {
		info->owner = status.st_uid;
		info->mode = status.st_mode & 0777;
	}
	if (!fstat(channel->cons_fd, &status))
		info->consumer_mode = status.st_mode & 0777;
}

static void progress(const struct ringshm *channel, struct ringshm_info *info)
{
	uint64_t used;

	ringshm__kind_positions(&channel->header, channel->ctl, channel->cons, &info->head, &info->tail);
	used = info->tail - info->head;
	info->used = used <= channel->header.capacity ? used : 0; /* tail may lag behind a flush */
	info->state = (uint32_t)ringshm_load_acquire(&channel->ctl->state.word);
}

/* relaxed throughout: recent figures are wanted, and no order between them */
static void counts(const struct ringshm *channel, struct ringshm_info *info)
{
	const struct ringshm_count_line *ctl = &channel->ctl->count, *cons = &channel->cons->count;

	info->lost_produced = ringshm_load_relaxed(&ctl->lost);
	info->lost_consumed = ringshm_load_relaxed(&cons->lost);
	info->repairs = ringshm_load_relaxed(&ctl->repairs) + ringshm_load_relaxed(&cons->repairs);
	info->takeovers = ringshm_load_relaxed(&ctl->takeovers) + ringshm_load_relaxed(&cons->takeovers);
}

/* The words of a kernel lane stand in data, whose first page is mapped for a moment. */
static void lane(const struct ringshm *channel, struct ringshm_info *info)
{
	const struct ringshm_data *data = NULL;
	void *map = MAP_FAILED;
	uint64_t used;

	if (channel->header.incompat & RINGSHM_F_KLANE && channel->data.fd >= 0)
		map = mmap(NULL, sizeof(*data), PROT_READ, MAP_SHARED, channel->data.fd, 0);
	if (map == MAP_FAILED)
		return;
	data = (const struct ringshm_data *)map;
	info->head = ringshm_load_acquire(&data->head.word); /* A4: head first, so that tail is not behind it */
	info->tail = ringshm_load_acquire(&data->tail.word); /* A3 */
	used = info->tail - info->head;
	info->used = used <= channel->header.capacity ? used : 0;
	info->lost_produced = ringshm_load_relaxed(&data->count.lost); /* relaxed: a recent figure is wanted */
	munmap(map, sizeof(*data));
}

static void count_seat(const struct ringshm *channel, uint32_t role, uint32_t id, struct ringshm_info *info)
{
	void *file = role == RINGSHM_ROLE_PRODUCER ? (void *)channel->ctl : (void *)channel->cons;
	const struct ringshm_participant *line = ringshm_participant_line(file, id);
	uint32_t state = __atomic_load_n(&line->state, __ATOMIC_ACQUIRE);
	bool alive;

	if (state == RINGSHM_SEAT_FREE)
		return;
	info->attached_ever = 1;
	if (role == RINGSHM_ROLE_PRODUCER)
		info->producers_ever += ringshm_load_relaxed(&line->generation);
	else
		info->consumers_ever += ringshm_load_relaxed(&line->generation);
	info->dropped += ringshm_load_relaxed(&line->dropped);
	if (state != RINGSHM_SEAT_ATTACHED)
		return;
	alive = ringshm__seat_alive(channel, id);
	info->dead += !alive;
	info->producers += alive && role == RINGSHM_ROLE_PRODUCER;
	info->consumers += alive && role == RINGSHM_ROLE_CONSUMER;
}

int ringshm_info(struct ringshm *channel, struct ringshm_info *out)
{
	struct ringshm_info info = {0};
	uint32_t size = out ? out->size : 0;

	if (!channel || size < sizeof(uint32_t))
		return ringshm__fail(EINVAL, "info: give a channel, and set info.size to sizeof(struct ringshm_info)");
	describe(channel, &info);
	permissions(channel, &info);
	progress(channel, &info);
	counts(channel, &info);
	lane(channel, &info);
	ringshm__kind_inform(channel, &info);
	for (uint32_t id = 0; id < channel->header.participants; id++) {
		count_seat(channel, RINGSHM_ROLE_PRODUCER, id, &info);
		count_seat(channel, RINGSHM_ROLE_CONSUMER, id, &info);
	}
	info.size = size < sizeof(info) ? size : sizeof(info);
	memcpy(out, &info, info.size);
	return 0;
}

static void describe_seat(const struct ringshm_participant *line, struct ringshm_participant_info *info)
{
	info->role = line->role;
	info->pid = line->pid;
	info->tid = line->tid;
	info->generation = ringshm_load_relaxed(&line->generation);
	info->attached_ns = ringshm_load_relaxed(&line->attached_ns);
	info->dropped = ringshm_load_relaxed(&line->dropped);
	memcpy(info->comm, line->comm, sizeof(info->comm));
	info->comm[sizeof(info->comm) - 1] = 0;
}

int ringshm_participant_info(struct ringshm *channel, uint32_t role, uint32_t id, struct ringshm_participant_info *out)
{
	struct ringshm_participant_info info = {0};
	const struct ringshm_participant *line;
	uint32_t size = out ? out->size : 0;

	if (!channel || size < sizeof(uint32_t) || (role != RINGSHM_ROLE_PRODUCER && role != RINGSHM_ROLE_CONSUMER))
		return ringshm__fail(EINVAL, "participant: give a channel, a role, and set info.size");
	if (id >= channel->header.participants)
		return ringshm__fail(ERANGE, "participant %u: the channel has %u", id, channel->header.participants);
	line = ringshm_participant_line(role == RINGSHM_ROLE_PRODUCER ? (void *)channel->ctl : (void *)channel->cons,
					id);
	if (__atomic_load_n(&line->state, __ATOMIC_ACQUIRE) != RINGSHM_SEAT_ATTACHED)
		return ringshm__fail(ENOENT, "participant %u: that seat is empty", id);
	describe_seat(line, &info);
	info.id = id;
	info.alive = ringshm__seat_alive(channel, id);
	info.size = size < sizeof(info) ? size : sizeof(info);
	memcpy(out, &info, info.size);
	return 0;
}
