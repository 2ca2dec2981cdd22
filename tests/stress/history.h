/* SPDX-License-Identifier: MIT */
/* Is what several threads saw of a queue what a queue could have done, at moments within their calls? */
#ifndef RINGSHM_TESTS_HISTORY_H
#define RINGSHM_TESTS_HISTORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * A history is a set of calls, each with the times at which it began and ended. It fits a FIFO queue when for
 * every call a moment between the two can be chosen so that, in the order of those moments, they are what one
 * thread alone would see. With every value put only once, that is so if and only if none of these patterns is
 * there (Henzinger, Sezgin, Vafeiadis, "Aspect-oriented linearizability proofs", CONCUR 2013):
 *
 *   a value is taken that nobody put, or before its put began
 *   a value is taken twice
 *   one value is put, and ended, before another is begun, but taken only after that, or never
 *   "empty" is said while at each moment some value has certainly been put and not been taken
 *
 * No search: each pattern is found by sorting. A ring of this project says "not now" also while a put that is
 * under way stands in front; so an "empty" that meets a put under way is not judged.
 */
#define HISTORY_NEVER UINT64_MAX

enum history_kind {
	HISTORY_PUT,
	HISTORY_TAKE,
	HISTORY_EMPTY,
};

/* `end` is HISTORY_NEVER where the caller died in between: it may have done it, or not. */
struct history_call {
	uint64_t begin, end; /* ns */
	uint32_t value;	     /* 1 .. ; 0 for HISTORY_EMPTY */
	enum history_kind kind;
};

struct history_verdict {
	uint64_t invented, twice, disordered, empty; /* the patterns */
	uint64_t missing;			     /* put, and never taken: no pattern when somebody died with it */
	uint64_t judged;			     /* "empty" that met no put under way */
	uint32_t value[2];			     /* an example of the worst */
};

/* False: no memory. Values are below `values`. `may_miss`: values never taken count as missing, not as disordered. */
_Bool history_judge(const struct history_call *call, size_t calls, uint32_t values, _Bool may_miss,
		    struct history_verdict *verdict);
/* Patterns found, of any kind but missing. */
uint64_t history_faults(const struct history_verdict *verdict);

#endif
