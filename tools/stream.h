/* SPDX-License-Identifier: MIT */
/* What send and recv share: one end of a channel of any kind. */
#ifndef RINGSHM_TOOLS_STREAM_H
#define RINGSHM_TOOLS_STREAM_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include <ringshm/ringshm.h>

#define STREAM_SLICE_NS INT64_C(20000000) /* the longest sleep before looking round */

union stream_end {
	struct ringshm_spsc_producer spsc_producer;
	struct ringshm_spsc_consumer spsc_consumer;
	struct ringshm_token_producer token_producer;
	struct ringshm_token_consumer token_consumer;
	struct ringshm_mpmc_producer mpmc_producer;
	struct ringshm_mpmc_consumer mpmc_consumer;
};

/* What differs between the kinds. Functions return 0 or -errno; the waiting ones as the library's _wait forms. */
struct stream_kind {
	uint32_t kind;
	/*
	 * Consuming: show() goes on to the next message at each call and release() gives back. Messages are kept
	 * until they are written where that is free for others; else copied and given back at once.
	 */
	bool keeps;
	int (*producer_open)(union stream_end *end, struct ringshm *channel);
	void (*producer_close)(union stream_end *end);
	int (*send)(union stream_end *end, const void *buf, uint32_t len, int64_t timeout_ns);
	int (*consumer_open)(union stream_end *end, struct ringshm *channel);
	void (*consumer_close)(union stream_end *end);
	int (*show)(union stream_end *end, int64_t timeout_ns, const void **payload, uint32_t *len);
	void (*release)(union stream_end *end, uint32_t n);
};

struct stream {
	const char *verb; /* "send", for messages */
	const char *name;
	int64_t timeout_ns; /* longest wait; -1: for ever */
	bool wait;	    /* for the channel, and for a consumer */
	bool verbose;
	struct ringshm *channel;
	struct ringshm_info info; /* when it was opened */
	const struct stream_kind *kind;
	union stream_end end;
};

/* The options that both have, and their argument. 0, or ARGP_ERR_UNKNOWN. */
error_t stream_option(int key, char *arg, struct argp_state *state, struct stream *stream);

/*
 * Open the channel, waiting for it if that is wished, and find out its kind. EXIT_DONE, or a complaint
 * was printed and the exit code is returned; -EINTR: a signal came.
 */
int stream_open(struct stream *stream, unsigned int access);
void stream_close(struct stream *stream);

/* How much it was, with --verbose. */
void stream_sum_up(const struct stream *stream, uint64_t messages, uint64_t bytes);

/* Say why the channel or the end has stopped, `error` being a status of the end; the exit code. */
int stream_failure(const struct stream *stream, int error);

/* Live producers and consumers now. 0 or the library's error. */
int stream_look(const struct stream *stream, struct ringshm_info *info);

/* How long to sleep at most: what is left since `since`, a slice at the most; 0: time is up. */
int64_t stream_slice(const struct stream *stream, int64_t since);

#endif /* RINGSHM_TOOLS_STREAM_H */
