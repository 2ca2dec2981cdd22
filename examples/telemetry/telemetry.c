// SPDX-License-Identifier: MIT
/* telemetry.c - a machine's own /proc through a ring: options, and which role to play. */
#include "record.h"
#include "roles.h"
#include "units.h"

#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CAPACITY_MIN 4096u
#define CAPACITY_MAX (UINT64_C(1) << 32)
#define INTERVAL_MIN_NS 1000000

enum {
	OPT_SAMPLER = 256,
	OPT_VIEWER,
	OPT_PROC,
	OPT_JSON,
	OPT_LINES,
	OPT_CAPACITY,
	OPT_KERNEL
};

static const struct argp_option option_list[] = {
	{"interval", 'i', "TIME", 0, "One sample every TIME: 250ms, 1s (default), 2m", 1},
	{"duration", 'd', "TIME", 0, "End after TIME (default: at ^C)", 1},
	{"count", 'n', "N", 0, "End after N samples", 1},
	{"top", 't', "N", 0, "Show the N busiest processes (default 10)", 1},
	{"json", OPT_JSON, NULL, 0, "One JSON object a line", 1},
	{"lines", OPT_LINES, NULL, 0, "Plain lines, on a terminal too", 1},
	{"sampler", OPT_SAMPLER, "CHANNEL", 0, "Only sample, into the channel of that name", 2},
	{"viewer", OPT_VIEWER, "CHANNEL", 0, "Only view what another process samples", 2},
	{"kernel", OPT_KERNEL, NULL, 0, "Task switches from the kernel (module ringshm_sched) instead of /proc", 2},
	{"capacity", OPT_CAPACITY, "SIZE", 0, "Bytes of ring, a power of two (default 1M)", 3},
	{"proc", OPT_PROC, "DIR", 0, "Where proc is mounted (default /proc)", 3},
	{0},
};

void tel_complain(const char *format, ...)
{
	va_list args;

	fputs("telemetry: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int64_t tel_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

const char *tel_status_text(int status)
{
	switch (status) {
	case -ESTALE:
		return "the channel was removed or made anew under the same name; start both again";
	case -ESHUTDOWN:
		return "the channel was shut down";
	case -EPIPE:
		return "the other side is gone";
	case -EPROTO:
		return "the ring holds what no producer writes: something else wrote into it";
	case -EMSGSIZE:
		return "a record is larger than the ring takes; give --capacity more";
	default:
		return strerror(-status);
	}
}

void tel_channel_config(struct ringshm_config *config, const struct tel_options *options)
{
	ringshm_config_init(config, RINGSHM_SPSC);
	config->capacity = options->capacity;
	config->features |= RINGSHM_F_EOF; /* a viewer ends when its sampler does */
	config->schema_id = TEL_SCHEMA_ID;
	config->schema_version = TEL_SCHEMA_VERSION;
}

static int64_t duration(struct argp_state *state, const char *option, const char *arg, int64_t min)
{
	int64_t ns;

	if (tel_parse_duration(arg, &ns))
		argp_error(state,
			   "%s %s: not a time; write a number and us, ms, s, m or h, such "
			   "as 250ms",
			   option, arg);
	else if (ns < min)
		argp_error(state, "%s %s: too short; %g ms is the least", option, arg, (double)min / 1e6);
	return ns;
}

static uint64_t number(struct argp_state *state, const char *option, const char *arg, uint64_t max)
{
	uint64_t value;

	if (tel_parse_size(arg, &value) || value == 0 || value > max)
		argp_error(state, "%s %s: not a whole number from 1 to %llu", option, arg, (unsigned long long)max);
	return value;
}

static uint64_t capacity(struct argp_state *state, const char *arg)
{
	uint64_t value;

	if (tel_parse_size(arg, &value) || value < CAPACITY_MIN || value > CAPACITY_MAX || (value & (value - 1)))
		argp_error(state, "--capacity %s: not a power of two from 4K to 4G", arg);
	return value;
}

static void check_roles(struct argp_state *state, const struct tel_options *options)
{
	if (options->sampler && options->viewer)
		argp_error(state, "--sampler and --viewer: one process plays one role; give one "
				  "of them, or neither to start both");
	if (options->kernel && (options->sampler || options->viewer))
		argp_error(state, "--kernel needs neither --sampler nor --viewer: the kernel samples");
	if (options->sampler && options->format != FORMAT_AUTO)
		argp_error(state, "--json and --lines are the viewer's, and --sampler shows nothing");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct tel_options *options = state->input;

	switch (key) {
	case 'i':
		options->interval_ns = duration(state, "--interval", arg, INTERVAL_MIN_NS);
		return 0;
	case 'd':
		options->duration_ns = duration(state, "--duration", arg, 1);
		return 0;
	case 'n':
		options->count = number(state, "--count", arg, UINT64_MAX);
		return 0;
	case 't':
		options->top = number(state, "--top", arg, 10000);
		return 0;
	case OPT_SAMPLER:
		options->sampler = arg;
		return 0;
	case OPT_VIEWER:
		options->viewer = arg;
		return 0;
	case OPT_CAPACITY:
		options->capacity = capacity(state, arg);
		return 0;
	case OPT_KERNEL:
		options->kernel = true;
		return 0;
	case OPT_PROC:
		options->proc = arg;
		return 0;
	case OPT_JSON:
		options->format = FORMAT_JSON;
		return 0;
	case OPT_LINES:
		options->format = FORMAT_LINES;
		return 0;
	case ARGP_KEY_END:
		check_roles(state, options);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Made if need be, and removed when this sampler ends. */
static int sampler_main(const struct tel_options *options)
{
	struct ringshm_config config;
	struct ringshm *channel;
	int status;

	tel_channel_config(&config, options);
	if (ringshm_open_or_create(&channel, options->sampler, &config)) {
		tel_complain("%s", ringshm_last_error());
		return 1;
	}
	status = tel_run_sampler(channel, options, false);
	ringshm_close(channel);
	if (!status)
		ringshm_unlink(options->sampler);
	return status;
}

static int viewer_main(const struct tel_options *options)
{
	struct ringshm_open_options demands;
	struct ringshm *channel;
	int status, err;

	ringshm_open_options_init(&demands, RINGSHM_CONSUMER);
	demands.kind = RINGSHM_SPSC;
	demands.schema_id = TEL_SCHEMA_ID;
	demands.schema_version = TEL_SCHEMA_VERSION;
	err = ringshm_open_with(&channel, options->viewer, &demands);
	if (err) {
		tel_complain("%s%s%s", ringshm_last_error(),
			     err == -ENOENT ? "; start a sampler first: telemetry --sampler " : "",
			     err == -ENOENT ? options->viewer : "");
		return 1;
	}
	status = tel_run_viewer(channel, options, false);
	ringshm_close(channel);
	return status;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_list,
		.parser = parse_option,
		.doc = "Rates of this machine, live: one process reads /proc, another shows it; "
		       "the records between them go through a ring in shared memory.\v"
		       "Without --sampler and --viewer both processes are started.",
	};
	struct tel_options options = {
		.proc = "/proc",
		.interval_ns = 1000000000,
		.capacity = 1 << 20,
		.top = 10,
	};

	if (argp_parse(&argp, argc, argv, 0, NULL, &options))
		return 1;
	if (options.kernel)
		return tel_run_kernel(&options);
	if (options.sampler)
		return sampler_main(&options);
	if (options.viewer)
		return viewer_main(&options);
	return tel_run_pair(&options);
}
