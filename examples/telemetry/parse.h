/* SPDX-License-Identifier: MIT */
/* parse.h - the text of /proc files into records; no I/O here. */
#ifndef TELEMETRY_PARSE_H
#define TELEMETRY_PARSE_H

#include "record.h"

/*
 * All text is terminated by a zero byte. Parsers fill everything but the
 * record's head. They return 0, or -EINVAL when the text is not what the
 * kernel prints; what the kernel may leave out is not an error but a missing
 * `present` bit. Unknown lines and further columns are passed over: kernels
 * only ever add.
 */

/* The line after @line, or NULL when @line is the last one. */
const char *tel_next_line(const char *line);

/* Unsigned decimal after blanks at *@text, moved past it. -EINVAL: none, or over 64 bits. */
int tel_scan_u64(const char **text, uint64_t *value);

/* "cpu ..." or "cpuN ..." of /proc/stat; -ENOENT when @line is another line. */
int tel_parse_cpu_line(const char *line, struct tel_cpu *cpu);

/* Any other line of /proc/stat: adds what it knows to @kernel. */
int tel_parse_kernel_line(const char *line, struct tel_kernel *kernel);

/* "version N" of /proc/schedstat: the number, or -EINVAL. */
int tel_parse_schedstat_version(const char *text);

/* "cpuN ..." of /proc/schedstat; -ENOENT when @line is another line. */
int tel_parse_schedstat_line(const char *line, struct tel_sched *sched);

/* A whole /proc/pressure file; the caller sets ->resource. */
int tel_parse_pressure(const char *text, struct tel_pressure *pressure);

/* The whole /proc/meminfo. */
int tel_parse_meminfo(const char *text, struct tel_memory *memory);

/* A whole /proc/PID/stat. @name holds TEL_NAME_MAX + 1 bytes. */
int tel_parse_process(const char *text, struct tel_process *process, char *name);

/* A whole /proc/PID/schedstat, added to @process. */
int tel_parse_process_sched(const char *text, struct tel_process *process);

#endif
