// SPDX-License-Identifier: MIT
// The judge of the crash tests' world: is everything accounted for, in order, once?
#include "mpmc_world.h"

static uint32_t times_among(const uint64_t *among, uint32_t n, uint64_t data)
{
	uint32_t times = 0;

	for (uint32_t i = 0; i < n; i++)
		times += among[i] == data;
	return times;
}

/* How often was this message received, or lost with a dead consumer? */
static uint32_t ends_of(uint64_t data)
{
	uint32_t times = times_among(world->died_with, world->lost_c, data);

	for (int i = 0; i < AGENTS; i++)
		times += times_among(world->agent[i].received, world->agent[i].receives, data);
	return times;
}

/* Each position that a dead one had not finished is repaired, once, and no other. */
static bool mended_right(void)
{
	for (unsigned int side = 0; side < 2; side++) {
		uint64_t mended = ringshm_load_relaxed(world->ring.repairs[side]) - world->mended[side];

		if (mended > world->unfinished[side] || mended + world->doubtful < world->unfinished[side])
			return false;
	}
	return true;
}

static const char *judge_messages(void)
{
	uint32_t sent = 0, ended = world->lost_c, discards = 0;
	uint64_t total = ((world_cursor(0) & ~RINGSHM_MPMC_LOW) - world->start) >> RINGSHM_MPMC_SHIFT;

	for (int i = 0; i < AGENTS; i++) {
		const struct agent *a = &world->agent[i];

		for (uint32_t k = 0; k < a->sends; k++)
			if (ends_of(a->sent[k]) != 1)
				return ends_of(a->sent[k]) ? "a message was delivered twice" : "a message is missing";
		sent += a->sends;
		ended += a->receives;
		discards += a->discards;
	}
	if (sent != ended)
		return "something was delivered that was never sent";
	return total == sent + discards + world->lost_p ? NULL : "positions are missing";
}

/* One sender's messages come to one receiver as they were sent; so do those of all who send in one go. */
static const char *judge_order(const struct agent *a)
{
	uint64_t last[AGENTS] = {0}, last_of_all = 0;

	for (uint32_t i = 0; i < a->receives; i++) {
		uint64_t sender = (a->received[i] >> 32) - 1, ordinal = a->received[i] & UINT32_MAX;

		if (sender >= AGENTS || ordinal <= last[sender])
			return "one sender's messages came in another order";
		if (world_sends_in_one_go(sender) && ordinal <= last_of_all)
			return "messages came in another order";
		last[sender] = ordinal;
		if (world_sends_in_one_go(sender))
			last_of_all = ordinal;
	}
	return NULL;
}

const char *world_judge(void)
{
	const struct ringshm__mpmc_ring *ring = &world->ring;
	const char *why = NULL;

	world_drain();
	if ((world_cursor(0) | RINGSHM_MPMC_LOW) != (world_cursor(1) | RINGSHM_MPMC_LOW))
		return "the ring does not become empty";
	if (!world_is_full_size())
		return "the ring has become smaller, or larger";
	if (ringshm__mpmc_lost(ring, RINGSHM__MPMC_CONSUMERS) - world->counted[RINGSHM__MPMC_CONSUMERS] !=
	    world->lost_p)
		return "losses of producers are miscounted";
	if (ringshm__mpmc_lost(ring, RINGSHM__MPMC_PRODUCERS) - world->counted[RINGSHM__MPMC_PRODUCERS] !=
	    world->lost_c)
		return "losses of consumers are miscounted";
	if (world->worn)
		return "a slot was said to be worn out";
	if (!mended_right())
		return "other positions were repaired than the dead left";
	for (int i = 0; i < AGENTS && !why; i++)
		why = judge_order(&world->agent[i]);
	return why ? why : judge_messages();
}
