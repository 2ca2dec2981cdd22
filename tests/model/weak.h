/* SPDX-License-Identifier: MIT */
/* A machine with weak memory for a few threads: any order that the C11 model allows, chosen at random. */
#ifndef RINGSHM_TESTS_WEAK_H
#define RINGSHM_TESTS_WEAK_H

/*
 * Every word keeps all values that it ever had, each with the view of who stored it: for every word, the
 * oldest value that one who acquires this one may still see. A load takes any value that the thread's own
 * view does not rule out; an acquire load adds the value's view to the thread's, and a release store leaves
 * the thread's view with the value. A store may come before values that its thread has not seen; a swap
 * comes right behind the value that it replaces, and continues its release sequence. So a store is
 * seen late, or out of order, wherever no pair of release and acquire forbids it: also what x86 never does. (The operational form of release/acquire by views: Kang, Hur, Lahav,
 * Vafeiadis, Dreyer, "A promising semantics for relaxed-memory concurrency", POPL 2017, without promises.)
 *
 * Threads are coroutines, switched at random before accesses, and can die before any of them.
 */

#include <ringshm/abi.h>
#include <stdbool.h>
#include <stddef.h>

#define WEAK_THREADS 5 /* besides the main one, which is number 0 */

enum weak_operation {
	WEAK_LOAD,
	WEAK_STORE,
	WEAK_SWAP,
};

/* A label of docs/memory-model.md: which accesses it stands on, so that all of them can be made relaxed. */
struct weak_site {
	const char *name;
	enum weak_operation operation;
	unsigned int words;   /* a class of words, as given to weak_words() */
	unsigned int threads; /* bit mask: whose accesses */
};

/*
 * The places in the sources whose access orders something, as far as runs of the case now tried have come by
 * them: ring.function.n, the nth of its function. One of them can be made relaxed alone.
 */
void weak_case_is(const char *name);
unsigned int weak_places(void);
const char *weak_place_name(unsigned int place);
/* False: no run has come by such a place. NULL: none is relaxed any more. */
bool weak_relax(const char *name);

/* Start a run: forget all words. The seed decides everything that follows. */
void weak_begin(uint64_t seed, const struct weak_site *weakened);
/* These words are of that class (a bit); they are shared, and hold what stands in memory now. */
void weak_words(const ringshm_word *from, unsigned int count, unsigned int words);
void weak_words16(const ringshm_word16 *from, unsigned int count, unsigned int words);
/* Called with what a store replaces, and what with, at once behind every store to these words. */
void weak_watch(unsigned int words, void (*stored)(uint64_t old, uint64_t v));
/* A thread that will run body(). Its number, from 1. */
unsigned int weak_thread(void (*body)(unsigned int self));
/* Run them all until they have ended. False: too many steps, which ends a run that went nowhere. */
bool weak_run(void);
/* Kill this thread before its `step`th access. */
void weak_kill_at(unsigned int thread, unsigned int step);
/* Stop the thread that calls this, before its `access`th access from here on, for `steps` of the others'. */
void weak_stop_before(unsigned int access, unsigned int steps);
/* Is it dead? Who is told so has seen all that it did, as by the kernel that closed its lock. */
bool weak_is_dead(unsigned int thread);
/* Has it neither ended nor died? A look from outside, which orders nothing. */
bool weak_is_going(unsigned int thread);
/* Has it ended or died? Who is told so has seen all that it did, as by pthread_join(). */
bool weak_is_over(unsigned int thread);
/* The main thread sees what everybody did. */
void weak_join(void);

/* Payload: not atomic. Every access that another thread's is not ordered with is a fault. */
void weak_write(ringshm_word *p, uint64_t v);
uint64_t weak_read(const ringshm_word *p);
/* memcpy() of a payload whose first word is a shared one, on one side or on none. */
void *weak_copy(void *to, const void *from, size_t size);

/* Something is wrong, in words; the first one stays. NULL: nothing is. */
void weak_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *weak_faulted(void);

uint32_t weak_random(uint32_t below);

/* A ring to be tried, in a file of its own. */
struct weak_case {
	const char *name;
	unsigned int runs;
	void (*run)(uint64_t seed, const struct weak_site *weakened);
	const struct weak_site *sites;
	unsigned int site_count;
};

extern const struct weak_case weak_spsc, weak_token, weak_mpmc;

#endif
