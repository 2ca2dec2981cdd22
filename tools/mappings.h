/* SPDX-License-Identifier: MIT */
/* Who maps a channel, where, with which pages: asked of /proc. */
#ifndef RINGSHM_TOOLS_MAPPINGS_H
#define RINGSHM_TOOLS_MAPPINGS_H

#include <stdint.h>
#include <sys/types.h>

#define MAPPING_NODES 64

struct mapping {
	pid_t pid;
	const char *file; /* "ctl", "cons", "lock", "data" */
	uint64_t start;
	uint64_t end;
	char perms[8];	    /* "rw-s" */
	uint64_t page_size; /* bytes, the largest in it; 0: not known */
	uint64_t resident;  /* bytes that this process has in its page tables */
	uint64_t huge;	    /* of them by huge entries */
	int nodes_known;
	uint64_t node_bytes[MAPPING_NODES];
};

/*
 * Calls visit() for each mapping that another process has of the channel, process by process. *unseen: how
 * many processes did not let us look. EXIT_DONE, or a complaint was printed and the exit code is returned.
 */
int mappings_walk(const char *channel, void (*visit)(const struct mapping *mapping, void *context), void *context,
		  unsigned int *unseen);

#endif /* RINGSHM_TOOLS_MAPPINGS_H */
