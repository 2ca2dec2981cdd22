// SPDX-License-Identifier: MIT
/* Do duels measure both sides, notice a candidate that cheats, and judge by the rules? (TAP) No time is judged. */
#include <stdlib.h>
#include <string.h>

#include "crowd_loops.h"
#include "duel_stats.h"
#include "tap.h"

/* ---- statistics ----------------------------------------------------------------------------- */

static double lower_of(unsigned int n)
{
	double v[100];

	for (unsigned int i = 0; i < n; i++)
		v[i] = n - i; /* n down to 1 */
	return stats_median_lower95(v, n);
}

static void test_statistics(void)
{
	double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2};

	ok(stats_median(odd, 3) == 5 && stats_median(even, 4) == 2.5 && stats_median(odd, 0) == 0,
	   "the median is the middle");
	/* Tables of the sign test: 15 -> 4th smallest, 25 -> 8th, 100 -> 42nd; 4 bound nothing. */
	ok(lower_of(15) == 4 && lower_of(25) == 8 && lower_of(100) == 42 && lower_of(5) == 1 && lower_of(4) == 0,
	   "the lower bound of a median is the order statistic of the tables");
}

/* How often the bound lies above the true median of 0.5, for uniform samples: at most 5 %. */
static void test_coverage(void)
{
	unsigned int wrong = 0, trials = 4000;

	srandom(1);
	for (unsigned int t = 0; t < trials; t++) {
		double v[15];

		for (unsigned int i = 0; i < 15; i++)
			v[i] = (double)random() / RAND_MAX;
		wrong += stats_median_lower95(v, 15) > 0.5;
	}
	ok(wrong <= trials * 5 / 100 && wrong > trials / 200,
	   "the bound is above the true median in at most 5 % of samples");
}

/* ---- verdicts ------------------------------------------------------------------------------- */

#define ROUNDS 20u

static const struct peer us = {.name = "us", .batch = 1, .ours = true};
static const struct peer_crowd strict = {.fifo = true};
static const struct peer slow = {.name = "slow", .batch = 1, .crowd = &strict};
static const struct peer bulk = {.name = "bulk", .batch = 32, .crowd = &strict};
static const struct peer_crowd loose = {.fifo = false};
static const struct peer lax = {.name = "lax", .batch = 32, .crowd = &loose};
static const struct peer bare = {.name = "bare", .batch = 1, .bare = true};
static const struct duel_case paper = {.name = "paper", .title = "paper", .shape = {8, 64, 4096}};

static struct duel_sample samples[4][ROUNDS];

static struct duel_result made_up(void)
{
	struct duel_result r = {.duel = &paper, .n_entries = 4, .rounds = ROUNDS};
	const struct peer *peers[] = {&us, &slow, &bulk, &bare};
	const double ns[] = {10, 20, 12, 5};

	for (unsigned int i = 0; i < 4; i++) {
		r.entries[i] = (struct duel_entry){peers[i], NULL, samples[i]};
		for (unsigned int k = 0; k < ROUNDS; k++)
			samples[i][k] = (struct duel_sample){true, FLOOR_SHARED_L3, ns[i] + 0.01 * k, 100, 130};
	}
	return r;
}

static struct judgement judged(const struct duel_result *r, const char *theirs, double figure)
{
	struct duel_target target = {"us", theirs, figure};

	return stats_judge(r, &target, FLOOR_SHARED_L3);
}

static void test_verdicts(void)
{
	struct duel_result r = made_up();
	struct judgement j = judged(&r, "slow", 1.9);

	ok(j.verdict == VERDICT_AHEAD && j.n == ROUNDS && j.median > 1.9 && j.median < 2.01,
	   "twice as fast is ahead of 1.9");
	ok(judged(&r, "slow", 2.1).verdict == VERDICT_BEHIND, "twice as fast is behind 2.1");
	j = judged(&r, DUEL_BEST_PEER, 1);
	ok(!strcmp(j.theirs, "bulk"), "the best peer is the fastest that is neither ours nor bare");
	j = judged(&r, DUEL_BEST_SINGLE, 1);
	ok(!strcmp(j.theirs, "slow"), "the best single-item peer publishes one at a time");
	ok(!strcmp(judged(&r, DUEL_BEST_FIFO, 1).theirs, "slow") &&
		   !strcmp(judged(&r, DUEL_BEST_FIFO_BULK, 1).theirs, "bulk"),
	   "strict-FIFO peers are rivals of those who do the same, one at a time or in bulk");
	r.entries[2].peer = &lax;
	ok(judged(&r, DUEL_BEST_FIFO_BULK, 1).verdict == VERDICT_NOBODY, "a peer without one order is no rival there");
	r.entries[2].peer = &bulk;
	ok(judged(&r, DUEL_FLOOR_F, 9).verdict == VERDICT_AHEAD &&
		   judged(&r, DUEL_FLOOR_G, 12).verdict == VERDICT_AHEAD,
	   "floors are compared within the sample");
	ok(judged(&r, "nobody", 1).verdict == VERDICT_NOBODY, "without a rival there is no verdict");
	for (unsigned int k = 14; k < ROUNDS; k++)
		samples[0][k].valid = false;
	j = judged(&r, "slow", 1);
	ok(j.verdict == VERDICT_UNDECIDED && j.n == 14,
	   "samples whose class changed do not count, and 14 pairs decide nothing");
	r = made_up();
	for (unsigned int k = 0; k < 5; k++)
		samples[1][k].class_ = FLOOR_NO_SHARED_CACHE;
	ok(judged(&r, "slow", 1).n == ROUNDS - 5, "pairs of different classes are not compared");
	r = made_up();
	for (unsigned int k = 0; k < 8; k++)
		samples[0][k].ns = 40;
	j = judged(&r, "slow", 1);
	ok(j.median > 1.9 && j.lower95 < 0.95 && j.verdict == VERDICT_BEHIND,
	   "a good median with a bad bound is behind");
}

/* ---- real duels ----------------------------------------------------------------------------- */

/* The bare stream, but one message in the middle is not the one it should be. */
static int produce_wrong(struct peer_side *s, uint64_t n)
{
	int error = peer_stream.produce(s, n / 2);

	s->table[0] ^= 1;
	return error ? error : peer_stream.produce(s, n - n / 2);
}

static struct duel_result fought(const struct peer *peer, enum duel_what what, int *error)
{
	struct duel_case *c = (struct duel_case *)calloc(1, sizeof(*c)); /* outlives the result */
	static struct duel_options options = {.rounds = 3, .seconds = 20, .burst = 0.001};
	struct duel_result r;
	char why[100];

	*c = (struct duel_case){"test", "test", what, {64, 1024, 65536}, {peer}, {{0}}, 0, false, false};
	if (pair_cpus_choose(&options.cpus, NULL, why, sizeof(why)))
		exit(1);
	*error = duel_run(c, &options, &r);
	return r;
}

static const char *cannot_anything(const struct peer_shape *shape)
{
	(void)shape;
	return "it is made of paper";
}

/* ---- real crowds ---------------------------------------------------------------------------- */

/* A queue of one slot under a lock: slow, and right. Or wrong: it forgets a message now and then, or says one twice. */
struct slot {
	int locked;
	uint64_t moved;
	uint64_t word[9]; /* the first: is it full? */
};

static uint64_t forgets, doubles; /* each so many messages; 0: never */

static int slot_create(struct peer_lane *lane, const struct peer_shape *shape)
{
	(void)shape;
	return peer_memory_create(lane, sizeof(struct slot));
}

static bool every(uint64_t n, uint64_t moved)
{
	return n && moved % n == 0;
}

static int slot_move(struct peer_side *s, uint64_t *message)
{
	struct slot *slot = (struct slot *)(s->out ? s->out : s->in);
	int moved;

	while (__atomic_exchange_n(&slot->locked, 1, __ATOMIC_ACQUIRE)) /* pairs with the release below */
		sched_yield();
	moved = slot->word[0] == (s->out ? 0 : 1);
	if (moved && s->out)
		memcpy(slot->word + 1, message, s->size);
	else if (moved)
		memcpy(message, slot->word + 1, s->size);
	if (moved && ++slot->moved && !every(s->out ? forgets : doubles, slot->moved))
		slot->word[0] = s->out ? 1 : 0;
	__atomic_store_n(&slot->locked, 0, __ATOMIC_RELEASE);
	return moved;
}

CROWD_LOOPS(slot_crowd, true, slot_move, slot_move)

static const struct peer peer_slot = {
	.name = "one slot",
	.batch = 1,
	.create = slot_create,
	.destroy = peer_memory_destroy,
	.open = peer_memory_open,
	.close = peer_memory_close,
	.crowd = &slot_crowd,
};

static struct duel_result crowded(unsigned int n, bool threads, int *error)
{
	static struct duel_options options = {.rounds = 2, .seconds = 20, .burst = 0.001};
	struct duel_case *c = (struct duel_case *)calloc(1, sizeof(*c)); /* outlives the result */
	struct duel_result r;
	char why[100];

	*c = (struct duel_case){"test", "test", DUEL_CROWD, {64, 1024, 0}, {&peer_slot}, {{0}}, n, threads, false};
	if (pair_cpus_choose(&options.cpus, NULL, why, sizeof(why)))
		exit(1);
	*error = duel_run(c, &options, &r);
	return r;
}

static bool crowd_works(unsigned int n, bool threads)
{
	int error;
	struct duel_result r = crowded(n, threads, &error);
	bool works = !error && r.rounds == 2 && !r.entries[0].left_out && r.entries[0].samples[1].ns > 0;

	duel_result_free(&r);
	return works;
}

static bool crowd_notices(void)
{
	int error;
	struct duel_result r = crowded(3, true, &error);
	const char *why = r.entries[0].left_out;
	bool notices = why && !strcmp(why, "a message arrived that was not sent");

	duel_result_free(&r);
	return notices;
}

static void test_crowds(void)
{
	ok(crowd_works(1, false) && crowd_works(3, false), "crowds of processes are measured");
	ok(crowd_works(1, true) && crowd_works(3, true), "so are crowds of threads");
	doubles = 50;
	ok(crowd_notices(), "a candidate that delivers something twice is found out");
	doubles = 0;
	forgets = 51;
	ok(crowd_notices(), "so is one that loses something");
	forgets = 0;
}

static void test_duels(void)
{
	struct peer cheat = peer_stream, paper_peer = peer_stream;
	struct duel_result r;
	int error;

	r = fought(&peer_stream, DUEL_ONE_WAY, &error);
	ok(!error && r.rounds == 3 && !r.entries[0].left_out && r.entries[0].samples[2].ns > 0,
	   "a duel measures every round");
	duel_result_free(&r);
	cheat.produce = produce_wrong;
	r = fought(&cheat, DUEL_ONE_WAY, &error);
	ok(error == -EBADMSG && !strcmp(r.entries[0].left_out, "a message arrived that was not sent"),
	   "a candidate that delivers something else is found out");
	duel_result_free(&r);
	paper_peer.cannot = cannot_anything;
	r = fought(&paper_peer, DUEL_ONE_WAY, &error);
	ok(!error && !strcmp(r.entries[0].left_out, "it is made of paper"),
	   "a candidate that cannot take part says why");
	duel_result_free(&r);
	r = fought(&peer_stream, DUEL_ROUND_TRIP, &error);
	ok(!error && !strcmp(r.entries[0].left_out, "it has no round trip"), "nor does one without a way back");
	duel_result_free(&r);
}

int main(void)
{
	test_statistics();
	test_coverage();
	test_verdicts();
	test_duels();
	test_crowds();
	return tap_done();
}
