/* SPDX-License-Identifier: MIT */
/* The end of channels: shutting down, unlinking, telling those still attached. */
#include "config.h"

#include "internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void ringshm__mark_mapped(struct ringshm_ctl *ctl, struct ringshm_cons *cons, uint64_t state)
{
	/* R5: pairs with A5; what was published before the end is visible to who sees it */
	__atomic_fetch_or(&ctl->state.word, state, __ATOMIC_RELEASE);
	ringshm__wake_all(&ctl->wake);
	if (cons)
		ringshm__wake_all(&cons->wake);
}

/* A producer with RINGSHM_F_EOF has left: its consumers get -EPIPE once they have drained the ring. */
void ringshm__end_of_file(struct ringshm_endpoint *producer)
{
	if (!(producer->channel->header.incompat & RINGSHM_F_EOF) || producer->forked)
		return;
	ringshm__mark_mapped(producer->ctl, NULL, RINGSHM_STATE_EOF);
	ringshm__ring(producer->channel->bell_fd[RINGSHM_BELL_CONSUMERS]);
}

/* One block of a control file, writable; NULL when it cannot be had: then there is nobody to tell. */
static void *map_block(int fd)
{
	struct stat status;
	void *map;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_size < (off_t)RINGSHM_BLOCK)
		return NULL;
	map = mmap(NULL, RINGSHM_BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

static void mark_fds(int ctl_fd, int cons_fd, uint64_t state)
{
	void *ctl = map_block(ctl_fd), *cons = map_block(cons_fd);

	if (ctl)
		ringshm__mark_mapped((struct ringshm_ctl *)ctl, (struct ringshm_cons *)cons, state);
	if (ctl)
		munmap(ctl, RINGSHM_BLOCK);
	if (cons)
		munmap(cons, RINGSHM_BLOCK);
}

/* Add `state` to the channel in this directory. A ruin without sound files has nobody to be told. */
int ringshm__mark(int dir, uint64_t state, const char *name)
{
	int ctl = ringshm__open_file(dir, "ctl", true, name);
	int cons = ringshm__open_file(dir, "cons", true, name);
	int error = ctl == -EACCES ? -EACCES : 0;

	if (ctl >= 0)
		mark_fds(ctl, cons, state);
	ringshm__ring_at(dir);
	ringshm__close_fd(&ctl);
	ringshm__close_fd(&cons);
	return error;
}

/* Data memory that lives outside the directory. A header without magic is of a builder that died. */
static void destroy_data(int dir, const char *name)
{
	struct ringshm_header header;
	struct ringshm_area_place place;
	struct stat status;
	int ctl = ringshm__open_file(dir, "ctl", false, name);

	if (ctl >= 0 && !fstat(ctl, &status) && pread(ctl, &header, sizeof(header), 0) == (ssize_t)sizeof(header)) {
		place = ringshm__place_of(&header, dir, name);
		place.owner = status.st_uid;
		ringshm__area_destroy(&header, &place);
	}
	ringshm__close_fd(&ctl);
}

/* Tell those attached to what stands in a hidden directory, and remove it. */
int ringshm__remove_marked(int base, const char *hidden, const char *name)
{
	int dir = openat(base, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir >= 0) {
		ringshm__mark(dir, RINGSHM_STATE_SUPERSEDED, name);
		destroy_data(dir, name);
		close(dir);
	}
	return ringshm__remove_dir(base, hidden);
}

int ringshm_shutdown(struct ringshm *channel)
{
	int ctl, cons;

	if (!channel)
		return ringshm__fail(EINVAL, "shutdown: no channel given");
	ctl = ringshm__reopen_as(channel->ctl_fd, true);
	if (ctl < 0)
		return ringshm__fail(EACCES, "shutdown %s: needs permission to write the producers' words: %s",
				     ringshm__title(channel), ringshm__reason(-ctl));
	cons = ringshm__reopen_as(channel->cons_fd, true);
	mark_fds(ctl, cons, RINGSHM_STATE_SHUTDOWN);
	ringshm__ring(channel->bell_fd[RINGSHM_BELL_PRODUCERS]);
	ringshm__ring(channel->bell_fd[RINGSHM_BELL_CONSUMERS]);
	ringshm__close_fd(&ctl);
	ringshm__close_fd(&cons);
	return 0;
}

static int refuse_removal(int error, const char *name)
{
	if (error == EPERM || error == EACCES)
		return ringshm__fail(EACCES, "remove %s: only its owner or root may remove it", name);
	return ringshm__fail(error, "remove %s: %s", name, ringshm__reason(error));
}

/*
 * Rename out of the way, then mark and remove: who may not rename it changes nothing. The caller holds it
 * by ringshm__hold_channel_dir(). Who dies in between leaves the rest to ringshm__remove_leftovers().
 */
int ringshm__remove_held(int base, const char *name)
{
	char hidden[256];
	int error = ringshm__hidden_name(hidden, "gone", name);

	if (error)
		return error;
	if (renameat(base, name, base, hidden))
		return errno == ENOENT ? 0 : /* somebody else was quicker */
					 refuse_removal(errno, name);
	return ringshm__remove_marked(base, hidden, name);
}

static int unlink_at(int base, const char *name)
{
	int dir = ringshm__hold_channel_dir(base, name), error;

	if (dir < 0)
		return dir == -EACCES ? refuse_removal(EACCES, name) : dir;
	error = ringshm__remove_held(base, name);
	close(dir);
	return error;
}

int ringshm_unlink(const char *name)
{
	int error = ringshm__check_name(name), base, removed;
	char why[512];

	if (error)
		return error;
	base = ringshm__open_base(false);
	if (base < 0)
		return base;
	error = unlink_at(base, name);
	snprintf(why, sizeof(why), "%s", ringshm_last_error());
	removed = ringshm__remove_leftovers(base, name);
	close(base);
	if (error == -ENOENT && removed > 0)
		return 0;
	return error ? ringshm__fail(-error, "%s", why) : 0;
}
