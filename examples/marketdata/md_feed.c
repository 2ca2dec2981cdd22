// SPDX-License-Identifier: MIT
/* md_feed: publishes every IEX-TP message of a capture into a ring. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "options.h"
#include "ring.h"
#include "stop.h"

struct arguments {
	struct ring_options ring;
	double speed;
	const char *path;
};

static const char doc[] =
	"Publish every IEX-TP message of the capture FILE (pcap or pcapng, plain or gzip'd; - is standard input) "
	"into an spsc ring, for md_book to read.\v"
	"A packet of which the capture holds only the beginning, because the file ends there or because it was "
	"taken with a short snapshot length (tcpdump -s), counts as truncated; messages that are whole in a "
	"packet cut by the snapshot length are published.\n\n"
	"The exit status is 0 when all that the capture holds was published (also when a signal ended it or "
	"its last packet is cut off), 1 when something is missing that the figures do not show, 2 when "
	"nothing could be begun.";

static const struct argp_option options[] = {
	{"ring", 'r', "NAME", 0, "Name of the ring (" MD_RING_DEFAULT ")", 0},
	{"speed", OPT_SPEED, "SPEED", 0, "Pace by capture time: 1x, 10x, 0.5x ..., or max (the default)", 0},
	{"capacity", OPT_CAPACITY, "BYTES", 0, "Size of the ring, a power of two from 256K (1M)", 0},
	{"wait", OPT_WAIT, "SECONDS", 0, "How long to wait for a reader (30)", 0},
	{"socket", OPT_SOCKET, "FD", 0, "Take the ring from this inherited Unix socket instead", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case 'r':
		args->ring.name = arg;
		return 0;
	case OPT_SPEED:
		args->speed = option_speed(arg, state);
		return 0;
	case OPT_CAPACITY:
		args->ring.capacity = option_capacity(arg, state);
		return 0;
	case OPT_WAIT:
		args->ring.wait_s = option_seconds(arg, state);
		return 0;
	case OPT_SOCKET:
		args->ring.socket = option_fd(arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (args->path)
			argp_error(state, "one capture at a time");
		args->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "give a capture FILE, or - for standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What was seen in the capture that is not a good packet. */
static void report_frames(const char *path, const struct feed_figures *f)
{
	if (!f->malformed && !f->fragments && !f->others && !f->truncated)
		return;
	fprintf(stderr,
		"md_feed: %s: %" PRIu64 " packets cut off, %" PRIu64 " malformed, %" PRIu64
		" IPv4 fragments refused, %" PRIu64 " other frames skipped\n",
		path, f->truncated, f->malformed, f->fragments, f->others);
}

static int report_ending(const char *path, const struct capture *cap)
{
	char why[512];
	enum capture_end end = capture_ending(cap, why, sizeof(why));

	if (end == CAPTURE_COMPLETE)
		return MD_OK;
	fprintf(stderr, "md_feed: %s %s; everything whole before that was published\n", path, why);
	return end == CAPTURE_CUT_PACKET || end == CAPTURE_STOPPED ? MD_OK : MD_PARTIAL;
}

static int report(const struct arguments *args, const struct feed *feed, const struct capture *cap,
		  enum feed_result res)
{
	report_frames(args->path, &feed->figures);
	switch (res) {
	case FEED_DONE:
		return report_ending(args->path, cap);
	case FEED_STOPPED:
		fprintf(stderr, "md_feed: stopped by a signal after %" PRIu64 " messages\n", feed->published);
		return MD_OK;
	case FEED_NO_READER:
		fprintf(stderr, "md_feed: the reader is gone; %" PRIu64 " messages were published, not all were read\n",
			feed->published);
		return MD_PARTIAL;
	default:
		fprintf(stderr, "md_feed: the ring has ended after %" PRIu64 " messages: %s\n", feed->published,
			strerror(-feed->producer->status));
		return MD_PARTIAL;
	}
}

/* Publish the capture and its figures; what stopped the first decides, else what the second met. */
static int run(const struct arguments *args, struct ringshm_spsc_producer *producer, struct capture *cap)
{
	static struct feed feed;
	enum feed_result res, last = FEED_DONE;

	feed.producer = producer;
	feed.speed = args->speed;
	res = feed_run(&feed, cap);
	if (res == FEED_DONE || res == FEED_STOPPED)
		last = feed_finish(&feed);
	return report(args, &feed, cap, last == FEED_DONE ? res : last);
}

static int publish(const struct arguments *args, struct capture *cap)
{
	struct ringshm_spsc_producer producer;
	struct ringshm *channel;
	int status = MD_NOTHING, ended;

	if (ring_produce(&channel, &producer, &args->ring) < 0)
		return MD_NOTHING;
	/* Started by md_replay, even a feed that is stopped at once sends its last record. */
	if (ring_wait_reader(channel, &args->ring) || (stop_signal && args->ring.socket >= 0))
		status = run(args, &producer, cap);
	else if (stop_signal)
		status = MD_OK;
	ended = producer.status;
	ringshm_spsc_producer_close(&producer);
	ringshm_close(channel);
	if (args->ring.socket < 0 && ended != -ESTALE) /* else the name is another's by now */
		ringshm_unlink(args->ring.name);
	return status;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {options, parse, "FILE", doc, NULL, NULL, NULL};
	struct arguments args = {.ring = {.name = MD_RING_DEFAULT,
					  .socket = -1,
					  .capacity = MD_CAPACITY_DEFAULT,
					  .wait_s = MD_WAIT_DEFAULT}};
	struct capture *cap;
	char why[512];
	int status;

	argp_err_exit_status = MD_NOTHING;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	stop_catch();
	if (capture_open(&cap, args.path, why, sizeof(why)) < 0) {
		fprintf(stderr, "md_feed: %s\n", why);
		return MD_NOTHING;
	}
	if (!strcmp(args.path, "-"))
		args.path = "standard input"; /* for what is said about it */
	status = publish(&args, cap);
	capture_close(cap);
	return status;
}
