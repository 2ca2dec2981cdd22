/* SPDX-License-Identifier: MIT */
/* The table of a process's channels: complete, and walked while others open and close. */
#include "fixture.h"

#include <pthread.h>

TestSuite(table, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

struct tally {
	int seen;
	const struct ringshm *wanted;
	int found;
};

static int tally(struct ringshm *channel, void *context)
{
	struct tally *tally = (struct tally *)context;

	tally->seen++;
	tally->found += channel == tally->wanted;
	return 0;
}

Test(table, shows_every_handle_and_forgets_the_closed)
{
	struct ringshm *a = make_channel("a", 0), *b = make_anonymous(0);
	struct tally both = {.wanted = a}, one = {.wanted = a};

	cr_assert_eq(ringshm_attached(tally, &both), 0);
	cr_assert_eq(both.seen, 2);
	cr_assert_eq(both.found, 1);
	ringshm_close(a);
	cr_assert_eq(ringshm_attached(tally, &one), 0);
	cr_assert_eq(one.seen, 1);
	cr_assert_eq(one.found, 0);
	ringshm_close(b);
}

static int stop_at_once(struct ringshm *channel, void *context)
{
	(void)channel;
	++*(int *)context;
	return 42;
}

Test(table, stops_at_the_first_result_that_is_not_zero)
{
	struct ringshm *a = make_anonymous(0), *b = make_anonymous(0);
	int calls = 0;

	cr_assert_eq(ringshm_attached(stop_at_once, &calls), 42);
	cr_assert_eq(calls, 1);
	ringshm_close(a);
	ringshm_close(b);
	EXPECT_FAILURE(ringshm_attached(NULL, NULL), EINVAL, "call");
}

static int close_other(struct ringshm *channel, void *context)
{
	struct ringshm **other = (struct ringshm **)context;

	if (*other && *other != channel) {
		ringshm_close(*other);
		*other = NULL;
	}
	return 0;
}

Test(table, a_visitor_may_close_channels)
{
	struct ringshm *a = make_anonymous(0), *b = make_anonymous(0);
	struct tally left = {.wanted = a};

	cr_assert_eq(ringshm_attached(close_other, &b), 0);
	cr_assert_null(b);
	cr_assert_eq(ringshm_attached(tally, &left), 0);
	cr_assert_eq(left.seen, 1);
	ringshm_close(a);
}

static int look(struct ringshm *channel, void *context)
{
	struct ringshm_info info = {.size = sizeof(info)};

	(void)context;
	return ringshm_info(channel, &info) || info.capacity != 4096; /* faults when it is unmapped */
}

static void *keep_looking(void *argument)
{
	const int *stop = (const int *)argument;
	intptr_t wrong = 0;

	while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE))
		wrong += ringshm_attached(look, NULL) != 0;
	return (void *)wrong;
}

Test(table, is_walked_while_others_open_and_close)
{
	pthread_t thread[2];
	int stop = 0;
	void *wrong;

	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, keep_looking, &stop);
	for (int i = 0; i < 1500; i++) {
		struct ringshm *a = make_anonymous(0), *b = make_anonymous(0);

		ringshm_close(a);
		ringshm_close(b);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], &wrong);
		cr_expect_null(wrong);
	}
}
