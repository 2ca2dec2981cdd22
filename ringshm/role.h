/* SPDX-License-Identifier: MIT */
/* What endpoints of every kind do alike: open and take over, close, look and wait. */
#ifndef RINGSHM_ROLE_H
#define RINGSHM_ROLE_H

#include "internal.h"

/* A role of a kind; in the kind's file. `end`: its struct ringshm_<kind>_<role>. */
struct ringshm_role_ops {
	uint32_t kind;
	uint32_t role;
	uint32_t id;	   /* seat; RINGSHM_SEAT_ANY: the kind has many of this role */
	uint32_t protocol; /* that this library speaks */
	uint32_t size;	   /* of the struct */
	void (*fill)(void *end, struct ringshm_endpoint *e); /* into zeroes */
	/* Go on where the seat's former owner stopped; NULL: everybody takes part anew. */
	int (*resume)(void *end, const struct ringshm_endpoint *e);
};

int ringshm__role_open(void *end, struct ringshm *channel, uint32_t protocol, uint32_t size,
		       const struct ringshm_role_ops *ops);
/* Always 0. The kind has brought the ring in order before; `owner` NULL: closed already. */
int ringshm__role_close(void *end, void *owner, const struct ringshm_role_ops *ops);

static inline struct ringshm_endpoint *ringshm__owner(void *owner)
{
	return (struct ringshm_endpoint *)owner;
}

/* One producer: has it gone, in a channel whose consumers want to know? */
bool ringshm__has_ended(const struct ringshm_endpoint *consumer);

/* ---- looking until something is there ------------------------------------------------------- */

struct ringshm_search {
	void *end;
	struct ringshm_endpoint *endpoint;
	const int *status;		      /* of `end`: why there will never be anything */
	bool (*look)(void *end, void *found); /* something? then tell it in *found */
	void *found;
	void (*suspect)(void *end); /* nothing for long: is anybody dead? NULL: it would make no difference */
};

/* 0: found; else the status, -ETIMEDOUT, -EAGAIN or -EINTR. Inlined, so that the looks of a kind are, too. */
static inline __attribute__((always_inline)) int ringshm__search(const struct ringshm_search *s, int64_t timeout_ns)
{
	bool there = s->look(s->end, s->found), probe;
	struct ringshm_wait wait;
	int error = 0;

	if (there || *s->status)
		return there ? 0 : *s->status;
	ringshm__wait_begin(&wait, s->endpoint, timeout_ns);
	while (!there && !*s->status && !(error = ringshm__wait_step(&wait, &probe))) {
		if (probe && s->suspect)
			s->suspect(s->end);
		there = s->look(s->end, s->found);
	}
	ringshm__wait_end(&wait);
	if (there)
		return 0;
	return *s->status ? *s->status : error;
}

#endif
