// SPDX-License-Identifier: MIT
/* ringshm send: standard input to a channel, by lines or as it comes. */
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

struct send {
	struct stream stream;
	bool raw;
	bool chomp;
	bool whole;
	uint32_t size; /* raw: bytes a message; 0: as they come */

	uint64_t line;	 /* lines begun */
	uint64_t pieces; /* lines sent in several messages */
	uint64_t messages;
	uint64_t bytes;

	unsigned char *buffer;
	size_t room;
	size_t begin; /* of what is not sent yet */
	size_t end;
	bool in_line; /* a piece of the line at `begin` was sent already */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct send *s = state->input;

	switch (key) {
	case 'r':
		s->raw = true;
		return 0;
	case 's':
		s->size = (uint32_t)option_number(state, "--size", arg, 1, RINGSHM_RECORD_LENGTH_MAX);
		s->raw = true;
		return 0;
	case 'c':
		s->chomp = true;
		return 0;
	case 'W':
		s->whole = true;
		return 0;
	case ARGP_KEY_END:
		if (s->raw && (s->chomp || s->whole))
			argp_error(state, "--chomp and --whole are about lines, --raw and --size do without");
		return 0;
	default:
		return stream_option(key, arg, state, &s->stream);
	}
}

static const struct argp_option options[] = {
	{"raw", 'r', NULL, 0, "Send the input as it comes, not line by line", 0},
	{"size", 's', "BYTES", 0, "Send the input in messages of so many bytes; the last may be shorter", 0},
	{"chomp", 'c', NULL, 0, "Leave the newline out of the message", 0},
	{"whole", 'W', NULL, 0, "End at a line that does not fit one message, instead of sending it in pieces", 0},
	{"timeout", 't', "SECONDS", 0, "Give up, with exit code 4, after waiting for so long", 0},
	{"wait", 'w', NULL, 0, "Wait until the channel and a consumer of it are there", 0},
	{"verbose", 'v', NULL, 0, "Say on standard error how much it was", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CHANNEL",
	.doc = "Send standard input to a channel: each line with its newline is a message. Waits while the channel is "
	       "full.\v"
	       "A line longer than the largest message goes in pieces, and that is said at the end. To a token channel "
	       "go numbers, one a line, from 1 to 2^64-1; with --raw, words of 8 bytes that are not 0.",
};

/* ---- one message ---------------------------------------------------------------------------- */

/* 0, a status, -ETIMEDOUT, or -EINTR when a signal came. */
static int push(struct send *s, const void *payload, uint32_t len)
{
	int64_t since = report_now();
	int error;

	do {
		int64_t slice = stream_slice(&s->stream, since);

		if (interrupt_signal())
			return -EINTR;
		error = s->stream.kind->send(&s->stream.end, payload, len, slice);
		if (error == -EAGAIN && !slice)
			return -ETIMEDOUT;
	} while (error == -EAGAIN || error == -ETIMEDOUT || error == -EINTR);
	if (error)
		return error;
	s->messages++;
	s->bytes += len;
	return 0;
}

static int push_failed(const struct send *s, int error)
{
	int code;

	if (error == -EINTR)
		return EXIT_FAILED; /* main dies by the signal */
	code = stream_failure(&s->stream, error);
	fprintf(stderr, "ringshm: send %s: %" PRIu64 " messages were sent, the rest of the input was not\n",
		s->stream.name, s->messages);
	return code;
}

static int send_bytes(struct send *s, const void *payload, size_t len)
{
	int error = push(s, payload, (uint32_t)len);

	return error ? push_failed(s, error) : EXIT_DONE;
}

/* A number in a line; spaces around it do not matter. */
static int parse_token(const char *text, uint64_t *value)
{
	char *end;

	text += strspn(text, " \t");
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 0);
	end += strspn(end, " \t\r\n");
	return errno || *end || !*value ? -EINVAL : 0;
}

static int send_token_line(struct send *s, const unsigned char *line, size_t len)
{
	char text[64];
	uint64_t value;

	snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text) - 1), (const char *)line);
	if (len >= sizeof(text) || parse_token(text, &value)) {
		text[strcspn(text, "\r\n")] = 0;
		return report_failure("send %s: line %" PRIu64 ": '%s' is not a number from 1 to 2^64-1",
				      s->stream.name, s->line, text);
	}
	return send_bytes(s, &value, sizeof(value));
}

static int send_token_word(struct send *s, const unsigned char *word)
{
	uint64_t value;

	memcpy(&value, word, sizeof(value));
	if (!value)
		return report_failure("send %s: word %" PRIu64 " of the input is 0, which no token can be",
				      s->stream.name, s->messages + 1);
	return send_bytes(s, &value, sizeof(value));
}

/* ---- the input cut into messages ------------------------------------------------------------ */

static bool is_token(const struct send *s)
{
	return s->stream.info.kind == RINGSHM_TOKEN;
}

static int too_long(const struct send *s)
{
	return report_failure("send %s: line %" PRIu64 " does not fit the largest message, %u bytes; leave out --whole "
			      "to send such lines in pieces",
			      s->stream.name, s->line, s->stream.info.max_payload);
}

/* `len` bytes at `begin`, which end a line or, `more`, do not. */
static int send_line(struct send *s, size_t len, bool more)
{
	const unsigned char *line = s->buffer + s->begin;
	bool newline = !more && len && line[len - 1] == '\n';

	if (!s->in_line)
		s->line++;
	if (more && s->whole)
		return too_long(s);
	s->pieces += more && !s->in_line;
	s->begin += len;
	s->in_line = more;
	if (is_token(s))
		return send_token_line(s, line, len);
	return send_bytes(s, line, len - (newline && s->chomp));
}

/* Longest piece of a line that one message takes, its newline included. */
static size_t longest(const struct send *s)
{
	return is_token(s) ? 64 : s->stream.info.max_payload;
}

/* Where the first line in the buffer ends, or 0 when that cannot be said yet. */
static size_t line_length(const struct send *s, bool at_end, bool *more)
{
	size_t there = s->end - s->begin, most = longest(s), look;
	const unsigned char *line = s->buffer + s->begin, *newline;

	look = there < most + s->chomp ? there : most + s->chomp;
	newline = look ? memchr(line, '\n', look) : NULL;
	*more = !newline && there > most;
	if (newline)
		return (size_t)(newline - line) + 1;
	if (*more)
		return most;
	return at_end ? there : 0;
}

static int send_lines(struct send *s, bool at_end)
{
	int code = EXIT_DONE;
	size_t len;
	bool more;

	while (code == EXIT_DONE && (len = line_length(s, at_end, &more)))
		code = send_line(s, len, more);
	return code;
}

static int send_words(struct send *s, bool at_end)
{
	int code = EXIT_DONE;

	for (; code == EXIT_DONE && s->end - s->begin >= sizeof(uint64_t); s->begin += sizeof(uint64_t))
		code = send_token_word(s, s->buffer + s->begin);
	if (code == EXIT_DONE && at_end && s->begin != s->end)
		return report_failure("send %s: the input ends within a word of 8 bytes", s->stream.name);
	return code;
}

static int send_raw(struct send *s, bool at_end)
{
	size_t most = s->size ? s->size : s->stream.info.max_payload;
	int code = EXIT_DONE;

	while (code == EXIT_DONE && s->begin < s->end) {
		size_t len = s->end - s->begin;

		if (len < most && s->size && !at_end)
			break;
		len = len < most ? len : most;
		code = send_bytes(s, s->buffer + s->begin, len);
		s->begin += len;
	}
	return code;
}

static int send_buffer(struct send *s, bool at_end)
{
	if (!s->raw)
		return send_lines(s, at_end);
	return is_token(s) ? send_words(s, at_end) : send_raw(s, at_end);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Room behind what is there: moved to the front, and more of it while no message is complete. */
static int make_room(struct send *s)
{
	unsigned char *grown;

	memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
	s->end -= s->begin;
	s->begin = 0;
	if (s->end < s->room)
		return EXIT_DONE;
	grown = realloc(s->buffer, 2 * s->room);
	if (!grown)
		return report_failure("send %s: no memory for a message of more than %zu bytes", s->stream.name,
				      s->room);
	s->buffer = grown;
	s->room *= 2;
	return EXIT_DONE;
}

/* What has come, at least a byte; *at_end when there is no more. */
static int fill(struct send *s, bool *at_end)
{
	ssize_t n;

	do {
		if (interrupt_poll(STDIN_FILENO, POLLIN, -1) == -EINTR)
			return EXIT_FAILED; /* main dies by the signal */
		n = read(STDIN_FILENO, s->buffer + s->end, s->room - s->end);
	} while (n < 0 && (errno == EAGAIN || (errno == EINTR && !interrupt_signal())));
	if (n < 0)
		return interrupt_signal() ? EXIT_FAILED : report_failure("read standard input: %m");
	s->end += (size_t)n;
	*at_end = !n;
	return EXIT_DONE;
}

static int send_all(struct send *s)
{
	bool at_end = false;
	int code = EXIT_DONE;

	while (code == EXIT_DONE && !at_end) {
		code = make_room(s);
		if (code == EXIT_DONE)
			code = fill(s, &at_end);
		if (code == EXIT_DONE)
			code = send_buffer(s, at_end);
	}
	return code;
}

/* ---- all ------------------------------------------------------------------------------------ */

static int wait_for_consumer(const struct send *s)
{
	int64_t since = report_now(), rest;
	struct ringshm_info info;
	int error;

	for (;;) {
		error = stream_look(&s->stream, &info);
		if (error)
			return report_library_failure(error);
		if (info.consumers)
			return EXIT_DONE;
		if (info.state & RINGSHM_STATE_SUPERSEDED)
			return stream_failure(&s->stream, -ESTALE);
		if (interrupt_signal())
			return EXIT_FAILED;
		rest = stream_slice(&s->stream, since);
		if (!rest) {
			report_failure("send %s: no consumer came in time", s->stream.name);
			return EXIT_TIMED_OUT;
		}
		interrupt_rest(rest);
	}
}

static int check_size(const struct send *s)
{
	if (s->size > s->stream.info.max_payload)
		return report_failure("send %s: --size %u is more than the largest message, %u bytes", s->stream.name,
				      s->size, s->stream.info.max_payload);
	if (is_token(s) && s->size && s->size != sizeof(uint64_t))
		return report_failure("send %s: a token has 8 bytes, not %u", s->stream.name, s->size);
	return EXIT_DONE;
}

static int open_end(struct send *s)
{
	int code = check_size(s), error;

	s->room = BUFFER_BYTES;
	s->buffer = malloc(s->room);
	if (!s->buffer)
		return report_failure("send %s: no memory for a buffer", s->stream.name);
	if (code != EXIT_DONE)
		return code;
	error = s->stream.kind->producer_open(&s->stream.end, s->stream.channel);
	return error ? report_library_failure(error) : EXIT_DONE;
}

static void sum_up(const struct send *s)
{
	if (s->pieces && !is_token(s))
		fprintf(stderr,
			"ringshm: send %s: %" PRIu64 " lines were longer than the largest message (%u bytes) and went "
			"in pieces\n",
			s->stream.name, s->pieces, s->stream.info.max_payload);
	stream_sum_up(&s->stream, s->messages, s->bytes);
}

static int run(struct send *s)
{
	int code = stream_open(&s->stream, RINGSHM_PRODUCER);

	if (code)
		return code < 0 ? EXIT_FAILED : code;
	code = open_end(s);
	if (code == EXIT_DONE && s->stream.wait)
		code = wait_for_consumer(s);
	if (code == EXIT_DONE)
		code = send_all(s);
	s->stream.kind->producer_close(&s->stream.end);
	free(s->buffer);
	sum_up(s);
	return code;
}

int cmd_send(int argc, char **argv)
{
	struct send s = {.stream = {.verb = "send", .timeout_ns = -1}};
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	interrupt_begin();
	code = run(&s);
	stream_close(&s.stream);
	return interrupt_end(code);
}
