// SPDX-License-Identifier: MIT
/* The two roles that a process of this program can have. */
#ifndef WORKERS_ROLES_H
#define WORKERS_ROLES_H

#include <stdint.h>

struct options {
	const char *work;   /* queue to work for */
	const char *submit; /* queue to create */
	const char *input;
	const char *output;
	uint32_t block;	   /* bytes */
	uint32_t level;	   /* of compression */
	uint32_t patience; /* seconds without a result */
	uint32_t careless; /* worker: drop every so manyth job; 0: none */
};

/* Each returns the exit status. */
int run_worker(const struct options *options);
int run_submitter(const struct options *options);

#endif
