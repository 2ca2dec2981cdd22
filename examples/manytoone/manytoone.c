/* SPDX-License-Identifier: MIT */
/* Many to one: one spsc lane a producer process, one consumer that waits on all of them with a poller. */
#include <argp.h>
#include <ringshm/poller.h>
#include <ringshm/ringshm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_LANES 4096
#define BATCH 64 /* events taken at a time */

struct options {
	long lanes;
	long messages; /* each */
	int kill_one;
};

struct lane {
	struct ringshm *channel;
	struct ringshm_spsc_consumer consumer;
	uint64_t received;
	pid_t producer;
	int ended;
};

struct message {
	uint64_t number; /* 0, 1, 2 ... within its lane */
};

static const struct argp_option argp_options[] = {
	{"lanes", 'l', "N", 0, "Producer processes, each with a lane of its own (default 8)", 0},
	{"messages", 'n', "N", 0, "Messages each of them sends (default 100000)", 0},
	{"kill", 'k', NULL, 0, "Kill one producer in the middle: the others must not notice", 0},
	{0},
};

static void number(const char *text, long most, long *value, struct argp_state *state)
{
	char *end;

	*value = strtol(text, &end, 10);
	if (*end || *value < 1 || *value > most)
		argp_error(state, "'%s' is not a number from 1 to %ld", text, most);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = (struct options *)state->input;

	switch (key) {
	case 'l':
		number(argument, MOST_LANES, &options->lanes, state);
		return 0;
	case 'n':
		number(argument, 1000000000, &options->messages, state);
		return 0;
	case 'k':
		options->kill_one = 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void die(const char *what)
{
	fprintf(stderr, "manytoone: %s: %s\n", what, ringshm_last_error());
	exit(1);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What a producer process does: its own lane, nobody else's words. */
static void produce(struct ringshm *channel, long messages)
{
	struct ringshm_spsc_producer producer;
	struct message message;

	if (ringshm_spsc_producer_open(&producer, channel))
		die("open a producer");
	for (message.number = 0; message.number < (uint64_t)messages; message.number++)
		if (ringshm_spsc_send_wait(&producer, &message, sizeof(message), -1))
			_exit(1); /* the consumer has shut the lane down */
	ringshm_spsc_producer_close(&producer);
	_exit(0);
}

static void start_producer(struct lane *lane, const struct options *options)
{
	struct ringshm_config config;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 16384;
	config.features = RINGSHM_F_POLLFD | RINGSHM_F_EOF;
	if (ringshm_create(&lane->channel, NULL, &config))
		die("create a lane");
	fflush(stdout);
	lane->producer = fork();
	if (lane->producer == 0)
		produce(lane->channel, options->messages);
	if (lane->producer < 0) {
		perror("manytoone: fork");
		exit(1);
	}
}

static void watch(struct lane *lane, struct ringshm_poller *poller)
{
	if (ringshm_spsc_consumer_open(&lane->consumer, lane->channel))
		die("open a consumer");
	if (ringshm_poller_add(poller, RINGSHM_SPSC, &lane->consumer, lane))
		die("watch a lane");
}

/* Everything that is there now. 1: the lane has come to its end. */
static int drain(struct lane *lane)
{
	const struct message *message;
	uint32_t length;

	while ((message = (const struct message *)ringshm_spsc_peek(&lane->consumer, &length))) {
		if (length != sizeof(*message) || message->number != lane->received) {
			fprintf(stderr, "manytoone: message %llu came in the place of %llu\n",
				(unsigned long long)message->number, (unsigned long long)lane->received);
			exit(1);
		}
		lane->received++;
		ringshm_spsc_release(&lane->consumer, 1);
	}
	return lane->consumer.status != 0;
}

static void end_lane(struct lane *lane, struct ringshm_poller *poller)
{
	ringshm_poller_remove(poller, &lane->consumer);
	ringshm_spsc_consumer_close(&lane->consumer);
	ringshm_close(lane->channel);
	lane->ended = 1;
}

static void kill_when_busy(struct lane *lane, const struct options *options)
{
	if (options->kill_one && lane->producer > 0 && lane->received > 0) {
		kill(lane->producer, SIGKILL);
		printf("killed the producer of one lane after %llu of its messages\n",
		       (unsigned long long)lane->received);
	}
}

/* Until every lane has ended, its producer done or dead. */
static void consume(struct lane *lanes, struct ringshm_poller *poller, const struct options *options)
{
	struct ringshm_event events[BATCH];
	long open = options->lanes;
	int killed = 0;

	while (open) {
		int count = ringshm_poller_wait(poller, events, BATCH, -1);

		for (int i = 0; i < count; i++) {
			struct lane *lane = (struct lane *)events[i].user;

			if (drain(lane)) {
				end_lane(lane, poller);
				open--;
			}
			if (!killed && lane == lanes && !lane->ended && lane->received) {
				kill_when_busy(lane, options);
				killed = 1;
			}
		}
	}
}

static int report(const struct lane *lanes, const struct options *options, double took)
{
	uint64_t total = 0;
	int short_lanes = 0;

	for (long i = 0; i < options->lanes; i++) {
		total += lanes[i].received;
		short_lanes += lanes[i].received != (uint64_t)options->messages;
	}
	printf("%llu messages from %ld lanes, each in order, in %.3f s: %.2f M/s; %d lanes ended early\n",
	       (unsigned long long)total, options->lanes, took, (double)total / took / 1e6, short_lanes);
	return short_lanes > options->kill_one;
}

int main(int argc, char **argv)
{
	const struct argp argp = {argp_options, parse, NULL, "Many producers, one consumer: a poller over spsc lanes.",
				  NULL,		NULL,  NULL};
	struct options options = {.lanes = 8, .messages = 100000};
	struct ringshm_poller *poller;
	struct lane *lanes;
	double started;
	int failed;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	lanes = (struct lane *)calloc((size_t)options.lanes, sizeof(*lanes));
	if (!lanes || ringshm_poller_create(&poller))
		die("start");
	setvbuf(stdout, NULL, _IOLBF, 0);
	started = seconds();
	for (long i = 0; i < options.lanes; i++)
		start_producer(&lanes[i], &options);
	for (long i = 0; i < options.lanes; i++) /* after all forks: children need not be cut off from them */
		watch(&lanes[i], poller);
	consume(lanes, poller, &options);
	failed = report(lanes, &options, seconds() - started);
	for (long i = 0; i < options.lanes; i++)
		waitpid(lanes[i].producer, NULL, 0);
	ringshm_poller_destroy(poller);
	free(lanes);
	return failed;
}
