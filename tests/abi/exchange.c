// SPDX-License-Identifier: MIT
// One half of an exchange between programs of different width: exchange produce|consume|unlink NAME COUNT.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ringshm/ringshm.h>

#define MOST 1500 /* bytes a record */
#define PATIENCE_NS (INT64_C(20) * 1000000000)

static int complain(const char *what)
{
	fprintf(stderr, "exchange: %s: %s\n", what, ringshm_last_error());
	return 1;
}

/* The same numbers on both sides, whatever their width. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

struct record {
	uint32_t length;
	uint16_t type;
	uint16_t flags;
	unsigned char bytes[MOST];
};

static void next_record(uint64_t *state, struct record *record)
{
	record->length = next_random(state) % (MOST + 1);
	record->type = (uint16_t)next_random(state);
	record->flags = (uint16_t)next_random(state);
	for (uint32_t i = 0; i < record->length; i++)
		record->bytes[i] = (unsigned char)next_random(state);
}

static int produce(struct ringshm *channel, long count)
{
	struct ringshm_spsc_producer p;
	struct record record;
	uint64_t state = 1;

	if (ringshm_spsc_producer_open(&p, channel))
		return complain("producer");
	for (long i = 0; i < count; i++) {
		void *payload;

		next_record(&state, &record);
		if (ringshm_spsc_reserve_wait(&p, MOST, PATIENCE_NS, &payload))
			return complain("no room");
		memcpy(payload, record.bytes, record.length);
		ringshm_spsc_commit_typed(&p, record.length, record.type, record.flags);
	}
	return ringshm_spsc_producer_close(&p);
}

static int compare(const struct ringshm_spsc_consumer *c, const void *payload, uint32_t length,
		   const struct record *record)
{
	return length == record->length && ringshm_spsc_type(c) == record->type &&
	       ringshm_spsc_flags(c) == record->flags && ringshm_spsc_timestamp(c) &&
	       !memcmp(payload, record->bytes, length);
}

static int consume(struct ringshm *channel, long count)
{
	struct ringshm_spsc_consumer c;
	struct record record;
	uint64_t state = 1;
	uint32_t length;

	if (ringshm_spsc_consumer_open(&c, channel))
		return complain("consumer");
	for (long i = 0; i < count; i++) {
		const void *payload;

		next_record(&state, &record);
		if (ringshm_spsc_peek_wait(&c, PATIENCE_NS, &payload, &length)) {
			fprintf(stderr, "exchange: record %ld of %ld never came\n", i, count);
			return 1;
		}
		if (!compare(&c, payload, length, &record)) {
			fprintf(stderr, "exchange: record %ld differs\n", i);
			return 1;
		}
		ringshm_spsc_release(&c, 1);
	}
	printf("%ld records\n", count);
	return ringshm_spsc_consumer_close(&c);
}

int main(int argc, char **argv)
{
	struct ringshm_config config;
	struct ringshm *channel;
	int error;

	if (argc != 4)
		return 2;
	if (!strcmp(argv[1], "unlink"))
		return ringshm_unlink(argv[2]) ? complain("unlink") : 0;
	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 8192;
	config.features = RINGSHM_F_TIMESTAMP | RINGSHM_F_BLOCK;
	config.start_position = UINT64_C(0) - 64 * 1024; /* 64-bit positions on both sides, or it shows */
	if (ringshm_open_or_create(&channel, argv[2], &config))
		return complain("channel");
	error = !strcmp(argv[1], "produce") ? produce(channel, atol(argv[3])) : consume(channel, atol(argv[3]));
	ringshm_close(channel);
	return error;
}
