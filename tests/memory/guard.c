/* SPDX-License-Identifier: MIT */
/* ringshm_guard(): files cut short under running endpoints. Prints TAP. */
#include "machine.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "cut"

/* Who goes on working while which file is cut short. */
struct loss {
	const char *file; /* of the channel; NULL: the file in the hugetlbfs */
	bool producing;
	bool guarded;
};

static struct ringshm *make(const struct loss *loss)
{
	struct ringshm_config config;
	struct ringshm *channel = NULL;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 65536;
	config.backend = loss->file ? RINGSHM_BACKEND_SHM : RINGSHM_BACKEND_HUGETLBFS;
	config.flags = RINGSHM_CREATE_REPLACE;
	if (ringshm_create(&channel, NAME, &config))
		tap_note("%s", ringshm_last_error());
	return channel;
}

/* What anybody with permission to write can do. */
static bool cut(const struct loss *loss)
{
	char command[256];

	if (loss->file)
		snprintf(command, sizeof(command), "truncate -s 0 %s/" NAME "/%s", ringshm_directory(), loss->file);
	else
		snprintf(command, sizeof(command), "truncate -s 0 %s/ringshm.*", machine_mount_path());
	return obey(command);
}

/* Calls go on until one says why there will be no more; each of them touches the memory that is gone. */
static int produce_on(struct ringshm_spsc_producer *p)
{
	int error = 0;

	for (int i = 0; i < 100000 && (!error || error == -EAGAIN); i++)
		error = ringshm_spsc_send(p, "0123456789", 10);
	return error;
}

static int consume_on(struct ringshm_spsc_consumer *c)
{
	uint32_t len;
	char text[64];
	int error = 0;

	for (int i = 0; i < 100000 && (!error || error == -EAGAIN); i++)
		error = ringshm_spsc_recv(c, text, sizeof(text), &len);
	return error;
}

/* Both ends in one process; the one that is not asked about is there to keep the ring from standing still. */
static bool survives(void *context)
{
	const struct loss *loss = (const struct loss *)context;
	struct ringshm *channel = make(loss), *other = NULL;
	struct ringshm_spsc_producer p;
	struct ringshm_spsc_consumer c;
	int status;

	signal(SIGBUS, SIG_DFL); /* not a sanitizer's */
	if (!channel || (loss->guarded && ringshm_guard()))
		return false;
	if (ringshm_spsc_producer_open(&p, channel) || ringshm_spsc_consumer_open(&c, channel))
		return false;
	for (int i = 0; i < 100; i++)
		ringshm_spsc_send(&p, "before", 6);
	if (!cut(loss))
		return false;
	status = loss->producing ? produce_on(&p) : consume_on(&c);
	if (status != -EPROTO || (loss->producing ? p.status : c.status) != -EPROTO)
		tap_note("status %d", status);
	ringshm_spsc_producer_close(&p);
	ringshm_spsc_consumer_close(&c);
	/* and no newcomer is let into what is left, whichever way it comes */
	if (!ringshm_spsc_producer_open(&p, channel) || !ringshm_open(&other, NAME, RINGSHM_CONSUMER))
		return false;
	ringshm_close(channel);
	return status == -EPROTO;
}

static void try_loss(const char *file, bool producing)
{
	struct loss loss = {.file = file, .producing = producing, .guarded = true};
	const char *what = file ? file : "data in huge pages";
	char question[128];
	int status;

	snprintf(question, sizeof(question), "'%s' cut short: a guarded %s gets -EPROTO", what,
		 producing ? "producer" : "consumer");
	tap_ok(in_child(survives, &loss), question);
	loss.guarded = false;
	status = child_status(survives, &loss);
	snprintf(question, sizeof(question), "'%s' cut short: without the guard that %s dies", what,
		 producing ? "producer" : "consumer");
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, question);
}

/* A handle looks at the control files through mappings of its own. */
static bool handle_survives(void *context)
{
	struct loss loss = {.file = "ctl"};
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm *channel = make(&loss);

	(void)context;
	return channel && !ringshm_guard() && cut(&loss) && !ringshm_info(channel, &info) &&
	       info.state & RINGSHM_STATE_BROKEN;
}

/* One channel is lost; the same process goes on with another one. */
static bool others_go_on(void *context)
{
	struct loss loss = {.file = "data"};
	struct ringshm_config config;
	struct ringshm *lost = make(&loss), *kept = NULL;
	struct ringshm_spsc_producer p, q;
	struct ringshm_spsc_consumer c;
	char text[8];
	uint32_t len;

	(void)context;
	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 4096;
	if (!lost || ringshm_create(&kept, NULL, &config) || ringshm_guard() || ringshm_spsc_producer_open(&p, lost) ||
	    ringshm_spsc_producer_open(&q, kept) || ringshm_spsc_consumer_open(&c, kept) ||
	    ringshm_spsc_send(&q, "kept", 4) || !cut(&loss))
		return false;
	return produce_on(&p) == -EPROTO && !ringshm_spsc_recv(&c, text, sizeof(text), &len) && len == 4 &&
	       !memcmp(text, "kept", 4) && !ringshm_spsc_send(&q, "kept", 4);
}

/* ---- faults that are none of the library's -------------------------------------------------- */

static void *volatile mine;

static void on_my_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	_exit(number == SIGBUS && info->si_addr == mine ? 0 : 1);
}

static bool touch_lost_page(void)
{
	int fd = memfd_create("mine", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 4096))
		return false;
	mine = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (mine == MAP_FAILED || ftruncate(fd, 0))
		return false;
	return *(volatile char *)mine == 0;
}

static bool mine_is_called(void *context)
{
	struct sigaction action = {.sa_sigaction = on_my_fault, .sa_flags = SA_SIGINFO};

	(void)context;
	if (sigaction(SIGBUS, &action, NULL) || ringshm_guard() || ringshm_guard())
		return false;
	touch_lost_page();
	return false; /* the handler does not come back */
}

static bool default_kills(void *context)
{
	(void)context;
	if (signal(SIGBUS, SIG_DFL) == SIG_ERR || ringshm_guard())
		return false;
	touch_lost_page();
	return true;
}

static bool sent_kills(void *context)
{
	(void)context;
	if (signal(SIGBUS, SIG_DFL) == SIG_ERR || ringshm_guard())
		return false;
	raise(SIGBUS);
	return true;
}

static bool sent_is_ignored(void *context)
{
	(void)context;
	if (signal(SIGBUS, SIG_IGN) == SIG_ERR || ringshm_guard())
		return false;
	raise(SIGBUS);
	return true;
}

static bool dies_of_it(bool (*question)(void *context))
{
	int status = child_status(question, NULL);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

static int tests(void)
{
	static const char *const files[] = {"data", "ctl", "cons"};

	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		for (int producing = 0; producing < 2; producing++)
			try_loss(files[i], producing);
	if (machine_refusal())
		tap_skip("huge pages cut short", machine_refusal());
	else if (machine_pool(8) < 4 || !machine_mount())
		tap_skip("huge pages cut short", "there are no huge pages to be had");
	else
		for (int producing = 0; producing < 2; producing++)
			try_loss(NULL, producing);
	tap_ok(in_child(handle_survives, NULL), "a handle whose control file is cut short says that it is broken");
	tap_ok(in_child(others_go_on, NULL), "other channels of the same process go on");
	tap_ok(in_child(mine_is_called, NULL), "a fault elsewhere goes to the handler that was there before");
	tap_ok(dies_of_it(default_kills), "a fault elsewhere ends a process without one");
	tap_ok(dies_of_it(sent_kills), "a signal that somebody sends ends a process without a handler");
	tap_ok(in_child(sent_is_ignored, NULL), "a signal that somebody sends is ignored where it was");
	ringshm_unlink(NAME);
	return tap_done();
}

int main(void)
{
	return machine_run(tests);
}
