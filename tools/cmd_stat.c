// SPDX-License-Identifier: MIT
/* ringshm stat: everything about one channel. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "command.h"
#include "report.h"

struct stat_request {
	const char *name;
	bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stat_request *r = state->input;

	switch (key) {
	case 'j':
		r->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (r->name)
			argp_error(state, "one channel at a time; '%s' is one too many", arg);
		r->name = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which channel? 'ringshm ls' lists them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "Print a JSON object", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CHANNEL",
	.doc = "Show what a channel is, what is in it, who takes part, and what was lost.",
};

/* ---- participants --------------------------------------------------------------------------- */

/* Calls visit() for each seat that is or was taken, producers first. 0 or the library's error. */
static int each_participant(struct ringshm *channel, void (*visit)(const struct ringshm_participant_info *, void *),
			    void *arg)
{
	for (uint32_t role = RINGSHM_ROLE_PRODUCER; role <= RINGSHM_ROLE_CONSUMER; role++)
		for (uint32_t id = 0; id < RINGSHM_PARTICIPANTS_MAX; id++) {
			struct ringshm_participant_info p = {.size = sizeof(p)};
			int error = ringshm_participant_info(channel, role, id, &p);

			if (error == -ERANGE)
				break;
			if (error && error != -ENOENT)
				return error;
			if (!error)
				visit(&p, arg);
		}
	return 0;
}

static const char *role_name(uint32_t role)
{
	return role == RINGSHM_ROLE_PRODUCER ? "producer" : "consumer";
}

static void participant_text(const struct ringshm_participant_info *p, void *arg)
{
	(void)arg;
	printf("  %-8s %4u  pid %u (%.16s), thread %u, %s, owner %llu of this seat, %llu dropped\n", role_name(p->role),
	       p->id, p->pid, p->comm, p->tid, p->alive ? "alive" : "dead", (unsigned long long)p->generation,
	       (unsigned long long)p->dropped);
}

static void participant_json(const struct ringshm_participant_info *p, void *arg)
{
	json_array_append_new(arg,
			      json_pack("{s:s, s:I, s:b, s:I, s:I, s:s%, s:I, s:I}", "role", role_name(p->role), "id",
					(json_int_t)p->id, "alive", (int)!!p->alive, "pid", (json_int_t)p->pid, "tid",
					(json_int_t)p->tid, "comm", p->comm, strnlen(p->comm, sizeof(p->comm)),
					"generation", (json_int_t)p->generation, "dropped", (json_int_t)p->dropped));
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

static int show(const struct stat_request *r, struct ringshm *channel)
{
	struct ringshm_info info = {.size = sizeof(info)};
	json_t *object, *list;
	int error = ringshm_info(channel, &info);

	if (error)
		return report_library_failure(error);
	if (!r->json) {
		shape_text(r->name, &info);
		contents_text(&info);
		error = each_participant(channel, participant_text, NULL);
		return error ? report_library_failure(error) : report_end();
	}
	object = shape_json(r->name, &info);
	contents_json(object, &info);
	list = json_array();
	json_object_set_new(object, "participants", list);
	error = each_participant(channel, participant_json, list);
	if (!error)
		return report_json(object);
	json_decref(object);
	return report_library_failure(error);
}

int cmd_stat(int argc, char **argv)
{
	struct stat_request r = {0};
	struct ringshm *channel;
	int error, code;

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	error = report_open(&channel, r.name);
	if (error)
		return report_library_failure(error);
	code = show(&r, channel);
	ringshm_close(channel);
	return code;
}
