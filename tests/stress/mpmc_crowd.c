// SPDX-License-Identifier: MIT
// Eight producers and eight consumers on two processors, spinning or sleeping, real-time processes among others: do
// they all get on?
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <sys/resource.h>

#include <ringshm/ringshm.h>

#include "processes.h"
#include "tap.h"

#define SIDE 8
#define MESSAGES 3000u /* of one producer */
#define CAPACITY 64
#define PATIENCE_NS UINT64_C(60000000000)
/*
 * Processor time that a real-time process may use without sleeping, else SIGXCPU: four at a time together less than the
 * part of a second that the kernel lets them have before it gives the others some.
 */
#define RT_LIMIT_US 150000

enum way {
	SPINNING, /* base verbs, again and again */
	YIELDING, /* ... with sched_yield() in between */
	WAITING,  /* the _wait verbs */
};

static const struct crowd {
	const char *question;
	enum way way;
	int processors;
	int realtime; /* every so manieth member of a side; 0: none */
} crowds[] = {
	{"8 producers and 8 consumers on two processors get on, spinning", SPINNING, 2, 0},
	{"... and sleeping", WAITING, 2, 0},
	{"... and sleeping, on one processor", WAITING, 1, 0},
	{"real-time processes beside others on one processor cannot stop them, sleeping", WAITING, 1, 2},
	{"... nor on two", WAITING, 2, 2},
	{"... nor where all but one of a side are real-time", WAITING, 1, 1},
};

/* Shared by all. */
static struct books {
	uint64_t received, sum;
	uint32_t go;
} * books;

static const struct crowd *crowd;
static struct ringshm *channel;
static int member; /* number in its side, when a child is started */

static uint64_t expected(void)
{
	return (uint64_t)SIDE * MESSAGES;
}

/* ---- members -------------------------------------------------------------------------------------- */

static void pause_in(enum way way)
{
	if (way == YIELDING)
		sched_yield();
	else
		ringshm_cpu_relax();
}

/* Now and then long enough for whoever is more important to wake up and find a slot that is not ready. */
static int send_slowly(struct ringshm_mpmc_producer *p, uint64_t value)
{
	uint64_t end;
	void *room;
	int error = ringshm_mpmc_reserve_wait(p, sizeof(value), -1, &room);

	if (error)
		return error;
	end = now_ns() + (value % 32 ? 0 : 100000);
	while (now_ns() < end)
		ringshm_cpu_relax();
	memcpy(room, &value, sizeof(value));
	ringshm_mpmc_commit(p, sizeof(value));
	return 0;
}

static int send_one(struct ringshm_mpmc_producer *p, uint64_t value)
{
	int error = 0;

	if (crowd->way == WAITING)
		return value % 2 ? ringshm_mpmc_send_wait(p, &value, sizeof(value), -1) : send_slowly(p, value);
	while ((error = ringshm_mpmc_send(p, &value, sizeof(value))) == -EAGAIN)
		pause_in(crowd->way);
	return error;
}

/* -EAGAIN: nothing came for a while. */
static int receive_one(struct ringshm_mpmc_consumer *c, uint64_t *value)
{
	uint32_t length;
	int error;

	if (crowd->way == WAITING) {
		error = ringshm_mpmc_recv_wait(c, value, sizeof(*value), &length, 20000000);
		return error == -ETIMEDOUT ? -EAGAIN : error;
	}
	error = ringshm_mpmc_recv(c, value, sizeof(*value), &length);
	if (error == -EAGAIN)
		pause_in(crowd->way);
	return error;
}

/* The last of a side stays with the others in every crowd. */
static bool is_realtime(void)
{
	return crowd->realtime && member != SIDE - 1 && member % crowd->realtime == 0;
}

/* All on the same processors; a real-time process that never sleeps is ended by the kernel. */
static bool take_place(void)
{
	const struct rlimit limit = {RT_LIMIT_US, RT_LIMIT_US};
	const struct sched_param priority = {.sched_priority = 1};
	cpu_set_t allowed, mine;
	int left = crowd->processors;

	CPU_ZERO(&mine);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return false;
	for (size_t i = 0; i < CPU_SETSIZE && left; i++)
		if (CPU_ISSET(i, &allowed)) {
			CPU_SET(i, &mine);
			left--;
		}
	if (sched_setaffinity(0, sizeof(mine), &mine))
		return false;
	return !is_realtime() || (!setrlimit(RLIMIT_RTTIME, &limit) && !sched_setscheduler(0, SCHED_FIFO, &priority));
}

static int produce(void *unused)
{
	struct ringshm_mpmc_producer p;
	uint64_t value;

	(void)unused;
	if (ringshm_mpmc_producer_open(&p, channel) || !take_place())
		return 1;
	while (!__atomic_load_n(&books->go, __ATOMIC_ACQUIRE))
		rest_ns(1000000);
	for (value = 1; value <= MESSAGES; value++)
		if (send_one(&p, value))
			return 2;
	ringshm_mpmc_producer_close(&p);
	return 0;
}

static int consume(void *unused)
{
	struct ringshm_mpmc_consumer c;
	uint64_t value;
	int error;

	(void)unused;
	if (ringshm_mpmc_consumer_open(&c, channel) || !take_place())
		return 1;
	while (__atomic_load_n(&books->received, __ATOMIC_RELAXED) < expected()) {
		error = receive_one(&c, &value);
		if (error && error != -EAGAIN)
			return 2;
		if (error)
			continue;
		__atomic_fetch_add(&books->sum, value, __ATOMIC_RELAXED);
		__atomic_fetch_add(&books->received, 1, __ATOMIC_RELAXED);
	}
	ringshm_mpmc_consumer_close(&c);
	return 0;
}

/* ---- crowds --------------------------------------------------------------------------------------- */

static bool ended_well(pid_t child, uint64_t deadline)
{
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (now_ns() > deadline) {
			kill_now(child);
			tap_note("process %d did not get on", (int)child);
			return false;
		}
		rest_ns(2000000);
	}
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
		tap_note("a real-time process used the processor and never slept");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool run(void)
{
	uint64_t began = now_ns(), deadline = began + PATIENCE_NS;
	pid_t child[2 * SIDE];
	uint32_t well = 0;

	memset(books, 0, sizeof(*books));
	for (int i = 0; i < 2 * SIDE; i++) {
		member = i / 2;
		child[i] = start(i % 2 ? consume : produce, NULL);
	}
	rest_ns(20000000);
	__atomic_store_n(&books->go, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 2 * SIDE; i++) {
		well += ended_well(child[i], deadline);
		if (well != (uint32_t)i + 1)
			deadline = 0; /* the others wait for what will never come */
	}
	tap_note("%" PRIu64 " messages in %" PRIu64 " ms", books->received, (now_ns() - began) / 1000000);
	return well == 2 * SIDE && books->received == expected() &&
	       books->sum == SIDE * (uint64_t)MESSAGES * (MESSAGES + 1) / 2;
}

static bool gather(const struct crowd *which)
{
	struct ringshm_config config;
	bool good;

	crowd = which;
	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = CAPACITY;
	config.participants = 2 * SIDE;
	if (ringshm_create(&channel, NULL, &config)) {
		tap_note("%s", ringshm_last_error());
		return false;
	}
	good = run();
	ringshm_close(channel);
	return good;
}

/* We watch, and go before everybody. */
static bool may_be_realtime(void)
{
	const struct sched_param priority = {.sched_priority = 2};

	return !sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority);
}

int main(int argc, char **argv)
{
	/* what a real-time process must not do: its yield lets nobody of less importance run */
	static const struct crowd yielding = {"real-time processes that only yield get on", YIELDING, 1, 2};
	bool realtime = may_be_realtime();

	books = (struct books *)shared_memory(sizeof(*books));
	if (argc > 1 && !strcmp(argv[1], "yield")) {
		tap_ok(gather(&yielding), yielding.question);
		return tap_done();
	}
	for (unsigned int i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++)
		if (crowds[i].realtime && !realtime)
			tap_skip(crowds[i].question, "only a privileged user may start real-time processes");
		else
			tap_ok(gather(&crowds[i]), crowds[i].question);
	return tap_done();
}
