// SPDX-License-Identifier: MIT
/* ringshm ping over a pair of spsc rings. */
#include "ping_loops.h"

static int shape(const struct ping_request *request, struct ringshm_config *config)
{
	config->capacity = request->capacity;
	return 0;
}

PING__MESSAGES(spsc)
PING__KIND(spsc, RINGSHM_SPSC);
