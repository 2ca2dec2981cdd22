// SPDX-License-Identifier: MIT
/* parse.c - the text of /proc files into records; no I/O here. */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

const char *tel_next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end && end[1] ? end + 1 : NULL;
}

int tel_scan_u64(const char **text, uint64_t *value)
{
	const char *p = *text;
	uint64_t v = 0;

	while (*p == ' ' || *p == '\t')
		p++;
	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -EINVAL;
	}
	*text = p;
	*value = v;
	return 0;
}

static int scan_u32(const char **text, uint32_t *value)
{
	uint64_t wide;

	if (tel_scan_u64(text, &wide) || wide > UINT32_MAX)
		return -EINVAL;
	*value = (uint32_t)wide;
	return 0;
}

/* Signed fields (nice, tty_nr, ...) are passed over, not kept. */
static int skip_field(const char **text)
{
	const char *p = *text;

	while (*p == ' ' || *p == '\t')
		p++;
	if (!*p || *p == '\n')
		return -EINVAL;
	while (*p && *p != ' ' && *p != '\t' && *p != '\n')
		p++;
	*text = p;
	return 0;
}

/* Past @word and the blank that ends it, or NULL. */
static const char *after_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(line, word, len) || (line[len] != ' ' && line[len] != '\t'))
		return NULL;
	return line + len;
}

/* "cpu" (when @all allows it) or "cpuN", moved past. */
static int scan_cpu_label(const char **text, int all, uint32_t *cpu)
{
	const char *p = *text;

	if (strncmp(p, "cpu", 3))
		return -ENOENT;
	p += 3;
	*cpu = TEL_CPU_ALL;
	if (isdigit((unsigned char)*p) ? scan_u32(&p, cpu) || *cpu == TEL_CPU_ALL : !all)
		return -EINVAL;
	if (*p != ' ' && *p != '\t')
		return -EINVAL;
	*text = p;
	return 0;
}

int tel_parse_cpu_line(const char *line, struct tel_cpu *cpu)
{
	int err = scan_cpu_label(&line, 1, &cpu->cpu);

	if (err)
		return err;
	cpu->columns = 0;
	while (cpu->columns < TEL_TICKS && !tel_scan_u64(&line, &cpu->ticks[cpu->columns]))
		cpu->columns++;
	/* user, nice, system and idle are there since Linux 2.4 */
	return cpu->columns > TICK_IDLE ? 0 : -EINVAL;
}

int tel_parse_kernel_line(const char *line, struct tel_kernel *kernel)
{
	const struct {
		const char *word;
		uint64_t *wide;
		uint32_t *narrow;
		uint32_t bit;
	} fields[] = {
		{"intr", &kernel->intr, NULL, KERNEL_INTR},
		{"ctxt", &kernel->ctxt, NULL, KERNEL_CTXT},
		{"btime", &kernel->btime, NULL, KERNEL_BTIME},
		{"processes", &kernel->forks, NULL, KERNEL_FORKS},
		{"procs_running", NULL, &kernel->running, KERNEL_RUNNING},
		{"procs_blocked", NULL, &kernel->blocked, KERNEL_BLOCKED},
		{"softirq", &kernel->softirq, NULL, KERNEL_SOFTIRQ},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *p = after_word(line, fields[i].word);

		if (!p)
			continue;
		if (fields[i].wide ? tel_scan_u64(&p, fields[i].wide) : scan_u32(&p, fields[i].narrow))
			return -EINVAL;
		kernel->present |= fields[i].bit;
		return 0;
	}
	return 0;
}

int tel_parse_schedstat_version(const char *text)
{
	const char *p = after_word(text, "version");
	uint64_t version;

	if (!p || tel_scan_u64(&p, &version) || version > 1000000)
		return -EINVAL;
	return (int)version;
}

int tel_parse_schedstat_line(const char *line, struct tel_sched *sched)
{
	int err = scan_cpu_label(&line, 0, &sched->cpu);

	if (err)
		return err;
	for (int i = 0; i < 6; i++) { /* yield and wake-up counts */
		if (skip_field(&line))
			return -EINVAL;
	}
	if (tel_scan_u64(&line, &sched->run_ns) || tel_scan_u64(&line, &sched->wait_ns) ||
	    tel_scan_u64(&line, &sched->slices))
		return -EINVAL;
	return 0;
}

/* "12.34" into 1234. The kernel always prints two decimals. */
static int scan_centi(const char **text, uint32_t *centi)
{
	const char *p = *text;
	uint64_t whole;

	if (!isdigit((unsigned char)*p) || tel_scan_u64(&p, &whole) || whole > 100)
		return -EINVAL;
	if (p[0] != '.' || !isdigit((unsigned char)p[1]) || !isdigit((unsigned char)p[2]))
		return -EINVAL;
	*centi = (uint32_t)whole * 100 + (uint32_t)(p[1] - '0') * 10 + (uint32_t)(p[2] - '0');
	*text = p + 3;
	return 0;
}

/* Past " @key=" or NULL. */
static const char *after_key(const char *p, const char *key)
{
	size_t len = strlen(key);

	while (*p == ' ')
		p++;
	return !strncmp(p, key, len) && p[len] == '=' ? p + len + 1 : NULL;
}

static int parse_pressure_line(const char *p, struct tel_pressure *pressure, enum tel_stall stall)
{
	static const char *const windows[] = {"avg10", "avg60", "avg300"};

	for (int i = 0; i < PSI_WINDOWS; i++) {
		p = after_key(p, windows[i]);
		if (!p || scan_centi(&p, &pressure->centi[stall][i]))
			return -EINVAL;
	}
	p = after_key(p, "total");
	if (!p || !isdigit((unsigned char)*p) || tel_scan_u64(&p, &pressure->total_us[stall]))
		return -EINVAL;
	pressure->present |= 1u << stall;
	return 0;
}

int tel_parse_pressure(const char *text, struct tel_pressure *pressure)
{
	static const char *const stalls[] = {"some", "full"};

	pressure->present = 0;
	for (const char *line = text; line; line = tel_next_line(line)) {
		for (int i = 0; i < PSI_STALLS; i++) {
			const char *p = after_word(line, stalls[i]);

			if (p && parse_pressure_line(p, pressure, i))
				return -EINVAL;
		}
	}
	return pressure->present ? 0 : -EINVAL;
}

static const char *const mem_names[MEM_FIELDS] = {
	[MEM_TOTAL] = "MemTotal",
	[MEM_FREE] = "MemFree",
	[MEM_AVAILABLE] = "MemAvailable",
	[MEM_BUFFERS] = "Buffers",
	[MEM_CACHED] = "Cached",
	[MEM_SWAP_TOTAL] = "SwapTotal",
	[MEM_SWAP_FREE] = "SwapFree",
	[MEM_DIRTY] = "Dirty",
	[MEM_ANON] = "AnonPages",
	[MEM_SHMEM] = "Shmem",
	[MEM_SLAB] = "Slab",
	[MEM_HUGE_TOTAL] = "HugePages_Total",
	[MEM_HUGE_FREE] = "HugePages_Free",
};

static int parse_meminfo_line(const char *line, struct tel_memory *memory)
{
	size_t len = strcspn(line, ":\n");
	const char *p;

	if (line[len] != ':')
		return 0;
	for (int i = 0; i < MEM_FIELDS; i++) {
		if (strlen(mem_names[i]) != len || strncmp(line, mem_names[i], len))
			continue;
		p = line + len + 1;
		if (tel_scan_u64(&p, &memory->value[i]))
			return -EINVAL;
		memory->present |= 1u << i;
	}
	return 0;
}

int tel_parse_meminfo(const char *text, struct tel_memory *memory)
{
	memory->present = 0;
	for (const char *line = text; line; line = tel_next_line(line)) {
		if (parse_meminfo_line(line, memory))
			return -EINVAL;
	}
	return memory->present & (1u << MEM_TOTAL) ? 0 : -EINVAL;
}

/*
 * A name may hold anything but a zero byte: blanks, newlines, parentheses,
 * even ") R 1 2 3". No field after it can hold a parenthesis, so the last one
 * ends it.
 */
static const char *scan_name(const char *p, struct tel_process *process, char *name)
{
	const char *open = strchr(p, '('), *close = strrchr(p, ')');
	size_t len;

	if (!open || !close || close < open || close[1] != ' ')
		return NULL;
	len = (size_t)(close - open - 1);
	if (len > TEL_NAME_MAX)
		len = TEL_NAME_MAX;
	memcpy(name, open + 1, len);
	name[len] = '\0';
	process->name_len = (uint16_t)len;
	return close + 1;
}

/* Numbers of proc_pid_stat(5), counted from 4: what follows the state. */
static int parse_process_fields(const char *p, struct tel_process *process)
{
	uint64_t *const wide[] = {
		[10] = &process->minflt, [12] = &process->majflt, [14] = &process->utime,     [15] = &process->stime,
		[22] = &process->start,	 [23] = &process->vsize,  [24] = &process->rss_pages,
	};
	const size_t last = 39; /* processor */

	for (size_t field = 4; field <= last; field++) {
		int err;

		if (field == 4)
			err = scan_u32(&p, &process->ppid);
		else if (field == 20)
			err = scan_u32(&p, &process->threads);
		else if (field == 39)
			err = scan_u32(&p, &process->cpu);
		else if (field < ARRAY_SIZE(wide) && wide[field])
			err = tel_scan_u64(&p, wide[field]);
		else
			err = skip_field(&p);
		if (err)
			return -EINVAL;
	}
	return 0;
}

int tel_parse_process(const char *text, struct tel_process *process, char *name)
{
	const char *p = text;

	process->present = 0;
	if (scan_u32(&p, &process->pid) || p[0] != ' ' || p[1] != '(')
		return -EINVAL;
	p = scan_name(p, process, name);
	if (!p || !isalpha((unsigned char)p[1]) || p[2] != ' ')
		return -EINVAL;
	process->state = (uint8_t)p[1];
	return parse_process_fields(p + 2, process);
}

int tel_parse_process_sched(const char *text, struct tel_process *process)
{
	const char *p = text;

	if (tel_scan_u64(&p, &process->run_ns) || tel_scan_u64(&p, &process->wait_ns) ||
	    tel_scan_u64(&p, &process->slices))
		return -EINVAL;
	process->present |= PROCESS_SCHED;
	return 0;
}
