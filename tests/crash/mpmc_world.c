// SPDX-License-Identifier: MIT
// The world of the crash tests: its operations, its dead, its survivors.
#include "mpmc_world.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static struct world inside;
struct world *world = &inside;

bool world_share(void)
{
	void *memory = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	world = memory != MAP_FAILED ? (struct world *)memory : world;
	return memory != MAP_FAILED;
}

const char *const operation_name[OPERATIONS] = {
	[SEND] = "send",
	[SEND_TWICE] = "send twice",
	[SEND_N] = "send_n",
	[RESERVE_N] = "reserve_n, commit_n",
	[COMMIT_PART] = "reserve_n, commit, discard",
	[DISCARD] = "reserve, discard",
	[RECV] = "recv",
	[RECV_TWICE] = "recv twice",
	[RECV_N] = "recv_n",
	[PEEK_N] = "peek_n, release",
	[PEEK_NEXT] = "peek, peek_next, release",
	[RELEASE_PART] = "peek_n, release one by one",
	[REPAIR_PRODUCED] = "repair of producers",
	[REPAIR_CONSUMED] = "repair of consumers",
	[FOLD] = "fold of both counters",
};

const char *const fate_name[FATES] = {"killed", "killed, seat taken", "killed, seat taken by the other role",
				      "stopped"};

/* ---- the ring ------------------------------------------------------------------------------- */

uint64_t world_cursor(unsigned int side)
{
	return ringshm_load_relaxed(world->ring.cursor[side]);
}

static struct slot slot_of(uint64_t f)
{
	const struct ringshm__mpmc_ring *ring = &world->ring;
	uint64_t index = ringshm__mpmc_index(ring->mask, f);
	struct slot slot = {.state = ringshm_load16_relaxed(ring->states + index)};

	memcpy(&slot.data, ring->slots + index * ring->stride, sizeof(slot.data));
	return slot;
}

/* How far a slot's state is from what it was when the lap of `f` began: below 0, it is of an earlier lap. */
static int state_in(const struct slot *slot, uint64_t f)
{
	return (int16_t)(slot->state - ringshm__mpmc_lap(world->ring.order, f));
}

/* ---- operations ----------------------------------------------------------------------------- */

bool world_sends_in_one_go(uint64_t sender)
{
	return sender != VICTIM && sender != BYSTANDER;
}

static uint64_t next_data(struct agent *a)
{
	uint64_t who = (uint64_t)(a - world->agent);

	/* those who may be stopped in between count for themselves */
	return (who + 1) << 32 | (world_sends_in_one_go(who) ? ++world->ordinal : ++a->ordinal);
}

static void note_sent(struct agent *a, uint64_t data)
{
	if (a->sends < LOG)
		a->sent[a->sends++] = data;
}

static void note_received(struct agent *a, uint64_t data)
{
	if (a->receives < LOG)
		a->received[a->receives++] = data;
}

static uint64_t fill_room(struct agent *a, uint32_t i)
{
	uint64_t data = next_data(a);

	memcpy(ringshm_mpmc_room(&a->p, i), &data, sizeof(data));
	return data;
}

static bool send_one(struct agent *a)
{
	uint64_t data = next_data(a);

	if (ringshm_mpmc_send(&a->p, &data, sizeof(data)))
		return false;
	note_sent(a, data);
	return true;
}

/* By one call, which copies. */
static void send_batch(struct agent *a)
{
	uint64_t data[3];
	int n;

	for (int i = 0; i < 3; i++)
		data[i] = next_data(a);
	n = ringshm_mpmc_send_n(&a->p, data, sizeof(data[0]), 3);
	for (int i = 0; i < n; i++)
		note_sent(a, data[i]);
}

static uint32_t send_many(struct agent *a, uint32_t n)
{
	n = ringshm_mpmc_reserve_n(&a->p, n);
	for (uint32_t i = 0; i < n; i++)
		note_sent(a, fill_room(a, i));
	ringshm_mpmc_commit_n(&a->p, n, sizeof(uint64_t));
	return n;
}

static void commit_part(struct agent *a)
{
	uint32_t n = ringshm_mpmc_reserve_n(&a->p, 3);

	if (n > 1) {
		note_sent(a, fill_room(a, 0));
		ringshm_mpmc_commit(&a->p, sizeof(uint64_t));
		n--;
	}
	a->discards += n;
	ringshm_mpmc_discard(&a->p);
}

static void discard_one(struct agent *a)
{
	if (!ringshm_mpmc_reserve(&a->p, sizeof(uint64_t)))
		return;
	a->discards++;
	ringshm_mpmc_discard(&a->p);
}

static bool receive_one(struct agent *a)
{
	uint64_t data = 0;
	uint32_t length;

	if (ringshm_mpmc_recv(&a->c, &data, sizeof(data), &length))
		return false;
	note_received(a, data);
	return true;
}

static void read_held(struct agent *a, uint32_t i)
{
	uint32_t length;
	uint64_t data;

	memcpy(&data, ringshm_mpmc_at(&a->c, i, &length), sizeof(data));
	note_received(a, data);
}

static void receive_batch(struct agent *a)
{
	uint64_t data[3];
	int n = ringshm_mpmc_recv_n(&a->c, data, sizeof(data[0]), 3);

	for (int i = 0; i < n; i++)
		note_received(a, data[i]);
}

static uint32_t receive_many(struct agent *a, uint32_t n, bool one_by_one)
{
	n = ringshm_mpmc_peek_n(&a->c, n);
	for (uint32_t i = 0; i < n; i++)
		read_held(a, i);
	for (uint32_t i = 0; one_by_one && i < n; i++)
		ringshm_mpmc_release(&a->c, 1);
	ringshm_mpmc_release(&a->c, n);
	return n;
}

static void receive_next(struct agent *a)
{
	uint32_t length;

	if (!ringshm_mpmc_peek(&a->c, &length))
		return;
	read_held(a, 0);
	if (ringshm_mpmc_peek_next(&a->c, &length))
		read_held(a, 1);
	ringshm_mpmc_release(&a->c, 2);
}

bool operation_produces(enum operation operation)
{
	return operation < RECV || operation > RELEASE_PART;
}

void operation_run(void *agent)
{
	struct agent *a = agent;

	switch (a->operation) {
	case SEND_TWICE:
		send_one(a);
		__attribute__((fallthrough));
	case SEND:
		send_one(a);
		break;
	case SEND_N:
		send_batch(a);
		break;
	case RESERVE_N:
		send_many(a, 3);
		break;
	case COMMIT_PART:
		commit_part(a);
		break;
	case DISCARD:
		discard_one(a);
		break;
	case RECV_TWICE:
		receive_one(a);
		__attribute__((fallthrough));
	case RECV:
		receive_one(a);
		break;
	case RECV_N:
		receive_batch(a);
		break;
	case PEEK_N:
		receive_many(a, 3, false);
		break;
	case PEEK_NEXT:
		receive_next(a);
		break;
	case RELEASE_PART:
		receive_many(a, 3, true);
		break;
	case REPAIR_PRODUCED:
		world_repair(a, RINGSHM__MPMC_PRODUCERS);
		break;
	case REPAIR_CONSUMED:
		world_repair(a, RINGSHM__MPMC_CONSUMERS);
		break;
	default:
		ringshm__mpmc_fold(&a->p.m.ring, 0);
		ringshm__mpmc_fold(&a->p.m.ring, 1);
		break;
	}
}

/* ---- life and death ------------------------------------------------------------------------- */

void world_watch(int who)
{
	struct agent *a = &world->agent[who];

	for (unsigned int side = 0; side < 2; side++) {
		uint64_t f = world->seen[side], end = world_cursor(side) & ~RINGSHM_MPMC_LOW;

		for (; f != end && a->claims < CLAIMS; f += F1) {
			const struct slot *before = &world->before[ringshm__mpmc_index(world->ring.mask, f)];

			a->claim[a->claims++] = (struct claim){f, *before, side};
		}
	}
	world_look_away();
}

void world_look_away(void)
{
	for (unsigned int side = 0; side < 2; side++)
		world->seen[side] = world_cursor(side) & ~RINGSHM_MPMC_LOW;
	for (uint64_t i = 0; i < CAPACITY; i++)
		world->before[i] = slot_of(ringshm__mpmc_f(i));
}

static void settle_produced(struct agent *a, const struct claim *claim)
{
	struct slot slot = slot_of(claim->f);
	int state = state_in(&slot, claim->f);
	bool unfinished = state < (int)RINGSHM_MPMC_READY; /* free, or of an earlier lap, and freed by a repairer */

	world->unfinished[RINGSHM__MPMC_PRODUCERS] += unfinished;
	if (unfinished)
		world->lost_p++;
	else if (state == RINGSHM_MPMC_DISCARDED)
		a->discards++;
	else
		note_sent(a, slot.data);
}

static void settle_consumed(struct agent *a, const struct claim *claim)
{
	int state = state_in(&claim->slot, claim->f);
	bool unfinished = slot_of(claim->f).state == claim->slot.state;

	world->unfinished[RINGSHM__MPMC_CONSUMERS] += unfinished;
	if (state < (int)RINGSHM_MPMC_READY || state == RINGSHM_MPMC_DISCARDED)
		return; /* a hole is nothing that could be lost */
	if (unfinished)
		world->died_with[world->lost_c++] = claim->slot.data;
	else
		note_received(a, claim->slot.data);
}

void world_doom(int who)
{
	struct agent *a = &world->agent[who];

	if (a->dead)
		return;
	a->dead = true;
	world_watch(who);
	a->sends = a->receives = a->discards = 0;
	for (uint32_t i = 0; i < a->claims; i++)
		if (a->claim[i].side == RINGSHM__MPMC_PRODUCERS)
			settle_produced(a, &a->claim[i]);
		else
			settle_consumed(a, &a->claim[i]);
	world->doubtful += a->operation == REPAIR_PRODUCED || a->operation == REPAIR_CONSUMED;
}

void world_kill(int who)
{
	world_doom(who);
	world->dead[world->agent[who].seat] = true;
}

void world_kill_repairer(int who)
{
	world->dead[world->agent[who].seat] = true;
	world->doubtful++;
}

void world_fill(uint32_t fill)
{
	while (fill--)
		send_one(&world->agent[FIRST_PRODUCER]);
}

/* ---- going on ----------- ------------------------------------------------------------------- */

static void repair_both(void)
{
	world_repair(&world->agent[FIRST_PRODUCER], RINGSHM__MPMC_PRODUCERS);
	world_repair(&world->agent[FIRST_PRODUCER], RINGSHM__MPMC_CONSUMERS);
}

static uint32_t one_round(uint32_t i)
{
	uint32_t moved = send_one(&world->agent[FIRST_PRODUCER + i % 2]);

	if (i % 4 > 1)
		moved += send_many(&world->agent[SECOND_PRODUCER - i % 2], 2);
	return moved + receive_many(&world->agent[FIRST_CONSUMER + i % 2], 1 + i % 3, i % 2);
}

void world_go_on(uint32_t rounds)
{
	for (uint32_t i = 0, idle = 0; i < rounds && idle < 4; i++) {
		if (one_round(i)) {
			idle = 0;
		} else {
			idle++;
			repair_both();
		}
	}
}

void world_drain(void)
{
	for (uint32_t idle = 0; idle < 3; idle++) {
		while (receive_many(&world->agent[FIRST_CONSUMER], 2, false))
			idle = 0;
		repair_both();
	}
}

bool world_turn(uint64_t positions)
{
	struct agent *p = &world->agent[FIRST_PRODUCER], *c = &world->agent[FIRST_CONSUMER];
	uint64_t data = 0;
	uint32_t length;

	world_drain();
	if ((world_cursor(0) | RINGSHM_MPMC_LOW) != (world_cursor(1) | RINGSHM_MPMC_LOW))
		return false;
	for (uint64_t i = 0; i < positions; i++) {
		if (ringshm_mpmc_send(&p->p, &i, sizeof(i)) || ringshm_mpmc_recv(&c->c, &data, sizeof(data), &length) ||
		    data != i)
			return false;
		world->start += F1; /* nobody need remember these */
	}
	return true;
}

bool world_is_full_size(void)
{
	uint32_t n = 0;

	while (n <= CAPACITY && send_one(&world->agent[FIRST_PRODUCER]))
		n++;
	world_drain();
	return n == CAPACITY;
}
