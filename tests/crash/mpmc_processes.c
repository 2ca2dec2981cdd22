// SPDX-License-Identifier: MIT
// The same questions as mpmc_steps asks, put to real processes: traced, killed behind an instruction, their seats
// taken at once by others, and judged dead by the library's own locks.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <ringshm/ringshm.h>

#include "mpmc_world.h"
#include "planted_endpoint.h"
#include "random.h"
#include "tap.h"
#include "traced.h"

/*
 * A moment: a ring of 4 slots at some offset and fill; perhaps one who died in it already; perhaps a bystander
 * who stands between two instructions; a victim that is run for so many instructions; its fate; perhaps a
 * repairer who is run for so many, and killed or goes on later. Then the survivors, and the judge. The check tries
 * a random share (RINGSHM_SEED); RINGSHM_CRASH_SHARE=1 tries every victim at every instruction, offset, fill and
 * fate, and the others in steps: about an hour. RINGSHM_CRASH_SAMPLES is how many moments a question is asked.
 */
#define FAILURES_SHOWN 5
#define LONGEST 6000
#define NOBODY (-1)

struct moment {
	uint32_t offset, fill;
	int former, beside, repairer; /* operations, or NOBODY */
	uint32_t former_at, beside_at, repairer_at;
	enum fate fate, repairer_fate; /* of the repairer: killed or stopped */
	enum operation operation;
	uint32_t at; /* instructions of the victim */
};

static struct ringshm *channel;
static const enum operation repairs = REPAIR_PRODUCED;
static uint32_t length[OPERATIONS]; /* instructions that each has taken at most so far */
static uint64_t tried, failed;
static bool planted;
static uint32_t share;	       /* every nth instruction; 0: a random few moments */
static uint32_t samples = 300; /* moments of a question */
static const char *trouble;    /* of the test itself */

/* ---- the world over a channel --------------------------------------------------------------------- */

struct agent *world_join(int who, uint32_t seat, enum operation operation)
{
	struct agent *a = &world->agent[who];
	bool producing = operation_produces(operation);

	(void)seat; /* the library's choice: the lowest that is free */
	memset(a, 0, sizeof(*a));
	if (producing ? ringshm_mpmc_producer_open(&a->p, channel) : ringshm_mpmc_consumer_open(&a->c, channel)) {
		trouble = ringshm_last_error();
		return a;
	}
	planted_endpoint(producing ? &a->p.m.ring : &a->c.m.ring);
	a->seat = producing ? a->p.id : a->c.id;
	a->operation = operation;
	a->present = true;
	return a;
}

void world_repair(struct agent *agent, unsigned int side)
{
	(void)side; /* both */
	world->worn |= ringshm_mpmc_producer_recover(&agent->p) < 0;
}

static void leave(int who)
{
	struct agent *a = &world->agent[who];

	if (a->present && operation_produces(a->operation))
		ringshm_mpmc_producer_close(&a->p);
	else if (a->present)
		ringshm_mpmc_consumer_close(&a->c);
	a->present = false;
}

static bool make_ring(uint64_t start)
{
	struct ringshm_config config;

	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = CAPACITY;
	config.slot_size = 16;
	config.participants = SEATS;
	config.start_position = start;
	if (ringshm_create(&channel, NULL, &config)) {
		trouble = ringshm_last_error();
		return false;
	}
	memset(world, 0, sizeof(*world));
	world_join(FIRST_PRODUCER, 0, SEND);
	world_join(SECOND_PRODUCER, 0, SEND);
	world_join(FIRST_CONSUMER, 0, RECV);
	world_join(SECOND_CONSUMER, 0, RECV);
	world->ring = world->agent[FIRST_PRODUCER].p.m.ring;
	return !trouble;
}

static void end_ring(void)
{
	leave(FIRST_PRODUCER);
	leave(SECOND_PRODUCER);
	leave(FIRST_CONSUMER);
	leave(SECOND_CONSUMER);
	ringshm_close(channel);
}

/* Nobody remembers anything: a new account begins. */
static void forget(void)
{
	for (int i = 0; i < AGENTS; i++) {
		struct agent *a = &world->agent[i];

		a->sends = a->receives = a->discards = a->claims = 0;
		a->ordinal = 0;
		a->dead = false;
	}
	world->lost_c = world->lost_p = 0;
	world->ordinal = world->doubtful = 0;
	for (unsigned int side = 0; side < 2; side++) {
		world->counted[side] = ringshm__mpmc_lost(&world->ring, side);
		world->mended[side] = ringshm_load_relaxed(world->ring.repairs[side]);
		world->unfinished[side] = 0;
	}
}

/* An empty ring at the offset, filled as asked. */
static void begin(uint32_t offset, uint32_t fill)
{
	struct agent *p = &world->agent[FIRST_PRODUCER], *c = &world->agent[FIRST_CONSUMER];
	uint64_t tail = ringshm_load_relaxed(world->ring.cursor[0]), data = 0;
	uint32_t moves = (offset - (uint32_t)(tail >> RINGSHM_MPMC_SHIFT)) % CAPACITY, size;

	while (moves--) {
		ringshm_mpmc_send(&p->p, &data, sizeof(data));
		ringshm_mpmc_recv(&c->c, &data, sizeof(data), &size);
	}
	forget();
	world->start = ringshm_load_relaxed(world->ring.cursor[0]) & ~RINGSHM_MPMC_LOW;
	world_fill(fill);
	world_look_away();
}

/* ---- children ------------------------------------------------------------------------------------- */

static int child_body(void *argument)
{
	struct agent *a = argument;

	if (!world_join((int)(a - world->agent), 0, a->operation)->present)
		return 1;
	traced_mark();
	operation_run(a);
	traced_mark();
	return 0;
}

/* A child that stands `at` instructions behind the beginning of its operation. False: it has ended it before. */
static bool run_child(struct traced *child, int who, enum operation operation, uint32_t at)
{
	enum traced_stop stop;
	uint32_t i;

	world->agent[who].operation = operation;
	if (!traced_start(child, child_body, &world->agent[who]) || traced_run(child) != TRACED_MARK) {
		trouble = "a child could not be traced, or was given no seat";
		return false;
	}
	world_look_away();
	for (i = 0, stop = TRACED_BETWEEN; i < at && stop == TRACED_BETWEEN; i++)
		stop = traced_step(child);
	if (length[operation] < i)
		length[operation] = i;
	world_watch(who);
	return stop == TRACED_BETWEEN;
}

static void kill_child(struct traced *child, int who)
{
	traced_kill(child);
	world_kill(who);
}

/* It goes on, and leaves. */
static void end_child(struct traced *child)
{
	for (int i = 0; i < 4 && child->pid; i++)
		traced_run(child);
	traced_kill(child);
}

/* ---- one moment ----------------------------------------------------------------------------------- */

static void newcomer(enum operation operation)
{
	struct agent *a = world_join(NEWCOMER, 0, operation);

	if (a->present && a->seat != world->agent[VICTIM].seat)
		trouble = "the newcomer was given another seat than the victim's";
	if (a->present)
		operation_run(a);
}

static void befall(const struct moment *m, struct traced *victim)
{
	bool producing = operation_produces(m->operation);

	if (m->fate == STOPPED)
		return;
	kill_child(victim, VICTIM);
	if (m->fate == KILLED_AND_REPLACED)
		newcomer(producing ? SEND : RECV);
	else if (m->fate == KILLED_AND_REPLACED_OTHERWISE)
		newcomer(producing ? PEEK_N : RESERVE_N);
}

/* Somebody repairs what the victim left, and is killed too, or goes on when the others are laps further. */
static void repair_in_vain(const struct moment *m)
{
	struct traced repairer;

	run_child(&repairer, FORMER, (enum operation)m->repairer, m->repairer_at);
	if (m->repairer_fate == STOPPED) {
		world_go_on(12);
		end_child(&repairer);
	} else {
		traced_kill(&repairer);
		world_kill_repairer(FORMER);
	}
}

static void report(const char *wrong, const struct moment *m)
{
	if (failed++ >= FAILURES_SHOWN)
		return;
	tap_note("%s: offset %u, fill %u, %s at %u, %s", wrong, m->offset, m->fill, operation_name[m->operation], m->at,
		 fate_name[m->fate]);
	if (m->former != NOBODY)
		tap_note("  after the death of %s at %u", operation_name[m->former], m->former_at);
	if (m->beside != NOBODY)
		tap_note("  beside %s stopped at %u", operation_name[m->beside], m->beside_at);
	if (m->repairer != NOBODY)
		tap_note("  repairer %s at %u", fate_name[m->repairer_fate], m->repairer_at);
}

/* False: the victim had ended before so many instructions. */
static bool live_through(const struct moment *m)
{
	struct traced former, beside, victim;
	const char *wrong;
	bool between;

	begin(m->offset, m->fill);
	if (m->former != NOBODY) {
		run_child(&former, FORMER, (enum operation)m->former, m->former_at);
		kill_child(&former, FORMER);
	}
	if (m->beside != NOBODY)
		run_child(&beside, BYSTANDER, (enum operation)m->beside, m->beside_at);
	between = run_child(&victim, VICTIM, m->operation, m->at);
	befall(m, &victim);
	if (m->repairer != NOBODY)
		repair_in_vain(m);
	world_go_on(8);
	if (m->beside != NOBODY)
		end_child(&beside);
	if (m->fate == STOPPED)
		end_child(&victim);
	world_go_on(2);
	leave(NEWCOMER);
	wrong = trouble ? trouble : world_judge();
	tried++;
	if (wrong)
		report(wrong, m);
	return between;
}

/* After a failure the ring is anything: a new one, elsewhere. */
static bool renew(void)
{
	static const uint64_t starts[] = {UINT64_C(0) - 2, (UINT64_C(1) << 32) - 2, (UINT64_C(1) << 56) - 2};
	static uint64_t rings, moments, failures;

	if (rings && moments++ % 512 && failures == failed)
		return !(failed && planted);
	if (rings)
		end_ring();
	failures = failed;
	return failed < 50 && make_ring(starts[rings++ % 3]);
}

/* ---- a random share ------------------------------------------------------------------------------- */

static uint32_t some_instruction(enum operation operation, uint64_t *random)
{
	return random_below(random, length[operation] * 3 / 2 + 50); /* it may take longer than it ever has */
}

static enum operation some_operation(uint64_t *random)
{
	return (enum operation)random_below(random, FOLD);
}

static struct moment some_moment(enum operation operation, bool repaired, bool beside, uint64_t *random)
{
	struct moment m = {
		.offset = random_below(random, CAPACITY),
		.fill = random_below(random, CAPACITY + 1),
		.former = random_below(random, 4) ? NOBODY : (int)some_operation(random),
		.beside = beside ? (int)some_operation(random) : NOBODY,
		.repairer = repaired ? (int)repairs : NOBODY,
		.fate = (enum fate)random_below(random, FATES),
		.repairer_fate = random_below(random, 2) ? KILLED : STOPPED,
		.operation = operation,
	};

	if (repaired) /* nobody else uses that place */
		m.former = NOBODY;
	m.at = some_instruction(operation, random);
	if (m.former != NOBODY)
		m.former_at = some_instruction((enum operation)m.former, random);
	if (beside)
		m.beside_at = some_instruction((enum operation)m.beside, random);
	if (repaired)
		m.repairer_at = some_instruction(repairs, random);
	return m;
}

static void sample(bool repaired, bool beside, uint32_t count, uint64_t *random)
{
	for (uint32_t i = 0; i < count && renew(); i++) {
		struct moment m = some_moment((enum operation)(i % FOLD), repaired, beside, random);

		live_through(&m);
	}
}

/* ---- everything ----------------------------------------------------------------------------------- */

/* Behind every instruction, at every offset and fill, each fate. */
static void try_victims(enum operation operation)
{
	struct moment m = {.operation = operation, .former = NOBODY, .beside = NOBODY, .repairer = NOBODY};
	bool more = true;

	for (m.at = 0; more && m.at < LONGEST; m.at += share)
		for (uint32_t i = 0, longer = 0; i < CAPACITY * (CAPACITY + 1) * FATES && renew(); i++) {
			m.offset = i % CAPACITY;
			m.fill = i / CAPACITY % (CAPACITY + 1);
			m.fate = (enum fate)(i / CAPACITY / (CAPACITY + 1));
			longer += live_through(&m);
			more = longer || i + 1 < CAPACITY * (CAPACITY + 1) * FATES;
		}
}

/* The other participants at each of their instructions in turn, whatever else at random. */
static void try_others(bool repaired, bool beside, uint64_t *random)
{
	for (int operation = 0; operation < FOLD; operation++)
		for (int other = beside ? 0 : (int)repairs; other < (beside ? (int)FOLD : (int)repairs + 1); other++)
			for (uint32_t at = 0; at < length[other] + 1 && renew(); at += share)
				for (uint32_t i = 0; i < 8 && renew(); i++) {
					struct moment m =
						some_moment((enum operation)operation, repaired, beside, random);

					m.beside = beside ? other : NOBODY;
					m.beside_at = m.repairer_at = at;
					live_through(&m);
				}
}

static void answer(const char *question)
{
	tap_note("%" PRIu64 " moments, %" PRIu64 " failed", tried, failed);
	tap_ok(tried && !failed, question);
	tried = failed = 0;
}

static void ask_victims(uint64_t *random)
{
	sample(false, false, 4 * samples, random);
	for (int operation = 0; share && operation < FOLD; operation++)
		try_victims((enum operation)operation);
	answer("a process killed or stopped behind any instruction loses nothing uncounted");
}

static void ask_others(uint64_t *random)
{
	if (share)
		try_others(true, false, random);
	else
		sample(true, false, samples, random);
	answer("repairing processes killed behind any instruction, or resumed laps later, change nothing");
	if (share)
		try_others(false, true, random);
	else
		sample(false, true, samples, random);
	answer("beside a process stopped behind any instruction, others may be killed behind any");
}

int main(int argc, char **argv)
{
	const char *given = getenv("RINGSHM_CRASH_SHARE"), *few = getenv("RINGSHM_CRASH_SAMPLES");
	uint64_t seed = random_seed(), random = seed;

	if (!planted_begin(argc, argv)) {
		fprintf(stderr, "mpmc_processes: no fault '%s'\n", argc > 1 ? argv[1] : "");
		return 2;
	}
	planted = argc > 1;
	share = given ? (uint32_t)strtoul(given, NULL, 0) : 0;
	if (share > 100)
		share = 0;
	samples = few ? (uint32_t)strtoul(few, NULL, 0) : samples;
	if (!traced_init()) {
		tap_skip("processes killed behind every instruction", "this machine lets nobody trace its children");
		return tap_done();
	}
	if (!world_share()) {
		tap_ok(false, "the world is shared with children");
		return tap_done();
	}
	tap_note("seed %" PRIu64, seed);
	ask_victims(&random);
	ask_others(&random);
	for (int operation = 0; operation < FOLD; operation++)
		tap_note("%s: %u instructions", operation_name[operation], length[operation]);
	return tap_done();
}
