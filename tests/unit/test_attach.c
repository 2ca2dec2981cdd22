// SPDX-License-Identifier: MIT
// Attach trusts nothing: damaged headers, short files and strange things in their places are refused with a reason.
#include "fixture.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "random.h"

static struct ringshm *channel;

static void setup(void)
{
	scratch_make();
	ringshm_close(make_channel("x", 0));
}

TestSuite(attach, .init = setup, .fini = scratch_remove, .timeout = 60);

/* ---- headers -------------------------------------------------------------------------------- */

static void overwrite(const char *file, size_t offset, const void *bytes, size_t size)
{
	int fd = open(path_of("x", file), O_RDWR | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
	close(fd);
}

/* One field of the header is set to what no sound channel has. */
#define DAMAGED(question, field, value, error, ...)                                                          \
	Test(attach, question)                                                                               \
	{                                                                                                    \
		__typeof__(((struct ringshm_header *)NULL)->field) bad = (value);                            \
                                                                                                             \
		overwrite("ctl", offsetof(struct ringshm_header, field), &bad, sizeof(bad));                 \
		EXPECT_FAILURE(ringshm_open(&channel, "x", RINGSHM_OBSERVER), error, "open x", __VA_ARGS__); \
		EXPECT_FAILURE(ringshm_open(&channel, "x", ALL_ACCESS), error, "open x", __VA_ARGS__);       \
	}

DAMAGED(a_header_without_magic_is_refused, magic, 0, EPROTO, "magic", "ringshm rm x")
DAMAGED(a_header_of_the_other_byte_order_is_named_as_such, magic, __builtin_bswap64(RINGSHM_MAGIC), EPROTO,
	"byte order")
DAMAGED(a_header_without_the_byte_order_mark_is_refused, byte_order, 0x04030201, EPROTO, "ringshm rm x")
DAMAGED(another_major_version_is_refused, major, 2, EPROTONOSUPPORT, "version 2", "version 1")
DAMAGED(a_header_that_is_too_small_is_refused, header_size, 8, EPROTO, "header's size")
DAMAGED(a_header_that_is_too_large_is_refused, header_size, 8192, EPROTO, "header's size")
DAMAGED(a_kind_that_is_unknown_is_refused, kind, 99, EPROTONOSUPPORT, "kind 99", "newer")
DAMAGED(a_feature_that_is_unknown_is_refused, incompat, UINT64_C(1) << 50, EPROTONOSUPPORT, "newer")
DAMAGED(a_feature_that_the_kind_does_not_have_is_refused, incompat, RINGSHM_F_GATED, EPROTONOSUPPORT, "0x20", "newer")
DAMAGED(a_capacity_of_zero_is_refused, capacity, 0, EPROTO, "capacity")
DAMAGED(a_crooked_capacity_is_refused, capacity, 4095, EPROTO, "capacity")
DAMAGED(a_capacity_beyond_its_data_is_refused, capacity, 8192, EPROTO, "data area is too small")
DAMAGED(a_capacity_that_overflows_is_refused, capacity, UINT64_C(1) << 63, EPROTO, "capacity")
DAMAGED(slots_in_a_ring_without_slots_are_refused, slot_size, 64, EPROTO, "slot size")
DAMAGED(an_alignment_of_3_is_refused, alignment, 3, EPROTO, "alignment")
DAMAGED(a_start_off_the_grid_is_refused, start_position, 3, EPROTO, "start position")
DAMAGED(no_participants_are_refused, participants, 0, EPROTO, "participants")
DAMAGED(one_participant_is_too_few_for_two_seats, participants, 1, EPROTO, "participants")
DAMAGED(too_many_participants_are_refused, participants, 1 << 20, EPROTO, "participants")
DAMAGED(an_unknown_backend_is_refused, backend, 55, EPROTONOSUPPORT, "backend", "unknown")
DAMAGED(a_page_size_of_zero_is_refused, page_size, 0, EPROTO, "page size")
DAMAGED(a_control_file_that_claims_too_little_is_refused, ctl_size, 4096, EPROTO, "control files")
DAMAGED(a_control_file_that_claims_too_much_is_refused, ctl_size, 1 << 20, EPROTO, "shorter")
DAMAGED(a_control_file_that_claims_everything_is_refused, ctl_size, UINT64_MAX, EPROTO, "size")
DAMAGED(a_consumers_file_that_claims_too_little_is_refused, cons_size, 0, EPROTO, "control files")
DAMAGED(a_consumers_file_that_claims_too_much_is_refused, cons_size, 1 << 20, EPROTO, "shorter")
DAMAGED(a_data_file_that_claims_too_little_is_refused, data_size, 4096, EPROTO, "data area is too small")
DAMAGED(a_data_file_that_claims_too_much_is_refused, data_size, 1 << 30, EPROTO, "shorter")
DAMAGED(a_data_file_that_claims_everything_is_refused, data_size, UINT64_MAX, EPROTO, "size")
DAMAGED(records_that_begin_elsewhere_are_refused, data_offset, UINT64_MAX - 4095, EPROTO, "data area")

Test(attach, files_of_two_channels_do_not_make_one)
{
	const uint8_t other[RINGSHM_UUID_SIZE] = {1, 2, 3};

	overwrite("cons", offsetof(struct ringshm_cons, uuid), other, sizeof(other));
	EXPECT_FAILURE(ringshm_open(&channel, "x", RINGSHM_OBSERVER), EPROTO, "do not belong together");
}

Test(attach, records_of_another_channel_are_refused)
{
	const uint8_t other[RINGSHM_UUID_SIZE] = {1, 2, 3};

	overwrite("data", offsetof(struct ringshm_data, uuid), other, sizeof(other));
	EXPECT_FAILURE(ringshm_open(&channel, "x", RINGSHM_OBSERVER), EPROTO, "do not belong together");
}

/* Opened or refused, but never a crash; and what was opened can be used in every role. */
static int try_all(uint64_t seed)
{
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
	char bytes[64];
	uint32_t len;

	(void)seed;
	if (ringshm_open(&channel, "x", ALL_ACCESS))
		return ringshm_last_error()[0] == 0;
	ringshm_info(channel, &info);
	if (!ringshm_spsc_consumer_open(&c, channel)) {
		for (int i = 0; i < 100; i++)
			ringshm_spsc_recv(&c, bytes, sizeof(bytes), &len);
		ringshm_spsc_consumer_close(&c);
	}
	if (!ringshm_spsc_producer_open(&p, channel)) {
		for (int i = 0; i < 100; i++)
			ringshm_spsc_send(&p, bytes, sizeof(bytes));
		ringshm_spsc_producer_close(&p);
	}
	return ringshm_close(channel);
}

Test(attach, random_damage_anywhere_in_the_control_files_never_crashes)
{
	static const uint64_t favourites[] = {
		0, 1, 7, 8, 4096, UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX};
	uint64_t random = random_seed(), word;

	for (int i = 0; i < 3000; i++) {
		size_t offset = random_below(&random, 1024 / 4) * 4;
		const char *file = random_below(&random, 3) ? "ctl" : "cons";

		word = random_below(&random, 2) ? random_next(&random) : favourites[random_below(&random, 9)];
		overwrite(file, offset, &word, random_below(&random, 2) ? 4 : 8);
		cr_assert_eq(try_all(random), 0, "round %d, seed %lu", i, (unsigned long)random_seed());
		if (random_below(&random, 3)) /* else damage piles up */
			continue;
		ringshm_unlink("x");
		ringshm_close(make_channel("x", 0));
	}
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Each file, cut short: at nothing, and in the middle. */
#define CUT(question, file, size)                                                                     \
	Test(attach, question)                                                                        \
	{                                                                                             \
		cr_assert_eq(truncate(path_of("x", file), size), 0);                                  \
		EXPECT_FAILURE(ringshm_open(&channel, "x", ALL_ACCESS), EPROTO, "x", "ringshm rm x"); \
		cr_expect_eq(ringshm_unlink("x"), 0, "%s", ringshm_last_error());                     \
		cr_expect_eq(count_entries(), 0);                                                     \
	}

CUT(an_empty_control_file_is_refused_and_removable, "ctl", 0)
CUT(a_control_file_cut_in_its_header_is_refused_and_removable, "ctl", 100)
CUT(a_control_file_cut_behind_its_header_is_refused_and_removable, "ctl", 4096)
CUT(an_empty_consumers_file_is_refused_and_removable, "cons", 0)
CUT(a_consumers_file_cut_short_is_refused_and_removable, "cons", 4096)
CUT(an_empty_data_file_is_refused_and_removable, "data", 0)
CUT(a_data_file_cut_short_is_refused_and_removable, "data", 8191)

/* Something else in a file's place: refused, without hanging on it, and removable. */
static void expect_refused(const char *file)
{
	EXPECT_FAILURE(ringshm_open(&channel, "x", ALL_ACCESS), EPROTO, "x", file, "not a plain file", "ringshm rm x");
	EXPECT_FAILURE(ringshm_open(&channel, "x", RINGSHM_OBSERVER | RINGSHM_CONSUMER), EPROTO, "x", file);
	cr_expect_eq(ringshm_unlink("x"), 0, "%s", ringshm_last_error());
	cr_expect_eq(count_entries(), 0);
}

static void put_fifo(const char *path)
{
	cr_assert_eq(mkfifo(path, 0600), 0);
}

static void put_directory(const char *path)
{
	cr_assert_eq(mkdir(path, 0700), 0);
}

static void put_symlink(const char *path)
{
	cr_assert_eq(symlink("/etc/passwd", path), 0);
}

static void put_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.*s", (int)sizeof(address.sun_path) - 1, path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void replace_by(const char *file, void (*put)(const char *))
{
	cr_assert_eq(unlink(path_of("x", file)), 0);
	put(path_of("x", file));
	expect_refused(file);
}

#define STRANGE(question, file, put)   \
	Test(attach, question)         \
	{                              \
		replace_by(file, put); \
	}

STRANGE(a_fifo_for_ctl_is_refused, "ctl", put_fifo)
STRANGE(a_fifo_for_cons_is_refused, "cons", put_fifo)
STRANGE(a_fifo_for_lock_is_refused, "lock", put_fifo)
STRANGE(a_fifo_for_data_is_refused, "data", put_fifo)
STRANGE(a_directory_for_ctl_is_refused, "ctl", put_directory)
STRANGE(a_directory_for_cons_is_refused, "cons", put_directory)
STRANGE(a_directory_for_lock_is_refused, "lock", put_directory)
STRANGE(a_directory_for_data_is_refused, "data", put_directory)
STRANGE(a_symlink_for_ctl_is_refused, "ctl", put_symlink)
STRANGE(a_symlink_for_cons_is_refused, "cons", put_symlink)
STRANGE(a_symlink_for_lock_is_refused, "lock", put_symlink)
STRANGE(a_symlink_for_data_is_refused, "data", put_symlink)
STRANGE(a_socket_for_ctl_is_refused, "ctl", put_socket)
STRANGE(a_socket_for_data_is_refused, "data", put_socket)

#define MISSING(question, file)                                                                                   \
	Test(attach, question)                                                                                    \
	{                                                                                                         \
		cr_assert_eq(unlink(path_of("x", file)), 0);                                                      \
		EXPECT_FAILURE(ringshm_open(&channel, "x", ALL_ACCESS), EPROTO, file, "missing", "ringshm rm x"); \
		cr_expect_eq(ringshm_unlink("x"), 0, "%s", ringshm_last_error());                                 \
	}

MISSING(a_missing_ctl_is_named, "ctl")
MISSING(a_missing_cons_is_named, "cons")
MISSING(a_missing_lock_is_named, "lock")
MISSING(a_missing_data_is_named, "data")

/* ---- the channel's own place ---------------------------------------------------------------- */

Test(attach, a_channel_that_is_not_there_is_named)
{
	EXPECT_FAILURE(ringshm_open(&channel, "nothing", ALL_ACCESS), ENOENT, "nothing", "no such channel",
		       "ringshm ls");
	EXPECT_FAILURE(ringshm_unlink("nothing"), ENOENT, "nothing");
}

Test(attach, a_plain_file_is_no_channel)
{
	close(open(path_of("plain", NULL), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	EXPECT_FAILURE(ringshm_open(&channel, "plain", ALL_ACCESS), EPROTO, "plain", "not a channel");
}

Test(attach, a_symlink_to_a_channel_is_not_followed)
{
	cr_assert_eq(symlink("x", path_of("link", NULL)), 0);
	EXPECT_FAILURE(ringshm_open(&channel, "link", ALL_ACCESS), EPROTO, "link", "not a channel");
}

Test(attach, an_empty_directory_is_no_channel_and_removable)
{
	cr_assert_eq(mkdir(path_of("empty", NULL), 0700), 0);
	EXPECT_FAILURE(ringshm_open(&channel, "empty", ALL_ACCESS), EPROTO, "empty", "missing", "ringshm rm empty");
	cr_expect_eq(ringshm_unlink("empty"), 0, "%s", ringshm_last_error());
}

Test(attach, access_of_nothing_and_unknown_access_are_refused)
{
	EXPECT_FAILURE(ringshm_open(&channel, "x", 0), EINVAL, "access 0x0", "RINGSHM_OBSERVER");
	EXPECT_FAILURE(ringshm_open(&channel, "x", 0x88), EINVAL, "access 0x88");
	EXPECT_FAILURE(ringshm_open(NULL, "x", ALL_ACCESS), EINVAL, "handle");
}

/* ---- demands -------------------------------------------------------------------------------- */

Test(attach, another_kind_than_demanded_is_refused)
{
	struct ringshm_open_options options;

	ringshm_open_options_init(&options, RINGSHM_CONSUMER);
	options.kind = RINGSHM_TOKEN;
	EXPECT_FAILURE(ringshm_open_with(&channel, "x", &options), EPROTOTYPE, "it is spsc", "token");
	options.kind = RINGSHM_SPSC;
	cr_assert_eq(ringshm_open_with(&channel, "x", &options), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
}

Test(attach, another_schema_than_demanded_is_refused)
{
	struct ringshm_config config = small_config();
	struct ringshm_open_options options;

	config.schema_id = 7;
	config.schema_version = 2;
	cr_assert_eq(ringshm_create(&channel, "s", &config), 0);
	ringshm_close(channel);
	ringshm_open_options_init(&options, RINGSHM_CONSUMER);
	options.schema_id = 7;
	options.schema_version = 3;
	EXPECT_FAILURE(ringshm_open_with(&channel, "s", &options), EPROTOTYPE, "schema 7 version 2", "version 3");
	options.schema_id = 8;
	options.schema_version = 2;
	EXPECT_FAILURE(ringshm_open_with(&channel, "s", &options), EPROTOTYPE, "schema 7", "8 version 2");
	options.schema_id = 7;
	cr_assert_eq(ringshm_open_with(&channel, "s", &options), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
}

Test(attach, another_owner_than_demanded_is_refused)
{
	struct ringshm_open_options options;

	ringshm_open_options_init(&options, RINGSHM_CONSUMER);
	options.owner = geteuid() + 1;
	EXPECT_FAILURE(ringshm_open_with(&channel, "x", &options), EACCES, "open x", "user");
	options.owner = geteuid();
	cr_assert_eq(ringshm_open_with(&channel, "x", &options), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
}

Test(attach, one_file_of_another_owner_is_refused_when_an_owner_is_demanded)
{
	struct ringshm_open_options options;

	if (!am_root())
		SKIP("only root can give files away");
	ringshm_open_options_init(&options, RINGSHM_CONSUMER);
	options.owner = 0;
	cr_assert_eq(chown(path_of("x", "data"), NOBODY, NOBODY), 0);
	EXPECT_FAILURE(ringshm_open_with(&channel, "x", &options), EACCES, "open x", "user 65534");
}

Test(attach, options_without_a_size_are_refused)
{
	struct ringshm_open_options options = {.access = RINGSHM_CONSUMER};

	EXPECT_FAILURE(ringshm_open_with(&channel, "x", &options), EINVAL, "ringshm_open_options_init");
	EXPECT_FAILURE(ringshm_open_with(&channel, "x", NULL), EINVAL, "options");
}

/* ---- endpoints of a program compiled otherwise ---------------------------------------------- */

Test(attach, a_program_compiled_for_another_protocol_is_refused)
{
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;

	cr_assert_eq(ringshm_open(&channel, "x", ALL_ACCESS), 0);
	EXPECT_FAILURE(ringshm_spsc_producer_open_as(&p, channel, 99, sizeof(p)), EPROTONOSUPPORT, "protocol 99",
		       "recompile");
	EXPECT_FAILURE(ringshm_spsc_consumer_open_as(&c, channel, RINGSHM_SPSC_PROTOCOL, 8), EPROTONOSUPPORT,
		       "recompile");
	EXPECT_FAILURE(ringshm_spsc_producer_open(NULL, channel), EINVAL, "no endpoint");
	EXPECT_FAILURE(ringshm_spsc_consumer_open(&c, NULL), EINVAL, "no channel");
	ringshm_close(channel);
}
