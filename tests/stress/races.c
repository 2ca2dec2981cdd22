// SPDX-License-Identifier: MIT
// Many processes create, open, replace and remove one name at once: does every call see a sound channel or a clear no?
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include <ringshm/ringshm.h>

#include "processes.h"
#include "random.h"
#include "tap.h"

#define PROCESSES 8
#define NAME "contended"

static char directory[256];
static int rounds = 150, kills = 400; /* races N: an Nth of both */

static struct shared {
	struct meeting meeting;
	uint8_t uuid[PROCESSES][RINGSHM_UUID_SIZE];
	uint32_t state[PROCESSES];
	uint32_t stop;
	uint64_t calls, opened;
} * shared;

static struct ringshm_config small(void)
{
	struct ringshm_config config;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 4096;
	return config;
}

static int complain(const char *call, int error)
{
	char line[700];
	int length = snprintf(line, sizeof(line), "# %s: %s\n", call, error ? ringshm_last_error() : "succeeded");

	if (write(STDOUT_FILENO, line, (size_t)length) < 0)
		return 2;
	return 1;
}

static int entries(void)
{
	DIR *d = opendir(directory);
	int count = -2; /* . and .. */

	while (d && readdir(d))
		count++;
	if (d)
		closedir(d);
	return count;
}

/* ---- everybody wants the same channel ------------------------------------------------------- */

static int want_one(void *argument)
{
	const struct ringshm_config config = small();
	long me = (long)argument;

	for (int round = 0; round < rounds; round++) {
		struct ringshm_info info = {.size = sizeof(info)};
		struct ringshm *channel;
		int error;

		if (!meet(&shared->meeting)) /* the parent has prepared the place */
			return complain("wait for the others", 0);
		error = ringshm_open_or_create(&channel, NAME, &config);
		if (error)
			return complain("open_or_create", error);
		meet(&shared->meeting); /* all have theirs */
		ringshm_info(channel, &info);
		memcpy(shared->uuid[me], info.uuid, sizeof(info.uuid));
		shared->state[me] = info.state;
		ringshm_close(channel);
		meet(&shared->meeting); /* the parent looks and clears up */
	}
	return 0;
}

static bool all_the_same(void)
{
	for (int i = 0; i < PROCESSES; i++)
		if (shared->state[i] || memcmp(shared->uuid[i], shared->uuid[0], RINGSHM_UUID_SIZE))
			return false;
	return true;
}

/* What unlink leaves when it is killed between marking a channel and renaming it. */
static void make_ruin(void)
{
	const struct ringshm_config config = small();
	const uint64_t mark = RINGSHM_STATE_SUPERSEDED;
	struct ringshm *channel;
	char path[300];
	int fd;

	if (ringshm_create(&channel, NAME, &config))
		return;
	ringshm_close(channel);
	snprintf(path, sizeof(path), "%s/" NAME "/ctl", directory);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, &mark, sizeof(mark), offsetof(struct ringshm_ctl, state)) != sizeof(mark))
		perror(path);
	close(fd);
}

static bool one_for_all(bool ruined)
{
	pid_t child[PROCESSES];
	bool good = true;

	memset(shared, 0, sizeof(*shared));
	shared->meeting.of = PROCESSES + 1;
	for (long i = 0; i < PROCESSES; i++)
		child[i] = start(want_one, (void *)i);
	for (int round = 0; round < rounds && good; round++) {
		if (ruined)
			make_ruin();
		good = meet(&shared->meeting) && meet(&shared->meeting) && meet(&shared->meeting);
		if (good && !all_the_same()) {
			tap_note("round %d: they have different channels, or one that was removed", round);
			good = false;
		}
		ringshm_unlink(NAME);
	}
	for (int i = 0; i < PROCESSES; i++) {
		if (!good)
			kill(child[i], SIGKILL);
		good = end_of(child[i]) == 0 && good;
	}
	return good;
}

/* ---- everybody does everything -------------------------------------------------------------- */

static bool allowed(int error, int one, int other)
{
	return !error || error == -one || error == -other;
}

/* Use what was opened: whatever happened to its name, it is whole. */
static int use(struct ringshm *channel)
{
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm_spsc_producer p;
	int error = ringshm_info(channel, &info);

	if (error || info.capacity != 4096)
		return complain("info", error);
	error = ringshm_spsc_producer_open(&p, channel);
	if (!allowed(error, EBUSY, ESTALE))
		return complain("producer", error);
	if (!error) {
		error = ringshm_spsc_send(&p, "x", 1);
		ringshm_spsc_producer_close(&p);
	}
	ringshm_close(channel);
	__atomic_add_fetch(&shared->opened, 1, __ATOMIC_RELAXED);
	return allowed(error, EAGAIN, ESTALE) || error == -EBUSY ? 0 : complain("send", error);
}

static int one_call(uint64_t *random)
{
	struct ringshm_config config = small();
	struct ringshm *channel = NULL;
	int error;

	switch (random_below(random, 5)) {
	case 0:
		error = ringshm_open_or_create(&channel, NAME, &config);
		if (error)
			return complain("open_or_create", error);
		break;
	case 1:
		error = ringshm_open(&channel, NAME, RINGSHM_PRODUCER | RINGSHM_CONSUMER);
		if (!allowed(error, ENOENT, ESTALE))
			return complain("open", error);
		break;
	case 2:
		error = ringshm_create(&channel, NAME, &config);
		if (!allowed(error, EEXIST, EEXIST))
			return complain("create", error);
		break;
	case 3:
		config.flags = RINGSHM_CREATE_REPLACE;
		error = ringshm_create(&channel, NAME, &config);
		if (error)
			return complain("create to replace", error);
		break;
	default:
		error = ringshm_unlink(NAME);
		return allowed(error, ENOENT, ENOENT) ? 0 : complain("unlink", error);
	}
	return channel ? use(channel) : 0;
}

static int do_everything(void *seed)
{
	uint64_t random = random_seed() + (uint64_t)(long)seed;

	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		if (one_call(&random))
			return 1;
		__atomic_add_fetch(&shared->calls, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

static bool everything_at_once(void)
{
	pid_t child[PROCESSES];
	bool good = true;

	memset(shared, 0, sizeof(*shared));
	for (long i = 0; i < PROCESSES; i++)
		child[i] = start(do_everything, (void *)i);
	rest_ns(3000000000);
	shared->stop = 1;
	for (int i = 0; i < PROCESSES; i++)
		good = end_of(child[i]) == 0 && good;
	tap_note("%lu calls, %lu channels used", (unsigned long)shared->calls, (unsigned long)shared->opened);
	return good && shared->opened;
}

/* ---- killed while they do it ---------------------------------------------------------------- */

/* What a victim may do before it is killed: some calls, on this machine and with this memory. */
static uint32_t span_of_calls(uint64_t *random)
{
	const int calls = 20;
	uint64_t began = now_ns(), span;

	for (int i = 0; i < calls; i++)
		if (one_call(random))
			return 0;
	span = 24 * (now_ns() - began) / calls;
	return span < 3000000 ? 3000000 : span > 1000000000 ? 1000000000 : (uint32_t)span;
}

static bool killed_at_random(void)
{
	uint64_t random = random_seed();
	const struct ringshm_config config = small();
	uint32_t span = span_of_calls(&random);
	struct ringshm *channel;

	memset(shared, 0, sizeof(*shared));
	for (int i = 0; span && i < kills; i++) {
		pid_t victim = start(do_everything, (void *)(long)i);

		rest_ns(random_below(&random, span));
		kill_now(victim);
		if (ringshm_open_or_create(&channel, NAME, &config)) {
			complain("open_or_create after a death", 1);
			return false;
		}
		ringshm_close(channel);
	}
	tap_note("%lu calls survived, %d did not", (unsigned long)shared->calls, kills);
	return shared->calls > (uint64_t)kills;
}

static bool leaves_nothing(void)
{
	int error = ringshm_unlink(NAME);

	if (error || entries())
		tap_note("%d entries left: %s", entries(), ringshm_last_error());
	return !error && !entries();
}

int main(int argc, char **argv)
{
	if (argc > 1 && atoi(argv[1]) > 0) {
		rounds /= atoi(argv[1]);
		kills /= atoi(argv[1]);
	}
	shared = (struct shared *)shared_memory(sizeof(*shared));
	if (!private_directory(directory)) {
		perror(directory);
		return 1;
	}
	tap_ok(one_for_all(false), "of many who open or create at once one creates and all have the same");
	tap_ok(one_for_all(true), "of many who meet a half removed channel all get the same new one");
	tap_ok(everything_at_once(), "whatever others do to the name, a call succeeds or says why not");
	tap_ok(killed_at_random(), "whoever is killed while creating or removing hinders nobody");
	tap_ok(leaves_nothing(), "removing the name removes what the dead have left");
	rmdir(directory);
	return tap_done();
}
