// SPDX-License-Identifier: MIT
/* The frame parser: what it takes, what it skips, and that no length leads it out of the frame. */
#include "iextp.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"

static struct iextp_packet pkt;

/* Parse in memory of exactly the captured size: a sanitizer then sees every step too far. */
static enum iextp_kind parse_exact(const uint8_t *p, size_t caplen, size_t wirelen, unsigned int *messages)
{
	uint8_t *copy = malloc(caplen ? caplen : 1);
	struct iextp_cursor cur;
	enum iextp_kind kind;
	const uint8_t *msg;
	uint16_t len;
	unsigned int sum = 0;

	memcpy(copy, p, caplen);
	kind = iextp_parse(copy, caplen, wirelen, &pkt);
	*messages = 0;
	if (kind == IEXTP_PACKET) {
		iextp_first(&cur, &pkt);
		for (; (msg = iextp_next(&cur, &len)); ++*messages)
			while (len)
				sum += msg[--len];
		cr_assert_leq(*messages, pkt.count);
	}
	free(copy);
	cr_assert_geq(sum + 1, 1); /* the bytes were really read */
	return kind;
}

static void three(struct messages *m)
{
	add_message(m, "A", 1);
	add_quote(m, "ZIEXT", 100, 250000, 250100, 200);
	add_trade(m, "ZIEXT", 7, 250050);
}

/* The kind of the crafted frame with three messages, and how many of them were found. */
static enum iextp_kind kind_of(const struct frame *f, unsigned int *messages)
{
	struct messages m = {0};
	struct bytes b = {0};
	enum iextp_kind kind;

	three(&m);
	craft_frame(&b, f, &m);
	kind = parse_exact(b.p, b.len, b.len, messages);
	messages_free(&m);
	bytes_free(&b);
	return kind;
}

static void finds_three(const struct frame *f)
{
	unsigned int messages;

	cr_expect_eq(kind_of(f, &messages), IEXTP_PACKET);
	cr_expect_eq(messages, 3, "%u messages", messages);
	cr_expect(!pkt.bad && !pkt.cut);
}

static void is(const struct frame *f, enum iextp_kind kind)
{
	unsigned int messages;
	enum iextp_kind got = kind_of(f, &messages);

	cr_expect_eq(got, kind, "kind %d instead of %d", (int)got, (int)kind);
}

Test(iextp, header_fields_come_from_their_own_bytes)
{
	finds_three(&(struct frame){.channel = 0x01020304, .session = 0x05060708, .first_seq = 0x1122334455667788});
	cr_expect_eq(pkt.protocol, 0x8003);
	cr_expect_eq(pkt.channel, 0x01020304);
	cr_expect_eq(pkt.session, 0x05060708);
	cr_expect_eq(pkt.count, 3);
	cr_expect_eq(pkt.first_seq, 0x1122334455667788);
	cr_expect_eq(pkt.send_time, 1500000000000000000);
}

Test(iextp, vlan_tags_are_looked_through)
{
	finds_three(&(struct frame){.vlan = {0x8100}});
	finds_three(&(struct frame){.vlan = {0x88a8, 0x8100}});
	finds_three(&(struct frame){.vlan = {0x9100, 0x8100}});
}

Test(iextp, a_tower_of_vlan_tags_is_not_climbed_for_ever)
{
	is(&(struct frame){.vlan = {0x8100, 0x8100, 0x8100, 0x8100, 0x8100}}, IEXTP_OTHER);
}

Test(iextp, ip_options_are_stepped_over)
{
	finds_three(&(struct frame){.ip_options = 1});
	finds_three(&(struct frame){.ip_options = 10});
}

Test(iextp, ethernet_padding_belongs_to_nobody)
{
	finds_three(&(struct frame){.padding = 6});
}

Test(iextp, any_message_protocol_is_taken)
{
	finds_three(&(struct frame){.protocol = 0x8004});
	cr_expect_eq(pkt.protocol, IEXTP_DEEP_1_0);
	finds_three(&(struct frame){.protocol = 0x1234});
}

Test(iextp, a_heartbeat_is_a_packet_without_messages)
{
	struct bytes b = {0};
	unsigned int messages;

	craft_frame(&b, &(struct frame){.first_seq = 9}, NULL);
	cr_expect_eq(parse_exact(b.p, b.len, b.len, &messages), IEXTP_PACKET);
	cr_expect_eq(messages, 0);
	cr_expect_eq(pkt.count, 0);
	cr_expect_eq(pkt.first_seq, 9);
	bytes_free(&b);
}

Test(iextp, fragments_are_refused)
{
	is(&(struct frame){.fragment = 0x2000}, IEXTP_FRAGMENT); /* more fragments */
	is(&(struct frame){.fragment = 0x0007}, IEXTP_FRAGMENT); /* an offset */
	is(&(struct frame){.fragment = 0x3007}, IEXTP_FRAGMENT);
	finds_three(&(struct frame){.fragment = 0x4000}); /* do not fragment */
}

Test(iextp, what_is_not_iextp_over_udp_is_skipped)
{
	is(&(struct frame){.ethertype = 0x86dd}, IEXTP_OTHER);
	is(&(struct frame){.ethertype = 0x0806}, IEXTP_OTHER);
	is(&(struct frame){.ip_protocol = 6}, IEXTP_OTHER);
	is(&(struct frame){.ip_protocol = 6, .fragment = 0x2000}, IEXTP_OTHER);
	is(&(struct frame){.version = 2}, IEXTP_OTHER);
	is(&(struct frame){.protocol = 0x1234, .payload_length_off = 5}, IEXTP_OTHER);
}

Test(iextp, a_short_datagram_is_skipped)
{
	struct frame f = {.ip_length_off = -88, .udp_length_off = -88}; /* 39 bytes are left */

	is(&f, IEXTP_OTHER);
}

Test(iextp, headers_that_contradict_the_frame_are_malformed)
{
	is(&(struct frame){.ip_version = 6}, IEXTP_BAD);
	is(&(struct frame){.ip_length_off = 1}, IEXTP_BAD);	/* more than was sent */
	is(&(struct frame){.ip_length_off = -1000}, IEXTP_BAD); /* less than its header */
	is(&(struct frame){.udp_length_off = 1}, IEXTP_BAD);	/* more than IP carries */
	is(&(struct frame){.udp_length_off = -1000}, IEXTP_BAD);
}

Test(iextp, an_ip_header_length_below_five_words_is_malformed)
{
	struct bytes b = {0};
	unsigned int messages, words;

	craft_frame(&b, &(struct frame){0}, NULL);
	for (words = 0; words < 5; words++) {
		b.p[14] = (uint8_t)(0x40 | words);
		cr_expect_eq(parse_exact(b.p, b.len, b.len, &messages), IEXTP_BAD);
	}
	bytes_free(&b);
}

Test(iextp, a_payload_length_that_is_wrong_marks_the_packet_and_keeps_what_fits)
{
	unsigned int messages;

	cr_expect_eq(kind_of(&(struct frame){.payload_length_off = 7}, &messages), IEXTP_PACKET);
	cr_expect(pkt.bad);
	cr_expect_eq(messages, 3);
	cr_expect_eq(kind_of(&(struct frame){.payload_length_off = -1}, &messages), IEXTP_PACKET);
	cr_expect(pkt.bad);
	cr_expect_eq(messages, 2);
}

Test(iextp, a_message_longer_than_the_packet_is_not_delivered)
{
	struct messages m = {0};
	struct bytes b = {0};
	unsigned int messages;

	add_message(&m, "good", 4);
	put_le(&m.payload, 5, 2);
	put(&m.payload, "torn", 4);
	m.count = 2;
	craft_frame(&b, &(struct frame){.padding = 3}, &m);
	cr_expect_eq(parse_exact(b.p, b.len, b.len, &messages), IEXTP_PACKET);
	cr_expect_eq(messages, 1);
	messages_free(&m);
	bytes_free(&b);
}

Test(iextp, a_message_of_no_bytes_is_a_message)
{
	struct messages m = {0};
	struct bytes b = {0};
	unsigned int messages;

	add_message(&m, "", 0);
	add_message(&m, "", 0);
	craft_frame(&b, &(struct frame){0}, &m);
	cr_expect_eq(parse_exact(b.p, b.len, b.len, &messages), IEXTP_PACKET);
	cr_expect_eq(messages, 2);
	messages_free(&m);
	bytes_free(&b);
}

/* Captured up to every length: messages only ever grow in number, and cut is said wherever it is so. */
Test(iextp, a_frame_captured_short_gives_its_whole_messages_and_says_so)
{
	static const size_t headers = 14 + 4 + 24 + 8 + 40;
	struct messages m = {0};
	struct bytes b = {0};
	unsigned int messages, before = 0;
	size_t caplen;

	three(&m);
	craft_frame(&b, &(struct frame){.vlan = {0x8100}, .ip_options = 1}, &m);
	for (caplen = 0; caplen < headers; caplen++)
		cr_expect_eq(parse_exact(b.p, caplen, b.len, &messages), IEXTP_CUT, "at %zu", caplen);
	for (; caplen < b.len; caplen++) {
		cr_expect_eq(parse_exact(b.p, caplen, b.len, &messages), IEXTP_PACKET);
		cr_expect(pkt.cut && messages >= before && messages < 3, "at %zu", caplen);
		before = messages;
	}
	cr_expect_eq(before, 2);
	messages_free(&m);
	bytes_free(&b);
}

/* Frames that end there on the wire too are malformed or something else, never a whole packet. */
Test(iextp, a_frame_that_was_sent_short_is_no_packet)
{
	struct messages m = {0};
	struct bytes b = {0};
	unsigned int messages;
	size_t len;

	three(&m);
	craft_frame(&b, &(struct frame){.ip_options = 2}, &m);
	for (len = 0; len < b.len; len++)
		cr_expect_eq(parse_exact(b.p, len, len, &messages), IEXTP_BAD, "at %zu", len);
	messages_free(&m);
	bytes_free(&b);
}

Test(iextp, no_value_of_any_byte_leads_out_of_the_frame)
{
	struct messages m = {0};
	struct bytes b = {0};
	unsigned int messages, value;
	size_t i;

	three(&m);
	craft_frame(&b, &(struct frame){.vlan = {0x88a8, 0x8100}, .ip_options = 1}, &m);
	for (i = 0; i < b.len; i++) {
		uint8_t right = b.p[i];

		for (value = 0; value < 256; value++) {
			b.p[i] = (uint8_t)value;
			parse_exact(b.p, b.len, b.len, &messages);
			parse_exact(b.p, b.len - b.len / 3, b.len, &messages);
		}
		b.p[i] = right;
	}
	messages_free(&m);
	bytes_free(&b);
}
