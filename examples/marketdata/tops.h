/* SPDX-License-Identifier: MIT */
/* The two TOPS 1.6 messages that the book reads: quote update and trade report. */
#ifndef MD_TOPS_H
#define MD_TOPS_H

#include <stdbool.h>

#include "wireint.h"

#define TOPS_QUOTE 'Q'
#define TOPS_QUOTE_LEN 42
#define TOPS_TRADE 'T'
#define TOPS_TRADE_LEN 38

/* Eight characters, space padded, as one number: equal symbols, equal numbers. */
typedef uint64_t tops_symbol;

static inline tops_symbol tops_symbol_get(const uint8_t *p)
{
	tops_symbol v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Prices are in 1e-4 dollars, sizes in shares. */
struct tops_quote {
	tops_symbol symbol;
	uint32_t bid_size;
	int64_t bid_price;
	int64_t ask_price;
	uint32_t ask_size;
};

struct tops_trade {
	tops_symbol symbol;
	uint32_t size;
	int64_t price;
};

/* False when the message is of another type or too short; a longer one is a later revision. */
static inline bool tops_quote_get(struct tops_quote *q, const uint8_t *msg, uint32_t len)
{
	if (len < TOPS_QUOTE_LEN || msg[0] != TOPS_QUOTE)
		return false;
	q->symbol = tops_symbol_get(msg + 10);
	q->bid_size = get_le32(msg + 18);
	q->bid_price = (int64_t)get_le64(msg + 22);
	q->ask_price = (int64_t)get_le64(msg + 30);
	q->ask_size = get_le32(msg + 38);
	return true;
}

static inline bool tops_trade_get(struct tops_trade *t, const uint8_t *msg, uint32_t len)
{
	if (len < TOPS_TRADE_LEN || msg[0] != TOPS_TRADE)
		return false;
	t->symbol = tops_symbol_get(msg + 10);
	t->size = get_le32(msg + 18);
	t->price = (int64_t)get_le64(msg + 22);
	return true;
}

#endif
