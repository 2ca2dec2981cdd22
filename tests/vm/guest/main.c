/* SPDX-License-Identifier: MIT */
/* Runs the tests of the virtual machine, each in a child of its own under a limit, and prints TAP. */
#include "guest.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#define USUAL_SECONDS 40

static struct guest_test *first, **last = &first;
static int count;

void guest_register(struct guest_test *test)
{
	*last = test;
	last = &test->next;
	count++;
}

void guest_note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("# ");
	vprintf(format, arguments);
	printf("\n");
	fflush(stdout);
	va_end(arguments);
}

void guest_fail(const char *file, int line, const char *format, ...)
{
	const char *slash = strrchr(file, '/');
	va_list arguments;

	va_start(arguments, format);
	printf("# %s:%d: ", slash ? slash + 1 : file, line);
	vprintf(format, arguments);
	printf("\n");
	fflush(stdout);
	va_end(arguments);
	_exit(1);
}

/* A debug kernel is several times slower. */
static unsigned int limit_of(const struct guest_test *test)
{
	const char *patience = getenv("GUEST_PATIENCE");
	int factor = patience ? atoi(patience) : 1;

	return (test->seconds ? test->seconds : USUAL_SECONDS) * (unsigned int)(factor > 0 ? factor : 1);
}

static int run_one(const struct guest_test *test)
{
	unsigned int limit = limit_of(test);
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		alarm(limit);
		test->run();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL); /* what the test left running */
	while (waitpid(-pid, NULL, 0) > 0)
		;
	clean_up();
	if (WIFSIGNALED(status))
		guest_note("ended by signal %d%s", WTERMSIG(status),
			   WTERMSIG(status) == SIGALRM ? ": out of time" : "");
	return status;
}

/* guest [WORD]: only tests whose file or name contains the word. */
static bool wanted(const struct guest_test *test, const char *word)
{
	return !word || strstr(test->file, word) || strstr(test->name, word);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	int number = 0, bad = 0;
	struct guest_test *test;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (test = first; test; test = test->next) {
		uint64_t began = now_ns();

		if (!wanted(test, word) || (test->applies && !test->applies()))
			continue;
		number++;
		if (run_one(test)) {
			bad++;
			printf("not ok %d - %s\n", number, test->name);
			continue;
		}
		printf("ok %d - %s (%llu ms)\n", number, test->name,
		       (unsigned long long)((now_ns() - began) / 1000000));
	}
	clean_up(); /* also what others left, when no test is asked for */
	printf("1..%d\n", number);
	return bad != 0;
}
