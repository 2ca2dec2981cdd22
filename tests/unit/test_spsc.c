// SPDX-License-Identifier: MIT
// <ringshm/spsc.h>: what each verb promises, one promise a test.
#include "fixture.h"

static struct ends e;
static uint32_t len;
static char nothing[1];

static void setup(void)
{
	scratch_make();
	open_ends(&e, make_anonymous(0));
}

static void teardown(void)
{
	close_ends(&e);
	scratch_remove();
}

TestSuite(spsc, .init = setup, .fini = teardown, .timeout = 20);

static void put(const char *text)
{
	cr_assert_eq(ringshm_spsc_send(&e.p, text, (uint32_t)strlen(text)), 0);
}

static const char *text(const void *payload)
{
	static char copy[5000];

	snprintf(copy, sizeof(copy), "%.*s", (int)len, payload ? (const char *)payload : "");
	return copy;
}

Test(spsc, what_is_sent_is_received)
{
	char buffer[16] = "";

	put("hello");
	cr_assert_eq(ringshm_spsc_recv(&e.c, buffer, sizeof(buffer), &len), 0);
	cr_expect_eq(len, 5);
	cr_expect_str_eq(buffer, "hello");
}

Test(spsc, an_empty_ring_says_not_now)
{
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(e.c.status, 0);
	cr_expect_eq(ringshm_spsc_recv(&e.c, nothing, 0, &len), -EAGAIN);
}

Test(spsc, a_reservation_is_invisible_until_its_commit)
{
	void *payload = ringshm_spsc_reserve(&e.p, 4);

	memcpy(payload, "late", 4);
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	ringshm_spsc_commit(&e.p, 4);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "late");
}

Test(spsc, a_commit_may_be_shorter_than_its_reservation)
{
	memcpy(ringshm_spsc_reserve(&e.p, 1000), "abc", 3);
	ringshm_spsc_commit(&e.p, 3);
	put("next");
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "abc");
	cr_expect_str_eq(text(ringshm_spsc_peek_next(&e.c, &len)), "next");
	cr_expect_eq(ringshm_spsc_producer_used(&e.p), 32);
}

Test(spsc, a_commit_of_more_than_was_reserved_is_cut_to_it)
{
	memcpy(ringshm_spsc_reserve(&e.p, 3), "abc", 3);
	ringshm_spsc_commit(&e.p, 3000);
	cr_assert_not_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(len, 3);
}

Test(spsc, a_commit_without_a_reservation_does_nothing)
{
	ringshm_spsc_commit(&e.p, 3);
	ringshm_spsc_reserve(&e.p, 3);
	ringshm_spsc_commit(&e.p, 3);
	ringshm_spsc_commit(&e.p, 3);
	cr_expect_not_null(ringshm_spsc_peek_next(&e.c, &len));
	cr_expect_null(ringshm_spsc_peek_next(&e.c, &len));
}

Test(spsc, a_discarded_reservation_never_existed)
{
	memcpy(ringshm_spsc_reserve(&e.p, 4), "gone", 4);
	ringshm_spsc_discard(&e.p);
	ringshm_spsc_commit(&e.p, 4);
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(ringshm_spsc_producer_used(&e.p), 0);
}

Test(spsc, a_second_reserve_gives_up_the_first)
{
	memcpy(ringshm_spsc_reserve(&e.p, 5), "first", 5);
	memcpy(ringshm_spsc_reserve(&e.p, 6), "second", 6);
	ringshm_spsc_commit(&e.p, 6);
	cr_expect_str_eq(text(ringshm_spsc_peek_next(&e.c, &len)), "second");
	cr_expect_null(ringshm_spsc_peek_next(&e.c, &len));
}

Test(spsc, a_batch_is_invisible_until_its_flush)
{
	for (int i = 0; i < 3; i++) {
		memcpy(ringshm_spsc_reserve(&e.p, 1), &"abc"[i], 1);
		ringshm_spsc_commit_more(&e.p, 1);
		cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	}
	ringshm_spsc_flush(&e.p);
	cr_expect_str_eq(text(ringshm_spsc_peek_next(&e.c, &len)), "a");
	cr_expect_str_eq(text(ringshm_spsc_peek_next(&e.c, &len)), "b");
	cr_expect_str_eq(text(ringshm_spsc_peek_next(&e.c, &len)), "c");
}

Test(spsc, a_plain_commit_publishes_the_batch_before_it)
{
	memcpy(ringshm_spsc_reserve(&e.p, 1), "a", 1);
	ringshm_spsc_commit_more(&e.p, 1);
	put("b");
	cr_expect_str_eq(text(ringshm_spsc_peek_next(&e.c, &len)), "a");
	cr_expect_str_eq(text(ringshm_spsc_peek_next(&e.c, &len)), "b");
}

Test(spsc, a_full_ring_publishes_the_batch_that_fills_it)
{
	int records = 0;

	while (ringshm_spsc_reserve(&e.p, 100)) {
		ringshm_spsc_commit_more(&e.p, 100);
		records++;
	}
	cr_expect_eq(e.p.status, 0);
	cr_expect_gt(records, 30);
	while (ringshm_spsc_peek_next(&e.c, &len))
		records--;
	cr_expect_eq(records, 0);
}

Test(spsc, peek_shows_the_same_record_until_its_release)
{
	const void *first;

	put("one");
	put("two");
	first = ringshm_spsc_peek(&e.c, &len);
	cr_expect_eq(ringshm_spsc_peek(&e.c, &len), first);
	cr_expect_str_eq(text(first), "one");
	ringshm_spsc_release(&e.c, 1);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "two");
}

Test(spsc, peek_after_peek_next_shows_the_oldest_and_loses_no_place)
{
	put("one");
	put("two");
	put("three");
	ringshm_spsc_peek_next(&e.c, &len);
	ringshm_spsc_peek_next(&e.c, &len);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "one");
	cr_expect_str_eq(text(ringshm_spsc_peek_next(&e.c, &len)), "three");
	ringshm_spsc_release(&e.c, 3);
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
}

Test(spsc, release_gives_back_the_oldest_and_keeps_the_rest_shown)
{
	const void *second;

	put("one");
	put("two");
	ringshm_spsc_peek_next(&e.c, &len);
	second = ringshm_spsc_peek_next(&e.c, &len);
	ringshm_spsc_release(&e.c, 1);
	cr_expect_eq(ringshm_spsc_peek(&e.c, &len), second);
	cr_expect_null(ringshm_spsc_peek_next(&e.c, &len));
}

Test(spsc, releasing_more_than_was_shown_releases_what_was_shown)
{
	put("one");
	put("two");
	ringshm_spsc_peek(&e.c, &len);
	ringshm_spsc_release(&e.c, 1000);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "two");
}

Test(spsc, releasing_nothing_shown_changes_nothing)
{
	put("one");
	ringshm_spsc_release(&e.c, 1);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "one");
	ringshm_spsc_release(&e.c, 0);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "one");
}

Test(spsc, a_buffer_too_small_leaves_the_record_and_says_its_size)
{
	char buffer[8];

	put("longer than that");
	cr_expect_eq(ringshm_spsc_recv(&e.c, buffer, sizeof(buffer), &len), -EMSGSIZE);
	cr_expect_eq(len, 16);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "longer than that");
}

Test(spsc, a_record_of_no_bytes_is_a_record)
{
	cr_expect_eq(ringshm_spsc_send(&e.p, nothing, 0), 0);
	cr_expect_eq(ringshm_spsc_recv(&e.c, nothing, 0, &len), 0);
	cr_expect_eq(len, 0);
	cr_expect_eq(ringshm_spsc_recv(&e.c, nothing, 0, &len), -EAGAIN);
}

Test(spsc, the_largest_message_always_fits_an_empty_ring)
{
	static char most[4096];
	struct ringshm_info info = {.size = sizeof(info)};

	ringshm_info(e.channel, &info);
	cr_expect_eq(info.max_payload, 4096 / 2 - 8);
	for (int i = 0; i < 40; i++) {
		cr_assert_eq(ringshm_spsc_send(&e.p, most, info.max_payload), 0, "after %d", i);
		cr_assert_eq(ringshm_spsc_recv(&e.c, most, sizeof(most), &len), 0);
		cr_assert_null(ringshm_spsc_peek(&e.c, &len));
		cr_assert_eq(ringshm_spsc_send(&e.p, most, (uint32_t)i), 0);
		cr_assert_eq(ringshm_spsc_recv(&e.c, most, sizeof(most), &len), 0);
		cr_assert_null(ringshm_spsc_peek(&e.c, &len));
	}
}

Test(spsc, a_message_that_can_never_fit_says_so_and_the_next_one_goes_on)
{
	cr_expect_null(ringshm_spsc_reserve(&e.p, 2041));
	cr_expect_eq(e.p.status, -EMSGSIZE);
	cr_expect_null(ringshm_spsc_reserve(&e.p, UINT32_MAX));
	cr_expect_eq(e.p.status, -EMSGSIZE);
	put("short");
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "short");
	while (ringshm_spsc_reserve(&e.p, 2040))
		ringshm_spsc_commit(&e.p, 2040);
	cr_expect_eq(e.p.status, 0, "NULL now means not now");
}

Test(spsc, type_and_flags_arrive_as_given)
{
	ringshm_spsc_reserve(&e.p, 0);
	ringshm_spsc_commit_typed(&e.p, 0, 0xffff, 0x8001);
	put("untyped");
	ringshm_spsc_peek_next(&e.c, &len);
	cr_expect_eq(ringshm_spsc_type(&e.c), 0xffff);
	cr_expect_eq(ringshm_spsc_flags(&e.c), 0x8001);
	ringshm_spsc_peek_next(&e.c, &len);
	cr_expect_eq(ringshm_spsc_type(&e.c), 0);
	cr_expect_eq(ringshm_spsc_flags(&e.c), 0);
}

Test(spsc, without_the_feature_there_is_no_timestamp)
{
	put("x");
	ringshm_spsc_peek(&e.c, &len);
	cr_expect_eq(ringshm_spsc_timestamp(&e.c), 0);
}

Test(spsc, a_timestamp_is_the_monotonic_time_of_the_commit)
{
	struct ends stamped;
	uint64_t before, after;

	open_ends(&stamped, make_anonymous(RINGSHM_F_TIMESTAMP));
	before = now_ns();
	ringshm_spsc_send(&stamped.p, "x", 1);
	after = now_ns();
	ringshm_spsc_peek(&stamped.c, &len);
	cr_expect_geq(ringshm_spsc_timestamp(&stamped.c), before);
	cr_expect_leq(ringshm_spsc_timestamp(&stamped.c), after);
	close_ends(&stamped);
}

Test(spsc, room_comes_back_when_the_consumer_finds_the_ring_empty)
{
	static char bytes[2040];

	while (!ringshm_spsc_send(&e.p, bytes, 500))
		;
	while (!ringshm_spsc_recv(&e.c, bytes, sizeof(bytes), &len))
		;
	for (int i = 0; i < 2; i++)
		cr_expect_eq(ringshm_spsc_send(&e.p, bytes, 2040), 0);
}

Test(spsc, what_callers_drop_is_counted)
{
	struct ringshm_info info = {.size = sizeof(info)};

	ringshm_spsc_note_dropped(&e.p, 3);
	ringshm_spsc_note_dropped(&e.p, 4);
	ringshm_spsc_consumer_note_dropped(&e.c, 100);
	ringshm_info(e.channel, &info);
	cr_expect_eq(info.dropped, 107);
}

Test(spsc, payloads_stand_on_cache_lines_when_asked)
{
	struct ringshm_config config = small_config();
	struct ends aligned;
	struct ringshm *channel;

	config.alignment = 64;
	config.features = RINGSHM_F_TIMESTAMP;
	cr_assert_eq(ringshm_create(&channel, NULL, &config), 0);
	open_ends(&aligned, channel);
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq((uintptr_t)ringshm_spsc_reserve(&aligned.p, 1 + (uint32_t)i % 700) % 64, 0);
		ringshm_spsc_commit(&aligned.p, (uint32_t)i % 700);
		cr_assert_eq((uintptr_t)ringshm_spsc_peek(&aligned.c, &len) % 64, 0);
		ringshm_spsc_release(&aligned.c, 1);
		ringshm_spsc_peek(&aligned.c, &len);
	}
	close_ends(&aligned);
}

Test(spsc, a_closed_endpoint_may_be_closed_again)
{
	ringshm_spsc_producer_close(&e.p);
	cr_expect_eq(ringshm_spsc_producer_close(&e.p), 0);
	cr_expect_eq(ringshm_spsc_producer_close(NULL), 0);
	ringshm_spsc_consumer_close(&e.c);
	cr_expect_eq(ringshm_spsc_consumer_close(&e.c), 0);
	cr_expect_eq(ringshm_spsc_consumer_close(NULL), 0);
}

/*
 * Records of one size have the headers behind them cleared ahead. What is written over these meanwhile
 * must not be taken for a header: here every word of it is one, of an empty record in the first lap.
 */
static void put_steady(int n)
{
	while (n--)
		put("12345678");
}

static void take_steady(int n)
{
	while (n--) {
		cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "12345678");
		ringshm_spsc_release(&e.c, 1);
	}
	cr_expect_null(ringshm_spsc_peek(&e.c, &len), "no record was sent behind these");
	cr_expect_eq(e.c.status, 0);
}

static void *reserve_headers(uint32_t bytes)
{
	uint64_t *payload = ringshm_spsc_reserve(&e.p, bytes);

	for (uint32_t i = 0; i < bytes / 8; i++)
		payload[i] = RINGSHM_RECORD_COMMITTED;
	return payload;
}

Test(spsc, a_discarded_reservation_leaves_no_header_behind)
{
	put_steady(5);
	reserve_headers(400);
	ringshm_spsc_discard(&e.p);
	put_steady(1);
	take_steady(6);
	put_steady(20);
	take_steady(20);
}

Test(spsc, a_commit_shorter_than_its_reservation_leaves_no_header_behind)
{
	put_steady(5);
	memcpy(reserve_headers(400), "12345678", 8);
	ringshm_spsc_commit(&e.p, 8);
	take_steady(6);
}

Test(spsc, a_batch_leaves_no_header_behind)
{
	put_steady(5);
	for (int i = 0; i < 40; i++) {
		memcpy(reserve_headers(i % 3 ? 8 : 64), "12345678", 8);
		ringshm_spsc_commit_more(&e.p, 8);
	}
	ringshm_spsc_flush(&e.p);
	take_steady(45);
}

Test(spsc, a_flush_spares_the_payload_that_is_being_written)
{
	uint64_t *payload;

	put_steady(5);
	for (int i = 0; i < 3; i++) {
		memcpy(ringshm_spsc_reserve(&e.p, 8), "12345678", 8);
		ringshm_spsc_commit_more(&e.p, 8);
	}
	payload = reserve_headers(400);
	ringshm_spsc_flush(&e.p);
	for (int i = 0; i < 50; i++)
		cr_expect_eq(payload[i], RINGSHM_RECORD_COMMITTED);
	ringshm_spsc_commit(&e.p, 400);
	for (int i = 0; i < 8; i++) {
		cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "12345678");
		ringshm_spsc_release(&e.c, 1);
	}
	payload = (uint64_t *)(uintptr_t)ringshm_spsc_peek(&e.c, &len);
	cr_assert_eq(len, 400);
	for (int i = 0; i < 50; i++)
		cr_expect_eq(payload[i], RINGSHM_RECORD_COMMITTED);
}

/* ---- runs ------------------------------------------------------------------------------------- */

static const char run[] = "11112222333344445555";

Test(spsc, a_run_arrives_as_its_messages_in_order)
{
	cr_expect_eq(ringshm_spsc_send_n(&e.p, run, 4, 5), 5);
	for (const char *at = run; *at; at += 4) {
		const void *payload = ringshm_spsc_peek(&e.c, &len);

		cr_assert_not_null(payload);
		cr_expect_eq(len, 4);
		cr_expect_eq(memcmp(payload, at, 4), 0);
		ringshm_spsc_release(&e.c, 1);
	}
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
}

Test(spsc, single_messages_are_received_as_a_run)
{
	char got[32] = "";

	for (int i = 0; i < 5; i++)
		ringshm_spsc_send(&e.p, run + 4 * i, 4);
	cr_expect_eq(ringshm_spsc_recv_n(&e.c, got, 4, 3), 3);
	cr_expect_eq(ringshm_spsc_recv_n(&e.c, got + 12, 4, 8), 2);
	cr_expect_str_eq(got, run);
	cr_expect_eq(ringshm_spsc_recv_n(&e.c, got, 4, 8), -EAGAIN);
}

Test(spsc, a_run_ends_before_a_message_of_another_length)
{
	char got[32] = "";

	ringshm_spsc_send_n(&e.p, run, 4, 2);
	put("longer");
	cr_expect_eq(ringshm_spsc_recv_n(&e.c, got, 4, 8), 2);
	cr_expect_eq(ringshm_spsc_recv_n(&e.c, got, 4, 8), -EMSGSIZE);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "longer", "it stays");
}

Test(spsc, a_run_publishes_the_batch_before_it_and_gives_up_the_reservation)
{
	memcpy(ringshm_spsc_reserve(&e.p, 5), "first", 5);
	ringshm_spsc_commit_more(&e.p, 5);
	memcpy(ringshm_spsc_reserve(&e.p, 5), "never", 5);
	cr_expect_eq(ringshm_spsc_send_n(&e.p, run, 4, 1), 1);
	ringshm_spsc_commit(&e.p, 5);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "first");
	ringshm_spsc_release(&e.c, 1);
	cr_expect_str_eq(text(ringshm_spsc_peek(&e.c, &len)), "1111");
	ringshm_spsc_release(&e.c, 1);
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
}

Test(spsc, a_run_takes_what_room_there_is_round_the_end_too)
{
	static char many[1 << 16], got[1 << 16];
	int sent = ringshm_spsc_send_n(&e.p, many, 8, sizeof(many) / 8), more = -EAGAIN;

	cr_expect_eq(sent, (int)(e.p.capacity / 16));
	cr_expect_eq(ringshm_spsc_send_n(&e.p, many, 8, 1), -EAGAIN);
	cr_expect_eq(ringshm_spsc_recv_n(&e.c, got, 8, 10), 10);
	ringshm_spsc_peek_next(&e.c, &len);			    /* the first of those that are left */
	for (int looks = 0; looks < 64 && more == -EAGAIN; looks++) /* it looks for room this small now and then */
		more = ringshm_spsc_send_n(&e.p, many, 8, 20);
	cr_expect_eq(more, 10);
	for (int n = sent - 10 + more; n > 0;) {
		int k = ringshm_spsc_recv_n(&e.c, got, 8, 100);

		cr_assert_gt(k, 0);
		n -= k;
		cr_expect_geq(n, 0);
	}
	cr_expect_eq(ringshm_spsc_recv_n(&e.c, got, 8, 1), -EAGAIN);
}

Test(spsc, a_run_that_can_never_fit_and_an_empty_one_say_so)
{
	static char large[1 << 20];

	cr_expect_eq(ringshm_spsc_send_n(&e.p, run, 4, 0), 0);
	cr_expect_eq(ringshm_spsc_recv_n(&e.c, large, 4, 0), 0);
	cr_expect_eq(ringshm_spsc_send_n(&e.p, large, e.p.max_payload + 1, 2), -EMSGSIZE);
	cr_expect_eq(ringshm_spsc_recv_n(&e.c, large, e.p.max_payload + 1, 2), -EAGAIN);
}
