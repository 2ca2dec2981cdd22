/* SPDX-License-Identifier: MIT */
/* What crashes leave: half-built channels, memory whose channel is gone, marks of somebody else. Prints TAP. */
#include "machine.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make(const char *name, uint32_t backend)
{
	struct ringshm_config config;
	struct ringshm *channel = NULL;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 65536;
	config.backend = backend;
	if (ringshm_create(&channel, name, &config))
		tap_note("%s", ringshm_last_error());
	ringshm_close(channel);
	return channel;
}

/* A command, run in the directory of channels. */
static bool shell(const char *command)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "cd %s && %s", ringshm_directory(), command);
	return obey(whole);
}

/* As a builder leaves it that dies before the header has its magic: hidden, unlocked, 8 zero bytes in front. */
static bool unbuild(void)
{
	return shell("dd if=/dev/zero of=half/ctl bs=8 count=1 conv=notrunc status=none && "
		     "mv half .build-half-0123456789abcdef");
}

static void half_built(uint32_t backend)
{
	char question[128];

	snprintf(question, sizeof(question), "%s: what a dead builder left goes with the next unlink of that name",
		 ringshm_backend_name(backend));
	tap_ok(make("half", backend) && unbuild() && ringshm_unlink("half") == 0 && machine_is_clean(), question);
}

static void replaced(uint32_t backend)
{
	struct ringshm_config config;
	struct ringshm *channel = NULL;
	char question[128];
	bool good = make("again", backend);

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 65536;
	config.backend = backend;
	config.flags = RINGSHM_CREATE_REPLACE;
	good = good && !ringshm_create(&channel, "again", &config);
	ringshm_close(channel);
	snprintf(question, sizeof(question), "%s: a channel put in another's place lives in memory of its own",
		 ringshm_backend_name(backend));
	good = good && ring_run("again") && (backend != RINGSHM_BACKEND_SYSV || machine_segments() == 1) &&
	       (backend != RINGSHM_BACKEND_HUGETLBFS || machine_files(machine_mount_path()) == 1);
	tap_ok(good && !ringshm_unlink("again") && machine_is_clean(), question);
}

/* ---- orphans -------------------------------------------------------------------------------- */

struct account {
	uint32_t backends; /* bit by bit */
	uint64_t bytes;
	int errors;
};

static void enter(const struct ringshm_orphan *orphan, void *context)
{
	struct account *account = (struct account *)context;

	account->backends |= 1u << orphan->backend;
	account->bytes += orphan->bytes;
	account->errors += orphan->error != 0;
	tap_note("%s", orphan->where);
}

static void orphans(void)
{
	const uint32_t both = 1u << RINGSHM_BACKEND_HUGETLBFS | 1u << RINGSHM_BACKEND_SYSV;
	struct account account = {0};

	tap_ok(make("kept-h", RINGSHM_BACKEND_HUGETLBFS) && make("kept-s", RINGSHM_BACKEND_SYSV) &&
		       make("lost.h", RINGSHM_BACKEND_HUGETLBFS) && make("lost.s", RINGSHM_BACKEND_SYSV),
	       "four channels, two of which will be lost");
	tap_ok(ringshm_orphans(1, NULL, NULL) == 0 && ring_run("lost.h"), "the memory of a channel is no orphan");
	tap_ok(shell("rm -r lost.h lost.s"), "two directories are removed by hand");
	tap_ok(ringshm_orphans(0, enter, &account) == 2 && account.backends == both &&
		       account.bytes == HUGE + 65536 + 4096,
	       "their memory is found");
	tap_ok(machine_segments() == 2 && machine_files(machine_mount_path()) == 2, "and left where it was");
	memset(&account, 0, sizeof(account));
	tap_ok(ringshm_orphans(1, enter, &account) == 2 && !account.errors, "it is removed when that is asked");
	tap_ok(ringshm_orphans(0, NULL, NULL) == 0, "then there is nothing more to find");
	tap_ok(ring_run("kept-h") && ring_run("kept-s"), "the other two channels work as before");
}

/* A second directory of channels beside ours, such as another container's. */
static bool look_from_elsewhere(void *context)
{
	char elsewhere[] = "/dev/shm/ringshm-memory.XXXXXX";
	bool good;

	(void)context;
	if (!mkdtemp(elsewhere) || setenv("RINGSHM_DIR", elsewhere, 1))
		return false;
	good = ringshm_orphans(1, enter, &(struct account){0}) == 0;
	rmdir(elsewhere);
	return good;
}

/* ---- marks ---------------------------------------------------------------------------------- */

static bool refused(const char *name, int error, const char *words)
{
	struct ringshm *channel = NULL;
	int got = ringshm_open(&channel, name, RINGSHM_CONSUMER);

	if (!got)
		ringshm_close(channel);
	if (got == error && strstr(ringshm_last_error(), words))
		return true;
	tap_note("%d: %s", got, got ? ringshm_last_error() : "opened");
	return false;
}

static bool taken(const char *name)
{
	struct ringshm_config config;
	struct ringshm *channel = NULL;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 65536;
	if (ringshm_create(&channel, name, &config) == -EEXIST &&
	    ringshm_open_or_create(&channel, name, &config) == -ENXIO)
		return true;
	tap_note("%s", ringshm_last_error());
	return false;
}

/* Some segment of this namespace, all of which are ours. */
static int any_segment(void)
{
	struct shmid_ds segment;
	int id = -1;

	for (int i = 0; id < 0 && i < 16; i++)
		id = shmctl(i, SHM_STAT, &segment);
	return id;
}

static bool scribble_on_segment(void)
{
	struct ringshm_data *data = (struct ringshm_data *)shmat(any_segment(), NULL, 0);

	if (data == (struct ringshm_data *)-1)
		return false;
	data->uuid[3] ^= 1;
	return !shmdt(data);
}

/* As ipcrm does, or systemd when a user is gone. */
static bool remove_segments(void)
{
	int id;

	while ((id = any_segment()) >= 0)
		if (shmctl(id, IPC_RMID, NULL))
			return false;
	return true;
}

static void marks(void)
{
	char give_away[256];

	tap_ok(make("marked", RINGSHM_BACKEND_SYSV) && scribble_on_segment() &&
		       refused("marked", -EPROTO, "does not belong to it"),
	       "a segment with another channel's marks is refused");
	tap_ok(!ringshm_unlink("marked") && machine_segments() == 1, "and not removed with the channel");
	tap_ok(remove_segments(), "its owner removes it");
	tap_ok(make("gone", RINGSHM_BACKEND_SYSV) && remove_segments() && refused("gone", -ENXIO, "RemoveIPC"),
	       "a segment that is gone: the sentence names ipcrm and RemoveIPC");
	tap_ok(taken("gone"), "such a channel is in the way of a new one until it is removed");
	ringshm_unlink("gone");
	snprintf(give_away, sizeof(give_away), "chown 65534 %s/ringshm.theirs.*", machine_mount_path());
	tap_ok(make("theirs", RINGSHM_BACKEND_HUGETLBFS) && obey(give_away) &&
		       refused("theirs", -ENXIO, "in no hugetlbfs"),
	       "a file of another owner is not the channel's memory");
	tap_ok(!ringshm_unlink("theirs") && machine_files(machine_mount_path()) == 1,
	       "and not removed with the channel");
	obey("rm /dev/shm/ringshm-memory.*.huge/ringshm.theirs.*");
}

static int tests(void)
{
	if (machine_refusal()) {
		tap_skip("what crashes leave", machine_refusal());
		return tap_done();
	}
	if (machine_pool(16) != 16 || !machine_mount()) {
		tap_skip("what crashes leave", "there are no huge pages to be had");
		return tap_done();
	}
	half_built(RINGSHM_BACKEND_SHM);
	half_built(RINGSHM_BACKEND_HUGETLBFS);
	half_built(RINGSHM_BACKEND_THP);
	half_built(RINGSHM_BACKEND_SYSV);
	replaced(RINGSHM_BACKEND_HUGETLBFS);
	replaced(RINGSHM_BACKEND_SYSV);
	orphans();
	tap_ok(shell("rm -r kept-h") && in_child(look_from_elsewhere, NULL) && ringshm_orphans(1, NULL, NULL) == 1,
	       "from another directory of channels nothing of this one is an orphan");
	ringshm_unlink("kept-s");
	tap_ok(machine_is_clean(), "nothing is left of all this");
	marks();
	tap_ok(machine_is_clean(), "nothing is left of that either");
	return tap_done();
}

int main(void)
{
	return machine_run(tests);
}
