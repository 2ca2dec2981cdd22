/* SPDX-License-Identifier: MIT */
/* Children for test programs: started together, given orders, and always accounted for. */
#ifndef RINGSHM_TESTS_PROCESSES_H
#define RINGSHM_TESTS_PROCESSES_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline void rest_ns(uint64_t ns)
{
	struct timespec rest = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	nanosleep(&rest, NULL);
}

/* Zeroed memory that children share. */
static inline void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

/* The child ends with what `body` returns, and at the latest with its parent. */
static inline pid_t start(int (*body)(void *), void *argument)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		perror("fork");
		exit(1);
	}
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(body(argument));
	}
	return child;
}

/* Exit status, or -signal. */
static inline int end_of(pid_t child)
{
	int status = 0;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void kill_now(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* A place where `of` processes wait for each other; false when the others do not come in 20 s. */
struct meeting {
	uint32_t of;
	uint32_t come;
	uint32_t round;
};

static inline bool meet(struct meeting *m)
{
	uint32_t round = __atomic_load_n(&m->round, __ATOMIC_ACQUIRE);
	uint64_t began = now_ns();

	if (__atomic_add_fetch(&m->come, 1, __ATOMIC_ACQ_REL) == m->of) {
		__atomic_store_n(&m->come, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&m->round, round + 1, __ATOMIC_RELEASE);
		return true;
	}
	while (__atomic_load_n(&m->round, __ATOMIC_ACQUIRE) == round) {
		if (now_ns() - began > UINT64_C(20000000000))
			return false;
		rest_ns(20000);
	}
	return true;
}

/* A directory of channels for this program alone; false when it cannot be made. */
static inline bool private_directory(char path[static 256])
{
	const char *base = getenv("RINGSHM_DIR");

	snprintf(path, 256, "%s/test.XXXXXX", base && !access(base, W_OK) ? base : "/dev/shm");
	return mkdtemp(path) && !setenv("RINGSHM_DIR", path, 1);
}

#endif
