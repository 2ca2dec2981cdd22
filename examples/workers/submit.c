// SPDX-License-Identifier: MIT
/* The submitter: send every block, collect the members in order, send again what died with its worker. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "queue.h"
#include "roles.h"

#define WINDOW 256	   /* blocks under way at most: what may have to be kept until its turn to be written */
#define DISMISS_TRIES 1000 /* 1 ms each */
#define QUIET_NS 10000000  /* without a result for so long, count who died */

/* A block that is under way, at its number modulo WINDOW. */
struct block {
	unsigned char *member; /* came back, not written yet */
	uint32_t length;
	bool out; /* sent, and not come back */
};

struct submitter {
	const struct options *options;
	struct queue queue;
	struct ringshm_mpmc_producer jobs;
	struct ringshm_mpmc_consumer results;
	int input, output;
	uint64_t size, blocks;	/* of the input */
	uint64_t next, written; /* first block never sent, first not written */
	struct block window[WINDOW];
	/* the books */
	uint64_t sent, done, twice, lost, bytes_out;
	uint64_t heard_ns; /* when the last result came */
	bool told;	   /* that there is no worker */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void die_of(const char *what, const char *file)
{
	fprintf(stderr, "workers: %s %s: %s\n", what, file, strerror(errno));
	exit(1);
}

static struct block *block_of(struct submitter *s, uint64_t number)
{
	return &s->window[number % WINDOW];
}

/* ---- jobs ----------------------------------------------------------------------------------- */

/* Straight from the file into the ring. False: no room now. */
static bool send_block(struct submitter *s, uint64_t number)
{
	uint64_t at = number * s->options->block, left = s->size - at;
	uint32_t length = left < s->options->block ? (uint32_t)left : s->options->block;
	struct parcel *job = (struct parcel *)ringshm_mpmc_reserve(&s->jobs, (uint32_t)sizeof(*job) + length);

	if (!job)
		return false;
	job->block = number;
	if (pread(s->input, job->bytes, length, (off_t)at) != (ssize_t)length) {
		ringshm_mpmc_discard(&s->jobs);
		queue_remove(s->options->submit);
		die_of("read", s->options->input);
	}
	ringshm_mpmc_commit(&s->jobs, (uint32_t)sizeof(*job) + length);
	block_of(s, number)->out = true;
	s->sent++;
	return true;
}

static void send_new(struct submitter *s)
{
	while (s->next < s->blocks && s->next < s->written + WINDOW && send_block(s, s->next))
		s->next++;
}

/*
 * Jobs that never came back are either in the hands of a worker, or lost with one, and the ring counts those. When
 * the count covers all of them, nobody has them any more: send them again. No time-out decides.
 */
static void reckon(struct submitter *s)
{
	struct ringshm_info info = {.size = sizeof(info)};

	ringshm_mpmc_producer_recover(&s->jobs); /* free, and so count, what the dead held */
	if (ringshm_info(s->queue.jobs, &info))
		die("look at the jobs");
	s->lost = info.lost_consumed;
	if (s->sent - s->done - s->twice <= s->lost)
		for (uint64_t number = s->written; number < s->next; number++)
			if (block_of(s, number)->out)
				send_block(s, number); /* no room: at the next reckoning */
	if (!info.consumers && !s->told) {
		fprintf(stderr, "workers: nobody is at work; start one: workers --work=%s\n", s->options->submit);
		s->told = true;
	}
}

/* ---- results -------------------------------------------------------------------------------- */

static void write_all(struct submitter *s, const unsigned char *bytes, uint32_t length)
{
	ssize_t n;

	for (; length; bytes += n, length -= (uint32_t)n) {
		n = write(s->output, bytes, length);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0) {
			queue_remove(s->options->submit);
			die_of("write", s->options->output);
		}
		s->bytes_out += (uint64_t)n;
	}
}

static void write_in_order(struct submitter *s)
{
	struct block *block = block_of(s, s->written);

	while (block->member) {
		write_all(s, block->member, block->length);
		free(block->member);
		*block = (struct block){0};
		block = block_of(s, ++s->written);
	}
}

static void keep(struct submitter *s, const struct parcel *result, uint32_t length)
{
	struct block *block = block_of(s, result->block);

	if (result->block < s->written || result->block >= s->next || !block->out) {
		s->twice++;
		return;
	}
	block->length = length - (uint32_t)sizeof(*result);
	block->member = (unsigned char *)malloc(block->length);
	if (!block->member) {
		queue_remove(s->options->submit);
		die_of("keep a part of", s->options->output);
	}
	memcpy(block->member, result->bytes, block->length);
	block->out = false;
	s->done++;
}

/* 0, -ETIMEDOUT, or why the results have ended. */
static int collect(struct submitter *s)
{
	const void *result;
	uint32_t length;
	int error = ringshm_mpmc_peek_wait(&s->results, QUIET_NS, &result, &length);

	if (error)
		return error;
	for (; result; result = ringshm_mpmc_peek(&s->results, &length)) {
		if (length > sizeof(struct parcel))
			keep(s, (const struct parcel *)result, length);
		ringshm_mpmc_release(&s->results, 1);
	}
	s->heard_ns = now_ns();
	s->told = false;
	write_in_order(s);
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static bool is_patient(const struct submitter *s)
{
	return now_ns() - s->heard_ns < (uint64_t)s->options->patience * 1000000000;
}

static void submit_all(struct submitter *s)
{
	int error = 0;

	s->heard_ns = now_ns();
	while (s->written < s->blocks && !stopped && is_patient(s)) {
		send_new(s);
		error = collect(s);
		if (error == -ETIMEDOUT)
			reckon(s);
		else if (error && error != -EINTR)
			break;
	}
	reckon(s);
	if (stopped)
		fprintf(stderr, "workers: stopped by signal %d; the output is not complete\n", (int)stopped);
	else if (s->written < s->blocks)
		fprintf(stderr, "workers: no result for %u s; the output is not complete\n", s->options->patience);
}

/* Nothing is left to do: workers end, and then the rings go. One that is stopped is not waited for long. */
static void dismiss_workers(struct submitter *s)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct ringshm_info info = {.size = sizeof(info)};

	ringshm_shutdown(s->queue.jobs);
	for (int i = 0; i < DISMISS_TRIES && !ringshm_info(s->queue.jobs, &info) && info.consumers; i++)
		nanosleep(&pause, NULL);
	queue_remove(s->options->submit);
}

/* Every job sent is done or counted as lost, or this complains. The exit status. */
static int report(const struct submitter *s, double took)
{
	struct ringshm_info info = {.size = sizeof(info)};
	uint64_t accounted = s->done + s->twice + s->lost;

	ringshm_info(s->queue.jobs, &info);
	printf("input        %llu bytes, %llu blocks\n", (unsigned long long)s->size, (unsigned long long)s->blocks);
	printf("output       %llu bytes in %.2f s\n", (unsigned long long)s->bytes_out, took);
	printf("workers      %llu came, %u are still there\n", (unsigned long long)info.consumers_ever, info.consumers);
	printf("jobs sent    %llu\n", (unsigned long long)s->sent);
	printf("jobs done    %llu\n", (unsigned long long)(s->done + s->twice));
	printf("jobs lost    %llu, counted by the ring, each with the worker that had it\n",
	       (unsigned long long)s->lost);
	printf("unaccounted  %llu\n", (unsigned long long)(accounted < s->sent ? s->sent - accounted : 0));
	if (accounted > s->sent)
		printf("done, lost   %llu: their workers died between handing in the result and letting go of the job\n",
		       (unsigned long long)(accounted - s->sent));
	return accounted < s->sent || s->written < s->blocks;
}

static void open_files(struct submitter *s, const struct options *options)
{
	struct stat status;

	s->input = open(options->input, O_RDONLY | O_CLOEXEC);
	if (s->input < 0 || fstat(s->input, &status))
		die_of("open", options->input);
	if (!S_ISREG(status.st_mode)) {
		fprintf(stderr, "workers: %s is no plain file, whose size is known\n", options->input);
		exit(1);
	}
	s->size = (uint64_t)status.st_size;
	s->blocks = (s->size + options->block - 1) / options->block;
	s->output = open(options->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (s->output < 0)
		die_of("open", options->output);
}

int run_submitter(const struct options *options)
{
	static struct submitter s;
	const struct sigaction action = {.sa_handler = stop};
	uint64_t started = now_ns();
	int failed;

	s.options = options;
	open_files(&s, options);
	queue_create(&s.queue, options->submit, options->block);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (ringshm_mpmc_producer_open(&s.jobs, s.queue.jobs) ||
	    ringshm_mpmc_consumer_open(&s.results, s.queue.results)) {
		queue_remove(options->submit);
		die("join the queue");
	}
	submit_all(&s);
	failed = report(&s, (double)(now_ns() - started) / 1e9);
	dismiss_workers(&s);
	ringshm_mpmc_producer_close(&s.jobs);
	ringshm_mpmc_consumer_close(&s.results);
	queue_close(&s.queue);
	close(s.input);
	if (close(s.output))
		die_of("write", options->output);
	return failed;
}
