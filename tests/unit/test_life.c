// SPDX-License-Identifier: MIT
// The life of a channel: created, replaced, removed, shut down, ended; what those attached are told.
#include "fixture.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

static uint32_t len;

TestSuite(life, .init = scratch_make, .fini = scratch_remove, .timeout = 30);

static void send_text(struct ends *e, const char *text)
{
	cr_assert_eq(ringshm_spsc_send(&e->p, text, (uint32_t)strlen(text)), 0);
}

static void expect_text(struct ends *e, const char *text)
{
	char bytes[64] = "";

	cr_assert_eq(ringshm_spsc_recv(&e->c, bytes, sizeof(bytes), &len), 0);
	cr_expect_str_eq(bytes, text);
}

/* ---- names ---------------------------------------------------------------------------------- */

Test(life, a_name_can_be_taken_once)
{
	struct ringshm_config config = small_config();
	struct ringshm *second, *first = make_channel("x", 0);

	EXPECT_FAILURE(ringshm_create(&second, "x", &config), EEXIST, "create x", "exists", "replace");
	ringshm_close(first);
	EXPECT_FAILURE(ringshm_create(&second, "x", &config), EEXIST, "exists");
}

Test(life, a_channel_outlives_its_creator)
{
	struct ringshm *again;

	ringshm_close(make_channel("x", 0));
	cr_assert_eq(ringshm_open(&again, "x", ALL_ACCESS), 0, "%s", ringshm_last_error());
	ringshm_close(again);
}

Test(life, records_outlive_both_ends)
{
	struct ends e;

	open_ends(&e, make_channel("x", 0));
	send_text(&e, "kept");
	close_ends(&e);
	cr_assert_eq(ringshm_open(&e.channel, "x", ALL_ACCESS), 0);
	open_ends(&e, e.channel);
	expect_text(&e, "kept");
	close_ends(&e);
}

Test(life, unlink_leaves_nothing_behind)
{
	ringshm_close(make_channel("x", RINGSHM_F_POLLFD));
	cr_expect_eq(ringshm_unlink("x"), 0, "%s", ringshm_last_error());
	cr_expect_eq(count_entries(), 0);
	EXPECT_FAILURE(ringshm_unlink("x"), ENOENT, "x");
}

Test(life, unlink_tells_both_ends)
{
	struct ends e;

	open_ends(&e, make_channel("x", 0));
	send_text(&e, "last");
	cr_assert_eq(ringshm_unlink("x"), 0);
	cr_expect_eq(ringshm_spsc_send(&e.p, "more", 4), -ESTALE);
	expect_text(&e, "last");
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(e.c.status, -ESTALE);
	close_ends(&e);
}

Test(life, no_role_can_be_taken_in_a_removed_channel)
{
	struct ringshm *channel = make_channel("x", 0);
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;

	ringshm_unlink("x");
	EXPECT_FAILURE(ringshm_spsc_producer_open(&p, channel), ESTALE, "unlinked or recreated", "open it again");
	EXPECT_FAILURE(ringshm_spsc_consumer_open(&c, channel), ESTALE, "unlinked or recreated");
	ringshm_close(channel);
}

Test(life, a_replaced_channel_is_stale_and_the_new_one_is_not)
{
	struct ringshm_config config = small_config();
	struct ends old, new;

	open_ends(&old, make_channel("x", 0));
	send_text(&old, "old");
	config.flags = RINGSHM_CREATE_REPLACE;
	cr_assert_eq(ringshm_create(&new.channel, "x", &config), 0, "%s", ringshm_last_error());
	open_ends(&new, new.channel);
	cr_expect_eq(ringshm_spsc_send(&old.p, "x", 1), -ESTALE);
	expect_text(&old, "old");
	cr_expect_null(ringshm_spsc_peek(&old.c, &len));
	cr_expect_eq(old.c.status, -ESTALE);
	send_text(&new, "new");
	expect_text(&new, "new");
	close_ends(&old);
	close_ends(&new);
	cr_expect_eq(count_entries(), 1);
}

Test(life, replacing_nothing_is_creating)
{
	struct ringshm_config config = small_config();
	struct ringshm *channel;

	config.flags = RINGSHM_CREATE_REPLACE;
	cr_assert_eq(ringshm_create(&channel, "x", &config), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
}

Test(life, replacing_a_plain_file_removes_it)
{
	struct ringshm_config config = small_config();
	struct ringshm *channel;

	close(open(path_of("x", NULL), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	config.flags = RINGSHM_CREATE_REPLACE;
	cr_assert_eq(ringshm_create(&channel, "x", &config), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
	cr_expect_eq(count_entries(), 1);
}

Test(life, a_closed_handle_leaves_its_endpoints_working)
{
	struct ends e;

	open_ends(&e, make_channel("x", 0));
	ringshm_close(e.channel);
	e.channel = NULL;
	send_text(&e, "still");
	expect_text(&e, "still");
	close_ends(&e);
	cr_expect_eq(ringshm_close(NULL), 0);
}

/* ---- what crashes leave --------------------------------------------------------------------- */

/* A builder's hidden directory as a crash leaves it. */
static void leave_build(const char *name)
{
	cr_assert_eq(mkdir(path_of(name, NULL), 0700), 0);
	close(open(path_of(name, "data"), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
}

Test(life, unlink_removes_what_a_dead_builder_left)
{
	leave_build(".build-x-0123456789abcdef");
	cr_expect_eq(ringshm_unlink("x"), 0, "%s", ringshm_last_error());
	cr_expect_eq(count_entries(), 0);
}

Test(life, create_removes_what_a_dead_builder_left)
{
	leave_build(".build-x-0123456789abcdef");
	ringshm_close(make_channel("x", 0));
	cr_expect_eq(count_entries(), 1);
}

Test(life, what_a_live_builder_builds_is_left_alone)
{
	int dir;

	leave_build(".build-x-0123456789abcdef");
	dir = open(path_of(".build-x-0123456789abcdef", NULL), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(flock(dir, LOCK_EX), 0);
	ringshm_close(make_channel("x", 0));
	cr_expect_eq(ringshm_unlink("x"), 0);
	cr_expect_eq(count_entries(), 1);
	close(dir);
}

Test(life, what_was_left_of_other_names_is_left_alone)
{
	leave_build(".build-x-y-0123456789abcdef");
	leave_build(".gone-y-0123456789abcdef");
	ringshm_close(make_channel("x", 0));
	cr_expect_eq(ringshm_unlink("x"), 0);
	cr_expect_eq(count_entries(), 2);
}

Test(life, half_a_removal_is_finished_by_the_next_one)
{
	char from[512];

	ringshm_close(make_channel("x", 0));
	snprintf(from, sizeof(from), "%s", path_of("x", NULL));
	cr_assert_eq(rename(from, path_of(".gone-x-0123456789abcdef", NULL)), 0);
	cr_expect_eq(ringshm_unlink("x"), 0, "%s", ringshm_last_error());
	cr_expect_eq(count_entries(), 0);
}

/* ---- the end -------------------------------------------------------------------------------- */

Test(life, shutdown_stops_producers_at_once_and_consumers_when_they_have_drained)
{
	struct ends e;

	open_ends(&e, make_anonymous(0));
	send_text(&e, "one");
	send_text(&e, "two");
	cr_assert_eq(ringshm_shutdown(e.channel), 0, "%s", ringshm_last_error());
	cr_expect_eq(ringshm_spsc_send(&e.p, "three", 5), -ESHUTDOWN);
	expect_text(&e, "one");
	expect_text(&e, "two");
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(e.c.status, -ESHUTDOWN);
	cr_expect_eq(ringshm_spsc_recv(&e.c, &len, 4, &len), -ESHUTDOWN);
	close_ends(&e);
}

Test(life, after_a_shutdown_nobody_produces_and_anybody_may_drain)
{
	struct ends e;
	struct ringshm_spsc_producer p;

	open_ends(&e, make_anonymous(0));
	send_text(&e, "one");
	ringshm_shutdown(e.channel);
	ringshm_spsc_producer_close(&e.p);
	ringshm_spsc_consumer_close(&e.c);
	EXPECT_FAILURE(ringshm_spsc_producer_open(&p, e.channel), ESHUTDOWN, "shut down", "recreate");
	cr_assert_eq(ringshm_spsc_consumer_open(&e.c, e.channel), 0, "%s", ringshm_last_error());
	expect_text(&e, "one");
	ringshm_spsc_consumer_close(&e.c);
	ringshm_close(e.channel);
}

Test(life, shutdown_needs_a_channel)
{
	EXPECT_FAILURE(ringshm_shutdown(NULL), EINVAL, "no channel");
}

Test(life, a_closing_producer_publishes_its_batch_and_gives_up_its_reservation)
{
	struct ends e;

	open_ends(&e, make_anonymous(0));
	memcpy(ringshm_spsc_reserve(&e.p, 5), "batch", 5);
	ringshm_spsc_commit_more(&e.p, 5);
	ringshm_spsc_reserve(&e.p, 5);
	ringshm_spsc_producer_close(&e.p);
	expect_text(&e, "batch");
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(e.c.status, 0);
	close_ends(&e);
}

Test(life, a_closing_producer_is_the_end_of_the_stream_where_that_was_asked_for)
{
	struct ends e;

	open_ends(&e, make_anonymous(RINGSHM_F_EOF));
	send_text(&e, "last");
	ringshm_spsc_producer_close(&e.p);
	expect_text(&e, "last");
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(e.c.status, -EPIPE);
	close_ends(&e);
}

Test(life, a_producer_that_comes_back_is_no_end_of_the_stream)
{
	struct ends e;

	open_ends(&e, make_anonymous(RINGSHM_F_EOF));
	ringshm_spsc_producer_close(&e.p);
	cr_assert_eq(ringshm_spsc_producer_open(&e.p, e.channel), 0);
	cr_expect_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(e.c.status, 0);
	send_text(&e, "on");
	expect_text(&e, "on");
	close_ends(&e);
}

Test(life, a_stream_that_never_began_has_not_ended)
{
	struct ringshm *channel = make_anonymous(RINGSHM_F_EOF);
	struct ringshm_spsc_consumer c;

	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0);
	for (unsigned int i = 0; i < 3 * RINGSHM_PATIENCE; i++)
		cr_assert_null(ringshm_spsc_peek(&c, &len));
	cr_expect_eq(c.status, 0);
	ringshm_spsc_consumer_close(&c);
	ringshm_close(channel);
}

static int produce_and_die(void *channel)
{
	struct ringshm_spsc_producer p;

	CHECK(!ringshm_spsc_producer_open(&p, (struct ringshm *)channel));
	CHECK(!ringshm_spsc_send(&p, "will", 4));
	return 0;
}

Test(life, a_dead_producer_is_the_end_of_the_stream_also_for_who_only_polls)
{
	struct ringshm *channel = make_anonymous(RINGSHM_F_EOF);
	struct ends e = {.channel = channel};

	cr_assert_eq(ringshm_spsc_consumer_open(&e.c, channel), 0);
	cr_assert_eq(in_child(produce_and_die, channel), 0);
	expect_text(&e, "will");
	for (unsigned int i = 0; i < 3 * RINGSHM_PATIENCE && !e.c.status; i++)
		cr_assert_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(e.c.status, -EPIPE);
	close_ends(&e);
}

Test(life, without_the_feature_a_dead_producer_is_no_end)
{
	struct ringshm *channel = make_anonymous(0);
	struct ends e = {.channel = channel};

	cr_assert_eq(ringshm_spsc_consumer_open(&e.c, channel), 0);
	cr_assert_eq(in_child(produce_and_die, channel), 0);
	expect_text(&e, "will");
	for (unsigned int i = 0; i < 3 * RINGSHM_PATIENCE; i++)
		cr_assert_null(ringshm_spsc_peek(&e.c, &len));
	cr_expect_eq(e.c.status, 0);
	close_ends(&e);
}

/* ---- what people read ----------------------------------------------------------------------- */

Test(life, who_asks_for_another_shape_is_told_which_there_is_and_in_words)
{
	struct ringshm_config config = small_config();
	struct ringshm *second, *first = make_channel("x", RINGSHM_F_BLOCK);

	config.features = RINGSHM_F_BLOCK | RINGSHM_F_TIMESTAMP;
	EXPECT_FAILURE(ringshm_open_or_create(&second, "x", &config), EEXIST, "create x", "features BLOCK,",
		       "TIMESTAMP|BLOCK was asked", "ringshm rm x");
	config.kind = RINGSHM_TOKEN;
	config.features = RINGSHM_F_BLOCK;
	EXPECT_FAILURE(ringshm_open_or_create(&second, "x", &config), EEXIST, "kind spsc, and token was asked");
	config = small_config();
	config.backend = RINGSHM_BACKEND_SYSV;
	config.features = RINGSHM_F_BLOCK;
	EXPECT_FAILURE(ringshm_open_or_create(&second, "x", &config), EEXIST, "and sysv was asked");
	ringshm_close(first);
}

Test(life, names_with_control_characters_are_refused_and_not_repeated)
{
	static const char *const bad[] = {"a\n", "\033[2J", ".\033", "a\177", "\303\251", "a/../b"};
	struct ringshm_config config = small_config();
	struct ringshm *channel;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_FAILURE(ringshm_create(&channel, bad[i], &config), EINVAL, "channel name");
		for (const char *c = ringshm_last_error(); *c; c++)
			cr_expect(*c >= ' ' && *c < 0x7f, "character %d in a sentence", *c);
	}
}

Test(life, who_has_too_many_files_open_is_told_which_command_allows_more)
{
	struct ringshm_config config = small_config();
	struct rlimit before, few;
	struct ringshm *channel;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){3, before.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	EXPECT_FAILURE(ringshm_create(&channel, NULL, &config), EMFILE, "create (anonymous)", "run: ulimit -n");
	setrlimit(RLIMIT_NOFILE, &before); /* what removes this test's directory opens it */
}
