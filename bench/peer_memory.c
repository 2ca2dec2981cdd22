// SPDX-License-Identifier: MIT
/* Shared memory for candidates that bring none of their own. */
#include <sys/mman.h>

#include "peer.h"

int peer_memory_create(struct peer_lane *lane, size_t size)
{
	lane->size = size;
	lane->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (lane->memory != MAP_FAILED)
		return 0;
	lane->memory = NULL;
	return -errno;
}

void peer_memory_destroy(struct peer_lane *lane)
{
	if (lane->memory)
		munmap(lane->memory, lane->size);
	lane->memory = NULL;
}

int peer_memory_open(struct peer_side *s, struct peer_lane *out, struct peer_lane *in)
{
	s->out = out ? out->memory : NULL;
	s->in = in ? in->memory : NULL;
	return 0;
}

void peer_memory_close(struct peer_side *s)
{
	s->out = s->in = NULL;
}
