// SPDX-License-Identifier: MIT
/* program.c - running the telemetry program from a test, under a limit, with its words kept. */
#include "program.h"

#include "parse.h"
#include "procfs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16
#define STEP_MS 10

static char directory[] = "/dev/shm/telemetry-test.XXXXXX";

void sleep_ms(int ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

void channels_begin(void)
{
	cr_assert_not_null(mkdtemp(directory), "%s: %s", directory, strerror(errno));
	setenv("RINGSHM_DIR", directory, 1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void channels_remove(void)
{
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void channels_are_gone(void)
{
	cr_assert_eq(rmdir(directory), 0, "%s: channels are left: %s", directory, strerror(errno));
}

static int keep(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

void program_start(struct program *program, ...)
{
	const char *argv[ARGUMENTS_MAX + 2] = {TELEMETRY};
	va_list args;

	va_start(args, program);
	for (int i = 1; i <= ARGUMENTS_MAX && (argv[i] = va_arg(args, const char *)); i++)
		;
	va_end(args);
	program->out = keep("out");
	program->err = keep("err");
	program->pid = fork();
	cr_assert_geq(program->pid, 0);
	if (program->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
	dup2(program->out, STDOUT_FILENO);
	dup2(program->err, STDERR_FILENO);
	setpgid(0, 0);
	execv(argv[0], (char **)argv);
	_exit(127);
}

int program_wait(struct program *program, int seconds)
{
	int status;

	for (int waited = 0; waited < seconds * 1000; waited += STEP_MS) {
		if (waitpid(program->pid, &status, WNOHANG) == program->pid) {
			program->pid = 0;
			return status;
		}
		sleep_ms(STEP_MS);
	}
	kill(-program->pid, SIGKILL);
	waitpid(program->pid, &status, 0);
	cr_assert_fail("still running after %d s; it wrote:\n%s", seconds, program_text(program->err));
	return -1;
}

const char *program_text(int fd)
{
	static char text[1 << 20];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

void program_expect(const struct program *program, int fd, const char *what, int seconds)
{
	for (int waited = 0; waited < seconds * 1000; waited += STEP_MS) {
		if (strstr(program_text(fd), what))
			return;
		sleep_ms(STEP_MS);
	}
	kill(-program->pid, SIGKILL);
	cr_assert_fail("no \"%s\" in %d s, but:\n%s", what, seconds, program_text(fd));
}

static pid_t child_named(struct procfs *proc, pid_t parent, const char *comm)
{
	char path[32], name[TEL_NAME_MAX + 1];
	struct tel_process process;
	pid_t pid;

	procfs_rewind(proc);
	while (procfs_next(proc, &pid) > 0) {
		snprintf(path, sizeof(path), "%d/stat", (int)pid);
		if (!procfs_read(proc, path) && !tel_parse_process(proc->text, &process, name) &&
		    process.ppid == (uint32_t)parent && !strcmp(name, comm))
			return pid;
	}
	return 0;
}

pid_t program_child(const struct program *program, const char *comm, int seconds)
{
	struct procfs proc;
	pid_t pid = 0;

	cr_assert_eq(procfs_open(&proc, "/proc"), 0);
	for (int waited = 0; !pid && waited < seconds * 1000; waited += STEP_MS) {
		pid = child_named(&proc, program->pid, comm);
		if (!pid)
			sleep_ms(STEP_MS);
	}
	procfs_close(&proc);
	cr_assert_gt(pid, 0, "no child named %s", comm);
	return pid;
}

bool process_lives(pid_t pid)
{
	char path[32], name[TEL_NAME_MAX + 1];
	struct tel_process process;
	struct procfs proc;
	bool lives;

	cr_assert_eq(procfs_open(&proc, "/proc"), 0);
	snprintf(path, sizeof(path), "%d/stat", (int)pid);
	lives = !procfs_read(&proc, path) && !tel_parse_process(proc.text, &process, name) && process.state != 'Z';
	procfs_close(&proc);
	return lives;
}
