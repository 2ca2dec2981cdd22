// SPDX-License-Identifier: MIT
/* The table of symbols behind the book. */
#include "book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_SIZE 1024

int book_init(struct book *b)
{
	*b = (struct book){.size = FIRST_SIZE};
	b->line = calloc(b->size, sizeof(*b->line));
	return b->line ? 0 : -ENOMEM;
}

void book_free(struct book *b)
{
	free(b->line);
	b->line = NULL;
}

/* Fibonacci hashing: the symbol's letters are in every byte, the product's top bits mix them. */
static size_t place_of(const struct book *b, tops_symbol symbol)
{
	return (size_t)((symbol * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (b->size - 1);
}

static struct book_line *probe(const struct book *b, tops_symbol symbol)
{
	size_t i = place_of(b, symbol);

	while (b->line[i].symbol && b->line[i].symbol != symbol)
		i = (i + 1) & (b->size - 1);
	return &b->line[i];
}

static int grow(struct book *b)
{
	struct book bigger = *b;
	size_t i;

	bigger.size = b->size * 2;
	bigger.line = calloc(bigger.size, sizeof(*bigger.line));
	if (!bigger.line)
		return -ENOMEM;
	for (i = 0; i < b->size; i++)
		if (b->line[i].symbol)
			*probe(&bigger, b->line[i].symbol) = b->line[i];
	free(b->line);
	*b = bigger;
	return 0;
}

/* The symbol's line, new if need be; NULL: no memory. */
static struct book_line *line_of(struct book *b, tops_symbol symbol)
{
	struct book_line *line;

	if (!symbol) /* eight zero bytes name nothing; spaces do as well */
		memset(&symbol, ' ', sizeof(symbol));
	line = probe(b, symbol);
	if (line->symbol)
		return line;
	if (b->used * 2 >= b->size) {
		if (grow(b) < 0)
			return NULL;
		line = probe(b, symbol);
	}
	line->symbol = symbol;
	b->used++;
	return line;
}

int book_quote(struct book *b, const struct tops_quote *q)
{
	struct book_line *line = line_of(b, q->symbol);

	if (!line)
		return -ENOMEM;
	b->quotes++;
	if (!line->quotes++)
		b->symbols_quoted++;
	line->top = *q;
	return 0;
}

static void add(int64_t *sum, int64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = more < 0 ? INT64_MIN : INT64_MAX;
}

int book_trade(struct book *b, const struct tops_trade *t)
{
	struct book_line *line = line_of(b, t->symbol);
	int64_t notional;

	if (!line)
		return -ENOMEM;
	if (__builtin_mul_overflow((int64_t)t->size, t->price, &notional))
		notional = t->price < 0 ? INT64_MIN : INT64_MAX;
	b->trades++;
	line->trades++;
	add(&b->shares, t->size);
	add(&line->shares, t->size);
	add(&b->notional, notional);
	add(&line->notional, notional);
	return 0;
}

bool book_vwap(const struct book_line *line, int64_t *price)
{
	int64_t whole, rest;

	if (line->shares <= 0)
		return false;
	whole = line->notional / line->shares;
	rest = line->notional % line->shares;
	if (rest < 0) { /* towards minus infinity */
		whole--;
		rest += line->shares;
	}
	*price = whole + (rest >= line->shares - rest);
	return true;
}

static int by_symbol(const void *a, const void *b)
{
	const struct book_line *const *x = a, *const *y = b;

	return memcmp(&(*x)->symbol, &(*y)->symbol, sizeof((*x)->symbol));
}

const struct book_line **book_sorted(const struct book *b)
{
	const struct book_line **all = malloc((b->used + 1) * sizeof(const struct book_line *));
	size_t i, n = 0;

	if (!all)
		return NULL;
	for (i = 0; i < b->size; i++)
		if (b->line[i].symbol)
			all[n++] = &b->line[i];
	qsort(all, n, sizeof(*all), by_symbol);
	return all;
}

void book_symbol_text(tops_symbol symbol, char text[BOOK_SYMBOL_TEXT])
{
	unsigned char c[sizeof(symbol)];
	size_t i, len = sizeof(c);

	memcpy(c, &symbol, sizeof(c));
	while (len && c[len - 1] == ' ')
		len--;
	text[0] = '\0';
	for (i = 0; i < len; i++)
		text += sprintf(text, c[i] > 0x20 && c[i] < 0x7f && c[i] != '\\' ? "%c" : "\\x%02x", c[i]);
}
