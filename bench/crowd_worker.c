// SPDX-License-Identifier: MIT
/* Crowds: one worker, and what it does when it is told. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crowd_inside.h"
#include "duel_sides.h"

/* Half of each role on each CPU; the first producer and the first consumer apart. */
static int cpu_of(const struct crowd_worker *w)
{
	unsigned int n = w->crowd->duel->crowd;

	return w->crowd->options->cpus.cpu[crowd_produces(w) ? w->index % 2 : (w->index - n + 1) % 2];
}

static int open_side(struct crowd_worker *w, unsigned int i)
{
	struct crowd *c = w->crowd;
	const struct peer *peer = c->result->entries[i].peer;
	struct peer_side *s = &w->sides[i];
	int error;

	s->shape = &c->duel->shape;
	s->size = c->duel->shape.size;
	error = duel_messages(s, peer->batch);
	if (error)
		return error;
	return crowd_produces(w) ? peer->open(s, &c->lanes[i], NULL) : peer->open(s, NULL, &c->lanes[i]);
}

static void close_sides(struct crowd_worker *w)
{
	for (unsigned int i = 0; i < w->crowd->result->n_entries; i++) {
		struct peer_side *s = &w->sides[i];

		if (s->out || s->in)
			w->crowd->result->entries[i].peer->close(s);
		free(s->buf);
		free(s->table);
	}
}

/*
 * Waits for the `n` whom an order is for; the last one to come starts the clock. Under the scheduler's
 * ordinary rules, since the leader may not have told all of them yet.
 */
static void gather(struct crowd *c, unsigned int n)
{
	struct crowd_orders *o = c->orders;

	if (__atomic_add_fetch(&o->ready, 1, __ATOMIC_ACQ_REL) == n)
		floor__tell(&o->burst.end_ns, floor_now_ns() + o->burst_ns);
	while (!__atomic_load_n(&o->burst.end_ns, __ATOMIC_ACQUIRE)) /* pairs with floor__tell() */
		sched_yield();
}

static int calibrate(struct crowd_worker *w)
{
	struct crowd *c = w->crowd;
	struct floor_pace pace = pair_pace(&c->options->cpus, 8, CROWD_PATIENCE_S / 3.0);
	bool lead = crowd_produces(w);
	int error;

	gather(c, 2);
	duel_realtime(&c->options->cpus, true);
	error = lead ? pair_calibrate_lead(&c->yardstick[0], &pace, &c->orders->mark) :
		       pair_calibrate_follow(&c->yardstick[1], &pace);
	duel_realtime(&c->options->cpus, false);
	return error;
}

static int burst(struct crowd_worker *w, struct peer_side *s)
{
	struct crowd *c = w->crowd;
	const struct peer_crowd *crowd = c->result->entries[c->orders->candidate].peer->crowd;
	bool realtime;
	int error;

	gather(c, crowd_size(c));
	realtime = crowd_is_spacious(c) && duel_realtime(&c->options->cpus, true);
	error = (crowd_produces(w) ? crowd->produce : crowd->consume)(s, &c->orders->burst);
	if (realtime)
		duel_realtime(&c->options->cpus, false);
	return error;
}

static int carry_out(struct crowd_worker *w)
{
	struct crowd *c = w->crowd;
	struct crowd_orders *o = c->orders;
	struct peer_side *s = &w->sides[o->candidate];
	struct crowd_desk *desk = &o->desks[w->index];
	int error = 0;

	switch (o->order) {
	case ORDER_OPEN:
		return open_side(w, o->candidate);
	case ORDER_CALIBRATE:
		return calibrate(w);
	case ORDER_BURST:
		error = burst(w, s);
		break;
	default:
		error = c->result->entries[o->candidate].peer->crowd->consume(s, &o->burst);
		break;
	}
	desk->sent = s->sent;
	desk->received = s->received;
	desk->sum = s->sum;
	return error;
}

static void work(struct crowd_worker *w)
{
	struct crowd_desk *desk = &w->crowd->orders->desks[w->index];

	for (;;) {
		while (sem_wait(&desk->go))
			;
		if (w->crowd->orders->order == ORDER_END)
			break;
		desk->error = carry_out(w);
		sem_post(&desk->finished);
	}
	close_sides(w);
	sem_post(&desk->finished);
}

static void *work_as_thread(void *arg)
{
	work((struct crowd_worker *)arg);
	return NULL;
}

static int start_thread(struct crowd_worker *w)
{
	pthread_attr_t attr;
	cpu_set_t one;
	int error;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu_of(w), &one);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(one), &one);
	error = pthread_create(&w->id, &attr, work_as_thread, w);
	pthread_attr_destroy(&attr);
	w->running = !error;
	return -error;
}

static int start_process(struct crowd_worker *w)
{
	pid_t leader = getpid();

	fflush(NULL);
	w->pid = fork();
	if (w->pid < 0)
		return -errno;
	if (!w->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pair_pin(cpu_of(w));
		if (getppid() == leader)
			work(w);
		_exit(0);
	}
	w->running = true;
	return 0;
}

int crowd_start(struct crowd *c, unsigned int index)
{
	struct crowd_worker *w = &c->workers[index];
	struct crowd_desk *desk = &c->orders->desks[index];

	w->crowd = c;
	w->index = index;
	w->sides = (struct peer_side *)calloc(DUEL_CANDIDATES, sizeof(*w->sides));
	if (!w->sides || sem_init(&desk->go, 1, 0) || sem_init(&desk->finished, 1, 0))
		return -ENOMEM;
	return c->duel->threads ? start_thread(w) : start_process(w);
}

void crowd_end(struct crowd_worker *w, bool stuck)
{
	if (!w->running)
		return;
	if (!w->crowd->duel->threads) {
		if (stuck)
			kill(w->pid, SIGKILL);
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
	} else if (stuck) {
		fprintf(stderr, "ringshm_bench: case %s: a thread hangs in a candidate; giving up\n",
			w->crowd->duel->name);
		exit(1);
	} else {
		pthread_join(w->id, NULL);
	}
}
