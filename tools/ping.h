/* SPDX-License-Identifier: MIT */
/* What the files of `ringshm ping` share: the request, one side's state, the loops of a kind, the result. */
#ifndef RINGSHM_TOOLS_PING_H
#define RINGSHM_TOOLS_PING_H

#include <stdbool.h>
#include <stdint.h>

#include <ringshm/ringshm.h>

#include "../bench/histogram.h"
#include "../bench/pair.h"

#define PING_COUNT_MAX UINT64_C(1000000000)

struct ping_request {
	const struct ping_kind *kind;
	uint32_t size;	   /* of a message, bytes */
	uint64_t capacity; /* of each ring, bytes, whatever its kind counts in */
	uint64_t count;	   /* round trips timed one by one */
	struct pair_cpus cpus;
};

/* One of the two processes: the leader, which asks and measures, or the follower, which answers. */
struct ping_side {
	const struct ping_request *request;
	uint32_t size;
	uint32_t spins;	      /* looks before yielding */
	uint64_t deadline_ns; /* when to give up the sample at hand */
	uint64_t sequence;    /* round trips so far; stands in every message that has room for it */
	uint64_t *buf;	      /* the payload sent or received */
	union {
		struct {
			struct ringshm_spsc_producer out;
			struct ringshm_spsc_consumer in;
		} spsc;
		struct {
			struct ringshm_token_producer out;
			struct ringshm_token_consumer in;
		} token;
		struct {
			struct ringshm_mpmc_producer out;
			struct ringshm_mpmc_consumer in;
		} mpmc;
	} ends;
};

/* A kind of ring as ping uses it. All return 0 or -errno; -EBADMSG: what came back is not what was sent. */
struct ping_kind {
	const char *name;
	uint32_t kind; /* enum ringshm_kind */
	/* the channel's shape from the request's bytes; 0, or -EMSGSIZE: it cannot take such messages */
	int (*shape)(const struct ping_request *request, struct ringshm_config *config);
	int (*open)(struct ping_side *s, struct ringshm *out, struct ringshm *in);
	void (*close)(struct ping_side *s);
	/* n means over FLOOR_BATCH round trips each */
	int (*batches)(struct ping_side *s, unsigned int n, double *mean_ns);
	/* n round trips with a look at the clock after each */
	int (*singles)(struct ping_side *s, uint64_t n, struct histogram *h);
	/* answers n round trips */
	int (*echo)(struct ping_side *s, uint64_t n);
};

extern const struct ping_kind ping_mpmc;
extern const struct ping_kind ping_spsc;
extern const struct ping_kind ping_token;

/* What was found, in the class that most samples were of. */
struct ping_result {
	enum floor_class class_;
	unsigned int kept;    /* samples */
	unsigned int changed; /* samples left out because the class changed while they ran */
	unsigned int other;   /* samples left out because they were of another class */
	double floor_ns;
	double fresh_floor_ns;
	double batch_mean_ns;
	double ratio_f; /* medians of the ratios within each sample */
	double ratio_g;
	struct histogram *times;
};

/* Runs both processes and measures. An exit code; what went wrong has been said. Free with ping_result_free(). */
int ping_measure(const struct ping_request *request, struct ping_result *result);
void ping_result_free(struct ping_result *result);

#endif /* RINGSHM_TOOLS_PING_H */
