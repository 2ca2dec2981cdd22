// SPDX-License-Identifier: MIT
/* test_sampler.c - one look at a proc of our own making, with everything amiss that can be. */
#include "model.h"
#include "sampler.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROCESS_LINE                                                                                 \
	"%u (%s) S 1 1 1 0 -1 0 1 0 2 0 %u 4 0 0 20 0 1 0 5 6 7 8 9 1 1 1 1 0 0 0 0 0 0 0 17 1 0 0 " \
	"0 0 0 0 0 0 0 0 0 0 0\n"

static char root[] = "/tmp/telemetry-proc.XXXXXX";
static struct tel_sampler sampler;
static struct tel_model model;
static unsigned int room; /* records that the ring still takes */
static unsigned int notes;
static char last_note[TEL_NOTE_MAX + 1];

static int put(void *ctx, unsigned int type, const void *fixed, size_t fixed_len, const void *tail, size_t tail_len)
{
	char record[sizeof(struct tel_record)];
	int event;

	(void)ctx;
	if (!room)
		return -EAGAIN;
	room--;
	memcpy(record, fixed, fixed_len);
	if (tail_len)
		memcpy(record + fixed_len, tail, tail_len);
	event = tel_model_feed(&model, type, record, fixed_len + tail_len);
	cr_assert_geq(event, 0);
	if (event == EVENT_NOTE) {
		notes++;
		strcpy(last_note, model.note);
	}
	return 0;
}

static void file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "w");
	cr_assert_not_null(f, "%s", path);
	fputs(text, f);
	fclose(f);
}

static void directory(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	cr_assert_eq(mkdir(path, 0700), 0);
}

static void process(unsigned int pid, const char *name, unsigned int utime)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "%u", pid);
	directory(path);
	snprintf(path, sizeof(path), "%u/stat", pid);
	snprintf(text, sizeof(text), PROCESS_LINE, pid, name, utime);
	file(path, text);
}

static void whole_proc(void)
{
	static const char pressure[] = "some avg10=0.25 avg60=0.74 avg300=0.45 total=10\n";

	file("stat", "cpu  1 2 3 4\ncpu0 1 2 3 4\nctxt 9\n");
	file("schedstat", "version 17\ncpu0 1 0 3 4 5 6 700 800 900\n");
	directory("pressure");
	file("pressure/cpu", pressure);
	file("pressure/io", pressure);
	file("pressure/memory", pressure);
	file("pressure/irq", pressure);
	file("meminfo", "MemTotal: 7 kB\n");
	directory("self");
	directory("12monkeys");
	process(1, "init", 1);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(root));
	tel_model_init(&model);
	cr_assert_eq(tel_sampler_open(&sampler, root, (struct tel_sink){put, NULL}), 0);
	room = UINT32_MAX;
	whole_proc();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	tel_sampler_close(&sampler);
	tel_model_free(&model);
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(sampler, .init = setup, .fini = teardown);

static void remove_file(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	cr_assert_eq(remove(path), 0);
}

static void sample(void)
{
	cr_assert_eq(tel_sampler_sample(&sampler), 0);
}

Test(sampler, a_whole_proc_gives_a_whole_sample_and_no_note)
{
	sample();
	cr_expect_eq(model.totals.samples, 1);
	cr_expect_eq(model.totals.incomplete, 0);
	/* begin, 2 cpu, kernel, sched, 4 pressure, meminfo, 1 process, end */
	cr_expect_eq(model.totals.records, 12);
	cr_expect_eq(model.end.processes, 1);
	cr_expect_eq(model.end.vanished, 0);
	cr_expect_eq(notes, 0, "%s", last_note);
}

Test(sampler, a_missing_pressure_file_is_told_once)
{
	remove_file("pressure/io");
	sample();
	cr_expect_eq(notes, 1);
	cr_expect_not_null(strstr(last_note, "pressure/io"), "%s", last_note);
	sample();
	sample();
	cr_expect_eq(notes, 1);
	cr_expect_eq(model.totals.incomplete, 0);
	cr_expect_not(tel_model_current(&model, &model.pressure[PSI_IO].last.head));
	cr_expect(tel_model_current(&model, &model.pressure[PSI_CPU].last.head));
}

Test(sampler, a_note_that_found_no_room_is_told_later)
{
	remove_file("pressure/io");
	room = 0;
	sample();
	cr_expect_eq(notes, 0);
	room = UINT32_MAX;
	sample();
	cr_expect_eq(notes, 1);
	sample();
	cr_expect_eq(notes, 1);
}

Test(sampler, a_process_that_vanishes_between_listing_and_reading_is_counted)
{
	directory("77"); /* as after its end: listed, but no stat to read */
	sample();
	cr_expect_eq(model.end.vanished, 1);
	cr_expect_eq(model.end.processes, 1);
	cr_expect_eq(notes, 0);
	cr_expect_eq(model.totals.incomplete, 0);
}

Test(sampler, a_process_with_an_awkward_name_arrives_under_it)
{
	process(4242, "a) S 1 (b", 3);
	sample();
	cr_assert_eq(model.procs.before.count, 2);
	cr_expect_eq(model.procs.before.item[1].last.pid, 4242);
	cr_expect_str_eq(model.procs.before.item[1].name, "a) S 1 (b");
	cr_expect_eq(model.procs.before.item[1].last.utime, 3);
}

Test(sampler, a_process_that_makes_no_sense_is_left_out_and_told_once)
{
	directory("78");
	file("78/stat", "78 (broken");
	sample();
	sample();
	cr_expect_eq(notes, 1);
	cr_expect_eq(model.end.processes, 1);
	cr_expect_eq(model.totals.incomplete, 0);
}

Test(sampler, old_schedstat_versions_in_other_units_are_not_taken)
{
	file("schedstat", "version 14\ncpu0 1 0 3 4 5 6 700 800 900\n");
	sample();
	cr_expect_eq(notes, 1);
	cr_expect_not_null(strstr(last_note, "version"), "%s", last_note);
	cr_expect_eq(model.ncpus, 1);
	cr_expect_eq(model.cpus[0].sched.head.seq, 0);
}

Test(sampler, an_empty_proc_is_a_sample_with_a_note_a_source)
{
	static const char *const files[] = {"stat",	   "schedstat",	      "pressure/cpu",
					    "pressure/io", "pressure/memory", "pressure/irq",
					    "meminfo",	   "1/stat"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		remove_file(files[i]);
	sample();
	cr_expect_eq(notes, 7);
	cr_expect_eq(model.totals.samples, 1);
	cr_expect_eq(model.totals.incomplete, 0);
}

Test(sampler, records_that_find_no_room_are_counted_and_the_sample_is_torn)
{
	sample();
	room = 4;
	sample();
	cr_expect_eq(sampler.dropped, 8);
	room = UINT32_MAX;
	sample();
	cr_expect_eq(model.end.dropped, 8);
	cr_expect_eq(model.totals.samples, 2);
	cr_expect_eq(model.totals.incomplete, 1);
}

static int refuse(void *ctx, unsigned int type, const void *fixed, size_t fixed_len, const void *tail, size_t tail_len)
{
	(void)ctx;
	(void)type;
	(void)fixed;
	(void)fixed_len;
	(void)tail;
	(void)tail_len;
	return -ESHUTDOWN;
}

Test(sampler, a_ring_that_has_ended_ends_the_sample)
{
	sampler.sink.put = refuse;
	cr_expect_eq(tel_sampler_sample(&sampler), -ESHUTDOWN);
	cr_expect_eq(sampler.dropped, 0);
}

Test(sampler, a_file_of_any_length_is_read_whole)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/stat", root);
	f = fopen(path, "w");
	fprintf(f, "cpu  1 2 3 4\nintr 5");
	for (int i = 0; i < 200000; i++)
		fprintf(f, " %d", i % 10);
	fprintf(f, "\nctxt 424242\n");
	fclose(f);
	sample();
	cr_expect_eq(model.kernel.last.ctxt, 424242);
}

Test(sampler, without_the_directory_nothing_is_opened)
{
	struct tel_sampler other;

	cr_expect_eq(tel_sampler_open(&other, "/nonexistent", (struct tel_sink){put, NULL}), -ENOENT);
	tel_sampler_close(&other);
}
