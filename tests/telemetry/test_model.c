// SPDX-License-Identifier: MIT
/* test_model.c - rates from records whose right figures are known, whole samples and torn ones. */
#include "model.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define BEGIN_AT(n) ((n)*1000 * MS) /* one sample a second */

static struct tel_model model;
static uint64_t seq;
static uint32_t records, processes;

static int feed(unsigned int type, const void *payload, size_t len)
{
	records++;
	return tel_model_feed(&model, type, payload, len);
}

#define FEED(type, payload) feed(type, payload, sizeof(*(payload)))

static struct tel_head head(void)
{
	return (struct tel_head){seq, BEGIN_AT(seq)};
}

static void begin(void)
{
	struct tel_begin b = {.tick_hz = 100, .page_size = 4096, .sampler_pid = 9};

	seq++;
	b.head = head();
	records = 0;
	processes = 0;
	cr_assert_eq(FEED(TEL_BEGIN, &b), EVENT_NONE);
}

static int end(void)
{
	struct tel_end e = {.head = head(), .records = records, .processes = processes};

	return FEED(TEL_END, &e);
}

static void cpu(uint32_t n, uint64_t user, uint64_t system, uint64_t idle, uint64_t iowait)
{
	struct tel_cpu c = {.head = head(), .cpu = n, .columns = 8, .ticks = {user, 0, system, idle, iowait}};

	feed(TEL_CPU, &c, tel_cpu_size(&c));
}

static void kernel(uint64_t ctxt)
{
	struct tel_kernel k = {.head = head(), .ctxt = ctxt, .present = KERNEL_CTXT};

	FEED(TEL_KERNEL, &k);
}

static void process(uint32_t pid, uint64_t start, uint64_t utime, uint64_t wait_ns)
{
	struct {
		struct tel_process p;
		char name[1];
	} r = {.p = {.head = head(),
		     .pid = pid,
		     .start = start,
		     .utime = utime,
		     .wait_ns = wait_ns,
		     .present = PROCESS_SCHED,
		     .state = 'R',
		     .name_len = 1},
	       .name = "p"};

	processes++;
	feed(TEL_PROCESS, &r, sizeof(r.p) + 1);
}

static const struct tel_proc *find(uint32_t pid)
{
	for (size_t i = 0; i < model.procs.before.count; i++) {
		if (model.procs.before.item[i].last.pid == pid)
			return &model.procs.before.item[i];
	}
	return NULL;
}

static void setup(void)
{
	seq = 0;
	tel_model_init(&model);
}

static void teardown(void)
{
	tel_model_free(&model);
}

TestSuite(model, .init = setup, .fini = teardown);

#define NEAR(value, want) \
	cr_expect_float_eq(value, want, 1e-9, "%s is %g, not %g", #value, (double)(value), (double)(want))
#define UNKNOWN(value) cr_expect(isnan(value), "%s is %g, but cannot be known", #value, (double)(value))

Test(model, nothing_is_known_after_one_sample)
{
	begin();
	cpu(TEL_CPU_ALL, 100, 50, 1000, 0);
	kernel(7);
	process(1, 5, 100, 0);
	cr_assert_eq(end(), EVENT_SAMPLE);
	UNKNOWN(model.all.rates.busy);
	UNKNOWN(model.kernel.ctxt_per_s);
	UNKNOWN(model.interval_s);
	UNKNOWN(model.wait_ms_per_s);
	UNKNOWN(find(1)->cpu_pct);
	cr_expect_eq(model.totals.incomplete, 0);
}

Test(model, cpu_shares_are_of_what_was_accounted)
{
	begin();
	cpu(3, 100, 50, 1000, 10);
	end();
	begin();
	cpu(3, 150, 60, 1030, 20);
	end();
	NEAR(model.cpus[3].rates.user, 50);
	NEAR(model.cpus[3].rates.system, 10);
	NEAR(model.cpus[3].rates.idle, 30);
	NEAR(model.cpus[3].rates.iowait, 10);
	NEAR(model.cpus[3].rates.busy, 60);
}

Test(model, an_iowait_that_goes_back_counts_as_none)
{
	begin();
	cpu(TEL_CPU_ALL, 0, 0, 1000, 500);
	end();
	begin();
	cpu(TEL_CPU_ALL, 50, 0, 1050, 490);
	end();
	NEAR(model.all.rates.iowait, 0);
	NEAR(model.all.rates.busy, 50);
}

Test(model, a_counter_that_wraps_keeps_its_rate)
{
	begin();
	kernel(UINT32_MAX - 99);
	end();
	begin();
	kernel(400);
	end();
	NEAR(model.kernel.ctxt_per_s, 500);
	begin();
	kernel(UINT64_MAX - 99);
	end();
	begin();
	kernel(100);
	end();
	NEAR(model.kernel.ctxt_per_s, 200);
}

Test(model, a_process_gets_its_share_of_one_cpu_and_its_wait)
{
	begin();
	process(10, 5, 100, 1000);
	end();
	begin();
	process(10, 5, 150, 1000 + 30 * MS);
	end();
	NEAR(find(10)->cpu_pct, 50);
	NEAR(find(10)->wait_ms_per_s, 30);
	NEAR(model.wait_ms_per_s, 30);
	cr_expect_eq(model.wait_source, WAIT_PROCESSES);
}

Test(model, a_reused_pid_is_another_process)
{
	begin();
	process(10, 5, 100000, 0);
	end();
	begin();
	process(10, 777, 20, 0); /* born since: all its time is of this second */
	end();
	NEAR(find(10)->cpu_pct, 20);
}

Test(model, who_is_gone_from_a_whole_sample_is_forgotten)
{
	begin();
	process(10, 5, 1, 0);
	process(11, 5, 1, 0);
	end();
	begin();
	process(11, 5, 1, 0);
	end();
	cr_expect_null(find(10));
	cr_expect_not_null(find(11));
}

Test(model, who_is_missing_from_a_torn_sample_keeps_its_history)
{
	begin();
	process(10, 5, 100, 0);
	process(11, 5, 100, 0);
	end();
	begin();
	process(11, 5, 110, 0);
	processes++; /* 10 was sampled, but its record was lost */
	records++;
	cr_assert_eq(end(), EVENT_SAMPLE);
	cr_expect_eq(model.totals.incomplete, 1);
	NEAR(find(11)->cpu_pct, 10);
	cr_expect_eq(tel_procs_rank(&model.procs, 10), 1, "a process that was not seen is shown");
	begin();
	process(10, 5, 300, 0);
	process(11, 5, 110, 0);
	process(12, 6, 50, 0);
	end();
	NEAR(find(10)->cpu_pct, 100); /* 200 ticks in two seconds */
	UNKNOWN(find(12)->cpu_pct);   /* may be old: the last sample was torn */
}

Test(model, who_stays_away_is_forgotten_in_the_end_even_if_no_sample_is_whole)
{
	begin();
	process(10, 5, 100, 0);
	end();
	for (int i = 0; i < 20; i++) {
		begin();
		process(11, 5, 100, 0);
		records++; /* something was lost */
		end();
	}
	cr_expect_null(find(10));
}

Test(model, a_sample_without_its_end_is_counted_and_the_next_one_is_right)
{
	begin();
	kernel(1000);
	end();
	begin();
	kernel(1500);
	/* the end is lost */
	begin();
	kernel(1700);
	cr_assert_eq(end(), EVENT_SAMPLE);
	cr_expect_eq(model.totals.incomplete, 1);
	cr_expect_eq(model.totals.samples, 2);
	NEAR(model.kernel.ctxt_per_s, 200);
}

Test(model, records_whose_beginning_is_lost_are_orphans)
{
	begin();
	kernel(1000);
	end();
	seq++; /* the beginning of the second sample is lost */
	kernel(5000);
	process(10, 5, 100, 0);
	cr_expect_eq(end(), EVENT_NONE);
	cr_expect_eq(model.totals.orphans, 3);
	begin();
	kernel(3000);
	cr_assert_eq(end(), EVENT_SAMPLE);
	NEAR(model.kernel.ctxt_per_s, 1000); /* 2000 in two seconds */
}

Test(model, a_late_record_of_another_sample_is_an_orphan_too)
{
	begin();
	seq += 100;
	kernel(1);
	seq -= 100;
	cr_assert_eq(end(), EVENT_SAMPLE);
	cr_expect_eq(model.totals.orphans, 1);
}

Test(model, pressure_is_stall_time_over_the_interval)
{
	struct tel_pressure p = {.resource = PSI_IO, .present = 1u << PSI_SOME};

	begin();
	p.head = head();
	FEED(TEL_PRESSURE, &p);
	end();
	begin();
	p.head = head();
	p.total_us[PSI_SOME] = 250000;
	FEED(TEL_PRESSURE, &p);
	end();
	NEAR(model.pressure[PSI_IO].share[PSI_SOME], 25);
	UNKNOWN(model.pressure[PSI_IO].share[PSI_FULL]);
	UNKNOWN(model.pressure[PSI_CPU].share[PSI_SOME]);
}

Test(model, run_queues_are_preferred_to_processes)
{
	struct tel_sched s = {.wait_ns = 0};

	for (int i = 0; i < 2; i++) {
		begin();
		s.head = head();
		for (s.cpu = 0; s.cpu < 2; s.cpu++)
			FEED(TEL_SCHED, &s);
		process(1, 5, 0, 77 * (uint64_t)i * MS);
		end();
		s.wait_ns = 40 * MS;
	}
	NEAR(model.cpus[1].wait_ms_per_s, 40);
	NEAR(model.wait_ms_per_s, 80);
	cr_expect_eq(model.wait_source, WAIT_SCHEDSTAT);
}

Test(model, malformed_and_unknown_records_are_counted_and_do_no_harm)
{
	struct tel_kernel k = {.head = head()};

	begin();
	cr_expect_eq(feed(TEL_KERNEL, &k, 3), EVENT_NONE);
	cr_expect_eq(feed(200, &k, sizeof(k)), EVENT_NONE);
	cpu(TEL_CPUS_MAX, 1, 1, 1, 1);
	cpu(TEL_CPU_ALL - 1, 1, 1, 1, 1);
	cr_assert_eq(end(), EVENT_SAMPLE);
	cr_expect_eq(model.totals.malformed, 3);
	cr_expect_eq(model.totals.unknown, 1);
	cr_expect_eq(model.totals.incomplete, 0, "a record that is not understood is not a lost one");
	cr_expect_eq(model.ncpus, 0);
}

Test(model, the_busiest_come_first_and_the_unknown_last)
{
	begin();
	process(1, 5, 0, 0);
	process(2, 5, 0, 0);
	process(3, 5, 0, 0);
	records++; /* torn: newcomers have no rate yet */
	end();
	begin();
	process(4, 5, 900, 0);
	process(3, 5, 10, 0);
	process(1, 5, 30, 0);
	process(2, 5, 20, 0);
	end();
	cr_assert_eq(tel_procs_rank(&model.procs, 99), 4);
	cr_expect_eq(model.procs.busiest[0]->last.pid, 1);
	cr_expect_eq(model.procs.busiest[1]->last.pid, 2);
	cr_expect_eq(model.procs.busiest[2]->last.pid, 3);
	cr_expect_eq(model.procs.busiest[3]->last.pid, 4);
	cr_expect_eq(tel_procs_rank(&model.procs, 2), 2);
}

Test(model, a_note_is_made_fit_for_a_terminal)
{
	struct {
		struct tel_note n;
		char text[4];
	} r = {.n = {.text_len = 4}, .text = "a\033[b"};

	cr_expect_eq(feed(TEL_NOTE, &r, sizeof(r.n) + 4), EVENT_NOTE);
	cr_expect_str_eq(model.note, "a?[b");
}
