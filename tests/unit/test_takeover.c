// SPDX-License-Identifier: MIT
// Taking over a role from a dead process: what the next one finds. Random deaths are for tests/crash.
#include "fixture.h"

#define RECORD 64 /* bytes of payload */

static struct ringshm *channel;
static uint32_t len;

static void setup(void)
{
	scratch_make();
	channel = make_channel("x", 0);
}

static void teardown(void)
{
	ringshm_close(channel);
	scratch_remove();
}

TestSuite(takeover, .init = setup, .fini = teardown, .timeout = 30);

/* These end without closing anything, as a killed process does. */
static int fill_and_die(void *unused)
{
	struct ringshm_spsc_producer p;
	char bytes[RECORD] = "";

	(void)unused;
	CHECK(!ringshm_spsc_producer_open(&p, channel));
	while (!ringshm_spsc_send(&p, bytes, sizeof(bytes)))
		bytes[0]++;
	return 0;
}

static int receive_and_die(void *count)
{
	struct ringshm_spsc_consumer c;
	char bytes[RECORD];

	CHECK(!ringshm_spsc_consumer_open(&c, channel));
	for (int i = 0; i < *(int *)count; i++)
		CHECK(!ringshm_spsc_recv(&c, bytes, sizeof(bytes), &len));
	return 0;
}

static int batch_and_die(void *unused)
{
	struct ringshm_spsc_producer p;

	(void)unused;
	CHECK(!ringshm_spsc_producer_open(&p, channel));
	CHECK(!ringshm_spsc_send(&p, "seen", 4));
	for (int i = 0; i < 3; i++) {
		memcpy(ringshm_spsc_reserve(&p, 6), "unseen", 6);
		ringshm_spsc_commit_more(&p, 6);
	}
	memcpy(ringshm_spsc_reserve(&p, 6), "unseen", 6);
	return 0;
}

static int peek_and_die(void *unused)
{
	struct ringshm_spsc_consumer c;

	(void)unused;
	CHECK(!ringshm_spsc_consumer_open(&c, channel));
	for (int i = 0; i < 5; i++)
		CHECK(ringshm_spsc_peek_next(&c, &len));
	ringshm_spsc_release(&c, 2);
	return 0;
}

static int come_and_die(void *where)
{
	struct ringshm_spsc_producer p;

	CHECK(!ringshm_spsc_producer_open(&p, (struct ringshm *)where));
	return 0;
}

static uint64_t takeovers(void)
{
	struct ringshm_info info = {.size = sizeof(info)};

	cr_assert_eq(ringshm_info(channel, &info), 0);
	return info.takeovers;
}

Test(takeover, a_batch_that_was_never_flushed_never_existed)
{
	struct ends e;
	char bytes[16] = "";

	cr_assert_eq(in_child(batch_and_die, NULL), 0);
	open_ends(&e, channel);
	cr_assert_eq(ringshm_spsc_send(&e.p, "next", 4), 0);
	cr_assert_eq(ringshm_spsc_recv(&e.c, bytes, sizeof(bytes), &len), 0);
	cr_expect_str_eq(bytes, "seen");
	cr_assert_eq(ringshm_spsc_recv(&e.c, bytes, sizeof(bytes), &len), 0);
	cr_expect_str_eq(bytes, "next");
	cr_expect_eq(ringshm_spsc_recv(&e.c, bytes, sizeof(bytes), &len), -EAGAIN);
	ringshm_spsc_producer_close(&e.p);
	ringshm_spsc_consumer_close(&e.c);
}

Test(takeover, records_that_were_shown_and_not_released_are_shown_again)
{
	struct ringshm_spsc_consumer c;
	const char *payload;

	cr_assert_eq(in_child(fill_and_die, NULL), 0);
	cr_assert_eq(in_child(peek_and_die, NULL), 0);
	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0, "%s", ringshm_last_error());
	payload = (const char *)ringshm_spsc_peek(&c, &len);
	cr_assert_not_null(payload);
	cr_expect_eq(payload[0], 2, "record %d", payload[0]);
	ringshm_spsc_consumer_close(&c);
}

Test(takeover, what_was_released_and_not_yet_credited_is_room_again)
{
	struct ends e;
	int one = 1;

	cr_assert_eq(in_child(fill_and_die, NULL), 0);
	cr_assert_eq(in_child(receive_and_die, &one), 0);
	open_ends(&e, channel);
	cr_expect_eq(ringshm_spsc_send(&e.p, (char[RECORD]){0}, RECORD), 0);
	ringshm_spsc_producer_close(&e.p);
	ringshm_spsc_consumer_close(&e.c);
}

/* The dead producer knew of releases that no credit told: it stands beyond credit + capacity. */
Test(takeover, a_producer_that_wrote_beyond_the_last_credit_is_taken_over)
{
	struct ringshm_spsc_consumer c;
	struct ringshm_spsc_producer p;
	char bytes[RECORD];
	int records = 0;

	cr_assert_eq(in_child(fill_and_die, NULL), 0);
	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0);
	cr_assert_eq(ringshm_spsc_recv(&c, bytes, sizeof(bytes), &len), 0); /* less than a quarter: no credit */
	cr_assert_eq(in_child(fill_and_die, NULL), 0);
	cr_assert_eq(ringshm_spsc_producer_open(&p, channel), 0, "%s", ringshm_last_error());
	while (!ringshm_spsc_recv(&c, bytes, sizeof(bytes), &len))
		records++;
	cr_expect_eq(records, 4096 / (RECORD + 8), "%d", records);
	cr_expect_eq(ringshm_spsc_send(&p, bytes, RECORD), 0);
	ringshm_spsc_producer_close(&p);
	ringshm_spsc_consumer_close(&c);
}

Test(takeover, a_role_is_busy_while_its_owner_lives_and_free_when_it_is_dead)
{
	struct ringshm_spsc_producer p, second;
	struct ringshm_spsc_consumer c, other;

	cr_assert_eq(ringshm_spsc_producer_open(&p, channel), 0);
	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0);
	EXPECT_FAILURE(ringshm_spsc_producer_open(&second, channel), EBUSY, "x", "producer is alive", "process");
	EXPECT_FAILURE(ringshm_spsc_consumer_open(&other, channel), EBUSY, "x", "consumer is alive", "process");
	ringshm_spsc_producer_close(&p);
	ringshm_spsc_consumer_close(&c);
	cr_expect_eq(ringshm_spsc_producer_open(&second, channel), 0);
	cr_expect_eq(ringshm_spsc_consumer_open(&other, channel), 0);
	ringshm_spsc_producer_close(&second);
	ringshm_spsc_consumer_close(&other);
}

Test(takeover, a_takeover_is_counted_and_a_succession_is_not)
{
	struct ends e;
	int none = 0;

	cr_assert_eq(in_child(fill_and_die, NULL), 0);
	cr_expect_eq(takeovers(), 0);
	cr_assert_eq(in_child(fill_and_die, NULL), 0);
	cr_expect_eq(takeovers(), 1);
	cr_assert_eq(in_child(receive_and_die, &none), 0);
	open_ends(&e, channel);
	cr_expect_eq(takeovers(), 3);
	ringshm_spsc_producer_close(&e.p);
	ringshm_spsc_consumer_close(&e.c);
	open_ends(&e, channel);
	cr_expect_eq(takeovers(), 3);
	ringshm_spsc_producer_close(&e.p);
	ringshm_spsc_consumer_close(&e.c);
}

Test(takeover, info_tells_the_living_from_the_dead)
{
	struct ringshm_participant_info seat = {.size = sizeof(seat)};
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm_spsc_consumer c;

	cr_assert_eq(in_child(fill_and_die, NULL), 0);
	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0);
	cr_assert_eq(ringshm_info(channel, &info), 0);
	cr_expect_eq(info.producers, 0);
	cr_expect_eq(info.consumers, 1);
	cr_expect_eq(info.dead, 1);
	cr_assert_eq(ringshm_participant_info(channel, RINGSHM_ROLE_PRODUCER, RINGSHM_SEAT_PRODUCER, &seat), 0);
	cr_expect_eq(seat.alive, 0);
	cr_assert_eq(ringshm_participant_info(channel, RINGSHM_ROLE_CONSUMER, RINGSHM_SEAT_CONSUMER, &seat), 0);
	cr_expect_eq(seat.alive, 1);
	cr_expect_eq(seat.pid, (uint32_t)getpid());
	ringshm_spsc_consumer_close(&c);
}

Test(takeover, recover_says_whether_the_other_side_is_gone)
{
	struct ends e;

	open_ends(&e, channel);
	cr_expect_eq(ringshm_spsc_producer_recover(&e.p), 0);
	cr_expect_eq(ringshm_spsc_consumer_recover(&e.c), 0);
	ringshm_spsc_producer_close(&e.p);
	cr_expect_eq(ringshm_spsc_consumer_recover(&e.c), 1);
	cr_assert_eq(in_child(fill_and_die, NULL), 0);
	cr_expect_eq(ringshm_spsc_consumer_recover(&e.c), 1);
	ringshm_spsc_consumer_close(&e.c);
}

Test(takeover, a_role_that_nobody_ever_took_is_not_gone)
{
	struct ringshm_spsc_consumer c;

	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0);
	cr_expect_eq(ringshm_spsc_consumer_recover(&c), 0);
	ringshm_spsc_consumer_close(&c);
}

Test(takeover, a_successor_that_came_in_time_is_no_end_of_the_stream)
{
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
	struct ringshm *eof = make_channel("eof", RINGSHM_F_EOF);

	cr_assert_eq(ringshm_spsc_consumer_open(&c, eof), 0);
	cr_assert_eq(in_child(come_and_die, eof), 0);
	cr_expect_eq(ringshm_spsc_consumer_recover(&c), 1); /* seen dead */
	cr_assert_eq(ringshm_spsc_producer_open(&p, eof), 0);
	cr_assert_eq(ringshm_spsc_send(&p, "on", 2), 0);
	cr_expect_not_null(ringshm_spsc_peek(&c, &len));
	ringshm_spsc_release(&c, 1);
	cr_expect_null(ringshm_spsc_peek(&c, &len));
	cr_expect_eq(c.status, 0, "its producer lives, and it says %d", c.status);
	ringshm_spsc_producer_close(&p);
	cr_expect_null(ringshm_spsc_peek(&c, &len));
	cr_expect_eq(c.status, -EPIPE);
	ringshm_spsc_consumer_close(&c);
	ringshm_close(eof);
}

/* ---- what an open that failed leaves -------------------------------------------------------- */

Test(takeover, an_endpoint_that_could_not_be_opened_may_be_closed)
{
	struct ringshm_config config = small_config();
	struct ringshm *ring = make_channel("y", 0), *many;
	struct ringshm_spsc_producer p, second;
	struct ringshm_mpmc_consumer first, c;
	struct ringshm_token_producer t;

	memset(&second, 0xa5, sizeof(second));
	memset(&c, 0xa5, sizeof(c));
	memset(&t, 0xa5, sizeof(t));
	cr_assert_eq(ringshm_spsc_producer_open(&p, ring), 0);
	EXPECT_FAILURE(ringshm_spsc_producer_open(&second, ring), EBUSY, "y");
	cr_expect_eq(ringshm_spsc_producer_close(&second), 0);
	EXPECT_FAILURE(ringshm_token_producer_open(&t, ring), EPROTOTYPE, "it is of kind spsc, not token");
	cr_expect_eq(ringshm_token_producer_close(&t), 0);
	config.kind = RINGSHM_MPMC;
	config.participants = 1;
	cr_assert_eq(ringshm_create(&many, NULL, &config), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_mpmc_consumer_open(&first, many), 0);
	EXPECT_FAILURE(ringshm_mpmc_consumer_open(&c, many), EBUSY, "seats");
	cr_expect_eq(ringshm_mpmc_consumer_close(&c), 0);
	ringshm_mpmc_consumer_close(&first);
	ringshm_spsc_producer_close(&p);
	ringshm_close(many);
	ringshm_close(ring);
}

Test(takeover, opening_an_open_endpoint_again_is_refused_and_does_not_spoil_it)
{
	struct ringshm *ring = make_channel("y", 0);
	struct ringshm_spsc_producer p;

	cr_assert_eq(ringshm_spsc_producer_open(&p, ring), 0);
	EXPECT_FAILURE(ringshm_spsc_producer_open(&p, ring), EBUSY, "y");
	cr_expect_eq(ringshm_spsc_send(&p, "still", 5), 0);
	ringshm_spsc_producer_close(&p);
	cr_expect_eq(ringshm_spsc_producer_open(&p, ring), 0, "%s", ringshm_last_error());
	ringshm_spsc_producer_close(&p);
	ringshm_close(ring);
}
