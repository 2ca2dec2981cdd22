// SPDX-License-Identifier: MIT
/* ringshm: make, use, look at, remove and measure channels. Finds the subcommand; each has its own file. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ringshm/ringshm.h>

#include "command.h"
#include "report.h"

static const struct command commands[] = {
	{"create", "make a channel", cmd_create},
	{"gc", "remove what belongs to the dead", cmd_gc},
	{"info", "show what this machine offers channels, and what to mend", cmd_info},
	{"ls", "list the channels of this machine", cmd_ls},
	{"maps", "show who maps a channel, where, with which pages", cmd_maps},
	{"ping", "measure round trips between two processes", cmd_ping},
	{"recv", "write the messages of a channel to standard output", cmd_recv},
	{"rm", "remove channels", cmd_rm},
	{"send", "send standard input to a channel", cmd_send},
	{"stat", "show everything about one channel", cmd_stat},
};

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void print_version(FILE *out, struct argp_state *state)
{
	(void)state;
	fprintf(out, "ringshm %s\n", ringshm_version());
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* The list of commands goes between the usage line and the options, exit codes after them. */
static char *help_filter(int key, const char *text, void *input)
{
	char *all = NULL;
	size_t size;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_PRE_DOC)
		return (char *)(uintptr_t)text;
	out = open_memstream(&all, &size);
	if (!out)
		return (char *)(uintptr_t)text;
	fprintf(out, "%s\n\nCommands:\n", text);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fclose(out);
	return all;
}

struct choice {
	const struct command *command;
	int argc;
	char **argv;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		choice->command = find(arg);
		if (!choice->command)
			argp_error(state, "there is no command '%s'", arg);
		choice->argc = state->argc - state->next + 1;
		choice->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Make shared-memory channels on this machine, use them, look at them, remove them, measure them."
	       "\v'ringshm COMMAND --help' explains one command.\n\n"
	       "Exit codes: 0 done; 1 failed, and standard error says why; 2 wrong usage; "
	       "3 no channel of that name; 4 timed out.\n\n"
	       "Channels live in $RINGSHM_DIR, or else in /dev/shm/ringshm.",
	.help_filter = help_filter,
};

/*
 * Who closes a standard stream would have its number given to a file of a channel, and messages or JSON go there.
 * Opened the wrong way round, so that using it is an error and says so.
 */
static void keep_standard_streams(void)
{
	static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", flags[fd]) != fd)
			_exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
	struct choice choice = {0};
	char name[64];

	keep_standard_streams();
	argp_err_exit_status = EXIT_USAGE;
	argp_program_version_hook = print_version;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice);
	snprintf(name, sizeof(name), "ringshm %s", choice.command->name);
	choice.argv[0] = name;
	if (ringshm_guard()) /* whoever may write a channel's files may also cut them short under us */
		return report_library_failure(0);
	return choice.command->run(choice.argc, choice.argv);
}
