// SPDX-License-Identifier: MIT
/* sampler.c - one look at /proc, as a run of records. */
#include "sampler.h"

#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

/* From this version on the run and wait times of /proc/schedstat are nanoseconds. */
#define SCHEDSTAT_NS_VERSION 15

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* A lost record is counted, not fatal: returns 0 or the sink's final -errno. */
static int emit(struct tel_sampler *s, unsigned int type, struct tel_head *record, size_t len, const void *tail,
		size_t tail_len)
{
	int err;

	record->seq = s->seq;
	s->records++;
	err = s->sink.put(s->sink.ctx, type, record, len, tail, tail_len);
	if (err != -EAGAIN)
		return err;
	s->dropped++;
	return 0;
}

#define EMIT(s, type, record, len) emit(s, type, &(record)->head, len, NULL, 0)

/* Tell @text once per @source: a note that found no room is tried again with the next sample. */
static int note_once(struct tel_sampler *s, unsigned int source, const char *text)
{
	struct tel_note note = {.head.mono_ns = clock_ns(CLOCK_MONOTONIC)};
	uint64_t dropped = s->dropped;
	size_t len = strlen(text);
	int err;

	if (s->reported & (1u << source))
		return 0;
	if (len > TEL_NOTE_MAX)
		len = TEL_NOTE_MAX;
	note.text_len = (uint32_t)len;
	err = emit(s, TEL_NOTE, &note.head, sizeof(note), text, len);
	if (err || s->dropped != dropped)
		return err;
	s->reported |= 1u << source;
	if (s->on_note)
		s->on_note(text);
	return 0;
}

static int sample_stat(struct tel_sampler *s, uint64_t now, int resource)
{
	struct tel_kernel kernel = {.head.mono_ns = now};

	(void)resource;
	for (const char *line = s->proc.text; line; line = tel_next_line(line)) {
		struct tel_cpu cpu = {.head.mono_ns = now};
		int err = tel_parse_cpu_line(line, &cpu);

		if (err == -ENOENT)
			err = tel_parse_kernel_line(line, &kernel);
		else if (!err)
			err = EMIT(s, TEL_CPU, &cpu, tel_cpu_size(&cpu));
		if (err)
			return err;
	}
	return EMIT(s, TEL_KERNEL, &kernel, sizeof(kernel));
}

static int sample_schedstat(struct tel_sampler *s, uint64_t now, int resource)
{
	int version = tel_parse_schedstat_version(s->proc.text);

	(void)resource;
	if (version < 0)
		return version;
	if (version < SCHEDSTAT_NS_VERSION)
		return -ENOTSUP;
	for (const char *line = s->proc.text; line; line = tel_next_line(line)) {
		struct tel_sched sched = {.head.mono_ns = now};
		int err = tel_parse_schedstat_line(line, &sched);

		if (err == -ENOENT)
			continue;
		if (!err)
			err = EMIT(s, TEL_SCHED, &sched, sizeof(sched));
		if (err)
			return err;
	}
	return 0;
}

static int sample_pressure(struct tel_sampler *s, uint64_t now, int resource)
{
	struct tel_pressure pressure = {.head.mono_ns = now, .resource = (uint32_t)resource};
	int err = tel_parse_pressure(s->proc.text, &pressure);

	return err ? err : EMIT(s, TEL_PRESSURE, &pressure, sizeof(pressure));
}

static int sample_meminfo(struct tel_sampler *s, uint64_t now, int resource)
{
	struct tel_memory memory = {.head.mono_ns = now};
	int err = tel_parse_meminfo(s->proc.text, &memory);

	(void)resource;
	return err ? err : EMIT(s, TEL_MEMORY, &memory, sizeof(memory));
}

static const struct source {
	const char *path;
	int (*sample)(struct tel_sampler *s, uint64_t now, int resource);
	int resource;
	const char *without; /* what a kernel lacks that has no such file, and what follows */
} sources[] = {
	{"stat", sample_stat, 0, "is /proc mounted? CPU and event rates are left out"},
	{"schedstat", sample_schedstat, 0,
	 "kernel without CONFIG_SCHEDSTATS; run-queue wait is added up from the processes' first threads"},
	{"pressure/cpu", sample_pressure, PSI_CPU,
	 "kernel without CONFIG_PSI or booted with psi=0; CPU pressure is left out"},
	{"pressure/io", sample_pressure, PSI_IO,
	 "kernel without CONFIG_PSI or booted with psi=0; I/O pressure is left out"},
	{"pressure/memory", sample_pressure, PSI_MEMORY,
	 "kernel without CONFIG_PSI or booted with psi=0; memory pressure is left out"},
	{"pressure/irq", sample_pressure, PSI_IRQ,
	 "kernel without CONFIG_IRQ_TIME_ACCOUNTING; interrupt pressure is left out"},
	{"meminfo", sample_meminfo, 0, "is /proc mounted? memory is left out"},
};

#define SOURCES (sizeof(sources) / sizeof(sources[0]))
#define SOURCE_PROCESS SOURCES /* notes about processes have a bit of their own */
#define SOURCE_LISTING (SOURCES + 1)

static int note_unreadable(struct tel_sampler *s, unsigned int i, int err)
{
	const struct source *source = &sources[i];
	char text[TEL_NOTE_MAX + 1];

	if (err == -ENOENT)
		snprintf(text, sizeof(text), "%s: not there: %s", source->path, source->without);
	else
		snprintf(text, sizeof(text), "%s: cannot be read: %s: %s", source->path, strerror(-err),
			 source->without);
	return note_once(s, i, text);
}

static int note_not_understood(struct tel_sampler *s, unsigned int i, int err)
{
	char text[TEL_NOTE_MAX + 1];

	snprintf(text, sizeof(text), "%s: %s; what was understood of it is shown", sources[i].path,
		 err == -ENOTSUP ? "a version older than 15, whose times are not nanoseconds" :
				   "not what Linux prints");
	return note_once(s, i, text);
}

static int sample_source(struct tel_sampler *s, unsigned int i)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int err = procfs_read(&s->proc, sources[i].path);

	if (err)
		return note_unreadable(s, i, err);
	err = sources[i].sample(s, now, sources[i].resource);
	if (err == -EINVAL || err == -ENOTSUP)
		return note_not_understood(s, i, err);
	return err;
}

static int read_process(struct tel_sampler *s, pid_t pid, struct tel_process *process, char *name)
{
	char path[32];
	int err;

	snprintf(path, sizeof(path), "%d/stat", (int)pid);
	process->head.mono_ns = clock_ns(CLOCK_MONOTONIC);
	err = procfs_read(&s->proc, path);
	if (!err)
		err = tel_parse_process(s->proc.text, process, name);
	if (err)
		return err;
	/* not every kernel has it, and the process may have ended since: no matter */
	snprintf(path, sizeof(path), "%d/schedstat", (int)pid);
	if (!procfs_read(&s->proc, path))
		(void)tel_parse_process_sched(s->proc.text, process);
	return 0;
}

static int sample_process(struct tel_sampler *s, pid_t pid, struct tel_end *end)
{
	struct tel_process process = {0};
	char name[TEL_NAME_MAX + 1];
	int err = read_process(s, pid, &process, name);

	switch (err) {
	case 0:
		end->processes++;
		return emit(s, TEL_PROCESS, &process.head, sizeof(process), name, process.name_len);
	case -ENOENT:
	case -ESRCH:
		end->vanished++;
		return 0;
	case -EACCES:
	case -EPERM:
		end->denied++;
		return 0;
	case -EINVAL:
		return note_once(s, SOURCE_PROCESS, "PID/stat: not what Linux prints; such processes are left out");
	default:
		return note_once(s, SOURCE_PROCESS,
				 "PID/stat: some cannot be read (too many open files or no "
				 "memory?); such processes are left out");
	}
}

static int sample_processes(struct tel_sampler *s, struct tel_end *end)
{
	pid_t pid;
	int more, err;

	procfs_rewind(&s->proc);
	while ((more = procfs_next(&s->proc, &pid)) > 0) {
		err = sample_process(s, pid, end);
		if (err)
			return err;
	}
	if (more < 0)
		return note_once(s, SOURCE_LISTING,
				 "the list of processes cannot be read to its end; some are left out");
	return 0;
}

static int sample_all(struct tel_sampler *s, struct tel_end *end)
{
	int err = 0;

	for (unsigned int i = 0; i < SOURCES && !err; i++)
		err = sample_source(s, i);
	return err ? err : sample_processes(s, end);
}

static int emit_begin(struct tel_sampler *s, uint64_t now)
{
	struct tel_begin begin = {
		.head.mono_ns = now,
		.real_ns = clock_ns(CLOCK_REALTIME),
		.interval_ns = s->interval_ns,
		.tick_hz = (uint32_t)sysconf(_SC_CLK_TCK),
		.page_size = (uint32_t)sysconf(_SC_PAGESIZE),
		.sampler_pid = (uint32_t)getpid(),
	};

	return EMIT(s, TEL_BEGIN, &begin, sizeof(begin));
}

static int emit_end(struct tel_sampler *s, uint64_t began, struct tel_end *end)
{
	end->head.mono_ns = clock_ns(CLOCK_MONOTONIC);
	end->collect_ns = end->head.mono_ns - began;
	end->dropped = s->dropped;
	end->late = s->late;
	end->records = s->records;
	return EMIT(s, TEL_END, end, sizeof(*end));
}

int tel_sampler_sample(struct tel_sampler *s)
{
	uint64_t began = clock_ns(CLOCK_MONOTONIC);
	struct tel_end end = {0};
	int err;

	s->seq++;
	s->records = 0;
	err = emit_begin(s, began);
	if (!err)
		err = sample_all(s, &end);
	return err ? err : emit_end(s, began, &end);
}

int tel_sampler_goodbye(struct tel_sampler *s)
{
	struct tel_goodbye goodbye = {
		.head.mono_ns = clock_ns(CLOCK_MONOTONIC),
		.samples = s->seq,
		.dropped = s->dropped,
		.late = s->late,
	};

	return EMIT(s, TEL_GOODBYE, &goodbye, sizeof(goodbye));
}

int tel_sampler_open(struct tel_sampler *s, const char *root, struct tel_sink sink)
{
	*s = (struct tel_sampler){.sink = sink};
	return procfs_open(&s->proc, root);
}

void tel_sampler_close(struct tel_sampler *s)
{
	procfs_close(&s->proc);
}
