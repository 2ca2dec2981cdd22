/* SPDX-License-Identifier: MIT */
/* mpmc endpoints: opening, closing, repairing what the dead left, waiting. The ring itself is <ringshm/mpmc.h>. */
#include "config.h"

#include "mpmc_kind.h"
#include "role.h"

/* ---- repair --------------------------------------------------------------------------------- */

/* The fact that convicts: nobody holds the lock of that seat. */
static bool is_dead(void *context, unsigned int side, uint32_t id)
{
	const struct ringshm_endpoint *e = ringshm__owner(context);

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
	return look.worn ? -EPROTO : (int)look.repaired;
}

/* Both sides. How many positions were freed. */
static int recover_all(struct ringshm_endpoint *e, const struct ringshm__mpmc *m)
{
	int produced = recover(e, m, RINGSHM__MPMC_PRODUCERS), consumed = recover(e, m, RINGSHM__MPMC_CONSUMERS);

	return produced < 0 ? produced : consumed < 0 ? consumed : produced + consumed;
}

/* ---- opening -------------------------------------------------------------------------------- */

static void fill_ring(struct ringshm__mpmc *m, struct ringshm_endpoint *e, unsigned int side)
{
	ringshm__mpmc_find_ring(&m->ring, &e->channel->header, e->ctl, e->cons,
				(unsigned char *)e->data + e->channel->header.data_offset);
	m->cursor = m->ring.cursor[side];
	m->intent = &e->self->intent;
	m->states = m->ring.states;
	m->slots = m->ring.slots;
	m->mask = m->ring.mask;
	m->order = m->ring.order;
	m->stride = m->ring.stride;
}

static void drop_intent(const struct ringshm_endpoint *e)
{
	if (!e->forked)
		ringshm_store_release(&e->self->intent, 0); /* R0: nothing is mine any more */
}

/* ---- producer ------------------------------------------------------------------------------- */

static void producer_wake(struct ringshm_mpmc_producer *p, uint32_t most)
{
	ringshm__wake_some(ringshm__owner(p->owner), most);
}

/* Full for long: has a consumer died over the oldest slot? */
static void producer_suspect(struct ringshm_mpmc_producer *p)
{
	if (recover(ringshm__owner(p->owner), &p->m, RINGSHM__MPMC_CONSUMERS) == -EPROTO)
		p->status = -EPROTO;
}

static void fill_producer(void *end, struct ringshm_endpoint *e)
{
	struct ringshm_mpmc_producer *p = (struct ringshm_mpmc_producer *)end;
	const struct ringshm_header *header = &e->channel->header;
	struct ringshm_mpmc_shape shape = ringshm__mpmc_shape_of(header);

	fill_ring(&p->m, e, RINGSHM__MPMC_PRODUCERS);
	p->state = &e->ctl->state.word;
	p->sleepers = &e->cons->wake.sleepers;
	p->offset = shape.offset;
	p->max_payload = shape.max_payload;
	p->compact = ringshm_mpmc_compact(header->slot_size, header->incompat);
	p->certain = (header->incompat & RINGSHM_F_BLOCK) != 0;
	p->clock = header->incompat & RINGSHM_F_TIMESTAMP ? ringshm__now : NULL;
	p->wake = producer_wake;
	p->suspect = producer_suspect;
	p->self = e->self;
	p->id = e->id;
	p->owner = e;
}

static const struct ringshm_role_ops producer = {
	.kind = RINGSHM_MPMC,
	.role = RINGSHM_ROLE_PRODUCER,
	.id = RINGSHM_SEAT_ANY,
	.protocol = RINGSHM_MPMC_PROTOCOL,
	.size = sizeof(struct ringshm_mpmc_producer),
	.fill = fill_producer,
};

int ringshm_mpmc_producer_open_as(struct ringshm_mpmc_producer *p, struct ringshm *channel, uint32_t protocol,
				  uint32_t size)
{
	return ringshm__role_open(p, channel, protocol, size, &producer);
}

int ringshm_mpmc_producer_close(struct ringshm_mpmc_producer *p)
{
	struct ringshm_endpoint *e = p ? ringshm__owner(p->owner) : NULL;

	if (!e)
		return 0;
	ringshm_mpmc_discard(p);
	drop_intent(e);
	return ringshm__role_close(p, e, &producer);
}

int ringshm_mpmc_producer_recover(struct ringshm_mpmc_producer *p)
{
	return recover_all(ringshm__owner(p->owner), &p->m);
}

static bool look_for_room(void *end, void *n)
{
	uint32_t got = ringshm_mpmc_reserve_n((struct ringshm_mpmc_producer *)end, *(uint32_t *)n);

	if (got)
		*(uint32_t *)n = got;
	return got;
}

static void suspect_consumers(void *end)
{
	producer_suspect((struct ringshm_mpmc_producer *)end);
}

int ringshm_mpmc_reserve_n_wait(struct ringshm_mpmc_producer *p, uint32_t n, int64_t timeout_ns, uint32_t *reserved)
{
	const struct ringshm_search search = {
		.end = p,
		.endpoint = ringshm__owner(p->owner),
		.status = &p->status,
		.look = look_for_room,
		.found = &n,
		.suspect = suspect_consumers,
	};
	int error = ringshm__search(&search, timeout_ns);

	*reserved = error ? 0 : n;
	return error;
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
	int error = ringshm_mpmc_send(p, buf, len); /* the short way, as long as nobody has to wait */

	if (error != -EAGAIN)
		return error;
	error = ringshm_mpmc_reserve_wait(p, len, timeout_ns, &payload);
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
	ringshm__wake_some(ringshm__owner(c->owner), most);
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
	struct ringshm_endpoint *e = ringshm__owner(c->owner);
	int repaired = recover(e, &c->m, RINGSHM__MPMC_PRODUCERS);

	if (repaired == -EPROTO)
		c->status = -EPROTO;
	if (repaired || !(e->channel->header.incompat & RINGSHM_F_EOF))
		return;
	if (!e->forked && producers_gone(e->channel))
		c->ended = 1; /* seen before the next look, which is therefore the last that could find something */
}

static void fill_consumer(void *end, struct ringshm_endpoint *e)
{
	struct ringshm_mpmc_consumer *c = (struct ringshm_mpmc_consumer *)end;
	const struct ringshm_header *header = &e->channel->header;
	struct ringshm_mpmc_shape shape = ringshm__mpmc_shape_of(header);

	fill_ring(&c->m, e, RINGSHM__MPMC_CONSUMERS);
	c->state = &e->ctl->state.word;
	c->sleepers = &e->ctl->wake.sleepers;
	c->quarter = ringshm__mpmc_f(header->capacity >= 4 ? header->capacity / 4 : 1);
	c->offset = shape.offset;
	c->max_payload = shape.max_payload;
	c->compact = ringshm_mpmc_compact(header->slot_size, header->incompat);
	c->stamped = (header->incompat & RINGSHM_F_TIMESTAMP) != 0;
	c->certain = (header->incompat & RINGSHM_F_BLOCK) != 0;
	c->wake = consumer_wake;
	c->suspect = consumer_suspect;
	c->self = e->self;
	c->id = e->id;
	c->owner = e;
}

static const struct ringshm_role_ops consumer = {
	.kind = RINGSHM_MPMC,
	.role = RINGSHM_ROLE_CONSUMER,
	.id = RINGSHM_SEAT_ANY,
	.protocol = RINGSHM_MPMC_PROTOCOL,
	.size = sizeof(struct ringshm_mpmc_consumer),
	.fill = fill_consumer,
};

int ringshm_mpmc_consumer_open_as(struct ringshm_mpmc_consumer *c, struct ringshm *channel, uint32_t protocol,
				  uint32_t size)
{
	return ringshm__role_open(c, channel, protocol, size, &consumer);
}

int ringshm_mpmc_consumer_close(struct ringshm_mpmc_consumer *c)
{
	struct ringshm_endpoint *e = c ? ringshm__owner(c->owner) : NULL;

	if (!e)
		return 0;
	ringshm_mpmc_release(c, UINT32_MAX);
	drop_intent(e);
	return ringshm__role_close(c, e, &consumer);
}

int ringshm_mpmc_consumer_recover(struct ringshm_mpmc_consumer *c)
{
	return recover_all(ringshm__owner(c->owner), &c->m);
}

/* What one look found: a payload, or how many. */
struct found {
	const void *payload;
	uint32_t n;
};

static bool look_first(void *end, void *what)
{
	struct found *found = (struct found *)what;

	return (found->payload = ringshm_mpmc_peek((struct ringshm_mpmc_consumer *)end, &found->n));
}

static bool look_next(void *end, void *what)
{
	struct found *found = (struct found *)what;

	return (found->payload = ringshm_mpmc_peek_next((struct ringshm_mpmc_consumer *)end, &found->n));
}

static bool look_many(void *end, void *what)
{
	struct found *found = (struct found *)what;
	uint32_t got = ringshm_mpmc_peek_n((struct ringshm_mpmc_consumer *)end, found->n);

	if (got)
		found->n = got;
	return got;
}

static void suspect_producers(void *end)
{
	consumer_suspect((struct ringshm_mpmc_consumer *)end);
}

static struct ringshm_search search_of(struct ringshm_mpmc_consumer *c, struct found *found)
{
	const struct ringshm_search search = {
		.end = c,
		.endpoint = ringshm__owner(c->owner),
		.status = &c->status,
		.found = found,
		.suspect = suspect_producers,
	};

	return search;
}

int ringshm_mpmc_peek_wait(struct ringshm_mpmc_consumer *c, int64_t timeout_ns, const void **payload, uint32_t *len)
{
	struct found found = {NULL, 0};
	struct ringshm_search search = search_of(c, &found);
	int error;

	search.look = look_first;
	error = ringshm__search(&search, timeout_ns);
	*payload = found.payload;
	*len = found.n;
	return error;
}

int ringshm_mpmc_peek_next_wait(struct ringshm_mpmc_consumer *c, int64_t timeout_ns, const void **payload,
				uint32_t *len)
{
	struct found found = {NULL, 0};
	struct ringshm_search search = search_of(c, &found);
	int error;

	search.look = look_next;
	error = ringshm__search(&search, timeout_ns);
	*payload = found.payload;
	*len = found.n;
	return error;
}

int ringshm_mpmc_peek_n_wait(struct ringshm_mpmc_consumer *c, uint32_t n, int64_t timeout_ns, uint32_t *peeked)
{
	struct found found = {NULL, n};
	struct ringshm_search search = search_of(c, &found);
	int error;

	search.look = look_many;
	error = ringshm__search(&search, timeout_ns);
	*peeked = error ? 0 : found.n;
	return error;
}

int ringshm_mpmc_recv_wait(struct ringshm_mpmc_consumer *c, void *buf, uint32_t cap, uint32_t *len, int64_t timeout_ns)
{
	const void *payload;
	int error = ringshm_mpmc_recv(c, buf, cap, len); /* the short way, as in send_wait */

	if (error != -EAGAIN)
		return error;
	error = ringshm_mpmc_peek_wait(c, timeout_ns, &payload, len);
	if (error)
		return error;
	return ringshm_mpmc_recv(c, buf, cap, len);
}
