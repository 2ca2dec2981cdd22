// SPDX-License-Identifier: MIT
/* md_book: reads the ring of md_feed; top of book, volume-weighted average prices, checksum, rate, latency. */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "reader.h"
#include "report.h"
#include "ring.h"
#include "stop.h"

#define TOP_DEFAULT 10u

struct arguments {
	struct ring_options ring;
	bool json;
};

static const char doc[] = "Read the messages that md_feed publishes, until its last; then print what was found.\v"
			  "The exit status is 0 when the feed's last record arrived or a signal ended the reading, 1 "
			  "when the feed died or the ring ended before that, 2 when nothing could be begun.";

static const struct argp_option options[] = {
	{"ring", 'r', "NAME", 0, "Name of the ring (" MD_RING_DEFAULT ")", 0},
	{"json", OPT_JSON, NULL, 0, "Print JSON", 0},
	{"wait", OPT_WAIT, "SECONDS", 0, "How long to wait for a feed (30)", 0},
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
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_WAIT:
		args->ring.wait_s = option_seconds(arg, state);
		return 0;
	case OPT_SOCKET:
		args->ring.socket = option_fd(arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Why the reading ended, if not by the feed's last record; and the exit status that says so. */
static int explain(const struct reader *r, enum reader_result res, int status)
{
	switch (res) {
	case READER_DONE:
		return MD_OK;
	case READER_STOPPED:
		fprintf(stderr, "md_book: stopped by a signal after %" PRIu64 " messages\n", r->messages);
		return MD_OK;
	case READER_NO_FEED:
		fprintf(stderr,
			"md_book: the feed died or left before its last record; the figures are of the "
			"%" PRIu64 " messages that arrived\n",
			r->messages);
		return MD_PARTIAL;
	case READER_NO_MEMORY:
		fprintf(stderr, "md_book: no memory for more symbols after %zu of them\n", r->book.used);
		return MD_PARTIAL;
	default:
		fprintf(stderr, "md_book: the ring has ended after %" PRIu64 " messages: %s\n", r->messages,
			status ? strerror(-status) : "its last record has another form than this program knows");
		return MD_PARTIAL;
	}
}

static int read_ring(const struct arguments *args, struct ringshm_spsc_consumer *consumer)
{
	static struct reader reader;
	enum reader_result res;
	int status, bad;

	if (reader_init(&reader) < 0) {
		fprintf(stderr, "md_book: no memory\n");
		return MD_NOTHING;
	}
	res = reader_run(&reader, consumer);
	status = consumer->status;
	ringshm_spsc_consumer_close(consumer); /* before the printing: the feed waits for this */
	if (res == READER_STOPPED && !reader.messages) {
		fprintf(stderr, "md_book: stopped by a signal before anything arrived\n");
		reader_free(&reader);
		return MD_OK;
	}
	status = explain(&reader, res, status);
	bad = args->json ? report_json(stdout, &reader) : report_text(stdout, &reader, TOP_DEFAULT);
	if (bad) {
		fprintf(stderr, "md_book: the report could not be written: %s\n", strerror(errno));
		status = MD_PARTIAL;
	}
	reader_free(&reader);
	return status;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
	struct arguments args = {.ring = {.name = MD_RING_DEFAULT, .socket = -1, .wait_s = MD_WAIT_DEFAULT}};
	struct ringshm_spsc_consumer consumer;
	struct ringshm *channel;
	int status;

	argp_err_exit_status = MD_NOTHING;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	setlocale(LC_NUMERIC, args.json ? "C" : "");
	stop_catch();
	if (ring_consume(&channel, &consumer, &args.ring) < 0)
		return stop_signal ? MD_OK : MD_NOTHING;
	status = read_ring(&args, &consumer);
	ringshm_close(channel);
	return status;
}
