/* SPDX-License-Identifier: MIT */
/* mpmc as a kind: its shape, and what ringshm_info() tells of it: who stands in the way, what was lost. */
#include "config.h"

#include "mpmc_kind.h"

#include <sys/mman.h>

#include "internal.h"

/* ---- its shape ------------------------------------------------------------------------------ */

#define SLOT_SIZE_DEFAULT 64u
#define SLOT_SIZE_MAX (UINT32_C(1) << 24)
#define LOOKS 8u /* at a ring whose losses are being counted meanwhile */

struct ringshm_mpmc_shape ringshm__mpmc_shape_of(const struct ringshm_header *header)
{
	return ringshm_mpmc_shape(header->capacity, header->slot_size, header->alignment, header->incompat);
}

static bool slot_fits(uint32_t slot_size, uint32_t alignment, uint64_t features)
{
	return slot_size % alignment == 0 && slot_size <= SLOT_SIZE_MAX &&
	       slot_size > ringshm_mpmc_extra(slot_size, alignment, features);
}

static int check(const struct ringshm_config *config)
{
	uint32_t slot_size = config->slot_size ? config->slot_size : SLOT_SIZE_DEFAULT;

	if (slot_fits(slot_size, config->alignment, config->features))
		return 0;
	return ringshm__fail(
		EINVAL, "create: slot size %u; an mpmc slot is a multiple of the alignment (%u), from %u to %u bytes",
		slot_size, config->alignment,
		ringshm_mpmc_extra(RINGSHM_MPMC_COMPACT_MAX, config->alignment, config->features) + config->alignment,
		SLOT_SIZE_MAX);
}

static bool sound(const struct ringshm_header *header)
{
	return slot_fits(header->slot_size, header->alignment, header->incompat) &&
	       header->capacity <= UINT64_C(1) << 32 && header->capacity >= 2;
}

static uint32_t max_payload(const struct ringshm_header *header)
{
	return ringshm__mpmc_shape_of(header).max_payload;
}

static uint64_t records(const struct ringshm_header *header)
{
	return ringshm__mpmc_shape_of(header).size;
}

/* Slot i begins free for the first position, from the start position on, that falls to it. */
static void format(const struct ringshm_header *header, void *area)
{
	struct ringshm__mpmc_ring ring;

	ringshm__mpmc_find_ring(&ring, header, NULL, NULL, area);
	for (uint64_t i = 0; i < header->capacity; i++) {
		uint64_t f = ringshm__mpmc_f(header->start_position + i), index = ringshm__mpmc_index(ring.mask, f);

		ring.states[index] = (uint16_t)(ringshm__mpmc_lap(ring.order, f) + RINGSHM_MPMC_FREE);
		/* of the lap before: nothing is said of any position to come */
		ring.verdicts[index] = (f - ringshm__mpmc_f(header->capacity)) | RINGSHM_MPMC_RETURNED;
	}
}

/* A cursor's 56 bits, widened by where the channel started. */
static uint64_t widen(const struct ringshm_header *header, uint64_t cursor)
{
	uint64_t start = header->start_position;

	return start + (((cursor & ~RINGSHM_MPMC_LOW) - ringshm__mpmc_f(start)) >> RINGSHM_MPMC_SHIFT);
}

static void positions(const struct ringshm_header *header, const struct ringshm_ctl *ctl,
		      const struct ringshm_cons *cons, uint64_t *head, uint64_t *tail)
{
	*head = widen(header, ringshm_load_acquire(&cons->head.word)); /* A2; head first: tail is not behind it */
	*tail = widen(header, ringshm_load_acquire(&ctl->tail.word));  /* A2 */
}

static void find_words(struct ringshm__mpmc_ring *ring, struct ringshm_ctl *ctl, struct ringshm_cons *cons)
{
	ring->cursor[0] = &ctl->tail.word;
	ring->cursor[1] = &cons->head.word;
	ring->lines[0] = ringshm_participant_line(ctl, 0);
	ring->lines[1] = ringshm_participant_line(cons, 0);
	ring->lost[0] = &cons->count.lost; /* producers cross what dead consumers left, and the reverse */
	ring->lost[1] = &ctl->count.lost;
	ring->repairs[0] = &ctl->count.repairs;
	ring->repairs[1] = &cons->count.repairs;
}

static void find_slots(struct ringshm__mpmc_ring *ring, const struct ringshm_header *header, unsigned char *area)
{
	struct ringshm_mpmc_shape shape = ringshm__mpmc_shape_of(header);

	ring->states = (ringshm_word16 *)(area + shape.states);
	ring->verdicts = (ringshm_word *)(area + shape.verdicts);
	ring->slots = area + shape.slots;
}

void ringshm__mpmc_find_ring(struct ringshm__mpmc_ring *ring, const struct ringshm_header *header,
			     struct ringshm_ctl *ctl, struct ringshm_cons *cons, void *area)
{
	memset(ring, 0, sizeof(*ring));
	ring->mask = ringshm__mpmc_f(header->capacity - 1);
	ring->order = (uint32_t)__builtin_ctzll(header->capacity);
	ring->stride = ringshm__mpmc_shape_of(header).stride;
	ring->participants = header->participants;
	if (ctl)
		find_words(ring, ctl, cons);
	if (area)
		find_slots(ring, header, (unsigned char *)area);
}

/* ---- what a stopped participant holds up ---------------------------------------------------- */

/*
 * Read a state (a word of 16 bits) or a verdict, `at` bytes behind data_offset, through a mapping of its own
 * page. False: there is no way to look.
 */
static bool read_data(const struct ringshm *channel, uint64_t at, bool is_state, uint64_t *word)
{
	unsigned char *map;
	uint64_t page;

	if (channel->data.fd < 0)
		return false;
	at += channel->header.data_offset;
	page = at & ~(channel->data.page_size - 1);
	map = (unsigned char *)mmap(NULL, (size_t)channel->data.page_size, PROT_READ, MAP_SHARED, channel->data.fd,
				    (off_t)page);
	if (map == MAP_FAILED)
		return false;
	map += at - page;
	/* relaxed, both: only compared */
	*word = is_state ? ringshm_load16_relaxed((ringshm_word16 *)map) : ringshm_load_relaxed((ringshm_word *)map);
	map -= at - page;
	munmap(map, (size_t)channel->data.page_size);
	return true;
}

/* Has a position of this lap been handed over? False also when there is no way to look. */
static bool is_finished(const struct ringshm *channel, const struct ringshm__mpmc_ring *ring, unsigned int side,
			uint64_t f)
{
	struct ringshm_mpmc_shape shape = ringshm__mpmc_shape_of(&channel->header);
	struct ringshm__mpmc_sight sight = {.f = f};
	uint64_t index = ringshm__mpmc_index(ring->mask, f), state;

	if (!read_data(channel, shape.states + index * sizeof(ringshm_word16), true, &state) ||
	    !read_data(channel, shape.verdicts + index * sizeof(ringshm_word), false, &sight.verdict))
		return false;
	sight.state = ringshm__mpmc_since(ring, f, (uint16_t)state);
	return ringshm__mpmc_finished(ring, side, &sight);
}

/* Is a claimed position still unfinished? */
static bool is_unfinished(const struct ringshm *channel, unsigned int side, uint64_t f)
{
	struct ringshm__mpmc_ring ring;

	ringshm__mpmc_find_ring(&ring, &channel->header, channel->ctl, channel->cons, NULL);
	if (is_finished(channel, &ring, side, f))
		return false;
	/* A2: a lap beyond it the position is over, whatever its slot looks like */
	return (ringshm_load_acquire(ring.cursor[side]) & ~RINGSHM_MPMC_LOW) - f <= ring.mask + ringshm__mpmc_f(1);
}

/* Does the holder that the stall line names still hold that position, unfinished and alive? */
static bool still_stands(const struct ringshm *channel, unsigned int side, uint64_t f, uint64_t holder)
{
	void *file = side ? (void *)channel->cons : (void *)channel->ctl;
	uint64_t intent, into;

	if (holder >= channel->header.participants)
		return false;
	intent = ringshm_load_acquire(&ringshm_participant_line(file, (uint32_t)holder)->intent); /* A3 */
	into = (f - (intent & ~RINGSHM_MPMC_LOW)) >> RINGSHM_MPMC_SHIFT;
	if (into >= (intent & RINGSHM_MPMC_LOW) || !ringshm__seat_alive(channel, (uint32_t)holder))
		return false;
	return is_unfinished(channel, side, f);
}

static void inform_stall(const struct ringshm *channel, unsigned int side, struct ringshm_info *info)
{
	const struct ringshm_stall_line *line = side ? &channel->cons->stall : &channel->ctl->stall;
	uint64_t position = ringshm_load_acquire(&line->position); /* A6: pairs with R6 */
	/* relaxed, both: A6 came before, and who is named here is checked */
	uint64_t since = ringshm_load_relaxed(&line->since_ns), holder = ringshm_load_relaxed(&line->holder);
	uint64_t now = ringshm__now(), f = position & ~RINGSHM_MPMC_LOW;
	void *file = side ? (void *)channel->cons : (void *)channel->ctl;

	if (!position || !still_stands(channel, side, f, holder))
		return;
	info->stalled_role = side ? RINGSHM_ROLE_CONSUMER : RINGSHM_ROLE_PRODUCER;
	info->stalled_id = (uint32_t)holder;
	info->stalled_pid = ringshm_participant_line(file, (uint32_t)holder)->pid;
	info->stalled_position = widen(&channel->header, f);
	info->stalled_ns = now > since ? now - since : 0;
}

/* ---- what was lost -------------------------------------------------------------------------- */

/* Marks on the positions from `first` up to `end`, at most a lap of them. */
static uint64_t marks(const struct ringshm__mpmc_ring *ring, uint64_t first, uint64_t end, uint64_t mark)
{
	uint64_t left = (ring->mask >> RINGSHM_MPMC_SHIFT) + 1, found = 0;

	for (uint64_t f = first; f != end && left--; f += ringshm__mpmc_f(1)) {
		/* relaxed: a mark that comes now counts later */
		uint64_t verdict = ringshm_load_relaxed(ring->verdicts + ringshm__mpmc_index(ring->mask, f));

		found += (verdict & ~RINGSHM_MPMC_CHAIN) == (f | mark);
	}
	return found;
}

/* Losses marked in slots that this side has yet to come to, and to count. */
static uint64_t marked(const struct ringshm__mpmc_ring *ring, unsigned int side)
{
	uint64_t head = ringshm_load_acquire(ring->cursor[1]) & ~RINGSHM_MPMC_LOW; /* A2 */
	uint64_t tail = ringshm_load_acquire(ring->cursor[0]) & ~RINGSHM_MPMC_LOW; /* A2 */

	if (side)
		return marks(ring, head, tail, RINGSHM_MPMC_TOMBSTONE);
	return marks(ring, tail, head + ring->mask + ringshm__mpmc_f(1), RINGSHM_MPMC_FREED);
}

/* All of a side's losses, counted or marked: one that is counted during the look makes the look worthless. */
static uint64_t losses(const struct ringshm__mpmc_ring *ring, unsigned int side)
{
	uint64_t lost, again = ringshm__mpmc_lost(ring, side), more = 0;
	unsigned int tries = 0;

	do {
		lost = again;
		more = marked(ring, side);
		again = ringshm__mpmc_lost(ring, side);
	} while (again != lost && ++tries < LOOKS);
	return lost + more;
}

static void inform_losses(const struct ringshm *channel, struct ringshm_info *info)
{
	struct ringshm__mpmc_ring ring;
	void *data = NULL;

	ringshm__mpmc_find_ring(&ring, &channel->header, channel->ctl, channel->cons, NULL);
	info->lost_produced = ringshm__mpmc_lost(&ring, RINGSHM__MPMC_CONSUMERS);
	info->lost_consumed = ringshm__mpmc_lost(&ring, RINGSHM__MPMC_PRODUCERS);
	/* every repair that its other side has come to? then there is no mark, and no need to map anything */
	if (info->repairs == info->lost_produced + info->lost_consumed || ringshm__area_attach(channel, false, &data))
		return;
	find_slots(&ring, &channel->header, (unsigned char *)data + channel->header.data_offset);
	info->lost_produced = losses(&ring, RINGSHM__MPMC_CONSUMERS);
	info->lost_consumed = losses(&ring, RINGSHM__MPMC_PRODUCERS);
	channel->data.ops->unmap(&channel->data, data);
}

static void inform(const struct ringshm *channel, struct ringshm_info *info)
{
	inform_losses(channel, info);
	inform_stall(channel, RINGSHM__MPMC_CONSUMERS, info);
	inform_stall(channel, RINGSHM__MPMC_PRODUCERS, info); /* what stops consumers goes first */
}

const struct ringshm_kind_ops ringshm__kind_mpmc = {
	.features = RINGSHM_F_TIMESTAMP | RINGSHM_F_BLOCK | RINGSHM_F_EOF,
	.layout = RINGSHM_F_STATES,
	.slot_size = SLOT_SIZE_DEFAULT,
	.consumers_write_data = true,
	.shares_control = true,
	.check = check,
	.sound = sound,
	.cursor = ringshm__mpmc_f,
	.records = records,
	.max_payload = max_payload,
	.format = format,
	.positions = positions,
	.inform = inform,
};
