// SPDX-License-Identifier: MIT
/* run_pair.c - a sampler and a viewer, each in a process of its own, and who watches over both. */
#include "roles.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define GRACE_NS (3 * NS_PER_S) /* from being told to end to being killed */

struct child {
	const char *role;
	const char *comm; /* what ps, top and `ringshm stat` call the process */
	unsigned int access;
	int (*run)(struct ringshm *channel, const struct tel_options *options, bool paired);
	pid_t pid;
	int socket; /* the parent's end: the channel goes through it */
	int status; /* of waitpid(), once `ended` */
	bool ended; /* or never begun */
};

struct pair {
	const struct tel_options *options;
	struct child sampler, viewer;
	sigset_t signals;
	int64_t kill_at; /* 0: nobody was told to end */
	bool failed;	 /* could not be started in full */
	struct termios terminal;
	bool has_terminal;
};

/* In the child: get the channel, drop what is the parent's, play the role. */
static int child_main(const struct child *child, int socket, const struct tel_options *options)
{
	struct ringshm *channel;
	int status;

	if (ringshm_recv_fd(&channel, socket)) {
		tel_complain("%s: %s", child->role, ringshm_last_error());
		return 1;
	}
	close(socket);
	status = child->run(channel, options, true);
	ringshm_close(channel);
	return status;
}

static int start(struct pair *pair, struct child *child)
{
	pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		tel_complain("a socket for the %s: %s", child->role, strerror(errno));
		return -1;
	}
	child->pid = fork();
	if (child->pid == 0) {
		/* whatever becomes of the parent, nobody is left behind */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		prctl(PR_SET_NAME, child->comm);
		if (getppid() != parent)
			_exit(1);
		close(ends[0]);
		if (child == &pair->viewer)
			close(pair->sampler.socket);
		sigprocmask(SIG_UNBLOCK, &pair->signals, NULL);
		exit(child_main(child, ends[1], pair->options));
	}
	child->socket = ends[0];
	child->ended = child->pid < 0;
	if (child->ended)
		tel_complain("a process for the %s: %s", child->role, strerror(errno));
	close(ends[1]);
	return child->ended ? -1 : 0;
}

/* The parent holds the channel no longer than it takes to hand it on. */
static int hand_out_channel(struct pair *pair)
{
	struct ringshm_config config;
	struct ringshm *channel;
	int err;

	tel_channel_config(&config, pair->options);
	err = ringshm_create(&channel, NULL, &config);
	if (err) {
		tel_complain("%s", ringshm_last_error());
		return err;
	}
	err = ringshm_send_fd(channel, pair->viewer.socket, pair->viewer.access);
	if (!err)
		err = ringshm_send_fd(channel, pair->sampler.socket, pair->sampler.access);
	if (err)
		tel_complain("%s", ringshm_last_error());
	ringshm_close(channel);
	return err;
}

static void tell(const struct child *child, int sig)
{
	if (!child->ended)
		kill(child->pid, sig);
}

/* From here on everybody ends within the grace. */
static void end_soon(struct pair *pair)
{
	tell(&pair->sampler, SIGTERM);
	if (!pair->kill_at)
		pair->kill_at = tel_now_ns() + GRACE_NS;
}

static bool went_well(const struct child *child)
{
	return child->ended && WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0;
}

/*
 * A sampler that ends well has said goodbye: the viewer shows all there is,
 * in its own time. In every other case the rest has to end soon.
 */
static void reap(struct pair *pair, struct child *child)
{
	if (child->ended || waitpid(child->pid, &child->status, WNOHANG) != child->pid)
		return;
	child->ended = true;
	if (WIFSIGNALED(child->status))
		tel_complain("the %s (pid %d) was killed: %s", child->role, (int)child->pid,
			     strsignal(WTERMSIG(child->status)));
	if (child != &pair->sampler || !went_well(child))
		end_soon(pair);
}

static void wait_for_both(struct pair *pair)
{
	const struct timespec look = {.tv_nsec = NS_PER_S / 4};

	while (!pair->sampler.ended || !pair->viewer.ended) {
		int sig = sigtimedwait(&pair->signals, NULL, &look);

		reap(pair, &pair->sampler);
		reap(pair, &pair->viewer);
		if (sig > 0 && sig != SIGCHLD)
			end_soon(pair);
		if (pair->kill_at && tel_now_ns() >= pair->kill_at) {
			tell(&pair->viewer, SIGKILL);
			tell(&pair->sampler, SIGKILL);
		}
	}
}

static void take_signals(struct pair *pair)
{
	sigemptyset(&pair->signals);
	sigaddset(&pair->signals, SIGINT);
	sigaddset(&pair->signals, SIGTERM);
	sigaddset(&pair->signals, SIGHUP);
	sigaddset(&pair->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &pair->signals, NULL);
	signal(SIGPIPE, SIG_IGN); /* a child that is gone already: send_fd says so */
	pair->has_terminal = tcgetattr(STDOUT_FILENO, &pair->terminal) == 0;
}

/* A viewer that was killed left the terminal as it was painting. */
static void mend_terminal(const struct pair *pair)
{
	if (pair->has_terminal && WIFSIGNALED(pair->viewer.status))
		tcsetattr(STDOUT_FILENO, TCSADRAIN, &pair->terminal);
}

int tel_run_pair(const struct tel_options *options)
{
	struct pair pair = {
		.options = options,
		.sampler = {"sampler", "tele-sampler", RINGSHM_PRODUCER, tel_run_sampler, 0, -1, 0, true},
		.viewer = {"viewer", "tele-viewer", RINGSHM_CONSUMER, tel_run_viewer, 0, -1, 0, true},
	};

	take_signals(&pair);
	/* forked before anything is mapped: each child attaches for itself */
	pair.failed = start(&pair, &pair.sampler) || start(&pair, &pair.viewer) || hand_out_channel(&pair);
	close(pair.sampler.socket); /* a child still waiting for the channel sees the end */
	close(pair.viewer.socket);
	if (pair.failed)
		end_soon(&pair);
	wait_for_both(&pair);
	mend_terminal(&pair);
	return !pair.failed && went_well(&pair.sampler) && went_well(&pair.viewer) ? 0 : 1;
}
