// SPDX-License-Identifier: MIT
// The judge of histories.
#include "history.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What is known of one value. */
struct life {
	uint64_t put_begin, put_end, take_begin, take_end;
	uint32_t value;
	uint32_t takes;
	bool put;
};

struct span {
	uint64_t begin, end;
};

struct judge {
	struct life *life; /* by value, later sorted */
	uint32_t values;
	struct span *inside; /* when values were certainly in the queue; joined, in order */
	struct span *puts;   /* when puts were under way; joined, in order */
	size_t insides, put_spans;
	struct history_verdict *verdict;
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void enter(struct judge *j, const struct history_call *call)
{
	struct life *life = &j->life[call->value];

	if (call->kind == HISTORY_PUT) {
		life->put = true;
		life->put_begin = call->begin;
		life->put_end = call->end;
	} else if (call->kind == HISTORY_TAKE) {
		life->takes++;
		life->take_begin = least(life->take_begin, call->begin);
		life->take_end = least(life->take_end, call->end);
	}
}

static void read_lives(struct judge *j, const struct history_call *call, size_t calls)
{
	for (uint32_t v = 0; v < j->values; v++)
		j->life[v] = (struct life){.value = v, .take_begin = HISTORY_NEVER, .take_end = HISTORY_NEVER};
	for (size_t i = 0; i < calls; i++)
		if (call[i].kind != HISTORY_EMPTY && call[i].value < j->values)
			enter(j, &call[i]);
		else if (call[i].kind != HISTORY_EMPTY)
			j->verdict->invented++;
}

static void example(struct judge *j, uint32_t one, uint32_t other)
{
	j->verdict->value[0] = one;
	j->verdict->value[1] = other;
}

static void find_invented_and_twice(struct judge *j)
{
	for (uint32_t v = 0; v < j->values; v++) {
		const struct life *life = &j->life[v];

		if (life->takes && (!life->put || life->take_end < life->put_begin)) {
			j->verdict->invented++;
			example(j, v, 0);
		}
		if (life->takes > 1) {
			j->verdict->twice++;
			example(j, v, 0);
		}
		j->verdict->missing += life->put && !life->takes && life->put_end != HISTORY_NEVER;
	}
}

/* ---- order ---------------------------------------------------------------------------------- */

static int by_put(const void *a, const void *b)
{
	const struct life *x = a, *y = b;

	return x->put_begin < y->put_begin ? -1 : x->put_begin > y->put_begin;
}

/* The first of `n` lives, in the order of their puts, whose put began after `time`. */
static uint32_t first_put_after(const struct life *life, uint32_t n, uint64_t time)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t middle = low + (n - low) / 2;

		if (life[middle].put_begin > time)
			n = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* For each value: was any value whose put began after this one's ended taken before this one's take began? */
static bool find_disordered(struct judge *j, bool may_miss)
{
	uint32_t *earliest = malloc((j->values + 1) * sizeof(*earliest)),
		 n = 0; /* take_end among this and later ones */

	if (!earliest)
		return false;
	for (uint32_t v = 0; v < j->values; v++)
		if (j->life[v].put)
			j->life[n++] = j->life[v];
	qsort(j->life, n, sizeof(*j->life), by_put);
	for (uint32_t i = n; i--;)
		earliest[i] = i + 1 < n && j->life[earliest[i + 1]].take_end < j->life[i].take_end ? earliest[i + 1] :
												     i;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t later = first_put_after(j->life, n, j->life[i].put_end);

		if (later == n || (may_miss && !j->life[i].takes) ||
		    j->life[earliest[later]].take_end >= j->life[i].take_begin)
			continue;
		j->verdict->disordered++;
		example(j, j->life[i].value, j->life[earliest[later]].value);
	}
	j->values = n;
	free(earliest);
	return true;
}

/* ---- empty ---------------------------------------------------------------------------------- */

static int by_begin(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Sorted, and joined where they overlap. How many are left. */
static size_t join(struct span *span, size_t n)
{
	size_t last = 0;

	if (!n)
		return 0;
	qsort(span, n, sizeof(*span), by_begin);
	for (size_t i = 1; i < n; i++)
		if (span[i].begin >= span[last].end)
			span[++last] = span[i];
		else if (span[i].end > span[last].end)
			span[last].end = span[i].end;
	return last + 1;
}

/* The last span that begins before `time`. NULL: there is none. */
static const struct span *last_before(const struct span *span, size_t n, uint64_t time)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (span[middle].begin < time)
			low = middle + 1;
		else
			n = middle;
	}
	return low ? &span[low - 1] : NULL;
}

static void make_spans(struct judge *j, bool may_miss)
{
	for (uint32_t v = 0; v < j->values; v++) {
		const struct life *life = &j->life[v];

		j->puts[j->put_spans++] = (struct span){life->put_begin, life->put_end};
		if (may_miss && !life->takes) /* nobody knows when it went */
			continue;
		if (life->put_end < life->take_begin)
			j->inside[j->insides++] = (struct span){life->put_end, life->take_begin};
	}
	j->insides = join(j->inside, j->insides);
	j->put_spans = join(j->puts, j->put_spans);
}

static void judge_empty(struct judge *j, const struct history_call *call)
{
	const struct span *put = last_before(j->puts, j->put_spans, call->end);
	const struct span *inside = last_before(j->inside, j->insides, call->begin);

	if (put && put->end > call->begin)
		return;
	j->verdict->judged++;
	j->verdict->empty += inside && inside->end > call->end;
}

static bool find_empty(struct judge *j, const struct history_call *call, size_t calls, bool may_miss)
{
	bool enough;

	j->inside = malloc((j->values + 1) * sizeof(*j->inside));
	j->puts = malloc((j->values + 1) * sizeof(*j->puts));
	enough = j->inside && j->puts;
	if (enough) {
		make_spans(j, may_miss);
		for (size_t i = 0; i < calls; i++)
			if (call[i].kind == HISTORY_EMPTY)
				judge_empty(j, &call[i]);
	}
	free(j->inside);
	free(j->puts);
	return enough;
}

bool history_judge(const struct history_call *call, size_t calls, uint32_t values, bool may_miss,
		   struct history_verdict *verdict)
{
	struct judge j = {.values = values, .verdict = verdict, .life = malloc(values * sizeof(*j.life))};
	bool done;

	memset(verdict, 0, sizeof(*verdict));
	if (!j.life)
		return false;
	read_lives(&j, call, calls);
	find_invented_and_twice(&j);
	done = find_disordered(&j, may_miss) && find_empty(&j, call, calls, may_miss);
	free(j.life);
	return done;
}

uint64_t history_faults(const struct history_verdict *verdict)
{
	return verdict->invented + verdict->twice + verdict->disordered + verdict->empty;
}
