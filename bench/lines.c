// SPDX-License-Identifier: MIT
/* lines: what a cache line costs that one core writes and another reads, by what else is stored and who is how close. */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"

#define CHUNK 32u  /* lines told of at a time */
#define ROUNDS 64u /* at most */
#define PATIENCE 4.0

/* What the producer stores besides 64 bytes a line. */
struct way {
	const char *name;
	unsigned int ahead;    /* lines taken at a time by one word each, before they are filled; 0: none */
	unsigned int privates; /* words of its own a line: 0 to 2 */
	bool apart;	       /* these on two lines */
};

static const struct way ways[] = {
	{"the lines, nothing else", 0, 0, false},
	{"and 1 private word a line", 0, 1, false},
	{"and 2 private words a line", 0, 2, false},
	{"and 2 private words on 2 lines", 0, 2, true},
	{"2 private words, 4 lines taken ahead", 4, 2, false},
	{"2 private words, 8 lines taken ahead", 8, 2, false},
	{"2 private words, 16 lines taken ahead", 16, 2, false},
	{"2 private words, 32 lines taken ahead", 32, 2, false},
};

/* How the consumer reads: so many chunks behind the producer at least, and in which order within eight lines. */
struct manner {
	const char *name;
	unsigned int behind;
	bool turn; /* line i is read as line i ^ 7 */
};

static const struct manner manners[] = {
	{"at its heels", 1, false},
	{"8 chunks behind", 8, false},
	{"eights backwards", 1, true},
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))
#define MANNERS (sizeof(manners) / sizeof(manners[0]))

struct shared {
	uint64_t order __attribute__((aligned(128)));	/* numbers of what is to be done, by the producer */
	uint64_t done __attribute__((aligned(128)));	/* by the consumer */
	uint64_t written __attribute__((aligned(128))); /* lines */
	uint64_t read __attribute__((aligned(128)));
	unsigned int manner; /* MANNERS: calibrate */
	uint64_t n;	     /* lines to read; 0: the end */
	unsigned char ring[] __attribute__((aligned(4096)));
};

struct settings {
	unsigned int rounds;
	const char *cpus;
};

static struct pair_cpus cpus;
static uint64_t lines; /* of the ring */

static uint64_t own[8 * CHUNK] __attribute__((aligned(128))); /* to write */
static unsigned char taken[FLOOR_LINE * CHUNK] __attribute__((aligned(128)));
static volatile uint64_t word[32] __attribute__((aligned(128)));

/* Waits until the counter, of which `known` is what was last seen, has reached `least`. */
static int reach(const uint64_t *counter, uint64_t least, uint64_t *known, const struct floor_pace *pace)
{
	if (*known >= least)
		return 0;
	do {
		for (uint32_t n = pace->spins; n; n--) {
			*known = __atomic_load_n(counter, __ATOMIC_ACQUIRE); /* pairs with floor__tell() */
			if (*known >= least)
				return 0;
		}
		sched_yield();
	} while (floor_now_ns() < pace->deadline_ns);
	return -ETIMEDOUT;
}

FLOOR__INLINE void fill(unsigned char *chunk, unsigned int ahead, unsigned int privates, bool apart)
{
	for (unsigned int i = 0; i < CHUNK; i++) {
		if (ahead && i % ahead == 0)
			for (unsigned int k = i; k < i + ahead && k < CHUNK; k++)
				*(volatile uint64_t *)(void *)(chunk + (size_t)k * FLOOR_LINE) = k;
		memcpy(chunk + (size_t)i * FLOOR_LINE, own + 8 * i, FLOOR_LINE);
		__asm__ volatile("" ::: "memory");
		if (privates > 0)
			word[0] = i;
		if (privates > 1)
			word[apart ? 16 : 1] = i;
	}
}

/* One function a way, so that all of it is known when compiled. */
FLOOR__CODE void fill_chunk(unsigned char *chunk, unsigned int way)
{
	switch (way) {
	case 0:
		fill(chunk, 0, 0, false);
		break;
	case 1:
		fill(chunk, 0, 1, false);
		break;
	case 2:
		fill(chunk, 0, 2, false);
		break;
	case 3:
		fill(chunk, 0, 2, true);
		break;
	case 4:
		fill(chunk, 4, 2, false);
		break;
	case 5:
		fill(chunk, 8, 2, false);
		break;
	case 6:
		fill(chunk, 16, 2, false);
		break;
	default:
		fill(chunk, 32, 2, false);
		break;
	}
}

static int produce(struct shared *s, unsigned int way, const struct floor_pace *pace)
{
	uint64_t known = 0;

	for (uint64_t i = 0; i < s->n; i += CHUNK) {
		if (i + CHUNK > lines && reach(&s->read, i + CHUNK - lines, &known, pace))
			return -ETIMEDOUT;
		fill_chunk(s->ring + i % lines * FLOOR_LINE, way);
		floor__tell(&s->written, i + CHUNK);
	}
	return 0;
}

FLOOR__INLINE void take(const unsigned char *chunk, unsigned int turn)
{
	for (unsigned int k = 0; k < CHUNK; k++)
		memcpy(taken + (size_t)k * FLOOR_LINE, chunk + (size_t)(k ^ turn) * FLOOR_LINE, FLOOR_LINE);
	__asm__ volatile("" ::: "memory");
}

static int consume(struct shared *s, const struct manner *m, const struct floor_pace *pace)
{
	uint64_t known = 0;

	for (uint64_t i = 0; i < s->n; i += CHUNK) {
		uint64_t least = i + CHUNK * (uint64_t)m->behind;

		/* behind anew each time it has come near */
		if (known < i + CHUNK && reach(&s->written, least < s->n ? least : s->n, &known, pace))
			return -ETIMEDOUT;
		if (m->turn)
			take(s->ring + i % lines * FLOOR_LINE, 7);
		else
			take(s->ring + i % lines * FLOOR_LINE, 0);
		floor__tell(&s->read, i + CHUNK);
	}
	return 0;
}

static struct floor_pace pace_now(void)
{
	return pair_pace(&cpus, 8, PATIENCE);
}

static void follow(struct shared *s, struct pair_yardstick *y)
{
	pair_pin(cpus.cpu[1]);
	for (uint64_t order = 1, known = 0;; order++) {
		struct floor_pace pace = pace_now();

		if (reach(&s->order, order, &known, &pace) || !s->n)
			_exit(0);
		pace = pace_now();
		if (s->manner == MANNERS)
			pair_calibrate_follow(y, &pace);
		else
			consume(s, &manners[s->manner], &pace);
		floor__tell(&s->done, order);
	}
}

static void give_order(struct shared *s, unsigned int manner, uint64_t n)
{
	s->manner = manner;
	s->n = n;
	s->written = s->read = 0;
	floor__tell(&s->order, s->order + 1);
}

static int calibrate(struct shared *s, struct pair_yardstick *y, struct pair_mark *mark)
{
	struct floor_pace pace = pace_now();
	uint64_t known = 0;
	int error;

	give_order(s, MANNERS, 1);
	error = pair_calibrate_lead(y, &pace, mark);
	return error ? error : reach(&s->done, s->order, &known, &pace);
}

static int measure(struct shared *s, unsigned int way, unsigned int manner, double *ns)
{
	uint64_t n = lines * 16 > 131072 ? lines * 16 : 131072, start, known = 0;
	struct floor_pace pace = pace_now();

	give_order(s, manner, n);
	start = floor_now_ns();
	if (produce(s, way, &pace) || reach(&s->done, s->order, &known, &pace))
		return -ETIMEDOUT;
	*ns = (double)(floor_now_ns() - start) / (double)n;
	return 0;
}

static double sample[FLOOR_CLASSES][WAYS][MANNERS][ROUNDS];
static unsigned int samples[FLOOR_CLASSES];

static int run_round(struct shared *s, struct pair_yardstick *y)
{
	struct pair_mark before = {0}, after = {0};
	double ns[WAYS][MANNERS];

	if (calibrate(s, y, &before))
		return -ETIMEDOUT;
	for (unsigned int w = 0; w < WAYS; w++)
		for (unsigned int m = 0; m < MANNERS; m++)
			if (measure(s, w, m, &ns[w][m]))
				return -ETIMEDOUT;
	if (calibrate(s, y, &after))
		return -ETIMEDOUT;
	if (before.class_ != after.class_) /* the CPUs were moved meanwhile */
		return 0;
	for (unsigned int w = 0; w < WAYS; w++)
		for (unsigned int m = 0; m < MANNERS; m++)
			sample[after.class_][w][m][samples[after.class_]] = ns[w][m];
	samples[after.class_]++;
	return 0;
}

static void print_class(enum floor_class c)
{
	printf("\nring of %lu KiB, %s, %u rounds; ns a line of 64 bytes, medians\n",
	       (unsigned long)(lines * FLOOR_LINE / 1024), floor_class_name(c), samples[c]);
	printf("  %-40s", "the producer stores / the consumer reads");
	for (unsigned int m = 0; m < MANNERS; m++)
		printf(" %17s", manners[m].name);
	for (unsigned int w = 0; w < WAYS; w++) {
		printf("\n  %-40s", ways[w].name);
		for (unsigned int m = 0; m < MANNERS; m++)
			printf(" %17.1f", floor_median(sample[c][w][m], samples[c]));
	}
	printf("\n");
}

static int run_ring(uint64_t bytes, unsigned int rounds)
{
	size_t size = sizeof(struct shared) + bytes;
	struct shared *s = (struct shared *)mmap(NULL, size, PROT_READ | PROT_WRITE,
						 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct pair_yardstick mine, theirs;
	int error = 0;
	pid_t pid;

	lines = bytes / FLOOR_LINE;
	memset(samples, 0, sizeof(samples));
	if (s == MAP_FAILED || pair_yardstick_new(&mine, 65536, 8) || pair_yardstick_fork(&theirs, &mine))
		return -ENOMEM;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		follow(s, &theirs);
	}
	pair_pin(cpus.cpu[0]);
	for (unsigned int i = 0; i < rounds && !error; i++)
		error = run_round(s, &mine);
	give_order(s, MANNERS, 0);
	waitpid(pid, NULL, 0);
	for (int c = 0; c < FLOOR_CLASSES; c++)
		if (samples[c])
			print_class((enum floor_class)c);
	pair_yardstick_unfork(&theirs);
	pair_yardstick_free(&mine);
	munmap(s, size);
	return error;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct settings *s = (struct settings *)state->input;
	char *end = arg;

	switch (key) {
	case 'r':
		s->rounds = (unsigned int)strtoul(arg, &end, 10);
		if (*end || !s->rounds || s->rounds > ROUNDS)
			argp_error(state, "--rounds: '%s' is not a number from 1 to %u", arg, ROUNDS);
		return 0;
	case 'c':
		s->cpus = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"rounds", 'r', "N", 0, "Rounds (default 9)", 0},
		{"cpus", 'c', "A,B", 0, "CPUs of the two sides (default: the first two allowed)", 0},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "What a cache line costs that one process writes and another reads, without any ring.",
	};
	struct settings s = {.rounds = 9};
	char why[160];
	int error;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	if (pair_cpus_choose(&cpus, s.cpus, why, sizeof(why))) {
		fprintf(stderr, "lines: %s\n", why);
		return 1;
	}
	error = run_ring(65536, s.rounds);
	if (!error)
		error = run_ring(4 << 20, s.rounds);
	if (error)
		fprintf(stderr, "lines: %s\n", error == -ETIMEDOUT ? "the other side did not come" : strerror(-error));
	return error != 0;
}
