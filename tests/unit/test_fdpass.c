// SPDX-License-Identifier: MIT
// Channels passed over sockets: what arrives works, and is no more than was sent.
#include "passing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

TestSuite(fdpass, .init = passing_setup, .fini = passing_teardown, .timeout = 30);

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
