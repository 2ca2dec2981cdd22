// SPDX-License-Identifier: MIT
/* A participant for the command's tests to look at: attach NAME ROLE MESSAGES, until standard input ends. */
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

int main(int argc, char **argv)
{
	struct ringshm_config config;
	struct ringshm *channel;
	int code;

	if (argc != 4)
		return 2;
	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 65536;
	if (ringshm_open_or_create(&channel, argv[1], &config))
		return die();
	code = strcmp(argv[2], "producer") ? consume(channel, atoi(argv[3])) : produce(channel, atoi(argv[3]));
	ringshm_close(channel);
	return code;
}
