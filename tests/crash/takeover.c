// SPDX-License-Identifier: MIT
// Producers and consumers of an spsc ring are killed at random moments, and others take over: is anything lost,
// delivered twice or torn that the documentation does not allow?
#include <errno.h>
#include <sched.h>
#include <stdarg.h>

#include <ringshm/ringshm.h>

#include "processes.h"
#include "random.h"
#include "tap.h"

#define GENERATIONS 2048 /* of producers, at most */
#define PATIENCE_NS INT64_C(10000000000)

/* What every record begins with: whose it is, which of his, and its place in a batch that appears at once. */
union stamp {
	struct {
		uint32_t number;
		uint16_t producer;
		uint8_t place;
		uint8_t batch; /* never 0 */
	};
	uint64_t word; /* whole at any moment, as kills demand; 0: none */
};

static struct shared {
	uint32_t producers;		 /* generations so far */
	uint32_t published[GENERATIONS]; /* records of each that it knows to be published */
	uint64_t released, releasing;	 /* last record of the last release, and of the one that was begun */
	uint64_t records, again;	 /* seen; shown to a second consumer */
	uint32_t stop;
	char wrong[256];
} * shared;

static struct ringshm *channel;
static uint32_t most; /* payload */

__attribute__((format(printf, 1, 2))) static int wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (!shared->wrong[0])
		vsnprintf(shared->wrong, sizeof(shared->wrong), format, arguments);
	va_end(arguments);
	return 1;
}

/* ---- producer ------------------------------------------------------------------------------- */

static uint64_t seed_of(const union stamp *stamp)
{
	return (uint64_t)stamp->producer << 32 | stamp->number;
}

static int put_record(struct ringshm_spsc_producer *p, const union stamp *stamp, uint64_t *random)
{
	uint32_t length = (uint32_t)sizeof(*stamp) + random_below(random, most - (uint32_t)sizeof(*stamp) + 1);
	unsigned char *payload;
	void *room;
	int error = ringshm_spsc_reserve_wait(p, most, PATIENCE_NS, &room);

	if (error)
		return error;
	payload = (unsigned char *)room;
	memcpy(payload, stamp, sizeof(*stamp));
	random_fill(seed_of(stamp), payload + sizeof(*stamp), length - (uint32_t)sizeof(*stamp));
	ringshm_spsc_commit_more_typed(p, length, (uint16_t)stamp->number, (uint16_t)stamp->producer);
	return 0;
}

/* A batch: as many records as surely fit by what the producer knows, so that no full ring publishes half of it. */
static int put_batch(struct ringshm_spsc_producer *p, union stamp *stamp, uint64_t *random)
{
	uint32_t fits = (uint32_t)((p->limit - p->tail) / (2 * (most + 64)));

	stamp->batch = (uint8_t)(fits > 1 ? 1 + random_below(random, fits < 8 ? fits : 8) : 1);
	for (stamp->place = 0; stamp->place < stamp->batch; stamp->place++, stamp->number++) {
		int error = put_record(p, stamp, random);

		if (error)
			return error;
	}
	ringshm_spsc_flush(p);
	__atomic_store_n(&shared->published[stamp->producer], stamp->number, __ATOMIC_RELEASE);
	return 0;
}

static int produce(void *seed)
{
	uint64_t random = (uint64_t)(uintptr_t)seed;
	struct ringshm_spsc_producer p;
	union stamp stamp = {.producer = (uint16_t)shared->producers};
	int error = ringshm_spsc_producer_open(&p, channel);

	if (error)
		return wrong("a producer could not take over: %s", ringshm_last_error());
	while (!error && !__atomic_load_n(&shared->stop, __ATOMIC_RELAXED))
		error = put_batch(&p, &stamp, &random);
	ringshm_spsc_producer_close(&p);
	return error ? wrong("a producer got %s", strerror(-error)) : 0;
}

/* ---- consumer ------------------------------------------------------------------------------- */

static uint32_t published_by(uint32_t producer)
{
	return __atomic_load_n(&shared->published[producer], __ATOMIC_ACQUIRE);
}

/* May `next` come right after `last`, the first of all after 0? */
static bool follows(uint64_t last_word, const union stamp *next)
{
	const union stamp last = {.word = last_word};

	if (last_word && next->producer == last.producer)
		return next->number == last.number + 1 && next->place == (last.place + 1) % last.batch;
	if (next->number || next->place || (last_word && next->producer < last.producer))
		return false;
	for (uint32_t g = last_word ? last.producer + 1u : 0; g < next->producer; g++)
		if (published_by(g))
			return false; /* all of a dead one's are missing */
	/* the dead one's last batch is whole, and not behind what it knew to be published */
	return !last_word || (last.place + 1 == last.batch && last.number + 1 >= published_by(last.producer));
}

static int check_record(const struct ringshm_spsc_consumer *c, const unsigned char *payload, uint32_t length,
			union stamp *stamp)
{
	if (length < sizeof(*stamp) || length > most)
		return wrong("a record of %u bytes", length);
	memcpy(stamp, payload, sizeof(*stamp));
	if (ringshm_spsc_type(c) != (uint16_t)stamp->number || ringshm_spsc_flags(c) != (uint16_t)stamp->producer)
		return wrong("type or flags of record %u:%u are another's", stamp->producer, stamp->number);
	if (!random_same(seed_of(stamp), payload + sizeof(*stamp), length - (uint32_t)sizeof(*stamp)))
		return wrong("record %u:%u is torn", stamp->producer, stamp->number);
	return 0;
}

/* The first record of a consumer: the one behind what its predecessor released, or was releasing. */
static int check_first(const union stamp *stamp)
{
	const union stamp released = {.word = shared->released}, releasing = {.word = shared->releasing};

	if (!follows(released.word, stamp) && !follows(releasing.word, stamp))
		return wrong("the next consumer begins with %u:%u, released were %u:%u or %u:%u", stamp->producer,
			     stamp->number, released.producer, released.number, releasing.producer, releasing.number);
	shared->again += released.word != releasing.word;
	return 0;
}

static void release(struct ringshm_spsc_consumer *c, uint32_t shown, uint64_t seen)
{
	__atomic_store_n(&shared->releasing, seen, __ATOMIC_SEQ_CST);
	ringshm_spsc_release(c, shown);
	__atomic_store_n(&shared->released, seen, __ATOMIC_SEQ_CST);
	shared->records += shown;
}

static int accept_record(const struct ringshm_spsc_consumer *c, uint64_t *seen, const void *payload, uint32_t length)
{
	const union stamp last = {.word = *seen};
	union stamp stamp;

	if (check_record(c, (const unsigned char *)payload, length, &stamp))
		return 1;
	if (!*seen && check_first(&stamp))
		return 1;
	if (*seen && !follows(*seen, &stamp))
		return wrong("%u:%u came after %u:%u", stamp.producer, stamp.number, last.producer, last.number);
	*seen = stamp.word;
	return 0;
}

/* Show a few, check each, release them together. */
static int take_some(struct ringshm_spsc_consumer *c, uint64_t *seen, uint64_t *random)
{
	uint32_t wanted = 1 + random_below(random, 4), shown = 0, length;
	const void *payload;

	if (ringshm_spsc_peek_wait(c, 20000000, &payload, &length))
		return 0; /* no producer just now */
	while (payload) {
		if (accept_record(c, seen, payload, length))
			return 1;
		payload = ++shown < wanted ? ringshm_spsc_peek_next(c, &length) : NULL;
	}
	release(c, shown, *seen);
	return 0;
}

static int consume(void *seed)
{
	uint64_t random = (uint64_t)(uintptr_t)seed;
	struct ringshm_spsc_consumer c;
	uint64_t seen = 0;
	int error = ringshm_spsc_consumer_open(&c, channel);

	if (error)
		return wrong("a consumer could not take over: %s", ringshm_last_error());
#ifdef RINGSHM_ATOMIC_OVERRIDE
	planted_head = c.head_word;
#endif
	while (!error && (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED) || ringshm_spsc_consumer_used(&c)))
		error = take_some(&c, &seen, &random);
	ringshm_spsc_consumer_close(&c);
	return error;
}

/* ---- who starts and kills them -------------------------------------------------------------- */

static pid_t start_producer(uint64_t seed)
{
	return start(produce, (void *)(uintptr_t)seed);
}

/* While both live nobody else gets their roles. */
static bool both_busy(void)
{
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
	int busy = 0;

	for (int i = 0; i < 2000 && busy != 2; i++) { /* they may not have come yet */
		struct ringshm_info info = {.size = sizeof(info)};

		ringshm_info(channel, &info);
		if (info.producers && info.consumers)
			busy = (ringshm_spsc_producer_open(&p, channel) == -EBUSY) +
			       (ringshm_spsc_consumer_open(&c, channel) == -EBUSY);
		else
			rest_ns(1000000);
	}
	return busy == 2;
}

static bool run(int kills, uint64_t seed)
{
	pid_t producer = start_producer(random_next(&seed));
	pid_t consumer = start(consume, (void *)(uintptr_t)random_next(&seed));
	bool busy = true;

	for (int i = 0; i < kills && !shared->wrong[0] && busy; i++) {
		uint32_t victims = 1 + random_below(&seed, 3);

		rest_ns(random_below(&seed, 4000000));
		if (i % 50 == 49)
			busy = both_busy();
		if (victims & 1) {
			kill_now(producer);
			shared->producers++;
			producer = start_producer(random_next(&seed));
		}
		if (victims & 2) {
			kill_now(consumer);
			consumer = start(consume, (void *)(uintptr_t)random_next(&seed));
		}
	}
	shared->stop = 1;
	if (end_of(producer) || end_of(consumer))
		wrong("a child ended badly");
	if (!busy)
		wrong("a role was given away while its owner lived");
	return !shared->wrong[0];
}

static bool killed(uint64_t capacity, uint32_t alignment, uint64_t features, uint64_t start_position, int kills)
{
	struct ringshm_config config;
	struct ringshm_info info = {.size = sizeof(info)};
	bool good;

	memset(shared, 0, sizeof(*shared));
	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = capacity;
	config.alignment = alignment;
	config.features = features;
	config.start_position = start_position;
	if (ringshm_create(&channel, NULL, &config) || ringshm_info(channel, &info)) {
		tap_note("%s", ringshm_last_error());
		return false;
	}
	most = info.max_payload < 2048 ? info.max_payload : 2048;
	good = run(kills, random_seed());
	ringshm_info(channel, &info);
	tap_note("%d rounds, %u producers, %lu takeovers, %lu records, %lu consumers began with one shown before",
		 kills, shared->producers + 1, (unsigned long)info.takeovers, (unsigned long)shared->records,
		 (unsigned long)shared->again);
	if (!good)
		tap_note("%s (repeat with RINGSHM_SEED=%lu)", shared->wrong, (unsigned long)random_seed());
	ringshm_close(channel);
	return good && shared->records > (uint64_t)kills && info.takeovers > (uint64_t)kills / 2;
}

int main(int argc, char **argv)
{
	int kills = 250;

#ifdef RINGSHM_ATOMIC_OVERRIDE /* built as takeover_planted FAULT, to be seen to fail */
	if (argc != 2 || !planted_choose(argv[1]))
		return 2;
#else
	kills = argc > 1 ? atoi(argv[1]) : kills;
#endif

	shared = (struct shared *)shared_memory(sizeof(*shared));
	tap_ok(killed(256, 8, 0, UINT64_C(0) - 4096, kills),
	       "a tiny ring survives deaths, across the wrap of positions");
	tap_ok(killed(8192, 64, RINGSHM_F_TIMESTAMP, (UINT64_C(1) << 32) - 8192, kills),
	       "a ring of cache lines with timestamps survives deaths");
	tap_ok(killed(1 << 16, 8, RINGSHM_F_BLOCK, 0, kills), "a ring whose sides sleep survives deaths");
	return tap_done();
}
