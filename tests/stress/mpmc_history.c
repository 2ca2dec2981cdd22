// SPDX-License-Identifier: MIT
// Threads of several processes use an mpmc ring and write down when each call began and ended: could a FIFO queue
// have done that? Also while processes are killed. RINGSHM_SEED varies it, RINGSHM_HISTORY_ROUNDS repeats it.
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>

#include <ringshm/ringshm.h>

#include "history.h"
#include "planted_endpoint.h"
#include "processes.h"
#include "random.h"
#include "tap.h"

#define PROCESSES 3
#define SIDES 2	 /* threads a side of a process */
#define LIVES 40 /* processes in one round: each killed one has a successor */
#define PUTS 2000u
#define CALLS (3 * PUTS) /* that a thread writes down */
#define THREADS (LIVES * 2 * SIDES + 1)
#define VALUES (THREADS * PUTS)
#define BATCH 3u
#define PATIENCE 64 /* calls in vain before one asks whether somebody died */
#define ROUND_NS UINT64_C(600000000)

struct log {
	uint32_t calls, empties;
	bool pending; /* a take is under way: one who dies then may have taken */
	struct history_call call[CALLS];
};

/* Shared by all processes of a round. */
static struct books {
	uint32_t stop, producing, refused;
	struct log log[THREADS];
} * books;

static struct ringshm *channel;
static uint32_t life; /* which one of the round's processes this is */
static bool deadly;   /* others are killed in this round */

static void note(struct log *log, enum history_kind kind, uint32_t value, uint64_t begin, uint64_t end)
{
	uint32_t i = log->calls;

	if (i == CALLS)
		return;
	log->call[i] = (struct history_call){.begin = begin, .end = end, .value = value, .kind = kind};
	__atomic_store_n(&log->calls, i + 1, __ATOMIC_RELEASE); /* whole, also if we are killed now */
}

/* Calls begin behind these, and end before them: what a call stored is seen by all before its end is read. */
static uint64_t begin_now(void)
{
	uint64_t now = now_ns();

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return now;
}

static uint64_t end_now(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return now_ns();
}

/* Now and then, with something in the hands. */
static void dawdle(uint64_t *random)
{
	if (random_below(random, 64))
		return;
	if (deadly)
		rest_ns(200000);
	else
		sched_yield();
}

/* ---- puts ----------------------------------------------------------------------------------- */

/* Up to `n` values, from `value` on, as copies. How many. */
static uint32_t put_copies(struct ringshm_mpmc_producer *p, uint32_t value, uint32_t n)
{
	const uint32_t copy[BATCH] = {value, value + 1, value + 2};
	int done;

	if (n == 1)
		return ringshm_mpmc_send(p, copy, sizeof(*copy)) == 0;
	done = ringshm_mpmc_send_n(p, copy, sizeof(*copy), n);
	return done > 0 ? (uint32_t)done : 0;
}

/* The same as copies or in place. */
static uint32_t put(struct ringshm_mpmc_producer *p, uint32_t value, uint32_t n, uint64_t *random)
{
	if (random_below(random, 2))
		return put_copies(p, value, n);
	n = ringshm_mpmc_reserve_n(p, n);
	if (n)
		dawdle(random);
	for (uint32_t i = 0; i < n; i++, value++)
		memcpy(ringshm_mpmc_room(p, i), &value, sizeof(value));
	ringshm_mpmc_commit_n(p, n, sizeof(value));
	return n;
}

/*
 * A value is written down before it is put, with an end of never; who is killed in between has perhaps put it.
 * A batch is written down at its full size, and what was not put is taken back.
 */
static uint32_t put_and_note(struct log *log, struct ringshm_mpmc_producer *p, uint32_t value, uint32_t n,
			     uint64_t *random)
{
	uint32_t first = log->calls, done;
	uint64_t begin = begin_now(), end;

	for (uint32_t i = 0; i < n; i++)
		note(log, HISTORY_PUT, value + i, begin, HISTORY_NEVER);
	done = put(p, value, n, random);
	end = end_now();
	for (uint32_t i = 0; i < done; i++)
		log->call[first + i].end = end;
	log->calls = first + done;
	return done;
}

static void *produce(void *number)
{
	uint32_t who = (uint32_t)(uintptr_t)number, next = who * PUTS + 1, end = next + PUTS, vain = 0;
	uint64_t random = random_seed() + who;
	struct ringshm_mpmc_producer p;

	if (ringshm_mpmc_producer_open(&p, channel)) {
		__atomic_fetch_add(&books->refused, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	planted_endpoint(&p.m.ring);
	while (next < end && !__atomic_load_n(&books->stop, __ATOMIC_RELAXED)) {
		uint32_t n = 1 + random_below(&random, BATCH), done;

		done = put_and_note(&books->log[who], &p, next, n < end - next ? n : end - next, &random);
		next += done;
		vain = done ? 0 : vain + 1;
		if (deadly && vain && vain % PATIENCE == 0)
			ringshm_mpmc_producer_recover(&p);
		if (!done || !random_below(&random, 256))
			sched_yield();
	}
	ringshm_mpmc_producer_close(&p);
	__atomic_fetch_sub(&books->producing, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* ---- takes ---------------------------------------------------------------------------------- */

/* Up to BATCH values by one claim, or one. How many. */
static uint32_t take(struct ringshm_mpmc_consumer *c, uint32_t *value, uint64_t *random)
{
	uint32_t length, n = 1 + random_below(random, BATCH);
	int got;

	if (random_below(random, 3) == 0)
		return ringshm_mpmc_recv(c, value, c->max_payload, &length) == 0;
	if (random_below(random, 2)) {
		got = ringshm_mpmc_recv_n(c, value, sizeof(*value), n);
		return got > 0 ? (uint32_t)got : 0;
	}
	n = ringshm_mpmc_peek_n(c, n);
	for (uint32_t i = 0; i < n; i++)
		memcpy(&value[i], ringshm_mpmc_at(c, i, &length), sizeof(*value));
	if (n)
		dawdle(random);
	ringshm_mpmc_release(c, n);
	return n;
}

static uint32_t take_and_note(struct log *log, struct ringshm_mpmc_consumer *c, uint64_t *random)
{
	uint32_t value[64 / sizeof(uint32_t)], n; /* recv() may write a whole payload */
	uint64_t begin, end;

	__atomic_store_n(&log->pending, true, __ATOMIC_RELAXED);
	begin = begin_now();
	n = take(c, value, random);
	end = end_now();
	if (n == 2 && planted_reverses()) { /* as if the younger had been taken first */
		note(log, HISTORY_TAKE, value[1], begin, begin + (end - begin) / 2);
		note(log, HISTORY_TAKE, value[0], end, end);
	} else {
		for (uint32_t i = 0; i < n; i++)
			note(log, HISTORY_TAKE, value[i], begin, end);
	}
	if (!n && !random_below(random, 8) && log->empties++ < PUTS / 2)
		note(log, HISTORY_EMPTY, 0, begin, end);
	__atomic_store_n(&log->pending, false, __ATOMIC_RELAXED);
	return n;
}

static void *consume(void *number)
{
	uint32_t who = (uint32_t)(uintptr_t)number, vain = 0;
	uint64_t random = random_seed() + who;
	struct ringshm_mpmc_consumer c;

	if (ringshm_mpmc_consumer_open(&c, channel)) {
		__atomic_fetch_add(&books->refused, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	planted_endpoint(&c.m.ring);
	while (!__atomic_load_n(&books->stop, __ATOMIC_RELAXED) && books->log[who].calls < CALLS - 3) {
		vain = take_and_note(&books->log[who], &c, &random) ? 0 : vain + 1;
		if (deadly && vain && vain % PATIENCE == 0)
			ringshm_mpmc_consumer_recover(&c);
		if (vain && (deadly || random_below(&random, 4)))
			sched_yield();
	}
	ringshm_mpmc_consumer_close(&c);
	return NULL;
}

/* ---- rounds --------------------------------------------------------------------------------- */

static int live(void *unused)
{
	pthread_t thread[2 * SIDES];

	(void)unused;
	for (uint32_t i = 0; i < 2 * SIDES; i++)
		if (pthread_create(&thread[i], NULL, i % 2 ? consume : produce,
				   (void *)(uintptr_t)(life * 2 * SIDES + i)))
			return 1;
	for (int i = 0; i < 2 * SIDES; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

static pid_t next_life(uint32_t *lives)
{
	life = (*lives)++;
	return start(live, NULL);
}

/* Kill one after the other, and put another into its place, until the time or the lives are over. */
static void kill_some(pid_t child[static PROCESSES], uint32_t *lives, uint64_t *random)
{
	uint64_t end = now_ns() + ROUND_NS;

	while (*lives < LIVES && now_ns() < end) {
		uint32_t i = random_below(random, PROCESSES);

		rest_ns(1000000 + random_below(random, 16000000));
		kill_now(child[i]);
		child[i] = next_life(lives);
	}
}

/* The last one, who repairs, and takes what is left; thread number THREADS - 1. */
static void clear_up(void)
{
	struct log *log = &books->log[THREADS - 1];
	struct ringshm_mpmc_consumer c;
	uint64_t random = 1;

	if (ringshm_mpmc_consumer_open(&c, channel))
		return;
	planted_endpoint(&c.m.ring);
	for (uint32_t idle = 0; idle < 200; idle++) {
		if (take_and_note(log, &c, &random))
			idle = 0;
		else if (idle % 10 == 0)
			ringshm_mpmc_consumer_recover(&c);
	}
	ringshm_mpmc_consumer_close(&c);
}

static void run(uint64_t *random)
{
	uint64_t end = now_ns() + 5 * ROUND_NS;
	pid_t child[PROCESSES];
	uint32_t lives = 0;

	books->producing = PROCESSES * SIDES;
	for (uint32_t i = 0; i < PROCESSES; i++)
		child[i] = next_life(&lives);
	if (deadly)
		kill_some(child, &lives, random);
	while (!deadly && __atomic_load_n(&books->producing, __ATOMIC_ACQUIRE) && now_ns() < end)
		rest_ns(2000000);
	__atomic_store_n(&books->stop, 1, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < PROCESSES; i++)
		end_of(child[i]);
	clear_up();
}

/* All logs as one history. NULL: no memory. */
static struct history_call *gather(size_t *calls, uint32_t *pending)
{
	struct history_call *all;

	*calls = *pending = 0;
	for (uint32_t i = 0; i < THREADS; i++)
		*calls += books->log[i].calls;
	all = malloc((*calls + 1) * sizeof(*all));
	*calls = 0;
	for (uint32_t i = 0; all && i < THREADS; i++) {
		const struct log *log = &books->log[i];

		memcpy(all + *calls, log->call, log->calls * sizeof(*all));
		*calls += log->calls;
		*pending += log->pending ? BATCH : 0; /* as many as one take may take */
	}
	return all;
}

static bool judge(uint32_t capacity)
{
	struct ringshm_info info = {.size = sizeof(info)};
	struct history_verdict verdict;
	struct history_call *all;
	uint32_t pending;
	size_t calls;
	bool good;

	ringshm_info(channel, &info);
	all = gather(&calls, &pending);
	if (!all || !history_judge(all, calls, VALUES, deadly, &verdict)) {
		tap_note("no memory");
		return false;
	}
	free(all);
	tap_note("%u slots%s: %zu calls, %" PRIu64 " times empty judged; lost with the dead: %" PRIu64 " + %" PRIu64,
		 capacity, deadly ? ", killed" : "", calls, verdict.judged, info.lost_produced, info.lost_consumed);
	good = !history_faults(&verdict) && verdict.missing <= info.lost_consumed + pending && !books->refused &&
	       calls > 1000;
	if (!good)
		tap_note("%" PRIu64 " invented, %" PRIu64 " twice, %" PRIu64 " disordered, %" PRIu64
			 " wrongly empty, %" PRIu64 " missing; values %u and %u",
			 verdict.invented, verdict.twice, verdict.disordered, verdict.empty, verdict.missing,
			 verdict.value[0], verdict.value[1]);
	return good;
}

static bool one_round(uint32_t capacity, bool kills, uint64_t *random)
{
	struct ringshm_config config;
	bool good;

	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = capacity;
	config.participants = PROCESSES * 2 * SIDES + 2;
	config.start_position = UINT64_C(0) - 3;
	if (ringshm_create(&channel, NULL, &config)) {
		tap_note("%s", ringshm_last_error());
		return false;
	}
	deadly = kills;
	books->stop = books->refused = 0;
	for (uint32_t i = 0; i < THREADS; i++) {
		books->log[i].calls = books->log[i].empties = 0;
		books->log[i].pending = false;
	}
	run(random);
	good = judge(capacity);
	ringshm_close(channel);
	return good;
}

static bool rounds(bool kills)
{
	static const uint32_t capacities[] = {2, 16, 128};
	const char *given = getenv("RINGSHM_HISTORY_ROUNDS");
	uint64_t n = given ? strtoull(given, NULL, 0) : 1, random = random_seed();
	bool good = true;

	for (uint64_t i = 0; i < n * 3 && good; i++)
		good = one_round(capacities[i % 3], kills, &random);
	return good;
}

int main(int argc, char **argv)
{
	if (!planted_begin(argc, argv)) {
		fprintf(stderr, "mpmc_history: no fault '%s'\n", argc > 1 ? argv[1] : "");
		return 2;
	}
	books = (struct books *)shared_memory(sizeof(*books));
	tap_ok(rounds(false), "what threads of several processes saw is what a FIFO queue could have done");
	tap_ok(rounds(true), "... also while processes are killed, but for what is counted as lost");
	return tap_done();
}
