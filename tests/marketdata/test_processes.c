// SPDX-License-Identifier: MIT
/* md_feed and md_book as two programs: found by name, in either order, and what each does when the other ends. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <ringshm/ringshm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "craft.h"
#include "runner.h"

#define PACKETS 30000u /* one a millisecond: half a minute, if nobody ends it */

static struct run feed, book;
static const char *capture; /* of PACKETS packets of one message each */
static char directory[64];
static pid_t feeder, reader; /* children of md_replay */

static void setup(void)
{
	struct messages m = {0};
	struct file file;
	unsigned int i;

	snprintf(directory, sizeof(directory), "/dev/shm/md-test-XXXXXX");
	cr_assert(mkdtemp(directory));
	setenv("RINGSHM_DIR", directory, 1);
	file_begin(&file, PCAP_NANO);
	add_message(&m, "message", 7);
	for (i = 0; i < PACKETS; i++)
		file_packet(&file, &(struct frame){.first_seq = i + 1}, &m);
	capture = save(&file.bytes, file.bytes.len);
	messages_free(&m);
	file_end(&file);
}

/* How many channels are left; those of killed feeds are removed. */
static unsigned int leftovers(void)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir = opendir(directory);

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' && (!entry->d_name[1] || entry->d_name[1] == '.'))
			continue;
		n++;
		ringshm_unlink(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

static void teardown(void)
{
	run_free(&feed);
	run_free(&book);
	leftovers();
	rmdir(directory);
	save_none();
}

TestSuite(processes, .init = setup, .fini = teardown);

static void rest(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void start_feed(const char *speed)
{
	run_start(&feed, "md_feed", (const char *[]){"--ring=t", speed, capture, NULL});
}

static void start_book(void)
{
	run_start(&book, "md_book", (const char *[]){"--ring=t", "--json", NULL});
}

/* Wait until the ring is there and the book has read `bytes` of it. */
static void await_progress(uint64_t bytes)
{
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm *channel;
	unsigned int looks;
	bool there = false;

	for (looks = 0; looks < 10000 && !there; looks++) {
		rest();
		if (ringshm_open(&channel, "t", RINGSHM_OBSERVER) < 0)
			continue;
		there = ringshm_info(channel, &info) == 0 && info.head >= info.start_position + bytes;
		ringshm_close(channel);
	}
	cr_assert(there, "no ring, or no progress, in 20 s");
}

static void says(const struct run *run, const char *words)
{
	cr_expect(strstr(run->stderr_text, words), "nothing of '%s' in: %s", words, run->stderr_text);
}

static void finish(int feed_status, int book_status)
{
	run_finish(&feed);
	run_finish(&book);
	cr_expect_eq(feed.status, feed_status, "md_feed's status is %d: %s", feed.status, feed.stderr_text);
	cr_expect_eq(book.status, book_status, "md_book's status is %d: %s", book.status, book.stderr_text);
}

static void all_arrived(void)
{
	cr_expect_eq(figure(&book, "packets"), PACKETS);
	cr_expect_eq(figure(&book, "messages"), PACKETS);
	cr_expect_eq(leftovers(), 0);
}

Test(processes, the_feed_may_come_first)
{
	start_feed("--speed=max");
	await_progress(0);
	start_book();
	finish(0, 0);
	all_arrived();
}

Test(processes, the_book_may_come_first)
{
	start_book();
	nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	start_feed("--speed=max");
	finish(0, 0);
	all_arrived();
}

Test(processes, a_killed_feed_is_noticed_and_what_arrived_is_reported)
{
	start_feed("--speed=1x");
	start_book();
	await_progress(1000);
	kill(feed.pid, SIGKILL);
	finish(128 + SIGKILL, 1);
	says(&book, "the feed died or left before its last record");
	cr_expect_gt(figure(&book, "messages"), 10);
	cr_expect(json_is_null(json_object_get(book.json, "packets")));
	cr_expect(json_is_null(json_object_get(book.json, "truncated")));
}

Test(processes, the_ring_of_a_killed_feed_is_replaced_by_the_next)
{
	start_feed("--speed=1x");
	start_book();
	await_progress(1000);
	kill(feed.pid, SIGKILL);
	finish(128 + SIGKILL, 1);
	run_free(&feed);
	run_free(&book);
	start_book(); /* does not take the dead feed's ring for a living one */
	nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	start_feed("--speed=max");
	finish(0, 0);
	all_arrived();
}

Test(processes, a_killed_book_ends_the_feed)
{
	start_feed("--speed=1x");
	start_book();
	await_progress(1000);
	kill(book.pid, SIGKILL);
	finish(1, 128 + SIGKILL);
	says(&feed, "the reader is gone");
	cr_expect_eq(leftovers(), 0);
}

Test(processes, an_interrupted_feed_sends_its_last_record)
{
	start_feed("--speed=1x");
	start_book();
	await_progress(1000);
	kill(feed.pid, SIGINT);
	finish(0, 0);
	says(&feed, "stopped by a signal after");
	cr_expect_gt(figure(&book, "packets"), 10);
	cr_expect_eq(figure(&book, "packets"), figure(&book, "messages"));
	cr_expect_eq(leftovers(), 0);
}

Test(processes, an_interrupted_book_reports_what_it_has)
{
	start_feed("--speed=1x");
	start_book();
	await_progress(1000);
	kill(book.pid, SIGINT);
	finish(1, 0);
	says(&book, "stopped by a signal after");
	says(&feed, "the reader is gone");
	cr_expect_gt(figure(&book, "messages"), 10);
	cr_expect_eq(leftovers(), 0);
}

Test(processes, a_feed_whose_reader_is_stopped_can_still_be_interrupted)
{
	start_feed("--speed=1x");
	start_book();
	await_progress(1000);
	kill(book.pid, SIGSTOP);
	kill(feed.pid, SIGINT);
	run_finish(&feed);
	cr_expect_eq(feed.status, 0, "%d: %s", feed.status, feed.stderr_text);
	kill(book.pid, SIGCONT);
	run_finish(&book);
	cr_expect_geq(book.status, 0, "the book hangs");
	cr_expect_gt(figure(&book, "messages"), 10);
}

Test(processes, a_feed_that_nobody_reads_says_what_to_start)
{
	run_program(&feed, "md_feed", (const char *[]){"--ring=t", "--wait=0", capture, NULL});
	cr_expect_eq(feed.status, 2);
	says(&feed, "md_book --ring=t");
	cr_expect_eq(leftovers(), 0);
}

Test(processes, a_book_without_a_feed_says_what_to_start)
{
	run_program(&book, "md_book", (const char *[]){"--ring=t", "--wait=0", NULL});
	cr_expect_eq(book.status, 2);
	says(&book, "md_feed --ring=t");
}

Test(processes, two_feeds_do_not_share_a_name)
{
	static struct run second;

	start_feed("--speed=1x");
	start_book();
	await_progress(1000);
	run_program(&second, "md_feed", (const char *[]){"--ring=t", capture, NULL});
	cr_expect_eq(second.status, 2);
	says(&second, "another feed publishes into ring t");
	run_free(&second);
	kill(feed.pid, SIGINT);
	finish(0, 0);
}

Test(processes, two_books_do_not_share_a_ring)
{
	static struct run second;

	start_feed("--speed=1x");
	start_book();
	await_progress(1000);
	run_program(&second, "md_book", (const char *[]){"--ring=t", NULL});
	cr_expect_eq(second.status, 2, "%d: %s", second.status, second.stderr_text);
	cr_expect(second.stderr_text[0]);
	run_free(&second);
	kill(feed.pid, SIGINT);
	finish(0, 0);
}

/* ---- md_replay's two children ---- */

/* The child of `parent` that runs `name`; 0: none. */
static pid_t child_of(pid_t parent, const char *name)
{
	char path[64], comm[64];
	struct dirent *entry;
	pid_t found = 0;
	int pid, ppid;
	DIR *proc = opendir("/proc");
	FILE *stat;

	while (!found && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%.20s/stat", entry->d_name);
		stat = atoi(entry->d_name) ? fopen(path, "r") : NULL;
		if (!stat)
			continue;
		if (fscanf(stat, "%d (%63[^)]) %*c %d", &pid, comm, &ppid) == 3 && ppid == parent &&
		    !strcmp(comm, name))
			found = pid;
		fclose(stat);
	}
	closedir(proc);
	return found;
}

static pid_t await_child(const char *name)
{
	unsigned int looks;
	pid_t pid = 0;

	for (looks = 0; looks < 5000 && !pid; looks++) {
		rest();
		pid = child_of(feed.pid, name);
	}
	cr_assert(pid, "%s did not start in 10 s", name);
	return pid;
}

/* `feed` is md_replay here. */
static void start_replay(void)
{
	run_start(&feed, "md_replay", (const char *[]){"--json", "--speed=1x", capture, NULL});
}

static void replay_killing(const char *name)
{
	char words[64];
	pid_t pid;

	start_replay();
	await_child("md_book");
	pid = await_child(name);
	kill(pid, SIGKILL);
	run_finish(&feed);
	cr_expect_eq(feed.status, 1, "%d: %s", feed.status, feed.stderr_text);
	snprintf(words, sizeof(words), "%s was killed by signal 9 (Killed)", name);
	says(&feed, words);
	cr_expect_eq(leftovers(), 0);
}

Test(processes, replay_reports_a_feed_that_was_killed)
{
	replay_killing("md_feed");
	says(&feed, "the feed died or left before its last record");
	cr_expect(json_is_null(json_object_get(feed.json, "packets")), "%s", feed.stdout_text);
}

Test(processes, replay_reports_a_book_that_was_killed)
{
	replay_killing("md_book");
	cr_expect_str_empty(feed.stdout_text);
}

Test(processes, replay_ends_in_order_when_interrupted)
{
	start_replay();
	await_child("md_book");
	await_child("md_feed");
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	kill(feed.pid, SIGINT);
	run_finish(&feed);
	cr_expect_eq(feed.status, 0, "%d: %s", feed.status, feed.stderr_text);
	cr_expect(feed.json, "%s%s", feed.stdout_text, feed.stderr_text);
	cr_expect_eq(figure(&feed, "packets"), figure(&feed, "messages"));
	cr_expect_eq(leftovers(), 0);
}

/*
 * A capture that never comes: md_feed hangs in opening it, before it has taken
 * its role in the ring, and nothing but a signal moves it.
 */
static void start_replay_of_nothing(void)
{
	static char fifo[96];

	snprintf(fifo, sizeof(fifo), "%s.fifo", capture);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	run_start(&feed, "md_replay", (const char *[]){"--json", fifo, NULL});
	feeder = await_child("md_feed");
	reader = await_child("md_book");
}

static void finish_replay_of_nothing(int status)
{
	char fifo[96];

	run_finish(&feed);
	cr_expect_eq(feed.status, status, "%d: %s", feed.status, feed.stderr_text);
	snprintf(fifo, sizeof(fifo), "%s.fifo", capture);
	unlink(fifo);
	cr_expect_eq(leftovers(), 0);
}

Test(processes, a_feed_killed_before_it_began_leaves_nobody_waiting)
{
	start_replay_of_nothing();
	kill(feeder, SIGKILL);
	finish_replay_of_nothing(1);
	says(&feed, "the feed died or left before its last record");
}

Test(processes, a_feed_that_hangs_is_ended_when_its_book_is_killed)
{
	start_replay_of_nothing();
	kill(reader, SIGKILL);
	finish_replay_of_nothing(2);
	says(&feed, "md_book was killed by signal 9");
}

/* Wait until an orphan has ended; we inherit it. */
static void await_orphan(pid_t pid)
{
	unsigned int looks;

	for (looks = 0; looks < 5000 && waitpid(pid, NULL, WNOHANG) != pid; looks++)
		rest();
	cr_expect_lt(looks, 5000, "a child survives");
	if (looks == 5000)
		kill(pid, SIGKILL);
}

Test(processes, nothing_is_left_behind_when_replay_is_killed)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	start_replay_of_nothing();
	kill(feed.pid, SIGKILL);
	finish_replay_of_nothing(128 + SIGKILL);
	await_orphan(feeder);
	await_orphan(reader);
}
