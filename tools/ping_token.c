// SPDX-License-Identifier: MIT
/* ringshm ping over a pair of token rings. */
#include "ping_loops.h"

static int shape(const struct ping_request *request, struct ringshm_config *config)
{
	config->capacity = request->capacity / sizeof(uint64_t);
	return request->size == sizeof(uint64_t) ? 0 : -EMSGSIZE;
}

PING__INLINE int send(struct ping_side *s)
{
	return ringshm_token_send(&s->ends.token.out, s->buf[0]);
}

PING__INLINE int receive(struct ping_side *s)
{
	return ringshm_token_recv(&s->ends.token.in, &s->buf[0]);
}

PING__KIND(token, RINGSHM_TOKEN);
