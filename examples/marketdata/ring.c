// SPDX-License-Identifier: MIT
/* Creating, finding and entering the ring between md_feed and md_book. */
#include "ring.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>

#include "stop.h"
#include "wire.h"

void ring_config(struct ringshm_config *config, uint64_t capacity)
{
	ringshm_config_init(config, RINGSHM_SPSC);
	config->capacity = capacity;
	config->features = RINGSHM_F_TIMESTAMP | RINGSHM_F_BLOCK | RINGSHM_F_EOF;
	config->schema_id = WIRE_SCHEMA_ID;
	config->schema_version = WIRE_SCHEMA_VERSION;
}

static int complain(void)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, ringshm_last_error());
	return -1;
}

static bool has_producer(struct ringshm *channel)
{
	struct ringshm_info info = {.size = sizeof(info)};

	return ringshm_info(channel, &info) == 0 && info.producers;
}

static bool has_consumer(struct ringshm *channel)
{
	struct ringshm_info info = {.size = sizeof(info)};

	return ringshm_info(channel, &info) == 0 && info.consumers;
}

/* Whether a living feed publishes under that name. */
static bool name_in_use(const char *name)
{
	struct ringshm *channel;
	bool in_use;

	if (ringshm_open(&channel, name, RINGSHM_CONSUMER) < 0)
		return false;
	in_use = has_producer(channel);
	ringshm_close(channel);
	return in_use;
}

static int create_named(struct ringshm **channel, const struct ring_options *opt)
{
	struct ringshm_config config;
	int ret;

	ring_config(&config, opt->capacity);
	ret = ringshm_create(channel, opt->name, &config);
	if (ret == -EEXIST && name_in_use(opt->name)) {
		fprintf(stderr, "%s: another feed publishes into ring %s; choose another with --ring=NAME\n",
			program_invocation_short_name, opt->name);
		return -1;
	}
	if (ret == -EEXIST) { /* left behind by a feed that died */
		config.flags |= RINGSHM_CREATE_REPLACE;
		ret = ringshm_create(channel, opt->name, &config);
	}
	return ret < 0 ? complain() : 0;
}

int ring_produce(struct ringshm **channel, struct ringshm_spsc_producer *producer, const struct ring_options *opt)
{
	int ret = opt->socket >= 0 ? ringshm_recv_fd(channel, opt->socket) : create_named(channel, opt);

	if (ret < 0)
		return opt->socket >= 0 ? complain() : -1;
	if (ringshm_spsc_producer_open(producer, *channel) == 0)
		return 0;
	complain();
	ringshm_close(*channel);
	return -1;
}

bool ring_wait_reader(struct ringshm *channel, const struct ring_options *opt)
{
	uint64_t deadline = now_ns() + opt->wait_s * UINT64_C(1000000000);

	while (!has_consumer(channel)) {
		if (stop_signal)
			return false;
		if (now_ns() >= deadline) {
			fprintf(stderr, "%s: nobody read ring %s within %u s; start: md_book --ring=%s\n",
				program_invocation_short_name, opt->name, opt->wait_s, opt->name);
			return false;
		}
		sleep_slice(now_ns() + 2000000u);
	}
	return true;
}

/* 0: *channel has a living producer; -EAGAIN: not yet; else -errno, with the library's sentence. */
static int find_named(struct ringshm **channel, const char *name)
{
	struct ringshm_open_options options;
	int ret;

	ringshm_open_options_init(&options, RINGSHM_CONSUMER);
	options.kind = RINGSHM_SPSC;
	options.schema_id = WIRE_SCHEMA_ID;
	options.schema_version = WIRE_SCHEMA_VERSION;
	ret = ringshm_open_with(channel, name, &options);
	if (ret == -ENOENT || ret == -ESTALE)
		return -EAGAIN;
	if (ret < 0 || has_producer(*channel))
		return ret;
	ringshm_close(*channel);
	return -EAGAIN;
}

static int await_named(struct ringshm **channel, const struct ring_options *opt)
{
	uint64_t deadline = now_ns() + opt->wait_s * UINT64_C(1000000000);
	int ret;

	while ((ret = find_named(channel, opt->name)) == -EAGAIN && !stop_signal) {
		if (now_ns() >= deadline) {
			fprintf(stderr, "%s: no feed on ring %s within %u s; start: md_feed --ring=%s FILE\n",
				program_invocation_short_name, opt->name, opt->wait_s, opt->name);
			return -1;
		}
		sleep_slice(now_ns() + 2000000u);
	}
	if (ret == -EAGAIN) /* told to stop */
		return -1;
	return ret < 0 ? complain() : 0;
}

int ring_consume(struct ringshm **channel, struct ringshm_spsc_consumer *consumer, const struct ring_options *opt)
{
	int ret = opt->socket >= 0 ? ringshm_recv_fd(channel, opt->socket) : await_named(channel, opt);

	if (ret < 0)
		return opt->socket >= 0 ? complain() : -1;
	if (ringshm_spsc_consumer_open(consumer, *channel) == 0)
		return 0;
	complain();
	ringshm_close(*channel);
	return -1;
}
