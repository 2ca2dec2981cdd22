// SPDX-License-Identifier: MIT
// The waiting forms: when they give up, what wakes them, and that they never sleep through an end.
#include "fixture.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>

#define LONG (20 * SECOND) /* a wait that ought to be ended by something else */

static struct ends e;
static const void *payload;
static uint32_t len;

static void setup(void)
{
	scratch_make();
	open_ends(&e, make_anonymous(RINGSHM_F_BLOCK | RINGSHM_F_EOF));
}

static void teardown(void)
{
	close_ends(&e);
	scratch_remove();
}

TestSuite(wait, .init = setup, .fini = teardown, .timeout = 60);

static void fill(void)
{
	static const char bytes[490]; /* 504 in the ring: 64 are left */

	while (!ringshm_spsc_send(&e.p, bytes, sizeof(bytes)))
		;
}

/* ---- giving up ------------------------------------------------------------------------------ */

Test(wait, a_timeout_of_zero_tries_once)
{
	char bytes[8];
	void *room;

	cr_expect_eq(ringshm_spsc_peek_wait(&e.c, 0, &payload, &len), -EAGAIN);
	cr_expect_eq(ringshm_spsc_peek_next_wait(&e.c, 0, &payload, &len), -EAGAIN);
	cr_expect_eq(ringshm_spsc_recv_wait(&e.c, bytes, sizeof(bytes), &len, 0), -EAGAIN);
	fill();
	cr_expect_eq(ringshm_spsc_reserve_wait(&e.p, 500, 0, &room), -EAGAIN);
	cr_expect_eq(ringshm_spsc_send_wait(&e.p, bytes, 8, 0), 0, "8 bytes still fit");
	cr_expect_eq(ringshm_spsc_peek_wait(&e.c, 0, &payload, &len), 0);
}

/* Not earlier than asked; how much later is the machine's affair. */
static void expect_waited(int64_t timeout_ns)
{
	uint64_t began = now_ns();
	void *room;

	cr_expect_eq(ringshm_spsc_peek_wait(&e.c, timeout_ns, &payload, &len), -ETIMEDOUT);
	cr_expect_geq(now_ns() - began, (uint64_t)timeout_ns);
	fill();
	began = now_ns();
	cr_expect_eq(ringshm_spsc_reserve_wait(&e.p, 2000, timeout_ns, &room), -ETIMEDOUT);
	cr_expect_geq(now_ns() - began, (uint64_t)timeout_ns);
}

Test(wait, a_timeout_shorter_than_the_spinning_is_kept)
{
	expect_waited(20000);
}

Test(wait, a_timeout_shorter_than_a_tick_is_kept)
{
	expect_waited(700000);
}

Test(wait, a_timeout_of_many_ticks_is_kept)
{
	expect_waited(50 * MS);
}

Test(wait, what_is_there_is_not_waited_for)
{
	uint64_t began = now_ns();
	char bytes[8];

	cr_assert_eq(ringshm_spsc_send_wait(&e.p, "abc", 3, LONG), 0);
	cr_assert_eq(ringshm_spsc_recv_wait(&e.c, bytes, sizeof(bytes), &len, LONG), 0);
	cr_expect_eq(len, 3);
	cr_expect_lt(now_ns() - began, (uint64_t)LONG);
}

Test(wait, a_message_that_can_never_fit_is_not_waited_for)
{
	void *room;

	cr_expect_eq(ringshm_spsc_reserve_wait(&e.p, 1 << 20, -1, &room), -EMSGSIZE);
	cr_expect_null(room);
}

Test(wait, a_buffer_too_small_leaves_the_record)
{
	char bytes[2];

	ringshm_spsc_send(&e.p, "abc", 3);
	cr_expect_eq(ringshm_spsc_recv_wait(&e.c, bytes, sizeof(bytes), &len, -1), -EMSGSIZE);
	cr_expect_eq(len, 3);
}

Test(wait, the_processor_is_left_to_others_meanwhile)
{
	struct timespec used;

	cr_assert_eq(ringshm_spsc_peek_wait(&e.c, 500 * MS, &payload, &len), -ETIMEDOUT);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	cr_expect_eq(used.tv_sec, 0);
	cr_expect_lt(used.tv_nsec, 250 * MS, "half of the time was spent spinning");
}

static int be_busy(void *unused)
{
	volatile bool enough = false;

	(void)unused;
	alarm(20);
	while (!enough)
		;
	return 0;
}

static long sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

/* A yield gives it a whole slice, which is longer than each of these waits: most of them would never sleep. */
Test(wait, beside_a_busy_process_the_processor_is_left_by_sleeping)
{
	pid_t busy;
	cpu_set_t one;
	long before;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	busy = start_child(be_busy, NULL);
	sleep_ns(10 * MS);
	before = sleeps();
	for (int i = 0; i < 100; i++)
		cr_expect_eq(ringshm_spsc_peek_wait(&e.c, 300000, &payload, &len), -ETIMEDOUT);
	cr_expect_gt(sleeps() - before, 50, "%ld of 100 waits slept", sleeps() - before);
	kill(busy, SIGKILL);
	end_of(busy);
}

/* ---- waking up ------------------------------------------------------------------------------ */

/* Children that do one thing after a while, through endpoints or handles of their own. */
static int send_later(void *unused)
{
	struct ringshm_spsc_producer p;

	(void)unused;
	sleep_ns(30 * MS);
	CHECK(!ringshm_spsc_producer_open(&p, e.channel));
	sleep_ns(30 * MS);
	CHECK(!ringshm_spsc_send(&p, "late", 4));
	pause();
	return 0;
}

static int receive_later(void *unused)
{
	struct ringshm_spsc_consumer c;
	char bytes[500];

	(void)unused;
	CHECK(!ringshm_spsc_consumer_open(&c, e.channel));
	sleep_ns(60 * MS);
	while (!ringshm_spsc_recv(&c, bytes, sizeof(bytes), &len))
		;
	pause();
	return 0;
}

static int shut_down_later(void *unused)
{
	(void)unused;
	sleep_ns(60 * MS);
	return ringshm_shutdown(e.channel);
}

static int come_and_go(void *unused)
{
	struct ringshm_spsc_producer p;

	(void)unused;
	CHECK(!ringshm_spsc_producer_open(&p, e.channel));
	sleep_ns(60 * MS);
	return 0;
}

static int come_and_close(void *unused)
{
	struct ringshm_spsc_producer p;

	(void)unused;
	CHECK(!ringshm_spsc_producer_open(&p, e.channel));
	sleep_ns(60 * MS);
	return ringshm_spsc_producer_close(&p);
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	end_of(child);
}

/* A channel to which no producer has come yet. */
static void wait_for_a_producer(uint64_t features)
{
	close_ends(&e);
	e.channel = make_anonymous(features);
	cr_assert_eq(ringshm_spsc_consumer_open(&e.c, e.channel), 0);
}

Test(wait, a_sleeping_consumer_is_woken_by_a_record)
{
	pid_t child;

	wait_for_a_producer(RINGSHM_F_BLOCK);
	child = start_child(send_later, NULL);
	cr_expect_eq(ringshm_spsc_peek_wait(&e.c, LONG, &payload, &len), 0);
	cr_expect_eq(len, 4);
	end(child);
}

Test(wait, without_the_feature_a_sleeper_wakes_by_its_own_tick)
{
	pid_t child;

	wait_for_a_producer(0);
	child = start_child(send_later, NULL);
	cr_expect_eq(ringshm_spsc_peek_wait(&e.c, LONG, &payload, &len), 0);
	end(child);
}

Test(wait, a_sleeping_producer_is_woken_by_room)
{
	pid_t child;
	void *room;

	fill();
	ringshm_spsc_consumer_close(&e.c);
	child = start_child(receive_later, NULL);
	cr_expect_eq(ringshm_spsc_reserve_wait(&e.p, 2000, LONG, &room), 0);
	cr_expect_not_null(room);
	end(child);
}

Test(wait, a_sleeping_consumer_is_woken_by_shutdown)
{
	pid_t child = start_child(shut_down_later, NULL);

	cr_expect_eq(ringshm_spsc_peek_wait(&e.c, LONG, &payload, &len), -ESHUTDOWN);
	end(child);
}

Test(wait, a_sleeping_producer_is_woken_by_shutdown)
{
	pid_t child;
	void *room;

	fill();
	child = start_child(shut_down_later, NULL);
	cr_expect_eq(ringshm_spsc_reserve_wait(&e.p, 2000, -1, &room), -ESHUTDOWN);
	end(child);
}

Test(wait, the_producers_death_ends_the_wait)
{
	pid_t child;

	wait_for_a_producer(RINGSHM_F_BLOCK | RINGSHM_F_EOF);
	child = start_child(come_and_go, NULL);
	cr_expect_eq(ringshm_spsc_peek_wait(&e.c, LONG, &payload, &len), -EPIPE);
	end_of(child);
}

Test(wait, the_producers_closing_ends_the_wait)
{
	pid_t child;

	wait_for_a_producer(RINGSHM_F_BLOCK | RINGSHM_F_EOF);
	child = start_child(come_and_close, NULL);
	cr_expect_eq(ringshm_spsc_peek_wait(&e.c, LONG, &payload, &len), -EPIPE);
	end_of(child);
}

static void ignore(int signal)
{
	(void)signal;
}

/* Again and again: a signal between two sleeps is not noticed. */
static void signal_often(void)
{
	struct itimerval often = {.it_interval.tv_usec = 10000, .it_value.tv_usec = 10000};
	struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &action, NULL);
	cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void signal_no_more(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

Test(wait, a_signal_handler_ends_the_wait)
{
	void *room;

	signal_often();
	cr_expect_eq(ringshm_spsc_peek_wait(&e.c, -1, &payload, &len), -EINTR);
	cr_expect_null(payload);
	cr_expect_eq(ringshm_spsc_recv_wait(&e.c, (char[500]){0}, 500, &len, -1), -EINTR);
	fill();
	cr_expect_eq(ringshm_spsc_reserve_wait(&e.p, 2000, -1, &room), -EINTR);
	cr_expect_eq(ringshm_spsc_send_wait(&e.p, (char[2000]){0}, 2000, -1), -EINTR);
	signal_no_more();
	cr_expect_eq(ringshm_spsc_recv_wait(&e.c, (char[500]){0}, 500, &len, -1), 0, "and the ring goes on");
}

Test(wait, a_signal_handler_ends_the_wait_for_a_token)
{
	struct ringshm_config config;
	struct ringshm_token_producer p;
	struct ringshm_token_consumer c;
	struct ringshm *channel;
	uint64_t value;

	ringshm_config_init(&config, RINGSHM_TOKEN);
	config.capacity = 2;
	cr_assert_eq(ringshm_create(&channel, NULL, &config), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_token_producer_open(&p, channel), 0);
	cr_assert_eq(ringshm_token_consumer_open(&c, channel), 0);
	signal_often();
	cr_expect_eq(ringshm_token_peek_wait(&c, -1, &value), -EINTR);
	cr_expect_eq(ringshm_token_recv_wait(&c, &value, -1), -EINTR);
	cr_expect(!ringshm_token_send(&p, 1) && !ringshm_token_send(&p, 2));
	cr_expect_eq(ringshm_token_send_wait(&p, 3, -1), -EINTR);
	signal_no_more();
	cr_expect_eq(ringshm_token_recv_wait(&c, &value, -1), 0);
	cr_expect_eq(value, 1);
	ringshm_token_consumer_close(&c);
	ringshm_token_producer_close(&p);
	ringshm_close(channel);
}

Test(wait, a_signal_handler_ends_the_wait_among_many)
{
	struct ringshm_config config;
	struct ringshm_mpmc_producer p;
	struct ringshm_mpmc_consumer c;
	struct ringshm *channel;
	uint32_t n;
	void *room;

	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = 2;
	cr_assert_eq(ringshm_create(&channel, NULL, &config), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_mpmc_producer_open(&p, channel), 0);
	cr_assert_eq(ringshm_mpmc_consumer_open(&c, channel), 0);
	signal_often();
	cr_expect_eq(ringshm_mpmc_peek_wait(&c, -1, &payload, &len), -EINTR);
	cr_expect_eq(ringshm_mpmc_peek_n_wait(&c, 2, -1, &n), -EINTR);
	cr_expect_eq(ringshm_mpmc_recv_wait(&c, (char[64]){0}, 64, &len, -1), -EINTR);
	cr_expect(!ringshm_mpmc_send(&p, "a", 1) && !ringshm_mpmc_send(&p, "b", 1));
	cr_expect_eq(ringshm_mpmc_reserve_wait(&p, 1, -1, &room), -EINTR);
	cr_expect_eq(ringshm_mpmc_reserve_n_wait(&p, 2, -1, &n), -EINTR);
	cr_expect_eq(ringshm_mpmc_send_wait(&p, "c", 1, -1), -EINTR);
	signal_no_more();
	cr_expect_eq(ringshm_mpmc_recv_wait(&c, (char[64]){0}, 64, &len, -1), 0);
	ringshm_mpmc_consumer_close(&c);
	ringshm_mpmc_producer_close(&p);
	ringshm_close(channel);
}

static int unlink_later(void *name)
{
	sleep_ns(60 * MS);
	return ringshm_unlink((const char *)name);
}

Test(wait, removing_the_channel_ends_the_wait)
{
	struct ringshm *named = make_channel("x", RINGSHM_F_BLOCK);
	struct ringshm_spsc_consumer c;
	pid_t child;

	cr_assert_eq(ringshm_spsc_consumer_open(&c, named), 0);
	child = start_child(unlink_later, (void *)"x");
	cr_expect_eq(ringshm_spsc_peek_wait(&c, LONG, &payload, &len), -ESTALE);
	cr_expect_eq(end_of(child), 0);
	ringshm_spsc_consumer_close(&c);
	ringshm_close(named);
}
