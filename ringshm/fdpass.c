/* SPDX-License-Identifier: MIT */
/* Passing a channel over a Unix socket: fresh descriptions, never one that holds a lock. */
#include "config.h"

#include "internal.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASS_MAGIC UINT64_C(0x3153534150474e52) /* "RNGPASS1" */
#define MOST_FDS 6

/* What goes with the descriptors: ctl, cons, data; unless for an observer lock; then bells if there are. */
struct pass {
	uint64_t magic;
	uint32_t access;
	uint32_t count;
	char name[RINGSHM_NAME_SIZE + 7];
};

union pass_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(MOST_FDS * sizeof(int))];
};

static void close_all(int fds[static MOST_FDS])
{
	for (int i = 0; i < MOST_FDS; i++)
		ringshm__close_fd(&fds[i]);
}

/* Bells carry no lock, and an eventfd cannot be opened again: duplicates do. */
static int bell_fds(const struct ringshm *channel, int fds[static RINGSHM_BELLS])
{
	if (!(channel->header.incompat & RINGSHM_F_POLLFD))
		return 0;
	for (unsigned int i = 0; i < RINGSHM_BELLS; i++) {
		fds[i] = fcntl(channel->bell_fd[i], F_DUPFD_CLOEXEC, 0);
		if (fds[i] < 0)
			return ringshm__fail(errno, "send %s: %s", ringshm__title(channel), ringshm__reason(errno));
	}
	return RINGSHM_BELLS;
}

/* How many, or -errno; the caller closes them either way. */
static int fresh_fds(const struct ringshm *channel, unsigned int access, int fds[static MOST_FDS])
{
	bool produce = access & RINGSHM_PRODUCER, consume = access & RINGSHM_CONSUMER;
	bool shared = ringshm__kind_shares_control(&channel->header);
	int count = produce || consume ? 4 : 3, bells;

	fds[0] = ringshm__reopen_as(channel->ctl_fd, produce || (shared && consume));
	fds[1] = ringshm__reopen_as(channel->cons_fd, consume || (shared && produce));
	fds[2] = ringshm__area_reopen(&channel->data, ringshm__data_writable(&channel->header, access));
	if (produce || consume)
		fds[3] = ringshm__reopen(channel->lock_fd, true);
	for (int i = 0; i < count; i++)
		if (fds[i] < 0)
			return fds[i];
	if (count == 3)
		return count;
	bells = bell_fds(channel, fds + count);
	return bells < 0 ? bells : count + bells;
}

static int send_message(int socket, const struct pass *pass, const int fds[static MOST_FDS], const char *title)
{
	struct iovec io = {.iov_base = (void *)pass, .iov_len = sizeof(*pass)};
	union pass_control control = {.bytes = {0}};
	struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control};
	struct cmsghdr *header = &control.align;
	ssize_t sent;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(pass->count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, pass->count * sizeof(int));
	message.msg_controllen = CMSG_SPACE(pass->count * sizeof(int));
	sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	if (sent < 0)
		return ringshm__fail(errno, "send %s over socket %d: %s", title, socket, ringshm__reason(errno));
	return sent == (ssize_t)sizeof(*pass) ?
		       0 :
		       ringshm__fail(EMSGSIZE, "send %s over socket %d: cut short", title, socket);
}

int ringshm_send_fd(struct ringshm *channel, int socket, unsigned int access)
{
	int fds[MOST_FDS] = {-1, -1, -1, -1, -1, -1};
	struct pass pass = {.magic = PASS_MAGIC, .access = access};
	int error, count;

	if (!channel || !access || access & ~channel->access & ~RINGSHM_OBSERVER)
		return ringshm__fail(EINVAL, "send a channel: access 0x%x is more than this handle has, or none",
				     access);
	if (channel->data.fd < 0)
		return ringshm__fail(EOPNOTSUPP, "send %s: backend %s has no descriptors; open it by name",
				     ringshm__title(channel), channel->data.ops->name);
	memcpy(pass.name, channel->name, sizeof(channel->name));
	count = fresh_fds(channel, access, fds);
	pass.count = (uint32_t)count;
	error = count < 0 ? count : send_message(socket, &pass, fds, ringshm__title(channel));
	close_all(fds);
	return error;
}

/* Every descriptor that came, whether asked for or not, so that none leaks. */
static unsigned int collect(struct msghdr *message, int fds[static MOST_FDS])
{
	unsigned int count = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
		size_t length = h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS ? h->cmsg_len - CMSG_LEN(0) :
											    0;

		for (size_t i = 0; i < length / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (count < MOST_FDS)
				fds[count++] = fd;
			else
				close(fd);
		}
	}
	return count;
}

static int socket_type(int socket)
{
	socklen_t length = sizeof(int);
	int type = 0;

	return getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length) ? 0 : type;
}

/* Of a stream the rest may be under way; of something else there is no rest to wait for. */
static ssize_t receive_rest(int socket, struct pass *pass, ssize_t got)
{
	ssize_t more;

	if (got < (ssize_t)sizeof(pass->magic) || pass->magic != PASS_MAGIC)
		return got;
	more = recv(socket, (char *)pass + got, sizeof(*pass) - (size_t)got, MSG_WAITALL);
	return more < 0 ? more : got + more;
}

static int receive_message(int socket, struct pass *pass, int fds[static MOST_FDS], unsigned int *count)
{
	struct iovec io = {.iov_base = pass, .iov_len = sizeof(*pass)};
	union pass_control control = {.bytes = {0}};
	struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

	if (got >= 0)
		*count = collect(&message, fds);
	if (got > 0 && got < (ssize_t)sizeof(*pass) && socket_type(socket) == SOCK_STREAM)
		got = receive_rest(socket, pass, got);
	if (got < 0)
		return ringshm__fail(errno, "receive a channel from socket %d: %s", socket, ringshm__reason(errno));
	if (!got && !*count)
		return ringshm__fail(EPIPE, "receive a channel: the other side closed the socket");
	if (got != (ssize_t)sizeof(*pass) || pass->magic != PASS_MAGIC || pass->count != *count || *count < 3 ||
	    message.msg_flags & MSG_CTRUNC || pass->name[sizeof(pass->name) - 1])
		return ringshm__fail(EPROTO, "receive a channel: what arrived was not sent by ringshm_send_fd()");
	return 0;
}

/* What the descriptors allow, whatever the message claims. */
static unsigned int real_access(const struct ringshm *channel)
{
	bool ctl = ringshm__is_writable(channel->ctl_fd), cons = ringshm__is_writable(channel->cons_fd);
	bool data = ringshm__is_writable(channel->data.fd), shared = ringshm__kind_shares_control(&channel->header);
	unsigned int access = RINGSHM_OBSERVER;

	if (channel->lock_fd < 0 || !ringshm__is_writable(channel->lock_fd) || (shared && !(ctl && cons)))
		return access;
	if (ctl && data)
		access |= RINGSHM_PRODUCER;
	if (cons && (!ringshm__kind_consumers_write_data(&channel->header) || data))
		access |= RINGSHM_CONSUMER;
	return access;
}

static int adopt_bells(struct ringshm *channel)
{
	int error = 0;

	if (channel->access == RINGSHM_OBSERVER || !(channel->header.incompat & RINGSHM_F_POLLFD))
		return 0;
	if (channel->bell_fd[RINGSHM_BELLS - 1] < 0)
		return ringshm__fail(EPROTO, "receive a channel: its bells did not come with it");
	for (unsigned int i = 0; i < RINGSHM_BELLS && !error; i++)
		error = ringshm__bell_adopt(&channel->bell_fd[i]);
	return error;
}

static int adopt(struct ringshm *channel, int fds[static MOST_FDS])
{
	int error;

	channel->ctl_fd = fds[0];
	channel->cons_fd = fds[1];
	channel->data.fd = fds[2];
	channel->lock_fd = fds[3];
	channel->bell_fd[RINGSHM_BELL_PRODUCERS] = fds[4];
	channel->bell_fd[RINGSHM_BELL_CONSUMERS] = fds[5];
	error = ringshm__read_header(channel->ctl_fd, &channel->header, channel->name);
	if (error)
		return error;
	channel->data.ops = ringshm__backend(channel->header.backend);
	if (!channel->data.ops)
		return ringshm__fail(EPROTONOSUPPORT,
				     "receive a channel: backend %s is not one that this library knows",
				     ringshm_backend_name(channel->header.backend));
	channel->data.size = channel->header.data_size;
	channel->data.page_size = channel->header.page_size;
	channel->data.key = channel->header.backend_key;
	channel->access = real_access(channel);
	error = adopt_bells(channel);
	return error ? error : ringshm__channel_finish(channel);
}

int ringshm_recv_fd(struct ringshm **out, int socket)
{
	int fds[MOST_FDS] = {-1, -1, -1, -1, -1, -1};
	struct ringshm *channel;
	unsigned int count = 0;
	struct pass pass;
	int error = out ? receive_message(socket, &pass, fds, &count) :
			  ringshm__fail(EINVAL, "receive: no place for the handle");

	if (!error && pass.name[0])
		error = ringshm__check_name(pass.name);
	if (error) {
		close_all(fds);
		return error;
	}
	channel = ringshm__channel_new(pass.name, RINGSHM_OBSERVER);
	if (!channel) {
		close_all(fds);
		return -ENOMEM;
	}
	error = adopt(channel, fds);
	if (error)
		ringshm__channel_put(channel);
	else
		*out = channel;
	return error;
}
