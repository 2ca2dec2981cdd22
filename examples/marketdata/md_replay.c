// SPDX-License-Identifier: MIT
/* md_replay: runs md_feed and md_book as two processes over an anonymous ring and watches over both. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "options.h"
#include "ring.h"

struct arguments {
	uint64_t capacity;
	const char *speed;
	const char *path;
	bool json;
};

/* One of the two programs. */
struct child {
	const char *name;
	pid_t pid;  /* 0: it has ended */
	int socket; /* our end of the one that its ring goes over */
	int status; /* exit status, once it has ended */
};

static const char doc[] =
	"Replay the capture FILE (pcap or pcapng, plain or gzip'd; - is standard input) through a ring: md_feed "
	"publishes it, md_book, another process, reads it and prints what it found.\v"
	"The exit status is the greater one of md_feed's and md_book's: 0 when all that the capture holds "
	"arrived, 1 when something is missing that the figures do not show, 2 when nothing could be begun.";

static const struct argp_option options[] = {
	{"json", OPT_JSON, NULL, 0, "Print JSON", 0},
	{"speed", OPT_SPEED, "SPEED", 0, "Pace by capture time: 1x, 10x, 0.5x ..., or max (the default)", 0},
	{"capacity", OPT_CAPACITY, "BYTES", 0, "Size of the ring, a power of two from 256K (1M)", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_SPEED:
		option_speed(arg, state); /* md_feed reads it again; here it is only refused in time */
		args->speed = arg;
		return 0;
	case OPT_CAPACITY:
		args->capacity = option_capacity(arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (args->path)
			argp_error(state, "one capture at a time");
		args->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "give a capture FILE, or - for standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Becomes the program `name` beside this one, with `socket` as its ring's source. */
static void become(const char *name, int socket, char **argv)
{
	char self[PATH_MAX], path[PATH_MAX + 32], option[32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		n = 0;
	self[n] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dirname(self), name);
	snprintf(option, sizeof(option), "--socket=%d", socket);
	argv[0] = (char *)name;
	argv[1] = option;
	execv(path, argv);
	fprintf(stderr, "md_replay: %s cannot be started: %s; build it beside md_replay\n", path, strerror(errno));
	_exit(MD_NOTHING);
}

/*
 * In the fork child: die with the parent, whatever it waits for.  SIGINT and SIGTERM stay blocked
 * until the program itself is ready for them, in stop_catch().
 */
static void settle(pid_t parent, bool ignore_int)
{
	sigset_t children;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(MD_NOTHING);
	if (ignore_int)
		signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_UNBLOCK, &children, NULL);
}

/* Fork a child that becomes `child->name`; argv[0] and argv[1] are filled in there. */
static int start(struct child *child, char **argv, bool ignore_int)
{
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		settle(parent, ignore_int);
		fcntl(pair[1], F_SETFD, 0);
		become(child->name, pair[1], argv);
	}
	close(pair[1]);
	child->socket = pair[0];
	child->pid = pid > 0 ? pid : 0;
	return pid < 0 ? -1 : 0;
}

static void signal_child(const struct child *child, int signo)
{
	if (child->pid)
		kill(child->pid, signo);
}

/* Note how a child ended. */
static void ended(struct child *child, int wstatus)
{
	child->pid = 0;
	child->status = MD_PARTIAL;
	if (WIFEXITED(wstatus))
		child->status = WEXITSTATUS(wstatus);
	else
		fprintf(stderr, "md_replay: %s was killed by signal %d (%s)\n", child->name, WTERMSIG(wstatus),
			strsignal(WTERMSIG(wstatus)));
}

/*
 * A feed that has ended will send no more: the ring is shut down, and a book
 * that still waits reads it empty and ends.  A feed that could not even begin
 * has said why, and there is nothing to report.
 */
static void feed_ended(struct child *feed, const struct child *book, struct ringshm *channel, int wstatus)
{
	ended(feed, wstatus);
	if (feed->status == MD_NOTHING)
		signal_child(book, SIGTERM);
	else
		ringshm_shutdown(channel);
}

/* Take in whoever has ended.  A book that has ended leaves the feed nothing to do. */
static void reap(struct child *feed, struct child *book, struct ringshm *channel)
{
	int wstatus;
	pid_t pid;

	while ((pid = waitpid(-1, &wstatus, WNOHANG)) > 0) {
		if (pid == feed->pid) {
			feed_ended(feed, book, channel, wstatus);
		} else if (pid == book->pid) {
			ended(book, wstatus);
			signal_child(feed, SIGTERM);
		}
	}
}

/* The first wish to stop lets the feed end the stream in order, the second ends both, the third kills both. */
static void pass_on(const struct child *feed, const struct child *book, unsigned int wishes)
{
	if (wishes == 1) {
		signal_child(feed, SIGINT);
		return;
	}
	signal_child(feed, wishes == 2 ? SIGTERM : SIGKILL);
	signal_child(book, wishes == 2 ? SIGTERM : SIGKILL);
}

/*
 * The next signal. A feed without a book was told to end, but perhaps between its last look and a call
 * that blocks: it is told again until it hears.
 */
static int next_signal(const struct child *feed, const struct child *book, const sigset_t *signals)
{
	static const struct timespec a_while = {.tv_nsec = 200000000};
	int signo;

	if (!feed->pid || book->pid)
		return sigwaitinfo(signals, NULL);
	signo = sigtimedwait(signals, NULL, &a_while);
	if (signo < 0 && errno == EAGAIN)
		signal_child(feed, SIGTERM);
	return signo;
}

static void watch(struct child *feed, struct child *book, struct ringshm *channel, const sigset_t *signals)
{
	unsigned int wishes = 0;
	int signo;

	for (reap(feed, book, channel); feed->pid || book->pid; reap(feed, book, channel)) {
		signo = next_signal(feed, book, signals);
		if (signo == SIGINT || signo == SIGTERM)
			pass_on(feed, book, ++wishes);
	}
}

static int send_ring(struct ringshm *channel, const struct child *child, unsigned int access)
{
	if (ringshm_send_fd(channel, child->socket, access) == 0)
		return 0;
	fprintf(stderr, "md_replay: %s\n", ringshm_last_error());
	return -1;
}

static int start_both(const struct arguments *args, struct child *feed, struct child *book)
{
	char speed[64];
	char *feed_argv[] = {NULL, NULL, speed, (char *)"--", (char *)args->path, NULL};
	char *book_argv[] = {NULL, NULL, args->json ? (char *)"--json" : NULL, NULL};

	snprintf(speed, sizeof(speed), "--speed=%s", args->speed);
	/* ^C goes to every process of the terminal: the feed answers it, the book reads on to the feed's end. */
	if (start(book, book_argv, true) < 0 || start(feed, feed_argv, false) < 0) {
		fprintf(stderr, "md_replay: no process could be started: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

static int replay(const struct arguments *args, struct ringshm *channel, const sigset_t *signals)
{
	struct child feed = {.name = "md_feed"}, book = {.name = "md_book"};
	int failed = MD_OK;

	if (start_both(args, &feed, &book) < 0 || send_ring(channel, &book, RINGSHM_CONSUMER) < 0 ||
	    send_ring(channel, &feed, RINGSHM_PRODUCER) < 0) {
		signal_child(&feed, SIGTERM);
		signal_child(&book, SIGTERM);
		failed = MD_NOTHING;
	}
	watch(&feed, &book, channel, signals);
	ringshm_close(channel);
	if (failed)
		return failed;
	return feed.status > book.status ? feed.status : book.status;
}

/* From here on signals are waited for, not caught: none can slip in between a look and a wait. */
static void take_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGCHLD);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigprocmask(SIG_BLOCK, signals, NULL);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {options, parse, "FILE", doc, NULL, NULL, NULL};
	struct arguments args = {.capacity = MD_CAPACITY_DEFAULT, .speed = "max"};
	struct ringshm_config config;
	struct ringshm *channel;
	sigset_t signals;

	argp_err_exit_status = MD_NOTHING;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	signal(SIGPIPE, SIG_IGN); /* a child may be gone when its ring is sent */
	take_signals(&signals);
	ring_config(&config, args.capacity);
	if (ringshm_create(&channel, NULL, &config) < 0) {
		fprintf(stderr, "md_replay: %s\n", ringshm_last_error());
		return MD_NOTHING;
	}
	return replay(&args, channel, &signals);
}
