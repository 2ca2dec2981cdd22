// SPDX-License-Identifier: MIT
/* ringshm ping: two pinned processes, their rings, and samples between calibrations. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "ping.h"
#include "report.h"

#define SAMPLE_SINGLES 1000u /* round trips of a sample that are timed one by one */
#define SAMPLE_BATCHES 10u   /* and those timed in batches */
#define SAMPLE_SECONDS 60.0  /* patience with the other side */
#define RETRIES 3u	     /* samples tried at most, as a multiple of those wanted */

/* The leader's orders, in shared memory: a number that goes up and how many singles to answer (0: finish). */
struct orders {
	uint64_t number __attribute__((aligned(128)));
	uint64_t singles;
};

struct sample {
	enum floor_class class_;
	double f_ns, g_ns, batch_ns;
};

struct ping {
	const struct ping_request *request;
	struct ping_side side;
	struct pair_yardstick yardstick;
	struct orders *orders;
	struct ringshm *out, *in;
	int socket; /* to the other process: channels, and "I am ready" */
	pid_t follower;
	struct sample *samples;
	unsigned int n_samples;
	unsigned int changed;
	struct histogram *scratch;
	struct histogram *times[FLOOR_CLASSES];
};

/* ---- both sides ----------------------------------------------------------------------------- */

static struct floor_pace pace_now(struct ping *p)
{
	struct floor_pace pace = pair_pace(&p->request->cpus, p->request->size, SAMPLE_SECONDS);

	p->side.spins = pace.spins;
	p->side.deadline_ns = pace.deadline_ns;
	return pace;
}

static int open_side(struct ping *p)
{
	p->side.request = p->request;
	p->side.size = p->request->size;
	p->side.buf = (uint64_t *)calloc(p->request->size / 8 + 1, 8);
	if (!p->side.buf)
		return report_failure("ping: no memory for a message of %u bytes", p->request->size);
	if (p->request->kind->open(&p->side, p->out, p->in))
		return report_library_failure(-EIO);
	return EXIT_DONE;
}

static void close_side(struct ping *p)
{
	p->request->kind->close(&p->side);
	free(p->side.buf);
}

static int failed(struct ping *p, int error)
{
	const char *who = p->follower ? "the asking process" : "the answering process";

	if (error == -ETIMEDOUT) {
		report_failure("ping: %s waited %.0f s for the other one; is that one stopped?", who, SAMPLE_SECONDS);
		return EXIT_TIMED_OUT;
	}
	if (error == -EBADMSG)
		return report_failure("ping: %s received a message that was not sent: please report this", who);
	return report_failure("ping: %s: the ring ended: %s", who, strerror(-error));
}

/* ---- the follower --------------------------------------------------------------------------- */

static uint64_t next_order(struct ping *p, uint64_t number, int *error)
{
	struct floor_pace pace = pace_now(p);

	*error = floor__await(&p->orders->number, number, &pace);
	return p->orders->singles;
}

static int follow(struct ping *p)
{
	for (uint64_t number = 1;; number++) {
		int error;
		uint64_t singles = next_order(p, number, &error);
		struct floor_pace pace = pace_now(p);

		if (error || !singles)
			return error;
		error = pair_calibrate_follow(&p->yardstick, &pace);
		if (!error)
			error = p->request->kind->echo(&p->side, SAMPLE_BATCHES * FLOOR_BATCH + singles);
		if (!error)
			error = pair_calibrate_follow(&p->yardstick, &pace);
		if (error)
			return error;
	}
}

static int follower(struct ping *p)
{
	int error = pair_pin(p->request->cpus.cpu[1]);

	if (error)
		return report_failure("ping: cannot run on CPU %d: %s", p->request->cpus.cpu[1], strerror(-error));
	/* the leader's `out` comes first, and is where we receive */
	error = ringshm_recv_fd(&p->in, p->socket);
	if (!error)
		error = ringshm_recv_fd(&p->out, p->socket);
	if (error)
		return error == -EPIPE ? EXIT_FAILED : report_library_failure(error); /* the leader has said why */
	if (open_side(p))
		return EXIT_FAILED;
	if (write(p->socket, "r", 1) != 1)
		return EXIT_FAILED;
	error = follow(p);
	close_side(p);
	return error ? failed(p, error) : EXIT_DONE;
}

/* ---- the leader ----------------------------------------------------------------------------- */

static void give_order(struct ping *p, uint64_t singles)
{
	p->orders->singles = singles;
	floor__tell(&p->orders->number, p->orders->number + 1);
}

/* One sample between two calibrations; `after` is kept for the class alone. */
static int take_sample(struct ping *p, uint64_t singles, struct pair_mark *before, struct pair_mark *after,
		       double *batch_ns)
{
	struct floor_pace pace = pace_now(p);
	double mean[SAMPLE_BATCHES];
	int error;

	memset(p->scratch, 0, sizeof(*p->scratch));
	give_order(p, singles);
	error = pair_calibrate_lead(&p->yardstick, &pace, before);
	if (!error)
		error = p->request->kind->batches(&p->side, SAMPLE_BATCHES, mean);
	if (!error)
		error = p->request->kind->singles(&p->side, singles, p->scratch);
	if (!error)
		error = pair_calibrate_lead(&p->yardstick, &pace, after);
	*batch_ns = error ? 0 : floor_median(mean, SAMPLE_BATCHES);
	return error;
}

static void keep_sample(struct ping *p, const struct pair_mark *before, const struct pair_mark *after, double batch_ns)
{
	struct sample *s = &p->samples[p->n_samples];

	if (before->class_ != after->class_) {
		p->changed++;
		return;
	}
	p->n_samples++;
	s->class_ = before->class_;
	s->f_ns = (before->f_ns + after->f_ns) / 2;
	s->g_ns = (before->g_ns + after->g_ns) / 2;
	s->batch_ns = batch_ns;
	histogram_merge(p->times[s->class_], p->scratch);
}

static int lead(struct ping *p)
{
	uint64_t left = p->request->count;
	unsigned int wanted = (unsigned int)((left + SAMPLE_SINGLES - 1) / SAMPLE_SINGLES);

	p->samples = (struct sample *)calloc(wanted, sizeof(*p->samples));
	if (!p->samples)
		return -ENOMEM;
	for (unsigned int tries = 0; left && tries < wanted * RETRIES; tries++) {
		uint64_t singles = left < SAMPLE_SINGLES ? left : SAMPLE_SINGLES;
		unsigned int kept = p->n_samples;
		struct pair_mark before, after;
		double batch_ns;
		int error = take_sample(p, singles, &before, &after, &batch_ns);

		if (error)
			return error;
		keep_sample(p, &before, &after, batch_ns);
		left -= p->n_samples > kept ? singles : 0;
	}
	give_order(p, 0);
	return 0;
}

static int check_size(struct ping *p)
{
	struct ringshm_info info = {.size = sizeof(info)};
	char capacity[32];
	int error = ringshm_info(p->out, &info);

	if (error)
		return report_library_failure(error);
	if (p->request->size <= info.max_payload)
		return EXIT_DONE;
	return report_failure("ping: a message of %u bytes does not fit: a ring of %s takes at most %u; "
			      "pass a larger --capacity",
			      p->request->size, report_bytes(capacity, p->request->capacity), info.max_payload);
}

static int make_channels(struct ping *p)
{
	struct ringshm_config config;
	int error;

	ringshm_config_init(&config, p->request->kind->kind);
	if (p->request->kind->shape(p->request, &config))
		return report_failure("ping: a %s channel cannot take messages of %u bytes", p->request->kind->name,
				      p->request->size);
	error = ringshm_create(&p->out, NULL, &config);
	if (!error)
		error = ringshm_create(&p->in, NULL, &config);
	if (!error)
		error = ringshm_send_fd(p->out, p->socket, RINGSHM_CONSUMER);
	if (!error)
		error = ringshm_send_fd(p->in, p->socket, RINGSHM_PRODUCER);
	return error ? report_library_failure(error) : check_size(p);
}

static int leader(struct ping *p)
{
	int error = pair_pin(p->request->cpus.cpu[0]);
	char ready;

	if (error)
		return report_failure("ping: cannot run on CPU %d: %s", p->request->cpus.cpu[0], strerror(-error));
	if (make_channels(p) || open_side(p))
		return EXIT_FAILED;
	error = read(p->socket, &ready, 1) == 1 ? lead(p) : -EPIPE;
	close_side(p);
	return error ? failed(p, error) : EXIT_DONE;
}

/* ---- what came out -------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(const struct ping *p, enum floor_class class_, double (*of)(const struct sample *))
{
	double *v = (double *)calloc(p->n_samples, sizeof(*v)), median;
	unsigned int n = 0;

	if (!v)
		return 0;
	for (unsigned int i = 0; i < p->n_samples; i++)
		if (p->samples[i].class_ == class_)
			v[n++] = of(&p->samples[i]);
	qsort(v, n, sizeof(*v), by_value);
	median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
	free(v);
	return median;
}

static double f_of(const struct sample *s)
{
	return s->f_ns;
}

static double g_of(const struct sample *s)
{
	return s->g_ns;
}

static double batch_of(const struct sample *s)
{
	return s->batch_ns;
}

static double ratio_f_of(const struct sample *s)
{
	return s->batch_ns / s->f_ns;
}

static double ratio_g_of(const struct sample *s)
{
	return s->batch_ns / s->g_ns;
}

static int summarise(struct ping *p, struct ping_result *r)
{
	unsigned int n[FLOOR_CLASSES] = {0};

	if (!p->n_samples)
		return report_failure("ping: the distance between CPU %d and CPU %d changed during every sample; "
				      "try again, or fix the virtual CPUs to cores",
				      p->request->cpus.cpu[0], p->request->cpus.cpu[1]);
	for (unsigned int i = 0; i < p->n_samples; i++)
		n[p->samples[i].class_]++;
	for (int c = 0; c < FLOOR_CLASSES; c++)
		if (n[c] > n[r->class_])
			r->class_ = (enum floor_class)c;
	r->kept = n[r->class_];
	r->other = p->n_samples - r->kept;
	r->changed = p->changed;
	r->floor_ns = median_of(p, r->class_, f_of);
	r->fresh_floor_ns = median_of(p, r->class_, g_of);
	r->batch_mean_ns = median_of(p, r->class_, batch_of);
	r->ratio_f = median_of(p, r->class_, ratio_f_of);
	r->ratio_g = median_of(p, r->class_, ratio_g_of);
	r->times = p->times[r->class_];
	p->times[r->class_] = NULL;
	return EXIT_DONE;
}

/* ---- start and end -------------------------------------------------------------------------- */

static int allocate(struct ping *p)
{
	/* G has one ring each way in bytes; a message must fit with its flag even where the ring is tiny */
	uint64_t bytes = p->request->capacity, least = floor_stride(p->request->size);
	int error = pair_yardstick_new(&p->yardstick, bytes < least ? least : bytes, p->request->size);

	if (error)
		return report_failure("ping: memory for the floors: %s", strerror(-error));
	p->orders = (struct orders *)mmap(NULL, sizeof(*p->orders), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
					  -1, 0);
	if (p->orders == MAP_FAILED)
		return report_failure("ping: memory for the orders: %m");
	p->scratch = histogram_new();
	for (int c = 0; c < FLOOR_CLASSES; c++)
		p->times[c] = histogram_new();
	for (int c = 0; c < FLOOR_CLASSES; c++)
		if (!p->times[c] || !p->scratch)
			return report_failure("ping: no memory for the histograms");
	return EXIT_DONE;
}

static void release(struct ping *p)
{
	for (int c = 0; c < FLOOR_CLASSES; c++)
		histogram_free(p->times[c]);
	histogram_free(p->scratch);
	free(p->samples);
	if (p->orders && p->orders != MAP_FAILED)
		munmap(p->orders, sizeof(*p->orders));
	pair_yardstick_free(&p->yardstick);
	ringshm_close(p->out);
	ringshm_close(p->in);
}

static int start_follower(struct ping *p)
{
	pid_t leader_pid = getpid();
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return report_failure("ping: a socket pair: %m");
	fflush(NULL);
	p->follower = fork();
	if (p->follower < 0)
		return report_failure("ping: a second process: %m");
	p->socket = sockets[p->follower ? 0 : 1];
	close(sockets[p->follower ? 1 : 0]);
	if (p->follower)
		return EXIT_DONE;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != leader_pid)
		_exit(EXIT_FAILED);
	_exit(follower(p));
}

static int end_follower(struct ping *p, int code)
{
	int status = 0;

	close(p->socket);
	if (code != EXIT_DONE)
		kill(p->follower, SIGKILL);
	while (waitpid(p->follower, &status, 0) < 0 && errno == EINTR)
		;
	if (code == EXIT_DONE && status)
		code = report_failure("ping: the answering process did not end well");
	return code;
}

int ping_measure(const struct ping_request *request, struct ping_result *result)
{
	struct ping p = {.request = request};
	int code = allocate(&p);

	memset(result, 0, sizeof(*result));
	if (code == EXIT_DONE)
		code = start_follower(&p);
	if (code == EXIT_DONE) {
		code = end_follower(&p, leader(&p));
		if (code == EXIT_DONE)
			code = summarise(&p, result);
	}
	release(&p);
	return code;
}

void ping_result_free(struct ping_result *result)
{
	histogram_free(result->times);
	result->times = NULL;
}
