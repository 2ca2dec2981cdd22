/* SPDX-License-Identifier: MIT */
/* Records through a ring between two processes, every byte checked at the far end. */
#include "machine.h"

#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORDS 5000u
#define LONGEST 3000u
#define PATIENCE_NS INT64_C(10000000000)

static uint32_t length_of(uint32_t number)
{
	return sizeof(number) + number * 2654435761u % (LONGEST - sizeof(number));
}

static unsigned char byte_of(uint32_t number, uint32_t at)
{
	return (unsigned char)(number * 31 + at * 7);
}

static bool produce(struct ringshm *channel)
{
	struct ringshm_spsc_producer producer;
	int error = ringshm_spsc_producer_open(&producer, channel);
	void *payload;

	for (uint32_t n = 0; n < RECORDS && !error; n++) {
		uint32_t len = length_of(n);

		error = ringshm_spsc_reserve_wait(&producer, len, PATIENCE_NS, &payload);
		if (error)
			break;
		for (uint32_t i = 0; i < len; i++)
			((unsigned char *)payload)[i] = byte_of(n, i);
		ringshm_spsc_commit(&producer, len);
	}
	if (error)
		tap_note("producer: %d, %s", error, ringshm_last_error());
	else
		ringshm_spsc_producer_close(&producer);
	return !error;
}

static bool record_is_right(const unsigned char *payload, uint32_t len, uint32_t number)
{
	if (len != length_of(number))
		return false;
	for (uint32_t i = 0; i < len; i++)
		if (payload[i] != byte_of(number, i))
			return false;
	return true;
}

static bool consume(struct ringshm *channel)
{
	struct ringshm_spsc_consumer consumer;
	int error = ringshm_spsc_consumer_open(&consumer, channel);
	const void *payload;
	bool good = true;
	uint32_t len;

	for (uint32_t n = 0; n < RECORDS && !error && good; n++) {
		error = ringshm_spsc_peek_wait(&consumer, PATIENCE_NS, &payload, &len);
		good = !error && record_is_right((const unsigned char *)payload, len, n);
		ringshm_spsc_release(&consumer, 1);
	}
	if (error)
		tap_note("consumer: %d, %s", error, ringshm_last_error());
	else
		ringshm_spsc_consumer_close(&consumer);
	return !error && good;
}

/* How the consumer's process comes by the channel. */
struct far_end {
	const char *name;
	int socket;
};

static bool open_and_consume(void *context)
{
	struct far_end *end = (struct far_end *)context;
	struct ringshm *channel;
	int error = end->name ? ringshm_open(&channel, end->name, RINGSHM_CONSUMER) :
				ringshm_recv_fd(&channel, end->socket);
	bool good;

	if (error) {
		tap_note("consumer: %s", ringshm_last_error());
		return false;
	}
	good = consume(channel);
	ringshm_close(channel);
	return good;
}

static bool run(struct far_end *end, struct ringshm *channel)
{
	pid_t pid;
	bool good;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(30);
		_exit(produce(channel) ? 0 : 1);
	}
	good = pid > 0 && in_child(open_and_consume, end);
	return pid > 0 && child_ended_well(pid) && good;
}

bool ring_run(const char *name)
{
	struct far_end end = {.name = name};
	struct ringshm *channel;
	bool good;

	if (ringshm_open(&channel, name, RINGSHM_PRODUCER)) {
		tap_note("producer: %s", ringshm_last_error());
		return false;
	}
	good = run(&end, channel);
	ringshm_close(channel);
	return good;
}

bool ring_run_passed(struct ringshm *channel)
{
	struct far_end end = {.socket = -1};
	int sockets[2];
	bool good;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return false;
	end.socket = sockets[1];
	if (ringshm_send_fd(channel, sockets[0], RINGSHM_CONSUMER)) {
		tap_note("send: %s", ringshm_last_error());
		return false;
	}
	good = run(&end, channel);
	close(sockets[0]);
	close(sockets[1]);
	return good;
}
