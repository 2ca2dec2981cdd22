/* SPDX-License-Identifier: MIT */
/* Opening and closing an endpoint, whatever its kind: the seat, the former owner's work, the books. */
#include "config.h"

#include "role.h"

static void settle(struct ringshm_endpoint *e)
{
	struct ringshm_count_line *count = e->role == RINGSHM_ROLE_PRODUCER ? &e->ctl->count : &e->cons->count;

	if (e->many) {
		ringshm__seat_settle_any(e, count);
		return;
	}
	if (e->role == RINGSHM_ROLE_PRODUCER) /* relaxed: a hint again */
		__atomic_fetch_and(&e->ctl->state.word, ~RINGSHM_STATE_EOF, __ATOMIC_RELAXED);
	ringshm__seat_settle(e, count);
}

int ringshm__role_open(void *end, struct ringshm *channel, uint32_t protocol, uint32_t size,
		       const struct ringshm_role_ops *ops)
{
	const struct ringshm_endpoint_request request = {
		.channel = channel,
		.user = end,
		.kind = ops->kind,
		.role = ops->role,
		.id = ops->id,
		.protocol = protocol,
		.spoken = ops->protocol,
		.size = size,
		.expected_size = ops->size,
	};
	struct ringshm_endpoint *e;
	int error = ringshm__endpoint_open(&e, &request);

	if (error)
		return error;
	e->many = ops->id == RINGSHM_SEAT_ANY;
	memset(end, 0, ops->size);
	ops->fill(end, e);
	error = ops->resume ? ops->resume(end, e) : 0;
	if (error) {
		ringshm__role_close(end, e, ops);
		return error;
	}
	settle(e);
	return 0;
}

int ringshm__role_close(void *end, void *owner, const struct ringshm_role_ops *ops)
{
	if (!owner)
		return 0;
	ringshm__endpoint_close(ringshm__owner(owner));
	memset(end, 0, ops->size);
	return 0;
}

bool ringshm__has_ended(const struct ringshm_endpoint *e)
{
	if (!(e->channel->header.incompat & RINGSHM_F_EOF) || e->forked)
		return false;
	return ringshm__seat_gone(e->channel, RINGSHM_ROLE_PRODUCER, RINGSHM_SEAT_PRODUCER);
}
