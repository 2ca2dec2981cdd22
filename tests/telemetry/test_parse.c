// SPDX-License-Identifier: MIT
/* test_parse.c - the parsers, on what kernels print and on what nobody should. */
#include "parse.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAT_TAIL                                                                           \
	" S 1 4321 4321 0 -1 4194560 250 7 3 9 1500 250 11 12 20 0 4 0 98765 12345678 456 " \
	"18446744073709551615 1 2 3 0 0 0 0 4096 1 0 0 0 17 3 0 0 0 0 0 1 2 3 4 5 6 7 0\n"

static struct tel_process process;
static char name[TEL_NAME_MAX + 1];

static void parses(const char *text)
{
	memset(&process, 0xa5, sizeof(process));
	cr_assert_eq(tel_parse_process(text, &process, name), 0, "refused: %s", text);
}

static void refuses(const char *text)
{
	cr_expect_eq(tel_parse_process(text, &process, name), -EINVAL, "taken: %s", text);
}

Test(process, every_kept_field_comes_from_its_own_column)
{
	parses("4321 (plain)" STAT_TAIL);
	cr_expect_eq(process.pid, 4321);
	cr_expect_str_eq(name, "plain");
	cr_expect_eq(process.name_len, 5);
	cr_expect_eq(process.state, 'S');
	cr_expect_eq(process.ppid, 1);
	cr_expect_eq(process.minflt, 250);
	cr_expect_eq(process.majflt, 3);
	cr_expect_eq(process.utime, 1500);
	cr_expect_eq(process.stime, 250);
	cr_expect_eq(process.threads, 4);
	cr_expect_eq(process.start, 98765);
	cr_expect_eq(process.vsize, 12345678);
	cr_expect_eq(process.rss_pages, 456);
	cr_expect_eq(process.cpu, 3);
	cr_expect_eq(process.present, 0);
}

Test(process, names_with_parentheses_and_blanks_are_kept_whole)
{
	static const char *const names[] = {"(sd-pam)", "a b c", ") R 1 2 3", "((",	   "))",
					    "",		" ",	 "x) S (y",   "new\nline", "()"};
	char text[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "77 (%s)%s", names[i], STAT_TAIL);
		parses(text);
		cr_expect_str_eq(name, names[i]);
		cr_expect_eq(process.state, 'S');
		cr_expect_eq(process.ppid, 1);
		cr_expect_eq(process.utime, 1500);
	}
}

Test(process, a_name_longer_than_any_kernel_prints_is_cut_not_overrun)
{
	char text[1024], longname[301];

	memset(longname, 'n', 300);
	longname[300] = '\0';
	snprintf(text, sizeof(text), "77 (%s)%s", longname, STAT_TAIL);
	parses(text);
	cr_expect_eq(process.name_len, TEL_NAME_MAX);
	cr_expect_eq(strlen(name), TEL_NAME_MAX);
	cr_expect_eq(process.threads, 4);
}

Test(process, further_columns_of_newer_kernels_are_passed_over)
{
	parses("77 (x)"
	       " R 2 0 0 0 -1 0 1 0 2 0 3 4 0 0 20 0 1 0 5 6 7 8 9 1 1 1 1 0 0 0 0 0 0 0 17 1 0 0 0 0 "
	       "0 0 0 0 0 0 0 0 99 98 97");
	cr_expect_eq(process.cpu, 1);
	cr_expect_eq(process.rss_pages, 7);
}

Test(process, text_that_ends_early_is_refused_at_every_length)
{
	char text[512];
	size_t whole;

	snprintf(text, sizeof(text), "4321 (a (b) c)%s", STAT_TAIL);
	/* up to the processor column, which is the 39th of 52 */
	whole = (size_t)(strstr(text, " 17 3 ") - text) + strlen(" 17 3");
	for (size_t len = 0; len < whole; len++) {
		char *cut = strndup(text, len);

		refuses(cut);
		free(cut);
	}
}

Test(process, what_is_no_stat_line_is_refused)
{
	refuses("");
	refuses("\n");
	refuses("(x) S 1");
	refuses("12 x S 1");
	refuses("12 (x S 1 1 1 1");
	refuses("-12 (x)" STAT_TAIL);
	refuses("99999999999 (x)" STAT_TAIL);
	refuses("12 (x) 7 1 4321 4321 0 -1 4194560 250 7 3 9");
}

Test(process, numbers_over_64_bits_are_refused)
{
	refuses("12 (x) S 1 1 1 0 -1 0 18446744073709551616 0 0 0 1 1 0 0 20 0 1 0 1 1 1 1 1 1 1 1 1 "
		"1 1 1 1 0 0 0 17 1 0 0");
	parses("12 (x) S 1 1 1 0 -1 0 18446744073709551615 0 0 0 1 1 0 0 20 0 1 0 1 1 1 1 1 1 1 1 1 "
	       "1 1 1 1 0 0 0 17 1 0 0");
	cr_expect_eq(process.minflt, UINT64_MAX);
}

Test(process, run_queue_times_come_from_its_schedstat)
{
	process.present = 0;
	cr_assert_eq(tel_parse_process_sched("12000 345 67\n", &process), 0);
	cr_expect_eq(process.run_ns, 12000);
	cr_expect_eq(process.wait_ns, 345);
	cr_expect_eq(process.slices, 67);
	cr_expect_eq(process.present, PROCESS_SCHED);

	process.present = 0;
	cr_expect_eq(tel_parse_process_sched("12000 345\n", &process), -EINVAL);
	cr_expect_eq(process.present, 0);
}

Test(stat, cpu_lines_of_old_and_new_kernels_keep_the_columns_they_have)
{
	struct tel_cpu cpu;

	cr_assert_eq(tel_parse_cpu_line("cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1", &cpu), 0);
	cr_expect_eq(cpu.cpu, TEL_CPU_ALL);
	cr_expect_eq(cpu.columns, 10);
	cr_expect_eq(cpu.ticks[TICK_STEAL], 80);
	cr_expect_eq(cpu.ticks[TICK_GUEST_NICE], 100);

	cr_assert_eq(tel_parse_cpu_line("cpu1023 1 2 3 4\n", &cpu), 0);
	cr_expect_eq(cpu.cpu, 1023);
	cr_expect_eq(cpu.columns, 4);

	cr_assert_eq(tel_parse_cpu_line("cpu3 1 2 3 4 5 6 7 8 9 10 11 12", &cpu), 0);
	cr_expect_eq(cpu.columns, TEL_TICKS);
}

Test(stat, lines_that_are_no_cpu_lines_are_told_from_broken_ones)
{
	struct tel_cpu cpu;

	cr_expect_eq(tel_parse_cpu_line("ctxt 5", &cpu), -ENOENT);
	cr_expect_eq(tel_parse_cpu_line("", &cpu), -ENOENT);
	cr_expect_eq(tel_parse_cpu_line("cpu0 1 2 3", &cpu), -EINVAL);
	cr_expect_eq(tel_parse_cpu_line("cpu 1 2 3\n4 5 6", &cpu), -EINVAL);
	cr_expect_eq(tel_parse_cpu_line("cpux 1 2 3 4", &cpu), -EINVAL);
	cr_expect_eq(tel_parse_cpu_line("cpu4294967295 1 2 3 4", &cpu), -EINVAL);
}

Test(stat, kernel_lines_say_which_of_them_were_there)
{
	struct tel_kernel kernel = {0};
	const char *text = "intr 900 1 2 3\nctxt 18446744073709551615\nbtime 17\nprocesses 8\n"
			   "procs_running 3\nprocs_blocked 1\nsoftirq 70 1 2\nnovelty 5\n";

	for (const char *line = text; line; line = tel_next_line(line))
		cr_expect_eq(tel_parse_kernel_line(line, &kernel), 0);
	cr_expect_eq(kernel.ctxt, UINT64_MAX);
	cr_expect_eq(kernel.intr, 900);
	cr_expect_eq(kernel.softirq, 70);
	cr_expect_eq(kernel.forks, 8);
	cr_expect_eq(kernel.running, 3);
	cr_expect_eq(kernel.blocked, 1);
	cr_expect_eq(kernel.btime, 17);
	cr_expect_eq(kernel.present, KERNEL_CTXT | KERNEL_INTR | KERNEL_SOFTIRQ | KERNEL_FORKS | KERNEL_RUNNING |
					     KERNEL_BLOCKED | KERNEL_BTIME);

	kernel.present = 0;
	cr_expect_eq(tel_parse_kernel_line("ctxt\n", &kernel), 0);
	cr_expect_eq(tel_parse_kernel_line("ctxtual 7\n", &kernel), 0);
	cr_expect_eq(kernel.present, 0);
	cr_expect_eq(tel_parse_kernel_line("ctxt many\n", &kernel), -EINVAL);
}

Test(schedstat, run_and_wait_times_are_columns_seven_to_nine)
{
	struct tel_sched sched;

	cr_expect_eq(tel_parse_schedstat_version("version 17\ntimestamp 1\n"), 17);
	cr_expect_eq(tel_parse_schedstat_version("timestamp 1\n"), -EINVAL);
	cr_assert_eq(tel_parse_schedstat_line("cpu2 1 0 3 4 5 6 700 800 900 55\n", &sched), 0);
	cr_expect_eq(sched.cpu, 2);
	cr_expect_eq(sched.run_ns, 700);
	cr_expect_eq(sched.wait_ns, 800);
	cr_expect_eq(sched.slices, 900);
	cr_expect_eq(tel_parse_schedstat_line("domain0 MC 3 0 0 0", &sched), -ENOENT);
	cr_expect_eq(tel_parse_schedstat_line("cpu2 1 0 3 4 5 6 700 800\ncpu3 1 2", &sched), -EINVAL);
	cr_expect_eq(tel_parse_schedstat_line("cpu 1 0 3 4 5 6 7 8 9", &sched), -EINVAL);
}

Test(pressure, both_lines_are_read_and_either_may_be_missing)
{
	struct tel_pressure p;

	cr_assert_eq(tel_parse_pressure("some avg10=0.25 avg60=12.50 avg300=100.00 total=4137044\n"
					"full avg10=0.01 avg60=0.00 avg300=0.10 total=12\n",
					&p),
		     0);
	cr_expect_eq(p.present, 3);
	cr_expect_eq(p.centi[PSI_SOME][PSI_AVG10], 25);
	cr_expect_eq(p.centi[PSI_SOME][PSI_AVG60], 1250);
	cr_expect_eq(p.centi[PSI_SOME][PSI_AVG300], 10000);
	cr_expect_eq(p.centi[PSI_FULL][PSI_AVG10], 1);
	cr_expect_eq(p.centi[PSI_FULL][PSI_AVG300], 10);
	cr_expect_eq(p.total_us[PSI_SOME], 4137044);
	cr_expect_eq(p.total_us[PSI_FULL], 12);

	/* Linux before 5.13 has no "full" for the CPU; irq has nothing else */
	cr_assert_eq(tel_parse_pressure("some avg10=0.25 avg60=0.74 avg300=0.45 total=1\n", &p), 0);
	cr_expect_eq(p.present, 1u << PSI_SOME);
	cr_assert_eq(tel_parse_pressure("full avg10=0.25 avg60=0.74 avg300=0.45 total=1", &p), 0);
	cr_expect_eq(p.present, 1u << PSI_FULL);
}

Test(pressure, what_is_not_pressure_is_refused)
{
	struct tel_pressure p;

	cr_expect_eq(tel_parse_pressure("", &p), -EINVAL);
	cr_expect_eq(tel_parse_pressure("none\n", &p), -EINVAL);
	cr_expect_eq(tel_parse_pressure("some avg10=0.25 avg60=0.74 avg300=0.45\n", &p), -EINVAL);
	cr_expect_eq(tel_parse_pressure("some avg10=0.2 avg60=0.74 avg300=0.45 total=1\n", &p), -EINVAL);
	cr_expect_eq(tel_parse_pressure("some avg10=101.00 avg60=0.74 avg300=0.45 total=1\n", &p), -EINVAL);
	cr_expect_eq(tel_parse_pressure("some avg10=0.25 avg60=0.74 avg300=0.45 total=-1\n", &p), -EINVAL);
}

Test(meminfo, fields_are_matched_by_their_whole_name)
{
	struct tel_memory m;

	cr_assert_eq(tel_parse_meminfo("MemTotal:       24684084 kB\nMemFreeze: 9 kB\n"
				       "SwapCached: 4 kB\nCached:  492708 kB\nActive(anon): 1 kB\n"
				       "HugePages_Total:       5\n",
				       &m),
		     0);
	cr_expect_eq(m.value[MEM_TOTAL], 24684084);
	cr_expect_eq(m.value[MEM_CACHED], 492708);
	cr_expect_eq(m.value[MEM_HUGE_TOTAL], 5);
	cr_expect_eq(m.present, 1u << MEM_TOTAL | 1u << MEM_CACHED | 1u << MEM_HUGE_TOTAL);
}

Test(meminfo, without_a_total_it_is_not_meminfo)
{
	struct tel_memory m;

	cr_expect_eq(tel_parse_meminfo("", &m), -EINVAL);
	cr_expect_eq(tel_parse_meminfo("MemFree: 1 kB\n", &m), -EINVAL);
	cr_expect_eq(tel_parse_meminfo("MemTotal: lots\n", &m), -EINVAL);
	cr_expect_eq(tel_parse_meminfo("MemTotal", &m), -EINVAL);
}
