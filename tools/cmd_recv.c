// SPDX-License-Identifier: MIT
/* ringshm recv: messages of a channel to standard output. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "interrupt.h"
#include "options.h"
#include "report.h"
#include "stream.h"

#define BUFFER_BYTES 65536u

struct recv {
	struct stream stream;
	uint64_t count; /* end after so many */
	bool follow;
	bool drain;
	bool newline;
	bool raw;

	uint64_t messages;
	uint64_t bytes;
	bool seen; /* a producer, or what it sent */
	int64_t idle_since;

	unsigned char *buffer; /* taken, not written yet */
	size_t room;
	size_t used;
	uint32_t shown; /* messages that are to be released once written */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct recv *r = state->input;

	switch (key) {
	case 'n':
		r->count = option_number(state, "--count", arg, 1, UINT64_MAX);
		return 0;
	case 'f':
		r->follow = true;
		return 0;
	case 'd':
		r->drain = true;
		return 0;
	case 'l':
		r->newline = true;
		return 0;
	case 'r':
		r->raw = true;
		return 0;
	case ARGP_KEY_END:
		if (r->drain && r->follow)
			argp_error(state, "--drain does not wait and --follow does: choose one");
		return 0;
	default:
		return stream_option(key, arg, state, &r->stream);
	}
}

static const struct argp_option options[] = {
	{"count", 'n', "N", 0, "End after N messages", 0},
	{"drain", 'd', NULL, 0, "Take what is there and end; wait for nothing", 0},
	{"follow", 'f', NULL, 0, "Do not end when the producers have gone: wait for the next", 0},
	{"timeout", 't', "SECONDS", 0, "Give up, with exit code 4, when nothing has come for so long", 0},
	{"wait", 'w', NULL, 0, "If there is no such channel yet, wait for it", 0},
	{"newline", 'l', NULL, 0, "Write a newline after each message", 0},
	{"raw", 'r', NULL, 0, "From a token channel: 8 bytes a token instead of numbers in lines", 0},
	{"verbose", 'v', NULL, 0, "Say on standard error how much it was", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CHANNEL",
	.doc = "Write the messages of a channel to standard output, one behind the other, nothing added.\v"
	       "As with a FIFO, it waits for the first producer and ends when the last one has gone and everything "
	       "is read. A message of an spsc channel is given back only when it has been written: what could not be "
	       "written is there for the next consumer.",
};

/* ---- output --------------------------------------------------------------------------------- */

/* All of it, or -errno; -EINTR: a signal came. */
static int write_all(const unsigned char *from, size_t size)
{
	while (size) {
		ssize_t n;

		if (interrupt_poll(STDOUT_FILENO, POLLOUT, -1) == -EINTR)
			return -EINTR;
		n = write(STDOUT_FILENO, from, size);
		if (n < 0 && errno != EAGAIN && (errno != EINTR || interrupt_signal()))
			return -errno;
		if (n > 0) {
			from += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* What is shown again after a failure must not have been counted as taken: release comes last. */
static int flush(struct recv *r)
{
	int error = r->used ? write_all(r->buffer, r->used) : 0;

	if (error)
		return error;
	if (r->shown)
		r->stream.kind->release(&r->stream.end, r->shown);
	r->shown = 0;
	r->used = 0;
	return 0;
}

static int put(struct recv *r, const void *from, size_t size)
{
	int error = 0;

	if (size > r->room - r->used) {
		error = r->used ? write_all(r->buffer, r->used) : 0;
		r->used = 0;
	}
	if (error)
		return error;
	if (size > r->room)
		return write_all(from, size);
	if (size)
		memcpy(r->buffer + r->used, from, size);
	r->used += size;
	return 0;
}

static int put_token(struct recv *r, const void *payload)
{
	uint64_t value;
	char text[24];

	memcpy(&value, payload, sizeof(value));
	return put(r, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64 "\n", value));
}

static int take(struct recv *r, const void *payload, uint32_t len)
{
	bool number = r->stream.info.kind == RINGSHM_TOKEN && !r->raw;
	int error = number ? put_token(r, payload) : put(r, payload, len);

	if (!error && r->newline && !number)
		error = put(r, "\n", 1);
	if (r->stream.kind->keeps)
		r->shown++;
	else
		r->stream.kind->release(&r->stream.end, 1);
	r->messages++;
	r->bytes += len;
	r->seen = true;
	return error;
}

/* ---- the end -------------------------------------------------------------------------------- */

/*
 * Nothing has come for a while. Has the last producer gone? Only one that was seen, or came and went since
 * we are here; a kernel's cannot be seen. What it sent last may still be there: the caller looks once more.
 */
static int producers_have_gone(struct recv *r, bool *gone)
{
	struct ringshm_info info;
	int error = stream_look(&r->stream, &info);

	*gone = false;
	if (error)
		return report_library_failure(error);
	if (info.features & RINGSHM_F_KLANE)
		return EXIT_DONE;
	if (info.producers_ever != r->stream.info.producers_ever || info.producers)
		r->seen = true;
	*gone = !info.producers && r->seen && !r->follow;
	return EXIT_DONE;
}

/* The channel says that it has ended, but we wait for the next producer: only a new end finds that one. */
static int reopen(struct recv *r)
{
	int error;

	r->stream.kind->consumer_close(&r->stream.end);
	interrupt_rest(STREAM_SLICE_NS);
	error = r->stream.kind->consumer_open(&r->stream.end, r->stream.channel);
	if (error)
		memset(&r->stream.end, 0, sizeof(r->stream.end)); /* closing nothing is fine */
	return error ? report_library_failure(error) : EXIT_DONE;
}

enum step {
	GO_ON,
	FINISH
};

/* Nothing came in a slice of time: is that the end? */
static int idle(struct recv *r, enum step *step)
{
	const void *payload;
	uint32_t len;
	bool gone;
	int code;

	*step = FINISH;
	if (r->drain)
		return EXIT_DONE;
	code = producers_have_gone(r, &gone);
	if (code)
		return code;
	if (gone && r->stream.kind->show(&r->stream.end, 0, &payload, &len))
		return EXIT_DONE;
	if (gone) {
		int error = take(r, payload, len);

		if (error)
			return error;
	} else if (!stream_slice(&r->stream, r->idle_since)) {
		return stream_failure(&r->stream, -ETIMEDOUT);
	}
	*step = GO_ON;
	return EXIT_DONE;
}

/* The end has a status: nothing will come through it any more. */
static int ended(struct recv *r, int status, enum step *step)
{
	*step = FINISH;
	if (status == -EPIPE && !r->drain && (r->follow || !r->seen)) {
		if (!stream_slice(&r->stream, r->idle_since))
			return stream_failure(&r->stream, -ETIMEDOUT);
		*step = GO_ON;
		return reopen(r);
	}
	if (status == -EPIPE || (status == -ESHUTDOWN && r->seen))
		return EXIT_DONE;
	return stream_failure(&r->stream, status);
}

/* ---- the loop ------------------------------------------------------------------------------- */

/* As much as there is and fits. 0, or why no more: -EAGAIN, -ETIMEDOUT, a status. */
static int gather(struct recv *r, int *write_error)
{
	int64_t timeout = r->drain ? 0 : stream_slice(&r->stream, r->idle_since);
	int error = 0;

	*write_error = 0;
	while (!*write_error && r->used < BUFFER_BYTES && !(r->count && r->messages == r->count)) {
		const void *payload;
		uint32_t len;

		error = r->stream.kind->show(&r->stream.end, timeout, &payload, &len);
		if (error)
			break;
		timeout = 0;
		*write_error = take(r, payload, len);
	}
	return error;
}

static bool nothing_yet(int error)
{
	return error == -EAGAIN || error == -ETIMEDOUT || error == -EINTR;
}

static int cannot_write(const struct recv *r, int error)
{
	if (error == -EPIPE)
		interrupt_note_closed_pipe();
	if (interrupt_signal())
		return EXIT_FAILED;
	return report_failure("recv %s: write to standard output: %s", r->stream.name, strerror(-error));
}

static int receive(struct recv *r)
{
	enum step step = GO_ON;
	int code = EXIT_DONE;

	r->idle_since = report_now();
	while (step == GO_ON && code == EXIT_DONE && !interrupt_signal() && !(r->count && r->messages == r->count)) {
		uint64_t before = r->messages;
		int write_error, error = gather(r, &write_error);

		if (!write_error)
			write_error = flush(r);
		if (write_error)
			return cannot_write(r, write_error);
		if (r->messages != before)
			r->idle_since = report_now();
		else if (nothing_yet(error))
			code = idle(r, &step);
		else
			code = ended(r, error, &step);
		if (code < 0)
			return cannot_write(r, code);
	}
	return code;
}

static int open_end(struct recv *r)
{
	uint32_t largest = r->stream.info.max_payload;
	int error = r->stream.kind->consumer_open(&r->stream.end, r->stream.channel);

	if (error)
		return report_library_failure(error);
	r->seen = r->stream.info.producers;
	r->room = BUFFER_BYTES + (r->stream.kind->keeps ? 0 : largest) + 32;
	r->buffer = malloc(r->room);
	return r->buffer ? EXIT_DONE : report_failure("recv %s: no memory for a buffer", r->stream.name);
}

static int run(struct recv *r)
{
	int code = stream_open(&r->stream, RINGSHM_CONSUMER), error;

	if (code)
		return code < 0 ? EXIT_FAILED : code;
	code = open_end(r);
	if (code == EXIT_DONE)
		code = receive(r);
	error = code == EXIT_DONE && !interrupt_signal() ? flush(r) : 0;
	if (error)
		code = cannot_write(r, error);
	r->stream.kind->consumer_close(&r->stream.end);
	free(r->buffer);
	stream_sum_up(&r->stream, r->messages, r->bytes);
	return code;
}

int cmd_recv(int argc, char **argv)
{
	struct recv r = {.stream = {.verb = "recv", .timeout_ns = -1}};
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	interrupt_begin();
	code = run(&r);
	stream_close(&r.stream);
	return interrupt_end(code);
}
