/* SPDX-License-Identifier: MIT */
/* Bells: descriptors that become readable when a ring may have something, for those who sleep in poll. */
#include "config.h"

#include "internal.h"

#include <fcntl.h>
#include <ringshm/poller.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads an acknowledgement: what a FIFO holds. Of a larger one, or one that is filled for ever, the rest rings again. */
#define DRAINS_MOST 17

static const char *const bell_file[RINGSHM_BELLS] = {"wake-producers", "wake-consumers"};

/* A FIFO opened both ways never ends and never blocks its opener; an eventfd has no name to find it by. */
static int make_bell(int dir, const char *file, const char *name)
{
	int fd;

	if (dir < 0)
		fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	else if (mkfifoat(dir, file, 0600))
		fd = -1;
	else
		fd = openat(dir, file, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return ringshm__fail(errno, "create %s: bell '%s': %s", name, file, ringshm__reason(errno));
	return fd;
}

int ringshm__bells_make(struct ringshm *channel, int dir, const char *name)
{
	if (!(channel->header.incompat & RINGSHM_F_POLLFD))
		return 0;
	for (unsigned int i = 0; i < RINGSHM_BELLS; i++) {
		channel->bell_fd[i] = make_bell(dir, bell_file[i], name);
		if (channel->bell_fd[i] < 0)
			return channel->bell_fd[i];
	}
	return 0;
}

static int open_bell(int dir, const char *file, const char *name)
{
	int fd = openat(dir, file, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat status;

	if (fd < 0)
		return ringshm__fail(errno == ENOENT ? EPROTO : errno, "open %s: bell '%s': %s", name, file,
				     ringshm__reason(errno));
	if (fstat(fd, &status) || !S_ISFIFO(status.st_mode)) {
		close(fd);
		return ringshm__fail(EPROTO, "open %s: '%s' is not a FIFO; run: ringshm rm %s", name, file, name);
	}
	return fd;
}

int ringshm__bells_open(struct ringshm *channel, int dir)
{
	if (!(channel->header.incompat & RINGSHM_F_POLLFD) ||
	    !(channel->access & (RINGSHM_PRODUCER | RINGSHM_CONSUMER)))
		return 0;
	for (unsigned int i = 0; i < RINGSHM_BELLS; i++) {
		channel->bell_fd[i] = open_bell(dir, bell_file[i], channel->name);
		if (channel->bell_fd[i] < 0)
			return channel->bell_fd[i];
	}
	return 0;
}

/* The kernel has no type for it, only a name. */
static bool is_eventfd(int fd)
{
	static const char is[] = "anon_inode:[eventfd]";
	char path[40], found[sizeof(is)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, found, sizeof(found)) == (ssize_t)sizeof(is) - 1 && !memcmp(found, is, sizeof(is) - 1);
}

/*
 * Take a bell that a stranger sent. A pipe's writing end would kill us by SIGPIPE once the other one is closed, a
 * description that blocks would hold us: a FIFO is opened again where that is allowed, so that nobody else has our
 * description, and what cannot be is made not to block.
 */
int ringshm__bell_adopt(int *fd)
{
	struct stat status;
	bool fifo = !fstat(*fd, &status) && S_ISFIFO(status.st_mode);
	char path[40];
	int own = -1;

	if ((!fifo && !is_eventfd(*fd)) || !ringshm__is_writable(*fd))
		return ringshm__fail(EPROTO, "receive a channel: one of its bells is neither a FIFO nor an eventfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	if (fifo)
		own = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (own >= 0) {
		close(*fd);
		*fd = own;
	} else if (fcntl(*fd, F_SETFL, O_NONBLOCK)) {
		return ringshm__fail(errno, "receive a channel: its bells: %s", ringshm__reason(errno));
	}
	return 0;
}

/* A full FIFO is as readable as can be: nothing is lost when the write is. */
void ringshm__ring(int bell_fd)
{
	const uint64_t one = 1;
	ssize_t ignored;

	if (bell_fd < 0)
		return;
	ignored = write(bell_fd, &one, sizeof(one));
	(void)ignored;
}

/* Ring a bell of a channel that is not open, by its directory; silent when there is none. */
void ringshm__ring_at(int dir)
{
	for (unsigned int i = 0; i < RINGSHM_BELLS; i++) {
		int fd = openat(dir, bell_file[i], O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
		struct stat status;

		if (fd >= 0 && !fstat(fd, &status) && S_ISFIFO(status.st_mode))
			ringshm__ring(fd);
		ringshm__close_fd(&fd);
	}
}

/* ---- an endpoint's own bell ------------------------------------------------------------------- */

/* The kernel rings no FIFO: what it wakes are those who poll the region that holds its lane. */
static int bell_of(const struct ringshm_endpoint *e)
{
	if (e->channel->header.incompat & RINGSHM_F_KLANE)
		return e->channel->header.backend == RINGSHM_BACKEND_KMOD ? e->channel->data.fd : -1;
	return e->channel->bell_fd[e->role == RINGSHM_ROLE_PRODUCER ? RINGSHM_BELL_PRODUCERS : RINGSHM_BELL_CONSUMERS];
}

int ringshm__bell_fd(struct ringshm_endpoint *e)
{
	if (!e || bell_of(e) < 0)
		return ringshm__fail(EOPNOTSUPP, "the channel has no bell; create it with RINGSHM_F_POLLFD");
	return bell_of(e);
}

/* Announce a sleep that lasts until ringshm__bell_ack(). The caller looks at the ring once more. */
int ringshm__bell_arm(struct ringshm_endpoint *e)
{
	int fd = ringshm__bell_fd(e);

	if (fd < 0)
		return fd;
	ringshm__announce(e);
	return 0;
}

int ringshm__bell_ack(struct ringshm_endpoint *e)
{
	int fd = ringshm__bell_fd(e);
	char drained[4096];

	if (fd < 0)
		return fd;
	/* relaxed: a waker that still sees it rings once too often, which harms nobody */
	__atomic_store_n(&e->own->sleepers, 0, __ATOMIC_RELAXED);
	for (int i = 0; i < DRAINS_MOST && read(fd, drained, sizeof(drained)) == (ssize_t)sizeof(drained); i++)
		;
	return 0;
}

int ringshm_spsc_consumer_fd(struct ringshm_spsc_consumer *c)
{
	return ringshm__bell_fd((struct ringshm_endpoint *)c->owner);
}

int ringshm_spsc_consumer_arm(struct ringshm_spsc_consumer *c)
{
	int error = ringshm__bell_arm((struct ringshm_endpoint *)c->owner);

	return error ? error : ringshm__spsc_ready(c);
}

int ringshm_spsc_consumer_ack(struct ringshm_spsc_consumer *c)
{
	return ringshm__bell_ack((struct ringshm_endpoint *)c->owner);
}

int ringshm_token_consumer_fd(struct ringshm_token_consumer *c)
{
	return ringshm__bell_fd((struct ringshm_endpoint *)c->owner);
}

int ringshm_token_consumer_arm(struct ringshm_token_consumer *c)
{
	int error = ringshm__bell_arm((struct ringshm_endpoint *)c->owner);

	return error ? error : ringshm__token_ready(c);
}

int ringshm_token_consumer_ack(struct ringshm_token_consumer *c)
{
	return ringshm__bell_ack((struct ringshm_endpoint *)c->owner);
}

int ringshm_spsc_producer_fd(struct ringshm_spsc_producer *p)
{
	return ringshm__bell_fd((struct ringshm_endpoint *)p->owner);
}

int ringshm_spsc_producer_arm(struct ringshm_spsc_producer *p, uint32_t len)
{
	int error = ringshm__bell_arm((struct ringshm_endpoint *)p->owner);

	if (error)
		return error;
	p->looks = 0; /* look at the consumer's head itself */
	if (!ringshm_spsc_reserve(p, len))
		return p->status != 0;
	ringshm_spsc_discard(p);
	return 1;
}

int ringshm_spsc_producer_ack(struct ringshm_spsc_producer *p)
{
	return ringshm__bell_ack((struct ringshm_endpoint *)p->owner);
}
