// SPDX-License-Identifier: MIT
/* run_viewer.c - the consumer's process: records out of the ring, rates onto the screen. */
#include "roles.h"
#include "view.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_NS INT64_C(100000000) /* how long a key or a signal may go unnoticed */

static volatile sig_atomic_t told_to_end;

static void on_signal(int sig)
{
	(void)sig;
	told_to_end = 1;
}

struct viewing {
	struct ringshm *channel;
	struct ringshm_spsc_consumer consumer;
	struct tel_model model;
	struct tel_view view;
	uint64_t count;
	int64_t deadline; /* 0: none */
	bool goodbye;
	int output; /* why nothing more can be shown; -EPIPE: nobody reads it any more */
};

static void show(struct viewing *v, int event)
{
	if (event == EVENT_SAMPLE) {
		v->output = v->view.ops->sample(&v->view, &v->model);
		if (!v->output) /* a quick sampler leaves no other time for keys */
			v->output = v->view.ops->idle(&v->view, &v->model);
	}
	if (event == EVENT_NOTE)
		v->output = v->view.ops->note(&v->view, v->model.note);
	if (event == EVENT_GOODBYE)
		v->goodbye = true;
}

/* One record, or a short wait for one. 0, or why there will be no more. */
static int step(struct viewing *v)
{
	const void *payload;
	uint32_t len;
	int event, err = ringshm_spsc_peek_wait(&v->consumer, IDLE_NS, &payload, &len);

	if (err == -ETIMEDOUT || err == -EINTR) {
		v->output = v->view.ops->idle(&v->view, &v->model);
		return 0;
	}
	if (err)
		return err;
	event = tel_model_feed(&v->model, ringshm_spsc_type(&v->consumer), payload, len);
	ringshm_spsc_release(&v->consumer, 1);
	if (event < 0)
		return event;
	show(v, event);
	return 0;
}

static bool is_over(const struct viewing *v)
{
	return told_to_end || v->goodbye || v->output || v->view.quit ||
	       (v->count && v->model.totals.samples >= v->count) || (v->deadline && tel_now_ns() >= v->deadline);
}

static int watch(struct viewing *v)
{
	int err = 0;

	while (!err && !is_over(v))
		err = step(v);
	return err;
}

/* Why the ring ran dry for good, in a sentence. */
static void report_end(const struct viewing *v, int err)
{
	struct ringshm_participant_info seat = {.size = sizeof(seat)};
	int unknown = ringshm_participant_info(v->channel, RINGSHM_ROLE_PRODUCER, RINGSHM_SEAT_PRODUCER, &seat);

	if (err == -EPIPE && !unknown && !seat.alive)
		tel_complain("the sampler (pid %u) died; everything that it published is shown above", seat.pid);
	else if (err == -EPIPE)
		tel_complain("the sampler left without a goodbye: the ring had no room for it, or "
			     "an error stopped it");
	else
		tel_complain("viewing ended: %s", tel_status_text(err));
}

static void choose_view(struct viewing *v, const struct tel_options *options)
{
	v->view.out = stdout;
	if (options->format == FORMAT_JSON)
		v->view.ops = &tel_view_json;
	else if (options->format == FORMAT_AUTO && isatty(STDOUT_FILENO) && tel_view_screen.open)
		v->view.ops = &tel_view_screen;
	else
		v->view.ops = &tel_view_lines;
	if (v->view.ops->open(&v->view) == 0)
		return;
	tel_complain("the terminal (TERM=%s) cannot show the table; showing lines",
		     getenv("TERM") ? getenv("TERM") : "");
	v->view.ops = &tel_view_lines;
}

static void catch_signals(bool paired)
{
	struct sigaction end = {.sa_handler = on_signal};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	/* a pair's sampler gets the terminal's ^C too, and its goodbye ends the viewer */
	sigaction(SIGINT, paired ? &ignore : &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGPIPE, &ignore, NULL); /* `telemetry | head`: seen as -EPIPE on writing */
}

static int finish(struct viewing *v, int err)
{
	int output = v->view.ops->finish(&v->view, &v->model);

	if (v->output)
		output = v->output;
	if (output == -EPIPE)
		output = 0;
	if (output)
		tel_complain("standard output: %s", strerror(-output));
	if (err)
		report_end(v, err);
	ringshm_spsc_consumer_close(&v->consumer);
	tel_model_free(&v->model);
	return err || output ? 1 : 0;
}

int tel_run_viewer(struct ringshm *channel, const struct tel_options *options, bool paired)
{
	struct viewing v = {.channel = channel, .count = paired ? 0 : options->count};

	setlocale(LC_CTYPE, "");
	catch_signals(paired);
	v.view.channel = options->viewer ? options->viewer : "";
	v.view.top = options->top;
	v.view.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	if (options->duration_ns && !paired)
		v.deadline = tel_now_ns() + options->duration_ns;
	tel_model_init(&v.model);

	if (ringshm_spsc_consumer_open(&v.consumer, channel)) {
		tel_complain("%s", ringshm_last_error());
		return 1;
	}
	choose_view(&v, options);
	return finish(&v, watch(&v));
}
