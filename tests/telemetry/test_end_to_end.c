// SPDX-License-Identifier: MIT
/* test_end_to_end.c - two seconds of records out of a real ring, held against what /proc says itself. */
#include "parse.h"
#include "procfs.h"
#include "program.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <ringshm/ringshm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX 64
#define PIDS_MAX 8192
#define AWKWARD "a) R 1 (b c"

struct sample {
	struct tel_begin begin;
	struct tel_end end;
	struct tel_kernel kernel;
	struct tel_cpu all;
	struct tel_memory memory;
	struct tel_pressure pressure[PSI_RESOURCES];
	uint32_t cpus, records, pids;
	uint32_t pid[PIDS_MAX];
	uint64_t start[PIDS_MAX];
	struct tel_process awkward;
};

/* What /proc says at one moment, read by the test itself. */
struct facts {
	struct tel_kernel kernel;
	struct tel_cpu all;
	struct tel_memory memory;
	struct tel_pressure pressure[PSI_RESOURCES];
	bool has_pressure[PSI_RESOURCES];
	uint32_t cpus, pids;
	uint32_t pid[PIDS_MAX];
	uint64_t start[PIDS_MAX];
};

static struct sample samples[SAMPLES_MAX];
static size_t count;
static const struct sample *newest; /* the last whole one */
static struct facts before, after;
static struct tel_goodbye goodbye;
static pid_t burner;
static uint64_t started_ns; /* before the sampler was */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void read_stat(struct procfs *proc, struct facts *facts)
{
	struct tel_cpu cpu;

	cr_assert_eq(procfs_read(proc, "stat"), 0);
	for (const char *line = proc->text; line; line = tel_next_line(line)) {
		if (tel_parse_cpu_line(line, &cpu)) {
			tel_parse_kernel_line(line, &facts->kernel);
			continue;
		}
		if (cpu.cpu == TEL_CPU_ALL)
			facts->all = cpu;
		else
			facts->cpus++;
	}
}

static void read_processes(struct procfs *proc, struct facts *facts)
{
	char path[32], name[TEL_NAME_MAX + 1];
	struct tel_process process;
	pid_t pid;

	procfs_rewind(proc);
	while (procfs_next(proc, &pid) > 0 && facts->pids < PIDS_MAX) {
		snprintf(path, sizeof(path), "%d/stat", (int)pid);
		if (procfs_read(proc, path) || tel_parse_process(proc->text, &process, name))
			continue;
		facts->pid[facts->pids] = process.pid;
		facts->start[facts->pids++] = process.start;
	}
}

static void read_facts(struct facts *facts)
{
	static const char *const pressure[] = {"pressure/cpu", "pressure/io", "pressure/memory", "pressure/irq"};
	struct procfs proc;

	cr_assert_eq(procfs_open(&proc, "/proc"), 0);
	read_stat(&proc, facts);
	cr_assert_eq(procfs_read(&proc, "meminfo"), 0);
	cr_assert_eq(tel_parse_meminfo(proc.text, &facts->memory), 0);
	for (int i = 0; i < PSI_RESOURCES; i++)
		facts->has_pressure[i] = !procfs_read(&proc, pressure[i]) &&
					 !tel_parse_pressure(proc.text, &facts->pressure[i]);
	read_processes(&proc, facts);
	procfs_close(&proc);
}

/* A process that uses CPU time under a name that is hard to read, until it is killed. */
static pid_t start_burner(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_NAME, AWKWARD);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(60);
		for (volatile unsigned long spins = 0;; spins++)
			;
	}
	return pid;
}

/* Processes that come and go: listed, and often gone when read. */
static pid_t start_mayflies(void)
{
	pid_t pid = fork(), fly;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60);
	for (;;) {
		fly = fork();
		if (fly == 0)
			_exit(0);
		waitpid(fly, NULL, 0);
		usleep(500);
	}
}

static void keep(const struct tel_record *r)
{
	struct sample *s = &samples[count];

	s->records++;
	switch (r->type) {
	case TEL_BEGIN:
		*s = (struct sample){.begin = r->begin, .records = 1};
		break;
	case TEL_CPU:
		if (r->cpu.cpu == TEL_CPU_ALL)
			s->all = r->cpu;
		else
			s->cpus++;
		break;
	case TEL_KERNEL:
		s->kernel = r->kernel;
		break;
	case TEL_MEMORY:
		s->memory = r->memory;
		break;
	case TEL_PRESSURE:
		s->pressure[r->pressure.resource] = r->pressure;
		break;
	case TEL_PROCESS:
		cr_assert_lt(s->pids, PIDS_MAX);
		s->pid[s->pids] = r->process.pid;
		s->start[s->pids++] = r->process.start;
		if (r->process.pid == (uint32_t)burner) {
			cr_assert_str_eq(r->text, AWKWARD);
			s->awkward = r->process;
		}
		break;
	case TEL_END:
		s->end = r->end;
		newest = s;
		cr_assert_lt(++count, SAMPLES_MAX);
		break;
	case TEL_GOODBYE:
		goodbye = r->goodbye;
		break;
	default:
		break;
	}
}

static void collect(struct ringshm *channel)
{
	struct ringshm_spsc_consumer c;
	struct tel_record record;
	const void *payload;
	uint32_t len;

	cr_assert_eq(ringshm_spsc_consumer_open(&c, channel), 0, "%s", ringshm_last_error());
	while (!goodbye.head.seq) {
		cr_assert_eq(ringshm_spsc_peek_wait(&c, INT64_C(10000000000), &payload, &len), 0, "after %zu samples",
			     count);
		cr_assert_eq(tel_record_decode(&record, ringshm_spsc_type(&c), payload, len), 0);
		ringshm_spsc_release(&c, 1);
		keep(&record);
	}
	ringshm_spsc_consumer_close(&c);
}

static void open_when_there(struct ringshm **channel, const char *name)
{
	int err = -ENOENT;

	for (int i = 0; i < 500 && err == -ENOENT; i++) {
		sleep_ms(10);
		err = ringshm_open(channel, name, RINGSHM_CONSUMER);
	}
	cr_assert_eq(err, 0, "%s", ringshm_last_error());
}

static void run(void)
{
	struct program sampler;
	struct ringshm *channel;
	pid_t mayflies;

	burner = start_burner();
	mayflies = start_mayflies();
	sleep_ms(50); /* long enough to have its name */
	read_facts(&before);
	started_ns = now_ns();
	program_start(&sampler, "--sampler", "e2e", "--interval", "100ms", "--duration", "2s", NULL);
	open_when_there(&channel, "e2e");
	collect(channel);
	ringshm_close(channel);
	cr_assert_eq(program_wait(&sampler, 10), 0, "%s", program_text(sampler.err));
	read_facts(&after);
	kill(mayflies, SIGKILL);
	kill(burner, SIGKILL);
	waitpid(mayflies, NULL, 0);
	channels_are_gone();
}

static uint64_t ticks_of(struct rusage *usage)
{
	uint64_t us = (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
		      (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);

	return us * (uint64_t)sysconf(_SC_CLK_TCK) / 1000000;
}

static void samples_are_whole_and_on_time(void)
{
	cr_assert_gt(count, 1);
	for (size_t i = 0; i < count; i++) {
		const struct sample *s = &samples[i];

		cr_assert_eq(s->begin.head.seq, i + 1);
		cr_assert_eq(s->records, s->end.records + 1, "sample %zu lost records", i);
		cr_assert_eq(s->pids, s->end.processes);
		cr_assert_eq(s->end.dropped, 0);
		cr_assert_eq(s->begin.interval_ns, 100000000);
		/* never before its time; how late is the machine's affair, and is counted */
		cr_assert_geq(s->begin.head.mono_ns, started_ns + i * 100000000);
	}
	/* 0, 0.1, ... 2.0 s: taken, or left out and said so; a late last one may leave out more */
	cr_expect(goodbye.late ? count + goodbye.late >= 21 : count == 21, "%zu samples, %lu late", count,
		  (unsigned long)goodbye.late);
	cr_expect_eq(goodbye.samples, count);
}

/* a <= b, or the kernel's own figure went back */
#define IN_ORDER(a, b)                                                                           \
	cr_assert_leq((uint64_t)(a), (uint64_t)(b), "%s = %llu, but %s = %llu (sample %zu)", #a, \
		      (unsigned long long)(a), #b, (unsigned long long)(b), i)

static void counters_stand_between_those_read_before_and_after(void)
{
	for (size_t i = 0; i < count; i++) {
		const struct sample *s = &samples[i], *last = i ? &samples[i - 1] : NULL;

		IN_ORDER(last ? last->kernel.ctxt : before.kernel.ctxt, s->kernel.ctxt);
		IN_ORDER(last ? last->kernel.forks : before.kernel.forks, s->kernel.forks);
		IN_ORDER(last ? last->all.ticks[TICK_USER] : before.all.ticks[TICK_USER], s->all.ticks[TICK_USER]);
		IN_ORDER(s->kernel.ctxt, after.kernel.ctxt);
		IN_ORDER(s->kernel.forks, after.kernel.forks);
		IN_ORDER(s->all.ticks[TICK_USER], after.all.ticks[TICK_USER]);
		cr_assert_eq(s->kernel.btime, before.kernel.btime);
		cr_assert_eq(s->memory.value[MEM_TOTAL], before.memory.value[MEM_TOTAL]);
		cr_assert_eq(s->cpus, before.cpus);
		for (int p = 0; p < PSI_RESOURCES; p++) {
			cr_assert_eq(!!s->pressure[p].head.seq, before.has_pressure[p]);
			IN_ORDER(before.pressure[p].total_us[PSI_SOME], s->pressure[p].total_us[PSI_SOME]);
			IN_ORDER(s->pressure[p].total_us[PSI_SOME], after.pressure[p].total_us[PSI_SOME]);
		}
	}
	/* a process a half millisecond was born: most of them must have been counted */
	cr_expect_gt(newest->kernel.forks - samples[0].kernel.forks, 100);
}

static bool listed(const uint32_t *pid, const uint64_t *start, uint32_t pids, uint32_t want, uint64_t want_start)
{
	for (uint32_t i = 0; i < pids; i++) {
		if (pid[i] == want && start[i] == want_start)
			return true;
	}
	return false;
}

static void who_lived_all_along_is_in_every_sample(void)
{
	unsigned int lasting = 0;

	for (uint32_t p = 0; p < before.pids; p++) {
		if (!listed(after.pid, after.start, after.pids, before.pid[p], before.start[p]))
			continue;
		lasting++;
		for (size_t i = 0; i < count; i++)
			cr_assert(listed(samples[i].pid, samples[i].start, samples[i].pids, before.pid[p],
					 before.start[p]),
				  "process %u is missing from sample %zu", before.pid[p], i);
	}
	cr_expect_gt(lasting, 3);
}

/* The kernel's own account, once the process is gone, is the truth that all samples stay below. */
static void cpu_time_agrees_with_the_kernels_account(void)
{
	struct rusage usage;
	uint64_t last = 0, now;

	cr_assert_eq(wait4(burner, NULL, 0, &usage), burner);
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(samples[i].awkward.pid, (uint32_t)burner);
		cr_assert_eq(samples[i].awkward.ppid, (uint32_t)getpid());
		now = samples[i].awkward.utime + samples[i].awkward.stime;
		cr_assert_leq(last, now);
		last = now;
	}
	cr_expect_leq(last, ticks_of(&usage) + 1, "%llu ticks sampled, %llu in all", (unsigned long long)last,
		      (unsigned long long)ticks_of(&usage));
	cr_expect_gt(last - samples[0].awkward.utime - samples[0].awkward.stime, 0);
}

Test(end_to_end, two_seconds_of_records_agree_with_proc, .init = channels_begin, .fini = channels_remove, .timeout = 40)
{
	run();
	samples_are_whole_and_on_time();
	counters_stand_between_those_read_before_and_after();
	who_lived_all_along_is_in_every_sample();
	cpu_time_agrees_with_the_kernels_account();
}
