// SPDX-License-Identifier: MIT
/* The worker: take a job, do it, hand in the result, let go of the job. It may be killed at any moment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"
#include "queue.h"
#include "roles.h"

struct worker {
	struct ringshm_mpmc_consumer jobs;
	struct ringshm_mpmc_producer results;
	struct parcel *result;
	uint32_t room; /* bytes for a member */
	uint64_t done;
};

static int failed(const char *what, int error)
{
	fprintf(stderr, "workers: %s: %s\n", what, strerror(-error));
	return 1;
}

/* The result first, the job after it: who dies in between has lost nothing, whoever dies before it a job that the
 * ring counts. The other way round a job could vanish uncounted. */
static int do_job(struct worker *w, const struct parcel *job, uint32_t length, int level)
{
	uint32_t used;
	int error;

	if (length < sizeof(*job))
		return -EPROTO;
	used = gzip_block(job->bytes, length - (uint32_t)sizeof(*job), level, w->result->bytes, w->room);
	if (!used)
		return -ENOMEM;
	w->result->block = job->block;
	error = ringshm_mpmc_send_wait(&w->results, w->result, (uint32_t)sizeof(*w->result) + used, -1);
	if (!error)
		ringshm_mpmc_release(&w->jobs, 1);
	return error;
}

static int work(struct worker *w, const struct options *options)
{
	const void *job;
	uint32_t length;
	int error;

	while (!(error = ringshm_mpmc_peek_wait(&w->jobs, -1, &job, &length))) {
		w->done++;
		if (options->careless && w->done % options->careless == 0)
			ringshm_mpmc_release(&w->jobs, 1);
		else if ((error = do_job(w, (const struct parcel *)job, length, (int)options->level)))
			break;
	}
	return error;
}

int run_worker(const struct options *options)
{
	struct worker w = {.done = 0};
	struct queue queue;
	int error;

	queue_open(&queue, options->work);
	if (ringshm_mpmc_consumer_open(&w.jobs, queue.jobs) || ringshm_mpmc_producer_open(&w.results, queue.results))
		die("join the queue");
	w.room = w.results.max_payload - (uint32_t)sizeof(*w.result);
	w.result = (struct parcel *)malloc(w.results.max_payload);
	if (!w.result)
		return failed("start", -ENOMEM);
	error = work(&w, options);
	ringshm_mpmc_consumer_close(&w.jobs);
	ringshm_mpmc_producer_close(&w.results);
	queue_close(&queue);
	free(w.result);
	if (error == -ESHUTDOWN || error == -ESTALE) /* all jobs are done; or so long ago that the queue is gone */
		return 0;
	return failed(error == -EPIPE ? "the submitter has died" : "work", error);
}
