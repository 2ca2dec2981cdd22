/* SPDX-License-Identifier: MIT */
/* Placing memory on nodes: a thread's policy while it allocates, and the proof afterwards. */
#ifndef RINGSHM_NODE_H
#define RINGSHM_NODE_H

#include <stdint.h>

#define RINGSHM_NODES_MOST 1024 /* the largest CONFIG_NODES_SHIFT that distributions use */

/* The calling thread's memory policy before node_enter(). */
struct ringshm_node_policy {
	int changed;
	int mode;
	unsigned long mask[RINGSHM_NODES_MOST / (8 * sizeof(unsigned long))];
};

/*
 * Let what this thread allocates from here on come from *node (as config.node; RINGSHM_NODE_LOCAL is replaced by
 * the number that it means now). Refuses nodes that do not exist, have no memory, or are forbidden to this thread.
 */
int ringshm__node_enter(int32_t *node, const char *name, struct ringshm_node_policy *before);
void ringshm__node_leave(const struct ringshm_node_policy *before);

/*
 * With RINGSHM_NODE_INTERLEAVE: let each piece of `piece` bytes come from one node, in turn. For memory that is
 * allocated in small pages and then made into larger ones, which each take the node of most of their parts.
 */
void ringshm__node_deal(void *address, uint64_t size, uint64_t piece, int32_t node);

/* Bind mapped pages to `node` for good, move those that are elsewhere, and look where each one is. */
int ringshm__node_settle(void *address, uint64_t size, uint64_t page, int32_t node, const char *name);

/* Count bytes by node: bytes[0 .. nodes-1]; what is nowhere or not known goes to *unknown. */
void ringshm__node_count(void *address, uint64_t size, uint64_t page, uint64_t *bytes, unsigned int nodes,
			 uint64_t *unknown);

#endif
