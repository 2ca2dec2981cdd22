/* SPDX-License-Identifier: MIT */
/* spsc endpoints: opening, taking over from the dead, waiting. The ring itself is <ringshm/spsc.h>. */
#include "config.h"

#include "role.h"

#include <ringshm/poller.h>

/* ---- what the library knows about the kind -------------------------------------------------- */

static uint32_t max_payload(const struct ringshm_header *header)
{
	return ringshm_spsc_max_payload(header->capacity, ringshm__overhead(header));
}

static void positions(const struct ringshm_header *header, const struct ringshm_ctl *ctl,
		      const struct ringshm_cons *cons, uint64_t *head, uint64_t *tail)
{
	*head = ringshm_load_acquire(&cons->head.word); /* A4: head first, so that tail is not behind it */
	*tail = ringshm_load_acquire(&ctl->tail.word);	/* A3 */
	(void)header;
}

const struct ringshm_kind_ops ringshm__kind_spsc = {
	.features = RINGSHM_F_KLANE | RINGSHM_F_TIMESTAMP | RINGSHM_F_BLOCK | RINGSHM_F_EOF | RINGSHM_F_POLLFD,
	.seats = 2,
	.max_payload = max_payload,
	.positions = positions,
};

/* Alignment 64 is that of payloads: records begin so far before a line that theirs does not. */
static unsigned char *records(const struct ringshm_endpoint *e)
{
	const struct ringshm_header *header = &e->channel->header;
	uint32_t before = header->alignment > 8 ? ringshm__overhead(header) : 0;

	return (unsigned char *)e->data + header->data_offset - before;
}

/* ---- producer ------------------------------------------------------------------------------- */

static void producer_wake(struct ringshm_spsc_producer *p)
{
	/* relaxed: the number that was seen a moment ago, or a newer one */
	ringshm__wake(ringshm__owner(p->owner), ringshm_load32_relaxed(p->sleepers), &p->woken);
}

static void fill_producer(void *end, struct ringshm_endpoint *e)
{
	struct ringshm_spsc_producer *p = (struct ringshm_spsc_producer *)end;
	const struct ringshm_header *header = &e->channel->header;

	p->base = records(e);
	p->capacity = header->capacity;
	p->state = &e->ctl->state.word;
	p->tail_word = &e->ctl->tail.word;
	p->credit_word = &e->cons->credit.word;
	p->head_word = &e->cons->head.word;
	p->sleepers = &e->cons->wake.sleepers;
	p->certain = (header->incompat & RINGSHM_F_BLOCK) != 0;
	p->overhead = ringshm__overhead(header);
	p->round = header->alignment - 1;
	p->max_payload = max_payload(header);
	p->clock = header->incompat & RINGSHM_F_TIMESTAMP ? ringshm__now : NULL;
	p->wake = producer_wake;
	p->self = e->self;
	p->id = e->id;
	p->owner = e;
}

/*
 * Where the former producer stopped. `tail` is stored after the headers that it counts, so a death in
 * between leaves it behind by what one flush published: walk on over whole records. The walk cannot
 * leave [tail, limit) and every step is at least one header long.
 */
static int find_tail(struct ringshm_spsc_producer *p, uint64_t tail, uint64_t *found)
{
	while (p->limit - tail >= p->overhead) {
		uint64_t header = ringshm_load_acquire(ringshm__spsc_producer_word(p, tail)); /* A1 */
		uint64_t lap = RINGSHM_RECORD_COMMITTED | ringshm__spsc_lap(tail, p->capacity), span;
		uint64_t room = p->capacity - (tail & (p->capacity - 1));

		if ((header & (RINGSHM_RECORD_COMMITTED | RINGSHM_RECORD_LAP)) != lap)
			break;
		span = header & RINGSHM_RECORD_PAD ?
			       room :
			       ringshm__spsc_span(p->overhead, p->round, ringshm_record_length(header));
		if (span > room || span > p->limit - tail)
			return -EPROTO;
		tail += span;
	}
	*found = tail;
	return 0;
}

/*
 * From the consumer's head, not its credit: the dead one may have known of releases that no credit told,
 * and stand beyond credit + capacity. One look at head suffices, because the end of what is published
 * moves no more and head never passes it.
 */
static int resume_producer(void *end, const struct ringshm_endpoint *e)
{
	struct ringshm_spsc_producer *p = (struct ringshm_spsc_producer *)end;
	uint64_t tail = ringshm_load_acquire(p->tail_word); /* A3 */
	uint64_t head = ringshm_load_acquire(p->head_word); /* A4 */

	p->limit = head + p->capacity;
	if ((int64_t)(head - tail) > 0 && head - tail <= p->capacity)
		tail = head; /* released already, so published */
	if (tail - head > p->capacity || (tail | head) & p->round || find_tail(p, tail, &p->tail))
		return ringshm__contradiction(e->channel);
	p->taken = p->tail;
	ringshm_store_release(p->tail_word, p->tail); /* R3 */
	return 0;
}

static const struct ringshm_role_ops producer = {
	.kind = RINGSHM_SPSC,
	.role = RINGSHM_ROLE_PRODUCER,
	.id = RINGSHM_SEAT_PRODUCER,
	.protocol = RINGSHM_SPSC_PROTOCOL,
	.size = sizeof(struct ringshm_spsc_producer),
	.fill = fill_producer,
	.resume = resume_producer,
};

int ringshm_spsc_producer_open_as(struct ringshm_spsc_producer *p, struct ringshm *channel, uint32_t protocol,
				  uint32_t size)
{
	return ringshm__role_open(p, channel, protocol, size, &producer);
}

int ringshm_spsc_producer_close(struct ringshm_spsc_producer *p)
{
	struct ringshm_endpoint *e = p ? ringshm__owner(p->owner) : NULL;

	if (!e)
		return 0;
	ringshm_spsc_discard(p);
	ringshm_spsc_flush(p);
	ringshm__end_of_file(e);
	return ringshm__role_close(p, e, &producer);
}

int ringshm_spsc_producer_recover(struct ringshm_spsc_producer *p)
{
	const struct ringshm_endpoint *e = ringshm__owner(p->owner);

	return ringshm__seat_gone(e->channel, RINGSHM_ROLE_CONSUMER, RINGSHM_SEAT_CONSUMER);
}

struct room {
	void *payload;
	uint32_t len;
};

static bool look_for_room(void *end, void *found)
{
	struct room *room = (struct room *)found;

	return (room->payload = ringshm_spsc_reserve((struct ringshm_spsc_producer *)end, room->len));
}

/* A dead consumer is no reason to give up: the next one takes over. */
int ringshm_spsc_reserve_wait(struct ringshm_spsc_producer *p, uint32_t len, int64_t timeout_ns, void **payload)
{
	struct room room = {NULL, len};
	const struct ringshm_search search = {
		.end = p,
		.endpoint = ringshm__owner(p->owner),
		.status = &p->status,
		.look = look_for_room,
		.found = &room,
	};
	int error = ringshm__search(&search, timeout_ns);

	*payload = room.payload;
	return error;
}

int ringshm_spsc_send_wait(struct ringshm_spsc_producer *p, const void *buf, uint32_t len, int64_t timeout_ns)
{
	void *payload;
	int error = ringshm_spsc_reserve_wait(p, len, timeout_ns, &payload);

	if (error)
		return error;
	if (len)
		memcpy(payload, buf, len);
	ringshm_spsc_commit(p, len);
	return 0;
}

/* ---- consumer ------------------------------------------------------------------------------- */

static void consumer_wake(struct ringshm_spsc_consumer *c)
{
	/* relaxed: as above */
	ringshm__wake(ringshm__owner(c->owner), ringshm_load32_relaxed(c->sleepers), &c->woken);
}

/* Empty for long: is there anybody who could change that? */
static void consumer_suspect(struct ringshm_spsc_consumer *c)
{
	if (ringshm__has_ended(ringshm__owner(c->owner)))
		c->ended = 1; /* seen before the next look, which is therefore the last that could find something */
}

static void fill_consumer(void *end, struct ringshm_endpoint *e)
{
	struct ringshm_spsc_consumer *c = (struct ringshm_spsc_consumer *)end;
	const struct ringshm_header *header = &e->channel->header;
	bool kernel = header->incompat & RINGSHM_F_KLANE;

	c->base = records(e);
	c->capacity = header->capacity;
	c->state = kernel ? &e->data->state.word : &e->ctl->state.word;
	c->tail_word = kernel ? &e->data->tail.word : &e->ctl->tail.word;
	c->head_word = kernel ? &e->data->head.word : &e->cons->head.word;
	c->credit_word = kernel ? &e->data->credit.word : &e->cons->credit.word;
	c->sleepers = &e->ctl->wake.sleepers;
	c->certain = (header->incompat & RINGSHM_F_BLOCK) != 0;
	c->overhead = ringshm__overhead(header);
	c->round = header->alignment - 1;
	c->max_payload = max_payload(header);
	c->wake = consumer_wake;
	c->suspect = consumer_suspect;
	c->self = e->self;
	c->id = e->id;
	c->owner = e;
}

/* Progress, not credit, is where the former consumer stopped: it is stored at every release. */
static int resume_consumer(void *end, const struct ringshm_endpoint *e)
{
	struct ringshm_spsc_consumer *c = (struct ringshm_spsc_consumer *)end;
	uint64_t head = ringshm_load_acquire(c->head_word);	/* A4 */
	uint64_t credit = ringshm_load_acquire(c->credit_word); /* A2 */
	uint64_t tail = ringshm_load_acquire(c->tail_word);	/* A3 */

	if (head - credit > c->capacity || head & c->round || (tail - head > c->capacity && head - tail > c->capacity))
		return ringshm__contradiction(e->channel);
	c->head = c->next = c->credit = head;
	ringshm_store_release(c->credit_word, head); /* R2 */
	return 0;
}

static const struct ringshm_role_ops consumer = {
	.kind = RINGSHM_SPSC,
	.role = RINGSHM_ROLE_CONSUMER,
	.id = RINGSHM_SEAT_CONSUMER,
	.protocol = RINGSHM_SPSC_PROTOCOL,
	.size = sizeof(struct ringshm_spsc_consumer),
	.fill = fill_consumer,
	.resume = resume_consumer,
};

int ringshm_spsc_consumer_open_as(struct ringshm_spsc_consumer *c, struct ringshm *channel, uint32_t protocol,
				  uint32_t size)
{
	return ringshm__role_open(c, channel, protocol, size, &consumer);
}

int ringshm_spsc_consumer_close(struct ringshm_spsc_consumer *c)
{
	struct ringshm_endpoint *e = c ? ringshm__owner(c->owner) : NULL;

	if (e && c->head != c->credit && !e->forked)
		ringshm__spsc_publish_credit(c);
	return ringshm__role_close(c, e, &consumer);
}

int ringshm_spsc_consumer_recover(struct ringshm_spsc_consumer *c)
{
	const struct ringshm_endpoint *e = ringshm__owner(c->owner);

	consumer_suspect(c);
	return ringshm__seat_gone(e->channel, RINGSHM_ROLE_PRODUCER, RINGSHM_SEAT_PRODUCER);
}

struct record {
	const void *payload;
	uint32_t len;
};

static bool look_first(void *end, void *found)
{
	struct record *record = (struct record *)found;

	return (record->payload = ringshm_spsc_peek((struct ringshm_spsc_consumer *)end, &record->len));
}

static bool look_next(void *end, void *found)
{
	struct record *record = (struct record *)found;

	return (record->payload = ringshm_spsc_peek_next((struct ringshm_spsc_consumer *)end, &record->len));
}

static void suspect(void *end)
{
	consumer_suspect((struct ringshm_spsc_consumer *)end);
}

static struct ringshm_search search_of(struct ringshm_spsc_consumer *c, struct record *record)
{
	const struct ringshm_search search = {
		.end = c,
		.endpoint = ringshm__owner(c->owner),
		.status = &c->status,
		.found = record,
		.suspect = suspect,
	};

	return search;
}

int ringshm_spsc_peek_wait(struct ringshm_spsc_consumer *c, int64_t timeout_ns, const void **payload, uint32_t *len)
{
	struct record record = {NULL, 0};
	struct ringshm_search search = search_of(c, &record);
	int error;

	search.look = look_first;
	error = ringshm__search(&search, timeout_ns);
	*payload = record.payload;
	*len = record.len;
	return error;
}

int ringshm_spsc_peek_next_wait(struct ringshm_spsc_consumer *c, int64_t timeout_ns, const void **payload,
				uint32_t *len)
{
	struct record record = {NULL, 0};
	struct ringshm_search search = search_of(c, &record);
	int error;

	search.look = look_next;
	error = ringshm__search(&search, timeout_ns);
	*payload = record.payload;
	*len = record.len;
	return error;
}

int ringshm_spsc_recv_wait(struct ringshm_spsc_consumer *c, void *buf, uint32_t cap, uint32_t *len, int64_t timeout_ns)
{
	const void *payload;
	int error = ringshm_spsc_peek_wait(c, timeout_ns, &payload, len);

	if (error)
		return error;
	return ringshm_spsc_recv(c, buf, cap, len);
}

/* ---- poller --------------------------------------------------------------------------------- */

static struct ringshm_endpoint *poll_endpoint(void *end)
{
	return ringshm__owner(((struct ringshm_spsc_consumer *)end)->owner);
}

static bool poll_ready(void *end)
{
	return ringshm__spsc_ready((struct ringshm_spsc_consumer *)end);
}

static bool poll_ended(void *end)
{
	suspect(end);
	return ((struct ringshm_spsc_consumer *)end)->ended;
}

const struct ringshm_poll_ops ringshm__poll_spsc = {
	.endpoint = poll_endpoint,
	.ready = poll_ready,
	.ended = poll_ended,
};
