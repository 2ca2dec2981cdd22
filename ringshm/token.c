/* SPDX-License-Identifier: MIT */
/* token endpoints: opening, taking over from the dead, waiting. The ring itself is <ringshm/token.h>. */
#include "config.h"

#include "role.h"

#include <ringshm/poller.h>

/* ---- what the library knows about the kind -------------------------------------------------- */

static int check(const struct ringshm_config *config)
{
	if (config->slot_size && config->slot_size != sizeof(ringshm_word))
		return ringshm__fail(EINVAL, "create: slot size %u; a token is 8 bytes", config->slot_size);
	if (config->alignment != sizeof(ringshm_word))
		return ringshm__fail(EINVAL, "create: alignment %u; tokens align to 8", config->alignment);
	return 0;
}

static bool sound(const struct ringshm_header *header)
{
	return header->slot_size == sizeof(ringshm_word);
}

static uint32_t max_payload(const struct ringshm_header *header)
{
	(void)header;
	return sizeof(ringshm_word);
}

static void positions(const struct ringshm_header *header, const struct ringshm_ctl *ctl,
		      const struct ringshm_cons *cons, uint64_t *head, uint64_t *tail)
{
	*head = ringshm_load_acquire(&cons->head.word); /* A4 */
	*tail = ringshm_load_acquire(&ctl->tail.word);	/* A3; head first, so tail is not behind it */
	(void)header;
}

const struct ringshm_kind_ops ringshm__kind_token = {
	.features = RINGSHM_F_BLOCK | RINGSHM_F_EOF | RINGSHM_F_POLLFD,
	.slot_size = sizeof(ringshm_word),
	.seats = 2,
	.consumers_write_data = true,
	.check = check,
	.sound = sound,
	.max_payload = max_payload,
	.positions = positions,
};

static ringshm_word *slots(const struct ringshm_endpoint *e)
{
	return (ringshm_word *)((unsigned char *)e->data + e->channel->header.data_offset);
}

/* ---- producer ------------------------------------------------------------------------------- */

static void producer_wake(struct ringshm_token_producer *p)
{
	/* relaxed: the number that was seen a moment ago, or a newer one */
	ringshm__wake(ringshm__owner(p->owner), ringshm_load32_relaxed(p->sleepers), &p->woken);
}

static void fill_producer(void *end, struct ringshm_endpoint *e)
{
	struct ringshm_token_producer *p = (struct ringshm_token_producer *)end;

	p->mask = e->channel->header.capacity - 1;
	p->slots = slots(e);
	p->state = &e->ctl->state.word;
	p->tail_word = &e->ctl->tail.word;
	p->head_word = &e->cons->head.word;
	p->sleepers = &e->cons->wake.sleepers;
	p->certain = (e->channel->header.incompat & RINGSHM_F_BLOCK) != 0;
	p->wake = producer_wake;
	p->self = e->self;
	p->id = e->id;
	p->owner = e;
}

/*
 * The dead one stored tail, then the slot before it. That slot was 0 when it began, so a value there
 * was sent; a 0 was not sent, or it was and the consumer, who stores head first, has taken it. The slot
 * is read before head, so that a consumer at work cannot come in between.
 */
static int resume_producer(void *end, const struct ringshm_endpoint *e)
{
	struct ringshm_token_producer *p = (struct ringshm_token_producer *)end;
	uint64_t tail = ringshm_load_acquire(p->tail_word), head;	       /* A3 */
	uint64_t last = ringshm_load_acquire(&p->slots[(tail - 1) & p->mask]); /* A1 */

	head = ringshm_load_acquire(p->head_word); /* A4 */
	if (tail - head > p->mask + 1)
		return ringshm__contradiction(e->channel);
	p->tail = !last && head != tail ? tail - 1 : tail;
	ringshm_store_release(p->tail_word, p->tail); /* R3 */
	return 0;
}

static const struct ringshm_role_ops producer = {
	.kind = RINGSHM_TOKEN,
	.role = RINGSHM_ROLE_PRODUCER,
	.id = RINGSHM_SEAT_PRODUCER,
	.protocol = RINGSHM_TOKEN_PROTOCOL,
	.size = sizeof(struct ringshm_token_producer),
	.fill = fill_producer,
	.resume = resume_producer,
};

int ringshm_token_producer_open_as(struct ringshm_token_producer *p, struct ringshm *channel, uint32_t protocol,
				   uint32_t size)
{
	return ringshm__role_open(p, channel, protocol, size, &producer);
}

int ringshm_token_producer_close(struct ringshm_token_producer *p)
{
	struct ringshm_endpoint *e = p ? ringshm__owner(p->owner) : NULL;

	if (e)
		ringshm__end_of_file(e);
	return ringshm__role_close(p, e, &producer);
}

int ringshm_token_producer_recover(struct ringshm_token_producer *p)
{
	const struct ringshm_endpoint *e = ringshm__owner(p->owner);

	return ringshm__seat_gone(e->channel, RINGSHM_ROLE_CONSUMER, RINGSHM_SEAT_CONSUMER);
}

/* Anything but "not now" ends the search: sent, or why not. */
struct sending {
	uint64_t value;
	int result;
};

static bool look_for_room(void *end, void *found)
{
	struct sending *sending = (struct sending *)found;

	sending->result = ringshm_token_send((struct ringshm_token_producer *)end, sending->value);
	return sending->result != -EAGAIN;
}

/* A dead consumer is no reason to give up: the next one takes over. */
int ringshm_token_send_wait(struct ringshm_token_producer *p, uint64_t value, int64_t timeout_ns)
{
	struct sending sending = {value, 0};
	const struct ringshm_search search = {
		.end = p,
		.endpoint = ringshm__owner(p->owner),
		.status = &p->status,
		.look = look_for_room,
		.found = &sending,
	};
	int error = ringshm__search(&search, timeout_ns);

	return error ? error : sending.result;
}

/* ---- consumer ------------------------------------------------------------------------------- */

static void consumer_wake(struct ringshm_token_consumer *c)
{
	/* relaxed: as above */
	ringshm__wake(ringshm__owner(c->owner), ringshm_load32_relaxed(c->sleepers), &c->woken);
}

/* Empty for long: is there anybody who could change that? */
static void consumer_suspect(struct ringshm_token_consumer *c)
{
	if (ringshm__has_ended(ringshm__owner(c->owner)))
		c->ended = 1; /* seen before the next look, which is therefore the last that could find something */
}

static void fill_consumer(void *end, struct ringshm_endpoint *e)
{
	struct ringshm_token_consumer *c = (struct ringshm_token_consumer *)end;

	c->mask = e->channel->header.capacity - 1;
	c->slots = slots(e);
	c->state = &e->ctl->state.word;
	c->head_word = &e->cons->head.word;
	c->tail_word = &e->ctl->tail.word;
	c->sleepers = &e->ctl->wake.sleepers;
	c->certain = (e->channel->header.incompat & RINGSHM_F_BLOCK) != 0;
	c->wake = consumer_wake;
	c->suspect = consumer_suspect;
	c->self = e->self;
	c->id = e->id;
	c->owner = e;
}

/*
 * The dead one stored head, then emptied the slots before it, one or a run. A value still there is either
 * that old one or already the producer's next: the latter only when tail, which is stored before the value,
 * says that the producer has come round to it, and it cannot have before the slot was emptied.
 */
static void empty_slot(struct ringshm_token_consumer *c, uint64_t position)
{
	ringshm_word *slot = &c->slots[position & c->mask];

	/* A2, A3: in this order */
	if (ringshm_load_acquire(slot) && ringshm_load_acquire(c->tail_word) - position <= c->mask + 1)
		ringshm_store_release(slot, 0); /* R2, in the dead one's place */
}

static int resume_consumer(void *end, const struct ringshm_endpoint *e)
{
	struct ringshm_token_consumer *c = (struct ringshm_token_consumer *)end;
	uint64_t head = ringshm_load_acquire(c->head_word); /* A4 */
	uint64_t tail = ringshm_load_acquire(c->tail_word); /* A3 */
	uint64_t back = c->mask < RINGSHM_TOKEN_RUN_MAX ? c->mask + 1 : RINGSHM_TOKEN_RUN_MAX;

	if (tail - head > c->mask + 1)
		return ringshm__contradiction(e->channel);
	for (; back; back--)
		empty_slot(c, head - back);
	c->head = head;
	return 0;
}

static const struct ringshm_role_ops consumer = {
	.kind = RINGSHM_TOKEN,
	.role = RINGSHM_ROLE_CONSUMER,
	.id = RINGSHM_SEAT_CONSUMER,
	.protocol = RINGSHM_TOKEN_PROTOCOL,
	.size = sizeof(struct ringshm_token_consumer),
	.fill = fill_consumer,
	.resume = resume_consumer,
};

int ringshm_token_consumer_open_as(struct ringshm_token_consumer *c, struct ringshm *channel, uint32_t protocol,
				   uint32_t size)
{
	return ringshm__role_open(c, channel, protocol, size, &consumer);
}

int ringshm_token_consumer_close(struct ringshm_token_consumer *c)
{
	return ringshm__role_close(c, c ? c->owner : NULL, &consumer);
}

int ringshm_token_consumer_recover(struct ringshm_token_consumer *c)
{
	const struct ringshm_endpoint *e = ringshm__owner(c->owner);

	consumer_suspect(c);
	return ringshm__seat_gone(e->channel, RINGSHM_ROLE_PRODUCER, RINGSHM_SEAT_PRODUCER);
}

static bool look_first(void *end, void *value)
{
	return (*(uint64_t *)value = ringshm_token_peek((struct ringshm_token_consumer *)end));
}

static void suspect(void *end)
{
	consumer_suspect((struct ringshm_token_consumer *)end);
}

int ringshm_token_peek_wait(struct ringshm_token_consumer *c, int64_t timeout_ns, uint64_t *value)
{
	const struct ringshm_search search = {
		.end = c,
		.endpoint = ringshm__owner(c->owner),
		.status = &c->status,
		.look = look_first,
		.found = value,
		.suspect = suspect,
	};

	return ringshm__search(&search, timeout_ns);
}

int ringshm_token_recv_wait(struct ringshm_token_consumer *c, uint64_t *value, int64_t timeout_ns)
{
	int error = ringshm_token_peek_wait(c, timeout_ns, value);

	if (!error)
		ringshm_token_release(c);
	return error;
}

/* ---- poller --------------------------------------------------------------------------------- */

static struct ringshm_endpoint *poll_endpoint(void *end)
{
	return ringshm__owner(((struct ringshm_token_consumer *)end)->owner);
}

static bool poll_ready(void *end)
{
	return ringshm__token_ready((struct ringshm_token_consumer *)end);
}

static bool poll_ended(void *end)
{
	suspect(end);
	return ((struct ringshm_token_consumer *)end)->ended;
}

const struct ringshm_poll_ops ringshm__poll_token = {
	.endpoint = poll_endpoint,
	.ready = poll_ready,
	.ended = poll_ended,
};
