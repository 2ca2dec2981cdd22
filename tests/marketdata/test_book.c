// SPDX-License-Identifier: MIT
/* Top of book, sums, averages, and the histogram of latencies. */
#include "book.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "latency.h"

static struct book book;

static void setup(void)
{
	cr_assert_eq(book_init(&book), 0);
}

static void teardown(void)
{
	book_free(&book);
}

TestSuite(book, .init = setup, .fini = teardown);

static tops_symbol symbol(const char *text)
{
	char padded[9];

	snprintf(padded, sizeof(padded), "%-8s", text);
	return tops_symbol_get((const uint8_t *)padded);
}

static void trade(const char *text, uint32_t size, int64_t price)
{
	cr_assert_eq(book_trade(&book, &(struct tops_trade){symbol(text), size, price}), 0);
}

/* The only line, whichever it is. */
static const struct book_line *only(void)
{
	const struct book_line **lines = book_sorted(&book), *line = lines[0];

	cr_assert_eq(book.used, 1);
	free(lines);
	return line;
}

static void vwap_is(int64_t expected)
{
	int64_t price = 0;

	cr_expect(book_vwap(only(), &price));
	cr_expect_eq(price, expected, "%ld instead of %ld", (long)price, (long)expected);
}

Test(book, sums_and_average_are_exact)
{
	trade("AAPL", 100, 1500000);
	trade("AAPL", 300, 1500004);
	cr_expect_eq(book.trades, 2);
	cr_expect_eq(book.shares, 400);
	cr_expect_eq(book.notional, 600001200);
	vwap_is(1500003);
}

Test(book, averages_are_rounded_to_the_nearest_unit)
{
	trade("A", 2, 10);
	trade("A", 1, 11);
	vwap_is(10);
	trade("A", 1, 11);
	vwap_is(11);
}

Test(book, negative_prices_are_rounded_alike)
{
	trade("A", 3, -10);
	trade("A", 1, -11);
	vwap_is(-10);
	trade("A", 4, -11);
	vwap_is(-11);
}

Test(book, no_shares_no_average)
{
	int64_t price;

	trade("A", 0, 10);
	cr_expect_not(book_vwap(only(), &price));
}

Test(book, sums_stop_at_the_largest_number)
{
	trade("A", UINT32_MAX, INT64_MAX);
	trade("A", 1, 1);
	cr_expect_eq(book.notional, INT64_MAX);
	trade("B", UINT32_MAX, INT64_MIN);
	trade("B", UINT32_MAX, INT64_MIN);
	cr_expect_lt(book.notional, 0);
}

Test(book, the_newest_quote_is_the_top)
{
	struct tops_quote q = {.symbol = symbol("MSFT"), .bid_size = 1, .bid_price = 2, .ask_price = 3, .ask_size = 4};

	cr_expect_eq(book_quote(&book, &q), 0);
	q.bid_price = 5;
	cr_expect_eq(book_quote(&book, &q), 0);
	cr_expect_eq(only()->top.bid_price, 5);
	cr_expect_eq(book.quotes, 2);
	cr_expect_eq(book.symbols_quoted, 1);
}

Test(book, a_symbol_that_only_traded_is_not_quoted)
{
	trade("A", 1, 1);
	cr_expect_eq(book.symbols_quoted, 0);
}

Test(book, fifty_thousand_symbols_are_kept_apart_and_in_order)
{
	const struct book_line **lines;
	char text[9];
	unsigned int i;

	for (i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "S%05u", i % 50000);
		trade(text, i % 50000 + 1, 1);
	}
	cr_assert_eq(book.used, 50000);
	lines = book_sorted(&book);
	for (i = 0; i < 50000; i++) {
		book_symbol_text(lines[i]->symbol, (char[BOOK_SYMBOL_TEXT]){0});
		cr_assert_eq(lines[i]->shares, 2 * (i + 1));
		cr_assert_eq(lines[i]->trades, 2);
	}
	free(lines);
}

static void text_is(const char eight[9], const char *expected)
{
	char text[BOOK_SYMBOL_TEXT];

	book_symbol_text(tops_symbol_get((const uint8_t *)eight), text);
	cr_expect_str_eq(text, expected);
}

Test(book, symbols_become_printable_text_and_stay_different)
{
	text_is("AAPL    ", "AAPL");
	text_is("ABCDEFGH", "ABCDEFGH");
	text_is("        ", "");
	text_is("A B     ", "A\\x20B");
	text_is("A\\x20B  ", "A\\x5cx20B");
	text_is("\xff\xff\xff\xff\xff\xff\xff\xff", "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff");
	text_is("A\0\0\0\0\0\0\0", "A\\x00\\x00\\x00\\x00\\x00\\x00\\x00");
}

Test(tops, a_message_of_the_wrong_type_or_too_short_is_not_read)
{
	uint8_t msg[64] = {'Q'};
	struct tops_quote q;
	struct tops_trade t;

	cr_expect(tops_quote_get(&q, msg, 42));
	cr_expect(tops_quote_get(&q, msg, 43));
	cr_expect_not(tops_quote_get(&q, msg, 41));
	cr_expect_not(tops_trade_get(&t, msg, 42));
	msg[0] = 'T';
	cr_expect(tops_trade_get(&t, msg, 38));
	cr_expect_not(tops_trade_get(&t, msg, 37));
	cr_expect_not(tops_quote_get(&q, msg, 64));
}

static struct latency lat;

Test(latency, every_value_comes_back_within_one_percent)
{
	uint64_t v, got, off;

	for (v = 0; v < UINT64_MAX / 2; v += 1 + v / 50) {
		lat = (struct latency){0};
		latency_add(&lat, v);
		got = latency_quantile(&lat, 500);
		off = got > v ? got - v : v - got;
		cr_assert_leq(off, v / 100, "%lu came back as %lu", (unsigned long)v, (unsigned long)got);
	}
}

Test(latency, the_largest_value_has_a_bucket)
{
	cr_expect_lt(latency_bucket(UINT64_MAX), LATENCY_BUCKETS);
	cr_expect_eq(latency_bucket(UINT64_MAX), LATENCY_BUCKETS - 1);
}

Test(latency, buckets_follow_each_other_without_a_hole)
{
	uint64_t v;

	for (v = 1; v < 100000; v++)
		cr_assert_leq(latency_bucket(v) - latency_bucket(v - 1), 1);
}

Test(latency, quantiles_are_ranks)
{
	uint64_t v;

	for (v = 1; v <= 100; v++)
		latency_add(&lat, v);
	cr_expect_eq(latency_quantile(&lat, 500), 50);
	cr_expect_eq(latency_quantile(&lat, 990), 99);
	cr_expect_eq(latency_quantile(&lat, 999), 100);
	cr_expect_eq(latency_quantile(&lat, 1000), 100);
}

Test(latency, nothing_has_no_quantile)
{
	cr_expect_eq(latency_quantile(&lat, 500), 0);
}
