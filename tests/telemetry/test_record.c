// SPDX-License-Identifier: MIT
/* test_record.c - records from the ring are taken only when they are what they say. */
#include "record.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct tel_record out;

static int decode(unsigned int type, const void *payload, size_t len)
{
	/* exactly as long as it says, so that a sanitizer sees every byte too many */
	void *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, payload, len);
	err = tel_record_decode(&out, type, copy, len);
	free(copy);
	return err;
}

Test(record, a_process_comes_back_with_its_name)
{
	struct {
		struct tel_process p;
		char name[TEL_NAME_MAX + 1];
	} sent = {.p = {.head = {7, 8}, .pid = 42, .name_len = 4}, .name = "a (b"};

	cr_assert_eq(decode(TEL_PROCESS, &sent, sizeof(sent.p) + 4), 0);
	cr_expect_eq(out.type, TEL_PROCESS);
	cr_expect_eq(out.process.pid, 42);
	cr_expect_eq(out.head.seq, 7);
	cr_expect_str_eq(out.text, "a (b");
}

Test(record, a_cpu_line_of_an_old_kernel_is_short_and_its_other_columns_zero)
{
	struct tel_cpu sent = {.cpu = 3, .columns = 4, .ticks = {1, 2, 3, 4, 5, 6}};

	memset(&out, 0xff, sizeof(out));
	cr_assert_eq(decode(TEL_CPU, &sent, tel_cpu_size(&sent)), 0);
	cr_expect_eq(out.cpu.ticks[TICK_IDLE], 4);
	cr_expect_eq(out.cpu.ticks[TICK_IOWAIT], 0);
	cr_expect_eq(out.cpu.ticks[TICK_GUEST_NICE], 0);
}

Test(record, lengths_that_do_not_agree_are_refused)
{
	struct tel_process process = {.name_len = 1};
	struct tel_cpu cpu = {.columns = TEL_TICKS + 1};
	struct tel_note note = {.text_len = UINT32_MAX};
	struct tel_end end = {.processes = 1};

	cr_expect_eq(decode(TEL_PROCESS, &process, sizeof(process)), -EPROTO);
	cr_expect_eq(decode(TEL_PROCESS, &process, 1), -EPROTO);
	cr_expect_eq(decode(TEL_CPU, &cpu, sizeof(cpu)), -EPROTO);
	cr_expect_eq(decode(TEL_NOTE, &note, sizeof(note)), -EPROTO);
	cr_expect_eq(decode(TEL_END, &end, sizeof(end) - 1), -EPROTO);
	cr_expect_eq(decode(TEL_END, &end, 0), -EPROTO);
}

Test(record, figures_used_as_divisors_or_indices_are_checked)
{
	struct tel_begin begin = {.tick_hz = 0, .page_size = 4096};
	struct tel_pressure pressure = {.resource = PSI_RESOURCES};

	cr_expect_eq(decode(TEL_BEGIN, &begin, sizeof(begin)), -EPROTO);
	cr_expect_eq(decode(TEL_PRESSURE, &pressure, sizeof(pressure)), -EPROTO);
}

Test(record, types_of_newer_programs_are_told_from_broken_records)
{
	struct tel_end end = {.processes = 1};

	cr_expect_eq(decode(0, &end, sizeof(end)), -ENOTSUP);
	cr_expect_eq(decode(TEL_GOODBYE + 1, &end, sizeof(end)), -ENOTSUP);
	cr_expect_eq(decode(UINT16_MAX, &end, sizeof(end)), -ENOTSUP);
}

/* Whatever bytes arrive, nothing is read or written out of bounds (run it with --enable-asan). */
Test(record, random_bytes_of_any_length_are_harmless)
{
	unsigned char bytes[512];
	unsigned int taken = 0;

	srand(12345);
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)rand() % sizeof(bytes);

		for (size_t i = 0; i < len; i++)
			bytes[i] = (unsigned char)(rand() % 4 ? 0 : rand());
		if (decode((unsigned int)rand() % 13, bytes, len) == 0) {
			taken++;
			cr_assert_leq(strlen(out.text), TEL_NOTE_MAX);
		}
	}
	cr_expect_gt(taken, 0, "no random record was ever taken: the test shows nothing");
}
