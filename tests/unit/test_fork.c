// SPDX-License-Identifier: MIT
// fork(): the child's endpoints are dead, the parent's are untouched, and no lock is inherited.
#include "fixture.h"

static struct ends e;

static void setup(void)
{
	scratch_make();
	open_ends(&e, make_anonymous(0));
}

static void teardown(void)
{
	close_ends(&e);
	scratch_remove();
}

TestSuite(fork, .init = setup, .fini = teardown, .timeout = 30);

static int use_everything(void *unused)
{
	const void *payload;
	char bytes[16];
	uint32_t len;

	(void)unused;
	CHECK(ringshm_spsc_send(&e.p, "child", 5) == -ESTALE);
	CHECK(!ringshm_spsc_reserve(&e.p, 5) && e.p.status == -ESTALE);
	ringshm_spsc_commit(&e.p, 5);
	ringshm_spsc_flush(&e.p);
	CHECK(ringshm_spsc_recv(&e.c, bytes, sizeof(bytes), &len) == -ESTALE);
	CHECK(!ringshm_spsc_peek(&e.c, &len) && e.c.status == -ESTALE);
	ringshm_spsc_release(&e.c, 5);
	ringshm_spsc_note_dropped(&e.p, 1000);
	CHECK(ringshm_spsc_send_wait(&e.p, "x", 1, -1) == -ESTALE);
	CHECK(ringshm_spsc_peek_wait(&e.c, -1, &payload, &len) == -ESTALE);
	CHECK(!ringshm_spsc_producer_close(&e.p));
	CHECK(!ringshm_spsc_consumer_close(&e.c));
	return 0;
}

Test(fork, the_childs_endpoints_say_stale)
{
	cr_expect_eq(in_child(use_everything, NULL), 0);
}

Test(fork, whatever_the_child_does_the_parents_ring_goes_on)
{
	struct ringshm_info info = {.size = sizeof(info)};
	char bytes[16] = "";
	uint32_t len;

	cr_assert_eq(ringshm_spsc_send(&e.p, "one", 3), 0);
	memcpy(ringshm_spsc_reserve(&e.p, 3), "two", 3); /* open while the child uses its copy */
	cr_assert_eq(in_child(use_everything, NULL), 0);
	ringshm_spsc_commit(&e.p, 3);
	cr_assert_eq(ringshm_spsc_recv(&e.c, bytes, sizeof(bytes), &len), 0);
	cr_expect_str_eq(bytes, "one");
	cr_assert_eq(ringshm_spsc_recv(&e.c, bytes, sizeof(bytes), &len), 0);
	cr_expect_str_eq(bytes, "two");
	cr_assert_eq(ringshm_info(e.channel, &info), 0);
	cr_expect_eq(info.dropped, 0);
	cr_expect_eq(info.producers, 1);
	cr_expect_eq(info.consumers, 1);
}

static int commit_what_is_open(void *unused)
{
	(void)unused;
	ringshm_spsc_commit(&e.p, 5); /* the parent's reservation, in the child's private copy */
	CHECK(ringshm_spsc_send(&e.p, "x", 1) == -ESTALE);
	return 0;
}

Test(fork, a_reservation_that_the_child_commits_is_not_committed)
{
	uint32_t len;

	memcpy(ringshm_spsc_reserve(&e.p, 5), "child", 5);
	cr_assert_eq(in_child(commit_what_is_open, NULL), 0);
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	ringshm_spsc_discard(&e.p);
}

static int outlive_the_parents_endpoint(void *unused)
{
	(void)unused;
	pause();
	return 0;
}

Test(fork, a_child_does_not_keep_the_role_that_its_parent_leaves)
{
	pid_t child = start_child(outlive_the_parents_endpoint, NULL);

	ringshm_spsc_producer_close(&e.p);
	cr_expect_eq(ringshm_spsc_producer_open(&e.p, e.channel), 0, "%s", ringshm_last_error());
	kill(child, SIGKILL);
	end_of(child);
}

/* Dies, and leaves a child that lives on and tells its pid. */
static int produce_fork_and_die(void *write_pid_to)
{
	struct ringshm_spsc_producer p;
	pid_t me;

	ringshm_spsc_producer_close(&e.p);
	CHECK(!ringshm_spsc_producer_open(&p, e.channel));
	if (fork())
		return 0;
	me = getpid(); /* from here on fork() has returned here: the lock is closed */
	CHECK(write(*(int *)write_pid_to, &me, sizeof(me)) == sizeof(me));
	for (;;)
		pause();
}

Test(fork, a_child_does_not_keep_alive_the_role_of_a_dead_parent)
{
	pid_t grandchild = 0;
	int ends[2];

	ringshm_spsc_producer_close(&e.p);
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(in_child(produce_fork_and_die, &ends[1]), 0);
	cr_assert_eq(read(ends[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	cr_expect_eq(ringshm_spsc_producer_open(&e.p, e.channel), 0, "%s", ringshm_last_error());
	cr_assert_gt(grandchild, 1);
	kill(grandchild, SIGKILL);
}

static int produce_of_its_own(void *unused)
{
	struct ringshm_spsc_producer p;

	(void)unused;
	CHECK(!ringshm_spsc_producer_open(&p, e.channel));
	CHECK(!ringshm_spsc_send(&p, "hello", 5));
	return ringshm_spsc_producer_close(&p);
}

Test(fork, a_child_opens_endpoints_of_its_own_through_its_parents_handle)
{
	char bytes[16] = "";
	uint32_t len;

	ringshm_spsc_producer_close(&e.p);
	cr_assert_eq(in_child(produce_of_its_own, NULL), 0);
	cr_assert_eq(ringshm_spsc_recv(&e.c, bytes, sizeof(bytes), &len), 0);
	cr_expect_str_eq(bytes, "hello");
}

static int role_is_busy(void *unused)
{
	struct ringshm_spsc_producer p;

	(void)unused;
	CHECK(ringshm_spsc_producer_open(&p, e.channel) == -EBUSY);
	return 0;
}

Test(fork, a_child_cannot_take_the_role_that_its_parent_holds)
{
	cr_expect_eq(in_child(role_is_busy, NULL), 0);
	cr_expect_eq(ringshm_spsc_send(&e.p, "still mine", 10), 0);
}

static int fork_again(void *unused)
{
	(void)unused;
	return in_child(use_everything, NULL);
}

Test(fork, a_grandchild_is_no_different)
{
	cr_expect_eq(in_child(fork_again, NULL), 0);
}
