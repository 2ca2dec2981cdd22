// SPDX-License-Identifier: MIT
/* A participant for the command's tests to look at: attach NAME ROLE MESSAGES, until standard input ends. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ringshm/ringshm.h>

static int die(void)
{
	fprintf(stderr, "attach: %s\n", ringshm_last_error());
	return 1;
}

static void say_ready(void)
{
	char byte;

	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static int produce(struct ringshm *channel, int messages)
{
	struct ringshm_spsc_producer p;

	if (ringshm_spsc_producer_open(&p, channel))
		return die();
	for (int i = 0; i < messages; i++)
		if (ringshm_spsc_send(&p, "12345678", 8))
			return die();
	ringshm_spsc_note_dropped(&p, 3);
	say_ready();
	ringshm_spsc_producer_close(&p);
	return 0;
}

static int consume(struct ringshm *channel, int messages)
{
	struct ringshm_spsc_consumer c;
	uint32_t len;
	char buf[8];

	if (ringshm_spsc_consumer_open(&c, channel))
		return die();
	for (int i = 0; i < messages; i++)
		if (ringshm_spsc_recv(&c, buf, sizeof(buf), &len))
			return die();
	say_ready();
	ringshm_spsc_consumer_close(&c);
	return 0;
}

/* Reserves a slot of an mpmc ring and keeps it, so that consumers wait for it. */
static int hold(struct ringshm *channel, int messages)
{
	struct ringshm_mpmc_producer p;

	if (ringshm_mpmc_producer_open(&p, channel))
		return die();
	for (int i = 0; i < messages; i++)
		if (ringshm_mpmc_send(&p, "12345678", 8))
			return die();
	if (!ringshm_mpmc_reserve(&p, 8))
		return die();
	say_ready();
	ringshm_mpmc_producer_close(&p);
	return 0;
}

/* Takes a message from an mpmc ring that it fills first, and keeps it, so that producers wait for its slot. */
static int take(struct ringshm *channel, int messages)
{
	struct ringshm_mpmc_producer p;
	struct ringshm_mpmc_consumer c;
	uint32_t len;

	if (ringshm_mpmc_producer_open(&p, channel) || ringshm_mpmc_consumer_open(&c, channel))
		return die();
	for (int i = 0; i < messages; i++)
		if (ringshm_mpmc_send(&p, "12345678", 8))
			return die();
	ringshm_mpmc_producer_close(&p);
	if (!ringshm_mpmc_peek(&c, &len))
		return die();
	say_ready();
	ringshm_mpmc_consumer_close(&c);
	return 0;
}

static int take_part(struct ringshm *channel, const char *role, int messages)
{
	if (!strcmp(role, "holder"))
		return hold(channel, messages);
	if (!strcmp(role, "taker"))
		return take(channel, messages);
	return strcmp(role, "producer") ? consume(channel, messages) : produce(channel, messages);
}

int main(int argc, char **argv)
{
	struct ringshm_config config;
	struct ringshm *channel;
	bool many;
	int code;

	if (argc != 4)
		return 2;
	many = !strcmp(argv[2], "holder") || !strcmp(argv[2], "taker");
	ringshm_config_init(&config, many ? RINGSHM_MPMC : RINGSHM_SPSC);
	config.capacity = many ? 1024 : 65536;
	if (ringshm_open_or_create(&channel, argv[1], &config))
		return die();
	code = take_part(channel, argv[2], atoi(argv[3]));
	ringshm_close(channel);
	return code;
}
