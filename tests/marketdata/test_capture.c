// SPDX-License-Identifier: MIT
/* Capture files: every format read alike, and every way of ending told apart. */
#include "capture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"

#define FRAMES 200u

static struct file file;
static char why[512];

/* A capture of FRAMES frames; frame i is i + 60 bytes of value i. */
static void numbered(enum format format)
{
	struct bytes frame = {0};
	unsigned int i;
	uint8_t byte;

	file_begin(&file, format);
	for (i = 0; i < FRAMES; i++) {
		frame.len = 0;
		byte = (uint8_t)i;
		while (frame.len < i + 60)
			put(&frame, &byte, 1);
		file_frame(&file, &frame, 0, 1500000000123456789 + i);
	}
	bytes_free(&frame);
}

/* Reads all of it; the number of frames, each of which is as numbered() made it. */
static unsigned int read_all(const char *path, uint64_t unit, enum capture_end *end, bool *cut)
{
	struct capture_frame frame;
	struct capture *cap;
	unsigned int n = 0;

	cr_assert_eq(capture_open(&cap, path, why, sizeof(why)), 0, "%s", why);
	while (capture_next(cap, &frame)) {
		cr_assert_eq(frame.wirelen, n + 60);
		cr_assert_eq(frame.caplen, frame.wirelen);
		cr_assert_eq(frame.bytes[n + 59], n);
		cr_assert_eq(frame.time_ns, (1500000000123456789 + n) / unit * unit);
		n++;
	}
	cr_expect_eq(capture_next(cap, &frame), 0);
	*end = capture_ending(cap, why, sizeof(why));
	*cut = capture_cut_packet(cap);
	capture_close(cap);
	return n;
}

static void ends(const char *path, unsigned int frames, enum capture_end expected, bool cut_packet)
{
	enum capture_end end;
	bool cut;
	unsigned int n = read_all(path, 1000, &end, &cut);

	cr_expect_eq(n, frames, "%u frames instead of %u", n, frames);
	cr_expect_eq(end, expected, "ended with %d: %s", (int)end, why);
	cr_expect_eq(cut, cut_packet, "%s", why);
	cr_expect_eq(why[0] == '\0', expected == CAPTURE_COMPLETE);
}

static void reads(enum format format, uint64_t unit)
{
	struct bytes gz = {0};
	enum capture_end end;
	bool cut;

	numbered(format);
	cr_expect_eq(read_all(save(&file.bytes, file.bytes.len), unit, &end, &cut), FRAMES);
	cr_expect_eq(end, CAPTURE_COMPLETE, "%s", why);
	cr_expect_not(cut);
	gzip(&gz, &file.bytes);
	cr_expect_eq(read_all(save(&gz, gz.len), unit, &end, &cut), FRAMES);
	cr_expect_eq(end, CAPTURE_COMPLETE, "%s", why);
	bytes_free(&gz);
	file_end(&file);
	save_none();
}

Test(capture, microsecond_pcap_is_read_plain_and_compressed)
{
	reads(PCAP_MICRO, 1000);
}

Test(capture, nanosecond_pcap_keeps_its_nanoseconds)
{
	reads(PCAP_NANO, 1);
}

Test(capture, byte_swapped_pcap_is_read)
{
	reads(PCAP_SWAPPED, 1000);
}

Test(capture, pcapng_is_read)
{
	reads(PCAPNG, 1);
}

Test(capture, joined_gzip_members_are_one_stream)
{
	struct bytes half = {0}, gz = {0};
	size_t middle;

	numbered(PCAP_MICRO);
	middle = file.bytes.len / 2;
	put(&half, file.bytes.p, middle);
	gzip(&gz, &half);
	half.len = 0;
	put(&half, file.bytes.p + middle, file.bytes.len - middle);
	gzip(&gz, &half);
	put(&gz, "\0\0\0", 3); /* padding, as tapes leave it */
	ends(save(&gz, gz.len), FRAMES, CAPTURE_COMPLETE, false);
	bytes_free(&half);
	bytes_free(&gz);
	file_end(&file);
	save_none();
}

/* Of every length of a capture: the frames that are whole in it, and cut wherever it is so. */
Test(capture, a_file_of_any_length_gives_its_whole_packets)
{
	size_t len, last = 0, frame = 16 + 60;

	numbered(PCAP_MICRO);
	for (len = 24; len < 24 + 3 * (frame + 2); len++) {
		unsigned int whole = 0;
		size_t at = 24;

		while (at + frame + whole <= len)
			at += frame + whole++;
		ends(save(&file.bytes, len), whole, at == len ? CAPTURE_COMPLETE : CAPTURE_CUT_PACKET, at != len);
		last += at == len;
		save_none();
	}
	cr_expect_eq(last, 4); /* behind 0, 1, 2 and 3 frames it once ended in order */
	file_end(&file);
}

Test(capture, a_pcapng_cut_in_a_block_gives_its_whole_packets)
{
	enum capture_end end;
	bool cut;

	numbered(PCAPNG);
	cr_expect_eq(read_all(save(&file.bytes, file.bytes.len - 5), 1, &end, &cut), FRAMES - 1);
	cr_expect_eq(end, CAPTURE_CUT_PACKET, "%s", why);
	cr_expect(cut);
	file_end(&file);
	save_none();
}

/* zlib's gzread() would lose up to 16 KiB before the cut; here every frame that can be decoded comes. */
Test(capture, a_cut_gzip_gives_everything_that_can_be_decoded)
{
	struct bytes gz = {0};
	enum capture_end end;
	unsigned int n;
	bool cut;

	numbered(PCAP_MICRO);
	gzip(&gz, &file.bytes);
	n = read_all(save(&gz, gz.len - 9), 1000, &end, &cut); /* the trailer and one byte of the data */
	cr_expect_geq(n, FRAMES - 3, "only %u frames", n);
	cr_expect(end == CAPTURE_CUT_PACKET || end == CAPTURE_CUT_FILE, "%s", why);
	cr_expect(strstr(why, "gzip stream stops"), "%s", why);
	n = read_all(save(&gz, gz.len / 2), 1000, &end, &cut);
	cr_expect(n > 0 && n < FRAMES, "%u frames", n);
	cr_expect_eq(end == CAPTURE_CUT_PACKET, cut);
	bytes_free(&gz);
	file_end(&file);
	save_none();
}

Test(capture, a_gzip_that_lacks_only_its_trailer_is_cut_and_complete_in_packets)
{
	struct bytes gz = {0};

	numbered(PCAP_MICRO);
	gzip(&gz, &file.bytes);
	ends(save(&gz, gz.len - 8), FRAMES, CAPTURE_CUT_FILE, false);
	bytes_free(&gz);
	file_end(&file);
	save_none();
}

Test(capture, a_wrong_gzip_checksum_is_malformed_behind_all_packets)
{
	struct bytes gz = {0};

	numbered(PCAP_MICRO);
	gzip(&gz, &file.bytes);
	gz.p[gz.len - 6] ^= 0xff;
	ends(save(&gz, gz.len), FRAMES, CAPTURE_MALFORMED, false);
	bytes_free(&gz);
	file_end(&file);
	save_none();
}

Test(capture, garbage_in_the_middle_is_malformed_behind_the_good_part)
{
	numbered(PCAP_MICRO);
	file.bytes.len = 24 + 16 + 60 + 16 + 61; /* two frames */
	put(&file.bytes, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
	while (file.bytes.len < 5000)
		put(&file.bytes, "garbage", 7);
	ends(save(&file.bytes, file.bytes.len), 2, CAPTURE_MALFORMED, false);
	file_end(&file);
	save_none();
}

static void refused(const void *p, size_t len, const char *expected)
{
	struct bytes b = {0};
	struct capture *cap;

	put(&b, p, len);
	cr_expect_eq(capture_open(&cap, save(&b, len), why, sizeof(why)), -1);
	cr_expect(strstr(why, expected), "%s", why);
	bytes_free(&b);
	save_none();
}

Test(capture, what_is_no_capture_is_refused_with_a_reason)
{
	refused("", 0, "not a capture");
	refused("\xd4\xc3\xb2", 3, "not a capture");
	refused("\xd4\xc3\xb2\xa1\2\0\4\0\0\0", 10, "not a capture");
	refused("This is a text, not a capture; it is long enough, though.", 57, "not a capture");
	refused("\x1f\x8b", 2, "the gzip stream stops");
	refused("\x1f\x8b\x08\x00garbage garbage garbage", 27, "not a capture");
}

Test(capture, a_link_type_other_than_ethernet_is_refused_by_its_name)
{
	numbered(PCAP_MICRO);
	file.bytes.p[20] = 113;
	refused(file.bytes.p, file.bytes.len, "LINUX_SLL");
	file_end(&file);
}

Test(capture, a_file_that_is_not_there_is_said_to_be_so)
{
	struct capture *cap;

	cr_expect_eq(capture_open(&cap, "/nonexistent/capture", why, sizeof(why)), -1);
	cr_expect(strstr(why, "/nonexistent/capture: cannot be opened: No such file"), "%s", why);
	cr_expect_eq(capture_open(&cap, "/", why, sizeof(why)), -1);
	cr_expect(strstr(why, "directory"), "%s", why);
}
