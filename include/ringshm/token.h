/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* token: one producer, one consumer, one 64-bit value a message, 0 excluded; the fastest kind. */
#ifndef RINGSHM_TOKEN_H
#define RINGSHM_TOKEN_H

/*
 * How it works. A slot holds a value or 0. The value is the flag.
 *
 *   producer                                    consumer
 *   --------                                    --------
 *   A1 slot at tail      load acquire  <------- R2 slot := 0        store release
 *   R3 tail := tail + 1  store release          A2 slot at head     load acquire
 *   R1 slot := value     store release -------> A2
 *                                               R4 head := head + 1 store release, before R2
 *
 * Every value is visible as soon as it is stored, eight share a cache line, and all slots can be in
 * use. `tail` and `head` are for others to see; neither side reads the other's. Both are stored before
 * the slot that they speak of is touched, so a successor can always tell from the two words and that
 * one slot how far the dead one got (ringshm/token.c). recv_n stores head once for a run, then empties
 * its slots: twice as fast, and a successor looks at as many slots.
 *
 * Both look 32 slots ahead by prefetch: it doubles the rate when the two are out of step, and costs
 * nothing when they are not. Wait-free on both sides. A peer that scribbles can invent and remove
 * values; there is nothing else to break.
 *
 * The idea of the value as the flag: Giacomoni, Moseley, Vachharajani, "FastForward for efficient
 * pipeline parallelism", PPoPP 2008.
 */

#include <ringshm/spsc.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RINGSHM_TOKEN_PROTOCOL 1u

/* Values of one ringshm_token_recv_n(), at most; a successor looks that far back. */
#define RINGSHM_TOKEN_RUN_MAX 64u

/* How many slots ahead to prefetch: four lines. */
#define RINGSHM__TOKEN_AHEAD 32u

/* Private to one thread; filled in by ringshm_token_producer_open(). */
struct ringshm_token_producer {
	uint64_t tail; /* position of the next value */
	uint64_t mask; /* slots - 1 */
	ringshm_word *slots;
	const ringshm_word *state;
	ringshm_word *tail_word;
	const ringshm_word32 *sleepers; /* is the consumer asleep; NULL: nobody ever sleeps */
	int status;			/* after -EAGAIN: 0; else why never (-errno) */
	uint32_t certain;		/* RINGSHM_F_BLOCK */
	uint32_t woken;
	uint32_t looks;
	uint32_t id;
	const ringshm_word *head_word;
	struct ringshm_participant *self;
	void (*wake)(struct ringshm_token_producer *p);
	void (*suspect)(struct ringshm_token_producer *p);
	void *owner;
};

/* Private to one thread; filled in by ringshm_token_consumer_open(). */
struct ringshm_token_consumer {
	uint64_t head; /* position of the oldest value not released */
	uint64_t mask;
	ringshm_word *slots;
	const ringshm_word *state;
	ringshm_word *head_word;
	const ringshm_word32 *sleepers; /* is the producer asleep; NULL: nobody ever sleeps */
	int status;
	uint32_t certain;
	uint32_t woken;
	uint32_t looks;
	uint32_t ended; /* the producer is gone: an empty ring stays empty */
	uint32_t id;
	const ringshm_word *tail_word;
	struct ringshm_participant *self;
	void (*wake)(struct ringshm_token_consumer *c);
	void (*suspect)(struct ringshm_token_consumer *c);
	void *owner;
};

/* ---- producer ------------------------------------------------------------------------------- */

/* Full, or the channel has ended: say which. */
static inline int ringshm__token_full(struct ringshm_token_producer *p)
{
	if (!p->status)
		p->status = ringshm__state_status(ringshm_load_acquire(p->state)); /* A5: pairs with R5 */
	if (p->status)
		return p->status;
	if (++p->looks >= RINGSHM_PATIENCE) {
		p->looks = 0;
		if (p->suspect)
			p->suspect(p);
	}
	return -EAGAIN;
}

static inline void ringshm__token_wake_consumer(struct ringshm_token_producer *p)
{
	if (!p->sleepers)
		return;
	if (p->certain)
		ringshm__waiter_announce(); /* F1: R1 before the look; pairs with the sleeper's own */
	/* relaxed: ordered by the barrier; without it a sleeper missed here wakes by its own tick */
	if (ringshm__unlikely(ringshm_load32_relaxed(p->sleepers)))
		p->wake(p);
}

/*
 * Send a value. Wait-free. 0; -EAGAIN: the ring is full now; -EINVAL: value is 0; else p->status: never
 * (-ESHUTDOWN, -ESTALE).
 */
static inline int ringshm_token_send(struct ringshm_token_producer *p, uint64_t value)
{
	ringshm_word *slot = &p->slots[p->tail & p->mask];

	if (ringshm__unlikely(!value))
		return -EINVAL;
	if ((p->tail & 7) == 0)
		__builtin_prefetch(&p->slots[(p->tail + RINGSHM__TOKEN_AHEAD) & p->mask], 1);
	/* A1: pairs with R2. relaxed on state: an end that is seen a moment later ends it a moment later */
	if (ringshm__unlikely(ringshm_load_acquire(slot) || ringshm_load_relaxed(p->state)))
		if (ringshm_load_relaxed(slot) || ringshm__state_status(ringshm_load_relaxed(p->state)))
			return ringshm__token_full(p);
	ringshm_store_release(p->tail_word, ++p->tail); /* R3: before R1, see above */
	ringshm_store_release(slot, value);		/* R1: pairs with A2 */
	ringshm__token_wake_consumer(p);
	return 0;
}

/* Values in the ring; a snapshot. */
static inline uint64_t ringshm_token_producer_used(const struct ringshm_token_producer *p)
{
	uint64_t used = p->tail - ringshm_load_acquire(p->head_word); /* A4: pairs with R4 */

	return used <= p->mask + 1 ? used : 0;
}

/* Tell whoever looks that the caller gave up `n` values. */
static inline void ringshm_token_note_dropped(struct ringshm_token_producer *p, uint64_t n)
{
	/* relaxed: one writer, and readers want a recent figure, no order */
	ringshm_store_relaxed(&p->self->dropped, ringshm_load_relaxed(&p->self->dropped) + n);
}

/* ---- consumer ------------------------------------------------------------------------------- */

static inline uint64_t ringshm__token_refuse(struct ringshm_token_consumer *c, int why)
{
	c->status = why;
	return 0;
}

/* `ended` may be old, and a successor may have come and sent since: ask again. */
static inline int ringshm__token_producer_gone(struct ringshm_token_consumer *c, uint64_t state)
{
	if (c->ended && c->suspect) {
		c->ended = 0;
		c->suspect(c);
	}
	return c->ended || (state & RINGSHM_STATE_EOF);
}

/* Empty: is there a reason that will last? */
static inline uint64_t ringshm__token_empty(struct ringshm_token_consumer *c)
{
	uint64_t state, value;
	int gone;

	if (c->status)
		return 0;
	state = ringshm_load_acquire(c->state); /* A5: what was sent before the end is visible now */
	if (ringshm__unlikely(state || c->ended)) {
		if (state & RINGSHM_STATE_PRIVATE)
			return ringshm__token_refuse(c, ringshm__state_status(state));
		gone = ringshm__token_producer_gone(c, state);
		value = ringshm_load_acquire(&c->slots[c->head & c->mask]); /* A2 */
		if (value)
			return value;
		if (ringshm__state_status(state))
			return ringshm__token_refuse(c, ringshm__state_status(state));
		if (gone)
			return ringshm__token_refuse(c, -EPIPE);
	}
	if (++c->looks >= RINGSHM_PATIENCE) {
		c->looks = 0;
		if (c->suspect)
			c->suspect(c);
	}
	return 0;
}

/*
 * The oldest value that is not released; the same one until it is. Wait-free. 0: nothing now if
 * c->status is then 0, else never again (-EPIPE, -ESHUTDOWN, -ESTALE).
 */
static inline uint64_t ringshm_token_peek(struct ringshm_token_consumer *c)
{
	uint64_t value = ringshm_load_acquire(&c->slots[c->head & c->mask]); /* A2: pairs with R1 */

	return ringshm__likely(value) ? value : ringshm__token_empty(c);
}

static inline void ringshm__token_wake_producer(struct ringshm_token_consumer *c)
{
	if (!c->sleepers)
		return;
	if (c->certain)
		ringshm__waiter_announce(); /* F1: R2 before the look; pairs with the sleeper's own */
	/* relaxed: as above */
	if (ringshm__unlikely(ringshm_load32_relaxed(c->sleepers)))
		c->wake(c);
}

/* Give back the slot of the value that peek showed. Wait-free. Only after a peek that showed one. */
static inline void ringshm_token_release(struct ringshm_token_consumer *c)
{
	ringshm_word *slot = &c->slots[c->head & c->mask];

	if ((c->head & 7) == 0)
		__builtin_prefetch(&c->slots[(c->head + RINGSHM__TOKEN_AHEAD) & c->mask], 1);
	ringshm_store_release(c->head_word, ++c->head); /* R4: before R2, see above */
	ringshm_store_release(slot, 0);			/* R2: pairs with A1 */
	ringshm__token_wake_producer(c);
}

/* Receive the oldest value. Wait-free. 0; -EAGAIN: nothing now; else c->status: never again. */
static inline int ringshm_token_recv(struct ringshm_token_consumer *c, uint64_t *value)
{
	*value = ringshm_token_peek(c);
	if (ringshm__unlikely(!*value))
		return c->status ? c->status : -EAGAIN;
	ringshm_token_release(c);
	return 0;
}

/*
 * Receive up to `n` of the oldest values, at most RINGSHM_TOKEN_RUN_MAX; less when no more are there.
 * Wait-free. How many; -EAGAIN: nothing now; else c->status: never again.
 */
static inline int ringshm_token_recv_n(struct ringshm_token_consumer *c, uint64_t *values, uint32_t n)
{
	uint64_t head = c->head;
	uint32_t taken = 0;

	if (n > RINGSHM_TOKEN_RUN_MAX)
		n = RINGSHM_TOKEN_RUN_MAX;
	if (n > c->mask + 1) /* it would come round to its own first slot */
		n = (uint32_t)c->mask + 1;
	for (; taken < n; taken++) {
		values[taken] = ringshm_load_acquire(&c->slots[(head + taken) & c->mask]); /* A2: pairs with R1 */
		if (!values[taken])
			break;
	}
	if (ringshm__unlikely(!taken)) {
		if (!n)
			return 0;
		values[0] = ringshm__token_empty(c);
		if (!values[0])
			return c->status ? c->status : -EAGAIN;
		taken = 1;
	}
	c->head = head + taken;
	ringshm_store_release(c->head_word, head + taken); /* R4: before R2, see above */
	for (uint32_t i = 0; i < taken; i++)
		ringshm_store_release(&c->slots[(head + i) & c->mask], 0); /* R2: pairs with A1 */
	ringshm__token_wake_producer(c);
	return (int)taken;
}

/* Whether the next look finds a value, or a status that says why there will be none. */
static inline bool ringshm__token_ready(const struct ringshm_token_consumer *c)
{
	return ringshm_load_acquire(&c->slots[c->head & c->mask]) ||	/* A2: pairs with R1 */
	       c->status || c->ended || ringshm_load_acquire(c->state); /* A5: pairs with R5 */
}

/* Values in the ring; a snapshot. */
static inline uint64_t ringshm_token_consumer_used(const struct ringshm_token_consumer *c)
{
	uint64_t used = ringshm_load_acquire(c->tail_word) - c->head; /* A3: pairs with R3 */

	return used <= c->mask + 1 ? used : 0;
}

static inline void ringshm_token_consumer_note_dropped(struct ringshm_token_consumer *c, uint64_t n)
{
	/* relaxed: as ringshm_token_note_dropped() */
	ringshm_store_relaxed(&c->self->dropped, ringshm_load_relaxed(&c->self->dropped) + n);
}

#ifdef __cplusplus
}
#endif

#endif
