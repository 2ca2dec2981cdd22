/* SPDX-License-Identifier: MIT */
/* mpmc endpoints: opening, closing, repairing what the dead left, waiting. The ring itself is <ringshm/mpmc.h>. */
#include "config.h"

#include "internal.h"

#include <sys/mman.h>

/* ---- what the library knows about the kind -------------------------------------------------- */

#define SLOT_SIZE_DEFAULT 64u
#define SLOT_SIZE_MAX (UINT32_C(1) << 24)

static uint32_t offset_of(const struct ringshm_header *header)
{
	return ringshm_mpmc_offset(header->slot_size, header->alignment, header->incompat);
}

static bool slot_fits(uint32_t slot_size, uint32_t alignment, uint64_t features)
{
	return slot_size % alignment == 0 && slot_size <= SLOT_SIZE_MAX &&
	       slot_size > ringshm_mpmc_offset(slot_size, alignment, features);
}

static int check(const struct ringshm_config *config)
{
	uint32_t slot_size = config->slot_size ? config->slot_size : SLOT_SIZE_DEFAULT;

	if (slot_fits(slot_size, config->alignment, config->features))
		return 0;
	return ringshm__fail(
		EINVAL, "create: slot size %u; an mpmc slot is a multiple of the alignment (%u), from %u to %u bytes",
		slot_size, config->alignment,
		ringshm_mpmc_offset(RINGSHM_MPMC_COMPACT_MAX, config->alignment, config->features) + config->alignment,
		SLOT_SIZE_MAX);
}

static bool sound(const struct ringshm_header *header)
{
	return slot_fits(header->slot_size, header->alignment, header->incompat) &&
	       header->capacity <= UINT64_C(1) << 32 && header->capacity >= 2;
}

static uint32_t max_payload(const struct ringshm_header *header)
{
	return header->slot_size - offset_of(header);
}

/* Slot i begins free for the first position, from the start position on, that falls to it. */
static void format(const struct ringshm_header *header, void *slots)
{
	for (uint64_t i = 0; i < header->capacity; i++) {
		uint64_t position = header->start_position + i, index = position & (header->capacity - 1);

		*(ringshm_word *)((unsigned char *)slots + index * header->slot_size) = ringshm__mpmc_f(position);
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

static void find_ring(struct ringshm__mpmc_ring *ring, const struct ringshm_header *header, struct ringshm_ctl *ctl,
		      struct ringshm_cons *cons, void *slots)
{
	ring->cursor[0] = &ctl->tail.word;
	ring->cursor[1] = &cons->head.word;
	ring->lines[0] = ringshm_participant_line(ctl, 0);
	ring->lines[1] = ringshm_participant_line(cons, 0);
	ring->lost[0] = &cons->count.lost; /* producers cross what dead consumers left, and the reverse */
	ring->lost[1] = &ctl->count.lost;
	ring->repairs[0] = &ctl->count.repairs;
	ring->repairs[1] = &cons->count.repairs;
	ring->base = (unsigned char *)slots;
	ring->mask = ringshm__mpmc_f(header->capacity - 1);
	ring->stride = header->slot_size;
	ring->participants = header->participants;
}

/* ---- what a stopped participant holds up ---------------------------------------------------- */

/* The slot's word, through a mapping of its own page; `f` itself when the backend has no pages to map. */
static uint64_t word_at(const struct ringshm *channel, uint64_t f)
{
	const struct ringshm_header *header = &channel->header;
	uint64_t index = (f >> RINGSHM_MPMC_SHIFT) & (header->capacity - 1);
	uint64_t at = header->data_offset + index * header->slot_size, page = at & ~(channel->data.page_size - 1);
	uint64_t word;
	void *map;

	if (channel->data.fd < 0)
		return f;
	map = mmap(NULL, (size_t)channel->data.page_size, PROT_READ, MAP_SHARED, channel->data.fd, (off_t)page);
	if (map == MAP_FAILED)
		return f;
	/* relaxed: only compared */
	word = ringshm_load_relaxed((ringshm_word *)((unsigned char *)map + (at - page)));
	munmap(map, (size_t)channel->data.page_size);
	return word;
}

/* Does the holder that the stall line names still hold that position, unfinished and alive? */
static bool still_stands(const struct ringshm *channel, unsigned int side, uint64_t f, uint64_t holder)
{
	void *file = side ? (void *)channel->cons : (void *)channel->ctl;
	uint64_t intent, into, word;

	if (holder >= channel->header.participants)
		return false;
	intent = ringshm_load_acquire(&ringshm_participant_line(file, (uint32_t)holder)->intent); /* A3 */
	into = (f - (intent & ~RINGSHM_MPMC_LOW)) >> RINGSHM_MPMC_SHIFT;
	if (into >= (intent & RINGSHM_MPMC_LOW) || !ringshm__seat_alive(channel, (uint32_t)holder))
		return false;
	word = word_at(channel, f);
	return word == f || word - (f | ringshm__mpmc_turn(side)) < RINGSHM_MPMC_READY;
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

static void inform(const struct ringshm *channel, struct ringshm_info *info)
{
	struct ringshm__mpmc_ring ring;

	find_ring(&ring, &channel->header, channel->ctl, channel->cons, NULL);
	info->lost_produced = ringshm__mpmc_lost(&ring, RINGSHM__MPMC_CONSUMERS);
	info->lost_consumed = ringshm__mpmc_lost(&ring, RINGSHM__MPMC_PRODUCERS);
	inform_stall(channel, RINGSHM__MPMC_CONSUMERS, info);
	inform_stall(channel, RINGSHM__MPMC_PRODUCERS, info); /* what stops consumers goes first */
}

const struct ringshm_kind_ops ringshm__kind_mpmc = {
	.features = RINGSHM_F_TIMESTAMP | RINGSHM_F_BLOCK | RINGSHM_F_EOF,
	.slot_size = SLOT_SIZE_DEFAULT,
	.consumers_write_data = true,
	.shares_control = true,
	.check = check,
	.sound = sound,
	.cursor = ringshm__mpmc_f,
	.max_payload = max_payload,
	.format = format,
	.positions = positions,
	.inform = inform,
};

/* ---- repair --------------------------------------------------------------------------------- */

static struct ringshm_endpoint *owner_of(void *owner)
{
	return (struct ringshm_endpoint *)owner;
}

/* The fact that convicts: nobody holds the lock of that seat. */
static bool is_dead(void *context, unsigned int side, uint32_t id)
{
	const struct ringshm_endpoint *e = owner_of(context);

	(void)side; /* a seat has one owner, whatever its role */
	return !ringshm__seat_alive(e->channel, id);
}

/* Write down who holds `f` up, once, so that people can be told since when. */
static void note_stall(struct ringshm_stall_line *line, const struct ringshm__mpmc_look *look)
{
	if (ringshm_load_relaxed(&line->position) == (look->f | 1)) /* relaxed: noted by anybody */
		return;
	/* relaxed, both: R6 publishes them; two who note the same at once write nearly the same */
	ringshm_store_relaxed(&line->since_ns, ringshm__now());
	ringshm_store_relaxed(&line->holder, look->holder);
	ringshm_store_release(&line->position, look->f | 1); /* R6: pairs with A6 */
}

/* Free what the dead of a side left unfinished. How many positions. */
static int recover(struct ringshm_endpoint *e, const struct ringshm__mpmc *m, unsigned int side)
{
	struct ringshm__mpmc_look look;

	if (e->forked)
		return -ESTALE;
	look = ringshm__mpmc_inspect(&m->ring, side, true, is_dead, e);
	if (look.repaired) /* the other side can go on */
		ringshm__wake_all(side ? &e->cons->wake : &e->ctl->wake);
	if (look.holder < m->ring.participants)
		note_stall(side ? &e->cons->stall : &e->ctl->stall, &look);
	return (int)look.repaired;
}

/* ---- opening -------------------------------------------------------------------------------- */

static void fill_ring(struct ringshm__mpmc *m, struct ringshm_endpoint *e, unsigned int side)
{
	find_ring(&m->ring, &e->channel->header, e->ctl, e->cons,
		  (unsigned char *)e->data + e->channel->header.data_offset);
	m->cursor = m->ring.cursor[side];
	m->intent = &e->self->intent;
	m->base = m->ring.base;
	m->mask = m->ring.mask;
	m->stride = m->ring.stride;
}

static int open_endpoint(struct ringshm_endpoint **e, struct ringshm *channel, uint32_t role, uint32_t protocol,
			 uint32_t size, uint32_t expected_size)
{
	const struct ringshm_endpoint_request request = {
		.channel = channel,
		.kind = RINGSHM_MPMC,
		.role = role,
		.id = RINGSHM_SEAT_ANY,
		.protocol = protocol,
		.spoken = RINGSHM_MPMC_PROTOCOL,
		.size = size,
		.expected_size = expected_size,
	};
	int error = ringshm__endpoint_open(e, &request);

	if (error)
		return error;
	(*e)->many = true;
	ringshm__seat_settle_any(*e, role == RINGSHM_ROLE_PRODUCER ? &(*e)->ctl->count : &(*e)->cons->count);
	return 0;
}

static void close_endpoint(struct ringshm_endpoint *e)
{
	if (!e->forked)
		ringshm_store_release(&e->self->intent, 0); /* R0: nothing is mine any more */
	ringshm__endpoint_close(e);
}

/* ---- producer ------------------------------------------------------------------------------- */

static void producer_wake(struct ringshm_mpmc_producer *p, uint32_t most)
{
	ringshm__wake_some(owner_of(p->owner), most);
}

/* Full for long: has a consumer died over the oldest slot? */
static void producer_suspect(struct ringshm_mpmc_producer *p)
{
	recover(owner_of(p->owner), &p->m, RINGSHM__MPMC_CONSUMERS);
}

int ringshm_mpmc_producer_open_as(struct ringshm_mpmc_producer *p, struct ringshm *channel, uint32_t protocol,
				  uint32_t size)
{
	const struct ringshm_header *header;
	struct ringshm_endpoint *e;
	int error = p ? open_endpoint(&e, channel, RINGSHM_ROLE_PRODUCER, protocol, size, sizeof(*p)) :
			ringshm__fail(EINVAL, "open: no endpoint given");

	if (error)
		return error;
	header = &e->channel->header;
	memset(p, 0, sizeof(*p));
	fill_ring(&p->m, e, RINGSHM__MPMC_PRODUCERS);
	p->state = &e->ctl->state.word;
	p->sleepers = &e->cons->wake.sleepers;
	p->offset = offset_of(header);
	p->max_payload = max_payload(header);
	p->compact = ringshm_mpmc_compact(header->slot_size, header->incompat);
	p->certain = (header->incompat & RINGSHM_F_BLOCK) != 0;
	p->clock = header->incompat & RINGSHM_F_TIMESTAMP ? ringshm__now : NULL;
	p->wake = producer_wake;
	p->suspect = producer_suspect;
	p->self = e->self;
	p->id = e->id;
	p->owner = e;
	return 0;
}

int ringshm_mpmc_producer_close(struct ringshm_mpmc_producer *p)
{
	struct ringshm_endpoint *e = p ? owner_of(p->owner) : NULL;

	if (!e)
		return 0;
	ringshm_mpmc_discard(p);
	close_endpoint(e);
	memset(p, 0, sizeof(*p));
	return 0;
}

int ringshm_mpmc_producer_recover(struct ringshm_mpmc_producer *p)
{
	struct ringshm_endpoint *e = owner_of(p->owner);
	int produced = recover(e, &p->m, RINGSHM__MPMC_PRODUCERS);
	int consumed = recover(e, &p->m, RINGSHM__MPMC_CONSUMERS);

	return produced < 0 ? produced : produced + consumed;
}

int ringshm_mpmc_reserve_n_wait(struct ringshm_mpmc_producer *p, uint32_t n, int64_t timeout_ns, uint32_t *reserved)
{
	struct ringshm_wait wait;
	bool probe;
	int error = 0;

	*reserved = ringshm_mpmc_reserve_n(p, n);
	if (*reserved || p->status)
		return *reserved ? 0 : p->status;
	ringshm__wait_begin(&wait, owner_of(p->owner), timeout_ns);
	while (!*reserved && !p->status && !(error = ringshm__wait_step(&wait, &probe))) {
		if (probe)
			producer_suspect(p);
		*reserved = ringshm_mpmc_reserve_n(p, n);
	}
	ringshm__wait_end(&wait);
	if (*reserved)
		return 0;
	return p->status ? p->status : error;
}

int ringshm_mpmc_reserve_wait(struct ringshm_mpmc_producer *p, uint32_t len, int64_t timeout_ns, void **payload)
{
	uint32_t reserved;
	int error;

	*payload = ringshm_mpmc_reserve(p, len); /* also finds what is too long */
	if (*payload || p->status)
		return *payload ? 0 : p->status;
	error = ringshm_mpmc_reserve_n_wait(p, 1, timeout_ns, &reserved);
	if (!error)
		*payload = ringshm_mpmc_room(p, 0);
	return error;
}

int ringshm_mpmc_send_wait(struct ringshm_mpmc_producer *p, const void *buf, uint32_t len, int64_t timeout_ns)
{
	void *payload;
	int error = ringshm_mpmc_reserve_wait(p, len, timeout_ns, &payload);

	if (error)
		return error;
	if (len)
		memcpy(payload, buf, len);
	ringshm_mpmc_commit(p, len);
	return 0;
}

/* ---- consumer ------------------------------------------------------------------------------- */

static void consumer_wake(struct ringshm_mpmc_consumer *c, uint32_t most)
{
	ringshm__wake_some(owner_of(c->owner), most);
}

/* Somebody produced, and nobody does any more. */
static bool producers_gone(const struct ringshm *channel)
{
	bool ever = false;

	for (uint32_t id = 0; id < channel->header.participants; id++) {
		const struct ringshm_participant *line = ringshm_participant_line(channel->ctl, id);
		uint32_t state = __atomic_load_n(&line->state, __ATOMIC_ACQUIRE); /* A8: pairs with R8 */

		ever |= state != RINGSHM_SEAT_FREE;
		if (state == RINGSHM_SEAT_ATTACHED && ringshm__seat_alive(channel, id))
			return false;
	}
	return ever;
}

/* Nothing for long: has a producer died over the next slot, or is there none who could fill it? */
static void consumer_suspect(struct ringshm_mpmc_consumer *c)
{
	struct ringshm_endpoint *e = owner_of(c->owner);

	if (recover(e, &c->m, RINGSHM__MPMC_PRODUCERS) || !(e->channel->header.incompat & RINGSHM_F_EOF))
		return;
	if (!e->forked && producers_gone(e->channel))
		c->ended = 1; /* seen before the next look, which is therefore the last that could find something */
}

int ringshm_mpmc_consumer_open_as(struct ringshm_mpmc_consumer *c, struct ringshm *channel, uint32_t protocol,
				  uint32_t size)
{
	const struct ringshm_header *header;
	struct ringshm_endpoint *e;
	int error = c ? open_endpoint(&e, channel, RINGSHM_ROLE_CONSUMER, protocol, size, sizeof(*c)) :
			ringshm__fail(EINVAL, "open: no endpoint given");

	if (error)
		return error;
	header = &e->channel->header;
	memset(c, 0, sizeof(*c));
	fill_ring(&c->m, e, RINGSHM__MPMC_CONSUMERS);
	c->state = &e->ctl->state.word;
	c->sleepers = &e->ctl->wake.sleepers;
	c->quarter = ringshm__mpmc_f(header->capacity >= 4 ? header->capacity / 4 : 1);
	c->offset = offset_of(header);
	c->max_payload = max_payload(header);
	c->compact = ringshm_mpmc_compact(header->slot_size, header->incompat);
	c->stamped = (header->incompat & RINGSHM_F_TIMESTAMP) != 0;
	c->certain = (header->incompat & RINGSHM_F_BLOCK) != 0;
	c->wake = consumer_wake;
	c->suspect = consumer_suspect;
	c->self = e->self;
	c->id = e->id;
	c->owner = e;
	return 0;
}

int ringshm_mpmc_consumer_close(struct ringshm_mpmc_consumer *c)
{
	struct ringshm_endpoint *e = c ? owner_of(c->owner) : NULL;

	if (!e)
		return 0;
	ringshm_mpmc_release(c, UINT32_MAX);
	close_endpoint(e);
	memset(c, 0, sizeof(*c));
	return 0;
}

int ringshm_mpmc_consumer_recover(struct ringshm_mpmc_consumer *c)
{
	struct ringshm_endpoint *e = owner_of(c->owner);
	int produced = recover(e, &c->m, RINGSHM__MPMC_PRODUCERS);
	int consumed = recover(e, &c->m, RINGSHM__MPMC_CONSUMERS);

	return produced < 0 ? produced : produced + consumed;
}

/* What one look found: a payload, or how many. */
struct found {
	const void *payload;
	uint32_t n;
};

typedef bool look_function(struct ringshm_mpmc_consumer *c, struct found *found);

static bool look_first(struct ringshm_mpmc_consumer *c, struct found *found)
{
	return (found->payload = ringshm_mpmc_peek(c, &found->n));
}

static bool look_next(struct ringshm_mpmc_consumer *c, struct found *found)
{
	return (found->payload = ringshm_mpmc_peek_next(c, &found->n));
}

static bool look_many(struct ringshm_mpmc_consumer *c, struct found *found)
{
	uint32_t got = ringshm_mpmc_peek_n(c, found->n);

	if (got)
		found->n = got;
	return got;
}

static int look_wait(struct ringshm_mpmc_consumer *c, look_function *look, int64_t timeout_ns, struct found *found)
{
	struct ringshm_wait wait;
	bool probe, there = look(c, found);
	int error = 0;

	if (there || c->status)
		return there ? 0 : c->status;
	ringshm__wait_begin(&wait, owner_of(c->owner), timeout_ns);
	while (!there && !c->status && !(error = ringshm__wait_step(&wait, &probe))) {
		if (probe)
			consumer_suspect(c);
		there = look(c, found);
	}
	ringshm__wait_end(&wait);
	if (there)
		return 0;
	return c->status ? c->status : error;
}

int ringshm_mpmc_peek_wait(struct ringshm_mpmc_consumer *c, int64_t timeout_ns, const void **payload, uint32_t *len)
{
	struct found found = {NULL, 0};
	int error = look_wait(c, look_first, timeout_ns, &found);

	*payload = found.payload;
	*len = found.n;
	return error;
}

int ringshm_mpmc_peek_next_wait(struct ringshm_mpmc_consumer *c, int64_t timeout_ns, const void **payload,
				uint32_t *len)
{
	struct found found = {NULL, 0};
	int error = look_wait(c, look_next, timeout_ns, &found);

	*payload = found.payload;
	*len = found.n;
	return error;
}

int ringshm_mpmc_peek_n_wait(struct ringshm_mpmc_consumer *c, uint32_t n, int64_t timeout_ns, uint32_t *peeked)
{
	struct found found = {NULL, n};
	int error = look_wait(c, look_many, timeout_ns, &found);

	*peeked = error ? 0 : found.n;
	return error;
}

int ringshm_mpmc_recv_wait(struct ringshm_mpmc_consumer *c, void *buf, uint32_t cap, uint32_t *len, int64_t timeout_ns)
{
	const void *payload;
	int error = ringshm_mpmc_peek_wait(c, timeout_ns, &payload, len);

	if (error)
		return error;
	return ringshm_mpmc_recv(c, buf, cap, len);
}
