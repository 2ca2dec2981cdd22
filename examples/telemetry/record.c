// SPDX-License-Identifier: MIT
/* record.c - check a record that another process wrote, and copy it out. */
#include "record.h"

#include <errno.h>
#include <string.h>

struct shape {
	uint16_t fixed; /* bytes that must be there */
	uint16_t tail;	/* bytes that may follow */
};

static const struct shape shapes[] = {
	[TEL_BEGIN] = {sizeof(struct tel_begin), 0},
	[TEL_CPU] = {offsetof(struct tel_cpu, ticks), TEL_TICKS * sizeof(uint64_t)},
	[TEL_KERNEL] = {sizeof(struct tel_kernel), 0},
	[TEL_SCHED] = {sizeof(struct tel_sched), 0},
	[TEL_PRESSURE] = {sizeof(struct tel_pressure), 0},
	[TEL_MEMORY] = {sizeof(struct tel_memory), 0},
	[TEL_PROCESS] = {sizeof(struct tel_process), TEL_NAME_MAX},
	[TEL_NOTE] = {sizeof(struct tel_note), TEL_NOTE_MAX},
	[TEL_END] = {sizeof(struct tel_end), 0},
	[TEL_GOODBYE] = {sizeof(struct tel_goodbye), 0},
};

size_t tel_cpu_size(const struct tel_cpu *cpu)
{
	return offsetof(struct tel_cpu, ticks) + cpu->columns * sizeof(cpu->ticks[0]);
}

/* The tail's length as the record itself states it: it must agree with the frame. */
static size_t stated_tail(const struct tel_record *r)
{
	switch (r->type) {
	case TEL_CPU:
		return r->cpu.columns * sizeof(r->cpu.ticks[0]);
	case TEL_PROCESS:
		return r->process.name_len;
	case TEL_NOTE:
		return r->note.text_len;
	default:
		return 0;
	}
}

static int indices_ok(const struct tel_record *r)
{
	switch (r->type) {
	case TEL_BEGIN:
		return r->begin.tick_hz && r->begin.page_size;
	case TEL_CPU:
		return r->cpu.columns <= TEL_TICKS;
	case TEL_PRESSURE:
		return r->pressure.resource < PSI_RESOURCES;
	default:
		return 1;
	}
}

int tel_record_decode(struct tel_record *out, unsigned int type, const void *payload, size_t len)
{
	const unsigned char *bytes = payload;
	const struct shape *shape;
	size_t tail;

	if (type >= sizeof(shapes) / sizeof(shapes[0]) || !shapes[type].fixed)
		return -ENOTSUP;
	shape = &shapes[type];
	if (len < shape->fixed || len - shape->fixed > shape->tail)
		return -EPROTO;

	out->type = type;
	memcpy(&out->head, bytes, shape->fixed);
	tail = len - shape->fixed;
	if (!indices_ok(out) || stated_tail(out) != tail)
		return -EPROTO;

	if (type == TEL_CPU) {
		memset(out->cpu.ticks, 0, sizeof(out->cpu.ticks));
		memcpy(out->cpu.ticks, bytes + shape->fixed, tail);
		tail = 0;
	}
	memcpy(out->text, bytes + shape->fixed, tail);
	out->text[tail] = '\0';
	return 0;
}
