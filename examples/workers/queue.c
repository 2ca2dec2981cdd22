// SPDX-License-Identifier: MIT
/* Creating, opening and removing the two rings of a job queue. */
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gzip.h"

#define NAME_SIZE 160
#define DEPTH 64	  /* parcels a ring */
#define SCHEMA 0x776f726b /* "work" */
#define OPEN_TRIES 1000	  /* 10 ms each */

void die(const char *what)
{
	fprintf(stderr, "workers: %s: %s\n", what, ringshm_last_error());
	exit(1);
}

static const char *ring_name(char text[NAME_SIZE], const char *queue, const char *ring)
{
	if (snprintf(text, NAME_SIZE, "%s.%s", queue, ring) >= NAME_SIZE) {
		fprintf(stderr, "workers: the name '%s' is too long for a queue; take a shorter one\n", queue);
		exit(1);
	}
	return text;
}

static struct ringshm *create(const char *name, uint32_t bytes)
{
	struct ringshm_config config;
	struct ringshm *channel;

	ringshm_config_init(&config, RINGSHM_MPMC);
	config.capacity = DEPTH;
	config.slot_size = (uint32_t)(sizeof(struct parcel) + bytes + 64) & ~UINT32_C(63);
	config.features = RINGSHM_F_BLOCK | RINGSHM_F_EOF;
	config.schema_id = SCHEMA;
	if (ringshm_create(&channel, name, &config))
		die("create a ring");
	return channel;
}

/* The jobs last: who finds them finds the results. */
void queue_create(struct queue *queue, const char *name, uint32_t block)
{
	char text[NAME_SIZE];

	queue->results = create(ring_name(text, name, "results"), gzip_bound(block));
	queue->jobs = create(ring_name(text, name, "jobs"), block);
}

static int open_ring(struct ringshm **channel, const char *name)
{
	struct ringshm_open_options options;

	ringshm_open_options_init(&options, RINGSHM_PRODUCER | RINGSHM_CONSUMER);
	options.kind = RINGSHM_MPMC;
	options.schema_id = SCHEMA;
	return ringshm_open_with(channel, name, &options);
}

void queue_open(struct queue *queue, const char *name)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	char text[NAME_SIZE];
	int error = open_ring(&queue->jobs, ring_name(text, name, "jobs"));

	for (int i = 0; error == -ENOENT && i < OPEN_TRIES; i++) {
		nanosleep(&pause, NULL);
		error = open_ring(&queue->jobs, text);
	}
	if (error || open_ring(&queue->results, ring_name(text, name, "results")))
		die("open the queue");
}

void queue_close(struct queue *queue)
{
	ringshm_close(queue->jobs);
	ringshm_close(queue->results);
}

void queue_remove(const char *name)
{
	char text[NAME_SIZE];

	ringshm_unlink(ring_name(text, name, "jobs"));
	ringshm_unlink(ring_name(text, name, "results"));
}
