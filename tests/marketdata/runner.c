// SPDX-License-Identifier: MIT
/* fork, exec, poll: what popen() does not offer is a limit and both outputs. */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void child(const char *name, const char *const *args, int out, int err)
{
	const char *argv[16];
	char path[512];
	size_t n = 1;

	snprintf(path, sizeof(path), "%s/%s", MD_PROGRAMS, name);
	argv[0] = name;
	while (*args && n < 15)
		argv[n++] = *args++;
	argv[n] = NULL;
	dup2(out, 1);
	dup2(err, 2);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	execv(path, (char *const *)argv);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

void run_start(struct run *run, const char *name, const char *const *args)
{
	int out[2], err[2];

	memset(run, 0, sizeof(*run));
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		abort();
	run->pid = fork();
	if (run->pid < 0)
		abort();
	if (run->pid == 0)
		child(name, args, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	run->out = out[0];
	run->err = err[0];
}

/* Appends what can be read; closes at the end, or when the text is full. */
static void take(int *fd, char *text, size_t size)
{
	size_t len = strlen(text);
	ssize_t n = read(*fd, text + len, size - 1 - len);

	if (n > 0) {
		text[len + (size_t)n] = '\0';
		return;
	}
	close(*fd);
	*fd = -1;
}

static bool late(time_t deadline)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec >= deadline;
}

/* True when both outputs ended in time. */
static bool collect(struct run *run)
{
	struct timespec ts;
	time_t deadline;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	deadline = ts.tv_sec + RUN_LIMIT_S;
	while (run->out >= 0 || run->err >= 0) {
		struct pollfd fds[2] = {{.fd = run->out, .events = POLLIN}, {.fd = run->err, .events = POLLIN}};

		if (late(deadline))
			return false;
		poll(fds, 2, 100);
		if (fds[0].revents)
			take(&run->out, run->stdout_text, sizeof(run->stdout_text));
		if (fds[1].revents)
			take(&run->err, run->stderr_text, sizeof(run->stderr_text));
	}
	return true;
}

void run_finish(struct run *run)
{
	bool in_time = collect(run);
	int wstatus = 0;

	if (!in_time)
		kill(run->pid, SIGKILL);
	waitpid(run->pid, &wstatus, 0);
	run->status = WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
	if (!in_time)
		run->status = -1;
	run->json = json_loads(run->stdout_text, 0, NULL);
}

void run_free(struct run *run)
{
	if (run->out >= 0)
		close(run->out);
	if (run->err >= 0)
		close(run->err);
	json_decref(run->json);
}

void run_program(struct run *run, const char *name, const char *const *args)
{
	run_start(run, name, args);
	run_finish(run);
}

long long figure(const struct run *run, const char *name)
{
	const json_t *value = json_object_get(run->json, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

const char *real_capture(void)
{
	const char *named = getenv("RINGSHM_CAPTURE");
	static char path[512];

	snprintf(path, sizeof(path), "%s/../shared/data/iex/TOPS16.pcap.gz", MD_SOURCE);
	if (named && *named)
		return named;
	return access(path, R_OK) == 0 ? path : NULL;
}
