// SPDX-License-Identifier: MIT
/* run_sampler.c - the producer's process: samples on time, into the ring, until told to end. */
#include "roles.h"
#include "sampler.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define LOOK_NS NS_PER_S	  /* how often a waiting sampler looks after its viewer */
#define GOODBYE_NS (NS_PER_S / 2) /* how long a full ring may hold up the goodbye */

struct sampling {
	struct ringshm *channel;
	struct ringshm_spsc_producer producer;
	struct tel_sampler sampler;
	sigset_t signals;
	bool viewer_gone; /* and said so */
	bool quiet;
};

/* Published when a sample is whole: a sampler that dies in one leaves nothing of it. */
static int ring_put(void *ctx, unsigned int type, const void *fixed, size_t fixed_len, const void *tail,
		    size_t tail_len)
{
	struct ringshm_spsc_producer *p = ctx;
	uint32_t len = (uint32_t)(fixed_len + tail_len);
	char *payload = ringshm_spsc_reserve(p, len);

	if (!payload) {
		if (p->status)
			return p->status;
		ringshm_spsc_note_dropped(p, 1);
		return -EAGAIN;
	}
	memcpy(payload, fixed, fixed_len);
	if (tail_len)
		memcpy(payload + fixed_len, tail, tail_len);
	ringshm_spsc_commit_more_typed(p, len, (uint16_t)type, 0);
	if (type == TEL_END)
		ringshm_spsc_flush(p);
	return 0;
}

static void tell_note(const char *text)
{
	tel_complain("%s", text);
}

/* A viewer that left may be followed by another one; one that died is worth a word. */
static void look_after_viewer(struct sampling *s)
{
	struct ringshm_participant_info seat = {.size = sizeof(seat)};
	int err = ringshm_participant_info(s->channel, RINGSHM_ROLE_CONSUMER, RINGSHM_SEAT_CONSUMER, &seat);

	if (err || seat.alive) {
		s->viewer_gone = false;
		return;
	}
	if (s->viewer_gone || s->quiet)
		return;
	s->viewer_gone = true;
	tel_complain("the viewer (pid %u) died; sampling goes on, and what does not fit the ring "
		     "is dropped until another viewer comes",
		     seat.pid);
}

/* Wait for a signal until @deadline: true when one came. No signal is missed between two waits. */
static bool wait_until(struct sampling *s, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - tel_now_ns();
		struct timespec ts;

		if (left < 0)
			left = 0;
		ts.tv_sec = (left > LOOK_NS ? LOOK_NS : left) / NS_PER_S;
		ts.tv_nsec = left > LOOK_NS ? 0 : (long)(left % NS_PER_S);
		if (sigtimedwait(&s->signals, NULL, &ts) > 0)
			return true;
		look_after_viewer(s);
		if (tel_now_ns() >= deadline)
			return false;
	}
}

/* The next point of the interval's grid that is still to come; those passed over are counted. */
static int64_t next_time(struct tel_sampler *sampler, int64_t due, int64_t interval)
{
	int64_t behind = tel_now_ns() - due;

	if (behind >= interval) {
		sampler->late += (uint64_t)(behind / interval);
		due += behind / interval * interval;
	}
	return due + interval;
}

static int sample_until_told(struct sampling *s, const struct tel_options *options)
{
	int64_t start = tel_now_ns(), due = start;
	int err;

	for (uint64_t n = 1;; n++) {
		err = tel_sampler_sample(&s->sampler);
		if (err || n == options->count)
			return err;
		due = next_time(&s->sampler, due, options->interval_ns);
		if (options->duration_ns && due - start > options->duration_ns)
			return 0;
		if (wait_until(s, due))
			return 0;
	}
}

/* The last record matters more than the time it takes, within a bound. */
static int say_goodbye(struct sampling *s)
{
	void *room;
	int err = ringshm_spsc_reserve_wait(&s->producer, sizeof(struct tel_goodbye), GOODBYE_NS, &room);

	if (err) /* nobody reads: nobody misses it */
		return err == -ETIMEDOUT ? 0 : err;
	ringshm_spsc_discard(&s->producer);
	err = tel_sampler_goodbye(&s->sampler);
	ringshm_spsc_flush(&s->producer);
	return err;
}

static int finish(struct sampling *s, int err)
{
	if (!err)
		err = say_goodbye(s);
	ringshm_spsc_producer_close(&s->producer);
	if (err)
		tel_complain("sampling ended: %s", tel_status_text(err));
	if (!s->quiet)
		tel_complain("%" PRIu64 " samples, %" PRIu64 " records dropped, %" PRIu64 " late", s->sampler.seq,
			     s->sampler.dropped, s->sampler.late);
	tel_sampler_close(&s->sampler);
	return err ? 1 : 0;
}

int tel_run_sampler(struct ringshm *channel, const struct tel_options *options, bool quiet)
{
	struct sampling s = {.channel = channel, .quiet = quiet};
	struct tel_sink sink = {ring_put, &s.producer};
	int err;

	sigemptyset(&s.signals);
	sigaddset(&s.signals, SIGINT);
	sigaddset(&s.signals, SIGTERM);
	sigaddset(&s.signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &s.signals, NULL);

	err = tel_sampler_open(&s.sampler, options->proc, sink);
	if (err) {
		tel_complain("%s: %s; give --proc the directory where proc is mounted", options->proc, strerror(-err));
		return 1;
	}
	s.sampler.interval_ns = (uint64_t)options->interval_ns;
	s.sampler.on_note = quiet ? NULL : tell_note;
	err = ringshm_spsc_producer_open(&s.producer, channel);
	if (err) {
		tel_complain("%s", ringshm_last_error());
		tel_sampler_close(&s.sampler);
		return 1;
	}
	return finish(&s, sample_until_told(&s, options));
}
