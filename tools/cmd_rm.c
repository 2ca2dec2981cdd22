// SPDX-License-Identifier: MIT
/* ringshm rm: remove channels. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "command.h"
#include "report.h"

struct rm {
	bool force;
	int first; /* index of the first name in argv */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct rm *rm = state->input;

	(void)arg;
	switch (key) {
	case 'f':
		rm->force = true;
		return 0;
	case ARGP_KEY_ARGS:
		rm->first = state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which channel? 'ringshm ls' lists them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"force", 'f', NULL, 0, "Do not mind a channel that does not exist", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CHANNEL...",
	.doc = "Remove channels by name. Who is still attached keeps the memory until it closes, and is told "
	       "-ESTALE at its next attempt to send, or when it has read what there was.",
};

int cmd_rm(int argc, char **argv)
{
	struct rm rm = {0};
	int code = EXIT_DONE;

	argp_parse(&argp, argc, argv, 0, NULL, &rm);
	for (int i = rm.first; i < argc; i++) {
		int error = ringshm_unlink(argv[i]);

		if (error && !(rm.force && error == -ENOENT))
			code = report_library_failure(error);
	}
	return code;
}
