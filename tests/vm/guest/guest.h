/* SPDX-License-Identifier: MIT */
/* What the tests that run inside the virtual machine share: registering, checking, regions. */
#ifndef GUEST_H
#define GUEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <ringshm/kmod.h>

#define MIB ((size_t)1 << 20)
#define BLOCK ((size_t)RINGSHM_KMOD_BLOCK)

/* One question a test; it answers by returning, or says what was wrong through CHECK. */
struct guest_test {
	const char *name;
	const char *file;
	void (*run)(void);
	unsigned int seconds;  /* limit, 0: the usual one */
	bool (*applies)(void); /* to this machine; NULL: to all */
	struct guest_test *next;
};

void guest_register(struct guest_test *test);

#define GUEST_TEST_IF(id, title, limit, when)                                                   \
	static void id(void);                                                                   \
	static struct guest_test id##_test = {                                                  \
		.name = title, .file = __FILE__, .run = id, .seconds = limit, .applies = when}; \
	__attribute__((constructor)) static void id##_register(void)                            \
	{                                                                                       \
		guest_register(&id##_test);                                                     \
	}                                                                                       \
	static void id(void)

#define GUEST_TEST(id, title) GUEST_TEST_IF(id, title, 0, NULL)
#define GUEST_TEST_LONG(id, title, limit) GUEST_TEST_IF(id, title, limit, NULL)

void guest_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4), noreturn));
void guest_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition)                                                  \
	do {                                                              \
		if (!(condition))                                         \
			guest_fail(__FILE__, __LINE__, "%s", #condition); \
	} while (0)

#define CHECK_EQ(a, b)                                                                               \
	do {                                                                                         \
		long long a_ = (long long)(a), b_ = (long long)(b);                                  \
		if (a_ != b_)                                                                        \
			guest_fail(__FILE__, __LINE__, "%s is %lld, not %s = %lld", #a, a_, #b, b_); \
	} while (0)

/* The call fails with this errno. */
#define CHECK_ERRNO(call, error)                                                                        \
	do {                                                                                            \
		errno = 0;                                                                              \
		if ((long)(call) != -1)                                                                 \
			guest_fail(__FILE__, __LINE__, "%s succeeded", #call);                          \
		if (errno != (error))                                                                   \
			guest_fail(__FILE__, __LINE__, "%s: %s, not %s", #call, strerrorname_np(errno), \
				   strerrorname_np(error));                                             \
	} while (0)

/* ---- regions -------------------------------------------------------------------------------- */

int device(void); /* /dev/ringshm, opened once */
void device_close(void);
void clean_up(void); /* what a failed test left: names, quotas */
struct ringshm_kmod_create create_arg(const char *name, size_t length);
int create(const char *name, size_t length);					/* blocks, local; fails the test */
int create_on(const char *name, size_t length, uint32_t flavour, int32_t node); /* -1 and errno */
int open_named(const char *name, uint32_t flags);				/* -1 and errno */
int unlink_named(const char *name);
unsigned int regions_named(void); /* how many there are of ours */
struct ringshm_kmod_info info_of(int region);
void *map(int region, size_t length); /* read and write, shared; fails the test */
int dup_region(int region, uint32_t flags);
int attach(int region, uint32_t *id);
int alive(int region, uint32_t id);
int wake(int region);
int set_eventfd(int region, int fd);

/* ---- processes and measures ----------------------------------------------------------------- */

/* Runs @body in a child; returns its exit status (0-255), or 1000 + signal. */
int in_child(int (*body)(void *), void *context);
pid_t spawn(int (*body)(void *), void *context);
int reap(pid_t pid);
void become(uid_t uid, gid_t gid); /* for good, without capabilities */
long faults(void);		   /* minor faults of this process so far */
uint64_t now_ns(void);
long read_number(const char *path);
void write_file(const char *path, const char *text);
int online_nodes(void);
long free_kib(void); /* after caches are drained */
void send_fd(int socket, int fd);
int receive_fd(int socket);
bool has_debugfs_line(const char *name);

#endif
