// SPDX-License-Identifier: MIT
// One of several programs of different width at one mpmc ring: exchange_mpmc ROLE NAME SHAPE NUMBER COUNT.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ringshm/ringshm.h>

#define MOST 100 /* bytes a message */
#define BATCH 40 /* messages at once; a multiple of nothing */
#define PATIENCE_NS (INT64_C(20) * 1000000000)
#define PRODUCERS 4

/* Rings with lengths in the states, and with headers, stamps and payloads on lines of their own. */
static const struct {
	const char *name;
	uint32_t slot_size, alignment, length;
	uint64_t features;
} shapes[] = {
	{"compact", 64, 8, 40, RINGSHM_F_BLOCK},
	{"stamped", 256, 64, MOST, RINGSHM_F_BLOCK | RINGSHM_F_TIMESTAMP},
};

static uint32_t usual; /* length of most messages */

static int complain(const char *what)
{
	fprintf(stderr, "exchange_mpmc: %s: %s\n", what, ringshm_last_error());
	return 1;
}

/* Every 50th is shorter, so that receivers of batches meet one that does not fit among the others. */
static uint32_t length_of(uint32_t number)
{
	return number % 50 == 49 ? usual - 7 : usual;
}

static void make(unsigned char *message, uint32_t producer, uint32_t number)
{
	uint32_t head[2] = {producer, number};

	memcpy(message, head, sizeof(head));
	for (uint32_t i = sizeof(head); i < length_of(number); i++)
		message[i] = (unsigned char)(number * 31 + producer * 7 + i);
}

/* What all programs have sent or received must come to the same. */
struct total {
	uint64_t messages;
	uint64_t sum;
};

static void add(struct total *total, uint32_t producer, uint32_t number)
{
	total->messages++;
	total->sum += ((uint64_t)producer << 32 | number) * UINT64_C(0x9e3779b97f4a7c15) >> 8;
}

static int tell(const struct total *total)
{
	printf("%" PRIu64 " %" PRIu64 "\n", total->messages, total->sum);
	return 0;
}

/* ---- producing ------------------------------------------------------------------------------ */

/* Up to `n` messages from `number` on, all of the usual length, by the verbs in turn. How many, or -errno. */
static int send_some(struct ringshm_mpmc_producer *p, uint32_t producer, uint32_t number, uint32_t n)
{
	static unsigned char bytes[BATCH * MOST];
	uint32_t got;

	for (uint32_t i = 0; i < n; i++)
		make(bytes + i * usual, producer, number + i);
	if (number % 3 == 0)
		return ringshm_mpmc_send_n(p, bytes, usual, n);
	if (ringshm_mpmc_reserve_n_wait(p, n, PATIENCE_NS, &got))
		return -EAGAIN;
	for (uint32_t i = 0; i < got; i++)
		memcpy(ringshm_mpmc_room(p, i), bytes + i * usual, usual);
	ringshm_mpmc_commit_n(p, got, usual);
	return (int)got;
}

/* How many messages from `number` on may go at once. */
static uint32_t batch(uint32_t number, uint32_t count)
{
	uint32_t n = 1 + number * 13 % BATCH, usual_ones = 49 - number % 50;

	if (n > usual_ones)
		n = usual_ones;
	return n < count - number ? n : count - number;
}

static int produce(struct ringshm *channel, uint32_t producer, uint32_t count)
{
	struct ringshm_mpmc_producer p;
	struct total total = {0, 0};
	unsigned char one[MOST];
	int sent;

	if (ringshm_mpmc_producer_open(&p, channel))
		return complain("producer");
	for (uint32_t number = 0; number < count; number += (uint32_t)sent) {
		uint32_t n = batch(number, count);

		sent = n > 1 ? send_some(&p, producer, number, n) : -EAGAIN;
		if (sent == -EAGAIN) { /* full, or it is to go alone */
			make(one, producer, number);
			sent = ringshm_mpmc_send_wait(&p, one, length_of(number), PATIENCE_NS) ? 0 : 1;
		}
		if (sent <= 0)
			return complain("no room");
		for (int i = 0; i < sent; i++)
			add(&total, producer, number + (uint32_t)i);
	}
	return ringshm_mpmc_producer_close(&p) ? complain("close") : tell(&total);
}

/* ---- consuming ------------------------------------------------------------------------------ */

/* Of one producer, a consumer sees later and later messages, each whole. */
static int look(const unsigned char *message, uint32_t length, uint32_t *next, struct total *total)
{
	unsigned char expected[MOST];
	uint32_t head[2];

	memcpy(head, message, sizeof(head));
	if (head[0] >= PRODUCERS || head[1] < next[head[0]] || length != length_of(head[1])) {
		fprintf(stderr, "exchange_mpmc: producer %u, message %u of %u bytes\n", head[0], head[1], length);
		return 1;
	}
	make(expected, head[0], head[1]);
	next[head[0]] = head[1] + 1;
#ifdef EXCHANGE_PLANTED /* the fault that a test plants: one who misses messages, to see the totals tell */
	if (head[1] % EXCHANGE_PLANTED == 7)
		return 0;
#endif
	add(total, head[0], head[1]);
	return memcmp(message, expected, length) != 0;
}

static int receive_some(struct ringshm_mpmc_consumer *c, uint32_t *next, struct total *total)
{
	static unsigned char bytes[BATCH * MOST];
	int got = ringshm_mpmc_recv_n(c, bytes, usual, BATCH);

	for (int i = 0; i < got; i++)
		if (look(bytes + (uint32_t)i * usual, usual, next, total))
			return -EBADMSG;
	return got;
}

static int receive_held(struct ringshm_mpmc_consumer *c, uint32_t *next, struct total *total)
{
	uint32_t held = ringshm_mpmc_peek_n(c, BATCH), length;

	for (uint32_t i = 0; i < held; i++) {
		const void *payload = ringshm_mpmc_at(c, i, &length);

		if (look(payload, length, next, total))
			return -EBADMSG;
	}
	ringshm_mpmc_release(c, held);
	return held ? (int)held : -EAGAIN;
}

static int consume(struct ringshm *channel, bool stamped)
{
	struct ringshm_mpmc_consumer c;
	uint32_t next[PRODUCERS] = {0}, length;
	struct total total = {0, 0};
	unsigned char one[MOST];
	int got = 0;

	if (ringshm_mpmc_consumer_open(&c, channel))
		return complain("consumer");
	for (uint32_t turn = 0; got != -EBADMSG; turn++) {
		got = turn % 2 ? receive_some(&c, next, &total) : receive_held(&c, next, &total);
		if (got > 0 || got == -EBADMSG)
			continue;
		if (ringshm_mpmc_recv_wait(&c, one, sizeof(one), &length, PATIENCE_NS))
			break;
		if (look(one, length, next, &total) || stamped != (ringshm_mpmc_timestamp(&c) != 0))
			got = -EBADMSG;
	}
	if (got == -EBADMSG || c.status != -ESHUTDOWN) {
		fprintf(stderr, "exchange_mpmc: %" PRIu64 " messages, then %d, status %d\n", total.messages, got,
			c.status);
		return 1;
	}
	return ringshm_mpmc_consumer_close(&c) ? complain("close") : tell(&total);
}

/* ---- dying ---------------------------------------------------------------------------------- */

/* Two messages reserved and never committed, one claimed and never released. */
static int die(struct ringshm *channel)
{
	struct ringshm_mpmc_producer p;
	struct ringshm_mpmc_consumer c;
	uint32_t length;

	if (ringshm_mpmc_producer_open(&p, channel) || ringshm_mpmc_consumer_open(&c, channel))
		return complain("victim");
	if (ringshm_mpmc_reserve_n(&p, 3) != 3)
		return 1;
	make(ringshm_mpmc_room(&p, 0), 0, 0);
	ringshm_mpmc_commit(&p, length_of(0));
	if (!ringshm_mpmc_peek(&c, &length))
		return 1;
	_exit(0);
}

/* Goes on at once where the others died, once around the ring, and finds every loss counted. */
static int survive(struct ringshm *channel, uint32_t rounds)
{
	struct ringshm_info info = {.size = sizeof(info)};
	uint32_t next[PRODUCERS] = {0};
	struct ringshm_mpmc_producer p;
	struct ringshm_mpmc_consumer c;
	struct total total = {0, 0};

	if (ringshm_mpmc_producer_open(&p, channel) || ringshm_mpmc_consumer_open(&c, channel))
		return complain("survivor");
	if (ringshm_mpmc_producer_recover(&p) < 0 || ringshm_mpmc_consumer_recover(&c) < 0)
		return complain("recover");
	for (uint32_t i = 0; i < rounds; i++)
		if (send_some(&p, 1, i * 150, 1) != 1 || receive_some(&c, next, &total) != 1)
			return complain("round");
	if (ringshm_mpmc_producer_close(&p) || ringshm_mpmc_consumer_close(&c) || ringshm_info(channel, &info))
		return complain("end");
	printf("lost %" PRIu64 " %" PRIu64 " repaired %" PRIu64 "\n", (uint64_t)info.lost_produced,
	       (uint64_t)info.lost_consumed, (uint64_t)info.repairs);
	return 0;
}

static int play(const char *role, struct ringshm *channel, bool stamped, uint32_t number, uint32_t count)
{
	if (!strcmp(role, "produce"))
		return produce(channel, number, count);
	if (!strcmp(role, "consume"))
		return consume(channel, stamped);
	if (!strcmp(role, "shutdown"))
		return ringshm_shutdown(channel) ? complain("shutdown") : 0;
	return !strcmp(role, "die") ? die(channel) : survive(channel, count);
}

int main(int argc, char **argv)
{
	struct ringshm_config config;
	struct ringshm *channel;
	size_t shape = 0;
	int error;

	if (argc != 6)
		return 2;
	while (shape < 1 && strcmp(argv[3], shapes[shape].name))
		shape++;
	usual = shapes[shape].length;
	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = 64;
	config.slot_size = shapes[shape].slot_size;
	config.alignment = shapes[shape].alignment;
	config.features = shapes[shape].features;
	config.start_position = UINT64_C(0) - 64 * 128; /* positions wrap on the way, and laps in states twice */
	if (ringshm_open_or_create(&channel, argv[2], &config))
		return complain("channel");
	error = play(argv[1], channel, config.features & RINGSHM_F_TIMESTAMP, (uint32_t)atol(argv[4]),
		     (uint32_t)atol(argv[5]));
	ringshm_close(channel);
	return error;
}
