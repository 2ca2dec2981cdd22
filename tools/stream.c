// SPDX-License-Identifier: MIT
/* Opening a channel for send and recv, waiting for it, and what to say when it ends. */
#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "interrupt.h"
#include "options.h"
#include "report.h"
#include "stream_kind.h"

error_t stream_option(int key, char *arg, struct argp_state *state, struct stream *stream)
{
	switch (key) {
	case 't':
		stream->timeout_ns = option_seconds(state, "--timeout", arg);
		return 0;
	case 'w':
		stream->wait = true;
		return 0;
	case 'v':
		stream->verbose = true;
		return 0;
	default:
		return option_existing(key, arg, state, &stream->name);
	}
}

int64_t stream_slice(const struct stream *stream, int64_t since)
{
	int64_t left;

	if (stream->timeout_ns < 0)
		return STREAM_SLICE_NS;
	left = since + stream->timeout_ns - report_now();
	if (left <= 0)
		return 0;
	return left < STREAM_SLICE_NS ? left : STREAM_SLICE_NS;
}

int stream_look(const struct stream *stream, struct ringshm_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ringshm_info(stream->channel, info);
}

/* -ENOENT only when it did not come in time. */
static int open_patiently(struct stream *stream, unsigned int access)
{
	int64_t since = report_now(), rest;
	int error;

	for (;;) {
		error = ringshm_open(&stream->channel, stream->name, access);
		if (error != -ENOENT || !stream->wait)
			return error;
		if (interrupt_signal())
			return -EINTR;
		rest = stream_slice(stream, since);
		if (!rest)
			return -ETIMEDOUT;
		interrupt_rest(rest);
	}
}

int stream_open(struct stream *stream, unsigned int access)
{
	int error = open_patiently(stream, access);

	if (error == -EINTR)
		return -EINTR;
	if (error == -ETIMEDOUT) {
		report_failure("%s %s: no such channel came into being in time", stream->verb, stream->name);
		return EXIT_TIMED_OUT;
	}
	if (!error)
		error = stream_look(stream, &stream->info);
	if (error)
		return report_library_failure(error);
	stream->kind = stream_kind_find(stream->info.kind);
	if (!stream->kind)
		return report_failure("%s %s: it is of kind %s, which this command cannot %s", stream->verb,
				      stream->name, ringshm_kind_name(stream->info.kind), stream->verb);
	return EXIT_DONE;
}

void stream_close(struct stream *stream)
{
	ringshm_close(stream->channel);
	stream->channel = NULL;
}

void stream_sum_up(const struct stream *stream, uint64_t messages, uint64_t bytes)
{
	if (stream->verbose)
		fprintf(stderr, "ringshm: %s %s: %" PRIu64 " messages, %" PRIu64 " bytes\n", stream->verb, stream->name,
			messages, bytes);
}

int stream_failure(const struct stream *stream, int error)
{
	const char *verb = stream->verb, *name = stream->name;

	switch (error) {
	case -ETIMEDOUT:
		report_failure("%s %s: timed out", verb, name);
		return EXIT_TIMED_OUT;
	case -ESHUTDOWN:
		return report_failure("%s %s: the channel was shut down", verb, name);
	case -ESTALE:
		return report_failure("%s %s: the channel was removed or replaced", verb, name);
	case -EPROTO:
		return report_failure("%s %s: the channel is broken: somebody wrote into its memory what does not "
				      "belong there; run: ringshm rm %s",
				      verb, name, name);
	default:
		return report_failure("%s %s: %s", verb, name, strerror(-error));
	}
}
