// SPDX-License-Identifier: MIT
// Does the library that was just built answer, and does a message come through a ring? Prints TAP.
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ringshm/ringshm.h>

static int tests, failures;

static void check(bool good, const char *what)
{
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	if (!good)
		printf("# last error: %s\n", ringshm_last_error());
}

static void one_message(struct ringshm *channel)
{
	struct ringshm_spsc_producer producer;
	struct ringshm_spsc_consumer consumer;
	char text[16] = "";
	uint32_t len = 0;

	check(ringshm_spsc_producer_open(&producer, channel) == 0, "a producer opens");
	check(ringshm_spsc_consumer_open(&consumer, channel) == 0, "a consumer opens");
	check(ringshm_spsc_recv(&consumer, text, sizeof(text), &len) == -EAGAIN, "an empty ring has nothing");
	check(ringshm_spsc_send(&producer, "smoke", 5) == 0, "a message is sent");
	check(ringshm_spsc_recv(&consumer, text, sizeof(text), &len) == 0, "a message is received");
	check(len == 5 && !strcmp(text, "smoke"), "it is the message that was sent");
	ringshm_spsc_consumer_close(&consumer);
	ringshm_spsc_producer_close(&producer);
}

int main(void)
{
	struct ringshm_config config;
	struct ringshm *channel = NULL;

	check(!strcmp(ringshm_version(), PACKAGE_VERSION), "the library reports the version it was configured with");
	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 3;
	check(ringshm_create(&channel, NULL, &config) == -EINVAL, "a capacity that is no power of two is refused");
	config.capacity = 4096;
	check(ringshm_create(&channel, NULL, &config) == 0, "an anonymous channel is made");
	if (channel)
		one_message(channel);
	ringshm_close(channel);
	printf("1..%d\n", tests);
	return failures > 0;
}
