// SPDX-License-Identifier: MIT
// Looking at a channel from outside: what info shows, also to callers of another version and to observers.
#include "fixture.h"

#include <stddef.h>
#include <sys/prctl.h>

static struct ringshm *channel;

static void setup(void)
{
	scratch_make();
	channel = make_channel("x", 0);
}

static void teardown(void)
{
	ringshm_close(channel);
	scratch_remove();
}

TestSuite(info, .init = setup, .fini = teardown, .timeout = 20);

static struct ringshm_info info_of(struct ringshm *from)
{
	struct ringshm_info info = {.size = sizeof(info)};

	cr_assert_eq(ringshm_info(from, &info), 0, "%s", ringshm_last_error());
	return info;
}

Test(info, positions_move_with_what_is_sent_and_released)
{
	struct ringshm_info info;
	struct ends e;
	uint32_t len;

	open_ends(&e, channel);
	ringshm_spsc_send(&e.p, "12345678", 8);
	ringshm_spsc_send(&e.p, "12345678", 8);
	info = info_of(channel);
	cr_expect_eq(info.head, 0);
	cr_expect_eq(info.tail, 32);
	cr_expect_eq(info.used, 32);
	ringshm_spsc_peek(&e.c, &len);
	ringshm_spsc_release(&e.c, 1);
	info = info_of(channel);
	cr_expect_eq(info.head, 16);
	cr_expect_eq(info.used, 16);
	ringshm_spsc_producer_close(&e.p);
	ringshm_spsc_consumer_close(&e.c);
}

Test(info, an_observer_sees_what_others_do)
{
	struct ringshm *observer;
	struct ringshm_spsc_producer p;
	struct ringshm_info info;

	cr_assert_eq(ringshm_open(&observer, "x", RINGSHM_OBSERVER), 0);
	cr_expect_eq(info_of(observer).attached_ever, 0);
	cr_assert_eq(ringshm_spsc_producer_open(&p, channel), 0);
	ringshm_spsc_send(&p, "x", 1);
	info = info_of(observer);
	cr_expect_eq(info.attached_ever, 1);
	cr_expect_eq(info.producers, 1);
	cr_expect_eq(info.used, 16);
	ringshm_spsc_producer_close(&p);
	cr_expect_eq(info_of(observer).producers, 0);
	ringshm_close(observer);
}

Test(info, an_older_callers_shorter_struct_is_not_overrun)
{
	unsigned char bytes[sizeof(struct ringshm_info)];
	struct ringshm_info *info = (struct ringshm_info *)bytes;
	const uint32_t old = offsetof(struct ringshm_info, slot_size);

	memset(bytes, 0xee, sizeof(bytes));
	info->size = old;
	cr_assert_eq(ringshm_info(channel, info), 0);
	cr_expect_eq(info->capacity, 4096);
	cr_expect_eq(info->size, old);
	for (size_t i = old; i < sizeof(bytes); i++)
		cr_assert_eq(bytes[i], 0xee, "byte %zu", i);
}

Test(info, a_newer_callers_longer_struct_is_told_how_much_is_known)
{
	struct {
		struct ringshm_info info;
		uint64_t newer;
	} longer = {.newer = 7};

	longer.info.size = sizeof(longer);
	cr_assert_eq(ringshm_info(channel, &longer.info), 0);
	cr_expect_eq(longer.info.size, sizeof(struct ringshm_info));
	cr_expect_eq(longer.newer, 7);
}

Test(info, nonsense_is_refused)
{
	struct ringshm_participant_info seat = {.size = sizeof(seat)};
	struct ringshm_info info = {.size = 0};

	EXPECT_FAILURE(ringshm_info(channel, &info), EINVAL, "info.size");
	EXPECT_FAILURE(ringshm_info(channel, NULL), EINVAL, "info.size");
	EXPECT_FAILURE(ringshm_info(NULL, &info), EINVAL, "channel");
	EXPECT_FAILURE(ringshm_participant_info(channel, 9, 0, &seat), EINVAL, "role");
	EXPECT_FAILURE(ringshm_participant_info(channel, RINGSHM_ROLE_PRODUCER, 2, &seat), ERANGE, "participant 2",
		       "has 2");
	EXPECT_FAILURE(ringshm_participant_info(channel, RINGSHM_ROLE_PRODUCER, 0, &seat), ENOENT, "participant 0",
		       "empty");
}

Test(info, a_participant_is_shown_with_its_process_and_thread)
{
	struct ringshm_participant_info seat = {.size = sizeof(seat)};
	struct ringshm_spsc_consumer c;
	uint64_t before = now_ns();

	prctl(PR_SET_NAME, "fifteen-letters");
	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0);
	ringshm_spsc_consumer_note_dropped(&c, 9);
	cr_assert_eq(ringshm_participant_info(channel, RINGSHM_ROLE_CONSUMER, RINGSHM_SEAT_CONSUMER, &seat), 0);
	cr_expect_eq(seat.role, RINGSHM_ROLE_CONSUMER);
	cr_expect_eq(seat.alive, 1);
	cr_expect_eq(seat.pid, (uint32_t)getpid());
	cr_expect_eq(seat.tid, (uint32_t)gettid());
	cr_expect_eq(seat.dropped, 9);
	cr_expect_eq(seat.generation, 1);
	cr_expect_str_eq(seat.comm, "fifteen-letters");
	cr_expect(seat.attached_ns >= before && seat.attached_ns <= now_ns());
	ringshm_spsc_consumer_close(&c);
	EXPECT_FAILURE(ringshm_participant_info(channel, RINGSHM_ROLE_CONSUMER, RINGSHM_SEAT_CONSUMER, &seat), ENOENT,
		       "empty");
}

Test(info, names_for_people_are_known_or_unknown)
{
	cr_expect_str_eq(ringshm_kind_name(RINGSHM_SPSC), "spsc");
	cr_expect_str_eq(ringshm_kind_name(UINT32_MAX), "unknown");
	cr_expect_str_eq(ringshm_backend_name(RINGSHM_BACKEND_MEMFD), "memfd");
	cr_expect_str_eq(ringshm_backend_name(UINT32_MAX), "unknown");
}

static int other_thread_failed;

static void *fail_elsewhere(void *unused)
{
	struct ringshm *none;

	other_thread_failed = ringshm_open(&none, "of-the-other-thread", ALL_ACCESS);
	return unused;
}

Test(info, the_last_error_is_the_threads_own)
{
	struct ringshm *none;
	pthread_t other;

	cr_expect_eq(ringshm_open(&none, "of-this-thread", ALL_ACCESS), -ENOENT);
	cr_assert_eq(pthread_create(&other, NULL, fail_elsewhere, NULL), 0);
	pthread_join(other, NULL);
	cr_expect_eq(other_thread_failed, -ENOENT);
	cr_expect(strstr(ringshm_last_error(), "of-this-thread"), "%s", ringshm_last_error());
}
