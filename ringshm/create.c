/* SPDX-License-Identifier: MIT */
/* Building a channel: under a hidden name, whole, then renamed into place in one step. */
#include "config.h"

#include "internal.h"
#include "node.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_ACCESS (RINGSHM_OBSERVER | RINGSHM_CONSUMER | RINGSHM_PRODUCER)
#define TRIES 64 /* against others who create and remove the same name at the same time */

static int give_away(int fd, uint32_t mode, uint32_t group, const char *name)
{
	if (group != RINGSHM_GROUP_NONE && fchown(fd, (uid_t)-1, group))
		return ringshm__fail(errno, "create %s: give it to group %u: %s; be a member of that group", name,
				     group, ringshm__reason(errno));
	if (fchmod(fd, mode))
		return ringshm__fail(errno, "create %s: mode %03o: %s", name, mode, ringshm__reason(errno));
	return 0;
}

/* A control file: a name in the channel's directory, or a memory file when `dir` is -1. */
static int make_file(int dir, const char *file, uint64_t size, const char *name)
{
	int fd = dir < 0 ? memfd_create(file, MFD_CLOEXEC | MFD_ALLOW_SEALING) :
			   openat(dir, file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return ringshm__fail(errno, "create %s: file '%s': %s", name, file, ringshm__reason(errno));
	error = ringshm__allocate(fd, size, name);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

static int make_control(struct ringshm *channel, int dir, const char *name)
{
	channel->ctl_fd = make_file(dir, "ctl", channel->header.ctl_size, name);
	if (channel->ctl_fd < 0)
		return channel->ctl_fd;
	channel->cons_fd = make_file(dir, "cons", channel->header.cons_size, name);
	if (channel->cons_fd < 0)
		return channel->cons_fd;
	channel->lock_fd = make_file(dir, "lock", channel->header.participants, name);
	return channel->lock_fd < 0 ? channel->lock_fd : ringshm__bells_make(channel, dir, name);
}

/* So that who finds the ruins of a builder that died can derive where its data area is; magic comes last. */
int ringshm__promise(int ctl_fd, const struct ringshm_header *given, const char *name)
{
	struct ringshm_header header = *given;

	header.magic = 0;
	if (pwrite(ctl_fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header))
		return 0;
	return ringshm__fail(errno, "create %s: write its header: %s", name, ringshm__reason(errno));
}

static uint32_t data_mode(const struct ringshm *channel, const struct ringshm_config *config)
{
	if (ringshm__kind_consumers_write_data(&channel->header))
		return config->mode | config->consumer_mode;
	return config->mode | (config->consumer_mode & 0444);
}

static int make_data(struct ringshm *channel, const struct ringshm_config *config, struct ringshm_area_place *place)
{
	struct ringshm_area wanted = {.fd = -1};
	int error = ringshm__promise(channel->ctl_fd, &channel->header, place->name);

	if (error)
		return error;
	place->mode = data_mode(channel, config);
	place->group = config->group;
	wanted.size = channel->header.data_size;
	wanted.page_size = config->page_size;
	place->contiguous = config->flags & RINGSHM_CREATE_CONTIGUOUS;
	return ringshm__area_choose(&channel->data, place->contiguous ? RINGSHM_BACKEND_KMOD : config->backend, &wanted,
				    place);
}

static void fill_cons(const struct ringshm *channel, struct ringshm_cons *cons)
{
	memcpy(cons->uuid, channel->header.uuid, sizeof(cons->uuid));
	cons->head.word = ringshm__kind_cursor(&channel->header);
	cons->credit.word = channel->header.start_position;
	cons->magic = RINGSHM_CONS_MAGIC;
}

static void fill_data(const struct ringshm *channel, struct ringshm_data *data, uint64_t home)
{
	data->home = home;
	memcpy(data->uuid, channel->header.uuid, sizeof(data->uuid));
	data->size = channel->header.data_size;
	data->tail.word = channel->header.start_position;
	data->head.word = channel->header.start_position;
	data->credit.word = channel->header.start_position;
	ringshm__kind_format(&channel->header, (unsigned char *)data + channel->header.data_offset);
	data->magic = RINGSHM_DATA_MAGIC;
}

/* The header last, and its magic last of all: whoever sees the magic sees the rest. */
static void fill_ctl(const struct ringshm *channel, struct ringshm_ctl *ctl)
{
	const size_t after = offsetof(struct ringshm_header, magic) + sizeof(ctl->header.magic);

	ctl->tail.word = ringshm__kind_cursor(&channel->header);
	memcpy((unsigned char *)&ctl->header + after, (const unsigned char *)&channel->header + after,
	       sizeof(ctl->header) - after);
	ringshm_store_release(&ctl->header.magic, channel->header.magic); /* pairs with the rename, or the send */
}

/* The data area was looked after when it was made. */
static int settle_control(const struct ringshm *channel, void *ctl, void *cons)
{
	const struct ringshm_header *header = &channel->header;
	const char *name = ringshm__title(channel);
	int error = ringshm__node_settle(ctl, header->ctl_size, ringshm__page(), header->node, name);

	return error ? error : ringshm__node_settle(cons, header->cons_size, ringshm__page(), header->node, name);
}

static int fill(struct ringshm *channel, uint64_t home)
{
	const struct ringshm_header *header = &channel->header;
	void *ctl = NULL, *cons = NULL, *data = NULL;
	int error = ringshm__map(channel->ctl_fd, header->ctl_size, true, "control", &ctl);

	if (!error)
		error = ringshm__map(channel->cons_fd, header->cons_size, true, "control", &cons);
	if (!error)
		error = channel->data.ops->map(&channel->data, true, &data);
	if (!error)
		error = settle_control(channel, ctl, cons);
	if (!error) {
		fill_cons(channel, (struct ringshm_cons *)cons);
		fill_data(channel, (struct ringshm_data *)data, home);
		fill_ctl(channel, (struct ringshm_ctl *)ctl);
	}
	if (ctl)
		munmap(ctl, (size_t)header->ctl_size);
	if (cons)
		munmap(cons, (size_t)header->cons_size);
	if (data)
		channel->data.ops->unmap(&channel->data, data);
	return error;
}

static int set_modes(struct ringshm *channel, const struct ringshm_config *config, const char *name)
{
	uint32_t lock_mode = config->mode | config->consumer_mode;
	bool shared = ringshm__kind_shares_control(&channel->header);
	uint32_t ctl_mode = shared ? lock_mode : config->mode | (config->consumer_mode & 0444);
	uint32_t cons_mode = shared ? lock_mode : config->consumer_mode | (config->mode & 0444);
	int error = give_away(channel->ctl_fd, ctl_mode, config->group, name);

	/* producers read the consumers' words, and only those who may write can open the lock file */
	if (!error)
		error = give_away(channel->cons_fd, cons_mode, config->group, name);
	if (!error)
		error = give_away(channel->lock_fd, (lock_mode & 0222) | (lock_mode & 0222) << 1, config->group, name);
	if (!error && channel->data.fd >= 0)
		error = give_away(channel->data.fd, data_mode(channel, config), config->group, name);
	/* bells: rung by one side, drained by the other */
	for (unsigned int i = 0; i < RINGSHM_BELLS && !error; i++)
		if (channel->bell_fd[i] >= 0)
			error = give_away(channel->bell_fd[i], (lock_mode & 0222) | (lock_mode & 0222) << 1,
					  config->group, name);
	return error;
}

/* The mode decides who may open a descriptor of less access again for more: only the creating user. */
static int seal(int fd, mode_t mode)
{
	if (!fchmod(fd, mode) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return 0;
	return ringshm__fail(errno, "create an anonymous channel: seal a memory file: %s", ringshm__reason(errno));
}

static int seal_all(const struct ringshm *channel)
{
	int error = seal(channel->ctl_fd, 0644);

	if (!error)
		error = seal(channel->cons_fd, 0644);
	if (!error) /* every endpoint, whoever's, opens a description of its own; observers are not sent it */
		error = seal(channel->lock_fd, 0666);
	if (!error && channel->data.fd >= 0 && !channel->data.ops->check)
		error = seal(channel->data.fd, 0644);
	return error;
}

static int make_files(struct ringshm *channel, const struct ringshm_config *config, int dir)
{
	struct ringshm_area_place place;
	int error = make_control(channel, dir, ringshm__title(channel));

	if (error)
		return error;
	place = ringshm__place(channel, dir); /* the control files say whose it is */
	error = make_data(channel, config, &place);
	if (error)
		return error;
	channel->header.backend = channel->data.ops->backend;
	channel->header.backend_key = channel->data.key;
	channel->header.data_size = channel->data.size;
	channel->header.page_size = channel->data.page_size;
	return fill(channel, place.home);
}

/* All files of a channel, filled; `dir` -1: memory files. */
static int build(struct ringshm *channel, const struct ringshm_config *config, int dir)
{
	struct ringshm_node_policy before;
	int error = ringshm__node_enter(&channel->header.node, ringshm__title(channel), &before);

	if (error)
		return error;
	error = make_files(channel, config, dir);
	ringshm__node_leave(&before);
	if (!error)
		error = dir < 0 ? seal_all(channel) : set_modes(channel, config, channel->name);
	return error ? error : ringshm__channel_finish(channel);
}

/* Others look a channel up by the execute bits of its directory: whoever may open any file of it. */
static int open_directory(int dir, const struct ringshm_config *config, const char *name)
{
	uint32_t any = config->mode | config->consumer_mode;
	uint32_t mode = 0700 | (any & 0060 ? 0050 : 0) | (any & 0006 ? 0005 : 0);

	return give_away(dir, mode, config->group, name);
}

static int taken(const char *name)
{
	return ringshm__fail(EEXIST, "create %s: the name is taken by another user's channel; choose another name",
			     name);
}

/* The one in the way is a ruin if somebody has marked it and not taken it away. */
static int clear_ruin(int base, const char *name)
{
	struct ringshm *old = NULL;
	int dir = ringshm__hold_channel_dir(base, name), error;

	if (dir == -EACCES)
		return taken(name);
	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	error = ringshm_open(&old, name, RINGSHM_OBSERVER);
	ringshm_close(old);
	if (error == -ESTALE)
		error = ringshm__remove_held(base, name);
	else if (error != -ENOENT)
		error = -EEXIST;
	close(dir);
	if (error != -EEXIST)
		return error == -ENOENT ? 0 : error;
	return ringshm__fail(EEXIST,
			     "create %s: it exists already; open it, remove it (ringshm rm %s), or ask to replace it",
			     name, name);
}

/* Old and new change places in one step; then the old one is marked and removed, as far as that goes. */
static int replace(int base, const char *hidden, const char *name)
{
	int old = ringshm__hold_channel_dir(base, name), error = 0;

	if (old == -ENOENT)
		return -ENOENT;
	if (renameat2(base, hidden, base, name, RENAME_EXCHANGE))
		error = -errno;
	else
		ringshm__remove_marked(base, hidden, name);
	ringshm__close_fd(&old);
	return error;
}

static int refuse_replace(int error, const char *name)
{
	if (error == -EPERM || error == -EACCES)
		return ringshm__fail(
			EACCES,
			"create %s: the channel of that name belongs to another user, and only its owner or root may replace it; choose another name",
			name);
	return ringshm__fail(-error, "create %s: replace the old one: %s", name, ringshm__reason(-error));
}

static int put_in_place(int base, const char *hidden, const char *name, bool replacing)
{
	for (int i = 0; i < TRIES; i++) {
		int error = replacing ? replace(base, hidden, name) : -ENOENT;

		if (error != -ENOENT)
			return error ? refuse_replace(error, name) : 0;
		if (!renameat2(base, hidden, base, name, RENAME_NOREPLACE))
			return 0;
		if (errno == EINVAL && !renameat(base, hidden, base, name)) /* a file system without the flag */
			return 0;
		if (errno != EEXIST && errno != ENOTEMPTY)
			return ringshm__fail(errno, "create %s: %s", name, ringshm__reason(errno));
		if (!replacing) {
			error = clear_ruin(base, name);
			if (error)
				return error;
		}
	}
	return ringshm__fail(EBUSY, "create %s: others keep creating and removing it", name);
}

/* A hidden directory that is ours for as long as we hold flock on it. */
int ringshm__make_hidden(int base, const char *name, char hidden[static 256])
{
	for (int i = 0; i < TRIES; i++) {
		int error = ringshm__hidden_name(hidden, "build", name), dir;

		if (error)
			return error;
		if (mkdirat(base, hidden, 0700))
			return ringshm__fail(errno, "create %s: in directory %s: %s%s", name, ringshm_directory(),
					     ringshm__reason(errno), ringshm__way_out(errno));
		dir = openat(base, hidden, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0 && errno != ENOENT) {
			error = errno;
			unlinkat(base, hidden, AT_REMOVEDIR);
			return ringshm__fail(error, "create %s: open its build directory: %s", name,
					     ringshm__reason(error));
		}
		if (dir >= 0 && !flock(dir, LOCK_EX | LOCK_NB) && !faccessat(base, hidden, F_OK, 0))
			return dir;
		ringshm__close_fd(&dir); /* a cleaner took it for a dead builder's, before we had the lock */
	}
	return ringshm__fail(EBUSY, "create %s: its build directory keeps vanishing", name);
}

static int create_named(struct ringshm *channel, const struct ringshm_config *config, int base)
{
	char hidden[256];
	int dir, error;

	ringshm__remove_leftovers(base, channel->name); /* theirs is memory that we may want */
	dir = ringshm__make_hidden(base, channel->name, hidden);
	if (dir < 0)
		return dir;
	error = build(channel, config, dir);
	if (!error)
		error = open_directory(dir, config, channel->name);
	if (!error)
		error = put_in_place(base, hidden, channel->name, config->flags & RINGSHM_CREATE_REPLACE);
	if (error) {
		char keep[512];

		snprintf(keep, sizeof(keep), "%s", ringshm_last_error());
		ringshm__remove_marked(base, hidden, channel->name);
		ringshm__fail(-error, "%s", keep);
	}
	close(dir);
	return error;
}

static int create_anywhere(struct ringshm *channel, const struct ringshm_config *config)
{
	int base, error;

	if (!channel->name[0])
		return build(channel, config, -1);
	base = ringshm__open_base(true);
	if (base < 0)
		return base;
	error = create_named(channel, config, base);
	close(base);
	return error;
}

int ringshm_create(struct ringshm **out, const char *name, const struct ringshm_config *given)
{
	struct ringshm_config config;
	struct ringshm_header header;
	struct ringshm *channel;
	int error = out ? ringshm__config_copy(&config, given) :
			  ringshm__fail(EINVAL, "create: no place for the handle");

	if (!error && name)
		error = ringshm__check_name(name);
	if (!error)
		error = ringshm__config_header(&header, &config, !name);
	if (error)
		return error;
	channel = ringshm__channel_new(name, ALL_ACCESS);
	if (!channel)
		return -ENOMEM;
	channel->header = header;
	error = create_anywhere(channel, &config);
	if (error)
		ringshm__channel_put(channel);
	else
		*out = channel;
	return error;
}

static int open_same(struct ringshm **out, const char *name, const struct ringshm_config *config)
{
	struct ringshm *channel;
	int error = ringshm_open(&channel, name, ALL_ACCESS);

	if (error)
		return error;
	error = ringshm__config_matches(config, &channel->header, name);
	if (error)
		ringshm_close(channel);
	else
		*out = channel;
	return error;
}

int ringshm_open_or_create(struct ringshm **out, const char *name, const struct ringshm_config *given)
{
	struct ringshm_config config;
	struct ringshm_header header;
	int error = out ? ringshm__config_copy(&config, given) : ringshm__fail(EINVAL, "open: no place for the handle");

	if (!error)
		error = ringshm__check_name(name);
	if (!error)
		error = ringshm__config_header(&header, &config, false);
	for (int i = 0; i < TRIES && !error; i++) {
		error = open_same(out, name, &config);
		if (error != -ENOENT && error != -ESTALE)
			return error;
		error = ringshm_create(out, name, &config);
		if (error != -EEXIST)
			return error;
		error = 0;
	}
	return error ? error : ringshm__fail(EBUSY, "open %s: others keep creating and removing it", name);
}
