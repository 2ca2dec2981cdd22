// SPDX-License-Identifier: MIT
/* ringshm stat: everything about one channel. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "interrupt.h"
#include "options.h"
#include "process.h"
#include "report.h"

struct stat_request {
	const char *name;
	bool json;
	bool watch;
	int64_t interval_ns;
	uint64_t count; /* of looks; 0: until ^C or the channel's end */
};

#define WATCH_NS INT64_C(1000000000)
#define WATCH_LEAST_NS INT64_C(10000000)

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stat_request *r = state->input;

	switch (key) {
	case 'j':
		r->json = true;
		return 0;
	case 'w':
		r->watch = true;
		if (arg)
			r->interval_ns = option_seconds(state, "--watch", arg);
		if (r->interval_ns < WATCH_LEAST_NS)
			argp_error(state, "--watch: at least 0.01 seconds between looks, not %s", arg);
		return 0;
	case 'n':
		r->watch = true;
		r->count = option_number(state, "--count", arg, 1, UINT64_MAX);
		return 0;
	default:
		return option_existing(key, arg, state, &r->name);
	}
}

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "Print a JSON object; with --watch: one a line", 0},
	{"watch", 'w', "SECONDS", OPTION_ARG_OPTIONAL,
	 "Look again and again, every second or as said, until ^C or until the channel is removed", 0},
	{"count", 'n', "N", 0, "With --watch: end after N looks", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CHANNEL",
	.doc = "Show what a channel is, what is in it, who takes part, and what was lost.",
};

/* ---- participants --------------------------------------------------------------------------- */

static void participant_text(const struct ringshm_participant_info *p, void *arg)
{
	char name[32];

	(void)arg;
	printf("  %-8s %4u  pid %u (%s), thread %u, %s, owner %llu of this seat, %llu dropped\n", report_role(p->role),
	       p->id, p->pid, report_printable(name, sizeof(name), p->comm, sizeof(p->comm)), p->tid,
	       p->alive ? "alive" : "dead", (unsigned long long)p->generation, (unsigned long long)p->dropped);
}

static void participant_json(const struct ringshm_participant_info *p, void *arg)
{
	char name[32];

	json_array_append_new(arg,
			      json_pack("{s:s, s:I, s:b, s:I, s:I, s:s, s:I, s:I}", "role", report_role(p->role), "id",
					(json_int_t)p->id, "alive", (int)!!p->alive, "pid", (json_int_t)p->pid, "tid",
					(json_int_t)p->tid, "comm",
					report_printable(name, sizeof(name), p->comm, sizeof(p->comm)), "generation",
					(json_int_t)p->generation, "dropped", (json_int_t)p->dropped));
}

/* ---- the channel ---------------------------------------------------------------------------- */

static void uuid_text(char text[37], const uint8_t *u)
{
	snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2],
		 u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

static void time_text(char *text, size_t size, uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000u);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(text, size, "%Y-%m-%d %H:%M:%S %z", &tm))
		snprintf(text, size, "?");
}

static const struct {
	uint64_t bit;
	const char *name;
} features[] = {
	{RINGSHM_F_TIMESTAMP, "timestamp"}, {RINGSHM_F_BLOCK, "block"},
	{RINGSHM_F_POLLFD, "pollfd"},	    {RINGSHM_F_EOF, "eof"},
	{RINGSHM_F_KLANE, "klane"},	    {RINGSHM_F_GATED, "gated"},
};

static json_t *features_json(uint64_t bits)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (bits & features[i].bit)
			json_array_append_new(array, json_string(features[i].name));
	return array;
}

static void features_text(uint64_t bits)
{
	printf("features      ");
	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (bits & features[i].bit)
			printf("%s ", features[i].name);
	puts(bits ? "" : "none");
}

static const char *node_text(char text[16], int32_t node)
{
	if (node == RINGSHM_NODE_ANY)
		return "any";
	if (node == RINGSHM_NODE_INTERLEAVE)
		return "interleaved";
	snprintf(text, 16, "%d", node);
	return text;
}

static void shape_text(const char *name, const struct ringshm_info *i)
{
	char capacity[32], page[32], data[32], uuid[37], when[64], node[16];
	uint64_t control = i->ctl_size + i->cons_size;

	uuid_text(uuid, i->uuid);
	time_text(when, sizeof(when), i->created_ns);
	printf("channel       %s, %s, %s\n", name, ringshm_kind_name(i->kind), report_state(i->state));
	if (i->kind == RINGSHM_SPSC)
		printf("capacity      %s, largest message %u bytes, payloads aligned to %u\n",
		       report_bytes(capacity, i->capacity), i->max_payload, i->alignment);
	else
		printf("capacity      %llu slots of %u bytes, largest message %u bytes\n",
		       (unsigned long long)i->capacity, i->slot_size, i->max_payload);
	printf("memory        %s of data in %s, pages of %s, node %s; %llu bytes of control\n",
	       report_bytes(data, i->data_size), ringshm_backend_name(i->backend), report_bytes(page, i->page_size),
	       node_text(node, i->node), (unsigned long long)control);
	features_text(i->features);
	if (i->schema_id)
		printf("schema        %#llx version %u\n", (unsigned long long)i->schema_id, i->schema_version);
	printf("created       %s by pid %u; owner %u, mode %04o, consumers %04o\n", when, i->creator_pid, i->owner,
	       i->mode, i->consumer_mode);
	printf("uuid          %s\n", uuid);
}

static void contents_text(const struct ringshm_info *i)
{
	printf("used          %llu of %llu; head %llu, tail %llu\n", (unsigned long long)i->used,
	       (unsigned long long)i->capacity, (unsigned long long)i->head, (unsigned long long)i->tail);
	printf("lost          %llu with dead producers, %llu with dead consumers, %llu dropped by callers\n",
	       (unsigned long long)i->lost_produced, (unsigned long long)i->lost_consumed,
	       (unsigned long long)i->dropped);
	printf("repairs       %llu; takeovers %llu\n", (unsigned long long)i->repairs,
	       (unsigned long long)i->takeovers);
	printf("participants  %u producers and %u consumers alive, %u dead; %llu and %llu ever\n", i->producers,
	       i->consumers, i->dead, (unsigned long long)i->producers_ever, (unsigned long long)i->consumers_ever);
}

static void set_int(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* As chmod(1) takes it; JSON has no octal numbers. */
static void set_mode(json_t *object, const char *key, uint32_t mode)
{
	char text[16];

	snprintf(text, sizeof(text), "%04o", mode);
	json_object_set_new(object, key, json_string(text));
}

static json_t *shape_json(const char *name, const struct ringshm_info *i)
{
	char uuid[37];
	json_t *o = json_object();

	uuid_text(uuid, i->uuid);
	json_object_set_new(o, "name", json_string(name));
	json_object_set_new(o, "kind", json_string(ringshm_kind_name(i->kind)));
	json_object_set_new(o, "state", json_string(report_state(i->state)));
	set_int(o, "capacity", i->capacity);
	set_int(o, "slot_size", i->slot_size);
	set_int(o, "alignment", i->alignment);
	set_int(o, "max_payload", i->max_payload);
	json_object_set_new(o, "backend", json_string(ringshm_backend_name(i->backend)));
	set_int(o, "page_size", i->page_size);
	json_object_set_new(o, "node", json_integer(i->node));
	set_int(o, "ctl_size", i->ctl_size);
	set_int(o, "cons_size", i->cons_size);
	set_int(o, "data_size", i->data_size);
	json_object_set_new(o, "features", features_json(i->features));
	set_int(o, "schema_id", i->schema_id);
	set_int(o, "schema_version", i->schema_version);
	set_int(o, "created_ns", i->created_ns);
	set_int(o, "creator_pid", i->creator_pid);
	set_int(o, "owner", i->owner);
	set_mode(o, "mode", i->mode);
	set_mode(o, "consumer_mode", i->consumer_mode);
	json_object_set_new(o, "uuid", json_string(uuid));
	return o;
}

static void contents_json(json_t *o, const struct ringshm_info *i)
{
	set_int(o, "head", i->head);
	set_int(o, "tail", i->tail);
	set_int(o, "used", i->used);
	set_int(o, "producers", i->producers);
	set_int(o, "consumers", i->consumers);
	set_int(o, "dead", i->dead);
	set_int(o, "producers_ever", i->producers_ever);
	set_int(o, "consumers_ever", i->consumers_ever);
	set_int(o, "dropped", i->dropped);
	set_int(o, "lost_produced", i->lost_produced);
	set_int(o, "lost_consumed", i->lost_consumed);
	set_int(o, "repairs", i->repairs);
	set_int(o, "takeovers", i->takeovers);
}

/* ---- somebody alive who holds the others up ------------------------------------------------- */

static const char *stalled_name(struct ringshm *channel, const struct ringshm_info *i, char *text, size_t size)
{
	struct ringshm_participant_info p = {.size = sizeof(p)};

	if (ringshm_participant_info(channel, i->stalled_role, i->stalled_id, &p))
		return "?";
	return report_printable(text, size, p.comm, sizeof(p.comm));
}

static void stalled_text(struct ringshm *channel, const struct ringshm_info *i)
{
	bool stopped = process_is_stopped((pid_t)i->stalled_pid);
	char name[32];

	if (!i->stalled_role)
		return;
	printf("stalled       by %s %u, pid %u (%s), which is alive and has held position %llu for %.3f s; those "
	       "behind it wait until it goes on",
	       report_role(i->stalled_role), i->stalled_id, i->stalled_pid,
	       stalled_name(channel, i, name, sizeof(name)), (unsigned long long)i->stalled_position,
	       (double)i->stalled_ns / 1e9);
	if (stopped)
		printf("; it was stopped by a signal: kill -CONT %u", i->stalled_pid);
	putchar('\n');
}

static json_t *stalled_json(struct ringshm *channel, const struct ringshm_info *i)
{
	char name[32];

	if (!i->stalled_role)
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:s, s:I, s:I, s:b}", "role", report_role(i->stalled_role), "id",
			 (json_int_t)i->stalled_id, "pid", (json_int_t)i->stalled_pid, "comm",
			 stalled_name(channel, i, name, sizeof(name)), "position", (json_int_t)i->stalled_position,
			 "ns", (json_int_t)i->stalled_ns, "stopped", (int)process_is_stopped((pid_t)i->stalled_pid));
}

/* ---- one look ------------------------------------------------------------------------------- */

/* What passed between two looks, and when the first of them was. */
struct flow {
	struct ringshm_info before;
	int64_t then;
};

static void flow_text(const struct flow *flow, const struct ringshm_info *now, int64_t at)
{
	double seconds = (double)(at - flow->then) / 1e9;
	const char *unit = now->kind == RINGSHM_SPSC ? "bytes" : "messages";

	if (flow->then && seconds > 0)
		printf("flow          %.0f %s/s in, %.0f %s/s out\n", (double)(now->tail - flow->before.tail) / seconds,
		       unit, (double)(now->head - flow->before.head) / seconds, unit);
}

static int show_text(const struct stat_request *r, struct ringshm *channel, const struct ringshm_info *info,
		     const struct flow *flow)
{
	int error;

	shape_text(r->name, info);
	contents_text(info);
	flow_text(flow, info, report_now());
	stalled_text(channel, info);
	error = report_participants(channel, participant_text, NULL);
	return error ? report_library_failure(error) : report_end();
}

static int show_json(const struct stat_request *r, struct ringshm *channel, const struct ringshm_info *info)
{
	json_t *object = shape_json(r->name, info), *list = json_array();
	int error;

	contents_json(object, info);
	json_object_set_new(object, "stalled", stalled_json(channel, info));
	json_object_set_new(object, "participants", list);
	if (r->watch)
		set_int(object, "monotonic_ns", (uint64_t)report_now());
	error = report_participants(channel, participant_json, list);
	if (!error)
		return r->watch ? report_json_line(object) : report_json(object);
	json_decref(object);
	return report_library_failure(error);
}

static int show(const struct stat_request *r, struct ringshm *channel, struct flow *flow)
{
	struct ringshm_info info = {.size = sizeof(info)};
	int error = ringshm_info(channel, &info), code;

	if (error)
		return report_library_failure(error);
	code = r->json ? show_json(r, channel, &info) : show_text(r, channel, &info, flow);
	flow->before = info;
	flow->then = report_now();
	return code;
}

/* ---- all ------------------------------------------------------------------------------------ */

static void clear_screen(const struct stat_request *r, uint64_t looks)
{
	if (r->json)
		return;
	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	else if (looks)
		putchar('\n');
}

/* A closed pipe ends the watching as it ends other filters. */
static int watch(const struct stat_request *r, struct ringshm *channel)
{
	struct flow flow = {0};
	int code = EXIT_DONE;

	for (uint64_t looks = 0; code == EXIT_DONE && !interrupt_signal(); looks++) {
		if (looks)
			interrupt_rest(r->interval_ns);
		if (interrupt_signal())
			break;
		clear_screen(r, looks);
		code = show(r, channel, &flow);
		if (r->count && looks + 1 == r->count)
			break;
		if (code == EXIT_DONE && flow.before.state & RINGSHM_STATE_SUPERSEDED) {
			report_failure("stat %s: the channel was removed or replaced", r->name);
			code = EXIT_NO_CHANNEL;
		}
	}
	return code;
}

int cmd_stat(int argc, char **argv)
{
	struct stat_request r = {.interval_ns = WATCH_NS};
	struct flow flow = {0};
	struct ringshm *channel;
	int error, code;

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	error = report_open(&channel, r.name);
	if (error)
		return report_library_failure(error);
	if (r.watch)
		interrupt_begin();
	code = r.watch ? watch(&r, channel) : show(&r, channel, &flow);
	ringshm_close(channel);
	return r.watch ? interrupt_end(code) : code;
}
