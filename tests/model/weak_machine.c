// SPDX-License-Identifier: MIT
// The machine of weak.h: words with all their values, views, coroutines.
#undef _FORTIFY_SOURCE /* a jump from stack to stack is what is wanted here */
#include "weak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <ringshm/atomic.h>

#include "random.h"

#define WORDS 96
#define VALUES 512  /* of one word in one run */
#define STEPS 12000 /* of one run */
#define GAP 4096    /* between the times of two values, for those that come in between */
#define STACK (96 << 10)
#define PLACES 200
#define CLOCKS (WEAK_THREADS + 1)

/* For every word the time of the oldest value that may be seen; behind them how far each thread has come. */
struct view {
	uint32_t seen[WORDS + CLOCKS];
};

struct value {
	uint64_t value;
	uint32_t time; /* its place in the order of the word's values */
	bool attached; /* a swap's: nothing comes between it and the value that it replaced */
	struct view view;
};

struct word {
	const void *at;
	unsigned int words; /* class */
	unsigned int count;
	uint32_t read_at[CLOCKS]; /* by each thread's own clock, its last look */
	uint32_t wrote_at[CLOCKS];
	struct value *values; /* in their order */
};

struct thread {
	ucontext_t context; /* where it begins ... */
	jmp_buf here;	    /* ... and where it goes on */
	bool begun;
	struct view view;
	void (*body)(unsigned int self);
	unsigned int steps;
	unsigned int kill_at; /* 0: never */
	unsigned int stop_at; /* 0: never ... */
	unsigned int stop_for;
	unsigned int resumes; /* ... and of all steps, the one from which on it goes on */
	bool ended;
	bool dead;
	char *stack;
};

static struct word words[WORDS];
static unsigned int word_count;
static struct thread threads[CLOCKS];
static unsigned int thread_count, self, steps;
static const struct weak_site *weakened;
static uint64_t state;
static char fault[256];
static unsigned int watched;
static void (*watcher)(uint64_t old, uint64_t v);

void weak_fault(const char *format, ...)
{
	va_list arguments;

	if (fault[0])
		return;
	va_start(arguments, format);
	vsnprintf(fault, sizeof(fault), format, arguments);
	va_end(arguments);
}

const char *weak_faulted(void)
{
	return fault[0] ? fault : NULL;
}

uint32_t weak_random(uint32_t below)
{
	return random_below(&state, below);
}

/* ---- places --------------------------------------------------------------------------------- */

static struct known {
	const struct weak_place *place;
	const char *of; /* case */
	char name[96];
} known[PLACES];
static unsigned int known_count;
static const char *current = "";
static const struct weak_place *here, *relaxed; /* of the access under way; made relaxed */

void weak_case_is(const char *name)
{
	current = name;
}

/* By ring, function and line, whatever came first. */
static int by_place(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int order = strcmp(x->of, y->of);

	if (!order)
		order = strcmp(x->place->function, y->place->function);
	return order ? order : x->place->line - y->place->line;
}

static void name_places(void)
{
	for (unsigned int i = 0, n = 1; i < known_count; i++, n++) {
		if (!i || strcmp(known[i].of, known[i - 1].of) ||
		    strcmp(known[i].place->function, known[i - 1].place->function))
			n = 1;
		snprintf(known[i].name, sizeof(known[i].name), "%s.%s.%u", known[i].of, known[i].place->function, n);
	}
}

void weak_at(struct weak_place *place, const char *function, int line)
{
	here = place;
	if (place->function || known_count == PLACES)
		return;
	place->function = function;
	place->line = line;
	known[known_count].place = place;
	known[known_count++].of = current;
	qsort(known, known_count, sizeof(known[0]), by_place);
	name_places();
}

unsigned int weak_places(void)
{
	return known_count;
}

const char *weak_place_name(unsigned int place)
{
	return known[place].name;
}

bool weak_relax(const char *name)
{
	relaxed = NULL;
	for (unsigned int i = 0; name && i < known_count && !relaxed; i++)
		if (!strcmp(known[i].name, name))
			relaxed = known[i].place;
	return !name || relaxed;
}

/* Where the access that begins stands; accesses of the test itself stand nowhere. */
static bool is_relaxed(void)
{
	bool is = here && here == relaxed;

	here = NULL;
	return is;
}

/* ---- threads -------------------------------------------------------------------------------- */

void weak_begin(uint64_t seed, const struct weak_site *site)
{
	state = seed;
	weakened = site;
	fault[0] = 0;
	word_count = 0;
	thread_count = 1;
	self = steps = watched = 0;
	threads[0].begun = true;
	for (unsigned int i = 0; i < CLOCKS; i++) {
		memset(&threads[i].view, 0, sizeof(threads[i].view));
		threads[i].steps = threads[i].kill_at = threads[i].stop_at = threads[i].resumes = 0;
		threads[i].ended = threads[i].dead = false;
	}
}

/* Go on with that one. swapcontext() would do, but asks the kernel for a mask of signals each time. */
static __attribute__((__noinline__)) void go_on_with(struct thread *from, struct thread *to)
{
	if (_setjmp(from->here))
		return;
	if (to->begun)
		_longjmp(to->here, 1);
	to->begun = true;
	setcontext(&to->context);
}

static void begin_thread(void)
{
	threads[self].body(self);
	threads[self].ended = true;
	go_on_with(&threads[self], &threads[0]);
}

unsigned int weak_thread(void (*body)(unsigned int self))
{
	struct thread *t = &threads[thread_count];

	if (!t->stack)
		t->stack = (char *)malloc(STACK);
	if (!t->stack)
		abort();
	t->body = body;
	t->view = threads[0].view;
	getcontext(&t->context);
	t->context.uc_stack.ss_sp = t->stack;
	t->context.uc_stack.ss_size = STACK;
	t->context.uc_link = NULL;
	t->begun = false;
	makecontext(&t->context, begin_thread, 0);
	return thread_count++;
}

/* Those who can go on; who is stopped only if nobody else can. */
static unsigned int find_able(unsigned int able[CLOCKS])
{
	unsigned int count = 0, stopped = 0, stopped_one[CLOCKS];

	for (unsigned int i = 1; i < thread_count; i++) {
		if (threads[i].ended || threads[i].dead)
			continue;
		if (threads[i].resumes > steps)
			stopped_one[stopped++] = i;
		else
			able[count++] = i;
	}
	if (!count)
		memcpy(able, stopped_one, stopped * sizeof(*able));
	return count ? count : stopped;
}

bool weak_run(void)
{
	for (;;) {
		unsigned int able[CLOCKS], count = find_able(able);

		if (!count || fault[0] || steps > STEPS)
			break;
		self = able[weak_random(count)];
		go_on_with(&threads[0], &threads[self]);
		self = 0;
	}
	return steps <= STEPS;
}

void weak_kill_at(unsigned int thread, unsigned int step)
{
	threads[thread].kill_at = step;
}

void weak_stop_before(unsigned int access, unsigned int for_steps)
{
	threads[self].stop_at = threads[self].steps + access;
	threads[self].stop_for = for_steps;
}

static void join(struct view *to, const struct view *from)
{
	for (unsigned int i = 0; i < WORDS + CLOCKS; i++)
		if (to->seen[i] < from->seen[i])
			to->seen[i] = from->seen[i];
}

bool weak_is_dead(unsigned int thread)
{
	if (threads[thread].dead)
		join(&threads[self].view, &threads[thread].view);
	return threads[thread].dead;
}

bool weak_is_going(unsigned int thread)
{
	return !threads[thread].ended && !threads[thread].dead;
}

bool weak_is_over(unsigned int thread)
{
	if (weak_is_going(thread))
		return false;
	join(&threads[self].view, &threads[thread].view);
	return true;
}

void weak_join(void)
{
	for (unsigned int i = 1; i < thread_count; i++)
		join(&threads[0].view, &threads[i].view);
}

/* Before every access: perhaps somebody else goes on, perhaps this one dies. */
static void step(void)
{
	struct thread *t = &threads[self];

	t->view.seen[WORDS + self]++;
	steps++;
	if (!self)
		return;
	if (++t->steps == t->kill_at)
		t->dead = true;
	if (t->steps == t->stop_at)
		t->resumes = steps + t->stop_for;
	if (t->dead || fault[0] || steps > STEPS || t->resumes > steps || weak_random(3))
		go_on_with(t, &threads[0]);
}

/* ---- words ---------------------------------------------------------------------------------- */

static struct word *add_word(const void *at, uint64_t value, unsigned int class)
{
	struct word *w = &words[word_count++];

	if (!w->values)
		w->values = (struct value *)malloc(VALUES * sizeof(*w->values));
	if (!w->values)
		abort();
	w->at = at;
	w->words = class;
	w->count = 1;
	memset(w->read_at, 0, sizeof(w->read_at));
	memset(w->wrote_at, 0, sizeof(w->wrote_at));
	w->values[0].value = value;
	w->values[0].time = 0;
	w->values[0].attached = false;
	memset(&w->values[0].view, 0, sizeof(w->values[0].view));
	return w;
}

void weak_words(const ringshm_word *from, unsigned int count, unsigned int class)
{
	for (unsigned int i = 0; i < count && word_count < WORDS; i++)
		add_word(from + i, from[i], class);
}

void weak_words16(const ringshm_word16 *from, unsigned int count, unsigned int class)
{
	for (unsigned int i = 0; i < count && word_count < WORDS; i++)
		add_word(from + i, from[i], class);
}

void weak_watch(unsigned int class, void (*stored)(uint64_t old, uint64_t v))
{
	watched = class;
	watcher = stored;
}

static struct word *find_shared(const void *at)
{
	for (unsigned int i = 0; i < word_count; i++)
		if (words[i].at == at)
			return &words[i];
	return NULL;
}

static struct word *find(const void *at)
{
	struct word *w = find_shared(at);

	if (!w)
		weak_fault("an access outside the shared words");
	return w ? w : &words[0];
}

static bool strong(const struct word *w, enum weak_operation operation)
{
	return !weakened || weakened->operation != operation || !(weakened->words & w->words) ||
	       !(weakened->threads & 1u << self);
}

/* The oldest value that this thread may still see. */
static unsigned int oldest(const struct word *w)
{
	uint32_t seen = threads[self].view.seen[w - words];
	unsigned int i = w->count - 1;

	while (w->values[i].time > seen)
		i--;
	return i;
}

/* Any value that the view does not rule out, the newest more often. */
static unsigned int choose(const struct word *w)
{
	unsigned int from = oldest(w), newest = w->count - 1;

	return weak_random(2) ? newest : from + weak_random(newest - from + 1);
}

static uint64_t take(struct word *w, unsigned int which, bool acquire)
{
	struct view *mine = &threads[self].view;

	mine->seen[w - words] = w->values[which].time;
	w->read_at[self] = mine->seen[WORDS + self];
	if (acquire)
		join(mine, &w->values[which].view);
	return w->values[which].value;
}

/* May a value come right behind this one? */
static bool open_behind(const struct word *w, unsigned int which)
{
	return which + 1 == w->count ||
	       (!w->values[which + 1].attached && w->values[which + 1].time - w->values[which].time > 1);
}

/* A value behind that number `after`. */
static void put(struct word *w, unsigned int after, uint64_t value, bool release, bool attached)
{
	struct view *mine = &threads[self].view;
	struct value *old = &w->values[after], *new = old + 1;

	if (w->count == VALUES) {
		weak_fault("a word has had more than %u values", VALUES);
		return;
	}
	memmove(new + 1, new, (w->count - after - 1) * sizeof(*new));
	new->time = after + 1 == w->count ? old->time + GAP : old->time + (new[1].time - old->time) / 2;
	w->count++;
	mine->seen[w - words] = new->time;
	w->wrote_at[self] = mine->seen[WORDS + self];
	new->value = value;
	new->attached = attached;
	memset(&new->view, 0, sizeof(new->view));
	if (attached)
		join(&new->view, &old->view);
	if (release)
		join(&new->view, mine);
	new->view.seen[w - words] = new->time;
}

uint64_t weak_load(const void *p, bool acquire)
{
	struct word *w = find(p);

	acquire &= !is_relaxed();
	step();
	return take(w, choose(w), acquire && strong(w, WEAK_LOAD));
}

void weak_store(void *p, uint64_t v, bool release)
{
	struct word *w = find(p);
	unsigned int after;
	uint64_t old;

	release &= !is_relaxed();
	step();
	after = choose(w);
	if (!open_behind(w, after))
		after = w->count - 1;
	old = w->values[after].value;
	put(w, after, v, release && strong(w, WEAK_STORE), false);
	if (w->words & watched)
		watcher(old, v);
}

bool weak_swap(ringshm_word *p, uint64_t *expected, uint64_t v)
{
	struct word *w = find(p);
	bool release = !is_relaxed();
	unsigned int which;

	step();
	which = choose(w);
	if (w->values[which].value == *expected && !open_behind(w, which))
		which = w->count - 1;
	if (take(w, which, false) != *expected) {
		*expected = w->values[which].value;
		return false;
	}
	put(w, which, v, release && strong(w, WEAK_SWAP), true);
	return true;
}

uint64_t weak_add(ringshm_word *p, uint64_t v)
{
	struct word *w = find(p);
	uint64_t old;

	step();
	old = take(w, w->count - 1, false);
	put(w, w->count - 1, old + v, false, true);
	return old;
}

/* ---- payload -------------------------------------------------------------------------------- */

/* Has everything that others did here at those times come before us? */
static void expect_ordered(const uint32_t *times, const char *what)
{
	for (unsigned int i = 0; i < CLOCKS; i++)
		if (i != self && times[i] > threads[self].view.seen[WORDS + i])
			weak_fault("data race: thread %u %s, and thread %u's access before it is not ordered", self,
				   what, i);
}

void weak_write(ringshm_word *p, uint64_t v)
{
	struct word *w = find(p);

	step();
	expect_ordered(w->read_at, "writes a payload");
	expect_ordered(w->wrote_at, "writes a payload");
	put(w, w->count - 1, v, false, false);
}

uint64_t weak_read(const ringshm_word *p)
{
	struct word *w = find(p);

	step();
	expect_ordered(w->wrote_at, "reads a payload");
	return take(w, w->count - 1, false);
}

void *weak_copy(void *to, const void *from, size_t size)
{
	ringshm_word first;

	if (size >= sizeof(first) && find_shared(to)) {
		memcpy(&first, from, sizeof(first));
		weak_write((ringshm_word *)to, first);
	} else if (size >= sizeof(first) && find_shared(from)) {
		first = weak_read((const ringshm_word *)from);
		memcpy(to, &first, sizeof(first));
	} else {
		memcpy(to, from, size);
	}
	return to;
}
