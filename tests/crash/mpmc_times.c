// SPDX-License-Identifier: MIT
// How long after the death of a participant that held a slot do those behind it go on? RINGSHM_TIMES_KILLS=n.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include <ringshm/ringshm.h>

#include "processes.h"
#include "tap.h"

#define CAPACITY 4
#define KILLS 150
#define KILLS_MOST 20000
#define PATIENCE_NS UINT64_C(20000000000)
#define PROMISED_NS UINT64_C(10000000) /* DESIGN: from notice to progress */

/* Who is killed, and how the survivor behind it looks for its turn. */
static const struct row {
	const char *name;
	bool producer_dies, spins;
} rows[] = {
	{"a producer dies, a consumer waits", true, false},
	{"a producer dies, a consumer spins", true, true},
	{"a consumer dies, a producer waits", false, false},
	{"a consumer dies, a producer spins", false, true},
};

/* Shared by all processes of a row. */
static struct books {
	uint32_t begun;	   /* trials in which the survivor is to take its step */
	uint32_t turn;	   /* ... and has taken it */
	uint32_t holding;  /* the victim holds a slot */
	uint64_t moved_ns; /* when the survivor went on */
	uint32_t stop, seat;
} * books;

static const struct row *row;
static struct ringshm *channel;
static char directory[256];

static uint32_t now_is(const uint32_t *what)
{
	return __atomic_load_n(what, __ATOMIC_ACQUIRE);
}

/* False: it did not come about in time. */
static bool await(const uint32_t *what, uint32_t value)
{
	uint64_t end = now_ns() + PATIENCE_NS;

	while (now_is(what) != value)
		if (now_ns() > end)
			return false;
		else
			rest_ns(20000);
	return true;
}

/* ---- victim and survivor -------------------------------------------------------------------------- */

static int hold(void *unused)
{
	struct ringshm_mpmc_producer p;
	struct ringshm_mpmc_consumer c;
	uint32_t length;
	bool held;

	(void)unused;
	if (row->producer_dies)
		held = !ringshm_mpmc_producer_open(&p, channel) && ringshm_mpmc_reserve(&p, 8);
	else
		held = !ringshm_mpmc_consumer_open(&c, channel) && ringshm_mpmc_peek(&c, &length);
	if (!held)
		return 1;
	books->seat = row->producer_dies ? p.id : c.id;
	__atomic_store_n(&books->holding, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static int take_one(struct ringshm_mpmc_consumer *c)
{
	uint64_t value;
	uint32_t length;
	int error;

	do {
		error = row->spins ? ringshm_mpmc_recv(c, &value, c->max_payload, &length) :
				     ringshm_mpmc_recv_wait(c, &value, c->max_payload, &length, -1);
	} while (error == -EAGAIN);
	return error;
}

static int put_one(struct ringshm_mpmc_producer *p)
{
	uint64_t value = 2;
	int error;

	do {
		error = row->spins ? ringshm_mpmc_send(p, &value, sizeof(value)) :
				     ringshm_mpmc_send_wait(p, &value, sizeof(value), -1);
	} while (error == -EAGAIN);
	return error;
}

/* One step for each trial. */
static int survive(void *unused)
{
	struct ringshm_mpmc_producer p;
	struct ringshm_mpmc_consumer c;
	uint32_t turn = 0;

	(void)unused;
	if (row->producer_dies ? ringshm_mpmc_consumer_open(&c, channel) : ringshm_mpmc_producer_open(&p, channel))
		return 1;
	while (await(&books->begun, ++turn) && !now_is(&books->stop)) {
		if (row->producer_dies ? take_one(&c) : put_one(&p))
			return 1;
		books->moved_ns = now_ns();
		__atomic_store_n(&books->turn, turn, __ATOMIC_RELEASE);
	}
	return 0;
}

/* ---- one death ------------------------------------------------------------------------------------ */

struct times {
	uint64_t notice, progress, total; /* kill to notice, notice to progress, kill to progress */
};

/* The fact that convicts, asked in a loop: is the seat's lock gone? When that was; 0: not in time. */
static uint64_t notice(int lock, uint32_t seat)
{
	uint64_t end = now_ns() + PATIENCE_NS, now;

	do {
		struct flock one = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = seat, .l_len = 1};

		now = now_ns();
		if (!fcntl(lock, F_OFD_GETLK, &one) && one.l_type == F_UNLCK)
			return now;
	} while (now < end);
	return 0;
}

/* A victim that holds a slot, so that whoever comes next has to wait for it. */
static bool set_up(struct ringshm_mpmc_producer *p, pid_t *victim)
{
	uint64_t value = 1;

	books->holding = 0;
	if (!row->producer_dies)
		ringshm_mpmc_send(p, &value, sizeof(value));
	*victim = start(hold, NULL);
	if (!await(&books->holding, 1))
		return false;
	if (row->producer_dies)
		return !ringshm_mpmc_send(p, &value, sizeof(value));
	while (!ringshm_mpmc_send(p, &value, sizeof(value)))
		;
	return true;
}

static bool measure(int lock, struct ringshm_mpmc_producer *p, uint32_t trial, struct times *times)
{
	uint64_t killed, noticed;
	pid_t victim;
	bool good = set_up(p, &victim);

	__atomic_store_n(&books->begun, trial, __ATOMIC_RELEASE);
	rest_ns(1000000 + (uint64_t)trial * 7919 % 4000 * 1000); /* wherever in its ticks a survivor is */
	good = good && now_is(&books->turn) != trial;
	killed = now_ns();
	kill(victim, SIGKILL);
	noticed = notice(lock, books->seat);
	end_of(victim);
	if (!good || !noticed || !await(&books->turn, trial))
		return false;
	times->notice = noticed - killed;
	times->progress = books->moved_ns > noticed ? books->moved_ns - noticed : 0;
	times->total = books->moved_ns - killed;
	return true;
}

/* ---- rows ----------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void print(const char *what, uint64_t *ns, uint32_t n)
{
	uint32_t late = 0;

	qsort(ns, n, sizeof(*ns), by_size);
	for (uint32_t i = 0; i < n; i++)
		late += ns[i] > PROMISED_NS;
	tap_note("  %-18s p50 %8.1f us, p99.9 %8.1f us, most %8.1f us; %u of %u above 10 ms", what,
		 (double)ns[n / 2] / 1e3, (double)ns[n - 1 - n / 1000] / 1e3, (double)ns[n - 1] / 1e3, late, n);
}

static void print_all(const struct times *times, uint32_t n)
{
	static uint64_t ns[KILLS_MOST];

	tap_note("%s", row->name);
	for (uint32_t i = 0; i < n; i++)
		ns[i] = times[i].notice;
	print("kill to notice", ns, n);
	for (uint32_t i = 0; i < n; i++)
		ns[i] = times[i].progress;
	print("notice to progress", ns, n);
	for (uint32_t i = 0; i < n; i++)
		ns[i] = times[i].total;
	print("kill to progress", ns, n);
}

static uint32_t run(uint32_t kills, int lock, struct times times[static KILLS_MOST])
{
	struct ringshm_mpmc_producer p;
	struct ringshm_mpmc_consumer c;
	pid_t survivor;
	uint64_t value;
	uint32_t n = 0, length;

	memset(books, 0, sizeof(*books));
	survivor = start(survive, NULL);
	if (ringshm_mpmc_producer_open(&p, channel) || ringshm_mpmc_consumer_open(&c, channel))
		return 0;
	while (n < kills && measure(lock, &p, n + 1, &times[n])) {
		while (!ringshm_mpmc_recv(&c, &value, sizeof(value), &length))
			;
		n++;
	}
	books->stop = 1;
	__atomic_store_n(&books->begun, n + 1, __ATOMIC_RELEASE);
	if (n == kills)
		end_of(survivor);
	else
		kill_now(survivor);
	ringshm_mpmc_producer_close(&p);
	ringshm_mpmc_consumer_close(&c);
	return n;
}

static bool one_row(uint32_t kills)
{
	static struct times times[KILLS_MOST];
	struct ringshm_config config;
	char path[512];
	uint32_t n;
	int lock;

	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = CAPACITY;
	config.slot_size = 16;
	config.participants = 8;
	config.flags = RINGSHM_CREATE_REPLACE;
	if (ringshm_create(&channel, "times", &config)) {
		tap_note("%s", ringshm_last_error());
		return false;
	}
	snprintf(path, sizeof(path), "%s/times/lock", directory);
	lock = open(path, O_RDWR | O_CLOEXEC);
	n = lock < 0 ? 0 : run(kills, lock, times);
	if (n)
		print_all(times, n);
	close(lock);
	ringshm_close(channel);
	return n == kills;
}

int main(void)
{
	const char *given = getenv("RINGSHM_TIMES_KILLS");
	uint32_t kills = given ? (uint32_t)strtoul(given, NULL, 0) : KILLS;

	if (!private_directory(directory))
		return 1;
	books = (struct books *)shared_memory(sizeof(*books));
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char question[128];

		row = &rows[i];
		snprintf(question, sizeof(question), "%s: it always goes on", row->name);
		tap_ok(one_row(kills < KILLS_MOST ? kills : KILLS_MOST), question);
	}
	ringshm_unlink("times");
	rmdir(directory);
	return tap_done();
}
