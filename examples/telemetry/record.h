/* SPDX-License-Identifier: MIT */
/* record.h - what a telemetry record looks like in the ring, and how a reader checks one. */
#ifndef TELEMETRY_RECORD_H
#define TELEMETRY_RECORD_H

#include <stddef.h>
#include <stdint.h>

/*
 * One sample is a run of records with the same sequence number: TEL_BEGIN,
 * whatever was readable, TEL_END. Every record says when its file was read,
 * so a sample that lost some of its records to a full ring still gives right
 * rates for those that arrived. Integers are in host order: a ring never
 * leaves its machine.
 */

#define TEL_SCHEMA_ID UINT32_C(0x54454c31) /* "TEL1" */
#define TEL_SCHEMA_VERSION 1

#define TEL_CPU_ALL UINT32_MAX /* the line that sums all CPUs */
#define TEL_TICKS 10	       /* columns of a cpu line in /proc/stat */
#define TEL_NAME_MAX 64	       /* the kernel prints at most 63 bytes */
#define TEL_NOTE_MAX 240

enum tel_type {
	TEL_BEGIN = 1,
	TEL_CPU,
	TEL_KERNEL,
	TEL_SCHED,
	TEL_PRESSURE,
	TEL_MEMORY,
	TEL_PROCESS,
	TEL_NOTE,
	TEL_END,
	TEL_GOODBYE, /* the sampler ends of its own will */
};

/* The columns of a cpu line, in the kernel's order. */
enum tel_tick {
	TICK_USER,
	TICK_NICE,
	TICK_SYSTEM,
	TICK_IDLE,
	TICK_IOWAIT,
	TICK_IRQ,
	TICK_SOFTIRQ,
	TICK_STEAL,
	TICK_GUEST,
	TICK_GUEST_NICE,
};

enum tel_resource {
	PSI_CPU,
	PSI_IO,
	PSI_MEMORY,
	PSI_IRQ,
	PSI_RESOURCES
};
enum tel_stall {
	PSI_SOME,
	PSI_FULL,
	PSI_STALLS
};
enum tel_window {
	PSI_AVG10,
	PSI_AVG60,
	PSI_AVG300,
	PSI_WINDOWS
};

enum tel_mem {
	MEM_TOTAL,
	MEM_FREE,
	MEM_AVAILABLE,
	MEM_BUFFERS,
	MEM_CACHED,
	MEM_SWAP_TOTAL,
	MEM_SWAP_FREE,
	MEM_DIRTY,
	MEM_ANON,
	MEM_SHMEM,
	MEM_SLAB,
	MEM_HUGE_TOTAL, /* pages, not KiB */
	MEM_HUGE_FREE,	/* pages, not KiB */
	MEM_FIELDS,
};

/* Bits of tel_kernel.present. */
#define KERNEL_CTXT (1u << 0)
#define KERNEL_INTR (1u << 1)
#define KERNEL_SOFTIRQ (1u << 2)
#define KERNEL_FORKS (1u << 3)
#define KERNEL_RUNNING (1u << 4)
#define KERNEL_BLOCKED (1u << 5)
#define KERNEL_BTIME (1u << 6)

/* Bits of tel_process.present. */
#define PROCESS_SCHED (1u << 0) /* run_ns, wait_ns and slices were readable */

struct tel_head {
	uint64_t seq;
	uint64_t mono_ns; /* CLOCK_MONOTONIC when the source was read */
};

struct tel_begin {
	struct tel_head head;
	uint64_t real_ns;
	uint64_t interval_ns;
	uint32_t tick_hz;   /* unit of every tick count */
	uint32_t page_size; /* unit of tel_process.rss_pages */
	uint32_t sampler_pid;
	uint32_t reserved;
};

/* Only the first @columns ticks are sent: old kernels print fewer. */
struct tel_cpu {
	struct tel_head head;
	uint32_t cpu;
	uint32_t columns;
	uint64_t ticks[TEL_TICKS];
};

struct tel_kernel {
	struct tel_head head;
	uint64_t ctxt;
	uint64_t intr;
	uint64_t softirq;
	uint64_t forks;
	uint64_t btime; /* seconds since the epoch */
	uint32_t running;
	uint32_t blocked;
	uint32_t present;
	uint32_t reserved;
};

struct tel_sched {
	struct tel_head head;
	uint64_t run_ns;
	uint64_t wait_ns; /* runnable, but not running */
	uint64_t slices;
	uint32_t cpu;
	uint32_t reserved;
};

struct tel_pressure {
	struct tel_head head;
	uint64_t total_us[PSI_STALLS];
	uint32_t centi[PSI_STALLS][PSI_WINDOWS]; /* 1/100 of a percent */
	uint32_t resource;
	uint32_t present; /* bit by enum tel_stall */
};

struct tel_memory {
	struct tel_head head;
	uint64_t value[MEM_FIELDS]; /* KiB, but for the huge page counts */
	uint32_t present;	    /* bit by enum tel_mem */
	uint32_t reserved;
};

/* The name follows, without a terminating zero. */
struct tel_process {
	struct tel_head head;
	uint64_t start; /* ticks after boot; with pid, names a process for good */
	uint64_t utime;
	uint64_t stime;
	uint64_t minflt;
	uint64_t majflt;
	uint64_t vsize; /* bytes */
	uint64_t rss_pages;
	uint64_t run_ns;  /* of the first thread */
	uint64_t wait_ns; /* of the first thread */
	uint64_t slices;  /* of the first thread */
	uint32_t pid;
	uint32_t ppid;
	uint32_t threads;
	uint32_t cpu;
	uint32_t present;
	uint16_t name_len;
	uint8_t state;
	uint8_t reserved;
};

/* The text follows, without a terminating zero. */
struct tel_note {
	struct tel_head head;
	uint32_t text_len;
	uint32_t reserved;
};

struct tel_end {
	struct tel_head head;
	uint64_t dropped; /* records lost to a full ring since the start */
	uint64_t late;	  /* samples left out because the last one took too long */
	uint64_t collect_ns;
	uint32_t records; /* of this sample, sent or dropped, without this one */
	uint32_t processes;
	uint32_t vanished; /* listed in /proc, gone when read */
	uint32_t denied;   /* listed in /proc, not ours to read */
};

struct tel_goodbye {
	struct tel_head head;
	uint64_t samples;
	uint64_t dropped;
	uint64_t late;
};

/* A record checked and copied out of the ring, strings terminated. */
struct tel_record {
	unsigned int type;
	union {
		struct tel_head head;
		struct tel_begin begin;
		struct tel_cpu cpu;
		struct tel_kernel kernel;
		struct tel_sched sched;
		struct tel_pressure pressure;
		struct tel_memory memory;
		struct tel_process process;
		struct tel_note note;
		struct tel_end end;
		struct tel_goodbye goodbye;
	};
	char text[TEL_NOTE_MAX + 1]; /* name or note */
};

/*
 * Copy the @len bytes at @payload, once, into @out and check every field that
 * is later used as a length or an index. Returns 0, -ENOTSUP for a type that
 * this reader does not know (skip it), -EPROTO for a record that is not what
 * its type says.
 */
int tel_record_decode(struct tel_record *out, unsigned int type, const void *payload, size_t len);

/* The bytes of @cpu that are sent: the columns that the kernel printed. */
size_t tel_cpu_size(const struct tel_cpu *cpu);

#endif
