// SPDX-License-Identifier: MIT
// A producer or consumer of a token ring is killed behind every single instruction of what it does; then another
// takes over. Is every value there once, in order, and does every slot come back?
#include <stdio.h>
#include <string.h>

#include <ringshm/ringshm.h>

#include "tap.h"
#include "traced.h"

#define SLOTS 8u
#define MOST_STEPS 20000 /* one thing takes far fewer instructions */

static struct ringshm *channel;
static struct ringshm_token_producer p;
static struct ringshm_token_consumer c;
static uint64_t sent, received; /* by the test's own reckoning: values are their numbers, from 1 on */

/* What a victim does, and how many values that moves at most. */
struct doing {
	const char *what;
	bool produces;
	uint32_t before; /* values in the ring when it comes */
	uint32_t moves;
};

static const struct doing doings[] = {
	{"a producer that sends into an empty ring", true, 0, 3},
	{"a producer that fills the ring", true, SLOTS - 3, 3},
	{"a consumer that receives one by one", false, 5, 3},
	{"a consumer that receives a run", false, 5, 4},
	{"a consumer that receives a run of all slots", false, SLOTS, SLOTS},
};

static int victim(void *argument)
{
	const struct doing *d = (const struct doing *)argument;
	uint64_t values[SLOTS];

	if (d->produces ? ringshm_token_producer_open(&p, channel) : ringshm_token_consumer_open(&c, channel))
		return 1;
#ifdef RINGSHM_ATOMIC_OVERRIDE
	planted_head = c.head_word;
#endif
	traced_mark();
	if (d->produces || d->moves == 3)
		for (uint32_t i = 0; i < d->moves; i++)
			d->produces ? ringshm_token_send(&p, sent + i + 1) : ringshm_token_recv(&c, values);
	else
		ringshm_token_recv_n(&c, values, d->moves);
	traced_mark();
	return 0;
}

static bool fill_to(uint64_t values)
{
	while (sent - received < values)
		if (ringshm_token_send(&p, ++sent))
			return tap_note("no room for value %lu", (unsigned long)sent), false;
	return true;
}

/* Takes the rest; the first value says how many a dead consumer has taken. How many it or a dead producer moved. */
static bool take_all(const struct doing *d, uint32_t *moved)
{
	uint64_t value, first = 0, last = 0;

	while (!ringshm_token_recv(&c, &value)) {
		if (last && value != last + 1)
			return tap_note("%lu behind %lu", (unsigned long)value, (unsigned long)last), false;
		first = first ? first : value;
		last = value;
	}
	if (d->produces) {
		*moved = (uint32_t)(last > sent ? last - sent : 0);
		sent += *moved;
	} else {
		*moved = (uint32_t)((first ? first - 1 : sent) - received);
	}
	if ((last && last != sent) || (first && d->produces && first != received + 1) || *moved > d->moves)
		return tap_note("from %lu to %lu of %lu, %lu moved", (unsigned long)first, (unsigned long)last,
				(unsigned long)sent, (unsigned long)*moved),
		       false;
	received = sent;
	return true;
}

/* Three laps with every slot in use. */
static bool is_healthy(void)
{
	uint32_t moved;

	for (int lap = 0; lap < 3; lap++)
		if (!fill_to(SLOTS) || ringshm_token_send(&p, 1) != -EAGAIN ||
		    !take_all(&(struct doing){.produces = true, .moves = 0}, &moved))
			return false;
	return true;
}

static bool kill_after(const struct doing *d, unsigned int steps, enum traced_stop *stop, uint32_t *moved)
{
	struct traced t;

	if (!fill_to(d->before))
		return false;
	d->produces ? ringshm_token_producer_close(&p) : ringshm_token_consumer_close(&c);
	if (!traced_start(&t, victim, (void *)(uintptr_t)d) || traced_run(&t) != TRACED_MARK)
		return tap_note("no victim"), false;
	*stop = traced_steps(&t, steps);
	traced_kill(&t);
	if (d->produces ? ringshm_token_producer_open(&p, channel) : ringshm_token_consumer_open(&c, channel))
		return tap_note("%s", ringshm_last_error()), false;
	return take_all(d, moved) && is_healthy();
}

static void kill_everywhere(const struct doing *d)
{
	enum traced_stop stop = TRACED_BETWEEN;
	uint32_t moved = 0;
	unsigned int steps = 0;
	char question[128];
	bool good = true;

	for (; good && stop == TRACED_BETWEEN && steps < MOST_STEPS; steps++)
		good = kill_after(d, steps, &stop, &moved);
	if (good && moved != d->moves)
		tap_note("in the end %u moved", moved);
	snprintf(question, sizeof(question), "%s may be killed anywhere in %u instructions", d->what, steps);
	tap_ok(good && moved == d->moves, question);
}

int main(int argc, char **argv)
{
	struct ringshm_config config;

#ifdef RINGSHM_ATOMIC_OVERRIDE /* built as token_steps_planted FAULT, to be seen to fail */
	if (argc != 2 || !planted_choose(argv[1]))
		return 2;
#else
	(void)argc, (void)argv;
#endif
	if (!traced_init()) {
		tap_skip("killed behind every instruction", "this machine lets nobody trace its children step by step");
		return tap_done();
	}
	ringshm_config_init(&config, RINGSHM_TOKEN);
	config.capacity = SLOTS;
	config.start_position = UINT64_C(0) - 3 * SLOTS;
	if (ringshm_create(&channel, NULL, &config) || ringshm_token_producer_open(&p, channel) ||
	    ringshm_token_consumer_open(&c, channel)) {
		tap_note("%s", ringshm_last_error());
		return 1;
	}
	for (size_t i = 0; i < sizeof(doings) / sizeof(doings[0]); i++)
		kill_everywhere(&doings[i]);
	ringshm_token_producer_close(&p);
	ringshm_token_consumer_close(&c);
	ringshm_close(channel);
	return tap_done();
}
