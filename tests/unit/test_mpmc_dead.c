// SPDX-License-Identifier: MIT
// mpmc rings and processes that fork, or stop, or die over one slot again and again.
#include "fixture.h"

#define ROUNDS 32 /* a slot is repaired twice in each: as often as the count of a verdict goes */

static struct ringshm *channel;
static struct ringshm_mpmc_producer p;
static struct ringshm_mpmc_consumer c;

static void setup(void)
{
	struct ringshm_config config;

	scratch_make();
	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = 2;
	config.slot_size = 16;
	cr_assert_eq(ringshm_create(&channel, NULL, &config), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_mpmc_producer_open(&p, channel), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_mpmc_consumer_open(&c, channel), 0, "%s", ringshm_last_error());
}

static void teardown(void)
{
	ringshm_mpmc_producer_close(&p);
	ringshm_mpmc_consumer_close(&c);
	ringshm_close(channel);
	scratch_remove();
}

TestSuite(mpmc_dead, .init = setup, .fini = teardown, .timeout = 60);

/* ---- fork ----------------------------------------------------------------------------------- */

static int use_everything(void *unused)
{
	uint64_t numbers[2] = {7, 8};
	uint32_t length;

	(void)unused;
	CHECK(ringshm_mpmc_send(&p, numbers, 8) == -ESTALE);
	CHECK(ringshm_mpmc_send_n(&p, numbers, 8, 2) == -ESTALE);
	CHECK(!ringshm_mpmc_reserve(&p, 8) && p.status == -ESTALE);
	CHECK(ringshm_mpmc_recv(&c, numbers, 8, &length) == -ESTALE);
	CHECK(ringshm_mpmc_recv_n(&c, numbers, 8, 2) == -ESTALE);
	CHECK(!ringshm_mpmc_peek(&c, &length) && c.status == -ESTALE);
	CHECK(ringshm_mpmc_producer_recover(&p) == -ESTALE);
	CHECK(!ringshm_mpmc_producer_close(&p));
	CHECK(!ringshm_mpmc_consumer_close(&c));
	return 0;
}

/* A batch by the child, as the first thing that it does. */
static int use_batches(void *unused)
{
	uint64_t numbers[2] = {7, 8};

	(void)unused;
	CHECK(ringshm_mpmc_send_n(&p, numbers, 8, 2) == -ESTALE);
	CHECK(ringshm_mpmc_recv_n(&c, numbers, 8, 2) == -ESTALE);
	return 0;
}

/* What the parent holds the child has a private copy of: nothing that it does with that is anybody else's. */
static int use_what_is_held(void *unused)
{
	uint64_t number = 9;

	(void)unused;
	ringshm_mpmc_commit_n(&p, 1, 8);
	ringshm_mpmc_release(&c, 1);
	CHECK(ringshm_mpmc_send_n(&p, &number, 8, 1) == -ESTALE);
	CHECK(ringshm_mpmc_recv_n(&c, &number, 8, 1) == -ESTALE);
	return 0;
}

static void try_child(int (*function)(void *))
{
	uint64_t number = 0, sent[2] = {1, 2};
	uint32_t length;

	cr_assert_eq(in_child(function, NULL), 0);
	cr_assert_eq(ringshm_mpmc_send_n(&p, sent, 8, 2), 2);
	cr_assert_eq(in_child(function, NULL), 0);
	cr_assert_eq(ringshm_mpmc_recv(&c, &number, 8, &length), 0);
	cr_expect_eq(number, 1);
	cr_assert_eq(in_child(function, NULL), 0); /* now it has seen what comes next, too */
	cr_assert_eq(ringshm_mpmc_recv_n(&c, &number, 8, 2), 1);
	cr_expect_eq(number, 2);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, &number, 8, 2), -EAGAIN);
}

Test(mpmc_dead, what_a_child_does_with_its_parents_endpoints_is_stale_and_changes_nothing)
{
	try_child(use_everything);
	try_child(use_batches);
}

Test(mpmc_dead, what_a_child_does_with_what_its_parent_holds_changes_nothing)
{
	uint64_t number = 3;
	uint32_t length;

	cr_assert_eq(ringshm_mpmc_send(&p, &number, 8), 0);
	cr_assert_not_null(ringshm_mpmc_peek(&c, &length));
	cr_assert_eq(ringshm_mpmc_reserve_n(&p, 1), 1);
	cr_assert_eq(in_child(use_what_is_held, NULL), 0);
	*(uint64_t *)ringshm_mpmc_room(&p, 0) = 4;
	ringshm_mpmc_commit(&p, 8);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, &number, 8, 1), 1);
	cr_expect_eq(number, 3);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, &number, 8, 1), 1);
	cr_expect_eq(number, 4);
}

/* ---- who is in the way ---------------------------------------------------------------------- */

static enum ringshm_role in_the_way(void)
{
	struct ringshm_info info = {.size = sizeof(info)};

	cr_assert_eq(ringshm_info(channel, &info), 0);
	return (enum ringshm_role)info.stalled_role;
}

/* Its intent stays as long as it does nothing else; what its slot says comes again every 256 laps. */
Test(mpmc_dead, who_has_handed_its_slot_over_is_not_in_the_way_at_any_lap)
{
	struct ringshm_mpmc_producer other;
	uint64_t number;

	cr_assert_eq(ringshm_mpmc_producer_open(&other, channel), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_mpmc_reserve_n(&p, 1), 1);
	cr_assert_eq(ringshm_mpmc_consumer_recover(&c), 0);
	cr_expect_eq(in_the_way(), RINGSHM_ROLE_PRODUCER);
	ringshm_mpmc_commit(&p, 8);
	for (uint64_t i = 0; i < 2 * 300; i++) {
		cr_assert_eq(in_the_way(), 0, "after %d messages", (int)i);
		cr_assert_eq(ringshm_mpmc_recv_n(&c, &number, 8, 1), 1);
		cr_assert_eq(ringshm_mpmc_send_n(&other, &i, 8, 1), 1);
	}
	ringshm_mpmc_producer_close(&other);
}

/* ---- many deaths over one slot -------------------------------------------------------------- */

static int reserve_and_die(void *unused)
{
	struct ringshm_mpmc_producer mine;

	(void)unused;
	CHECK(!ringshm_mpmc_producer_open(&mine, channel));
	CHECK(ringshm_mpmc_reserve_n(&mine, 1) == 1);
	return 0;
}

/* Between the claim of what a dead producer left and giving it back. */
static int cross_and_die(void *unused)
{
	struct ringshm_mpmc_consumer mine;
	bool hole;

	(void)unused;
	CHECK(!ringshm_mpmc_consumer_open(&mine, channel));
	CHECK(ringshm__mpmc_claim(&mine.m, RINGSHM__MPMC_CONSUMERS, 1, false, &hole) == 1 && hole);
	return 0;
}

static void expect_lost(uint64_t produced)
{
	struct ringshm_info info = {.size = sizeof(info)};

	cr_assert_eq(ringshm_info(channel, &info), 0);
	cr_expect_eq(info.lost_produced, produced);
	cr_expect_eq(info.lost_consumed, 0);
	cr_expect_eq(info.used, 0);
}

/* Both slots go around that often, and nobody who lives ever has one of them. */
static void die_in_both(int rounds)
{
	for (int i = 0; i < 2 * rounds; i++) {
		cr_assert_eq(in_child(reserve_and_die, NULL), 0);
		cr_assert_eq(ringshm_mpmc_consumer_recover(&c), 1, "position %d", i);
		cr_assert_eq(in_child(cross_and_die, NULL), 0);
		cr_assert_eq(ringshm_mpmc_producer_recover(&p), 1, "position %d", i);
	}
}

Test(mpmc_dead, a_slot_is_worn_out_by_more_deaths_in_a_row_than_a_verdict_can_count)
{
	struct ringshm_info info = {.size = sizeof(info)};
	uint64_t number;
	uint32_t length;

	die_in_both(ROUNDS);
	expect_lost(2 * ROUNDS);
	cr_assert_eq(in_child(reserve_and_die, NULL), 0);
	cr_expect_eq(ringshm_mpmc_consumer_recover(&c), -EPROTO);
	cr_expect_eq(ringshm_mpmc_consumer_recover(&c), -EPROTO);
	cr_expect_eq(c.status, 0); /* until it has looked in vain for long */
	cr_assert_eq(ringshm_info(channel, &info), 0);
	cr_expect_eq(info.used, 1);
	cr_expect_eq(ringshm_mpmc_recv_wait(&c, &number, sizeof(number), &length, INT64_C(10000000000)), -EPROTO);
	cr_expect_eq(c.status, -EPROTO);
}

Test(mpmc_dead, one_who_lives_makes_a_slot_as_good_as_new)
{
	uint64_t sent[2] = {1, 2}, received[2];

	for (int i = 1; i <= 3; i++) {
		die_in_both(ROUNDS - 1);
		cr_assert_eq(ringshm_mpmc_send_n(&p, sent, 8, 1), 1);
		cr_assert_eq(ringshm_mpmc_send_n(&p, sent + 1, 8, 1), 1);
		cr_assert_eq(ringshm_mpmc_recv_n(&c, received, 8, 2), 2);
		cr_expect_arr_eq(received, sent, sizeof(sent));
		expect_lost((uint64_t)i * 2 * (ROUNDS - 1));
	}
}
