// SPDX-License-Identifier: MIT
/* test_view.c - what people and programs get to see of a sample. */
#include "view.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tel_model model;
static struct tel_view view;
static char *text;
static size_t size;

static void feed_sample(uint64_t seq, uint64_t busy)
{
	struct tel_head head = {seq, seq * 1000000000};
	struct tel_begin begin = {.head = head, .tick_hz = 100, .page_size = 4096, .sampler_pid = 9};
	struct tel_cpu cpu = {.head = head, .columns = 4, .ticks = {busy, 0, 0, 1000 - busy}};
	struct tel_memory memory = {.head = head, .present = 1u << MEM_TOTAL | 1u << MEM_AVAILABLE};
	struct tel_end end = {.head = head, .dropped = 5, .records = 4 + 40, .processes = 40};
	struct {
		struct tel_process p;
		char name[12];
	} process = {.p = {.head = head, .state = 'S', .rss_pages = 3, .name_len = 12}, .name = "\033[31m(x y)\"\\"};

	memory.value[MEM_TOTAL] = 2048;
	memory.value[MEM_AVAILABLE] = 1024;
	tel_model_feed(&model, TEL_BEGIN, &begin, sizeof(begin));
	for (cpu.cpu = 0; cpu.cpu < 1; cpu.cpu++)
		tel_model_feed(&model, TEL_CPU, &cpu, tel_cpu_size(&cpu));
	cpu.cpu = TEL_CPU_ALL;
	tel_model_feed(&model, TEL_CPU, &cpu, tel_cpu_size(&cpu));
	tel_model_feed(&model, TEL_MEMORY, &memory, sizeof(memory));
	for (process.p.pid = 1; process.p.pid <= 40; process.p.pid++) {
		process.p.utime = seq * process.p.pid;
		tel_model_feed(&model, TEL_PROCESS, &process, sizeof(process.p) + 12);
	}
	cr_assert_eq(tel_model_feed(&model, TEL_END, &end, sizeof(end)), EVENT_SAMPLE);
}

static void setup(void)
{
	tel_model_init(&model);
	feed_sample(1, 0);
	feed_sample(2, 25);
	view = (struct tel_view){.channel = "chan", .top = 10, .out = open_memstream(&text, &size)};
}

static void teardown(void)
{
	fclose(view.out);
	free(text);
	tel_model_free(&model);
}

TestSuite(view, .init = setup, .fini = teardown);

static void shows(const char *what)
{
	cr_expect_not_null(strstr(text, what), "no \"%s\" in:\n%s", what, text);
}

Test(view, a_line_has_the_figures_and_the_busiest)
{
	cr_assert_eq(tel_view_lines.sample(&view, &model), 0);
	cr_expect_eq(text[size - 1], '\n');
	cr_expect_eq(strchr(text, '\n'), text + size - 1, "more than one line");
	shows("mem 1.0 MiB of 2.0 MiB");
	shows("procs 40");
	shows("dropped 5");
	shows("(40) 40.0% ");
}

Test(view, no_view_lets_a_name_drive_the_terminal)
{
	cr_assert_eq(tel_view_lines.sample(&view, &model), 0);
	cr_assert_eq(tel_table_print(view.out, &view, &model, 50, 200), 0);
	fflush(view.out);
	cr_expect_null(strchr(text, '\033'));
	shows("?[31m(x y)");
}

Test(view, the_table_keeps_to_the_screen)
{
	for (int rows = 1; rows < 40; rows += 6) {
		for (int cols = 1; cols < 130; cols += 16) {
			int seen = 0;

			rewind(view.out);
			cr_assert_eq(tel_table_print(view.out, &view, &model, rows, cols), 0);
			fputc('\0', view.out);
			fflush(view.out);
			for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
				cr_assert_leq(strlen(line), (size_t)cols);
				seen++;
			}
			cr_assert_leq(seen, rows);
			cr_assert_gt(seen, 0);
		}
	}
}

Test(view, the_table_shows_the_busiest_first)
{
	cr_assert_eq(tel_table_print(view.out, &view, &model, 50, 200), 0);
	fflush(view.out);
	shows("     40       0 S    40.0");
	cr_expect_lt(strstr(text, "     40       0 S"), strstr(text, "     31       0 S"));
	cr_expect_null(strstr(text, "     30       0 S"), "more than --top");
	shows("5 dropped");
}

Test(view, figures_that_are_not_known_are_a_dash)
{
	tel_model_free(&model);
	feed_sample(1, 0);
	cr_assert_eq(tel_view_lines.sample(&view, &model), 0);
	shows("cpu -%");
	cr_expect_null(strstr(text, "nan"));
}

Test(view, an_output_that_fails_is_reported)
{
	FILE *full = fopen("/dev/full", "w");

	cr_assert_not_null(full);
	fclose(view.out);
	view.out = full;
	cr_expect_eq(tel_view_lines.sample(&view, &model), -ENOSPC);
}
