// SPDX-License-Identifier: MIT
/* Crowds: what the leader tells the workers, and the rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "crowd_inside.h"
#include "duel_sides.h"

#define DRAIN_NS 1000000000u		     /* for what a burst left in the ring */
#define SPINS_PAIR 1024u		     /* looks before yielding where each worker has a CPU of its own ... */
#define SPINS_CROWD 32u			     /* ... and where it has not */
#define FILLING UINT64_C(0x0101010101010101) /* what duel_messages() fills messages with */

/* Is this worker one whom the order is for? */
static bool meant(const struct crowd *c, enum crowd_order order, unsigned int index)
{
	bool first = index == 0 || index == c->duel->crowd;

	if (order == ORDER_CALIBRATE)
		return first;
	return order == ORDER_DRAIN ? index == c->duel->crowd : true;
}

static int outcome(struct crowd_desk *desk)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CROWD_PATIENCE_S;
	while (sem_timedwait(&desk->finished, &until))
		if (errno != EINTR)
			return -errno;
	return desk->error;
}

/* Tells the workers, waits for all of them, and returns what failed first; -ETIMEDOUT: one is stuck. */
static int order(struct crowd *c, enum crowd_order order, unsigned int candidate)
{
	int error = 0;

	c->orders->order = order;
	c->orders->candidate = candidate;
	c->orders->ready = 0;
	for (unsigned int i = 0; i < crowd_size(c); i++)
		if (c->workers[i].running && meant(c, order, i))
			sem_post(&c->orders->desks[i].go);
	for (unsigned int i = 0; i < crowd_size(c); i++)
		if (c->workers[i].running && meant(c, order, i)) {
			int theirs = outcome(&c->orders->desks[i]);

			error = error && theirs != -ETIMEDOUT ? error : theirs ? theirs : error;
			if (theirs == -ETIMEDOUT)
				break;
		}
	return error;
}

struct totals {
	uint64_t sent, received, sum, expected;
};

/* What the first and last words of messages 0 to n - 1 of a table add up to. */
static uint64_t sum_of(uint64_t n, uint32_t size)
{
	uint64_t rest = n % PEER_TABLE, whole = (uint64_t)PEER_TABLE * (PEER_TABLE + 1) / 2;
	uint64_t first = n / PEER_TABLE * whole + rest * (rest + 1) / 2;

	return first + (size > 8 ? n * FILLING : first);
}

static struct totals totals(const struct crowd *c)
{
	struct totals t = {0};

	for (unsigned int i = 0; i < crowd_size(c); i++) {
		const struct crowd_desk *desk = &c->orders->desks[i];

		t.sent += desk->sent;
		t.received += desk->received;
		t.sum += desk->sum;
		if (i < c->duel->crowd)
			t.expected += sum_of(desk->sent, c->duel->shape.size);
	}
	return t;
}

/* Takes what is left in the ring, and sees that nothing was lost, doubled or torn. */
static int drain(struct crowd *c, unsigned int i)
{
	struct totals t = totals(c);
	int error = 0;

	if (t.received > t.sent)
		return -EBADMSG;
	if (t.received < t.sent) {
		c->orders->burst = (struct peer_burst){floor_now_ns() + DRAIN_NS, t.sent - t.received, SPINS_CROWD, 0};
		error = order(c, ORDER_DRAIN, i);
		t = totals(c);
	}
	if (error)
		return error;
	c->received[i] = t.received;
	return t.received == t.sent && t.sum == t.expected ? 0 : -EBADMSG;
}

static int run_burst(struct crowd *c, unsigned int i, double seconds, double *ns)
{
	struct crowd_orders *o = c->orders;
	struct totals t;
	int error;

	/* they leave their figures of another candidate behind */
	o->burst = (struct peer_burst){0, UINT64_MAX, crowd_is_spacious(c) ? SPINS_PAIR : SPINS_CROWD, 0};
	o->burst_ns = (uint64_t)(seconds * 1e9);
	error = order(c, ORDER_BURST, i);
	if (error)
		return error;
	t = totals(c);
	*ns = (double)(o->burst.stopped_ns - o->burst.end_ns + o->burst_ns);
	if (t.received > c->received[i])
		*ns /= (double)(t.received - c->received[i]);
	return drain(c, i);
}

static int take_mark(struct crowd *c, unsigned int i)
{
	c->orders->burst.end_ns = 0;
	return order(c, ORDER_CALIBRATE, i);
}

static int measure(struct crowd *c, unsigned int i, double seconds, struct duel_sample *sample)
{
	struct pair_mark before;
	int error = take_mark(c, i);

	before = c->orders->mark;
	if (!error)
		error = run_burst(c, i, seconds, &sample->ns);
	if (!error)
		error = take_mark(c, i);
	sample->valid = !error && before.class_ == c->orders->mark.class_;
	sample->class_ = c->orders->mark.class_;
	sample->f_ns = (before.f_ns + c->orders->mark.f_ns) / 2;
	sample->g_ns = (before.g_ns + c->orders->mark.g_ns) / 2;
	return error;
}

static double burst_seconds(const struct crowd *c)
{
	return c->options->burst * (crowd_is_spacious(c) ? 1 : CROWD_STRETCH);
}

/* One candidate after another; who fails is out, and who is stuck ends it for all. */
static int run_round(struct crowd *c, unsigned int round)
{
	struct duel_result *r = c->result;

	for (unsigned int k = 0; k < r->n_entries; k++) {
		unsigned int i = (k + round) % r->n_entries;
		int error;

		if (r->entries[i].left_out)
			continue;
		error = measure(c, i, burst_seconds(c), &r->entries[i].samples[round]);
		if (error)
			duel_leave_out(&r->entries[i], error);
		if (error == -ETIMEDOUT)
			return error;
	}
	return 0;
}

static int run_rounds(struct crowd *c)
{
	uint64_t end = floor_now_ns() + (uint64_t)(c->options->seconds * 1e9);
	int error = 0;

	for (unsigned int i = 0; i < c->result->n_entries && error != -ETIMEDOUT; i++) {
		struct duel_sample trial = {0};

		if (c->result->entries[i].left_out)
			continue;
		error = order(c, ORDER_OPEN, i);
		if (!error)
			error = measure(c, i, burst_seconds(c) / 4, &trial);
		if (error)
			duel_leave_out(&c->result->entries[i], error);
	}
	while (error != -ETIMEDOUT && c->result->rounds < c->options->rounds && floor_now_ns() < end) {
		error = run_round(c, c->result->rounds);
		c->result->rounds += error != -ETIMEDOUT;
	}
	return error == -ETIMEDOUT ? error : 0;
}

/* ---- before and after ----------------------------------------------------------------------- */

static int list_all(struct crowd *c)
{
	for (unsigned int i = 0; c->duel->candidates[i]; i++) {
		struct duel_entry *e = duel_list(c->result, c->duel->candidates[i]);
		int error;

		if (!e->left_out && e->peer->threads && !c->duel->threads)
			e->left_out = "its memory cannot be shared between processes";
		e->samples = (struct duel_sample *)calloc(c->options->rounds, sizeof(*e->samples));
		if (!e->samples)
			return -ENOMEM;
		if (e->left_out)
			continue;
		error = e->peer->create(&c->lanes[i], &c->duel->shape);
		if (error)
			duel_leave_out(e, error);
	}
	return 0;
}

static int prepare(struct crowd *c)
{
	int error = c->duel->crowd && c->duel->crowd <= CROWD_MAX ? list_all(c) : -EINVAL;

	if (!error)
		error = pair_yardstick_new(&c->yardstick[0], 65536, 8);
	if (!error)
		error = pair_yardstick_fork(&c->yardstick[1], &c->yardstick[0]);
	if (error)
		return error;
	c->orders = (struct crowd_orders *)mmap(NULL, sizeof(*c->orders), PROT_READ | PROT_WRITE,
						MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (c->orders == MAP_FAILED) {
		c->orders = NULL;
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < crowd_size(c) && !error; i++)
		error = crowd_start(c, i);
	return error;
}

static void clean_up(struct crowd *c)
{
	bool stuck = c->orders && order(c, ORDER_END, 0) == -ETIMEDOUT;

	for (unsigned int i = 0; i < crowd_size(c); i++) {
		crowd_end(&c->workers[i], stuck);
		free(c->workers[i].sides);
	}
	for (unsigned int i = 0; i < c->result->n_entries; i++)
		if (c->lanes[i].memory || c->lanes[i].handle)
			c->result->entries[i].peer->destroy(&c->lanes[i]);
	if (c->orders)
		munmap(c->orders, sizeof(*c->orders));
	pair_yardstick_unfork(&c->yardstick[1]);
	pair_yardstick_free(&c->yardstick[0]);
}

int crowd_run(const struct duel_case *duel, const struct duel_options *options, struct duel_result *result)
{
	struct crowd *c = (struct crowd *)calloc(1, sizeof(*c));
	int error;

	if (!c)
		return -ENOMEM;
	c->duel = duel;
	c->options = options;
	c->result = result;
	error = prepare(c);
	if (!error)
		error = run_rounds(c);
	result->realtime = crowd_is_spacious(c);
	if (error)
		fprintf(stderr, "ringshm_bench: case %s ended early: %s\n", duel->name, strerror(-error));
	clean_up(c);
	free(c);
	return error;
}
