/* SPDX-License-Identifier: MIT */
/* Seats: a write lock on one's own byte of the lock file says "alive"; nothing else does. */
#include "config.h"

#include "internal.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct flock one_byte(short type, uint32_t id)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = id, .l_len = 1};

	return lock;
}

static int busy(const struct ringshm_endpoint *endpoint, uint32_t id)
{
	const struct ringshm *channel = endpoint->channel;
	const void *file = endpoint->role == RINGSHM_ROLE_PRODUCER ? (void *)channel->ctl : (void *)channel->cons;
	const struct ringshm_participant *holder = ringshm_participant_line((void *)file, id);

	return ringshm__fail(EBUSY, "%s: its %s is alive (process %u); close that one first", ringshm__title(channel),
			     endpoint->role == RINGSHM_ROLE_PRODUCER ? "producer" : "consumer", holder->pid);
}

/*
 * Take seat `id`, on a description of the endpoint's own: the lock then lives exactly as long as that
 * description, which is never sent, never inherited by a fork child, and closed by the kernel when the
 * process is torn down.
 */
int ringshm__seat_take(struct ringshm_endpoint *endpoint, uint32_t id)
{
	struct flock lock = one_byte(F_WRLCK, id);

	if (endpoint->lock_fd < 0)
		endpoint->lock_fd = ringshm__reopen(endpoint->channel->lock_fd, true);
	if (endpoint->lock_fd < 0)
		return endpoint->lock_fd;
	if (fcntl(endpoint->lock_fd, F_OFD_SETLK, &lock)) {
		if (errno == EAGAIN || errno == EACCES)
			return busy(endpoint, id);
		return ringshm__fail(errno, "%s: lock seat %u: %s", ringshm__title(endpoint->channel), id,
				     ringshm__reason(errno));
	}
	endpoint->id = id;
	return 0;
}

/*
 * Is the seat's lock held, and its mapping there, if the backend knows? Each ends with its owner alone. Both are
 * asked: whoever may read a region can hold a seat of it, but no lock. Where the lock cannot be asked, nobody is
 * declared dead for it.
 */
bool ringshm__seat_alive(const struct ringshm *channel, uint32_t id)
{
	struct flock lock = one_byte(F_RDLCK, id);

	if (channel->data.ops->alive && !channel->data.ops->alive(&channel->data, id))
		return false;
	if (channel->lock_fd < 0 || fcntl(channel->lock_fd, F_OFD_GETLK, &lock))
		return true;
	return lock.l_type != F_UNLCK;
}

/* Somebody sat there, and sits there no more. */
bool ringshm__seat_gone(const struct ringshm *channel, uint32_t role, uint32_t id)
{
	void *file = role == RINGSHM_ROLE_PRODUCER ? (void *)channel->ctl : (void *)channel->cons;
	const struct ringshm_participant *line = ringshm_participant_line(file, id);

	if (__atomic_load_n(&line->state, __ATOMIC_ACQUIRE) == RINGSHM_SEAT_FREE) /* A8: pairs with R8 */
		return false;
	return !ringshm__seat_alive(channel, id);
}

/* Write who we are into our own line. Its former owner is dead or gone: we hold the lock. */
void ringshm__seat_sign(struct ringshm_endpoint *endpoint)
{
	struct ringshm_participant *self = endpoint->self;

	/* relaxed, all: until `state` is stored below nobody takes these for ours */
	ringshm_store_relaxed(&self->generation, ringshm_load_relaxed(&self->generation) + 1);
	ringshm_store_relaxed(&self->dropped, 0);
	ringshm_store_relaxed(&self->attached_ns, ringshm__now());
	self->role = endpoint->role;
	self->pid = (uint32_t)getpid();
	self->tid = (uint32_t)syscall(SYS_gettid);
	prctl(PR_GET_NAME, self->comm);
	__atomic_store_n(&self->state, RINGSHM_SEAT_ATTACHED, __ATOMIC_RELEASE); /* R8: pairs with A8 */
}

/* One-seat kinds: end what the former owner had announced, then put our name on the line. */
void ringshm__seat_settle(struct ringshm_endpoint *e, struct ringshm_count_line *count)
{
	/* relaxed: this side's only writer is whoever holds the seat */
	if (e->self->state == RINGSHM_SEAT_ATTACHED)
		ringshm_store_relaxed(&count->takeovers, ringshm_load_relaxed(&count->takeovers) + 1);
	/* relaxed: a waker that still sees the dead one's sleep wakes nobody */
	__atomic_store_n(&e->own->sleepers, 0, __ATOMIC_RELAXED);
	/* not the dead one's number, which the other side may have ended already */
	e->sleep_number = (uint32_t)ringshm__now();
	ringshm__seat_sign(e);
}

/*
 * Kinds with many seats: a seat number has a line on either side, and its former owner, of whichever
 * role, is gone. End what it had intended, so that nobody takes its intent for ours.
 */
void ringshm__seat_settle_any(struct ringshm_endpoint *e, struct ringshm_count_line *count)
{
	struct ringshm_participant *lines[] = {
		ringshm_participant_line(e->ctl, e->id),
		ringshm_participant_line(e->cons, e->id),
	};

	for (int i = 0; i < 2; i++) {
		ringshm_store_release(&lines[i]->intent, 0); /* R0 of mpmc: covers nothing */
		/* relaxed: its writer is gone */
		if (__atomic_load_n(&lines[i]->state, __ATOMIC_RELAXED) != RINGSHM_SEAT_ATTACHED)
			continue;
		ringshm_fetch_add_relaxed(&count->takeovers, 1); /* relaxed: a figure for people */
		__atomic_store_n(&lines[i]->state, RINGSHM_SEAT_CLOSED, __ATOMIC_RELEASE); /* R8: pairs with A8 */
	}
	ringshm__seat_sign(e);
}

/* Unlocked, not only closed: a child forked a moment ago may not have closed its copy yet. */
void ringshm__seat_leave(struct ringshm_endpoint *endpoint)
{
	struct flock unlock = one_byte(F_UNLCK, endpoint->id);

	__atomic_store_n(&endpoint->self->state, RINGSHM_SEAT_CLOSED, __ATOMIC_RELEASE); /* R8: pairs with A8 */
	fcntl(endpoint->lock_fd, F_OFD_SETLK, &unlock);
	ringshm__close_fd(&endpoint->lock_fd);
}
