// SPDX-License-Identifier: MIT
/* workers: a job queue whose workers may be killed at any moment; its jobs compress a file, block by block. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>

#include "roles.h"

enum {
	KEY_CARELESS = 0x100
};

static const struct argp_option argp_options[] = {
	{0, 0, 0, 0, "The submitter:", 1},
	{"submit", 's', "QUEUE", 0, "Create the queue QUEUE, send the blocks of FILE, collect what comes back", 0},
	{"output", 'o', "FILE.gz", 0, "Where the compressed file goes", 0},
	{"block", 'b', "KIB", 0, "Size of a block, 1 to 8192 KiB (default 64)", 0},
	{"patience", 'p', "SECONDS", 0, "Give up after so long without a result (default 30)", 0},
	{0, 0, 0, 0, "A worker:", 2},
	{"work", 'w', "QUEUE", 0, "Work for the queue QUEUE until everything is done", 0},
	{"level", 'l', "1-9", 0, "How hard to compress (default 6)", 0},
	{"careless", KEY_CARELESS, "N", 0, "Throw every Nth job away, to see that the books notice", 0},
	{0},
};

static uint32_t number(const char *text, uint32_t most, struct argp_state *state)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || !n || n > most)
		argp_error(state, "'%s' is not a number from 1 to %u", text, most);
	return (uint32_t)n;
}

static void check(const struct options *options, struct argp_state *state)
{
	if (!options->work == !options->submit)
		argp_error(state, "give one of --submit=QUEUE and --work=QUEUE");
	else if (options->submit && (!options->input || !options->output))
		argp_error(state, "a submitter needs a FILE and --output=FILE.gz");
	else if (options->work && (options->input || options->output))
		argp_error(state, "a worker gets its blocks from the queue, and needs no file");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = (struct options *)state->input;

	switch (key) {
	case 's':
		options->submit = argument;
		return 0;
	case 'w':
		options->work = argument;
		return 0;
	case 'o':
		options->output = argument;
		return 0;
	case 'b':
		options->block = number(argument, 8192, state) * 1024;
		return 0;
	case 'p':
		options->patience = number(argument, 86400, state);
		return 0;
	case 'l':
		options->level = number(argument, 9, state);
		return 0;
	case KEY_CARELESS:
		options->careless = number(argument, 1000000, state);
		return 0;
	case ARGP_KEY_ARG:
		if (options->input)
			argp_error(state, "one FILE at a time; '%s' is one too many", argument);
		options->input = argument;
		return 0;
	case ARGP_KEY_END:
		check(options, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	const struct argp argp = {
		argp_options,
		parse,
		"--submit=QUEUE --output=FILE.gz FILE\n--work=QUEUE",
		"A job queue over two mpmc rings: one process sends the blocks of a file, any number of "
		"workers compress them, and may be killed at any moment.",
		NULL,
		NULL,
		NULL};
	struct options options = {.block = 65536, .level = 6, .patience = 30};

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	return options.work ? run_worker(&options) : run_submitter(&options);
}
