// SPDX-License-Identifier: MIT
/* The figures for people. */
#include <inttypes.h>
#include <stdlib.h>

#include "report.h"

static void line(FILE *out, const char *name, uint64_t n)
{
	fprintf(out, "%-16s %'20" PRIu64 "\n", name, n);
}

static void feed_lines(FILE *out, const struct reader *r)
{
	const struct feed_figures *f = &r->figures;

	if (!r->complete) {
		fprintf(out, "packets ... truncated: not known, the feed did not send them\n");
		return;
	}
	line(out, "packets", f->packets);
	line(out, "heartbeats", f->heartbeats);
	line(out, "gaps", f->gaps);
	line(out, "repeated", f->repeated);
	line(out, "truncated", f->truncated);
}

static void type_line(FILE *out, const struct reader *r)
{
	int type;

	fprintf(out, "%-16s", "by type");
	for (type = 0; type < 256; type++) {
		if (r->by_type[type])
			fprintf(out, type > 0x20 && type < 0x7f ? " %c " : " 0x%02x ", type);
		if (r->by_type[type])
			fprintf(out, "%'" PRIu64, r->by_type[type]);
	}
	if (r->empty)
		fprintf(out, " empty %'" PRIu64, r->empty);
	fputc('\n', out);
}

static int by_notional(const void *a, const void *b)
{
	const struct book_line *const *x = a, *const *y = b;

	return ((*x)->notional < (*y)->notional) - ((*x)->notional > (*y)->notional);
}

/* Dollars with four decimals, from 1e-4 dollars. */
static void price(FILE *out, int64_t p)
{
	fprintf(out, " %12.4f", (double)p / 1e4);
}

static void symbol_line(FILE *out, const struct book_line *l)
{
	char symbol[BOOK_SYMBOL_TEXT];
	int64_t vwap;

	if (!book_vwap(l, &vwap))
		return;
	book_symbol_text(l->symbol, symbol);
	fprintf(out, "%-8s", symbol);
	price(out, vwap);
	fprintf(out, " %'12" PRId64, l->shares);
	price(out, l->top.bid_price);
	fprintf(out, " %9" PRIu32, l->top.bid_size);
	price(out, l->top.ask_price);
	fprintf(out, " %9" PRIu32 "\n", l->top.ask_size);
}

static int symbol_table(FILE *out, const struct book *book, unsigned int top)
{
	const struct book_line **lines = book_sorted(book);
	size_t i;

	if (!lines)
		return -1;
	qsort(lines, book->used, sizeof(*lines), by_notional);
	if (top && book->trades)
		fprintf(out, "\n%-8s %12s %12s %12s %9s %12s %9s\n", "symbol", "vwap", "shares", "bid", "size", "ask",
			"size");
	for (i = 0; i < book->used && i < top; i++)
		symbol_line(out, lines[i]);
	free(lines);
	return 0;
}

int report_text(FILE *out, const struct reader *r, unsigned int top)
{
	const struct latency *l = &r->latency;

	feed_lines(out, r);
	line(out, "messages", r->messages);
	line(out, "message bytes", r->bytes);
	type_line(out, r);
	fprintf(out, "%-16s             %08" PRIx32 "\n", "crc32", r->crc32);
	line(out, "quotes", r->book.quotes);
	line(out, "symbols quoted", r->book.symbols_quoted);
	line(out, "trades", r->book.trades);
	fprintf(out, "%-16s %'20" PRId64 "\n", "shares", r->book.shares);
	fprintf(out, "%-16s %'20" PRId64 "  (1e-4 dollars)\n", "notional", r->book.notional);
	fprintf(out, "%-16s %'20.0f\n", "messages/s", reader_rate(r));
	if (l->count)
		fprintf(out, "%-16s p50 %'" PRIu64 " ns, p99 %'" PRIu64 " ns, p99.9 %'" PRIu64 " ns\n", "latency",
			latency_quantile(l, 500), latency_quantile(l, 990), latency_quantile(l, 999));
	if (symbol_table(out, &r->book, top) < 0)
		return -1;
	return fflush(out) == EOF ? -1 : 0;
}
