// SPDX-License-Identifier: MIT
// mpmc rings: every size of slot holds what it says, batches of copies, and older layouts are refused.
#include "fixture.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>

static struct ringshm *channel;
static struct ringshm_mpmc_producer p;
static struct ringshm_mpmc_consumer c;

TestSuite(mpmc, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

static struct ringshm_config mpmc_config(uint32_t slot_size, uint64_t features)
{
	struct ringshm_config config;

	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = 16;
	config.slot_size = slot_size;
	config.features = features;
	return config;
}

static void open_ring(const struct ringshm_config *config)
{
	cr_assert_eq(ringshm_create(&channel, "q", config), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_mpmc_producer_open(&p, channel), 0, "%s", ringshm_last_error());
	cr_assert_eq(ringshm_mpmc_consumer_open(&c, channel), 0, "%s", ringshm_last_error());
}

static void close_ring(void)
{
	cr_expect_eq(ringshm_mpmc_producer_close(&p), 0);
	cr_expect_eq(ringshm_mpmc_consumer_close(&c), 0);
	ringshm_close(channel);
	cr_expect_eq(ringshm_unlink("q"), 0);
}

/* ---- layouts -------------------------------------------------------------------------------- */

static uint64_t incompat_of(const char *name)
{
	int fd = open(path_of(name, "ctl"), O_RDONLY | O_CLOEXEC);
	uint64_t incompat = 0;

	cr_assert_eq(pread(fd, &incompat, 8, offsetof(struct ringshm_header, incompat)), 8);
	close(fd);
	return incompat;
}

/* As a library before RINGSHM_F_STATES made it. */
static void make_old(const char *ctl)
{
	int fd = open(ctl, O_RDWR | O_CLOEXEC);
	struct ringshm_header header;

	cr_assert_eq(pread(fd, &header, sizeof(header), 0), (ssize_t)sizeof(header));
	header.incompat &= ~RINGSHM_F_STATES;
	cr_assert_eq(pwrite(fd, &header, sizeof(header), 0), (ssize_t)sizeof(header));
	close(fd);
}

/* The control file of the one channel that this process has. */
static const char *anonymous_ctl(void)
{
	static char path[64];
	uint64_t magic = 0;

	for (int fd = 3; fd < 256 && magic != RINGSHM_MAGIC; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (pread(fd, &magic, sizeof(magic), 0) != (ssize_t)sizeof(magic))
			magic = 0;
	}
	cr_assert_eq(magic, RINGSHM_MAGIC);
	return path;
}

Test(mpmc, the_bit_of_the_layout_is_in_the_header_and_nowhere_else)
{
	struct ringshm_config config = mpmc_config(64, RINGSHM_F_EOF);
	struct ringshm_info info = {.size = sizeof(info)};

	open_ring(&config);
	cr_expect_eq(incompat_of("q"), RINGSHM_F_EOF | RINGSHM_F_STATES);
	cr_expect_eq(ringshm_info(channel, &info), 0);
	cr_expect_eq(info.features, RINGSHM_F_EOF);
	close_ring();
	config.features |= RINGSHM_F_STATES;
	EXPECT_FAILURE(ringshm_create(&channel, "q", &config), EINVAL, "features 0x40");
}

Test(mpmc, a_channel_of_the_older_layout_is_refused_until_it_is_recreated)
{
	struct ringshm_config config = mpmc_config(64, 0);

	cr_assert_eq(ringshm_create(&channel, "q", &config), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
	make_old(path_of("q", "ctl"));
	EXPECT_FAILURE(ringshm_open(&channel, "q", RINGSHM_OBSERVER), EPROTONOSUPPORT, "open q", "older", "mpmc",
		       "ringshm rm q");
	EXPECT_FAILURE(ringshm_open(&channel, "q", ALL_ACCESS), EPROTONOSUPPORT, "open q", "older");
	EXPECT_FAILURE(ringshm_open_or_create(&channel, "q", &config), EPROTONOSUPPORT, "open q", "older");
	config.flags = RINGSHM_CREATE_REPLACE;
	open_ring(&config);
	close_ring();
}

Test(mpmc, a_channel_of_the_older_layout_can_be_removed)
{
	struct ringshm_config config = mpmc_config(64, 0);

	cr_assert_eq(ringshm_create(&channel, "q", &config), 0, "%s", ringshm_last_error());
	ringshm_close(channel);
	make_old(path_of("q", "ctl"));
	cr_expect_eq(ringshm_unlink("q"), 0, "%s", ringshm_last_error());
	cr_expect_eq(count_entries(), 0);
}

static void send_old(const char *name, const char *words, const char *advice)
{
	struct ringshm_config config = mpmc_config(64, 0);
	struct ringshm *got;
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	cr_assert_eq(ringshm_create(&channel, name, &config), 0, "%s", ringshm_last_error());
	make_old(name ? path_of(name, "ctl") : anonymous_ctl());
	cr_assert_eq(ringshm_send_fd(channel, pair[0], RINGSHM_CONSUMER), 0, "%s", ringshm_last_error());
	EXPECT_FAILURE(ringshm_recv_fd(&got, pair[1]), EPROTONOSUPPORT, words, "mpmc", advice);
	close(pair[0]);
	close(pair[1]);
	ringshm_close(channel);
}

Test(mpmc, a_channel_of_the_older_layout_is_refused_over_a_socket)
{
	send_old(NULL, "receive a channel", "the same ringshm on both sides");
	send_old("q", "open q", "ringshm rm q");
	cr_expect_eq(ringshm_unlink("q"), 0);
}

Test(mpmc, a_program_compiled_for_the_older_layout_is_refused)
{
	struct ringshm_config config = mpmc_config(64, 0);

	open_ring(&config);
	EXPECT_FAILURE(ringshm_mpmc_producer_open_as(&p, channel, 1, sizeof(p)), EPROTONOSUPPORT, "protocol 1 of mpmc",
		       "speaks 2", "recompile");
	EXPECT_FAILURE(ringshm_mpmc_consumer_open_as(&c, channel, 1, sizeof(c)), EPROTONOSUPPORT, "protocol 1 of mpmc",
		       "speaks 2", "recompile");
	ringshm_close(channel);
	ringshm_unlink("q");
}

/* ---- sizes of slots ------------------------------------------------------------------------- */

/* Goes around a ring thrice with messages of this length, and sees each come out as it went in. */
static void fill_and_drain(uint32_t length)
{
	unsigned char *out = (unsigned char *)malloc(length + 1), *in = (unsigned char *)malloc(length + 1);
	uint32_t got;

	cr_assert(out && in);
	for (unsigned int i = 0; i < 48; i++) {
		memset(out, (int)(i + 1), length);
		cr_assert_eq(ringshm_mpmc_send(&p, out, length), 0);
		if (i % 16 != 15)
			continue;
		for (unsigned int k = i - 15; k <= i; k++) {
			memset(out, (int)(k + 1), length);
			cr_assert_eq(ringshm_mpmc_recv(&c, in, length, &got), 0);
			cr_assert(got == length && !memcmp(in, out, length), "message %u of %u bytes", k, length);
		}
	}
	free(out);
	free(in);
}

/* The smallest and the largest of a kind, and those where the shape changes. */
static const struct {
	uint32_t slot_size, alignment, most;
	uint64_t features;
} sizes[] = {
	{16, 8, 8, 0},
	{24, 8, 16, 0},
	{64, 8, 56, 0},
	{128, 8, 120, 0},
	{136, 8, 120, 0},
	{4096, 8, 4080, 0},
	{16777216, 8, 16777200, 0},
	{128, 64, 64, 0},
	{192, 64, 128, 0},
	{16777216, 64, 16777152, 0},
	{32, 8, 8, RINGSHM_F_TIMESTAMP},
	{128, 8, 104, RINGSHM_F_TIMESTAMP},
	{136, 8, 112, RINGSHM_F_TIMESTAMP},
	{128, 64, 64, RINGSHM_F_TIMESTAMP},
	{192, 64, 128, RINGSHM_F_TIMESTAMP},
};

Test(mpmc, every_size_of_slot_holds_messages_of_every_length_that_it_says)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ringshm_config config = mpmc_config(sizes[i].slot_size, sizes[i].features);
		struct ringshm_info info = {.size = sizeof(info)};
		uint32_t most = sizes[i].most, length;

		config.alignment = sizes[i].alignment;
		if (sizes[i].slot_size > 1 << 20)
			config.capacity = 2;
		open_ring(&config);
		cr_expect_eq(ringshm_info(channel, &info), 0);
		cr_expect_eq(info.max_payload, most, "slots of %u: %u", sizes[i].slot_size, info.max_payload);
		cr_expect_eq((uintptr_t)ringshm_mpmc_reserve(&p, most) % config.alignment, 0);
		ringshm_mpmc_discard(&p);
		cr_expect_null(ringshm_mpmc_peek(&c, &length)); /* passes it */
		cr_expect_eq(ringshm_mpmc_send(&p, "", most + 1), -EMSGSIZE);
		for (length = most > 128 ? most : 0; config.capacity == 16 && length <= most; length++)
			fill_and_drain(length);
		close_ring();
	}
}

Test(mpmc, sizes_that_no_slot_can_have_are_refused_with_those_it_can)
{
	static const struct {
		uint32_t slot_size, alignment;
		uint64_t features;
		const char *range;
	} bad[] = {
		{8, 8, 0, "from 16 to 16777216"},
		{20, 8, 0, "from 16 to 16777216"},
		{16777224, 8, 0, "from 16 to 16777216"},
		{24, 8, RINGSHM_F_TIMESTAMP, "from 32 to 16777216"},
		{64, 64, 0, "from 128 to 16777216"},
		{136, 64, 0, "from 128 to 16777216"},
		{64, 64, RINGSHM_F_TIMESTAMP, "from 128 to 16777216"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ringshm_config config = mpmc_config(bad[i].slot_size, bad[i].features);

		config.alignment = bad[i].alignment;
		EXPECT_FAILURE(ringshm_create(&channel, "q", &config), EINVAL, "slot size", bad[i].range);
	}
}

Test(mpmc, the_data_area_is_as_large_as_its_shape_says)
{
	struct ringshm_config config = mpmc_config(136, RINGSHM_F_TIMESTAMP);
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm_mpmc_shape shape;

	config.capacity = 1024;
	open_ring(&config);
	cr_expect_eq(ringshm_info(channel, &info), 0);
	shape = ringshm_mpmc_shape(info.capacity, info.slot_size, info.alignment, info.features);
	cr_expect_geq(info.data_size, RINGSHM_BLOCK + shape.size);
	cr_expect_lt(info.data_size, RINGSHM_BLOCK + shape.size + info.page_size);
	close_ring();
}

/* ---- batches of copies ---------------------------------------------------------------------- */

static uint64_t numbers[300], received[300];

static void open_numbers(uint32_t slot_size, uint64_t features)
{
	struct ringshm_config config = mpmc_config(slot_size, features);

	for (uint64_t i = 0; i < 300; i++)
		numbers[i] = i + 1;
	memset(received, 0, sizeof(received));
	open_ring(&config);
}

#define BATCH_TEST(question)                                                                \
	static void question(void);                                                         \
	Test(mpmc, question)                                                                \
	{                                                                                   \
		static const uint32_t slot_size[] = {16, 136, 32};                          \
		static const uint64_t features[] = {0, RINGSHM_F_EOF, RINGSHM_F_TIMESTAMP}; \
                                                                                            \
		for (int i = 0; i < 3; i++) {                                               \
			open_numbers(slot_size[i], features[i]);                            \
			question();                                                         \
			close_ring();                                                       \
		}                                                                           \
	}                                                                                   \
	static void question(void)

BATCH_TEST(a_batch_goes_as_far_as_there_is_room_and_comes_as_far_as_there_are_messages)
{
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, 8, 4), -EAGAIN);
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 10), 10);
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers + 10, 8, 10), 6);
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 10), -EAGAIN);
	cr_expect_eq(p.status, 0);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, 8, 5), 5);
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers + 16, 8, 300), 5);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received + 5, 8, 295), 16);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received + 21, 8, 295), -EAGAIN);
	cr_expect_eq(c.status, 0);
	cr_expect_arr_eq(received, numbers, 21 * sizeof(uint64_t));
}

BATCH_TEST(a_batch_of_none_is_none)
{
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 0), 0);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, 8, 0), 0);
	cr_expect_eq(ringshm_mpmc_producer_used(&p), 0);
}

BATCH_TEST(messages_of_no_bytes_can_be_sent_by_the_batch)
{
	uint32_t length = 9;

	cr_expect_eq(ringshm_mpmc_send_n(&p, NULL, 0, 3), 3);
	cr_expect_eq(ringshm_mpmc_recv(&c, received, 8, &length), 0);
	cr_expect_eq(length, 0);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, NULL, 0, 3), 2);
}

BATCH_TEST(a_batch_that_is_too_long_is_refused_and_the_next_goes)
{
	volatile uint32_t too_long = 1 << 20; /* or compilers see that it would not fit the array either */

	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, too_long, 2), -EMSGSIZE);
	cr_expect_eq(ringshm_mpmc_producer_used(&p), 0);
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 2), 2);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, too_long, 2), -EMSGSIZE);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, 8, 2), 2);
}

BATCH_TEST(a_message_of_another_length_ends_a_batch_and_stays)
{
	uint32_t length;

	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 3), 3);
	cr_expect_eq(ringshm_mpmc_send(&p, "four", 4), 0);
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers + 3, 8, 3), 3);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, 8, 8), 3);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received + 3, 8, 8), -EMSGSIZE);
	cr_expect_eq(c.status, 0);
	cr_expect_eq(ringshm_mpmc_recv(&c, received + 10, 8, &length), 0);
	cr_expect(length == 4 && !memcmp(received + 10, "four", 4));
	for (int got = 0, n; got < 3; got += n) {
		n = ringshm_mpmc_recv_n(&c, received + 3 + got, 8, (uint32_t)(3 - got));
		cr_assert_gt(n, 0);
	}
	cr_expect_arr_eq(received, numbers, 6 * sizeof(uint64_t));
}

BATCH_TEST(messages_that_are_held_come_first)
{
	uint32_t length;

	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 5), 5);
	cr_expect_eq(ringshm_mpmc_peek_n(&c, 3), 3);
	ringshm_mpmc_release(&c, 1);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received + 1, 8, 1), 1);
	cr_expect_eq(*(const uint64_t *)ringshm_mpmc_peek(&c, &length), 3);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received + 2, 8, 8), 1);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received + 3, 8, 8), 2);
	cr_expect_arr_eq(received + 1, numbers + 1, 4 * sizeof(uint64_t));
}

BATCH_TEST(a_reservation_is_given_up_by_a_batch_and_nobody_sees_it)
{
	cr_expect_not_null(ringshm_mpmc_reserve(&p, 8));
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 2), 2);
	for (int got = 0, n; got < 2; got += n) {
		n = ringshm_mpmc_recv_n(&c, received + got, 8, 8);
		cr_assert_gt(n, 0);
	}
	cr_expect_arr_eq(received, numbers, 2 * sizeof(uint64_t));
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, 8, 8), -EAGAIN);
}

BATCH_TEST(after_the_end_no_batch_goes_and_those_before_it_come)
{
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 2), 2);
	cr_expect_eq(ringshm_shutdown(channel), 0);
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 2), -ESHUTDOWN);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, 8, 8), 2);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, 8, 8), -ESHUTDOWN);
}

Test(mpmc, a_batch_is_never_more_than_one_claim_may_be)
{
	struct ringshm_config config = mpmc_config(16, 0);

	config.capacity = 1024;
	open_ring(&config);
	cr_expect_eq(ringshm_mpmc_send_n(&p, numbers, 8, 300), 255);
	cr_expect_eq(ringshm_mpmc_recv_n(&c, received, 8, 300), 255);
	close_ring();
}
