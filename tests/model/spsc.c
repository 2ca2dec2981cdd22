// SPDX-License-Identifier: MIT
// Does an spsc ring do what its model does, under any sequence of calls? RINGSHM_SEED repeats or varies it.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <ringshm/ringshm.h>

#include "random.h"
#include "spsc_model.h"
#include "tap.h"
#include "trial.h"

#define STEPS 4000 /* calls a ring */

/* A ring and its model, and what both have shown. */
struct pair {
	struct model m;
	struct ringshm *channel;
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
	unsigned char *payload; /* of the open reservation */
	uint32_t same, streak;	/* so many more lengths are this one: rings may go another way then */
	const void *shown[MODEL_RECORDS];
	uint64_t random;
	struct trial trial;
};

/* What timestamps are taken from here: a clock whose every tick is known. */
static uint64_t ticks;

static uint64_t tick(void)
{
	return ++ticks;
}

/* Lengths that find edges: nothing, everything, one more than everything, and little. */
static uint32_t some_length(struct pair *x)
{
	uint32_t most = x->m.max_payload;

	if (x->streak) {
		x->streak--;
		return x->same;
	}
	if (random_below(&x->random, 16) == 0) {
		x->streak = random_below(&x->random, 40);
		x->same = random_below(&x->random, most < 40 ? most + 1 : 40);
	}
	switch (random_below(&x->random, 8)) {
	case 0:
		return 0;
	case 1:
		return most;
	case 2:
		return most + 1 + random_below(&x->random, 100);
	case 3:
	case 4:
		return random_below(&x->random, most + 1);
	default:
		return random_below(&x->random, most < 24 ? most + 1 : 24);
	}
}

/* ---- producer ------------------------------------------------------------------------------- */

/* What the producer acts on is its own affair, within bounds: take it over. */
static void learn_known(struct pair *x)
{
	uint64_t known = x->p.limit - x->m.capacity - x->m.start;

	if (known < x->m.known || known > x->m.head)
		trial_differs(&x->trial, "the producer takes %" PRIu64 " for released, and it is %" PRIu64, known,
			      x->m.head);
	x->m.known = known;
}

#define LOOKS 64 /* after so many the producer has seen the newest head */

static bool reserve(struct pair *x, uint32_t length)
{
	enum model_answer answer = model_room(&x->m, length);
	void *payload = ringshm_spsc_reserve(&x->p, length);

	for (int i = 0; i < LOOKS && !payload && answer == MODEL_PERHAPS; i++)
		payload = ringshm_spsc_reserve(&x->p, length);
	if (!payload != (answer == MODEL_NO))
		trial_differs(&x->trial, "reserve(%u) gave %p, status %d", length, payload, x->p.status);
	else if (!payload && x->p.status != (length > x->m.max_payload ? -EMSGSIZE : 0))
		trial_differs(&x->trial, "reserve(%u) gave NULL with status %d", length, x->p.status);
	else if (payload && (uintptr_t)payload % x->m.alignment)
		trial_differs(&x->trial, "reserve(%u) gave %p, not aligned to %u", length, payload, x->m.alignment);
	learn_known(x);
	if (!payload || x->trial.broken[0])
		return false;
	model_reserve(&x->m, length);
	x->payload = (unsigned char *)payload;
	return true;
}

/* Write all that was reserved, whatever will be committed of it. */
static void write_payload(struct pair *x, uint64_t seed)
{
	random_fill(seed, x->payload, x->m.open_length);
}

static void commit(struct pair *x, bool flushing)
{
	uint64_t seed = random_next(&x->random);
	uint16_t type = (uint16_t)random_next(&x->random), flags = (uint16_t)random_next(&x->random);
	uint32_t length = random_below(&x->random, 3) ? x->m.open_length :
							random_below(&x->random, x->m.open_length + 9);
	struct model_record *r;
	bool plain = random_below(&x->random, 4) == 0;

	if (x->m.open)
		write_payload(x, seed);
	r = model_commit(&x->m, length);
	if (r) {
		r->seed = seed;
		r->type = plain ? 0 : type;
		r->flags = plain ? 0 : flags;
	}
	if (flushing && plain)
		ringshm_spsc_commit(&x->p, length);
	else if (flushing)
		ringshm_spsc_commit_typed(&x->p, length, type, flags);
	else if (plain)
		ringshm_spsc_commit_more(&x->p, length);
	else
		ringshm_spsc_commit_more_typed(&x->p, length, type, flags);
	if (r && x->p.clock)
		r->stamp = ticks;
	if (flushing)
		model_flush(&x->m);
}

static void send(struct pair *x, uint32_t length)
{
	static unsigned char bytes[1 << 17];
	uint64_t seed = random_next(&x->random);
	enum model_answer answer;
	struct model_record *r;
	int expected = 0, got;

	random_fill(seed, bytes, length);
	answer = model_room(&x->m, length);
	got = ringshm_spsc_send(&x->p, bytes, length);
	for (int i = 0; i < LOOKS && got == -EAGAIN && answer == MODEL_PERHAPS; i++)
		got = ringshm_spsc_send(&x->p, bytes, length);
	if (answer == MODEL_NO)
		expected = length > x->m.max_payload ? -EMSGSIZE : -EAGAIN;
	if (got != expected)
		trial_differs(&x->trial, "send(%u) gave %d, not %d", length, got, expected);
	learn_known(x);
	if (got || expected)
		return;
	model_reserve(&x->m, length);
	r = model_commit(&x->m, length);
	r->seed = seed;
	r->stamp = x->p.clock ? ticks : 0;
	model_flush(&x->m);
}

static void send_n(struct pair *x, uint32_t length)
{
	static unsigned char bytes[1 << 20];
	uint64_t seed[40];
	uint32_t n = 1 + random_below(&x->random, length < 4096 ? 40 : 4);
	enum model_answer answer;
	int expected = 0, got;

	for (uint32_t i = 0; i < n; i++)
		random_fill(seed[i] = random_next(&x->random), bytes + (size_t)i * length, length);
	model_flush(&x->m);
	x->m.open = false;
	answer = model_room(&x->m, length);
	got = ringshm_spsc_send_n(&x->p, bytes, length, n);
	for (int i = 0; i < LOOKS && got == -EAGAIN && answer == MODEL_PERHAPS; i++)
		got = ringshm_spsc_send_n(&x->p, bytes, length, n);
	if (answer == MODEL_NO)
		expected = length > x->m.max_payload ? -EMSGSIZE : -EAGAIN;
	if (expected ? got != expected : got < 1 || got > (int)n)
		trial_differs(&x->trial, "send_n(%u, %u) gave %d, not %d", length, n, got,
			      expected ? expected : (int)n);
	learn_known(x);
	for (int i = 0; i < got && !x->trial.broken[0]; i++) {
		struct model_record *r;

		model_reserve(&x->m, length);
		r = model_commit(&x->m, length);
		r->seed = seed[i];
		r->stamp = x->p.clock ? ticks : 0;
	}
	model_flush(&x->m);
}

static void produce(struct pair *x)
{
	switch (random_below(&x->random, 9)) {
	case 0:
	case 1:
		x->trial.doing = "commit";
		if (reserve(x, some_length(x)))
			commit(x, true);
		break;
	case 2:
	case 3:
		x->trial.doing = "commit_more";
		if (reserve(x, some_length(x)))
			commit(x, false);
		break;
	case 4:
		x->trial.doing = "commit of what may be open";
		commit(x, random_below(&x->random, 2));
		break;
	case 5:
		x->trial.doing = "flush";
		ringshm_spsc_flush(&x->p);
		model_flush(&x->m);
		break;
	case 6:
		x->trial.doing = "reserve, and perhaps discard";
		reserve(x, some_length(x));
		if (random_below(&x->random, 2)) {
			ringshm_spsc_discard(&x->p);
			x->m.open = false;
		}
		break;
	case 7:
		x->trial.doing = "send_n";
		send_n(x, some_length(x));
		break;
	default:
		x->trial.doing = "send";
		send(x, some_length(x));
	}
}

/* ---- consumer ------------------------------------------------------------------------------- */

static void compare(struct pair *x, const void *payload, uint32_t length, const struct model_record *r)
{
	if (!payload != !r)
		trial_differs(&x->trial, "gave %p and should%s have shown a record", payload, r ? "" : " not");
	else if (!payload && x->c.status)
		trial_differs(&x->trial, "gave NULL with status %d", x->c.status);
	if (!payload || !r)
		return;
	if (length != r->length || ringshm_spsc_type(&x->c) != r->type || ringshm_spsc_flags(&x->c) != r->flags)
		trial_differs(&x->trial, "length %u type %u flags %u, not %u %u %u", length, ringshm_spsc_type(&x->c),
			      ringshm_spsc_flags(&x->c), r->length, r->type, r->flags);
	if (ringshm_spsc_timestamp(&x->c) != r->stamp)
		trial_differs(&x->trial, "timestamp %" PRIu64 ", not %" PRIu64, ringshm_spsc_timestamp(&x->c),
			      r->stamp);
	if ((uintptr_t)payload % x->m.alignment || !random_same(r->seed, payload, r->length))
		trial_differs(&x->trial, "the payload of %u bytes at %p is not what was written", r->length, payload);
}

static void peek(struct pair *x)
{
	uint32_t length = 0, before = x->m.shown;
	const void *payload = ringshm_spsc_peek(&x->c, &length);

	compare(x, payload, length, model_peek(&x->m));
	if (payload && before && payload != x->shown[0])
		trial_differs(&x->trial, "the same record is now at %p, and was at %p", payload, x->shown[0]);
	if (payload)
		x->shown[0] = payload;
}

static void peek_next(struct pair *x)
{
	uint32_t length = 0;
	const void *payload = ringshm_spsc_peek_next(&x->c, &length);

	compare(x, payload, length, model_peek_next(&x->m));
	if (payload && !x->trial.broken[0])
		x->shown[x->m.shown - 1] = payload;
}

static void release(struct pair *x, uint32_t n)
{
	uint32_t gone = n < x->m.shown ? n : x->m.shown;

	ringshm_spsc_release(&x->c, n);
	memmove(x->shown, x->shown + gone, (x->m.shown - gone) * sizeof(x->shown[0]));
	model_release(&x->m, n);
}

static void receive(struct pair *x, uint32_t room)
{
	static unsigned char bytes[1 << 17];
	uint32_t length = 0;
	int got = ringshm_spsc_recv(&x->c, bytes, room, &length);
	const struct model_record *r = model_peek(&x->m);

	if (got != (!r ? -EAGAIN : r->length > room ? -EMSGSIZE : 0))
		trial_differs(&x->trial, "recv into %u bytes gave %d, the record has %d", room, got,
			      r ? (int)r->length : -1);
	if (!r || x->trial.broken[0])
		return;
	if (r->length > room) {
		x->shown[0] = ringshm_spsc_peek(&x->c, &length);
		return;
	}
	if (length != r->length || !random_same(r->seed, bytes, length))
		trial_differs(&x->trial, "recv gave %u bytes, not those that were sent", length);
	memmove(x->shown, x->shown + 1, (x->m.shown - 1) * sizeof(x->shown[0]));
	model_release(&x->m, 1);
}

/* Up to `n` records of `length` bytes; what was shown comes again. */
static void receive_n(struct pair *x, uint32_t length, uint32_t n)
{
	static unsigned char bytes[1 << 21];
	const struct model_record *r;
	uint32_t run = 0;
	int got = ringshm_spsc_recv_n(&x->c, bytes, length, n);

	x->m.shown = 0;
	while (run < n && run < x->m.visible && model_look(&x->m, run)->length == length)
		run++;
	r = model_look(&x->m, 0);
	if (run ? got < 1 || got > (int)run : got != (r ? -EMSGSIZE : -EAGAIN))
		trial_differs(&x->trial, "recv_n(%u, %u) gave %d, and %u stand there", length, n, got, run);
	if (got == -EMSGSIZE && !x->trial.broken[0])
		peek(x);
	for (int i = 0; i < got && !x->trial.broken[0]; i++)
		if (!random_same(model_peek_next(&x->m)->seed, bytes + (size_t)i * length, length))
			trial_differs(&x->trial, "recv_n gave other bytes as record %d of %d", i, got);
	if (got > 0)
		model_release(&x->m, (uint32_t)got);
}

/* Of the length that is there, mostly. */
static void receive_some(struct pair *x)
{
	uint32_t length = x->m.visible ? x->m.record[x->m.first % MODEL_RECORDS].length : 8;
	uint32_t n = 1 + random_below(&x->random, length < 4096 ? 40 : 4);

	receive_n(x, random_below(&x->random, 8) ? length : some_length(x), n);
}

static void consume(struct pair *x)
{
	switch (random_below(&x->random, 9)) {
	case 0:
	case 1:
		x->trial.doing = "peek";
		peek(x);
		break;
	case 2:
	case 3:
		x->trial.doing = "peek_next";
		peek_next(x);
		break;
	case 4:
		x->trial.doing = "release of all";
		release(x, x->m.shown + random_below(&x->random, 2));
		break;
	case 5:
		x->trial.doing = "release of some";
		release(x, random_below(&x->random, x->m.shown + 1));
		break;
	case 6:
		x->trial.doing = "recv_n";
		receive_some(x);
		break;
	default:
		x->trial.doing = "recv";
		receive(x, random_below(&x->random, 4) ? x->m.max_payload :
							 random_below(&x->random, x->m.max_payload + 1));
	}
}

/* ---- both ----------------------------------------------------------------------------------- */

/* What must hold after every call: the payloads shown stay as they are, and both sides count alike. */
static void check(struct pair *x)
{
	struct model *m = &x->m;

	for (uint32_t i = 0; i < m->shown && !x->trial.broken[0]; i++) {
		const struct model_record *r = model_look(m, i);

		if (!random_same(r->seed, x->shown[i], r->length))
			trial_differs(&x->trial, "record %u of %u shown was overwritten before its release", i,
				      m->shown);
	}
	if (ringshm_spsc_producer_used(&x->p) != m->tail - m->head)
		trial_differs(&x->trial, "the producer counts %" PRIu64 " bytes used, not %" PRIu64,
			      ringshm_spsc_producer_used(&x->p), m->tail - m->head);
	if (ringshm_spsc_consumer_used(&x->c) != m->published - m->head)
		trial_differs(&x->trial, "the consumer counts %" PRIu64 " bytes used, not %" PRIu64,
			      ringshm_spsc_consumer_used(&x->c), m->published - m->head);
}

static void check_info(struct pair *x)
{
	struct ringshm_info info = {.size = sizeof(info)};

	x->trial.doing = "info";
	if (ringshm_info(x->channel, &info) || info.head != x->m.start + x->m.head ||
	    info.tail != x->m.start + x->m.published || info.used != x->m.published - x->m.head ||
	    info.max_payload != x->m.max_payload)
		trial_differs(&x->trial, "head %" PRIu64 " tail %" PRIu64 ", the model has %" PRIu64 " %" PRIu64,
			      info.head, info.tail, x->m.start + x->m.head, x->m.start + x->m.published);
}

/* Whatever went before, an empty ring takes its largest message, twice, at any position. */
static void drain(struct pair *x)
{
	x->trial.doing = "draining";
	ringshm_spsc_flush(&x->p);
	model_flush(&x->m);
	for (uint32_t i = 0; i <= MODEL_RECORDS && x->m.visible && !x->trial.broken[0]; i++)
		receive(x, x->m.max_payload);
	for (int i = 0; i < 2; i++) {
		receive(x, 0); /* sees that it is empty, and says so to the producer */
		send(x, x->m.max_payload);
		receive(x, x->m.max_payload);
	}
	check(x);
	check_info(x);
}

static bool open_pair(struct pair *x, const struct ringshm_config *config, uint64_t seed)
{
	memset(x, 0, sizeof(*x));
	x->random = seed;
	x->trial.doing = "open";
	ticks = 0;
	model_init(&x->m, config->capacity, config->start_position, config->alignment,
		   config->features & RINGSHM_F_TIMESTAMP ? 16 : 8);
	if (ringshm_create(&x->channel, NULL, config) || ringshm_spsc_producer_open(&x->p, x->channel) ||
	    ringshm_spsc_consumer_open(&x->c, x->channel)) {
		trial_differs(&x->trial, "%s", ringshm_last_error());
		return false;
	}
	if (x->p.clock)
		x->p.clock = tick;
#ifdef RINGSHM_ATOMIC_OVERRIDE
	planted_credit = x->c.credit_word;
	x->p.credit_word = x->c.credit_word; /* one address for both sides */
#endif
	return true;
}

static void close_pair(struct pair *x)
{
	ringshm_spsc_producer_close(&x->p);
	ringshm_spsc_consumer_close(&x->c);
	ringshm_close(x->channel);
}

/* One ring, STEPS calls; `lean` of 16 go to the producer, so that every fill level is met. */
static bool try(const struct ringshm_config *config, uint64_t seed)
{
	static struct pair x;
	uint32_t lean = 8;

	if (open_pair(&x, config, seed))
		for (x.trial.step = 0; x.trial.step < STEPS && !x.trial.broken[0]; x.trial.step++) {
			if (x.trial.step % 128 == 0)
				lean = 4 + random_below(&x.random, 9);
			if (random_below(&x.random, 16) < lean)
				produce(&x);
			else
				consume(&x);
			check(&x);
			if (x.trial.step % 256 == 0)
				check_info(&x);
		}
	if (!x.trial.broken[0])
		drain(&x);
	if (x.trial.broken[0])
		tap_note("capacity %" PRIu64 " alignment %u features 0x%" PRIx64 " start 0x%" PRIx64
			 ": %s (repeat with RINGSHM_SEED=%" PRIu64 ")",
			 config->capacity, config->alignment, config->features, config->start_position, x.trial.broken,
			 random_seed());
	close_pair(&x);
	return !x.trial.broken[0];
}

/* Around every place where a position of fewer bits, or of 64, would go wrong. */
static bool try_starts(struct ringshm_config *config, uint64_t seed)
{
	static const uint64_t around[] = {0, UINT64_C(1) << 32, UINT64_C(1) << 48, UINT64_C(1) << 63};
	const uint64_t before[] = {0, config->alignment, config->capacity / 2, 3 * config->capacity + config->alignment,
				   40 * config->capacity};

	for (unsigned int i = 0; i < sizeof(around) / sizeof(around[0]); i++)
		for (unsigned int j = 0; j < sizeof(before) / sizeof(before[0]); j++) {
			config->start_position = around[i] - before[j]; /* 0 less something: just before 2^64 */
			if (!try(config, random_next(&seed)))
				return false;
		}
	return true;
}

/* Records of every fill level up to the exactly full ring, at every index: the next one must be refused. */
static bool try_levels(const struct ringshm_config *config, uint64_t seed)
{
	static struct pair x;
	uint32_t length, most;

	if (!open_pair(&x, config, seed))
		return false;
	length = x.m.overhead % x.m.alignment ? x.m.alignment - x.m.overhead : 0; /* no byte is left between two */
	most = (uint32_t)(x.m.capacity / (x.m.overhead + length));
	for (uint32_t level = 1; level <= most && !x.trial.broken[0]; level++)
		for (x.trial.step = 0; x.trial.step <= most && !x.trial.broken[0]; x.trial.step++) {
			x.trial.doing = "filling";
			for (uint32_t i = 0; i < level; i++)
				send(&x, length);
			if (level == most && x.m.tail - x.m.head != x.m.capacity)
				trial_differs(&x.trial, "%u records of %u bytes do not fill the ring", level, length);
			send(&x, length); /* refused if full, as the model knows */
			check(&x);
			x.trial.doing = "emptying";
			while (x.m.visible && !x.trial.broken[0])
				receive(&x, length);
			receive(&x, length);
		}
	if (x.trial.broken[0])
		tap_note("capacity %" PRIu64 " alignment %u start 0x%" PRIx64 ": %s", config->capacity,
			 config->alignment, config->start_position, x.trial.broken);
	close_pair(&x);
	return !x.trial.broken[0];
}

int main(int argc, char **argv)
{
	uint64_t seed = random_seed();
	struct ringshm_config config;
	char question[160];

#ifdef RINGSHM_ATOMIC_OVERRIDE /* built as spsc_planted FAULT, to be seen to fail */
	if (argc != 2 || !planted_choose(argv[1]))
		return 2;
#else
	(void)argc, (void)argv;
#endif
	ringshm_config_init(&config, RINGSHM_SPSC);
	for (config.capacity = 64; config.capacity <= 4096; config.capacity *= 2)
		for (config.alignment = 8; config.alignment <= 64; config.alignment += 56)
			for (config.features = 0; config.features < 2; config.features++) {
				if (config.capacity < 8 * config.alignment)
					continue;
				snprintf(question, sizeof(question),
					 "an spsc ring of %" PRIu64
					 " bytes, aligned to %u, %s timestamps, does what its model does",
					 config.capacity, config.alignment, config.features ? "with" : "without");
				tap_ok(try_starts(&config, random_next(&seed)), question);
				if (config.capacity > 1024)
					continue;
				config.start_position = UINT64_C(0) - config.capacity;
				snprintf(question, sizeof(question),
					 "... and is right at every index and level, exactly full included");
				tap_ok(try_levels(&config, random_next(&seed)), question);
			}
	return tap_done();
}
