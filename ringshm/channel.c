/* SPDX-License-Identifier: MIT */
/* The channel handle: opening one, holding it, letting it go. */
#include "config.h"

#include "internal.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 64 /* against others who create and remove the same name at the same time */

struct ringshm *ringshm__channel_new(const char *name, unsigned int access)
{
	struct ringshm *channel = (struct ringshm *)calloc(1, sizeof(*channel));

	if (!channel) {
		ringshm__fail(ENOMEM, "no memory for a channel handle");
		return NULL;
	}
	channel->refs = 1;
	channel->access = access;
	channel->ctl_fd = channel->cons_fd = channel->lock_fd = channel->data.fd = -1;
	channel->bell_fd[RINGSHM_BELL_PRODUCERS] = channel->bell_fd[RINGSHM_BELL_CONSUMERS] = -1;
	if (name)
		snprintf(channel->name, sizeof(channel->name), "%s", name);
	return channel;
}

const char *ringshm__title(const struct ringshm *channel)
{
	return channel->name[0] ? channel->name : "(anonymous)";
}

struct ringshm *ringshm__channel_get(struct ringshm *channel)
{
	/* relaxed: who takes a reference holds one already */
	__atomic_fetch_add(&channel->refs, 1, __ATOMIC_RELAXED);
	return channel;
}

static void channel_free(struct ringshm *channel)
{
	ringshm__table_remove(channel);
	ringshm__guard_forget(channel);
	if (channel->ctl)
		munmap(channel->ctl, (size_t)channel->header.ctl_size);
	if (channel->cons)
		munmap(channel->cons, (size_t)channel->header.cons_size);
	ringshm__close_fd(&channel->ctl_fd);
	ringshm__close_fd(&channel->cons_fd);
	ringshm__close_fd(&channel->lock_fd);
	ringshm__close_fd(&channel->bell_fd[RINGSHM_BELL_PRODUCERS]);
	ringshm__close_fd(&channel->bell_fd[RINGSHM_BELL_CONSUMERS]);
	ringshm__close_fd(&channel->data.fd);
	free(channel);
}

void ringshm__channel_put(struct ringshm *channel)
{
	/* acq_rel: everybody's use of the channel comes before its end */
	if (__atomic_sub_fetch(&channel->refs, 1, __ATOMIC_ACQ_REL) == 0)
		channel_free(channel);
}

int ringshm_close(struct ringshm *channel)
{
	if (channel)
		ringshm__channel_put(channel);
	return 0;
}

bool ringshm__data_writable(const struct ringshm_header *header, unsigned int access)
{
	if (access & RINGSHM_PRODUCER)
		return true;
	return (access & RINGSHM_CONSUMER) && ringshm__kind_consumers_write_data(header);
}

struct ringshm_area_place ringshm__place(const struct ringshm *channel, int dir)
{
	struct ringshm_area_place place = ringshm__place_of(&channel->header, dir, ringshm__title(channel));
	struct stat status;

	if (!fstat(channel->ctl_fd, &status))
		place.owner = status.st_uid;
	return place;
}

/* Map the control words read-only, for information and for observers. */
int ringshm__channel_map(struct ringshm *channel)
{
	void *ctl, *cons;
	int error = ringshm__map(channel->ctl_fd, channel->header.ctl_size, false, "control", &ctl);

	if (error)
		return error;
	channel->ctl = (struct ringshm_ctl *)ctl;
	error = ringshm__map(channel->cons_fd, channel->header.cons_size, false, "control", &cons);
	if (error)
		return error;
	channel->cons = (struct ringshm_cons *)cons;
	return ringshm__guard_channel(channel);
}

/* All descriptors and the header copy are there: check them against each other and map. */
int ringshm__channel_finish(struct ringshm *channel)
{
	int error = ringshm__check_files(channel);

	if (!error)
		error = ringshm__channel_map(channel);
	if (!error)
		ringshm__table_add(channel);
	return error;
}

static int open_control(struct ringshm *channel, int dir)
{
	bool produce = channel->access & RINGSHM_PRODUCER, consume = channel->access & RINGSHM_CONSUMER;

	channel->ctl_fd = ringshm__open_file(dir, "ctl", produce, channel->name);
	if (channel->ctl_fd < 0)
		return channel->ctl_fd;
	channel->cons_fd = ringshm__open_file(dir, "cons", consume, channel->name);
	if (channel->cons_fd < 0)
		return channel->cons_fd;
	if (produce || consume)
		channel->lock_fd = ringshm__open_file(dir, "lock", true, channel->name);
	return channel->lock_fd < 0 && (produce || consume) ? channel->lock_fd : 0;
}

/* Some kinds have both sides write both control files; which, only the header could tell. */
static int widen_control(struct ringshm *channel)
{
	int *fds[] = {&channel->ctl_fd, &channel->cons_fd};

	if (!(channel->access & (RINGSHM_PRODUCER | RINGSHM_CONSUMER)) ||
	    !ringshm__kind_shares_control(&channel->header))
		return 0;
	for (unsigned int i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		int fd = ringshm__reopen(*fds[i], true);

		if (fd < 0)
			return fd;
		ringshm__close_fd(fds[i]);
		*fds[i] = fd;
	}
	return 0;
}

static int open_data(struct ringshm *channel, int dir)
{
	const struct ringshm_header *header = &channel->header;
	struct ringshm_area_place place = ringshm__place(channel, dir);

	channel->data.ops = ringshm__backend(header->backend);
	if (!channel->data.ops || !channel->data.ops->open)
		return ringshm__fail(EPROTONOSUPPORT,
				     "open %s: its memory (backend %s) is not one that this library (%s) knows",
				     channel->name, ringshm_backend_name(header->backend), ringshm_version());
	channel->data.size = header->data_size;
	channel->data.page_size = header->page_size;
	channel->data.key = header->backend_key;
	return channel->data.ops->open(&channel->data, &place, ringshm__data_writable(header, channel->access));
}

static int open_files(struct ringshm *channel, int dir)
{
	int error = open_control(channel, dir);

	if (!error)
		error = ringshm__read_header(channel->ctl_fd, &channel->header, channel->name);
	if (!error)
		error = widen_control(channel);
	if (!error)
		error = ringshm__bells_open(channel, dir);
	if (!error)
		error = open_data(channel, dir);
	if (!error)
		error = ringshm__channel_finish(channel);
	if (!error && ringshm_load_acquire(&channel->ctl->state.word) & RINGSHM_STATE_SUPERSEDED)
		error = ringshm__fail(ESTALE, "open %s: it is being removed; try again, or run: ringshm rm %s",
				      channel->name, channel->name);
	return error;
}

static int owner_differs(int fd, uint32_t owner, const char *name)
{
	struct stat status;

	if (fd < 0 || (!fstat(fd, &status) && status.st_uid == owner))
		return 0;
	return ringshm__fail(EACCES, "open %s: user %u was to own it, and user %u does", name, owner,
			     (unsigned int)status.st_uid);
}

static int data_owner_differs(const struct ringshm *channel, uint32_t owner)
{
	if (channel->data.fd >= 0 || channel->data.owner == owner)
		return 0;
	return ringshm__fail(EACCES, "open %s: user %u was to own its memory, and user %u does", channel->name, owner,
			     channel->data.owner);
}

static int check_owner(const struct ringshm *channel, int dir, uint32_t owner)
{
	int fds[] = {dir, channel->ctl_fd, channel->cons_fd, channel->lock_fd, channel->data.fd};
	int error = 0;

	if (owner == RINGSHM_OWNER_ANY)
		return 0;
	for (unsigned int i = 0; i < sizeof(fds) / sizeof(fds[0]) && !error; i++)
		error = owner_differs(fds[i], owner, channel->name);
	return error ? error : data_owner_differs(channel, owner);
}

static int check_demands(const struct ringshm *channel, const struct ringshm_open_options *options)
{
	const struct ringshm_header *h = &channel->header;

	if (options->kind && options->kind != h->kind)
		return ringshm__fail(EPROTOTYPE, "open %s: it is %s, and %s was asked", channel->name,
				     ringshm_kind_name(h->kind), ringshm_kind_name(options->kind));
	if (options->schema_id && (options->schema_id != h->schema_id || options->schema_version != h->schema_version))
		return ringshm__fail(EPROTOTYPE,
				     "open %s: its messages have schema %llu version %u, and %llu version %u was asked",
				     channel->name, (unsigned long long)h->schema_id, h->schema_version,
				     (unsigned long long)options->schema_id, options->schema_version);
	return 0;
}

static int check_options(struct ringshm_open_options *copy, const struct ringshm_open_options *options)
{
	const unsigned int all = RINGSHM_OBSERVER | RINGSHM_CONSUMER | RINGSHM_PRODUCER;

	if (!options || options->size < sizeof(*options))
		return ringshm__fail(EINVAL, "open: options of size %u; call ringshm_open_options_init() first",
				     options ? options->size : 0);
	*copy = *options;
	if (!copy->access || copy->access & ~all)
		return ringshm__fail(EINVAL,
				     "open: access 0x%x; give RINGSHM_OBSERVER, RINGSHM_CONSUMER or RINGSHM_PRODUCER",
				     copy->access);
	return 0;
}

static int open_channel(struct ringshm **out, const char *name, const struct ringshm_open_options *options, int dir)
{
	struct ringshm *channel = ringshm__channel_new(name, options->access);
	int error;

	if (!channel)
		return -ENOMEM;
	error = open_files(channel, dir);
	if (!error)
		error = check_owner(channel, dir, options->owner);
	if (!error)
		error = check_demands(channel, options);
	if (error) {
		ringshm__channel_put(channel);
		return error;
	}
	*out = channel;
	return 0;
}

/* One look: *moved says that the name stood for something else when it was over. */
static int open_at(struct ringshm **out, int base, const char *name, const struct ringshm_open_options *options,
		   bool *moved)
{
	int dir = ringshm__open_channel_dir(base, name), error;

	*moved = false;
	if (dir < 0)
		return dir;
	error = open_channel(out, name, options, dir);
	*moved = error && !ringshm__is_still(base, name, dir);
	close(dir);
	return error;
}

int ringshm_open_with(struct ringshm **out, const char *name, const struct ringshm_open_options *given)
{
	struct ringshm_open_options options = {0};
	int error = out ? check_options(&options, given) : ringshm__fail(EINVAL, "open: no place for the handle");
	bool moved = true;
	int base;

	if (!error)
		error = ringshm__check_name(name);
	if (error)
		return error;
	base = ringshm__open_base(false);
	if (base < 0)
		return base;
	/* what was removed or replaced under our eyes looks damaged and is not: look again */
	for (int i = 0; i < TRIES && moved; i++)
		error = open_at(out, base, name, &options, &moved);
	close(base);
	return moved ? ringshm__fail(ESTALE, "open %s: others keep removing and creating it; try again", name) : error;
}

int ringshm_open(struct ringshm **out, const char *name, unsigned int access)
{
	struct ringshm_open_options options;

	ringshm_open_options_init(&options, access);
	return ringshm_open_with(out, name, &options);
}

int ringshm_kernel_lane_fds(struct ringshm *channel, int *ctl_fd, int *data_fd)
{
	if (!channel || !(channel->header.incompat & RINGSHM_F_KLANE) || channel->data.fd < 0)
		return ringshm__fail(EINVAL, "a kernel producer needs a channel created with RINGSHM_F_KLANE");
	if (!(channel->access & RINGSHM_PRODUCER))
		return ringshm__fail(EACCES, "%s: open it with RINGSHM_PRODUCER to give it to a kernel producer",
				     channel->name);
	*ctl_fd = channel->ctl_fd;
	*data_fd = channel->data.fd;
	return 0;
}
