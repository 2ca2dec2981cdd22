/* SPDX-License-Identifier: MIT */
/* token endpoints: opening, taking over from the dead, waiting. The ring itself is <ringshm/token.h>. */
#include "config.h"

#include "internal.h"

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

static struct ringshm_endpoint *owner_of(void *owner)
{
	return (struct ringshm_endpoint *)owner;
}

/* ---- producer ------------------------------------------------------------------------------- */

static void producer_wake(struct ringshm_token_producer *p)
{
	/* relaxed: the number that was seen a moment ago, or a newer one */
	ringshm__wake(owner_of(p->owner), ringshm_load32_relaxed(p->sleepers), &p->woken);
}

static void fill_producer(struct ringshm_token_producer *p, struct ringshm_endpoint *e)
{
	memset(p, 0, sizeof(*p));
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
static int resume_producer(struct ringshm_token_producer *p, const struct ringshm_endpoint *e)
{
	uint64_t tail = ringshm_load_acquire(p->tail_word), head;	       /* A3 */
	uint64_t last = ringshm_load_acquire(&p->slots[(tail - 1) & p->mask]); /* A1 */

	head = ringshm_load_acquire(p->head_word); /* A4 */
	if (tail - head > p->mask + 1)
		return ringshm__contradiction(e->channel);
	p->tail = !last && head != tail ? tail - 1 : tail;
	ringshm_store_release(p->tail_word, p->tail); /* R3 */
	return 0;
}

int ringshm_token_producer_open_as(struct ringshm_token_producer *p, struct ringshm *channel, uint32_t protocol,
				   uint32_t size)
{
	const struct ringshm_endpoint_request request = {
		.channel = channel,
		.user = p,
		.kind = RINGSHM_TOKEN,
		.role = RINGSHM_ROLE_PRODUCER,
		.id = RINGSHM_SEAT_PRODUCER,
		.protocol = protocol,
		.spoken = RINGSHM_TOKEN_PROTOCOL,
		.size = size,
		.expected_size = sizeof(*p),
	};
	struct ringshm_endpoint *e;
	int error = ringshm__endpoint_open(&e, &request);

	if (error)
		return error;
	fill_producer(p, e);
	error = resume_producer(p, e);
	if (error) {
		ringshm__endpoint_close(e);
		memset(p, 0, sizeof(*p));
		return error;
	}
	__atomic_fetch_and(&e->ctl->state.word, ~RINGSHM_STATE_EOF, __ATOMIC_RELAXED); /* relaxed: a hint again */
	ringshm__seat_settle(e, &e->ctl->count);
	return 0;
}

int ringshm_token_producer_close(struct ringshm_token_producer *p)
{
	struct ringshm_endpoint *e = p ? owner_of(p->owner) : NULL;

	if (!e)
		return 0;
	if (e->channel->header.incompat & RINGSHM_F_EOF && !e->forked)
		ringshm__end_of_file(e);
	ringshm__endpoint_close(e);
	memset(p, 0, sizeof(*p));
	return 0;
}

int ringshm_token_producer_recover(struct ringshm_token_producer *p)
{
	const struct ringshm_endpoint *e = owner_of(p->owner);

	return ringshm__seat_gone(e->channel, RINGSHM_ROLE_CONSUMER, RINGSHM_SEAT_CONSUMER);
}

int ringshm_token_send_wait(struct ringshm_token_producer *p, uint64_t value, int64_t timeout_ns)
{
	struct ringshm_wait wait;
	int error = ringshm_token_send(p, value), given_up = 0;
	bool probe;

	if (error != -EAGAIN)
		return error;
	ringshm__wait_begin(&wait, owner_of(p->owner), timeout_ns);
	/* a dead consumer is no reason to give up: the next one takes over */
	while (error == -EAGAIN && !(given_up = ringshm__wait_step(&wait, &probe)))
		error = ringshm_token_send(p, value);
	ringshm__wait_end(&wait);
	return error == -EAGAIN ? given_up : error;
}

/* ---- consumer ------------------------------------------------------------------------------- */

static void consumer_wake(struct ringshm_token_consumer *c)
{
	/* relaxed: as above */
	ringshm__wake(owner_of(c->owner), ringshm_load32_relaxed(c->sleepers), &c->woken);
}

/* Empty for long: is there anybody who could change that? */
static void consumer_suspect(struct ringshm_token_consumer *c)
{
	const struct ringshm_endpoint *e = owner_of(c->owner);

	if (!(e->channel->header.incompat & RINGSHM_F_EOF) || e->forked)
		return;
	if (ringshm__seat_gone(e->channel, RINGSHM_ROLE_PRODUCER, RINGSHM_SEAT_PRODUCER))
		c->ended = 1; /* seen before the next look, which is therefore the last that could find something */
}

static void fill_consumer(struct ringshm_token_consumer *c, struct ringshm_endpoint *e)
{
	memset(c, 0, sizeof(*c));
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
 * The dead one stored head, then emptied the slot before it. A value still there is either that old one
 * or already the producer's next: the latter only when tail, which is stored before the value, says that
 * the producer has come round to it, and it cannot have before the slot was emptied.
 */
static int resume_consumer(struct ringshm_token_consumer *c, const struct ringshm_endpoint *e)
{
	uint64_t head = ringshm_load_acquire(c->head_word), tail, slot; /* A4 */
	ringshm_word *last = &c->slots[(head - 1) & c->mask];

	slot = ringshm_load_acquire(last);	   /* A2 */
	tail = ringshm_load_acquire(c->tail_word); /* A3 */
	if (tail - head > c->mask + 1)
		return ringshm__contradiction(e->channel);
	if (slot && tail - head <= c->mask)
		ringshm_store_release(last, 0); /* R2, in the dead one's place */
	c->head = head;
	return 0;
}

int ringshm_token_consumer_open_as(struct ringshm_token_consumer *c, struct ringshm *channel, uint32_t protocol,
				   uint32_t size)
{
	const struct ringshm_endpoint_request request = {
		.channel = channel,
		.user = c,
		.kind = RINGSHM_TOKEN,
		.role = RINGSHM_ROLE_CONSUMER,
		.id = RINGSHM_SEAT_CONSUMER,
		.protocol = protocol,
		.spoken = RINGSHM_TOKEN_PROTOCOL,
		.size = size,
		.expected_size = sizeof(*c),
	};
	struct ringshm_endpoint *e;
	int error = ringshm__endpoint_open(&e, &request);

	if (error)
		return error;
	fill_consumer(c, e);
	error = resume_consumer(c, e);
	if (error) {
		ringshm__endpoint_close(e);
		memset(c, 0, sizeof(*c));
		return error;
	}
	ringshm__seat_settle(e, &e->cons->count);
	return 0;
}

int ringshm_token_consumer_close(struct ringshm_token_consumer *c)
{
	struct ringshm_endpoint *e = c ? owner_of(c->owner) : NULL;

	if (!e)
		return 0;
	ringshm__endpoint_close(e);
	memset(c, 0, sizeof(*c));
	return 0;
}

int ringshm_token_consumer_recover(struct ringshm_token_consumer *c)
{
	const struct ringshm_endpoint *e = owner_of(c->owner);

	consumer_suspect(c);
	return ringshm__seat_gone(e->channel, RINGSHM_ROLE_PRODUCER, RINGSHM_SEAT_PRODUCER);
}

int ringshm_token_peek_wait(struct ringshm_token_consumer *c, int64_t timeout_ns, uint64_t *value)
{
	struct ringshm_wait wait;
	int error = 0;
	bool probe;

	*value = ringshm_token_peek(c);
	if (*value || c->status)
		return *value ? 0 : c->status;
	ringshm__wait_begin(&wait, owner_of(c->owner), timeout_ns);
	while (!*value && !c->status && !(error = ringshm__wait_step(&wait, &probe))) {
		if (probe)
			consumer_suspect(c);
		*value = ringshm_token_peek(c);
	}
	ringshm__wait_end(&wait);
	if (*value)
		return 0;
	return c->status ? c->status : error;
}

int ringshm_token_recv_wait(struct ringshm_token_consumer *c, uint64_t *value, int64_t timeout_ns)
{
	int error = ringshm_token_peek_wait(c, timeout_ns, value);

	if (!error)
		ringshm_token_release(c);
	return error;
}

/* ---- poller --------------------------------------------------------------------------------- */

static int poll_bell_fd(void *consumer)
{
	return ringshm_token_consumer_fd((struct ringshm_token_consumer *)consumer);
}

static bool poll_ready(void *consumer)
{
	return ringshm__token_ready((struct ringshm_token_consumer *)consumer);
}

static int poll_arm(void *consumer)
{
	return ringshm_token_consumer_arm((struct ringshm_token_consumer *)consumer);
}

static int poll_ack(void *consumer)
{
	return ringshm_token_consumer_ack((struct ringshm_token_consumer *)consumer);
}

static bool poll_producer_gone(void *consumer)
{
	struct ringshm_token_consumer *c = (struct ringshm_token_consumer *)consumer;

	consumer_suspect(c);
	return c->ended;
}

const struct ringshm_poll_ops ringshm__poll_token = {
	.bell_fd = poll_bell_fd,
	.ready = poll_ready,
	.arm = poll_arm,
	.ack = poll_ack,
	.producer_gone = poll_producer_gone,
};
