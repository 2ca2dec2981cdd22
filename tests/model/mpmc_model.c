// SPDX-License-Identifier: MIT
// The reference model of the mpmc ring: no words, no masks, no laps.
#include "mpmc_model.h"

#include <string.h>

void model_init(struct model *m, uint64_t capacity)
{
	memset(m, 0, sizeof(*m));
	m->capacity = capacity;
}

static bool is_free(const struct model *m, uint64_t position)
{
	return position < m->capacity || m->slot[position - m->capacity].state == MODEL_RELEASED;
}

static void cross(struct model *m, uint64_t position, uint64_t *marked, uint64_t *lost)
{
	if (!m->mark[position])
		return;
	m->mark[position] = false;
	--*marked;
	++*lost;
}

/* A free slot that a dead reader left is claimed alone when it comes first, and ends a batch when not. */
uint32_t model_reserve(struct model *m, int owner, uint32_t n, uint64_t *first)
{
	uint32_t got = 0;

	*first = m->tail;
	while (got < n && is_free(m, m->tail)) {
		bool marked = m->mark[m->tail];

		if (marked && got)
			break;
		cross(m, m->tail, &m->marked_c, &m->lost_c);
		m->slot[m->tail].state = MODEL_RESERVED;
		m->slot[m->tail++].owner = owner;
		got++;
		if (marked)
			break;
	}
	return got;
}

void model_commit(struct model *m, uint64_t position, const struct model_slot *what)
{
	m->slot[position] = *what;
	m->slot[position].state = MODEL_MESSAGE;
	m->slot[position].owner = MODEL_NOBODY;
}

void model_discard(struct model *m, uint64_t position)
{
	m->slot[position].state = MODEL_HOLE;
	m->slot[position].owner = MODEL_NOBODY;
}

static bool pass_hole(struct model *m)
{
	if (m->head == m->tail || m->slot[m->head].state != MODEL_HOLE)
		return false;
	cross(m, m->head, &m->marked_p, &m->lost_p);
	m->slot[m->head++].state = MODEL_RELEASED;
	return true;
}

uint32_t model_take(struct model *m, int owner, uint32_t n, uint64_t *first, uint32_t *held)
{
	uint32_t got = 0;

	if (*held && m->head != *first + *held)
		return 0;
	while (pass_hole(m))
		*held += *held > 0;
	if (!*held)
		*first = m->head;
	while (got < n && m->head != m->tail && m->slot[m->head].state == MODEL_MESSAGE) {
		m->slot[m->head].state = MODEL_TAKEN;
		m->slot[m->head++].owner = owner;
		got++;
	}
	*held += got;
	return got;
}

uint32_t model_run(const struct model *m, uint32_t length, uint32_t n)
{
	uint32_t got = 0;

	while (got < n && m->head + got != m->tail && m->slot[m->head + got].state == MODEL_MESSAGE &&
	       m->slot[m->head + got].length == length)
		got++;
	return got;
}

void model_release(struct model *m, uint64_t position)
{
	m->slot[position].state = MODEL_RELEASED;
	m->slot[position].owner = MODEL_NOBODY;
}

static void repair_side(struct model *m, uint64_t end, enum model_state unfinished)
{
	uint64_t position = end > m->capacity ? end - m->capacity : 0;

	for (; position != end; position++) {
		struct model_slot *slot = &m->slot[position];

		if (slot->state != unfinished)
			continue;
		if (slot->owner != MODEL_DEAD)
			return;
		slot->owner = MODEL_NOBODY;
		if (unfinished == MODEL_RESERVED) {
			slot->state = MODEL_HOLE;
			m->mark[position] = true;
			m->marked_p++;
		} else {
			slot->state = MODEL_RELEASED;
			m->mark[position + m->capacity] = true;
			m->marked_c++;
		}
	}
}

void model_repair(struct model *m)
{
	repair_side(m, m->tail, MODEL_RESERVED);
	repair_side(m, m->head, MODEL_TAKEN);
}
