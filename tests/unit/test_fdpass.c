// SPDX-License-Identifier: MIT
// Channels passed over sockets: what arrives works, is no more than was sent, and is never believed unseen.
#include "fixture.h"

#include <fcntl.h>
#include <ringshm/poller.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int pair[2];
static struct ringshm *sent, *got;

static void setup(void)
{
	scratch_make();
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	sent = make_anonymous(0);
	got = NULL;
}

static void teardown(void)
{
	ringshm_close(sent);
	ringshm_close(got);
	close(pair[0]);
	close(pair[1]);
	scratch_remove();
}

TestSuite(fdpass, .init = setup, .fini = teardown, .timeout = 30);

static void pass(unsigned int access)
{
	cr_assert_eq(ringshm_send_fd(sent, pair[0], access), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_recv_fd(&got, pair[1]), 0, "%s", ringshm_last_error());
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void exchange(struct ringshm *from, struct ringshm *to)
{
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
	char bytes[8] = "";
	uint32_t len;

	cr_assert_eq(ringshm_spsc_producer_open(&p, from), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_spsc_consumer_open(&c, to), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_spsc_send(&p, "passed", 6), 0);
	cr_assert_eq(ringshm_spsc_recv(&c, bytes, sizeof(bytes), &len), 0);
	cr_expect_str_eq(bytes, "passed");
	ringshm_spsc_producer_close(&p);
	ringshm_spsc_consumer_close(&c);
}

Test(fdpass, a_passed_channel_is_the_same_channel)
{
	struct ringshm_info a = {.size = sizeof(a)}, b = {.size = sizeof(b)};

	pass(ALL_ACCESS);
	cr_assert_eq(ringshm_info(sent, &a), 0);
	cr_assert_eq(ringshm_info(got, &b), 0);
	cr_expect_arr_eq(a.uuid, b.uuid, sizeof(a.uuid));
	exchange(sent, got);
	exchange(got, sent);
}

Test(fdpass, a_named_channel_can_be_passed_too)
{
	struct ringshm *named = make_channel("named", 0);

	cr_assert_eq(ringshm_send_fd(named, pair[0], RINGSHM_CONSUMER), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_recv_fd(&got, pair[1]), 0, "%s", ringshm_last_error());
	exchange(named, got);
	ringshm_close(named);
}

static void pass_over(int type)
{
	int other[2];

	cr_assert_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, other), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(ringshm_send_fd(sent, other[0], RINGSHM_CONSUMER), 0, "%s", ringshm_last_error());
		cr_assert_eq(ringshm_recv_fd(&got, other[1]), 0, "%s", ringshm_last_error());
		exchange(sent, got);
		ringshm_close(got);
		got = NULL;
	}
	close(other[0]);
	close(other[1]);
}

Test(fdpass, a_stream_socket_carries_channels)
{
	pass_over(SOCK_STREAM);
}

Test(fdpass, a_datagram_socket_carries_channels)
{
	pass_over(SOCK_DGRAM);
}

Test(fdpass, what_was_received_can_be_passed_on)
{
	struct ringshm *second;

	pass(RINGSHM_CONSUMER);
	cr_assert_eq(ringshm_send_fd(got, pair[0], RINGSHM_CONSUMER), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_recv_fd(&second, pair[1]), 0, "%s", ringshm_last_error());
	exchange(sent, second);
	ringshm_close(second);
}

Test(fdpass, no_descriptor_is_left_behind)
{
	int before = open_descriptors();

	pass(ALL_ACCESS);
	exchange(sent, got);
	ringshm_close(got);
	got = NULL;
	cr_expect_eq(open_descriptors(), before);
}

/* ---- access --------------------------------------------------------------------------------- */

Test(fdpass, an_observer_may_look_and_nothing_else)
{
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;

	pass(RINGSHM_OBSERVER);
	cr_expect_eq(ringshm_info(got, &info), 0);
	EXPECT_FAILURE(ringshm_spsc_producer_open(&p, got), EACCES, "RINGSHM_PRODUCER");
	EXPECT_FAILURE(ringshm_spsc_consumer_open(&c, got), EACCES, "RINGSHM_CONSUMER");
}

Test(fdpass, a_consumer_cannot_produce_and_a_producer_cannot_consume)
{
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;

	pass(RINGSHM_CONSUMER);
	EXPECT_FAILURE(ringshm_spsc_producer_open(&p, got), EACCES, "RINGSHM_PRODUCER");
	ringshm_close(got);
	pass(RINGSHM_PRODUCER);
	EXPECT_FAILURE(ringshm_spsc_consumer_open(&c, got), EACCES, "RINGSHM_CONSUMER");
}

Test(fdpass, nobody_passes_more_than_he_has)
{
	struct ringshm *second;

	pass(RINGSHM_CONSUMER);
	EXPECT_FAILURE(ringshm_send_fd(got, pair[0], RINGSHM_PRODUCER), EINVAL, "more than this handle has");
	EXPECT_FAILURE(ringshm_send_fd(got, pair[0], 0), EINVAL, "access 0x0");
	EXPECT_FAILURE(ringshm_send_fd(got, pair[0], 0x80), EINVAL, "access 0x80");
	EXPECT_FAILURE(ringshm_send_fd(NULL, pair[0], RINGSHM_CONSUMER), EINVAL, "access");
	cr_assert_eq(ringshm_send_fd(got, pair[0], RINGSHM_OBSERVER), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_recv_fd(&second, pair[1]), 0);
	ringshm_close(second);
}

Test(fdpass, a_consumers_pages_of_the_other_side_cannot_be_written)
{
	struct ringshm_spsc_consumer c;

	pass(RINGSHM_CONSUMER);
	cr_assert_eq(ringshm_spsc_consumer_open(&c, got), 0);
	cr_expect(write_faults((void *)c.state), "state");
	cr_expect(write_faults((void *)c.tail_word), "tail");
	cr_expect(write_faults((void *)c.base), "records");
	cr_expect(!write_faults((void *)c.head_word), "its own head");
	ringshm_spsc_consumer_close(&c);
}

Test(fdpass, a_producers_pages_of_the_other_side_cannot_be_written)
{
	struct ringshm_spsc_producer p;

	pass(RINGSHM_PRODUCER);
	cr_assert_eq(ringshm_spsc_producer_open(&p, got), 0);
	cr_expect(write_faults((void *)p.head_word), "head");
	cr_expect(write_faults((void *)p.credit_word), "credit");
	cr_expect(!write_faults((void *)p.tail_word), "its own tail");
	cr_expect(!write_faults((void *)p.base), "records");
	ringshm_spsc_producer_close(&p);
}

/* The descriptors themselves allow no more, to whoever is not their owner. */
static int receive_as_nobody_and_try(void *unused)
{
	struct ringshm_spsc_consumer c;
	int writable = 0;
	char path[64];

	(void)unused;
	CHECK(!setgid(NOBODY) && !setuid(NOBODY));
	CHECK(!ringshm_recv_fd(&got, pair[1]));
	for (int fd = 3; fd < 64; fd++) {
		struct stat status;
		int second;

		if (fcntl(fd, F_GETFL) < 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY || fstat(fd, &status) ||
		    !S_ISREG(status.st_mode) || status.st_size < RINGSHM_BLOCK)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		second = open(path, O_RDWR | O_CLOEXEC);
		writable += second >= 0;
		if (second >= 0)
			close(second);
	}
	CHECK(writable == 0);
	CHECK(!ringshm_spsc_consumer_open(&c, got));
	ringshm_spsc_consumer_close(&c);
	return 0;
}

Test(fdpass, a_consumer_of_another_user_cannot_open_for_writing_what_it_may_read)
{
	if (!am_root())
		SKIP("only root can become another user");
	cr_assert_eq(ringshm_send_fd(sent, pair[0], RINGSHM_CONSUMER), 0);
	cr_expect_eq(in_child(receive_as_nobody_and_try, NULL), 0);
}

static int receive_as_nobody_and_produce(void *unused)
{
	struct ringshm_spsc_producer p;

	(void)unused;
	CHECK(!setgid(NOBODY) && !setuid(NOBODY));
	CHECK(!ringshm_recv_fd(&got, pair[1]));
	CHECK(!ringshm_send_fd(got, pair[0], RINGSHM_PRODUCER));
	CHECK(!ringshm_spsc_producer_open(&p, got));
	CHECK(!ringshm_spsc_send(&p, "hi", 2));
	CHECK(!ringshm_spsc_producer_close(&p));
	CHECK(!ringshm_shutdown(got));
	return 0;
}

Test(fdpass, a_producer_of_another_user_can_do_all_that_was_passed)
{
	if (!am_root())
		SKIP("only root can become another user");
	cr_assert_eq(ringshm_send_fd(sent, pair[0], RINGSHM_PRODUCER), 0);
	cr_expect_eq(in_child(receive_as_nobody_and_produce, NULL), 0);
	cr_assert_eq(ringshm_recv_fd(&got, pair[1]), 0, "%s", ringshm_last_error());
}

static int receive_as_nobody_and_go_too_far(void *unused)
{
	struct ringshm_spsc_consumer c;

	(void)unused;
	CHECK(!setgid(NOBODY) && !setuid(NOBODY));
	CHECK(!ringshm_recv_fd(&got, pair[1]));
	CHECK(ringshm_shutdown(got) == -EACCES);
	CHECK(strstr(ringshm_last_error(), "shutdown (anonymous): needs permission to write the producers' words"));
	CHECK(ringshm_send_fd(got, pair[0], RINGSHM_PRODUCER) == -EINVAL);
	CHECK(!ringshm_send_fd(got, pair[0], RINGSHM_CONSUMER));
	CHECK(!ringshm_spsc_consumer_open(&c, got));
	ringshm_spsc_consumer_close(&c);
	return 0;
}

Test(fdpass, a_consumer_of_another_user_passes_on_and_is_refused_a_shutdown_in_words)
{
	if (!am_root())
		SKIP("only root can become another user");
	cr_assert_eq(ringshm_send_fd(sent, pair[0], RINGSHM_CONSUMER), 0);
	cr_expect_eq(in_child(receive_as_nobody_and_go_too_far, NULL), 0);
	cr_assert_eq(ringshm_recv_fd(&got, pair[1]), 0, "%s", ringshm_last_error());
	exchange(sent, got);
}

/* ---- locks ---------------------------------------------------------------------------------- */

static int receive_and_hold(void *unused)
{
	struct ringshm_spsc_producer p;

	(void)unused;
	CHECK(!ringshm_recv_fd(&got, pair[1]));
	CHECK(!ringshm_spsc_producer_open(&p, got));
	CHECK(write(pair[1], "k", 1) == 1);
	pause();
	return 0;
}

Test(fdpass, the_receivers_role_is_busy_while_it_lives_and_free_when_it_is_dead)
{
	struct ringshm_spsc_producer p;
	pid_t child;
	char ready;

	cr_assert_eq(ringshm_send_fd(sent, pair[0], ALL_ACCESS), 0);
	child = start_child(receive_and_hold, NULL);
	cr_assert_eq(read(pair[0], &ready, 1), 1);
	EXPECT_FAILURE(ringshm_spsc_producer_open(&p, sent), EBUSY, "(anonymous)", "alive");
	kill(child, SIGKILL);
	end_of(child);
	cr_expect_eq(ringshm_spsc_producer_open(&p, sent), 0, "%s", ringshm_last_error());
	ringshm_spsc_producer_close(&p);
}

/* ---- what is not a channel ------------------------------------------------------------------ */

Test(fdpass, something_else_in_the_socket_is_refused)
{
	cr_assert_eq(send(pair[0], "hello", 5, 0), 5);
	EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPROTO, "not sent by ringshm_send_fd");
}

Test(fdpass, the_other_sides_end_is_told)
{
	close(pair[0]);
	EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPIPE, "closed");
	EXPECT_FAILURE(ringshm_send_fd(sent, pair[1], RINGSHM_CONSUMER), EPIPE, "Broken pipe");
	pair[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

Test(fdpass, a_descriptor_that_is_no_socket_is_refused)
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

Test(fdpass, memory_files_that_could_be_cut_short_are_refused)
{
	expect_unsealed(unsealed);
}

Test(fdpass, files_on_a_disk_that_could_be_cut_short_are_refused)
{
	expect_unsealed(on_disk);
}

Test(fdpass, descriptors_of_something_else_are_refused)
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

Test(fdpass, too_few_and_too_many_descriptors_are_refused_and_none_is_kept)
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

Test(fdpass, a_message_that_claims_more_access_than_its_descriptors_gives_theirs)
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

Test(fdpass, something_else_in_a_stream_is_refused_at_once_and_not_waited_on)
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

Test(fdpass, a_channel_that_comes_in_pieces_over_a_stream_arrives)
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

Test(fdpass, what_cannot_be_sent_is_named)
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

Test(fdpass, a_bell_that_would_block_is_made_not_to)
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

Test(fdpass, what_is_no_bell_is_refused)
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
