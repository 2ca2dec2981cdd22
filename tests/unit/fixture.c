// SPDX-License-Identifier: MIT
// What the unit tests share.
#include "fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char scratch[PATH_MAX];

/* Inside the directory that the check looks through for what tests leave behind, if there is one. */
void scratch_make(void)
{
	const char *base = getenv("RINGSHM_DIR");

	snprintf(scratch, sizeof(scratch), "%s/unit.XXXXXX", base && !access(base, W_OK) ? base : "/dev/shm");
	cr_assert_not_null(mkdtemp(scratch), "%s: %s", scratch, strerror(errno));
	setenv("RINGSHM_DIR", scratch, 1);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status, (void)kind, (void)place;
	return remove(path);
}

void scratch_remove(void)
{
	nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

const char *scratch_path(void)
{
	return scratch;
}

const char *path_of(const char *channel, const char *file)
{
	static char path[PATH_MAX + 256];

	snprintf(path, sizeof(path), "%s/%s%s%s", scratch, channel, file ? "/" : "", file ? file : "");
	return path;
}

int count_entries(void)
{
	DIR *directory = opendir(scratch);
	struct dirent *entry;
	int count = 0;

	cr_assert_not_null(directory);
	while ((entry = readdir(directory)))
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(directory);
	return count;
}

struct ringshm_config small_config(void)
{
	struct ringshm_config config;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 4096;
	return config;
}

struct ringshm *make_channel(const char *name, uint64_t features)
{
	struct ringshm_config config = small_config();
	struct ringshm *channel = NULL;

	config.features = features;
	cr_assert_eq(ringshm_create(&channel, name, &config), 0, "%s", ringshm_last_error());
	return channel;
}

struct ringshm *make_anonymous(uint64_t features)
{
	return make_channel(NULL, features);
}

void open_ends(struct ends *ends, struct ringshm *channel)
{
	ends->channel = channel;
	cr_assert_eq(ringshm_spsc_producer_open(&ends->p, channel), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_spsc_consumer_open(&ends->c, channel), 0, "%s", ringshm_last_error());
}

void close_ends(struct ends *ends)
{
	ringshm_spsc_producer_close(&ends->p);
	ringshm_spsc_consumer_close(&ends->c);
	ringshm_close(ends->channel);
	memset(ends, 0, sizeof(*ends));
}

void expect_failure(int result, int error, const char *const *words, const char *call, int line)
{
	const char *sentence = ringshm_last_error();

	cr_expect_eq(result, -error, "line %d: %s gave %d (%s), not -%s; it says: %s", line, call, result,
		     strerror(result < 0 ? -result : 0), strerrorname_np(error), sentence);
	for (; *words && result == -error; words++)
		cr_expect(strcasestr(sentence, *words), "line %d: %s says nothing of '%s': %s", line, call, *words,
			  sentence);
}

pid_t start_child(int (*function)(void *), void *argument)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child)
		_exit(function(argument));
	cr_assert_gt(child, 0, "fork: %s", strerror(errno));
	return child;
}

int end_of(pid_t child)
{
	uint64_t began = now_ns();
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (now_ns() - began > 20 * (uint64_t)SECOND) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return -1000;
		}
		sleep_ns(MS / 5);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int in_child(int (*function)(void *), void *argument)
{
	return end_of(start_child(function, argument));
}

int wrong(int line, const char *what)
{
	fprintf(stderr, "child: line %d: not so: %s; last error: %s\n", line, what, ringshm_last_error());
	return line % 255 + 1;
}

static sigjmp_buf back;

static void on_fault(int signal)
{
	siglongjmp(back, signal);
}

bool write_faults(volatile void *address)
{
	struct sigaction action = {.sa_handler = on_fault}, segv, bus;
	volatile unsigned char *byte = (volatile unsigned char *)address;
	bool faulted = true;

	sigaction(SIGSEGV, &action, &segv);
	sigaction(SIGBUS, &action, &bus);
	if (!sigsetjmp(back, 1)) {
		*byte = *byte;
		faulted = false;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return faulted;
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void sleep_ns(int64_t ns)
{
	struct timespec rest = {.tv_sec = ns / SECOND, .tv_nsec = (long)(ns % SECOND)};

	nanosleep(&rest, NULL);
}

bool am_root(void)
{
	return geteuid() == 0;
}
