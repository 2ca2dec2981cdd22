// SPDX-License-Identifier: MIT
// The reference model of an spsc ring: slow, single-threaded, and too simple to be wrong in the same way.
#include "spsc_model.h"

#include <string.h>

void model_init(struct model *m, uint64_t capacity, uint64_t start, uint32_t alignment, uint32_t overhead)
{
	memset(m, 0, sizeof(*m));
	m->capacity = capacity;
	m->start = start;
	m->alignment = alignment;
	m->overhead = overhead;
	m->max_payload = (uint32_t)(capacity / 2) - overhead;
}

static uint64_t size_of(const struct model *m, uint32_t length)
{
	uint64_t bytes = m->overhead + (uint64_t)length;

	while (bytes % m->alignment)
		bytes++;
	return bytes;
}

/* Bytes from the end of what is committed to the end of the ring; the start of time may stand anywhere in it. */
static uint64_t to_the_end(const struct model *m)
{
	return m->capacity - (m->start % m->capacity + m->tail) % m->capacity;
}

/* Bytes that the record takes, the pad before it included: records are not split. */
static uint64_t need_of(const struct model *m, uint32_t length)
{
	uint64_t size = size_of(m, length);

	return size > to_the_end(m) ? to_the_end(m) + size : size;
}

enum model_answer model_room(struct model *m, uint32_t length)
{
	uint64_t end = m->tail + need_of(m, length);

	if (length > m->max_payload)
		return MODEL_NO;
	if (end <= m->known + m->capacity)
		return MODEL_YES;
	model_flush(m); /* lest the ring be full of what nobody can see */
	if (m->known < m->credit)
		m->known = m->credit;
	if (end <= m->known + m->capacity)
		return MODEL_YES;
	return end <= m->head + m->capacity ? MODEL_PERHAPS : MODEL_NO;
}

void model_reserve(struct model *m, uint32_t length)
{
	m->open = true;
	m->open_at = m->tail + need_of(m, length) - size_of(m, length);
	m->open_length = length;
}

struct model_record *model_commit(struct model *m, uint32_t length)
{
	struct model_record *r = &m->record[(m->first + m->committed) % MODEL_RECORDS];

	if (!m->open)
		return NULL;
	m->open = false;
	memset(r, 0, sizeof(*r));
	r->length = length < m->open_length ? length : m->open_length;
	m->tail = r->end = m->open_at + size_of(m, r->length);
	m->committed++;
	return r;
}

void model_flush(struct model *m)
{
	m->visible = m->committed;
	m->published = m->tail;
}

const struct model_record *model_look(struct model *m, uint32_t n)
{
	if (n < m->visible)
		return &m->record[(m->first + n) % MODEL_RECORDS];
	m->credit = m->head;
	return NULL;
}

const struct model_record *model_peek(struct model *m)
{
	const struct model_record *r = model_look(m, 0);

	if (r && !m->shown)
		m->shown = 1;
	return r;
}

const struct model_record *model_peek_next(struct model *m)
{
	const struct model_record *r = model_look(m, m->shown);

	if (r)
		m->shown++;
	return r;
}

void model_release(struct model *m, uint32_t n)
{
	for (; n && m->shown; n--) {
		m->head = m->record[m->first % MODEL_RECORDS].end;
		m->first++;
		m->committed--;
		m->visible--;
		m->shown--;
	}
	if (m->head - m->credit >= m->capacity / 4) /* seldom, because the line moves between the cores */
		m->credit = m->head;
}
