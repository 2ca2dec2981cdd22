/* SPDX-License-Identifier: MIT */
/* Finding the ring: by name, or over a socket from whoever started the program. */
#ifndef MD_RING_H
#define MD_RING_H

#include <ringshm/ringshm.h>
#include <stdbool.h>

struct ring_options {
	const char *name;
	int socket;	     /* descriptor that the ring comes over, or -1: by name */
	uint64_t capacity;   /* bytes, for the one who creates it */
	unsigned int wait_s; /* how long to wait for the other side */
};

/* The configuration of a ring of market-data messages. */
void ring_config(struct ringshm_config *config, uint64_t capacity);

/*
 * The producer's side: create the ring, in the place of one that a dead feed
 * left behind, and take the producer's role.  0, or -1 after a message.
 */
int ring_produce(struct ringshm **channel, struct ringshm_spsc_producer *producer, const struct ring_options *opt);

/* Wait until somebody reads.  False after a message, or when told to stop. */
bool ring_wait_reader(struct ringshm *channel, const struct ring_options *opt);

/* The consumer's side: wait for a ring with a living producer and take the consumer's role. */
int ring_consume(struct ringshm **channel, struct ringshm_spsc_consumer *consumer, const struct ring_options *opt);

#endif
