/* SPDX-License-Identifier: MIT */
/* The subcommands of `ringshm`, and the exit codes that they share. */
#ifndef RINGSHM_TOOLS_COMMAND_H
#define RINGSHM_TOOLS_COMMAND_H

/* What the command exits with; `ringshm --help` and ringshm(1) list these. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,     /* the sentence on standard error says what and why */
	EXIT_USAGE = 2,	     /* a wrong option or argument */
	EXIT_NO_CHANNEL = 3, /* no channel of that name */
	EXIT_TIMED_OUT = 4,  /* the other side did not come in time */
};

struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv); /* argv[0] is "ringshm NAME"; returns an exit code */
};

int cmd_create(int argc, char **argv);
int cmd_gc(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_maps(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_recv(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_stat(int argc, char **argv);

#endif /* RINGSHM_TOOLS_COMMAND_H */
