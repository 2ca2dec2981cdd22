// SPDX-License-Identifier: MIT
/* Sequence numbers: what counts as missing and what as repeated. */
#include "figures.h"

#include <criterion/criterion.h>

static struct feed_figures fig;
static struct flow_table flows;

static void packet(uint32_t channel, uint32_t session, uint64_t first, uint16_t count)
{
	struct iextp_packet pkt = {
		.protocol = 0x8003, .channel = channel, .session = session, .first_seq = first, .count = count};

	figures_packet(&fig, &flows, &pkt);
}

static void expect(uint64_t gaps, uint64_t repeated)
{
	cr_expect_eq(fig.gaps, gaps, "gaps %lu instead of %lu", (unsigned long)fig.gaps, (unsigned long)gaps);
	cr_expect_eq(fig.repeated, repeated, "repeated %lu instead of %lu", (unsigned long)fig.repeated,
		     (unsigned long)repeated);
}

Test(figures, nothing_is_missing_before_the_first_packet)
{
	packet(1, 1, 1000, 5);
	packet(1, 1, 1005, 5);
	expect(0, 0);
	cr_expect_eq(fig.packets, 2);
	cr_expect_eq(fig.heartbeats, 0);
}

Test(figures, a_gap_counts_the_numbers_missing)
{
	packet(1, 1, 1, 5);
	packet(1, 1, 10, 1);
	expect(4, 0);
	packet(1, 1, 11, 1);
	packet(1, 1, 13, 1);
	expect(5, 0);
}

Test(figures, a_repeated_packet_is_counted_and_changes_nothing_else)
{
	packet(1, 1, 1, 5);
	packet(1, 1, 6, 5);
	packet(1, 1, 1, 5);
	packet(1, 1, 11, 5);
	expect(0, 1);
}

Test(figures, a_packet_that_overlaps_is_repeated_and_moves_on)
{
	packet(1, 1, 1, 5);
	packet(1, 1, 4, 5);
	packet(1, 1, 9, 5);
	expect(0, 1);
}

Test(figures, a_late_packet_is_repeated_and_its_gap_stays)
{
	packet(1, 1, 1, 5);
	packet(1, 1, 11, 5);
	packet(1, 1, 6, 5);
	packet(1, 1, 16, 5);
	expect(5, 1);
}

Test(figures, heartbeats_show_gaps_and_are_never_repeated)
{
	packet(1, 1, 1, 5);
	packet(1, 1, 1, 0);
	packet(1, 1, 0, 0);
	packet(1, 1, 6, 0);
	expect(0, 0);
	packet(1, 1, 9, 0);
	expect(3, 0);
	packet(1, 1, 9, 2);
	expect(3, 0);
	cr_expect_eq(fig.heartbeats, 4);
	cr_expect_eq(fig.packets, 6);
}

Test(figures, a_heartbeat_of_number_zero_promises_nothing)
{
	packet(1, 1, 0, 0);
	packet(1, 1, 1, 2);
	expect(0, 0);
}

Test(figures, channels_and_sessions_are_numbered_apart)
{
	packet(1, 1, 1, 5);
	packet(2, 1, 100, 5);
	packet(1, 2, 1000, 5);
	packet(1, 1, 6, 5);
	packet(2, 1, 105, 5);
	packet(1, 2, 1006, 5);
	expect(1, 0);
}

Test(figures, message_protocols_are_numbered_apart)
{
	struct iextp_packet deep = {.protocol = 0x8004, .channel = 1, .session = 1, .first_seq = 77, .count = 1};

	packet(1, 1, 1, 5);
	figures_packet(&fig, &flows, &deep);
	packet(1, 1, 6, 5);
	expect(0, 0);
}

Test(figures, of_too_many_streams_the_one_unseen_longest_is_forgotten)
{
	uint32_t session;

	for (session = 0; session < 10 * FLOWS_MAX; session++) {
		packet(1, session, 1, 1);
		packet(1, 0, 2 + 3 * session, 1); /* each time two numbers are missing */
	}
	cr_expect_eq(flows.count, FLOWS_MAX);
	cr_expect_eq(fig.repeated, 0);
	cr_expect_eq(fig.gaps, 2 * (10 * FLOWS_MAX - 1));
}

Test(figures, absurd_numbers_do_not_overflow)
{
	packet(1, 1, 1, 1);
	packet(1, 1, UINT64_MAX - 3, 1);
	packet(1, 2, 1, 1);
	packet(1, 2, UINT64_MAX - 3, 1);
	packet(1, 2, UINT64_MAX, 3);
	cr_expect_eq(fig.gaps, (uint64_t)INT64_MAX);
}
