/* SPDX-License-Identifier: MIT */
/* One thread waiting on many rings: a poller, and the descriptors it and epoll loops stand on. */
#ifndef RINGSHM_POLLER_H
#define RINGSHM_POLLER_H

/*
 * A poller watches consumers of spsc and token rings, thousands of them, and costs what the active ones cost:
 * rings with traffic are looked at directly, in turn; a ring that has been empty for a while is armed
 * instead, so that its next producer rings a bell, and is not looked at until then. Rings made without
 * RINGSHM_F_POLLFD have no bell: they work, but are looked at in every round and cost sleep (1 ms
 * ticks), so give rings that a poller shall watch that feature.
 *
 *   struct ringshm_event events[16];
 *   int n = ringshm_poller_wait(poller, events, 16, -1);
 *   for (int i = 0; i < n; i++)
 *           drain((struct my_ring *)events[i].user);
 *
 * Many-to-one is a poller over one spsc lane a producer: no producer ever touches another's lines, and
 * the death of one stops nobody (examples/manytoone).
 *
 * Threads. One thread at a time calls wait; it is the one that uses the member consumers. Any thread
 * may add and remove members at any time, also while it waits.
 */

#include <ringshm/ringshm.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default) /* the library is built with everything else hidden */

struct ringshm_poller;

/* What wait reports of a ring: that its base verbs have something to say (a message, or a status). */
struct ringshm_event {
	void *user;	/* as given to add */
	void *consumer; /* as given to add */
};

/* -EMFILE, -ENFILE, -ENOMEM: no descriptor or memory for one more. */
int ringshm_poller_create(struct ringshm_poller **poller);

/* No thread may be waiting. Its members stay open: they are their owner's. NULL is fine. */
void ringshm_poller_destroy(struct ringshm_poller *poller);

/*
 * Watch `consumer`, an open struct ringshm_<kind>_consumer of kind `kind` (RINGSHM_SPSC, ...). From now
 * on only the waiting thread may use it, until it is removed. Any thread. -EEXIST: it is watched
 * already; -EINVAL: no such kind.
 */
int ringshm_poller_add(struct ringshm_poller *poller, uint32_t kind, void *consumer, void *user);

/*
 * Stop watching. When it returns the poller has let go of the consumer (it waits for the looking thread
 * to finish its look, not its sleep), which may then be used or closed. Events already handed out are
 * the caller's concern. Any thread. -ENOENT: not watched here.
 */
int ringshm_poller_remove(struct ringshm_poller *poller, void *consumer);

/*
 * Wait until members have something to say, at most `timeout_ns` (relative, CLOCK_MONOTONIC; 0: look
 * once, -1: for ever). The number of events stored, 0 when time ran out, or -EINTR when a signal handler
 * ran while it slept. Fair: a member that is always ready is reported once a round, after all others
 * that are. Drain or not, as you like: what is left makes it ready again.
 */
int ringshm_poller_wait(struct ringshm_poller *poller, struct ringshm_event *events, int max, int64_t timeout_ns);

/* ---- one ring in somebody else's epoll loop --------------------------------------------------- */

/*
 * A descriptor that polls readable when the ring may have something, level-triggered until
 * acknowledged. It belongs to the endpoint and is good until its close. -EOPNOTSUPP: the channel was
 * made without RINGSHM_F_POLLFD.
 *
 * To sleep in epoll: arm; when that returns 1 there is something already, do not sleep; else wait; when
 * the descriptor is readable, acknowledge, then use the base verbs until they say "not now".
 */
int ringshm_spsc_consumer_fd(struct ringshm_spsc_consumer *consumer);
int ringshm_spsc_consumer_arm(struct ringshm_spsc_consumer *consumer);
int ringshm_spsc_consumer_ack(struct ringshm_spsc_consumer *consumer);

int ringshm_token_consumer_fd(struct ringshm_token_consumer *consumer);
int ringshm_token_consumer_arm(struct ringshm_token_consumer *consumer);
int ringshm_token_consumer_ack(struct ringshm_token_consumer *consumer);

/* The same for a producer that waits for `len` bytes of room. */
int ringshm_spsc_producer_fd(struct ringshm_spsc_producer *producer);
int ringshm_spsc_producer_arm(struct ringshm_spsc_producer *producer, uint32_t len);
int ringshm_spsc_producer_ack(struct ringshm_spsc_producer *producer);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
