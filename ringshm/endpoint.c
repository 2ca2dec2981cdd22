/* SPDX-License-Identifier: MIT */
/* The life of an endpoint: opening with its role's permissions, closing, and what fork() leaves of it. */
#include "config.h"

#include "internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* All endpoints of this process, so that a fork child can be cut off from them. */
static struct ringshm_endpoint *all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void before_fork(void)
{
	pthread_mutex_lock(&all_lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&all_lock);
}

/* In small pages: one word of them will be written, which is not to cost the child a huge page an endpoint. */
static bool put_zeros(void *address, uint64_t size)
{
	if (mmap(address, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED)
		return false;
	madvise(address, (size_t)size, MADV_NOHUGEPAGE); /* a wish: kernels without huge pages refuse it */
	return true;
}

/* The same addresses, but private zero pages: the child sees nothing there and changes nothing. */
static void replace(void *address, uint64_t size)
{
	if (address && !put_zeros(address, size))
		abort(); /* better no child than one that writes into its parent's rings */
}

/* Huge pages give way only in whole ones, and of segments only the kernel knows how large they are. */
static void replace_data(const struct ringshm_endpoint *e)
{
	const struct ringshm_area *area = &e->channel->data;

	if (!e->data || put_zeros(e->data, area->size))
		return;
	area->ops->unmap(area, e->data);
	replace(e->data, area->size);
}

static void cut_off(struct ringshm_endpoint *endpoint)
{
	const struct ringshm_header *header = &endpoint->channel->header;

	ringshm__close_fd(&endpoint->lock_fd);
	replace(endpoint->ctl, header->ctl_size);
	replace(endpoint->cons, header->cons_size);
	replace_data(endpoint);
	endpoint->ctl->state.word = RINGSHM_STATE_FORKED;
	endpoint->data->state.word = RINGSHM_STATE_FORKED;
	endpoint->forked = true;
}

static void after_fork_in_child(void)
{
	for (struct ringshm_endpoint *e = all; e; e = e->next)
		cut_off(e);
	pthread_mutex_unlock(&all_lock);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void enlist(struct ringshm_endpoint *endpoint)
{
	pthread_mutex_lock(&all_lock);
	endpoint->next = all;
	endpoint->link = &all;
	if (all)
		all->link = &endpoint->next;
	all = endpoint;
	pthread_mutex_unlock(&all_lock);
}

static void delist(struct ringshm_endpoint *endpoint)
{
	pthread_mutex_lock(&all_lock);
	if (endpoint->link) {
		*endpoint->link = endpoint->next;
		if (endpoint->next)
			endpoint->next->link = endpoint->link;
	}
	endpoint->link = NULL;
	pthread_mutex_unlock(&all_lock);
}

int ringshm__contradiction(const struct ringshm *channel)
{
	return ringshm__fail(EPROTO, "%s: its positions contradict each other, so a peer has damaged it; recreate it",
			     ringshm__title(channel));
}

static int check_request(const struct ringshm_endpoint_request *request)
{
	bool producing = request->role == RINGSHM_ROLE_PRODUCER;
	const struct ringshm *channel = request->channel;

	if (!request->user)
		return ringshm__fail(EINVAL, "open: no endpoint given");
	if (!channel)
		return ringshm__fail(EINVAL, "open an endpoint: no channel given");
	if (request->protocol != request->spoken || request->size != request->expected_size)
		return ringshm__fail(
			EPROTONOSUPPORT,
			"%s: the program was compiled for protocol %u of %s rings, and this library (%s) speaks %u; recompile it",
			ringshm__title(channel), request->protocol, ringshm_kind_name(request->kind), ringshm_version(),
			request->spoken);
	if (channel->header.kind != request->kind)
		return ringshm__fail(EPROTOTYPE, "%s: it is of kind %s, not %s", ringshm__title(channel),
				     ringshm_kind_name(channel->header.kind), ringshm_kind_name(request->kind));
	if (!(channel->access & (producing ? RINGSHM_PRODUCER : RINGSHM_CONSUMER)))
		return ringshm__fail(EACCES, "%s: the channel was not opened with %s", ringshm__title(channel),
				     producing ? "RINGSHM_PRODUCER" : "RINGSHM_CONSUMER");
	if (producing && channel->header.incompat & RINGSHM_F_KLANE)
		return ringshm__fail(EACCES, "%s: its producer is the kernel", ringshm__title(channel));
	return 0;
}

static int check_alive(const struct ringshm_endpoint_request *request)
{
	uint64_t state = ringshm_load_acquire(&request->channel->ctl->state.word);

	if (state & RINGSHM_STATE_BROKEN)
		return ringshm__fail(EPROTO, "%s: its memory was lost; recreate it", ringshm__title(request->channel));
	if (state & RINGSHM_STATE_SUPERSEDED)
		return ringshm__fail(ESTALE, "%s: it was unlinked or recreated; open it again",
				     ringshm__title(request->channel));
	if (state & RINGSHM_STATE_SHUTDOWN && request->role == RINGSHM_ROLE_PRODUCER)
		return ringshm__fail(ESHUTDOWN, "%s: it was shut down; recreate it", ringshm__title(request->channel));
	return 0;
}

/* Each file with the role's own permission, whatever more the channel handle may do. */
static int map_files(struct ringshm_endpoint *e)
{
	const struct ringshm *channel = e->channel;
	const struct ringshm_header *header = &channel->header;
	bool producing = e->role == RINGSHM_ROLE_PRODUCER, shared = ringshm__kind_shares_control(header);
	void *ctl = NULL, *cons = NULL, *data = NULL;
	int error = ringshm__map(channel->ctl_fd, header->ctl_size, producing || shared, "control", &ctl);

	if (!error)
		error = ringshm__map(channel->cons_fd, header->cons_size, !producing || shared, "control", &cons);
	if (!error)
		error = ringshm__area_attach(channel, producing || ringshm__kind_consumers_write_data(header), &data);
	e->ctl = (struct ringshm_ctl *)ctl;
	e->cons = (struct ringshm_cons *)cons;
	e->data = (struct ringshm_data *)data;
	return error;
}

static void find_lines(struct ringshm_endpoint *e)
{
	bool producing = e->role == RINGSHM_ROLE_PRODUCER;

	e->self = ringshm_participant_line(producing ? (void *)e->ctl : (void *)e->cons, e->id);
	e->own = producing ? &e->ctl->wake : &e->cons->wake;
	if (e->channel->header.incompat & RINGSHM_F_KLANE) /* the kernel sees nothing but data */
		e->own = &e->data->wake;
	e->other = producing ? &e->cons->wake : &e->ctl->wake;
}

static int take_seat(struct ringshm_endpoint *e, uint32_t id)
{
	uint32_t seats = e->channel->header.participants;

	if (id != RINGSHM_SEAT_ANY)
		return ringshm__seat_take(e, id);
	for (id = 0; id < seats; id++) {
		int error = ringshm__seat_take(e, id);

		if (error != -EBUSY)
			return error;
	}
	return ringshm__fail(EBUSY, "%s: all %u seats are taken; create it with more participants",
			     ringshm__title(e->channel), seats);
}

/* Where the kernel itself can tell who lives, it shall. Before the seat is signed. */
static int claim(struct ringshm_endpoint *e)
{
	const struct ringshm_area *area = &e->channel->data;
	bool writable = e->role == RINGSHM_ROLE_PRODUCER || ringshm__kind_consumers_write_data(&e->channel->header);

	return area->ops->claim ? area->ops->claim(area, e->data, writable, e->id) : 0;
}

static void unmap_files(struct ringshm_endpoint *e)
{
	const struct ringshm_header *header = &e->channel->header;

	if (e->ctl)
		munmap(e->ctl, (size_t)header->ctl_size);
	if (e->cons)
		munmap(e->cons, (size_t)header->cons_size);
	if (e->data)
		e->channel->data.ops->unmap(&e->channel->data, e->data);
}

static void endpoint_free(struct ringshm_endpoint *e)
{
	delist(e);
	ringshm__guard_forget(e);
	unmap_files(e);
	ringshm__close_fd(&e->lock_fd);
	ringshm__channel_put(e->channel);
	free(e);
}

/*
 * What could not be opened is as closed, so that closing it is harmless. Unless it is open: who opens twice is told
 * so, and keeps what he had.
 */
static void leave_closed(const struct ringshm_endpoint_request *request)
{
	const struct ringshm_endpoint *e;

	pthread_mutex_lock(&all_lock);
	for (e = all; e && e->user != request->user; e = e->next)
		;
	pthread_mutex_unlock(&all_lock);
	if (request->user && !e)
		memset(request->user, 0,
		       request->size < request->expected_size ? request->size : request->expected_size);
}

/*
 * Check, map, take the seat. The seat is not yet signed: the kind first sweeps what its former owner
 * left, then calls ringshm__seat_sign().
 */
static int open_endpoint(struct ringshm_endpoint **out, const struct ringshm_endpoint_request *request)
{
	struct ringshm_endpoint *e;
	int error = check_request(request);

	if (!error)
		error = check_alive(request);
	if (error)
		return error;
	e = (struct ringshm_endpoint *)calloc(1, sizeof(*e));
	if (!e)
		return ringshm__fail(ENOMEM, "%s: no memory for an endpoint", ringshm__title(request->channel));
	pthread_once(&fork_once, watch_forks);
	e->channel = ringshm__channel_get(request->channel);
	e->role = request->role;
	e->lock_fd = -1;
	error = map_files(e);
	if (!error)
		error = ringshm__guard_endpoint(e);
	if (!error) {
		enlist(e); /* before the lock is taken: no fork child may ever keep it */
		error = take_seat(e, request->id);
	}
	if (!error)
		error = claim(e);
	if (error) {
		endpoint_free(e);
		return error;
	}
	find_lines(e);
	e->user = request->user;
	*out = e;
	return 0;
}

int ringshm__endpoint_open(struct ringshm_endpoint **out, const struct ringshm_endpoint_request *request)
{
	int error = open_endpoint(out, request);

	if (error)
		leave_closed(request);
	return error;
}

void ringshm__endpoint_close(struct ringshm_endpoint *e)
{
	if (!e)
		return;
	if (!e->forked)
		ringshm__seat_leave(e);
	endpoint_free(e);
}
