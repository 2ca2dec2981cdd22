// SPDX-License-Identifier: GPL-2.0-only
/* KUnit tests of the arithmetic of regions. */
#include <kunit/test.h>
#include <linux/module.h>

#include "../arith.h"

#define BLOCK	RINGSHM_KMOD_BLOCK
#define PAGES	RINGSHM_BLOCK_PAGES

static void length_makes_blocks(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ringshm_blocks_of(BLOCK), 1ul);
	KUNIT_EXPECT_EQ(test, ringshm_blocks_of(7ull * BLOCK), 7ul);
	KUNIT_EXPECT_EQ(test, ringshm_blocks_of(1ull << 62), 1ul << 41);
}

static void odd_lengths_make_none(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ringshm_blocks_of(0), 0ul);
	KUNIT_EXPECT_EQ(test, ringshm_blocks_of(BLOCK - 1), 0ul);
	KUNIT_EXPECT_EQ(test, ringshm_blocks_of(BLOCK + 4096), 0ul);
	KUNIT_EXPECT_EQ(test, ringshm_blocks_of(U64_MAX), 0ul);
	KUNIT_EXPECT_EQ(test, ringshm_blocks_of(1ull << 63), 0ul);
}

static void mapping_stays_inside(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, ringshm_mapping_fits(1, 0, PAGES));
	KUNIT_EXPECT_TRUE(test, ringshm_mapping_fits(2, PAGES + 3, PAGES - 3));
	KUNIT_EXPECT_FALSE(test, ringshm_mapping_fits(1, 0, PAGES + 1));
	KUNIT_EXPECT_FALSE(test, ringshm_mapping_fits(1, 1, PAGES));
	KUNIT_EXPECT_FALSE(test, ringshm_mapping_fits(1, PAGES, 1));
	KUNIT_EXPECT_FALSE(test, ringshm_mapping_fits(1, ULONG_MAX, 1));
	KUNIT_EXPECT_FALSE(test, ringshm_mapping_fits(1, ULONG_MAX, 2));
	KUNIT_EXPECT_FALSE(test, ringshm_mapping_fits(1, 2, ULONG_MAX));
}

static void huge_entry_needs_whole_2_mib(struct kunit *test)
{
	const unsigned long at = 16 * BLOCK;

	KUNIT_EXPECT_TRUE(test, ringshm_pmd_fits(at, at, at + BLOCK, 0));
	KUNIT_EXPECT_TRUE(test, ringshm_pmd_fits(at + BLOCK - 1, at, at + BLOCK, 0));
	KUNIT_EXPECT_FALSE(test, ringshm_pmd_fits(at, at, at + BLOCK - 4096, 0));
	KUNIT_EXPECT_FALSE(test, ringshm_pmd_fits(at + 8192, at + 4096, at + 2 * BLOCK, 0));
	KUNIT_EXPECT_TRUE(test, ringshm_pmd_fits(at + BLOCK, at + 4096, at + 2 * BLOCK, 1));
}

static void huge_entry_needs_aligned_offset(struct kunit *test)
{
	const unsigned long at = 16 * BLOCK;

	KUNIT_EXPECT_FALSE(test, ringshm_pmd_fits(at, at, at + BLOCK, 1));
	KUNIT_EXPECT_TRUE(test, ringshm_pmd_fits(at, at, at + BLOCK, 5 * PAGES));
	KUNIT_EXPECT_FALSE(test, ringshm_pmd_fits(at + BLOCK, at, at + 2 * BLOCK, PAGES - 1));
}

static void stride_is_whole_blocks(struct kunit *test)
{
	unsigned long pages;

	for (pages = PAGES; pages < 1000 * PAGES; pages += PAGES) {
		unsigned long stride = ringshm_scan_stride(pages);

		KUNIT_EXPECT_EQ(test, stride % PAGES, 0ul);
		KUNIT_EXPECT_GE(test, stride, (unsigned long)PAGES);
		KUNIT_EXPECT_LE(test, stride, 32ul * PAGES);
	}
}

static void quota_does_not_overflow(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, ringshm_quota_allows(0, 8, 8));
	KUNIT_EXPECT_TRUE(test, ringshm_quota_allows(5, 3, 8));
	KUNIT_EXPECT_FALSE(test, ringshm_quota_allows(6, 3, 8));
	KUNIT_EXPECT_FALSE(test, ringshm_quota_allows(1, U64_MAX, U64_MAX));
	KUNIT_EXPECT_FALSE(test, ringshm_quota_allows(9, 0, 8));
}

static void names_are_no_paths(struct kunit *test)
{
	char name[RINGSHM_KMOD_NAME_MAX] = "md.feed-1_A";

	KUNIT_EXPECT_TRUE(test, ringshm_name_ok(name));
	name[2] = '/';
	KUNIT_EXPECT_FALSE(test, ringshm_name_ok(name));
	name[0] = '\0';
	KUNIT_EXPECT_FALSE(test, ringshm_name_ok(name));
	strscpy(name, ".x", sizeof(name));
	KUNIT_EXPECT_FALSE(test, ringshm_name_ok(name));
	memset(name, 'x', sizeof(name));
	KUNIT_EXPECT_FALSE(test, ringshm_name_ok(name));
	name[sizeof(name) - 1] = '\0';
	KUNIT_EXPECT_TRUE(test, ringshm_name_ok(name));
}

static void runs_are_counted(struct kunit *test)
{
	static const bool starts[] = { true, false, false, true, true, false };
	struct ringshm_runs runs = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(starts); i++)
		ringshm_runs_add(&runs, starts[i]);
	KUNIT_EXPECT_EQ(test, runs.count, 3ul);
	KUNIT_EXPECT_EQ(test, runs.longest, 3ul);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(length_makes_blocks),
	KUNIT_CASE(odd_lengths_make_none),
	KUNIT_CASE(mapping_stays_inside),
	KUNIT_CASE(huge_entry_needs_whole_2_mib),
	KUNIT_CASE(huge_entry_needs_aligned_offset),
	KUNIT_CASE(stride_is_whole_blocks),
	KUNIT_CASE(quota_does_not_overflow),
	KUNIT_CASE(names_are_no_paths),
	KUNIT_CASE(runs_are_counted),
	{}
};

static struct kunit_suite suite = {
	.name = "ringshm_arith",
	.test_cases = cases,
};
kunit_test_suite(suite);

MODULE_DESCRIPTION("KUnit tests of ringshm.ko's arithmetic");
MODULE_LICENSE("GPL");
