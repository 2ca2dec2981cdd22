// SPDX-License-Identifier: MIT
/* md_replay on captures made here: figures known by construction, through two processes and a ring. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "craft.h"
#include "runner.h"

static struct run run;
static struct file file;

/* What the capture in the making holds. */
static struct {
	long long packets, heartbeats, messages, bytes, gaps, repeated, truncated, trades, shares, notional;
	long long quotes, symbols_quoted;
	uLong crc;
} want;

static void begin(enum format format)
{
	memset(&want, 0, sizeof(want));
	file_begin(&file, format);
}

static void expect_message(const uint8_t *p, uint16_t len)
{
	want.messages++;
	want.bytes += len;
	want.crc = crc32(want.crc, p, len);
}

/* Append a packet whose first `whole` messages are expected to arrive. */
static void packet(const struct frame *f, struct messages *m, unsigned int whole)
{
	const uint8_t *at = m->payload.p;
	unsigned int i;

	for (i = 0; i < whole; i++) {
		uint16_t len = (uint16_t)(at[0] | at[1] << 8);

		expect_message(at + 2, len);
		at += 2 + len;
	}
	file_packet(&file, f, m);
	messages_free(m);
}

/* A good packet of three messages. */
static void good(const struct frame *f)
{
	struct messages m = {0};

	add_message(&m, "Hello", 5);
	add_message(&m, "\x05", 1);
	add_message(&m, "", 0);
	packet(f, &m, 3);
	want.packets++;
}

static void replay_path(const char *path, const char *option)
{
	run_program(&run, "md_replay", (const char *[]){"--json", path, option, NULL});
}

static void replay(void)
{
	replay_path(save(&file.bytes, file.bytes.len), NULL);
}

static void is(const char *name, long long expected)
{
	cr_expect_eq(figure(&run, name), expected, "%s is %lld instead of %lld", name, figure(&run, name), expected);
}

/* The run ended with this status and found just what was put in. */
static void found_all(int status)
{
	char crc[9];

	cr_expect_eq(run.status, status, "status %d: %s", run.status, run.stderr_text);
	cr_assert(run.json, "no JSON: %s%s", run.stdout_text, run.stderr_text);
	is("packets", want.packets);
	is("heartbeats", want.heartbeats);
	is("messages", want.messages);
	is("bytes", want.bytes);
	is("gaps", want.gaps);
	is("repeated", want.repeated);
	is("truncated", want.truncated);
	is("trades", want.trades);
	is("shares", want.shares);
	is("notional", want.notional);
	is("quotes", want.quotes);
	is("symbols_quoted", want.symbols_quoted);
	snprintf(crc, sizeof(crc), "%08lx", want.crc);
	cr_expect_str_eq(json_string_value(json_object_get(run.json, "crc32")), crc);
}

static void says(const char *words)
{
	cr_expect(strstr(run.stderr_text, words), "nothing of '%s' in: %s", words, run.stderr_text);
}

static void done(void)
{
	run_free(&run);
	file_end(&file);
	save_none();
}

/* Quotes and trades in two packets and a heartbeat. */
static void market(const struct frame *like)
{
	struct frame f = *like;
	struct messages m = {0};

	f.first_seq = 1;
	add_quote(&m, "AAPL", 100, 1500000, 1500100, 200);
	add_trade(&m, "AAPL", 10, 1500050);
	packet(&f, &m, 2);
	f.first_seq = 3;
	file_packet(&file, &f, NULL);
	add_trade(&m, "AAPL", 30, 1500090);
	add_trade(&m, "ZVZZT", 5, 100000);
	add_quote(&m, "MSFT", 1, 2, 3, 4);
	packet(&f, &m, 3);
	want.packets += 3;
	want.heartbeats++;
}

static void market_expected(void)
{
	want.trades = 3;
	want.shares = 45;
	want.notional = 10 * 1500050 + 30 * 1500090 + 5 * 100000;
	want.quotes = want.symbols_quoted = 2;
}

static double vwap(const char *symbol)
{
	return json_number_value(json_object_get(json_object_get(run.json, "vwap"), symbol));
}

static long long by_type(const char *type)
{
	const json_t *n = json_object_get(json_object_get(run.json, "by_type"), type);

	return n ? json_integer_value(n) : -1;
}

static void market_in(enum format format)
{
	begin(format);
	market(&(struct frame){0});
	market_expected();
	replay();
	found_all(0);
	cr_expect_eq(vwap("AAPL"), 150.0080);
	cr_expect_eq(vwap("ZVZZT"), 10.0);
	cr_expect_eq(json_object_size(json_object_get(run.json, "vwap")), 2);
	cr_expect_eq(by_type("Q"), 2);
	cr_expect_eq(by_type("T"), 3);
	cr_expect_str_empty(run.stderr_text);
	done();
}

Test(replay, figures_of_a_microsecond_pcap)
{
	market_in(PCAP_MICRO);
}

Test(replay, figures_of_a_nanosecond_pcap)
{
	market_in(PCAP_NANO);
}

Test(replay, figures_of_a_byte_swapped_pcap)
{
	market_in(PCAP_SWAPPED);
}

Test(replay, figures_of_a_pcapng)
{
	market_in(PCAPNG);
}

Test(replay, json_has_the_names_that_are_documented_and_no_others)
{
	static const char *const names[] = {"packets", "heartbeats",	 "messages", "bytes",
					    "by_type", "gaps",		 "repeated", "truncated",
					    "crc32",   "trades",	 "shares",   "notional",
					    "quotes",  "symbols_quoted", "vwap",     "messages_per_s"};
	size_t i;

	begin(PCAP_MICRO);
	market(&(struct frame){0});
	replay();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect(json_object_get(run.json, names[i]), "%s is missing", names[i]);
	cr_expect_eq(json_object_size(run.json), i);
	done();
}

Test(replay, vlan_tagged_packets_count_like_others)
{
	begin(PCAP_MICRO);
	market(&(struct frame){.vlan = {0x8100}});
	replay();
	market_expected();
	found_all(0);
	done();
	begin(PCAP_MICRO);
	market(&(struct frame){.vlan = {0x88a8, 0x8100}, .ip_options = 3, .padding = 9});
	replay();
	market_expected();
	found_all(0);
	done();
}

Test(replay, deep_messages_pass_by_length_and_are_not_interpreted)
{
	begin(PCAP_MICRO);
	market(&(struct frame){.protocol = 0x8004}); /* with letters that TOPS would know */
	replay();
	found_all(0); /* no trades, no quotes */
	cr_expect_eq(by_type("T"), 3);
	done();
}

Test(replay, types_that_are_not_printable_have_a_name)
{
	begin(PCAP_MICRO);
	good(&(struct frame){.protocol = 0x8004, .first_seq = 1});
	replay();
	found_all(0);
	cr_expect_eq(by_type("H"), 1);
	cr_expect_eq(by_type("0x05"), 1);
	cr_expect_eq(by_type("empty"), 1);
	done();
}

Test(replay, repeated_packets_are_counted_and_their_messages_too)
{
	begin(PCAP_MICRO);
	good(&(struct frame){.first_seq = 1});
	good(&(struct frame){.first_seq = 4});
	good(&(struct frame){.first_seq = 4});
	good(&(struct frame){.first_seq = 1});
	good(&(struct frame){.first_seq = 7});
	want.repeated = 2;
	replay();
	found_all(0);
	done();
}

Test(replay, gaps_are_the_numbers_missing)
{
	begin(PCAP_MICRO);
	good(&(struct frame){.first_seq = 1});
	good(&(struct frame){.first_seq = 14});
	good(&(struct frame){.first_seq = 18});
	want.gaps = 10 + 1;
	replay();
	found_all(0);
	done();
}

/* Good packets between frames of every kind that is not one. */
static void mixture(void)
{
	struct bytes noise = {0};
	struct messages m = {0};

	good(&(struct frame){.first_seq = 1});
	put(&noise, "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x08\x06", 14);
	file_frame(&file, &noise, 0, 1500000000000000000);
	bytes_free(&noise);
	file_packet(&file, &(struct frame){.ip_protocol = 6}, NULL);
	file_packet(&file, &(struct frame){.ethertype = 0x86dd}, NULL);
	file_packet(&file, &(struct frame){.fragment = 0x2000}, NULL);
	file_packet(&file, &(struct frame){.fragment = 0x0010}, NULL);
	file_packet(&file, &(struct frame){.udp_length_off = 100}, NULL);
	good(&(struct frame){.first_seq = 4});
	add_message(&m, "whole", 5);
	add_message(&m, "torn apart", 10);
	packet(&(struct frame){.first_seq = 7, .payload_length_off = -1}, &m, 1);
	want.packets++;
	good(&(struct frame){.first_seq = 9});
}

Test(replay, frames_that_are_no_packets_are_reported_and_the_rest_delivered)
{
	begin(PCAP_MICRO);
	mixture();
	replay();
	found_all(0);
	says("2 malformed, 2 IPv4 fragments refused, 3 other frames skipped");
	done();
}

Test(replay, a_cut_off_last_packet_is_counted_and_reported)
{
	size_t cut;

	for (cut = 1; cut < 100; cut += 33) {
		begin(PCAP_MICRO);
		good(&(struct frame){.first_seq = 1});
		good(&(struct frame){.first_seq = 4});
		file_packet(&file, &(struct frame){.first_seq = 7}, NULL); /* 16 + 82 bytes */
		replay_path(save(&file.bytes, file.bytes.len - cut % 98), NULL);
		want.truncated = 1;
		if (cut % 98 == 0)
			cr_assert_fail("the cut is no cut");
		found_all(0);
		says("ends in the middle of a packet, after 2 whole ones");
		done();
	}
}

Test(replay, packets_captured_short_count_as_truncated_and_give_what_is_whole)
{
	struct messages m = {0};
	struct bytes frame = {0};

	begin(PCAP_MICRO);
	good(&(struct frame){.first_seq = 1});
	add_message(&m, "whole", 5);
	add_message(&m, "torn apart", 10);
	craft_frame(&frame, &(struct frame){.first_seq = 4}, &m);
	file_frame(&file, &frame, frame.len - 1, 1500000000000000000);
	expect_message((const uint8_t *)"whole", 5);
	file_frame(&file, &frame, 60, 1500000000000000000); /* not even the IEX-TP header */
	good(&(struct frame){.first_seq = 6});
	want.packets++;
	want.truncated = 2;
	replay();
	found_all(0);
	says("2 packets cut off");
	messages_free(&m);
	bytes_free(&frame);
	done();
}

static void many(unsigned int n)
{
	unsigned int i;

	begin(PCAP_MICRO);
	for (i = 0; i < n; i++)
		good(&(struct frame){.first_seq = 1 + 3 * i});
}

Test(replay, a_cut_gzip_is_reported_and_its_packets_delivered)
{
	struct bytes gz = {0};

	many(3);
	gzip(&gz, &file.bytes);
	replay_path(save(&gz, gz.len - 8), NULL); /* only the checksum is missing */
	found_all(1);
	says("the gzip stream stops before its end");
	run_free(&run);
	replay_path(save(&gz, gz.len - 30), NULL);
	cr_expect_eq(figure(&run, "truncated"), 1);
	cr_expect(figure(&run, "packets") < 3);
	says("the gzip stream stops before its end");
	bytes_free(&gz);
	done();
}

Test(replay, malformed_data_behind_good_packets_is_reported_and_these_delivered)
{
	many(100);
	put(&file.bytes, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff garbage", 24);
	replay();
	found_all(1);
	says("is malformed after 100 packets");
	done();
}

static void refused(const void *bytes, size_t len, const char *words)
{
	struct bytes b = {0};

	put(&b, bytes, len);
	replay_path(save(&b, len), NULL);
	cr_expect_eq(run.status, 2, "status %d", run.status);
	cr_expect_str_empty(run.stdout_text);
	says(words);
	run_free(&run);
	bytes_free(&b);
	save_none();
}

Test(replay, what_is_no_capture_is_refused_with_a_reason)
{
	refused("", 0, "not a capture that can be read");
	refused("garbage garbage garbage garbage", 31, "not a capture that can be read");
	refused("\x1f\x8b\x08", 3, "the gzip stream stops before its end");
}

Test(replay, a_file_that_is_not_there_is_said_to_be_so)
{
	replay_path("/nonexistent/capture.pcap", NULL);
	cr_expect_eq(run.status, 2);
	says("/nonexistent/capture.pcap: cannot be opened: No such file or directory");
	run_free(&run);
}

Test(replay, a_capture_without_packets_has_figures_of_zero)
{
	begin(PCAP_MICRO);
	replay();
	found_all(0);
	cr_expect_eq(json_number_value(json_object_get(run.json, "messages_per_s")), 0);
	done();
}

/* More than the smallest ring holds, in messages that do not divide it, so that it wraps often. */
Test(replay, a_capture_larger_than_the_ring_arrives_whole)
{
	static uint8_t big[9001];
	struct messages m = {0};
	unsigned int i;

	begin(PCAPNG);
	for (i = 0; i < 1500; i++) {
		memset(big, (int)i, sizeof(big));
		add_message(&m, big, (uint16_t)(1 + i * 7919 % sizeof(big)));
		packet(&(struct frame){.protocol = 0x8004, .first_seq = 1 + i}, &m, 1);
		want.packets++;
	}
	replay_path(save(&file.bytes, file.bytes.len), "--capacity=256K");
	found_all(0);
	done();
}

Test(replay, the_longest_message_of_a_datagram_fits)
{
	static uint8_t big[65535 - 20 - 8 - 40 - 2];
	struct messages m = {0};

	begin(PCAP_MICRO);
	memset(big, 'x', sizeof(big));
	add_message(&m, big, sizeof(big));
	packet(&(struct frame){.first_seq = 1}, &m, 1);
	want.packets++;
	replay_path(save(&file.bytes, file.bytes.len), "--capacity=256K");
	found_all(0);
	done();
}

Test(replay, pacing_takes_the_time_that_the_capture_took)
{
	unsigned int i;

	begin(PCAP_NANO);
	for (i = 0; i < 400; i++) /* 1 ms apart */
		good(&(struct frame){.first_seq = 1 + 3 * i});
	replay_path(save(&file.bytes, file.bytes.len), "--speed=2x");
	found_all(0);
	/* 199.5 ms; half of that leaves room for a reader that is woken late for the first message. */
	cr_expect_leq(json_number_value(json_object_get(run.json, "messages_per_s")), 1200 / 0.1);
	cr_expect_gt(json_number_value(json_object_get(run.json, "messages_per_s")), 0);
	cr_expect_eq(json_object_size(json_object_get(run.json, "latency_ns")), 3);
	done();
}

Test(replay, stamps_that_go_back_stop_nothing)
{
	struct bytes frame = {0};
	unsigned int i;

	begin(PCAP_MICRO);
	craft_frame(&frame, &(struct frame){.first_seq = 1}, NULL);
	for (i = 0; i < 50; i++)
		file_frame(&file, &frame, 0, 1500000000000000000 - i * UINT64_C(1000000000));
	want.packets = want.heartbeats = 50;
	replay_path(save(&file.bytes, file.bytes.len), "--speed=1x");
	found_all(0);
	bytes_free(&frame);
	done();
}

static void usage_error(const char *option, const char *words)
{
	run_program(&run, "md_replay", (const char *[]){"x.pcap", option, NULL});
	cr_expect_eq(run.status, 2, "%s: status %d", option, run.status);
	says(words);
	run_free(&run);
}

Test(replay, options_that_make_no_sense_are_refused)
{
	usage_error("--speed=0x", "give 1x, 10x, 0.5x, ... or max");
	usage_error("--speed=-1x", "give 1x");
	usage_error("--speed=nan", "give 1x");
	usage_error("--speed=fast", "give 1x");
	usage_error("--speed=1y", "give 1x");
	usage_error("--capacity=100K", "power of two");
	usage_error("--capacity=128K", "256K or more");
	usage_error("--capacity=-1M", "power of two");
	usage_error("--capacity=1MM", "power of two");
	usage_error("y.pcap", "one capture at a time");
	run_program(&run, "md_replay", (const char *[]){NULL});
	cr_expect_eq(run.status, 2);
	says("give a capture FILE");
	run_free(&run);
}

Test(replay, text_for_people_has_the_same_figures)
{
	begin(PCAP_MICRO);
	market(&(struct frame){0});
	run_program(&run, "md_replay", (const char *[]){save(&file.bytes, file.bytes.len), NULL});
	cr_expect_eq(run.status, 0);
	cr_expect(strstr(run.stdout_text, "AAPL") && strstr(run.stdout_text, "150.0080"), "%s", run.stdout_text);
	cr_expect(strstr(run.stdout_text, "heartbeats"));
	done();
}
