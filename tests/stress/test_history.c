// SPDX-License-Identifier: MIT
// Does the judge of histories accept what a FIFO queue can do, and refuse each thing that it cannot?
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "random.h"
#include "tap.h"

#define VALUES 8

static struct history_call put(uint32_t value, uint64_t begin, uint64_t end)
{
	return (struct history_call){begin, end, value, HISTORY_PUT};
}

static struct history_call take(uint32_t value, uint64_t begin, uint64_t end)
{
	return (struct history_call){begin, end, value, HISTORY_TAKE};
}

static struct history_call empty(uint64_t begin, uint64_t end)
{
	return (struct history_call){begin, end, 0, HISTORY_EMPTY};
}

/* The faults of a history that ends with an all-zero call. */
static struct history_verdict verdict_of(const struct history_call *call, bool may_miss)
{
	struct history_verdict verdict;
	size_t n = 0;

	while (call[n].end)
		n++;
	if (!history_judge(call, n, VALUES, may_miss, &verdict))
		abort();
	return verdict;
}

static const struct history_call end;

static void accept_good_ones(void)
{
	const struct history_call sequence[] = {empty(1, 2),	put(1, 3, 4),  put(2, 5, 6), take(1, 7, 8),
						take(2, 9, 10), empty(11, 12), end};
	const struct history_call overlap[] = {put(1, 1, 10), put(2, 2, 9), take(2, 3, 8), take(1, 4, 12), end};
	const struct history_call early[] = {take(1, 1, 10), put(1, 5, 6), empty(2, 12), end};
	const struct history_call dying[] = {put(1, 1, HISTORY_NEVER), put(2, 2, 3), take(2, 4, 5), take(1, 6, 7), end};
	const struct history_call unput[] = {put(1, 1, HISTORY_NEVER), put(2, 2, 3), take(2, 4, 5), end};
	const struct history_call lost[] = {put(1, 1, 2), put(2, 3, 4), take(2, 5, 6), empty(7, 8), end};
	const struct history_verdict verdict = verdict_of(lost, true);

	tap_ok(!history_faults(&(struct history_verdict[]){verdict_of(sequence, false)}[0]), "one after the other");
	tap_ok(!history_faults(&(struct history_verdict[]){verdict_of(overlap, false)}[0]),
	       "either order of puts that overlap");
	tap_ok(!history_faults(&(struct history_verdict[]){verdict_of(early, false)}[0]),
	       "a take, or a look at an empty queue, that begins before the put");
	tap_ok(!history_faults(&(struct history_verdict[]){verdict_of(dying, false)}[0]),
	       "a put whose caller died, and that was taken");
	tap_ok(!history_faults(&(struct history_verdict[]){verdict_of(unput, false)}[0]), "... or never was");
	tap_ok(!history_faults(&verdict) && verdict.missing == 1, "a value that died with its consumer is missing");
}

static void refuse_bad_ones(void)
{
	const struct history_call invented[] = {put(1, 1, 2), take(2, 3, 4), take(1, 5, 6), end};
	const struct history_call foreign[] = {put(1, 1, 2), take(VALUES, 3, 4), take(1, 5, 6), end};
	const struct history_call foretold[] = {take(1, 1, 2), put(1, 3, 4), end};
	const struct history_call twice[] = {put(1, 1, 2), take(1, 3, 4), take(1, 3, 6), end};
	const struct history_call swapped[] = {put(1, 1, 2), put(2, 3, 4), take(2, 5, 6), take(1, 7, 8), end};
	const struct history_call passed[] = {put(1, 1, 2), put(2, 3, 4), take(2, 5, 6), end};
	const struct history_call blind[] = {put(1, 1, 2), empty(3, 4), take(1, 5, 6), end};
	/* at each moment one of two values is in the queue, but neither all the time */
	const struct history_call chain[] = {put(1, 1, 2), put(2, 3, 4),    take(1, 6, 20),
					     empty(5, 10), take(2, 12, 21), end};

	tap_ok(verdict_of(invented, false).invented == 1, "a value that nobody put is refused");
	tap_ok(verdict_of(foreign, false).invented == 1, "... also one that is no value at all");
	tap_ok(verdict_of(foretold, false).invented == 1, "a value taken before its put is refused");
	tap_ok(verdict_of(twice, false).twice == 1, "a value taken twice is refused");
	tap_ok(verdict_of(swapped, false).disordered == 1, "a value that overtakes another is refused");
	tap_ok(verdict_of(passed, false).disordered == 1, "... also when the other never comes");
	tap_ok(verdict_of(blind, false).empty == 1, "an \"empty\" beside a value is refused");
	tap_ok(verdict_of(chain, false).empty == 1, "... also when it is one value after the other");
}

/* ---- against a search ----------------------------------------------------------------------- */

struct search {
	const struct history_call *call;
	uint32_t n, done, head, queue[16], tail;
};

static bool orders(struct search *s);

/* Let this call happen next, if a queue would do that; then the others. */
static bool happens(struct search *s, uint32_t i)
{
	const struct history_call *call = &s->call[i];
	struct search next = *s;

	next.done |= 1u << i;
	if (call->kind == HISTORY_PUT)
		next.queue[next.tail++] = call->value;
	else if (call->kind == HISTORY_EMPTY && next.head != next.tail)
		return false;
	else if (call->kind == HISTORY_TAKE && (next.head == next.tail || next.queue[next.head++] != call->value))
		return false;
	return orders(&next);
}

/* Is there an order of all calls, none before one that ended before it began, that one thread could have seen? */
static bool orders(struct search *s)
{
	uint64_t first_end = HISTORY_NEVER;

	if (s->done == (1u << s->n) - 1)
		return true;
	for (uint32_t i = 0; i < s->n; i++)
		if (!(s->done & 1u << i) && s->call[i].end < first_end)
			first_end = s->call[i].end;
	for (uint32_t i = 0; i < s->n; i++)
		if (!(s->done & 1u << i) && s->call[i].begin <= first_end && happens(s, i))
			return true;
	return false;
}

/* A few values put and taken, and looks at an empty queue, at random times; no two the same. */
static uint32_t make_up(struct history_call *call, uint64_t *random)
{
	uint32_t values = 1 + random_below(random, 3), n = 0;

	for (uint32_t v = 1; v <= values; v++) {
		call[n++] = put(v, 0, 0);
		if (random_below(random, 5))
			call[n++] = take(v, 0, 0);
	}
	for (uint32_t i = random_below(random, 3); i; i--)
		call[n++] = empty(0, 0);
	for (uint32_t i = 0; i < n; i++) {
		call[i].begin = 2 * random_below(random, 40) * 16 + i;
		call[i].end = call[i].begin + 16 * (1 + 2 * random_below(random, 12)) + 8;
	}
	return n;
}

/* The judge leaves out an "empty" that meets a put under way, and so must the search. */
static uint32_t leave_out_excused(struct history_call *call, uint32_t n)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool excused = false;

		for (uint32_t k = 0; k < n && call[i].kind == HISTORY_EMPTY; k++)
			excused |= call[k].kind == HISTORY_PUT && call[k].begin < call[i].end &&
				   call[k].end > call[i].begin;
		if (!excused)
			call[left++] = call[i];
	}
	return left;
}

static void agree_with_search(void)
{
	uint64_t random = random_seed();
	uint32_t good = 0, bad = 0, wrong = 0;

	for (int i = 0; i < 60000; i++) {
		struct history_call call[16];
		struct search s = {.call = call};
		struct history_verdict verdict;
		bool possible;

		s.n = leave_out_excused(call, make_up(call, &random));
		possible = orders(&s);
		if (!history_judge(call, s.n, VALUES, false, &verdict))
			abort();
		good += possible;
		bad += !possible;
		wrong += possible == (history_faults(&verdict) != 0);
	}
	tap_note("%u histories that a queue can have, %u that it cannot", good, bad);
	tap_ok(!wrong && good > 5000 && bad > 5000, "the judge says what a search of all orders says");
}

int main(void)
{
	accept_good_ones();
	refuse_bad_ones();
	agree_with_search();
	return tap_done();
}
