// SPDX-License-Identifier: MIT
/* Duels: the two sides, what one tells the other, and the rounds. */
#include "duel.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crowd.h"
#include "duel_sides.h"

#define SAMPLE_SECONDS 3.0 /* patience with the other side */
#define TRIAL 2048u	   /* messages of the first look at a rate; a multiple of PEER_BULK */
#define BATCHES_MAX 200u

enum order {
	ORDER_OPEN,
	ORDER_STREAM,
	ORDER_ANSWER,
	ORDER_END
};

/* What the leader wants of a follower; in shared memory. */
struct orders {
	sem_t go;
	sem_t finished;
	uint64_t done __attribute__((aligned(128))); /* streams consumed, by the follower */
	enum order order __attribute__((aligned(128)));
	unsigned int candidate;
	uint64_t n;
	int error; /* what came of it */
};

/* The side that answers: one process and, for candidates that need one, one thread of the leader's. */
struct follower {
	struct duel *duel;
	bool thread;
	struct orders *orders;
	struct pair_yardstick yardstick;
	struct peer_side sides[DUEL_CANDIDATES];
	pid_t pid;
	pthread_t id;
	bool running;
};

struct duel {
	const struct duel_case *duel;
	const struct duel_options *options;
	struct duel_result *result;
	struct peer_lane there[DUEL_CANDIDATES];
	struct peer_lane back[DUEL_CANDIDATES];
	struct peer_side sides[DUEL_CANDIDATES];
	uint64_t n[DUEL_CANDIDATES]; /* messages of a burst, from the last one's rate */
	struct pair_yardstick yardstick[2];
	struct follower follower[2]; /* process, thread */
	bool realtime;
};

/* ---- both sides ----------------------------------------------------------------------------- */

static struct floor_pace pace_now(const struct duel *d, struct peer_side *s)
{
	struct floor_pace pace = pair_pace(&d->options->cpus, d->duel->shape.size, SAMPLE_SECONDS);

	s->spins = pace.spins;
	s->deadline_ns = pace.deadline_ns;
	return pace;
}

static bool answers(const struct duel *d)
{
	return d->duel->what == DUEL_ROUND_TRIP;
}

static int open_side(struct duel *d, struct peer_side *s, unsigned int i, bool leader)
{
	const struct peer *peer = d->result->entries[i].peer;
	struct peer_lane *there = &d->there[i], *back = answers(d) ? &d->back[i] : NULL;
	int error;

	s->shape = &d->duel->shape;
	s->size = d->duel->shape.size;
	error = duel_messages(s, peer->batch);
	if (error)
		return error;
	return leader ? peer->open(s, there, back) : peer->open(s, back, there);
}

static void close_sides(struct duel *d, struct peer_side *sides)
{
	for (unsigned int i = 0; i < d->result->n_entries; i++) {
		if (sides[i].out || sides[i].in)
			d->result->entries[i].peer->close(&sides[i]);
		free(sides[i].buf);
		free(sides[i].table);
		sides[i].buf = sides[i].table = NULL;
	}
}

/* ---- the follower --------------------------------------------------------------------------- */

static int carry_out(struct follower *f)
{
	struct orders *o = f->orders;
	struct duel *d = f->duel;
	const struct peer *peer = d->result->entries[o->candidate].peer;
	struct peer_side *s = &f->sides[o->candidate];
	struct floor_pace pace = pace_now(d, s);
	int error;

	if (o->order == ORDER_OPEN)
		return open_side(d, s, o->candidate, false);
	duel_realtime(&d->options->cpus, true);
	error = pair_calibrate_follow(&f->yardstick, &pace);
	if (!error && o->order == ORDER_ANSWER)
		error = peer->answer(s, o->n);
	if (!error && o->order == ORDER_STREAM) {
		error = peer->consume(s, o->n);
		floor__tell(&o->done, o->done + 1);
	}
	if (!error)
		error = pair_calibrate_follow(&f->yardstick, &pace);
	duel_realtime(&d->options->cpus, false);
	return error;
}

static void follow(struct follower *f)
{
	pair_pin(f->duel->options->cpus.cpu[1]);
	for (;;) {
		while (sem_wait(&f->orders->go))
			;
		if (f->orders->order == ORDER_END)
			break;
		f->orders->error = carry_out(f);
		sem_post(&f->orders->finished);
	}
	close_sides(f->duel, f->sides);
}

static void *follow_as_thread(void *arg)
{
	follow((struct follower *)arg);
	return NULL;
}

static int start_thread(struct follower *f)
{
	int error = pthread_create(&f->id, NULL, follow_as_thread, f);

	f->running = !error;
	return -error;
}

static int start_process(struct follower *f)
{
	pid_t leader = getpid();

	fflush(NULL);
	f->pid = fork();
	if (f->pid < 0)
		return -errno;
	if (!f->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == leader)
			follow(f);
		_exit(0);
	}
	f->running = true;
	return 0;
}

/* A round trip is compared with G at its own size; one way G says nothing, and F and the class are all. */
static int make_yardsticks(struct duel *d, struct follower *f)
{
	bool own_size = answers(d);
	int error = pair_yardstick_new(&d->yardstick[f->thread], own_size ? d->duel->shape.bytes : 65536,
				       own_size ? d->duel->shape.size : 8);

	return error ? error : pair_yardstick_fork(&f->yardstick, &d->yardstick[f->thread]);
}

static int start_follower(struct duel *d, bool thread)
{
	struct follower *f = &d->follower[thread];
	int error;

	f->duel = d;
	f->thread = thread;
	f->orders = (struct orders *)mmap(NULL, sizeof(*f->orders), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (f->orders == MAP_FAILED) {
		f->orders = NULL;
		return -ENOMEM;
	}
	sem_init(&f->orders->go, 1, 0);
	sem_init(&f->orders->finished, 1, 0);
	error = make_yardsticks(d, f);
	if (error)
		return error;
	return thread ? start_thread(f) : start_process(f);
}

static void end_follower(struct duel *d, bool thread)
{
	struct follower *f = &d->follower[thread];

	if (f->running) {
		f->orders->order = ORDER_END;
		sem_post(&f->orders->go);
		if (thread)
			pthread_join(f->id, NULL);
		else
			while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
				;
	}
	if (f->orders)
		munmap(f->orders, sizeof(*f->orders));
	pair_yardstick_unfork(&f->yardstick);
	pair_yardstick_free(&d->yardstick[thread]);
}

/* ---- the leader ----------------------------------------------------------------------------- */

static struct follower *follower_of(struct duel *d, unsigned int i)
{
	return &d->follower[d->result->entries[i].peer->threads];
}

static void give_order(struct follower *f, enum order order, unsigned int i, uint64_t n)
{
	f->orders->order = order;
	f->orders->candidate = i;
	f->orders->n = n;
	sem_post(&f->orders->go);
}

/* What the follower says of the order, or -ETIMEDOUT. */
static int outcome(struct follower *f)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(2 * SAMPLE_SECONDS);
	while (sem_timedwait(&f->orders->finished, &until))
		if (errno != EINTR)
			return -errno;
	return f->orders->error;
}

static int open_both(struct duel *d, unsigned int i)
{
	struct follower *f = follower_of(d, i);
	int error = open_side(d, &d->sides[i], i, true);

	if (error)
		return error;
	give_order(f, ORDER_OPEN, i, 0);
	return outcome(f);
}

/* Sends n messages and waits until the other side has read the last one; ns a message. */
static int stream(struct duel *d, unsigned int i, uint64_t n, double *ns)
{
	struct orders *o = follower_of(d, i)->orders;
	struct peer_side *s = &d->sides[i];
	struct floor_pace pace = {s->spins, s->deadline_ns};
	uint64_t done = o->done, start = floor_now_ns();
	int error = d->result->entries[i].peer->produce(s, n);

	if (!error)
		error = floor__await(&o->done, done + 1, &pace);
	*ns = (double)(floor_now_ns() - start) / (double)n;
	return error;
}

/* n / FLOOR_BATCH batches; the median of their means, ns a round trip. */
static int round_trips(struct duel *d, unsigned int i, uint64_t n, double *ns)
{
	unsigned int batches = (unsigned int)(n / FLOOR_BATCH);
	double mean[BATCHES_MAX];
	int error = d->result->entries[i].peer->ask(&d->sides[i], batches, mean);

	*ns = error ? 0 : floor_median(mean, batches);
	return error;
}

static int measure(struct duel *d, unsigned int i, uint64_t n, struct duel_sample *sample)
{
	struct follower *f = follower_of(d, i);
	struct pair_yardstick *y = &d->yardstick[f->thread];
	struct floor_pace pace = pace_now(d, &d->sides[i]);
	struct pair_mark before = {0}, after = {0};
	int error, theirs;

	give_order(f, answers(d) ? ORDER_ANSWER : ORDER_STREAM, i, n);
	d->realtime = duel_realtime(&d->options->cpus, true);
	error = pair_calibrate_lead(y, &pace, &before);
	if (!error)
		error = (answers(d) ? round_trips : stream)(d, i, n, &sample->ns);
	if (!error)
		error = pair_calibrate_lead(y, &pace, &after);
	duel_realtime(&d->options->cpus, false);
	theirs = outcome(f);
	sample->valid = before.class_ == after.class_;
	sample->class_ = after.class_;
	sample->f_ns = (before.f_ns + after.f_ns) / 2;
	sample->g_ns = (before.g_ns + after.g_ns) / 2;
	return theirs ? theirs : error;
}

/* As many messages as the burst has time for, in whole batches. */
static uint64_t burst_of(const struct duel *d, double ns)
{
	uint64_t unit = answers(d) ? FLOOR_BATCH : PEER_BULK;
	uint64_t most = answers(d) ? (uint64_t)BATCHES_MAX * FLOOR_BATCH : UINT64_C(1) << 32;
	uint64_t n = (uint64_t)(d->options->burst * 1e9 / (ns + 0.01)) / unit * unit;

	return n < unit ? unit : n > most ? most : n;
}

/* One sample of each candidate, beginning with another one each round. 0, or what makes going on useless. */
static int run_round(struct duel *d, unsigned int round)
{
	struct duel_result *r = d->result;

	for (unsigned int k = 0; k < r->n_entries; k++) {
		unsigned int i = (k + round) % r->n_entries;
		struct duel_sample *sample = &r->entries[i].samples[round];
		int error;

		if (r->entries[i].left_out)
			continue;
		error = measure(d, i, d->n[i], sample);
		if (error) {
			sample->valid = false;
			duel_leave_out(&r->entries[i], error);
			return error; /* the two sides have lost count of one another */
		}
		d->n[i] = burst_of(d, sample->ns);
	}
	return 0;
}

static int run_rounds(struct duel *d)
{
	uint64_t end = floor_now_ns() + (uint64_t)(d->options->seconds * 1e9);
	int error = 0;

	for (unsigned int i = 0; i < d->result->n_entries && !error; i++) {
		struct duel_entry *e = &d->result->entries[i];
		struct duel_sample trial = {0};

		if (e->left_out)
			continue;
		error = open_both(d, i);
		if (!error)
			error = measure(d, i,
					answers(d)		   ? FLOOR_BATCH :
					d->duel->shape.size > 1024 ? PEER_BULK :
								     TRIAL,
					&trial);
		if (error)
			duel_leave_out(e, error);
		d->n[i] = burst_of(d, trial.ns);
	}
	while (!error && d->result->rounds < d->options->rounds && floor_now_ns() < end) {
		error = run_round(d, d->result->rounds);
		d->result->rounds += !error;
	}
	return error;
}

/* ---- before and after ----------------------------------------------------------------------- */

static void list_entry(struct duel *d, const struct peer *peer)
{
	struct duel_entry *e = duel_list(d->result, peer);

	if (!e->left_out && answers(d) && !peer->ask)
		e->left_out = "it has no round trip";
}

static int create_lanes(struct duel *d, unsigned int i)
{
	const struct peer *peer = d->result->entries[i].peer;
	int error = peer->create(&d->there[i], &d->duel->shape);

	if (!error && answers(d))
		error = peer->create(&d->back[i], &d->duel->shape);
	if (error)
		duel_leave_out(&d->result->entries[i], error);
	return error;
}

static int prepare(struct duel *d)
{
	bool wants[2] = {false, false};
	int error = 0;

	for (unsigned int i = 0; d->duel->candidates[i]; i++)
		list_entry(d, d->duel->candidates[i]);
	for (unsigned int i = 0; i < d->result->n_entries && !error; i++) {
		struct duel_entry *e = &d->result->entries[i];

		e->samples = (struct duel_sample *)calloc(d->options->rounds, sizeof(*e->samples));
		error = e->samples ? 0 : -ENOMEM;
		if (!error && !e->left_out) {
			error = create_lanes(d, i);
			wants[e->peer->threads] = true;
		}
	}
	/* the process first: a fork copies no thread */
	for (int thread = 0; thread < 2 && !error; thread++)
		error = wants[thread] ? start_follower(d, thread) : 0;
	return error;
}

static void clean_up(struct duel *d)
{
	end_follower(d, false);
	end_follower(d, true);
	close_sides(d, d->sides);
	for (unsigned int i = 0; i < d->result->n_entries; i++) {
		const struct peer *peer = d->result->entries[i].peer;
		bool created = d->there[i].memory || d->there[i].handle || d->there[i].fd[1];

		if (created)
			peer->destroy(&d->there[i]);
		if (created && answers(d))
			peer->destroy(&d->back[i]);
	}
}

int duel_run(const struct duel_case *duel, const struct duel_options *options, struct duel_result *result)
{
	struct duel *d;
	int error;

	memset(result, 0, sizeof(*result));
	result->duel = duel;
	if (duel->what == DUEL_CROWD)
		return crowd_run(duel, options, result);
	d = (struct duel *)calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->duel = duel;
	d->options = options;
	d->result = result;
	error = prepare(d);
	if (!error)
		error = pair_pin(options->cpus.cpu[0]);
	if (!error)
		error = run_rounds(d);
	result->realtime = d->realtime;
	if (error)
		fprintf(stderr, "ringshm_bench: case %s ended early: %s\n", duel->name, strerror(-error));
	clean_up(d);
	free(d);
	return error;
}

void duel_result_free(struct duel_result *result)
{
	for (unsigned int i = 0; i < result->n_entries; i++)
		free(result->entries[i].samples);
	memset(result, 0, sizeof(*result));
}
