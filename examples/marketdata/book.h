/* SPDX-License-Identifier: MIT */
/* Top of book and volume-weighted average price by symbol. */
#ifndef MD_BOOK_H
#define MD_BOOK_H

#include <stddef.h>

#include "tops.h"

struct book_line {
	tops_symbol symbol; /* 0: an empty place in the table */
	uint64_t quotes;
	struct tops_quote top; /* the newest quote, when quotes > 0 */
	uint64_t trades;
	int64_t shares;
	int64_t notional; /* sum of size times price, 1e-4 dollars */
};

struct book {
	struct book_line *line; /* open addressing; size is a power of two */
	size_t size;
	size_t used;
	uint64_t quotes;
	uint64_t trades;
	int64_t shares;
	int64_t notional;
	size_t symbols_quoted;
};

int book_init(struct book *b); /* 0, or -ENOMEM */
void book_free(struct book *b);

/* 0, or -ENOMEM.  Sums that would not fit stay at the largest number that does. */
int book_quote(struct book *b, const struct tops_quote *q);
int book_trade(struct book *b, const struct tops_trade *t);

/* Average price of all trades in 1e-4 dollars, rounded; false when no share was traded. */
bool book_vwap(const struct book_line *line, int64_t *price);

/* All lines, ordered by symbol; the array is the caller's to free, NULL: no memory. */
const struct book_line **book_sorted(const struct book *b);

/*
 * A symbol as printable text: trailing spaces dropped, bytes that are not
 * printable ASCII (and the backslash) as \xNN, so that different symbols stay different.
 */
#define BOOK_SYMBOL_TEXT 33
void book_symbol_text(tops_symbol symbol, char text[BOOK_SYMBOL_TEXT]);

#endif
