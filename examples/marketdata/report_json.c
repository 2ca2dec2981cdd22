// SPDX-License-Identifier: MIT
/* The figures as one JSON object. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "report.h"

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

/* Figures of the feed: null when it died before it could send them. */
static json_t *feed_number(const struct reader *r, uint64_t n)
{
	return r->complete ? number(n) : json_null();
}

static json_t *by_type(const struct reader *r)
{
	json_t *object = json_object();
	char name[8];
	int type, bad = 0;

	for (type = 0; type < 256; type++) {
		if (!r->by_type[type])
			continue;
		snprintf(name, sizeof(name), type > 0x20 && type < 0x7f ? "%c" : "0x%02x", type);
		bad |= json_object_set_new(object, name, number(r->by_type[type]));
	}
	if (r->empty)
		bad |= json_object_set_new(object, "empty", number(r->empty));
	if (!bad)
		return object;
	json_decref(object);
	return NULL;
}

/* One sorted line of the book, if anything was traded. */
static int add_vwap(json_t *object, const struct book_line *line)
{
	char symbol[BOOK_SYMBOL_TEXT];
	int64_t price;

	if (!book_vwap(line, &price))
		return 0;
	book_symbol_text(line->symbol, symbol);
	return json_object_set_new(object, symbol, json_real((double)price / 1e4));
}

static json_t *vwap(const struct book *book)
{
	const struct book_line **line = book_sorted(book);
	json_t *object = json_object();
	size_t i;
	int bad = !line;

	for (i = 0; line && i < book->used; i++)
		bad |= add_vwap(object, line[i]);
	free(line);
	if (!bad)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *latency(const struct latency *l)
{
	return json_pack("{sIsIsI}", "p50", (json_int_t)latency_quantile(l, 500), "p99",
			 (json_int_t)latency_quantile(l, 990), "p999", (json_int_t)latency_quantile(l, 999));
}

static json_t *figures(const struct reader *r)
{
	const struct feed_figures *f = &r->figures;
	char crc[9];

	snprintf(crc, sizeof(crc), "%08x", (unsigned int)r->crc32);
	return json_pack("{so,so,so,so,so,so,so,so,ss,so,sI,sI,so,so,so,sf}", "packets", feed_number(r, f->packets),
			 "heartbeats", feed_number(r, f->heartbeats), "messages", number(r->messages), "bytes",
			 number(r->bytes), "by_type", by_type(r), "gaps", feed_number(r, f->gaps), "repeated",
			 feed_number(r, f->repeated), "truncated", feed_number(r, f->truncated), "crc32", crc, "trades",
			 number(r->book.trades), "shares", (json_int_t)r->book.shares, "notional",
			 (json_int_t)r->book.notional, "quotes", number(r->book.quotes), "symbols_quoted",
			 number(r->book.symbols_quoted), "vwap", vwap(&r->book), "messages_per_s",
			 round(reader_rate(r) * 10) / 10);
}

int report_json(FILE *out, const struct reader *r)
{
	json_t *all = figures(r);
	int bad = !all;

	if (all && r->latency.count)
		bad = json_object_set_new(all, "latency_ns", latency(&r->latency));
	if (!bad) /* 15 digits: prices as people write them, not as doubles are stored */
		bad = json_dumpf(all, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	json_decref(all);
	if (!bad)
		bad = fputc('\n', out) == EOF || fflush(out) == EOF;
	return bad ? -1 : 0;
}
