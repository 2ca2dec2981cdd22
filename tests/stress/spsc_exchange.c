/* SPDX-License-Identifier: MIT */
/* Two processes, records of random lengths by each way of sending, every byte checked: spsc_exchange [RECORDS]. */
#include <ringshm/ringshm.h>

#include "processes.h"
#include "random.h"
#include "tap.h"

#define LONGEST 200
#define PATIENCE_NS (INT64_C(60) * 1000000000)

static struct ringshm *channel;
static uint64_t records = 10000000; /* each way */

struct way {
	const char *question;
	uint64_t capacity;
	uint64_t start;
	uint32_t alignment;
	uint32_t batch; /* records a publish */
	uint64_t features;
};

/* Length, type and one word of record `i` follow from its number; the rest of its bytes repeat the word. */
static uint64_t word_of(uint64_t i)
{
	return random_next(&i);
}

static uint32_t length_of(uint64_t word)
{
	return (uint32_t)(word >> 40) % (LONGEST + 1);
}

static void write_record(unsigned char *to, uint64_t word, uint32_t length)
{
	for (; length >= 8; length -= 8, to += 8)
		memcpy(to, &word, 8);
	memcpy(to, &word, length);
}

static bool is_record(const unsigned char *from, uint64_t word, uint32_t length)
{
	for (; length >= 8; length -= 8, from += 8)
		if (memcmp(from, &word, 8))
			return false;
	return !memcmp(from, &word, length);
}

static int produce(void *argument)
{
	const struct way *way = (const struct way *)argument;
	struct ringshm_spsc_producer p;

	if (ringshm_spsc_producer_open(&p, channel))
		return 2;
	for (uint64_t i = 0; i < records; i++) {
		uint64_t word = word_of(i);
		uint32_t length = length_of(word);
		void *room;

		if (ringshm_spsc_reserve_wait(&p, length, PATIENCE_NS, &room))
			return 3;
		write_record((unsigned char *)room, word, length);
		ringshm_spsc_commit_more_typed(&p, length, (uint16_t)word, 0);
		if ((i + 1) % way->batch == 0)
			ringshm_spsc_flush(&p);
	}
	ringshm_spsc_producer_close(&p);
	return 0;
}

/* The number of records that came as they were sent. */
static uint64_t consume(void)
{
	struct ringshm_spsc_consumer c;
	uint64_t i;

	if (ringshm_spsc_consumer_open(&c, channel))
		return 0;
	for (i = 0; i < records; i++) {
		uint64_t word = word_of(i);
		const void *payload;
		uint32_t length;

		if (ringshm_spsc_peek_wait(&c, PATIENCE_NS, &payload, &length) || length != length_of(word) ||
		    ringshm_spsc_type(&c) != (uint16_t)word || !is_record((const unsigned char *)payload, word, length))
			break;
		ringshm_spsc_release(&c, 1);
	}
	ringshm_spsc_consumer_close(&c);
	return i;
}

static void exchange(struct way *way)
{
	struct ringshm_config config;
	uint64_t came;
	pid_t child;
	int end;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = way->capacity;
	config.start_position = way->start;
	config.alignment = way->alignment;
	config.features = way->features;
	if (ringshm_create(&channel, NULL, &config)) {
		tap_note("%s", ringshm_last_error());
		tap_ok(false, way->question);
		return;
	}
	child = start(produce, way);
	came = consume();
	if (came < records)
		kill(child, SIGKILL);
	end = end_of(child);
	if (came < records || end)
		tap_note("record %llu of %llu; the producer ended with %d", (unsigned long long)came,
			 (unsigned long long)records, end);
	tap_ok(came == records && !end, way->question);
	ringshm_close(channel);
}

int main(int argc, char **argv)
{
	struct way ways[] = {
		{"all records arrive, each published by itself", 1 << 18, 0, 8, 1, 0},
		{"all records arrive, 32 a publish, past 2^64", 1 << 20, UINT64_C(0) - 4096, 8, 32, 0},
		{"all records arrive in a small ring of 64-byte payloads, sleepers woken", 8192, 1 << 16, 64, 7,
		 RINGSHM_F_BLOCK | RINGSHM_F_TIMESTAMP},
	};

	if (argc > 1)
		records = strtoull(argv[1], NULL, 0);
	tap_note("%llu records each way", (unsigned long long)records);
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		exchange(&ways[i]);
	return tap_done();
}
