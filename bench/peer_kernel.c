// SPDX-License-Identifier: MIT
/* Candidates: what the kernel offers, a pipe and a Unix socket, both blocking as people use them. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer_loops.h"

#define PIPE_BYTES (1 << 20) /* what an ordinary user may ask for */

static int create_pipe(struct peer_lane *lane, const struct peer_shape *shape)
{
	uint64_t bytes = shape->bytes < PIPE_BYTES ? shape->bytes : PIPE_BYTES;

	if (pipe2(lane->fd, O_CLOEXEC))
		return -errno;
	fcntl(lane->fd[1], F_SETPIPE_SZ, (int)bytes); /* or it keeps 64 KiB */
	return 0;
}

static int create_unix(struct peer_lane *lane, const struct peer_shape *shape)
{
	int bytes = shape->bytes < PIPE_BYTES ? (int)shape->bytes : PIPE_BYTES;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	lane->fd[0] = sockets[0];
	lane->fd[1] = sockets[1];
	setsockopt(sockets[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)); /* or the system's most */
	return 0;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void destroy(struct peer_lane *lane)
{
	shut(&lane->fd[0]);
	shut(&lane->fd[1]);
}

/* Each process keeps its own end of a lane alone, so that the other's death ends reads and writes. */
static int open_ends(struct peer_side *s, struct peer_lane *out, struct peer_lane *in)
{
	signal(SIGPIPE, SIG_IGN);
	if (out)
		shut(&out->fd[0]);
	if (in)
		shut(&in->fd[1]);
	s->out = out;
	s->in = in;
	return 0;
}

static void close_ends(struct peer_side *s)
{
	s->out = s->in = NULL;
}

/* Waits for the descriptor, so that a peer which never comes is noticed by the deadline. */
static int wait_for(const struct peer_side *s, int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	uint64_t now = floor_now_ns();
	int left = now < s->deadline_ns ? (int)((s->deadline_ns - now) / 1000000 + 1) : 0;

	return poll(&p, 1, left) > 0 ? 0 : -ETIMEDOUT;
}

/* Blocking, whole: one call where the kernel takes it in one. */
static int send_one(struct peer_side *s, uint64_t *message)
{
	int fd = ((struct peer_lane *)s->out)->fd[1];
	const char *at = (const char *)message;

	for (size_t left = s->size; left;) {
		ssize_t n = write(fd, at, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int receive_one(struct peer_side *s, uint64_t *message)
{
	int fd = ((struct peer_lane *)s->in)->fd[0];
	char *at = (char *)message;

	for (size_t left = s->size; left;) {
		ssize_t n = read(fd, at, left);

		if (!n || (n < 0 && errno != EINTR))
			return n ? -errno : -EPIPE;
		at += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int ready_to_send(struct peer_side *s)
{
	return wait_for(s, ((struct peer_lane *)s->out)->fd[1], POLLOUT);
}

static int ready_to_receive(struct peer_side *s)
{
	return wait_for(s, ((struct peer_lane *)s->in)->fd[0], POLLIN);
}

/* The first message of a run waits with a deadline; the others follow, or the other side dies. */
static int produce(struct peer_side *s, uint64_t n)
{
	int error = ready_to_send(s);

	return error ? error : peer__produce(s, n, send_one);
}

static int consume(struct peer_side *s, uint64_t n)
{
	int error = ready_to_receive(s);

	return error ? error : peer__consume(s, n, receive_one);
}

static int ask(struct peer_side *s, unsigned int batches, double *mean_ns)
{
	return peer__ask(s, batches, mean_ns, send_one, receive_one);
}

static int answer(struct peer_side *s, uint64_t n)
{
	int error = ready_to_receive(s);

	return error ? error : peer__answer(s, n, send_one, receive_one);
}

const struct peer peer_pipe = {
	.name = "pipe",
	.batch = 1,
	.create = create_pipe,
	.destroy = destroy,
	.open = open_ends,
	.close = close_ends,
	.produce = produce,
	.consume = consume,
	.ask = ask,
	.answer = answer,
};

const struct peer peer_unix = {
	.name = "Unix socket",
	.batch = 1,
	.create = create_unix,
	.destroy = destroy,
	.open = open_ends,
	.close = close_ends,
	.produce = produce,
	.consume = consume,
	.ask = ask,
	.answer = answer,
};
