// SPDX-License-Identifier: MIT
// A small spsc ring with records that can be told apart.
#include "spsc_ring.h"

#include <stdio.h>

#include "random.h"

#define FILLER 0xffff /* type of a record that only takes room */
#define FLAGS 7

struct ringshm *channel;
struct ringshm_spsc_producer p;
struct ringshm_spsc_consumer c;
char broken[256];

static const unsigned char zeros[1 << 16];
static unsigned char pool[8192]; /* of which every record has its piece: few instructions to step through */

static const unsigned char *bytes_of(uint32_t number)
{
	return pool + number * 37 % (sizeof(pool) - 64);
}

bool fail(const char *what, uint64_t number)
{
	if (!broken[0])
		snprintf(broken, sizeof(broken), "%s (%lu)", what, (unsigned long)number);
	return false;
}

bool ring_create(uint64_t capacity, uint32_t alignment, uint64_t features, uint64_t start_position)
{
	struct ringshm_config config;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = capacity;
	config.alignment = alignment;
	config.features = features;
	config.start_position = start_position;
	broken[0] = 0;
	random_fill(1, pool, sizeof(pool));
	if (ringshm_create(&channel, NULL, &config))
		return fail(ringshm_last_error(), 0);
	return true;
}

uint32_t ring_length(uint32_t number)
{
	return 4 + number * 7 % 23;
}

uint32_t ring_span(uint32_t number)
{
	return ringshm__spsc_span(p.overhead, p.round, ring_length(number));
}

bool put(struct ringshm_spsc_producer *to, uint32_t number, bool publish)
{
	uint32_t length = ring_length(number);
	unsigned char *payload = (unsigned char *)ringshm_spsc_reserve(to, length);

	if (!payload)
		return false;
	memcpy(payload, &number, 4);
	memcpy(payload + 4, bytes_of(number), length - 4);
	if (publish)
		ringshm_spsc_commit_typed(to, length, (uint16_t)number, FLAGS);
	else
		ringshm_spsc_commit_more_typed(to, length, (uint16_t)number, FLAGS);
	return true;
}

bool put_run(struct ringshm_spsc_producer *to, uint32_t number, uint32_t apart, uint32_t n)
{
	uint32_t length = ring_length(number);
	unsigned char run[256];

	for (uint32_t i = 0; i < n; i++, number += apart) {
		memcpy(run + (size_t)i * length, &number, 4);
		memcpy(run + (size_t)i * length + 4, bytes_of(number), length - 4);
	}
	return ringshm_spsc_send_n(to, run, length, n) == (int)n;
}

/* Records of a run have neither type nor flags. */
static bool is_marked(const struct ringshm_spsc_consumer *from, uint32_t number)
{
	uint16_t type = ringshm_spsc_type(from), flags = ringshm_spsc_flags(from);

	return (type == (uint16_t)number && flags == FLAGS) || (!type && !flags);
}

static uint32_t number_of(const struct ringshm_spsc_consumer *from, const unsigned char *payload, uint32_t length)
{
	uint32_t number;

	if (ringshm_spsc_type(from) == FILLER)
		return FILLER;
	if (length < 4)
		return FOREIGN;
	memcpy(&number, payload, 4);
	if (length != ring_length(number) || !is_marked(from, number) ||
	    memcmp(payload + 4, bytes_of(number), length - 4) != 0)
		return FOREIGN;
	return number;
}

uint32_t look(struct ringshm_spsc_consumer *from)
{
	uint32_t length;
	const void *payload = ringshm_spsc_peek_next(from, &length);

	return payload ? number_of(from, (const unsigned char *)payload, length) : 0;
}

uint32_t take(struct ringshm_spsc_consumer *from)
{
	uint32_t length, number;
	const void *payload = ringshm_spsc_peek(from, &length);

	number = payload ? number_of(from, (const unsigned char *)payload, length) : 0;
	ringshm_spsc_release(from, 1);
	return number;
}

uint32_t take_numbered(struct ringshm_spsc_consumer *from)
{
	uint32_t number;

	do
		number = take(from);
	while (number == FILLER);
	return number;
}

bool fill(uint64_t bytes)
{
	while (bytes) {
		uint64_t room = p.capacity - (p.tail & (p.capacity - 1)), piece = bytes < room ? bytes : room;
		void *payload;

		if (piece > p.max_payload)
			piece = p.max_payload & ~(uint64_t)p.round;
		payload = ringshm_spsc_reserve(&p, (uint32_t)piece - p.overhead);
		if (!payload)
			return fail("no room to fill", bytes);
		memcpy(payload, zeros, piece - p.overhead);
		ringshm_spsc_commit_typed(&p, (uint32_t)piece - p.overhead, FILLER, 0);
		bytes -= piece;
	}
	return true;
}

void drain(void)
{
	while (take(&c))
		;
}

bool move_to(uint64_t index)
{
	drain();
	for (;;) {
		uint64_t bytes = (index - p.tail) & (p.capacity - 1);

		if (!bytes)
			return true;
		if (bytes > p.capacity / 4)
			bytes = p.capacity / 4;
		if (!fill(bytes))
			return false;
		drain();
	}
}

bool is_healthy(void)
{
	uint32_t sent = 1, got = 1;

	drain();
	for (uint64_t moved = 0; moved < 3 * p.capacity; got++) {
		while (put(&p, sent, true))
			sent++;
		moved += ring_span(got);
		if (take(&c) != got)
			return fail("traffic after the takeover goes wrong", got);
	}
	drain();
	if (!fill(p.capacity))
		return fail("not every byte has come back", p.capacity);
	if (ringshm_spsc_reserve(&p, 0))
		return fail("there is more room than the ring has", p.capacity);
	drain();
	return !c.status && !p.status;
}
