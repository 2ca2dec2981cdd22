/* SPDX-License-Identifier: MIT */
/* Children, users, clocks and files for tests. */
#include "guest.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

pid_t spawn(int (*body)(void *), void *context)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		_exit(body(context));
	return pid;
}

int reap(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

int in_child(int (*body)(void *), void *context)
{
	return reap(spawn(body, context));
}

void become(uid_t uid, gid_t gid)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(gid, gid, gid), 0);
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		guest_fail(__FILE__, __LINE__, "writing %s to %s: %s", text, path, strerror(errno));
	close(fd);
}

int online_nodes(void)
{
	char path[64];
	int node;

	for (node = 0; node < 64; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
		if (access(path, F_OK))
			break;
	}
	return node;
}

/* Free pages of all zones, those on the CPUs' own lists too: these hold whole 2 MiB blocks. */
static long free_pages(void)
{
	FILE *file = fopen("/proc/zoneinfo", "r");
	long sum = 0, pages;
	char line[256];

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "  pages free %ld", &pages) == 1 || sscanf(line, " count: %ld", &pages) == 1)
			sum += pages;
	fclose(file);
	return sum;
}

long free_kib(void)
{
	sync();
	write_file("/proc/sys/vm/drop_caches", "3");
	return free_pages() * 4;
}

void send_fd(int socket, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = {0}, byte = 'f';
	struct iovec data = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	CHECK_EQ(sendmsg(socket, &message, 0), 1);
}

int receive_fd(int socket)
{
	char space[CMSG_SPACE(sizeof(int))] = {0}, byte;
	struct iovec data = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
	int fd;

	CHECK_EQ(recvmsg(socket, &message, 0), 1);
	CHECK(CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

/* A line of the module's listing begins with this name. */
bool has_debugfs_line(const char *name)
{
	FILE *file = fopen("/sys/kernel/debug/ringshm/regions", "r");
	char line[512];
	bool found = false;

	CHECK(file);
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, name, strlen(name)) && line[strlen(name)] == ' ';
	fclose(file);
	return found;
}
