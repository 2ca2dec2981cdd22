// SPDX-License-Identifier: MIT
// The world of the crash tests with its ring inside, where death is a flag: a moment of it can be copied.
#include <string.h>

#include "mpmc_world.h"
#include "planted_endpoint.h"

/* ---- taking part ---------------------------------------------------------------------------- */

static bool is_dead(void *context, unsigned int side, uint32_t id)
{
	(void)context, (void)side;
	return world->dead[id];
}

static struct ringshm_mpmc_shape shape_of_ring(void)
{
	return ringshm_mpmc_shape(CAPACITY, 16, 8, 0);
}

static void make_ring(struct ringshm__mpmc_ring *ring)
{
	const struct ringshm_mpmc_shape shape = shape_of_ring();

	for (int i = 0; i < 2; i++) {
		ring->cursor[i] = &world->cursor[i];
		ring->lines[i] = world->lines[i];
		ring->lost[i] = &world->lost[i];
		ring->repairs[i] = &world->repairs[i];
	}
	ring->states = (ringshm_word16 *)(world->area + shape.states);
	ring->verdicts = (ringshm_word *)(world->area + shape.verdicts);
	ring->slots = world->area + shape.slots;
	ring->mask = ringshm__mpmc_f(CAPACITY - 1);
	ring->order = (uint32_t)__builtin_ctz(CAPACITY);
	ring->stride = shape.stride;
	ring->participants = SEATS;
}

static void join_ring(struct ringshm__mpmc *m, unsigned int side, uint32_t seat)
{
	m->ring = world->ring;
	m->states = world->ring.states;
	m->slots = world->ring.slots;
	m->mask = world->ring.mask;
	m->order = world->ring.order;
	m->stride = world->ring.stride;
	m->cursor = &world->cursor[side];
	m->intent = &world->lines[side][seat].intent;
}

struct agent *world_join(int who, uint32_t seat, enum operation operation)
{
	const struct ringshm_mpmc_shape shape = shape_of_ring();
	struct agent *a = &world->agent[who];

	memset(a, 0, sizeof(*a));
	a->seat = seat;
	a->present = true;
	a->operation = operation;
	join_ring(&a->p.m, RINGSHM__MPMC_PRODUCERS, seat);
	join_ring(&a->c.m, RINGSHM__MPMC_CONSUMERS, seat);
	a->p.state = a->c.state = &world->state;
	a->p.sleepers = a->c.sleepers = &world->nobody_sleeps;
	a->p.offset = a->c.offset = shape.offset;
	a->p.max_payload = a->c.max_payload = shape.max_payload;
	a->p.compact = a->c.compact = 1;
	a->c.quarter = ringshm__mpmc_f(1);
	world->dead[seat] = false;
	for (int i = 0; i < 2; i++) /* as the library does for whoever takes a seat */
		ringshm_store_release(&world->lines[i][seat].intent, 0);
	return a;
}

void world_repair(struct agent *a, unsigned int side)
{
	world->worn |= ringshm__mpmc_inspect(&a->p.m.ring, side, true, is_dead, NULL).worn;
}

/* ---- beginning ------------------------------------------------------------------------------ */

static void make_survivors(void)
{
	world_join(FIRST_PRODUCER, 0, SEND);
	world_join(SECOND_PRODUCER, 1, SEND);
	world_join(FIRST_CONSUMER, 2, RECV);
	world_join(SECOND_CONSUMER, 3, RECV);
}

/* A consumer takes one after the other and releases none; each is repaired, so each slot is marked. */
static void scar_slots(void)
{
	struct agent *former = world_join(FORMER, 6, PEEK_N);

	world_fill(CAPACITY);
	world_look_away();
	for (int i = 0; i < CAPACITY; i++) {
		former->c.m.held = 0; /* as if each were another consumer */
		ringshm_mpmc_peek_n(&former->c, 1);
	}
	world_kill(FORMER);
	world_repair(former, RINGSHM__MPMC_CONSUMERS);
}

/* A producer dies over every second position of the fill; the others are discarded. */
static void scar_fill(uint32_t fill, bool repaired)
{
	struct agent *former = world_join(FORMER, 6, SEND);

	for (uint32_t i = 0; i < fill; i++) {
		former->p.m.held = 0;
		ringshm_mpmc_reserve_n(&former->p, 1);
		if (i % 2)
			ringshm_mpmc_discard(&former->p);
	}
	world_kill(FORMER);
	if (repaired)
		world_repair(former, RINGSHM__MPMC_PRODUCERS);
}

/* Each of the next positions is claimed by somebody who dies over it, and is repaired. */
static void die_over_each(unsigned int side, uint32_t slots)
{
	struct agent *former = world_join(FORMER, 6, side ? PEEK_N : RESERVE_N);
	struct ringshm__mpmc *m = side ? &former->c.m : &former->p.m;
	bool crossed;

	world_look_away();
	while (slots--) {
		m->held = 0; /* as if each were another one */
		ringshm__mpmc_claim(m, side, 1, false, &crossed);
	}
	world_kill(FORMER);
	world_repair(former, side);
}

void world_age(uint32_t deaths, uint32_t slots, unsigned int first)
{
	for (uint32_t i = 0; i < deaths; i++) {
		unsigned int side = (first + i) % 2;

		die_over_each(side, slots);
		if (side)
			world_turn(CAPACITY - slots);
	}
}

/* As the library does. */
static void format_ring(const struct ringshm__mpmc_ring *ring)
{
	for (uint64_t i = 0; i < CAPACITY; i++) {
		uint64_t f = world->start + ringshm__mpmc_f(i), index = ringshm__mpmc_index(ring->mask, f);

		ring->states[index] = (uint16_t)(ringshm__mpmc_lap(ring->order, f) + RINGSHM_MPMC_FREE);
		ring->verdicts[index] = (f - ringshm__mpmc_f(CAPACITY)) | RINGSHM_MPMC_RETURNED;
	}
}

void world_begin(uint64_t start, uint32_t fill, uint32_t scars)
{
	memset(world, 0, sizeof(*world));
	world->start = ringshm__mpmc_f(start);
	for (int side = 0; side < 2; side++) {
		/* the narrow counters are about to wrap */
		world->cursor[side] = world->start | 0xfe;
		world->lost[side] = world->counted[side] = 0x1fe;
	}
	make_ring(&world->ring);
	format_ring(&world->ring);
	world_look_away();
	memset(world->dead, 1, sizeof(world->dead));
	make_survivors();
	if (scars & 1)
		scar_slots();
	if (scars & 8)
		world_age(6, CAPACITY, RINGSHM__MPMC_PRODUCERS);
	if (scars & 2)
		scar_fill(fill, scars & 4);
	else
		world_fill(fill);
	world_look_away();
}

/* ---- planted faults ------------------------------------------------------------------------- */

#ifdef RINGSHM_ATOMIC_OVERRIDE
_Static_assert(sizeof(planted_pending) <= sizeof(struct world_faults), "world_faults is too small");

bool world_plant(const char *fault)
{
	make_ring(&world->ring); /* it will stand there */
	planted_endpoint(&world->ring);
	return planted_choose(fault);
}

void world_save_faults(struct world_faults *faults)
{
	memcpy(faults->state, planted_pending, sizeof(planted_pending));
}

void world_restore_faults(const struct world_faults *faults)
{
	memcpy(planted_pending, faults->state, sizeof(planted_pending));
}
#else
bool world_plant(const char *fault)
{
	(void)fault;
	return false;
}

void world_save_faults(struct world_faults *faults)
{
	(void)faults;
}

void world_restore_faults(const struct world_faults *faults)
{
	(void)faults;
}
#endif
