// SPDX-License-Identifier: MIT
// Somebody is stopped, and goes on when states have come round to what they were: is that taken for what it was?
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mpmc_moments.h"
#include "random.h"

/*
 * Built with RINGSHM__MPMC_LAP=0x1000: a state comes again after 16 laps instead of 256. A moment is a world in
 * which a victim has executed so many instructions of an operation, and then somebody else so many of another,
 * who is stopped there. The victim dies, or ends what it does and leaves; the others take and repair
 * everything and go on until the cursor at which the stopped one looked stands exactly 16 or 32 laps further, or
 * up to a lap before that, with a ring that is as full as is chosen; perhaps one more dies there. Then the
 * stopped one goes on. RINGSHM_CRASH_SHARE=n: every nth world.
 */
#define SHARE 160
#define LAPS (0x10000 / RINGSHM__MPMC_LAP)
#define ENDS 3 /* of one moment, for either lot of the victim */

static struct moment first, second;
static uint64_t random_state, reached, missed;

/* What happens from a moment on. */
struct end {
	uint32_t laps, before, fill;
	int beside; /* who dies there: RESERVE_N, PEEK_N, or neither */
};

static struct end some_end(void)
{
	static const int beside[] = {RESERVE_N, PEEK_N, FOLD};

	return (struct end){
		.laps = LAPS + LAPS * random_below(&random_state, 2),
		.before = random_below(&random_state, CAPACITY + 1),
		.fill = random_below(&random_state, CAPACITY + 1),
		.beside = beside[random_below(&random_state, 3)],
	};
}

static unsigned int side_of(enum operation operation)
{
	if (operation == FOLD)
		return (unsigned int)random_below(&random_state, 2);
	if (operation == REPAIR_CONSUMED)
		return RINGSHM__MPMC_CONSUMERS;
	return operation_produces(operation) ? RINGSHM__MPMC_PRODUCERS : RINGSHM__MPMC_CONSUMERS;
}

static void end_victim(bool dies)
{
	if (dies) {
		world_kill(VICTIM);
		return;
	}
	step_finish(VICTIM_RUN);
	for (int side = 0; side < 2; side++) /* it leaves in good order */
		ringshm_store_release(&world->lines[side][world->agent[VICTIM].seat].intent, 0);
}

/* Until the cursor of `side` stands `positions` behind `from`. False: somebody is in the way. */
static bool come_round(unsigned int side, uint64_t from, uint64_t positions, uint32_t fill)
{
	uint64_t end = from + ringshm__mpmc_f(positions), now;

	if (!world_turn(0))
		return false;
	now = world_cursor(side) & ~RINGSHM_MPMC_LOW;
	if (side == RINGSHM__MPMC_PRODUCERS)
		now += ringshm__mpmc_f(fill);
	if (!world_turn((end - now) >> RINGSHM_MPMC_SHIFT))
		return false;
	world_fill(fill);
	return (world_cursor(side) & ~RINGSHM_MPMC_LOW) == end;
}

static void die_beside(int operation)
{
	struct agent *a;

	if (operation == FOLD)
		return;
	a = world_join(NEWCOMER, 7, (enum operation)operation);
	world_look_away();
	if (operation == RESERVE_N)
		ringshm_mpmc_reserve_n(&a->p, 2);
	else
		ringshm_mpmc_peek_n(&a->c, 2);
	world_kill(NEWCOMER);
}

static void live_through(enum operation stopped, bool dies, const struct end *end)
{
	unsigned int side = side_of(stopped);
	uint64_t from = world_cursor(side) & ~RINGSHM_MPMC_LOW;
	char what[160];

	end_victim(dies);
	if (!come_round(side, from, end->laps * CAPACITY - end->before, end->fill)) {
		missed++; /* it has a slot, or an intent over what the victim left: then nobody comes that far */
	} else {
		reached++;
		die_beside(end->beside);
	}
	step_finish(OTHER_RUN);
	snprintf(what, sizeof(what), "%s; stopped at %u, for %u laps less %u, then fill %u, death of %s",
		 dies ? "killed" : "goes on", step_count(OTHER_RUN), end->laps, end->before, end->fill,
		 operation_name[end->beside]);
	judge(what);
}

static void stop_behind_each(enum operation stopped, bool dies, uint32_t stride)
{
	if (dies)
		world_doom(VICTIM); /* and is dead when the other one is stopped */
	bystander(stopped);
	while (step_some(OTHER_RUN, stride)) {
		world_watch(BYSTANDER); /* not the victim's claims */
		keep(&second);
		for (int i = 0; i < ENDS; i++) {
			struct end end = some_end();

			live_through(stopped, dies, &end);
			go_back(&second);
		}
	}
}

static void stop_and_go_on(uint32_t number, enum operation operation, enum operation stopped, uint32_t stride)
{
	if (moments_enough())
		return;
	begin(number);
	add_place("stopped", stopped);
	victim(operation);
	for (bool more = true; more;) {
		more = victim_step();
		if (step_count(VICTIM_RUN) % (8 * stride) && more)
			continue;
		keep(&first);
		for (int dies = 0; dies < 2; dies++) {
			stop_behind_each(stopped, dies, stride);
			go_back(&first);
		}
	}
}

static void ask(enum operation stopped, uint32_t share)
{
	static const enum operation victims[] = {SEND_TWICE, RECV_TWICE, RESERVE_N, PEEK_N, COMMIT_PART, RELEASE_PART};
	static uint32_t n;
	char question[128];

	for (uint32_t i = (uint32_t)stopped; i < WORLDS; i += share, n++)
		stop_and_go_on(shuffled(i), victims[n % 6], stopped, share > 1 ? 5 : 1);
	snprintf(question, sizeof(question),
		 "%s, stopped at every instruction until states come again, changes nothing", operation_name[stopped]);
	answer(question);
}

int main(int argc, char **argv)
{
	uint32_t share = moments_share(SHARE);

	_Static_assert(LAPS == 16, "built for laps that come again soon");
	if (!moments_begin(argc, argv)) /* mpmc_laps_planted FAULT, to be seen to fail */
		return 2;
	random_state = random_seed();
	for (int stopped = OPERATIONS - 1; stopped >= 0; stopped--)
		ask((enum operation)stopped, share);
	printf("# in %" PRIu64 " of them states came again, in %" PRIu64 " the stopped one was in the way\n", reached,
	       missed);
	answer_also(reached > missed, "most of them go on when states have come again");
	return moments_end();
}
