/* SPDX-License-Identifier: MIT */
/* What the harness asks of a candidate: ours, somebody else's, or bare memory. One file each. */
#ifndef RINGSHM_BENCH_PEER_H
#define RINGSHM_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "floor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PEER_BULK 32u	 /* messages a publish, of candidates that publish several at once */
#define PEER_TABLE 64u	 /* messages to send, in turn */
#define PEER_LARGE 4096u /* bytes: from here on one message is sent again and again */

/* The shape of a case, the same for all its candidates. */
struct peer_shape {
	uint32_t size;	/* of a message, bytes; a multiple of 8, at least 8 */
	uint32_t slots; /* of rings of slots; a power of two */
	uint64_t bytes; /* of rings of bytes; a power of two */
};

/* One direction, made before there is a second process. */
struct peer_lane {
	void *memory; /* shared between processes */
	size_t size;
	int fd[2];
	void *handle;
};

/* One of the two sides of a candidate: private to a process or thread. */
struct peer_side {
	const struct peer_shape *shape;
	uint32_t size;
	uint32_t spins; /* looks before yielding */
	uint64_t deadline_ns;
	uint64_t sent; /* messages so far */
	uint64_t received;
	uint64_t sum;	 /* crowds: of the first and the last word of each message received */
	uint64_t *buf;	 /* where messages are received; room for a bulk of them */
	uint64_t *table; /* messages to send, in turn; each begins with its place in the table */
	uint32_t mask;	 /* messages in the table, less one */
	void *out;	 /* where to send, of the candidate's own making */
	void *in;
};

/* A burst of a crowd, in shared memory; nobody writes to it while it lasts but who ends it. */
struct peer_burst {
	uint64_t end_ns;     /* on CLOCK_MONOTONIC */
	uint64_t most;	     /* messages that each consumer may take */
	uint32_t spins;	     /* looks before yielding */
	uint64_t stopped_ns; /* by who saw first that it is over; 0: it goes on */
} __attribute__((aligned(128)));

/*
 * What a candidate for many producers and many consumers does: move messages until the burst is over.
 * Both leave in sent and received how many there were, and consume() adds what stood in them to `sum`.
 */
struct peer_crowd {
	bool fifo; /* one order of all messages for all: the yardstick of the strict ones */
	int (*produce)(struct peer_side *s, struct peer_burst *burst);
	int (*consume)(struct peer_side *s, struct peer_burst *burst);
};

/*
 * A candidate. All do the same work: each message is written from the table into the ring and read from
 * there into the receiver's `buf`, where the number in its first word is checked. Functions return 0 or
 * -errno; -EBADMSG: a wrong number, -ETIMEDOUT: the deadline has passed.
 *
 * The sender stores nothing but what the ring makes it store: a store to memory of its own between two
 * lines of the ring breaks the run in which these are taken from the other core, and a message numbered
 * just before it is copied stalls the copy until all lines before it have come. Both were seen to double
 * the figures of some candidates and not of others.
 */
struct peer {
	const char *name;
	const char *absent; /* why it is not here, and what to install; NULL: it is here */
	unsigned int batch; /* messages made visible at a time */
	bool ours;
	bool bare;    /* no ring, but what memory itself can do */
	bool threads; /* its memory cannot be shared between processes */
	/* why it cannot do this shape; NULL: it can */
	const char *(*cannot)(const struct peer_shape *shape); /* or NULL: it can do all */
	int (*create)(struct peer_lane *lane, const struct peer_shape *shape);
	void (*destroy)(struct peer_lane *lane);
	/* either lane may be NULL: that direction is not wanted */
	int (*open)(struct peer_side *s, struct peer_lane *out, struct peer_lane *in);
	void (*close)(struct peer_side *s);
	int (*produce)(struct peer_side *s, uint64_t n); /* n: a multiple of PEER_BULK */
	int (*consume)(struct peer_side *s, uint64_t n);
	int (*ask)(struct peer_side *s, unsigned int batches, double *mean_ns); /* NULL: one way only */
	int (*answer)(struct peer_side *s, uint64_t n);
	const struct peer_crowd *crowd; /* many to many; produce and consume, ask and answer are not asked for then */
};

extern const struct peer peer_boost;
extern const struct peer peer_ck;
extern const struct peer peer_dpdk;
extern const struct peer peer_dpdk_bulk;
extern const struct peer peer_memcpy;
extern const struct peer peer_moodycamel;
extern const struct peer peer_pipe;
extern const struct peer peer_spsc;
extern const struct peer peer_spsc_bulk;
extern const struct peer peer_spsc_mixed;
extern const struct peer peer_stream;
extern const struct peer peer_token;
extern const struct peer peer_token_mixed;
extern const struct peer peer_unix;

/* For crowds. */
extern const struct peer peer_boost_queue;
extern const struct peer peer_ck_mpmc;
extern const struct peer peer_concurrentqueue;
extern const struct peer peer_concurrentqueue_bulk;
extern const struct peer peer_concurrentqueue_tokens;
extern const struct peer peer_dpdk_hts;
extern const struct peer peer_dpdk_hts_bulk;
extern const struct peer peer_dpdk_mpmc;
extern const struct peer peer_dpdk_mpmc_bulk;
extern const struct peer peer_dpdk_rts;
extern const struct peer peer_dpdk_rts_bulk;
extern const struct peer peer_mpmc;
extern const struct peer peer_mpmc_bulk;
extern const struct peer peer_mpmc_there;
extern const struct peer peer_mpmc_waiting;
extern const struct peer peer_tbb;

/* Shared memory for a lane, zeroed and populated; and back. What most candidates need. */
int peer_memory_create(struct peer_lane *lane, size_t size);
void peer_memory_destroy(struct peer_lane *lane);
int peer_memory_open(struct peer_side *s, struct peer_lane *out,
		     struct peer_lane *in); /* each end is the memory itself */
void peer_memory_close(struct peer_side *s);

#ifdef __cplusplus
}
#endif

#endif /* RINGSHM_BENCH_PEER_H */
