// SPDX-License-Identifier: MIT
/* ringshm ping over a pair of mpmc rings. */
#include "ping_loops.h"

static int shape(const struct ping_request *request, struct ringshm_config *config)
{
	config->slot_size = (uint32_t)floor_stride(request->size);
	if (config->slot_size < request->size + ringshm_mpmc_extra(config->slot_size, 8, config->features))
		config->slot_size += 64; /* too large to be compact, so it has a header too */
	config->capacity = 2;
	while (config->capacity * 2 * config->slot_size <= request->capacity)
		config->capacity *= 2;
	return 0;
}

PING__MESSAGES(mpmc)
PING__KIND(mpmc, RINGSHM_MPMC);
