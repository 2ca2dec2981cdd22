// SPDX-License-Identifier: MIT
// struct ringshm_config: every field out of its range is refused with a reason, and defaults are what is documented.
#include "fixture.h"

TestSuite(config, .init = scratch_make, .fini = scratch_remove, .timeout = 20);

static struct ringshm *channel;

/* A configuration with one fault is refused, named or not, and leaves nothing behind. */
#define REFUSED(question, fault, ...)                                                 \
	Test(config, question)                                                        \
	{                                                                             \
		struct ringshm_config config = small_config();                        \
                                                                                      \
		fault;                                                                \
		EXPECT_FAILURE(ringshm_create(&channel, "x", &config), __VA_ARGS__);  \
		EXPECT_FAILURE(ringshm_create(&channel, NULL, &config), __VA_ARGS__); \
		cr_expect_eq(count_entries(), 0);                                     \
	}

REFUSED(a_kind_of_zero_is_refused, config.kind = 0, EINVAL, "kind 0")
REFUSED(an_unknown_kind_is_refused, config.kind = 99, EINVAL, "kind 99", "unknown")
REFUSED(a_capacity_of_zero_is_refused, config.capacity = 0, EINVAL, "capacity 0", "power of two")
REFUSED(a_capacity_that_is_no_power_of_two_is_refused, config.capacity = 5000, EINVAL, "5000", "power of two")
REFUSED(a_capacity_below_the_least_is_refused, config.capacity = 32, EINVAL, "32", "64", "bytes")
REFUSED(a_capacity_above_the_most_is_refused, config.capacity = UINT64_C(1) << 41, EINVAL, "2199023255552",
	"1099511627776")
REFUSED(the_greatest_power_of_two_is_no_capacity, config.capacity = UINT64_C(1) << 63, EINVAL, "capacity")
REFUSED(lines_need_a_ring_of_eight, (config.alignment = 64, config.capacity = 256), EINVAL, "256", "512")
REFUSED(an_alignment_of_16_is_refused, config.alignment = 16, EINVAL, "alignment 16", "8 or 64")
REFUSED(an_alignment_of_128_is_refused, config.alignment = 128, EINVAL, "alignment 128")
REFUSED(an_unknown_backend_is_refused, config.backend = 77, EINVAL, "backend 77", "unknown")
REFUSED(a_page_size_that_is_no_power_of_two_is_refused, config.page_size = 5000, EINVAL, "page size 5000")
REFUSED(unknown_features_are_refused, config.features = UINT64_C(1) << 40, EINVAL, "features 0x10000000000")
REFUSED(features_of_other_kinds_are_refused, config.features = RINGSHM_F_GATED, EINVAL, "spsc", "RINGSHM_F_GATED")
REFUSED(a_start_off_the_grid_is_refused, config.start_position = 4, EINVAL, "start_position 4", "alignment 8")
REFUSED(a_start_off_the_lines_is_refused, (config.alignment = 64, config.start_position = 8), EINVAL,
	"start_position 8", "64")
REFUSED(too_many_participants_are_refused, config.participants = 1025, EINVAL, "1025", "1024")
REFUSED(a_mode_with_other_bits_is_refused, config.mode = 0700, EINVAL, "700", "0666")
REFUSED(a_mode_that_shuts_out_its_owner_is_refused, config.mode = 0066, EINVAL, "066", "owner")
REFUSED(a_consumer_mode_with_other_bits_is_refused, config.consumer_mode = 04600, EINVAL, "4600")
REFUSED(a_consumer_mode_that_shuts_out_its_owner_is_refused, config.consumer_mode = 0400, EINVAL, "400", "owner")
REFUSED(unknown_flags_are_refused, config.flags = 0x80, EINVAL, "flags 0x80")
REFUSED(a_config_without_a_size_is_refused, config.size = 0, EINVAL, "config.size is 0", "ringshm_config_init")
REFUSED(a_config_of_absurd_size_is_refused, config.size = 1 << 20, EINVAL, "config.size is 1048576")

REFUSED(slots_in_a_ring_without_slots_are_refused, config.slot_size = 64, EINVAL, "slot_size 64", "spsc")
REFUSED(a_node_that_is_no_number_is_refused, config.node = -4, EINVAL, "node -4")
REFUSED(pages_that_no_backend_has_are_refused, config.page_size = 1 << 13, ENOMEM, "pages of 8 KiB", "thp: ")

Test(config, a_backend_that_cannot_be_named_is_refused)
{
	struct ringshm_config config = small_config();

	config.backend = RINGSHM_BACKEND_MEMFD;
	EXPECT_FAILURE(ringshm_create(&channel, "x", &config), EINVAL, "memfd", "named");
}

Test(config, a_backend_that_cannot_be_anonymous_is_refused)
{
	struct ringshm_config config = small_config();

	config.backend = RINGSHM_BACKEND_SHM;
	EXPECT_FAILURE(ringshm_create(&channel, NULL, &config), EINVAL, "shm", "anonymous");
}

Test(config, no_config_and_no_place_for_the_handle_are_refused)
{
	struct ringshm_config config = small_config();

	EXPECT_FAILURE(ringshm_create(&channel, "x", NULL), EINVAL, "configuration");
	EXPECT_FAILURE(ringshm_create(NULL, "x", &config), EINVAL, "handle");
	EXPECT_FAILURE(ringshm_open_or_create(NULL, "x", &config), EINVAL, "handle");
	EXPECT_FAILURE(ringshm_open_or_create(&channel, "x", NULL), EINVAL, "configuration");
}

Test(config, a_newer_programs_larger_config_is_taken_when_what_we_do_not_know_is_zero)
{
	struct {
		struct ringshm_config config;
		uint64_t newer[4];
	} larger = {.config = small_config()};

	larger.config.size = sizeof(larger);
	cr_assert_eq(ringshm_create(&channel, NULL, &larger.config), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
	larger.newer[3] = 1;
	EXPECT_FAILURE(ringshm_create(&channel, NULL, &larger.config), EINVAL, "newer");
}

Test(config, the_shape_that_was_asked_for_is_the_shape_that_info_shows)
{
	struct ringshm_config config = small_config();
	struct ringshm_info info = {.size = sizeof(info)};

	config.alignment = 64;
	config.features = RINGSHM_F_TIMESTAMP | RINGSHM_F_BLOCK | RINGSHM_F_EOF;
	config.start_position = 640;
	config.schema_id = 77;
	config.schema_version = 3;
	config.mode = 0640;
	config.consumer_mode = 0660;
	cr_assert_eq(ringshm_create(&channel, "x", &config), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_info(channel, &info), 0);
	cr_expect_eq(info.kind, RINGSHM_SPSC);
	cr_expect_eq(info.capacity, 4096);
	cr_expect_eq(info.alignment, 64);
	cr_expect_eq(info.features, config.features);
	cr_expect_eq(info.start_position, 640);
	cr_expect_eq(info.head, 640);
	cr_expect_eq(info.tail, 640);
	cr_expect_eq(info.schema_id, 77);
	cr_expect_eq(info.schema_version, 3);
	cr_expect_eq(info.mode, 0640 | 0440);
	cr_expect_eq(info.consumer_mode, 0660 | 0440);
	cr_expect_eq(info.participants, 2);
	cr_expect_eq(info.backend, RINGSHM_BACKEND_SHM);
	cr_expect_eq(info.data_size, 8192);
	cr_expect_eq(info.owner, geteuid());
	ringshm_close(channel);
}

Test(config, defaults_are_what_the_header_says)
{
	struct ringshm_config config = small_config();
	struct ringshm_info info = {.size = sizeof(info)};

	cr_assert_eq(ringshm_create(&channel, "x", &config), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_info(channel, &info), 0);
	cr_expect_eq(info.alignment, 8);
	cr_expect_eq(info.mode, 0600);
	cr_expect_eq(info.consumer_mode, 0600);
	cr_expect_eq(info.features, 0);
	cr_expect_eq(info.node, RINGSHM_NODE_ANY);
	cr_expect_eq(info.attached_ever, 0);
	ringshm_close(channel);
}

Test(config, the_least_rings_work)
{
	struct ringshm_config config = small_config();
	struct ends ends;

	config.capacity = 64;
	cr_assert_eq(ringshm_create(&channel, NULL, &config), 0, "%s", ringshm_last_error());
	open_ends(&ends, channel);
	for (int i = 0; i < 100; i++) {
		char bytes[24];
		uint32_t len;

		cr_assert_eq(ringshm_spsc_send(&ends.p, "123456789012345678901234", 24), 0);
		cr_assert_eq(ringshm_spsc_recv(&ends.c, bytes, sizeof(bytes), &len), 0);
		cr_assert_null(ringshm_spsc_peek(&ends.c, &len));
	}
	close_ends(&ends);
}

/* ---- names ---------------------------------------------------------------------------------- */

#define BAD_NAME(question, name, ...)                                                                         \
	Test(config, question)                                                                                \
	{                                                                                                     \
		struct ringshm_config config = small_config();                                                \
                                                                                                              \
		EXPECT_FAILURE(ringshm_create(&channel, name, &config), EINVAL, "name", __VA_ARGS__);         \
		EXPECT_FAILURE(ringshm_open(&channel, name, RINGSHM_OBSERVER), EINVAL, "name", __VA_ARGS__);  \
		EXPECT_FAILURE(ringshm_open_or_create(&channel, name, &config), EINVAL, "name", __VA_ARGS__); \
		EXPECT_FAILURE(ringshm_unlink(name), EINVAL, "name", __VA_ARGS__);                            \
	}

BAD_NAME(an_empty_name_is_refused, "", "empty")
BAD_NAME(a_hidden_name_is_refused, ".hidden", "dot")
BAD_NAME(a_name_that_climbs_is_refused, "..", "dot")
BAD_NAME(a_name_with_a_slash_is_refused, "a/b", "'/'")
BAD_NAME(a_name_with_a_space_is_refused, "a b", "' '")
BAD_NAME(a_name_with_a_control_character_is_refused, "a\033b", "0x1b")
BAD_NAME(a_name_with_a_byte_above_ascii_is_refused, "caf\303\251", "0xc3")
BAD_NAME(a_name_of_129_characters_is_refused,
	 "ringshm-ringshm-ringshm-ringshm-ringshm-ringshm-ringshm-ringshm-ringshm-ringshm-ringshm-ringshm-ringshm-"
	 "ringshm-ringshm-ringshm-1",
	 "longer than 128")

Test(config, a_name_of_128_characters_is_fine)
{
	char name[129];

	memset(name, 'n', 128);
	name[128] = 0;
	ringshm_close(make_channel(name, 0));
	cr_expect_eq(ringshm_open(&channel, name, ALL_ACCESS), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
	cr_expect_eq(ringshm_unlink(name), 0);
	cr_expect_eq(count_entries(), 0);
}

/* ---- open_or_create: the same, or refused --------------------------------------------------- */

#define DIFFERS(question, change, ...)                                                               \
	Test(config, question)                                                                       \
	{                                                                                            \
		struct ringshm_config config = small_config();                                       \
                                                                                                     \
		ringshm_close(make_channel("x", 0));                                                 \
		change;                                                                              \
		EXPECT_FAILURE(ringshm_open_or_create(&channel, "x", &config), EEXIST, __VA_ARGS__); \
	}

DIFFERS(open_or_create_refuses_another_capacity, config.capacity = 8192, "capacity 4096", "8192")
DIFFERS(open_or_create_refuses_another_alignment, config.alignment = 64, "alignment 8", "64")
DIFFERS(open_or_create_refuses_other_features, config.features = RINGSHM_F_EOF, "features")
DIFFERS(open_or_create_refuses_another_schema, config.schema_id = 5, "schema 0", "5")
DIFFERS(open_or_create_refuses_another_schema_version, config.schema_version = 5, "schema version 0", "5")

Test(config, open_or_create_takes_the_same_config_and_every_role)
{
	struct ringshm_config config = small_config();
	struct ends ends;
	struct ringshm *first;

	cr_assert_eq(ringshm_open_or_create(&first, "x", &config), 0, "%s", ringshm_last_error());
	config.start_position = 64; /* where it began is nobody's shape */
	cr_assert_eq(ringshm_open_or_create(&channel, "x", &config), 0, "%s", ringshm_last_error());
	open_ends(&ends, channel);
	close_ends(&ends);
	ringshm_close(first);
}
