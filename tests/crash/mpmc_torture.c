// SPDX-License-Identifier: MIT
// Many processes share an mpmc ring and are killed at random: is every message there once, or counted as lost?
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ringshm/ringshm.h>

#include "planted_endpoint.h"
#include "random.h"
#include "tap.h"

#define CAPACITY 64
#define PROCESSES 8 /* at a time; every second one produces */
#define PRODUCERS_EVER 1024
#define MESSAGES 16384 /* of one producer's life */
#define BATCH 4u       /* of them, sent together */
#define SECOND UINT64_C(1000000000)

struct message {
	uint64_t producer, sequence;
	uint64_t check[4]; /* from the two above: a torn message shows */
};

/* What became of a message; written by consumers, before and after its release. */
enum {
	UNSEEN,
	READ,
	RELEASED
};

/* Shared by all processes, outside the ring. */
struct books {
	uint64_t sent[PRODUCERS_EVER]; /* sends that returned, a producer */
	unsigned char fate[PRODUCERS_EVER][MESSAGES];
	uint64_t torn, twice, disordered, refused;
	uint32_t stop;
};

static struct books *books;
static struct ringshm *channel;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static void count(uint64_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static bool stopped(void)
{
	return __atomic_load_n(&books->stop, __ATOMIC_RELAXED);
}

static void compose(struct message *message, uint64_t producer, uint64_t sequence)
{
	message->producer = producer;
	message->sequence = sequence;
	random_fill(producer << 32 | sequence, message->check, sizeof(message->check));
}

/* Now and then, so that some are killed while they hold a slot. */
static void dawdle(uint64_t *random)
{
	if (!random_below(random, 32))
		usleep(200);
}

/* Some messages by one claim and as copies. How many. */
static uint32_t send_copies(struct ringshm_mpmc_producer *p, uint64_t producer, uint64_t sequence)
{
	struct message message[BATCH];
	uint32_t n = MESSAGES - sequence < BATCH ? (uint32_t)(MESSAGES - sequence) : BATCH;
	int sent;

	for (uint32_t i = 0; i < n; i++)
		compose(&message[i], producer, sequence + i);
	sent = ringshm_mpmc_send_n(p, message, sizeof(message[0]), n);
	return sent > 0 ? (uint32_t)sent : 0;
}

/* One message, in place. False: there is no room yet. */
static bool send_one(struct ringshm_mpmc_producer *p, uint64_t producer, uint64_t sequence, uint64_t *random)
{
	struct message message;
	void *room;

	compose(&message, producer, sequence);
	room = ringshm_mpmc_reserve(p, sizeof(message)); /* a header's verb, and then a library's */
	if (!room && ringshm_mpmc_reserve_wait(p, sizeof(message), 1000000, &room))
		return false;
	dawdle(random);
	memcpy(room, &message, sizeof(message));
	ringshm_mpmc_commit(p, sizeof(message));
	return true;
}

static void produce(uint64_t producer, uint64_t random)
{
	struct ringshm_mpmc_producer p;

	if (ringshm_mpmc_producer_open(&p, channel)) {
		count(&books->refused);
		_exit(1);
	}
	planted_endpoint(&p.m.ring);
	for (uint64_t sequence = 0; sequence < MESSAGES && !stopped();) {
		if (random_below(&random, 4))
			sequence += send_one(&p, producer, sequence, &random);
		else
			sequence += send_copies(&p, producer, sequence);
		__atomic_store_n(&books->sent[producer], sequence, __ATOMIC_RELAXED);
	}
	ringshm_mpmc_producer_close(&p);
	_exit(0);
}

/* Enter one message into the books, as read. False: it is none of ours. */
static bool enter(const struct message *message, uint64_t last[static PRODUCERS_EVER], unsigned char **fate)
{
	unsigned char unseen = UNSEEN;
	struct message whole;

	if (message->producer >= PRODUCERS_EVER || message->sequence >= MESSAGES) {
		count(&books->torn);
		return false;
	}
	compose(&whole, message->producer, message->sequence);
	if (memcmp(&whole, message, sizeof(whole)))
		count(&books->torn);
	if (message->sequence + 1 <= last[message->producer])
		count(&books->disordered);
	last[message->producer] = message->sequence + 1;
	*fate = &books->fate[message->producer][message->sequence];
	if (!__atomic_compare_exchange_n(*fate, &unseen, READ, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		count(&books->twice);
	return true;
}

/* Take one message, or a few, and give them back. */
static bool consume_some(struct ringshm_mpmc_consumer *c, uint32_t most, uint64_t last[static PRODUCERS_EVER],
			 int64_t timeout_ns, uint64_t *random)
{
	unsigned char *fate[RINGSHM_MPMC_BATCH_MAX];
	uint32_t n, length, entered = 0;

	n = ringshm_mpmc_peek_n(c, most);
	if (!n && ringshm_mpmc_peek_n_wait(c, most, timeout_ns, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const struct message *message = ringshm_mpmc_at(c, i, &length);

		if (length != sizeof(*message))
			count(&books->torn);
		else
			entered += enter(message, last, &fate[entered]);
	}
	dawdle(random);
	ringshm_mpmc_release(c, n);
	for (uint32_t i = 0; i < entered; i++)
		__atomic_store_n(fate[i], RELEASED, __ATOMIC_RELAXED);
	return true;
}

static void consume(uint64_t seed)
{
	static uint64_t last[PRODUCERS_EVER];
	struct ringshm_mpmc_consumer c;

	if (ringshm_mpmc_consumer_open(&c, channel)) {
		count(&books->refused);
		_exit(1);
	}
	planted_endpoint(&c.m.ring);
	while (!stopped())
		consume_some(&c, 1 + random_below(&seed, 5), last, 1000000, &seed);
	ringshm_mpmc_consumer_close(&c);
	_exit(0);
}

static pid_t start(uint32_t place, uint64_t *producers, uint64_t seed)
{
	uint64_t producer = place % 2 ? 0 : (*producers)++;
	pid_t child = fork();

	if (child)
		return child;
	if (place % 2)
		consume(seed);
	produce(producer, seed);
	return 0;
}

/* Kill one after the other, at random moments, and put another in its place. How many. */
static uint32_t rage(uint64_t until, uint64_t *producers, uint64_t *random)
{
	pid_t child[PROCESSES];
	uint32_t kills = 0;

	for (uint32_t i = 0; i < PROCESSES; i++)
		child[i] = start(i, producers, random_next(random));
	while (now_ns() < until && *producers < PRODUCERS_EVER - 1) {
		uint32_t i = random_below(random, PROCESSES);

		usleep(random_below(random, 4000));
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
		child[i] = start(i, producers, random_next(random));
		kills++;
	}
	__atomic_store_n(&books->stop, 1, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < PROCESSES; i++)
		waitpid(child[i], NULL, 0);
	return kills;
}

static uint32_t fill_up(void)
{
	struct ringshm_mpmc_producer p;
	uint32_t n = 0;

	if (ringshm_mpmc_producer_open(&p, channel))
		return 0;
	while (n <= CAPACITY && !ringshm_mpmc_send(&p, &n, sizeof(n)))
		n++;
	ringshm_mpmc_producer_close(&p);
	return n;
}

/* The last consumer repairs and takes what is left. */
static void clear_up(void)
{
	static uint64_t last[PRODUCERS_EVER];
	struct ringshm_mpmc_consumer c;
	uint64_t random = 1;

	if (ringshm_mpmc_consumer_open(&c, channel))
		return;
	do {
		ringshm_mpmc_consumer_recover(&c);
	} while (consume_some(&c, RINGSHM_MPMC_BATCH_MAX, last, 20000000, &random));
	ringshm_mpmc_consumer_close(&c);
}

static void judge(uint64_t producers)
{
	struct ringshm_info before = {.size = sizeof(before)}, after = {.size = sizeof(after)};
	uint64_t read = 0, released = 0, missing = 0, sent = 0, settled, positions;
	uint32_t full;

	ringshm_info(channel, &before);
	full = fill_up(); /* claims every slot, so every loss is counted in the cursors now */
	ringshm_info(channel, &after);
	for (uint64_t p = 0; p < producers; p++) {
		sent += books->sent[p];
		for (uint64_t s = 0; s < MESSAGES; s++) {
			read += books->fate[p][s] == READ;
			released += books->fate[p][s] == RELEASED;
			missing += s < books->sent[p] && books->fate[p][s] == UNSEEN;
		}
	}
	positions = before.tail - before.start_position;
	settled = released + after.lost_produced + after.lost_consumed;
	tap_note("%" PRIu64 " sent, %" PRIu64 " released, lost with producers %" PRIu64 ", with consumers %" PRIu64
		 ", %" PRIu64 " in the hands of those who died",
		 sent, released, after.lost_produced, after.lost_consumed, read);
	tap_ok(released > 1000 && after.lost_produced && after.lost_consumed,
	       "there was traffic, and there were losses");
	tap_ok(!books->torn && !books->twice && !books->disordered && !books->refused,
	       "nothing is torn, delivered twice, or out of its sender's order");
	tap_ok(missing <= after.lost_consumed, "nothing that was sent is missing but what is counted");
	tap_ok(settled <= positions && positions - settled <= read,
	       "every position is a message released or a loss counted, to the one");
	tap_ok(before.lost_produced == after.lost_produced && before.lost_consumed == after.lost_consumed,
	       "losses are told before the ring comes round to them");
	tap_ok(before.used == 0 && full == CAPACITY, "the ring becomes empty, and is as large as ever");
}

int main(int argc, char **argv)
{
	const char *given = getenv("RINGSHM_TORTURE_SECONDS");
	uint64_t seconds = given ? strtoull(given, NULL, 0) : 4, random = random_seed(), producers = 0;
	struct ringshm_config config;

	if (!planted_begin(argc, argv)) {
		fprintf(stderr, "mpmc_torture: no fault '%s'\n", argc > 1 ? argv[1] : "");
		return 2;
	}
	books = mmap(NULL, sizeof(*books), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = CAPACITY;
	config.participants = PROCESSES + 2;
	config.start_position = UINT64_C(0) - 3;
	if (books == MAP_FAILED || ringshm_create(&channel, NULL, &config)) {
		tap_ok(false, "a ring is made");
		return tap_done();
	}
	tap_note("%u processes killed", rage(now_ns() + seconds * SECOND, &producers, &random));
	clear_up();
	judge(producers);
	ringshm_close(channel);
	return tap_done();
}
