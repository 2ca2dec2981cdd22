/* SPDX-License-Identifier: MIT */
/* The poller, and the descriptors that it and epoll loops stand on. */
#include "fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <ringshm/poller.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#define MANY 200

static struct ringshm_poller *poller;

static void begin(void)
{
	scratch_make();
	cr_assert_eq(ringshm_poller_create(&poller), 0);
}

static void end(void)
{
	ringshm_poller_destroy(poller);
	scratch_remove();
}

TestSuite(poller, .init = begin, .fini = end, .timeout = 60);

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void nap(int64_t ns)
{
	const struct timespec t = {.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};

	nanosleep(&t, NULL);
}

static void open_member(struct ends *ends, uint64_t features)
{
	open_ends(ends, make_anonymous(features));
	cr_assert_eq(ringshm_poller_add(poller, RINGSHM_SPSC, &ends->c, ends), 0);
}

static void close_member(struct ends *ends)
{
	cr_assert_eq(ringshm_poller_remove(poller, &ends->c), 0);
	close_ends(ends);
}

Test(poller, reports_the_ring_that_has_a_message)
{
	struct ringshm_event events[4];
	struct ends a, b;

	open_member(&a, RINGSHM_F_POLLFD);
	open_member(&b, RINGSHM_F_POLLFD);
	cr_assert_eq(ringshm_spsc_send(&b.p, "hello", 5), 0);
	cr_assert_eq(ringshm_poller_wait(poller, events, 4, SECOND), 1);
	cr_assert_eq(events[0].user, &b);
	cr_assert_eq(events[0].consumer, &b.c);
	close_member(&a);
	close_member(&b);
}

Test(poller, gives_up_when_time_runs_out_and_not_before)
{
	struct ringshm_event event;
	struct ends a;
	uint64_t started;

	open_member(&a, RINGSHM_F_POLLFD);
	started = now();
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 30 * MS), 0);
	cr_assert_geq(now() - started, (uint64_t)(30 * MS));
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 0), 0);
	close_member(&a);
}

static void *send_later(void *argument)
{
	struct ends *ends = (struct ends *)argument;

	nap(50 * MS);
	return (void *)(intptr_t)ringshm_spsc_send(&ends->p, "x", 1);
}

static void wakes_from_sleep(uint64_t features)
{
	struct ringshm_event event;
	pthread_t sender;
	struct ends a;
	void *result;

	open_member(&a, features);
	pthread_create(&sender, NULL, send_later, &a);
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 20 * SECOND), 1);
	cr_assert_eq(event.user, &a);
	pthread_join(sender, &result);
	cr_assert_null(result);
	close_member(&a);
}

Test(poller, sleeps_on_a_bell_and_is_woken_by_it)
{
	wakes_from_sleep(RINGSHM_F_POLLFD | RINGSHM_F_BLOCK);
}

Test(poller, watches_a_ring_without_a_bell_too)
{
	wakes_from_sleep(0);
}

Test(poller, is_fair_when_all_rings_are_always_ready)
{
	struct ringshm_event events[3];
	struct ends ring[9];
	int seen[9] = {0};

	for (int i = 0; i < 9; i++) {
		open_member(&ring[i], RINGSHM_F_POLLFD);
		cr_assert_eq(ringshm_spsc_send(&ring[i].p, "x", 1), 0);
	}
	for (int round = 0; round < 30; round++) {
		cr_assert_eq(ringshm_poller_wait(poller, events, 3, SECOND), 3);
		for (int i = 0; i < 3; i++)
			seen[(struct ends *)events[i].user - ring]++;
	}
	for (int i = 0; i < 9; i++) {
		cr_expect_eq(seen[i], 10, "ring %d was reported %d times", i, seen[i]);
		close_member(&ring[i]);
	}
}

Test(poller, finds_one_message_among_many_armed_rings)
{
	static struct ends ring[MANY];
	struct ringshm_event event;
	char byte;
	uint32_t len;

	for (int i = 0; i < MANY; i++)
		open_member(&ring[i], RINGSHM_F_POLLFD | RINGSHM_F_BLOCK);
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 50 * MS), 0); /* all are armed after this */
	for (int i = 0; i < 1000; i++) {
		struct ends *chosen = &ring[(i * 7) % MANY];

		cr_assert_eq(ringshm_spsc_send(&chosen->p, "x", 1), 0);
		cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 5 * SECOND), 1, "message %d was not found", i);
		cr_assert_eq(event.user, chosen);
		cr_assert_eq(ringshm_spsc_recv(&chosen->c, &byte, 1, &len), 0);
	}
	for (int i = 0; i < MANY; i++)
		close_member(&ring[i]);
}

/* An event may arrive when its member is gone: who uses a consumer by it sees to it that it is still there. */
static struct {
	pthread_mutex_t lock;
	struct ringshm_spsc_consumer *consumer;
} there = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void receive_if_there(struct ringshm_spsc_consumer *consumer)
{
	char byte;
	uint32_t len;

	pthread_mutex_lock(&there.lock);
	if (consumer == there.consumer)
		ringshm_spsc_recv(consumer, &byte, 1, &len);
	pthread_mutex_unlock(&there.lock);
}

static void now_there(struct ringshm_spsc_consumer *consumer)
{
	pthread_mutex_lock(&there.lock);
	there.consumer = consumer;
	pthread_mutex_unlock(&there.lock);
}

static void *wait_for_stop(void *argument)
{
	struct ringshm_event event;
	int *stop = (int *)argument;

	while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE))
		if (ringshm_poller_wait(poller, &event, 1, 20 * MS) == 1)
			receive_if_there((struct ringshm_spsc_consumer *)event.consumer);
	return NULL;
}

Test(poller, lets_other_threads_add_and_remove_while_it_waits)
{
	pthread_t waiter;
	int stop = 0;

	pthread_create(&waiter, NULL, wait_for_stop, &stop);
	for (int i = 0; i < 300; i++) {
		struct ends a;

		open_member(&a, i % 2 ? RINGSHM_F_POLLFD : 0);
		cr_assert_eq(ringshm_spsc_send(&a.p, "x", 1), 0);
		now_there(&a.c);
		if (i % 3)
			nap(MS / 5);
		now_there(NULL);
		close_member(&a); /* unmaps: a look after this would fault */
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_join(waiter, NULL);
}

Test(poller, refuses_what_it_cannot_watch)
{
	struct ringshm_event event;
	struct ends a;

	open_member(&a, 0);
	EXPECT_FAILURE(ringshm_poller_add(poller, RINGSHM_SPSC, &a.c, NULL), EEXIST, "already");
	EXPECT_FAILURE(ringshm_poller_add(poller, 77, &a.p, NULL), EINVAL, "77");
	EXPECT_FAILURE(ringshm_poller_remove(poller, &a.p), ENOENT, "does not watch");
	EXPECT_FAILURE(ringshm_poller_wait(poller, &event, 0, 0), EINVAL, "events");
	close_member(&a);
}

Test(poller, reports_a_producer_that_closed)
{
	struct ringshm_event event;
	struct ends a;
	uint32_t len;

	open_member(&a, RINGSHM_F_POLLFD | RINGSHM_F_EOF);
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 30 * MS), 0);
	ringshm_spsc_producer_close(&a.p);
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 5 * SECOND), 1);
	cr_assert_null(ringshm_spsc_peek(&a.c, &len));
	cr_assert_eq(a.c.status, -EPIPE);
	close_member(&a);
}

static int produce_and_die(void *argument)
{
	struct ringshm_spsc_producer p;

	CHECK(ringshm_spsc_producer_open(&p, (struct ringshm *)argument) == 0);
	raise(SIGKILL);
	return 1;
}

Test(poller, notices_a_producer_that_was_killed)
{
	struct ringshm *channel = make_anonymous(RINGSHM_F_POLLFD | RINGSHM_F_EOF);
	struct ringshm_spsc_consumer c;
	struct ringshm_event event;
	uint32_t len;
	pid_t child;

	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0);
	cr_assert_eq(ringshm_poller_add(poller, RINGSHM_SPSC, &c, NULL), 0);
	child = start_child(produce_and_die, channel);
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 10 * SECOND), 1);
	cr_assert_null(ringshm_spsc_peek(&c, &len));
	cr_assert_eq(c.status, -EPIPE);
	cr_assert_eq(end_of(child), -SIGKILL);
	cr_assert_eq(ringshm_poller_remove(poller, &c), 0);
	ringshm_spsc_consumer_close(&c);
	ringshm_close(channel);
}

Test(poller, watches_token_rings_beside_others)
{
	struct ringshm_token_producer p;
	struct ringshm_token_consumer c;
	struct ringshm_config config;
	struct ringshm_event event;
	struct ringshm *channel;
	uint64_t value;

	ringshm_config_init(&config, RINGSHM_TOKEN);
	config.capacity = 64;
	config.features = RINGSHM_F_POLLFD;
	cr_assert_eq(ringshm_create(&channel, NULL, &config), 0);
	cr_assert_eq(ringshm_token_producer_open(&p, channel), 0);
	cr_assert_eq(ringshm_token_consumer_open(&c, channel), 0);
	cr_assert_eq(ringshm_poller_add(poller, RINGSHM_TOKEN, &c, &c), 0);
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 20 * MS), 0);
	cr_assert_eq(ringshm_token_send(&p, 42), 0);
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 5 * SECOND), 1);
	cr_assert_eq(ringshm_token_recv(&c, &value), 0);
	cr_assert_eq(value, 42);
	cr_assert_eq(ringshm_poller_remove(poller, &c), 0);
	ringshm_token_consumer_close(&c);
	ringshm_token_producer_close(&p);
	ringshm_close(channel);
}

/* The protocol of somebody else's epoll loop, with a producer in another process, over `name` or a memfd. */
static int send_when_asked(void *argument)
{
	struct ringshm_spsc_producer p;

	CHECK(ringshm_spsc_producer_open(&p, (struct ringshm *)argument) == 0);
	for (int i = 0; i < 200; i++) {
		nap(MS / 4);
		CHECK(ringshm_spsc_send(&p, &i, sizeof(i)) == 0);
	}
	ringshm_spsc_producer_close(&p);
	return 0;
}

static void epoll_loop_over(struct ringshm *channel)
{
	struct ringshm_spsc_consumer c;
	struct pollfd wait = {.events = POLLIN};
	uint32_t len;
	pid_t child;
	int value;

	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0);
	wait.fd = ringshm_spsc_consumer_fd(&c);
	cr_assert_geq(wait.fd, 0);
	child = start_child(send_when_asked, channel);
	for (int i = 0; i < 200;) {
		if (ringshm_spsc_consumer_arm(&c) == 0)
			cr_assert_eq(poll(&wait, 1, 10000), 1, "no bell before message %d", i);
		cr_assert_eq(ringshm_spsc_consumer_ack(&c), 0);
		while (!ringshm_spsc_recv(&c, &value, sizeof(value), &len))
			cr_assert_eq(value, i++);
	}
	cr_assert_eq(end_of(child), 0);
	ringshm_spsc_consumer_close(&c);
	ringshm_close(channel);
}

Test(poller, bell_of_a_named_channel_rings_in_an_epoll_loop)
{
	epoll_loop_over(make_channel("bell", RINGSHM_F_POLLFD | RINGSHM_F_BLOCK));
}

Test(poller, bell_of_an_anonymous_channel_rings_in_an_epoll_loop)
{
	epoll_loop_over(make_anonymous(RINGSHM_F_POLLFD | RINGSHM_F_BLOCK));
}

Test(poller, bell_of_a_producer_rings_when_there_is_room)
{
	struct pollfd wait = {.events = POLLIN};
	struct ends a;
	char byte[64];
	uint32_t len;

	open_ends(&a, make_anonymous(RINGSHM_F_POLLFD | RINGSHM_F_BLOCK));
	while (!ringshm_spsc_send(&a.p, byte, sizeof(byte)))
		;
	wait.fd = ringshm_spsc_producer_fd(&a.p);
	cr_assert_eq(ringshm_spsc_producer_arm(&a.p, sizeof(byte)), 0);
	cr_assert_eq(poll(&wait, 1, 0), 0);
	while (!ringshm_spsc_recv(&a.c, byte, sizeof(byte), &len))
		;
	cr_assert_eq(poll(&wait, 1, 5000), 1);
	cr_assert_eq(ringshm_spsc_producer_ack(&a.p), 0);
	cr_assert_eq(poll(&wait, 1, 0), 0);
	cr_assert_eq(ringshm_spsc_send(&a.p, byte, sizeof(byte)), 0);
	close_ends(&a);
}

Test(poller, channel_without_bells_says_so)
{
	struct ends a;

	open_ends(&a, make_anonymous(0));
	EXPECT_FAILURE(ringshm_spsc_consumer_fd(&a.c), EOPNOTSUPP, "RINGSHM_F_POLLFD");
	close_ends(&a);
}

Test(poller, shutdown_rings_every_bell)
{
	struct ringshm_event event;
	struct ends a;
	uint32_t len;

	open_member(&a, RINGSHM_F_POLLFD);
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 20 * MS), 0);
	cr_assert_eq(ringshm_shutdown(a.channel), 0);
	cr_assert_eq(ringshm_poller_wait(poller, &event, 1, 5 * SECOND), 1);
	cr_assert_null(ringshm_spsc_peek(&a.c, &len));
	cr_assert_eq(a.c.status, -ESHUTDOWN);
	close_member(&a);
}

static void ignore(int signal)
{
	(void)signal;
}

Test(poller, a_signal_handler_ends_the_wait)
{
	struct itimerval often = {.it_interval.tv_usec = 10000, .it_value.tv_usec = 10000};
	struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
	struct ringshm_event event;
	struct ends a;

	open_member(&a, RINGSHM_F_POLLFD);
	sigaction(SIGALRM, &action, NULL);
	cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	cr_expect_eq(ringshm_poller_wait(poller, &event, 1, -1), -EINTR);
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
	close_member(&a);
}

/* A peer that writes as fast as one acknowledgement reads would hold it for ever: so it reads no more than so much. */
Test(poller, an_acknowledgement_drains_no_more_than_a_fifo_of_the_usual_size)
{
	static const char much[4096];
	struct ends a;
	int bell, left = 0;

	open_ends(&a, make_channel("bell", RINGSHM_F_POLLFD));
	bell = ringshm_spsc_consumer_fd(&a.c);
	cr_assert_geq(fcntl(bell, F_SETPIPE_SZ, 1 << 18), 0);
	while (write(bell, much, sizeof(much)) > 0)
		;
	cr_expect_eq(ringshm_spsc_consumer_ack(&a.c), 0);
	cr_assert_eq(ioctl(bell, FIONREAD, &left), 0);
	cr_expect_gt(left, 0);
	for (int i = 0; i < 4; i++)
		ringshm_spsc_consumer_ack(&a.c);
	cr_expect_eq(ringshm_spsc_consumer_arm(&a.c), 0, "and it still works");
	cr_expect_eq(poll(&(struct pollfd){.fd = bell, .events = POLLIN}, 1, 0), 0);
	cr_assert_eq(ringshm_spsc_send(&a.p, "hello", 5), 0);
	cr_expect_eq(poll(&(struct pollfd){.fd = bell, .events = POLLIN}, 1, 1000), 1);
	close_ends(&a);
}
