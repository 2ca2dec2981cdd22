// SPDX-License-Identifier: MIT
// What comes over a socket is never believed unseen: no channels, forged ones, pieces of them, bells that would block.
#include "passing.h"

#include <fcntl.h>
#include <ringshm/poller.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

TestSuite(fdforged, .init = passing_setup, .fini = passing_teardown, .timeout = 30);

/* ---- what is not a channel ------------------------------------------------------------------ */

Test(fdforged, something_else_in_the_socket_is_refused)
{
	cr_assert_eq(send(pair[0], "hello", 5, 0), 5);
	EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPROTO, "not sent by ringshm_send_fd");
}

Test(fdforged, the_other_sides_end_is_told)
{
	close(pair[0]);
	EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPIPE, "closed");
	EXPECT_FAILURE(ringshm_send_fd(sent, pair[1], RINGSHM_CONSUMER), EPIPE, "Broken pipe");
	pair[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

Test(fdforged, a_descriptor_that_is_no_socket_is_refused)
{
	int file = open("/dev/null", O_RDWR | O_CLOEXEC);

	EXPECT_FAILURE(ringshm_recv_fd(&got, file), ENOTSOCK, "receive", "socket");
	EXPECT_FAILURE(ringshm_send_fd(sent, file, RINGSHM_CONSUMER), ENOTSOCK, "send", "socket");
	EXPECT_FAILURE(ringshm_recv_fd(NULL, pair[1]), EINVAL, "handle");
	close(file);
}

/* A message as ringshm_send_fd() makes it, taken out of the socket so that it can be forged. */
struct forged {
	char bytes[512];
	ssize_t size;
	int fd[16];
	unsigned int count;
};

static void take(struct forged *forged, unsigned int access)
{
	char control[CMSG_SPACE(sizeof(forged->fd))];
	struct iovec io = {.iov_base = forged->bytes, .iov_len = sizeof(forged->bytes)};
	struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header;

	cr_assert_eq(ringshm_send_fd(sent, pair[0], access), 0);
	forged->size = recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC);
	header = CMSG_FIRSTHDR(&message);
	cr_assert_not_null(header);
	forged->count = (unsigned int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(forged->fd, CMSG_DATA(header), forged->count * sizeof(int));
}

static void put(struct forged *forged)
{
	char control[CMSG_SPACE(sizeof(forged->fd))] = "";
	struct iovec io = {.iov_base = forged->bytes, .iov_len = (size_t)forged->size};
	struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *header = (struct cmsghdr *)control;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(forged->count * sizeof(int));
	memcpy(CMSG_DATA(header), forged->fd, forged->count * sizeof(int));
	message.msg_controllen = CMSG_SPACE(forged->count * sizeof(int));
	cr_assert_eq(sendmsg(pair[0], &message, 0), forged->size);
	for (unsigned int i = 0; i < forged->count; i++)
		close(forged->fd[i]);
}

/* A copy of a file's bytes in another file, which nothing keeps from being cut short. */
static int copy_into(int fd, int copy)
{
	char bytes[65536];
	ssize_t size = pread(fd, bytes, sizeof(bytes), 0);

	cr_assert_gt(size, 0);
	cr_assert_eq(pwrite(copy, bytes, (size_t)size, 0), size);
	close(fd);
	return copy;
}

static int unsealed(int fd)
{
	return copy_into(fd, memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

/* On a disk, where the very question about seals is an error. */
static int on_disk(int fd)
{
	char path[] = "/var/tmp/ringshm-test.XXXXXX";
	int copy = mkostemp(path, O_CLOEXEC);

	cr_assert_geq(copy, 0);
	unlink(path);
	return copy_into(fd, copy);
}

static void expect_unsealed(int (*copy)(int))
{
	for (unsigned int which = 0; which < 3; which++) {
		struct forged forged;

		take(&forged, ALL_ACCESS);
		forged.fd[which] = copy(forged.fd[which]);
		put(&forged);
		EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPROTO, "not sealed");
	}
}

Test(fdforged, memory_files_that_could_be_cut_short_are_refused)
{
	expect_unsealed(unsealed);
}

Test(fdforged, files_on_a_disk_that_could_be_cut_short_are_refused)
{
	expect_unsealed(on_disk);
}

Test(fdforged, descriptors_of_something_else_are_refused)
{
	for (unsigned int which = 0; which < 3; which++) {
		struct forged forged;

		take(&forged, ALL_ACCESS);
		close(forged.fd[which]);
		forged.fd[which] = open("/dev/zero", O_RDWR | O_CLOEXEC);
		put(&forged);
		EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPROTO, "receive a channel", "sender");
	}
}

Test(fdforged, too_few_and_too_many_descriptors_are_refused_and_none_is_kept)
{
	struct forged forged;
	int before = open_descriptors();

	take(&forged, ALL_ACCESS);
	forged.count--;
	close(forged.fd[forged.count]);
	put(&forged);
	EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPROTO, "not sent by");
	take(&forged, ALL_ACCESS);
	while (forged.count < 12)
		forged.fd[forged.count++] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	put(&forged);
	EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPROTO, "not sent by");
	cr_expect_eq(open_descriptors(), before);
}

Test(fdforged, a_message_that_claims_more_access_than_its_descriptors_gives_theirs)
{
	struct ringshm_spsc_producer p;
	struct forged forged;
	uint32_t all = ALL_ACCESS;

	take(&forged, RINGSHM_CONSUMER);
	memcpy(forged.bytes + 8, &all, sizeof(all)); /* behind the magic number */
	put(&forged);
	cr_assert_eq(ringshm_recv_fd(&got, pair[1]), 0, "%s", ringshm_last_error());
	EXPECT_FAILURE(ringshm_spsc_producer_open(&p, got), EACCES, "RINGSHM_PRODUCER");
}

/* ---- streams -------------------------------------------------------------------------------- */

static void become_a_stream(void)
{
	close(pair[0]);
	close(pair[1]);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

Test(fdforged, something_else_in_a_stream_is_refused_at_once_and_not_waited_on)
{
	static const char junk[] = "no channel";

	become_a_stream();
	cr_assert_eq(send(pair[0], junk, sizeof(junk), 0), (ssize_t)sizeof(junk));
	EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPROTO, "not sent by ringshm_send_fd");
	cr_assert_eq(send(pair[0], junk, 1, 0), 1);
	EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPROTO, "not sent by ringshm_send_fd");
}

static void *pass_on_slowly(void *from)
{
	char first[9], rest[512];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec io = {first, sizeof(first)};
	struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t more;

	if (recvmsg(*(int *)from, &message, 0) != (ssize_t)sizeof(first) || sendmsg(pair[0], &message, 0) < 0)
		return NULL;
	sleep_ns(50 * MS);
	more = recv(*(int *)from, rest, sizeof(rest), 0);
	return more > 0 && send(pair[0], rest, (size_t)more, 0) == more ? from : NULL;
}

Test(fdforged, a_channel_that_comes_in_pieces_over_a_stream_arrives)
{
	int before[2];
	pthread_t thread;
	void *result;

	become_a_stream();
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, before), 0);
	cr_assert_eq(ringshm_send_fd(sent, before[0], RINGSHM_CONSUMER), 0, "%s", ringshm_last_error());
	pthread_create(&thread, NULL, pass_on_slowly, &before[1]);
	cr_expect_eq(ringshm_recv_fd(&got, pair[1]), 0, "%s", ringshm_last_error());
	pthread_join(thread, &result);
	cr_expect(result);
	exchange(sent, got);
	close(before[0]);
	close(before[1]);
}

Test(fdforged, what_cannot_be_sent_is_named)
{
	EXPECT_FAILURE(ringshm_send_fd(sent, pair[0], 0x80), EINVAL, "access 0x80");
	EXPECT_FAILURE(ringshm_send_fd(sent, STDIN_FILENO, RINGSHM_CONSUMER), ENOTSOCK,
		       "send (anonymous) over socket 0");
	EXPECT_FAILURE(ringshm_recv_fd(&got, STDIN_FILENO), ENOTSOCK, "from socket 0");
}

/* ---- bells ---------------------------------------------------------------------------------- */

#define BELLS_AT 4 /* ctl, cons, data, lock; then the two bells */

/* What ringshm_send_fd() sent goes on through a hostile hand, with `bell` in the place of both bells. */
static int relay_with_bell(int bell)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(6 * sizeof(int))];
	} control;
	char bytes[512];
	struct iovec io = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int fds[6], other[2], result;

	cr_assert_eq(ringshm_send_fd(sent, pair[0], ALL_ACCESS), 0, "%s", ringshm_last_error());
	io.iov_len = (size_t)recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC);
	memcpy(fds, CMSG_DATA(&control.align), sizeof(fds));
	for (int i = BELLS_AT; i < 6; i++)
		cr_assert_eq(dup2(bell, fds[i]), fds[i]);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, other), 0);
	cr_assert_eq(sendmsg(other[0], &message, 0), (ssize_t)io.iov_len);
	for (int i = 0; i < 6; i++)
		close(fds[i]);
	result = ringshm_recv_fd(&got, other[1]);
	close(other[0]);
	close(other[1]);
	return result;
}

static void send_bells(void)
{
	ringshm_close(sent);
	sent = make_anonymous(RINGSHM_F_POLLFD);
}

Test(fdforged, a_bell_that_would_block_is_made_not_to)
{
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
	int bell = eventfd(UINT32_MAX, EFD_CLOEXEC);

	send_bells();
	cr_assert_eq(relay_with_bell(bell), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_spsc_consumer_open(&c, got), 0);
	cr_assert_eq(ringshm_spsc_producer_open(&p, got), 0);
	cr_expect_eq(ringshm_spsc_consumer_ack(&c), 0);
	cr_expect_eq(ringshm_spsc_consumer_ack(&c), 0, "with nothing to read");
	cr_assert_eq(write(bell, &(uint64_t){UINT64_MAX - 1}, 8), 8, "as full as can be");
	cr_expect_eq(ringshm_spsc_consumer_arm(&c), 0);
	cr_expect_eq(ringshm_spsc_send(&p, "ring", 4), 0);
	ringshm_spsc_producer_close(&p);
	ringshm_spsc_consumer_close(&c);
	close(bell);
}

Test(fdforged, what_is_no_bell_is_refused)
{
	int ends[2], file = memfd_create("file", MFD_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);

	send_bells();
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	EXPECT_FAILURE(relay_with_bell(ends[1]), EPROTO, "bell"); /* SIGPIPE when its other end is closed */
	EXPECT_FAILURE(relay_with_bell(ends[0]), EPROTO, "bell");
	EXPECT_FAILURE(relay_with_bell(file), EPROTO, "bell");
	EXPECT_FAILURE(relay_with_bell(null), EPROTO, "bell");
	EXPECT_FAILURE(relay_with_bell(pair[0]), EPROTO, "bell"); /* a socket */
	close(ends[0]);
	close(ends[1]);
	close(file);
	close(null);
}
