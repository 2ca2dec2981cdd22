/* SPDX-License-Identifier: MIT */
/* The poller: look at active rings in turn, sleep on the bells of idle ones. */
#include "config.h"

#include "internal.h"

#include <pthread.h>
#include <ringshm/poller.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <urcu/list.h>
#include <urcu/wfstack.h>

#include "rcu.h"

#define IDLE_LOOKS 64	  /* empty looks in a row after which a ring is armed */
#define TICK_NS 1000000	  /* sleep between rounds when a member has no bell */
#define PROBE_NS 10000000 /* between two looks at the lives of idle members' producers */
#define PROBES 64	  /* of them a time */
#define EVENTS 64	  /* taken from the kernel at a time */
#define SPIN_NS 50000

/*
 * A watched consumer. Born in add() and handed over through `arrivals`; from then on `active`, `looks`
 * and `armed` are the waiting thread's. remove() takes it out of `members`, sets `removed`, waits for a
 * grace period (the look) and hands it back through `leavers`; the waiting thread frees it.
 */
struct member {
	struct cds_list_head active; /* in poller->active or in poller->idle */
	struct member *next;	     /* poller->members, under poller->lock */
	struct cds_wfs_node passing; /* in arrivals, then in leavers */
	struct cds_wfs_node leaving;
	const struct ringshm_poll_ops *ops;
	void *consumer;
	struct ringshm_endpoint *endpoint;
	void *user;
	int bell_fd; /* or -errno: none */
	unsigned int looks;
	bool armed;
	int removed; /* set by remove(), read by the waiting thread inside a read section */
};

struct ringshm_poller {
	pthread_mutex_t lock; /* members; epoll changes by others */
	struct member *members;
	struct cds_wfs_stack arrivals;
	struct cds_wfs_stack leavers;
	int epoll_fd;
	int nudge_fd; /* eventfd: something arrived */
	/* the waiting thread's own */
	struct cds_list_head active;
	struct cds_list_head idle;
	unsigned int bare; /* active members without a bell */
	uint64_t probed_ns;
};

/* What a poller needs to know of a kind; in the kind's file. */
static const struct ringshm_poll_ops *ops_of(uint32_t kind)
{
	switch (kind) {
	case RINGSHM_SPSC:
		return &ringshm__poll_spsc;
	case RINGSHM_TOKEN:
		return &ringshm__poll_token;
	default:
		return NULL;
	}
}

static int watch(struct ringshm_poller *poller, int fd, void *tag)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};

	return epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int ringshm_poller_create(struct ringshm_poller **out)
{
	struct ringshm_poller *poller = out ? (struct ringshm_poller *)calloc(1, sizeof(*poller)) : NULL;

	if (!poller)
		return ringshm__fail(out ? ENOMEM : EINVAL, "create a poller: no %s", out ? "memory" : "place for it");
	ringshm__rcu_watch_forks();
	pthread_mutex_init(&poller->lock, NULL);
	cds_wfs_init(&poller->arrivals);
	cds_wfs_init(&poller->leavers);
	CDS_INIT_LIST_HEAD(&poller->active);
	CDS_INIT_LIST_HEAD(&poller->idle);
	poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	poller->nudge_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (poller->epoll_fd < 0 || poller->nudge_fd < 0 || watch(poller, poller->nudge_fd, NULL)) {
		int error = errno;

		ringshm_poller_destroy(poller);
		return ringshm__fail(error, "create a poller: %s", ringshm__reason(error));
	}
	*out = poller;
	return 0;
}

static void member_free(struct member *member)
{
	cds_list_del(&member->active);
	free(member);
}

/* Members that others handed over or took away meanwhile. The waiting thread's, or destroy's. */
static void take_changes(struct ringshm_poller *poller)
{
	struct cds_wfs_head *arrived = __cds_wfs_pop_all(&poller->arrivals);
	struct cds_wfs_head *left = __cds_wfs_pop_all(&poller->leavers);
	struct cds_wfs_node *node, *next;

	if (arrived)
		cds_wfs_for_each_blocking_safe(arrived, node, next)
		{
			struct member *member = caa_container_of(node, struct member, passing);

			cds_list_add_tail(&member->active, &poller->active);
			poller->bare += member->bell_fd < 0;
		}
	if (left)
		cds_wfs_for_each_blocking_safe(left, node, next)
		{
			struct member *member = caa_container_of(node, struct member, leaving);

			poller->bare -= member->bell_fd < 0;
			member_free(member);
		}
}

void ringshm_poller_destroy(struct ringshm_poller *poller)
{
	struct member *member, *next;

	if (!poller)
		return;
	take_changes(poller);
	take_changes(poller); /* one that left before it was seen to arrive */
	for (member = poller->members; member; member = next) {
		next = member->next;
		member_free(member);
	}
	ringshm__close_fd(&poller->epoll_fd);
	ringshm__close_fd(&poller->nudge_fd);
	pthread_mutex_destroy(&poller->lock);
	free(poller);
}

static void nudge(struct ringshm_poller *poller)
{
	ringshm__ring(poller->nudge_fd);
}

static struct member **find(struct ringshm_poller *poller, const void *consumer)
{
	struct member **link = &poller->members;

	while (*link && (*link)->consumer != consumer)
		link = &(*link)->next;
	return link;
}

static int enrol(struct ringshm_poller *poller, struct member *member)
{
	int error = 0;

	pthread_mutex_lock(&poller->lock);
	if (*find(poller, member->consumer))
		error = ringshm__fail(EEXIST, "watch a ring: this poller watches it already");
	else if (member->bell_fd >= 0)
		error = watch(poller, member->bell_fd, member);
	if (!error) {
		member->next = poller->members;
		poller->members = member;
	}
	pthread_mutex_unlock(&poller->lock);
	if (error && error != -EEXIST)
		return ringshm__fail(-error, "watch a ring: %s", ringshm__reason(-error));
	return error;
}

int ringshm_poller_add(struct ringshm_poller *poller, uint32_t kind, void *consumer, void *user)
{
	const struct ringshm_poll_ops *ops = ops_of(kind);
	struct member *member;
	int error;

	if (!poller || !consumer || !ops)
		return ringshm__fail(EINVAL, "watch a ring: kind %u cannot be watched, or nothing was given", kind);
	member = (struct member *)calloc(1, sizeof(*member));
	if (!member)
		return ringshm__fail(ENOMEM, "watch a ring: no memory");
	CDS_INIT_LIST_HEAD(&member->active);
	cds_wfs_node_init(&member->passing);
	cds_wfs_node_init(&member->leaving);
	member->ops = ops;
	member->consumer = consumer;
	member->user = user;
	member->endpoint = ops->endpoint(consumer);
	member->bell_fd = ringshm__bell_fd(member->endpoint);
	error = enrol(poller, member);
	if (error) {
		free(member);
		return error;
	}
	cds_wfs_push(&poller->arrivals, &member->passing);
	nudge(poller);
	return 0;
}

int ringshm_poller_remove(struct ringshm_poller *poller, void *consumer)
{
	struct member **link, *member;

	if (!poller)
		return ringshm__fail(EINVAL, "stop watching: no poller given");
	pthread_mutex_lock(&poller->lock);
	link = find(poller, consumer);
	member = *link;
	if (member) {
		*link = member->next;
		if (member->bell_fd >= 0)
			epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, member->bell_fd, NULL);
	}
	pthread_mutex_unlock(&poller->lock);
	if (!member)
		return ringshm__fail(ENOENT, "stop watching: this poller does not watch that ring");
	__atomic_store_n(&member->removed, 1, __ATOMIC_RELEASE); /* R9: pairs with A9 */
	ringshm__rcu_synchronize(); /* whoever did not see `removed` has finished its look */
	cds_wfs_push(&poller->leavers, &member->leaving);
	nudge(poller);
	return 0;
}

/* ---- the waiting thread ----------------------------------------------------------------------- */

static void settle(struct ringshm_poller *poller, struct member *member)
{
	member->armed = true;
	cds_list_del(&member->active);
	cds_list_add_tail(&member->active, &poller->idle);
}

/* One look at one ring, in a read section so that remove() can wait for its end. */
static bool look(struct ringshm_poller *poller, struct member *member)
{
	bool ready = false;

	ringshm__rcu_read_lock();
	if (!__atomic_load_n(&member->removed, __ATOMIC_ACQUIRE)) { /* A9: pairs with R9 */
		ready = member->ops->ready(member->consumer);
		if (ready)
			member->looks = 0;
		else if (++member->looks >= IDLE_LOOKS && member->bell_fd >= 0) {
			member->looks = 0;
			ringshm__bell_arm(member->endpoint);
			ready = member->ops->ready(member->consumer);
			if (ready)
				ringshm__bell_ack(member->endpoint);
			else
				settle(poller, member);
		}
	}
	ringshm__rcu_read_unlock();
	return ready;
}

/* One round over the active rings. Reported ones go to the end of the queue: that is the fairness. */
static int round_of_looks(struct ringshm_poller *poller, struct ringshm_event *events, int max)
{
	struct cds_list_head reported;
	struct member *member, *next;
	int count = 0;

	CDS_INIT_LIST_HEAD(&reported);
	cds_list_for_each_entry_safe(member, next, &poller->active, active) {
		if (count == max)
			break;
		if (!look(poller, member))
			continue;
		events[count].user = member->user;
		events[count++].consumer = member->consumer;
		cds_list_del(&member->active);
		cds_list_add_tail(&member->active, &reported);
	}
	while (!cds_list_empty(&reported)) {
		member = cds_list_first_entry(&reported, struct member, active);
		cds_list_del(&member->active);
		cds_list_add_tail(&member->active, &poller->active);
	}
	return count;
}

static void rouse(struct ringshm_poller *poller, struct member *member)
{
	ringshm__rcu_read_lock();
	if (!__atomic_load_n(&member->removed, __ATOMIC_ACQUIRE)) /* A9: pairs with R9 */
		ringshm__bell_ack(member->endpoint);
	ringshm__rcu_read_unlock();
	if (!member->armed)
		return;
	member->armed = false;
	cds_list_del(&member->active);
	cds_list_add_tail(&member->active, &poller->active);
}

/* Bells that rang. 0, or -EINTR. */
static int collect(struct ringshm_poller *poller, uint64_t sleep_ns)
{
	const struct timespec sleep = {.tv_sec = (time_t)(sleep_ns / 1000000000),
				       .tv_nsec = (long)(sleep_ns % 1000000000)};
	struct epoll_event rung[EVENTS];
	int count = epoll_pwait2(poller->epoll_fd, rung, EVENTS, &sleep, NULL);
	uint64_t ignored;

	if (count < 0)
		return errno == EINTR ? -EINTR : 0;
	for (int i = 0; i < count; i++) {
		if (rung[i].data.ptr)
			rouse(poller, (struct member *)rung[i].data.ptr);
		else if (read(poller->nudge_fd, &ignored, sizeof(ignored)) < 0)
			continue; /* somebody's nudge was taken together with another's */
	}
	return 0;
}

/* A dead producer rings no bell: ask after some idle members' now and then, in turn. */
static void probe(struct ringshm_poller *poller, uint64_t now)
{
	if (now - poller->probed_ns < PROBE_NS)
		return;
	poller->probed_ns = now;
	for (int i = 0; i < PROBES && !cds_list_empty(&poller->idle); i++) {
		struct member *member = cds_list_first_entry(&poller->idle, struct member, active);
		bool gone = false;

		ringshm__rcu_read_lock();
		if (!__atomic_load_n(&member->removed, __ATOMIC_ACQUIRE)) /* A9: pairs with R9 */
			gone = member->ops->ended(member->consumer);
		ringshm__rcu_read_unlock();
		cds_list_del(&member->active);
		cds_list_add_tail(&member->active, gone ? &poller->active : &poller->idle);
		member->armed = !gone;
	}
}

static uint64_t sleep_time(struct ringshm_poller *poller, int64_t timeout_ns, uint64_t waited)
{
	uint64_t left = timeout_ns < 0 ? UINT64_MAX : (uint64_t)timeout_ns > waited ? (uint64_t)timeout_ns - waited : 0;
	uint64_t most = PROBE_NS;

	if (!cds_list_empty(&poller->active)) /* rings with a bell are about to be armed: no sleep yet */
		most = poller->bare && waited > SPIN_NS ? TICK_NS : 0;
	return left < most ? left : most;
}

int ringshm_poller_wait(struct ringshm_poller *poller, struct ringshm_event *events, int max, int64_t timeout_ns)
{
	uint64_t started = 0, now;

	if (!poller || !events || max <= 0)
		return ringshm__fail(EINVAL, "poller wait: no poller or no room for events");
	for (bool first = true;; first = false) {
		int count, error;

		take_changes(poller);
		count = round_of_looks(poller, events, max);
		if (count)
			return count;
		now = ringshm__now();
		started = first ? now : started;
		if (timeout_ns >= 0 && !first && now - started >= (uint64_t)timeout_ns)
			return 0;
		probe(poller, now);
		error = collect(poller, sleep_time(poller, timeout_ns, now - started));
		if (error)
			return error;
	}
}
