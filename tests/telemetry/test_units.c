// SPDX-License-Identifier: MIT
/* test_units.c - durations, sizes, counters and foreign text. */
#include "counter.h"
#include "units.h"
#include "view.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static int64_t duration(const char *text)
{
	int64_t ns = 0;

	cr_assert_eq(tel_parse_duration(text, &ns), 0, "refused: %s", text);
	return ns;
}

Test(duration, units_are_optional_and_seconds_the_default)
{
	cr_expect_eq(duration("2"), 2000000000);
	cr_expect_eq(duration("0.25"), 250000000);
	cr_expect_eq(duration(".5s"), 500000000);
	cr_expect_eq(duration("250ms"), 250000000);
	cr_expect_eq(duration("10us"), 10000);
	cr_expect_eq(duration("7ns"), 7);
	cr_expect_eq(duration("2m"), 120000000000);
	cr_expect_eq(duration("1h"), 3600000000000);
	cr_expect_eq(duration("0"), 0);
}

Test(duration, what_is_no_duration_is_refused)
{
	static const char *const bad[] = {"",	  "s",	  "-1",	   "+1", " 1",	 "1 s", "1sec",	 "nan", "inf",
					  "0x10", "1e30", "1e400", ".",	 "1,5s", "5d",	"10ms ", "1S"};
	int64_t ns;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(tel_parse_duration(bad[i], &ns), -EINVAL, "taken: %s", bad[i]);
}

Test(size, binary_units_are_understood)
{
	uint64_t bytes;

	cr_assert_eq(tel_parse_size("65536", &bytes), 0);
	cr_expect_eq(bytes, 65536);
	cr_assert_eq(tel_parse_size("64k", &bytes), 0);
	cr_expect_eq(bytes, 65536);
	cr_assert_eq(tel_parse_size("1MiB", &bytes), 0);
	cr_expect_eq(bytes, 1048576);
	cr_assert_eq(tel_parse_size("18446744073709551615", &bytes), 0);
	cr_expect_eq(bytes, UINT64_MAX);
}

Test(size, what_is_no_size_is_refused)
{
	static const char *const bad[] = {
		"", "K", "-1", " 1", "1KB", "1kk", "1.5M", "0x", "1Mi", "16777216T", "18446744073709551616"};
	uint64_t bytes;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(tel_parse_size(bad[i], &bytes), -EINVAL, "taken: %s", bad[i]);
}

Test(format, figures_have_one_decimal_and_the_largest_unit_that_fits)
{
	char buf[32];

	cr_expect_str_eq(tel_format_bytes(buf, sizeof(buf), 0), "0 B");
	cr_expect_str_eq(tel_format_bytes(buf, sizeof(buf), 1023), "1023 B");
	cr_expect_str_eq(tel_format_bytes(buf, sizeof(buf), 1536), "1.5 KiB");
	cr_expect_str_eq(tel_format_bytes(buf, sizeof(buf), 1048575), "1.0 MiB");
	cr_expect_str_eq(tel_format_bytes(buf, sizeof(buf), UINT64_MAX), "16.0 EiB");
	cr_expect_str_eq(tel_format_duration(buf, sizeof(buf), 250000000), "250 ms");
	cr_expect_str_eq(tel_format_duration(buf, sizeof(buf), 1500000000), "1.5 s");
}

Test(counter, a_wrap_at_32_or_64_bits_goes_on_and_a_step_back_is_nothing)
{
	cr_expect_eq(tel_counter_delta(5, 5), 0);
	cr_expect_eq(tel_counter_delta(5, 12), 7);
	cr_expect_eq(tel_counter_delta(UINT32_MAX, 4), 5);
	cr_expect_eq(tel_counter_delta(UINT32_MAX - 10, 89), 100);
	cr_expect_eq(tel_counter_delta(UINT64_MAX, 4), 5);
	cr_expect_eq(tel_counter_delta(UINT64_MAX - 99, 0), 100);
	cr_expect_eq(tel_counter_delta(1000, 998), 0);
	cr_expect_eq(tel_counter_delta(UINT32_MAX, UINT32_MAX - 3), 0);
	cr_expect_eq(tel_counter_delta(UINT64_C(1) << 40, (UINT64_C(1) << 40) - 1), 0);
	cr_expect_eq(tel_counter_delta(UINT64_C(1) << 33, 0), 0);
}

static const char *sanitized(const char *text, int ascii)
{
	static char buf[64];

	snprintf(buf, sizeof(buf), "%s", text);
	tel_sanitize(buf, ascii);
	return buf;
}

Test(sanitize, control_characters_never_reach_the_terminal)
{
	cr_expect_str_eq(sanitized("\033[2Jx", 0), "?[2Jx");
	cr_expect_str_eq(sanitized("a\nb\tc\x7f", 0), "a?b?c?");
	cr_expect_str_eq(sanitized("\xc2\x9b"
				   "31m",
				   0),
			 "?31m");		     /* C1: CSI in two bytes */
	cr_expect_str_eq(sanitized("\x9b", 0), "?"); /* and in one */
}

Test(sanitize, well_formed_utf8_stays_unless_only_ascii_is_wanted)
{
	cr_expect_str_eq(sanitized("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 0),
			 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
	cr_expect_str_eq(sanitized("gr\xc3\xbc", 1), "gr?");
}

Test(sanitize, malformed_utf8_is_replaced)
{
	cr_expect_str_eq(sanitized("\xc0\xaf", 0), "??"); /* overlong */
	cr_expect_str_eq(sanitized("\xe0\x80\x80", 0), "???");
	cr_expect_str_eq(sanitized("\xed\xa0\x80", 0), "???");	    /* surrogate */
	cr_expect_str_eq(sanitized("\xf4\x90\x80\x80", 0), "????"); /* beyond Unicode */
	cr_expect_str_eq(sanitized("a\xe2\x82", 0), "a??");	    /* cut off, as the kernel cuts names */
	cr_expect_str_eq(sanitized("\xf0\x9f\x98", 0), "???");
	cr_expect_str_eq(sanitized("\xff", 0), "?");
}

Test(columns, a_line_is_cut_between_characters_and_by_their_width)
{
	char plain[] = "abcdef",
	     wide[] = "\xe6\x97\xa5\xe6\x9c\xac"
		      "x",
	     accent[] = "gr\xc3\xbcn";

	tel_cut_columns(plain, 3);
	cr_expect_str_eq(plain, "abc");
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		cr_skip_test("no locale C.UTF-8");
	tel_cut_columns(wide, 3); /* two columns each: the second does not fit */
	cr_expect_str_eq(wide, "\xe6\x97\xa5");
	tel_cut_columns(accent, 3);
	cr_expect_str_eq(accent, "gr\xc3\xbc");
}
