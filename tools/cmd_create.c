// SPDX-License-Identifier: MIT
/* ringshm create: make a channel and say what was got. */
#include <argp.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "options.h"
#include "report.h"

#define N_OF(array) (sizeof(array) / sizeof(*(array)))

#define TRIALS_MOST 16
#define CAPACITY_BYTES 65536 /* of an spsc ring when nothing is said */
#define CAPACITY_SLOTS 1024  /* of the others */

struct create_request {
	const char *name;
	struct ringshm_config config;
	bool quiet;
	bool json;
};

enum {
	KEY_PAGES = 256,
	KEY_ALIGNMENT,
	KEY_START,
	KEY_SCHEMA,
	KEY_CONSUMER_MODE,
	KEY_CONTIGUOUS,
	KEY_REPLACE,
};

static const struct option_word kinds[] = {
	{"spsc", RINGSHM_SPSC},
	{"token", RINGSHM_TOKEN},
	{"mpmc", RINGSHM_MPMC},
};

static const struct option_word backends[] = {
	{"auto", RINGSHM_BACKEND_AUTO},		  {"shm", RINGSHM_BACKEND_SHM},	  {"thp", RINGSHM_BACKEND_THP},
	{"hugetlbfs", RINGSHM_BACKEND_HUGETLBFS}, {"sysv", RINGSHM_BACKEND_SYSV}, {"kmod", RINGSHM_BACKEND_KMOD},
};

static const struct option_word features[] = {
	{"timestamp", RINGSHM_F_TIMESTAMP}, {"block", RINGSHM_F_BLOCK},
	{"pollfd", RINGSHM_F_POLLFD},	    {"eof", RINGSHM_F_EOF},
	{"klane", RINGSHM_F_KLANE},
};

static int32_t node(struct argp_state *state, const char *text)
{
	if (!strcmp(text, "any"))
		return RINGSHM_NODE_ANY;
	if (!strcmp(text, "interleave"))
		return RINGSHM_NODE_INTERLEAVE;
	if (!strcmp(text, "local"))
		return RINGSHM_NODE_LOCAL;
	return (int32_t)option_number(state, "--node (or any, interleave, local)", text, 0, 1023);
}

/* Permission bits, in octal as chmod(1) takes them. */
static uint32_t mode(struct argp_state *state, const char *option, const char *text)
{
	char *end;
	unsigned long bits = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end || bits > 0777)
		argp_error(state, "%s: '%s' is not a mode in octal, as 0660", option, text);
	return (uint32_t)bits;
}

static uint32_t group(struct argp_state *state, const char *text)
{
	const struct group *entry = getgrnam(text);
	uint64_t gid;

	if (entry)
		return entry->gr_gid;
	if (report_parse_bytes(text, &gid) || gid >= RINGSHM_GROUP_NONE)
		argp_error(state, "--group: there is no group '%s'", text);
	return (uint32_t)gid;
}

/* ID or ID:VERSION */
static void schema(struct argp_state *state, const char *text, struct ringshm_config *config)
{
	char *end;

	errno = 0;
	config->schema_id = strtoull(text, &end, 0);
	if (!errno && end != text && *end == ':' && end[1] >= '0' && end[1] <= '9')
		config->schema_version = (uint32_t)option_number(state, "--schema", end + 1, 0, UINT32_MAX);
	else if (errno || end == text || *end || *text == '-')
		argp_error(state, "--schema: '%s' is neither ID nor ID:VERSION", text);
}

static error_t parse_shape(int key, char *arg, struct argp_state *state)
{
	struct ringshm_config *c = &((struct create_request *)state->input)->config;

	switch (key) {
	case 'k':
		c->kind = (uint32_t)option_word(state, "--kind", arg, kinds, N_OF(kinds));
		return 0;
	case 'c':
		c->capacity = option_number(state, "--capacity", arg, 1, UINT64_C(1) << 40);
		return 0;
	case 's':
		c->slot_size = (uint32_t)option_number(state, "--slot-size", arg, 1, UINT32_MAX);
		return 0;
	case KEY_ALIGNMENT:
		c->alignment = (uint32_t)option_number(state, "--alignment", arg, 8, 64);
		return 0;
	case 'f':
		c->features |= option_words(state, "--features", arg, features, N_OF(features));
		return 0;
	case 'p':
		c->participants = (uint32_t)option_number(state, "--participants", arg, 1, RINGSHM_PARTICIPANTS_MAX);
		return 0;
	case KEY_START:
		c->start_position = option_number(state, "--start", arg, 0, UINT64_MAX);
		return 0;
	case KEY_SCHEMA:
		schema(state, arg, c);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_place(int key, char *arg, struct argp_state *state)
{
	struct create_request *r = state->input;
	struct ringshm_config *c = &r->config;

	switch (key) {
	case 'b':
		c->backend = (uint32_t)option_word(state, "--backend", arg, backends, N_OF(backends));
		return 0;
	case KEY_PAGES:
		c->page_size = option_number(state, "--pages", arg, 4096, UINT64_C(1) << 34);
		return 0;
	case 'n':
		c->node = node(state, arg);
		return 0;
	case 'm':
		c->mode = mode(state, "--mode", arg);
		return 0;
	case KEY_CONTIGUOUS:
		c->flags |= RINGSHM_CREATE_CONTIGUOUS;
		return 0;
	case KEY_CONSUMER_MODE:
		c->consumer_mode = mode(state, "--consumer-mode", arg);
		return 0;
	case 'g':
		c->group = group(state, arg);
		return 0;
	default:
		return parse_shape(key, arg, state);
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct create_request *r = state->input;

	switch (key) {
	case KEY_REPLACE:
		r->config.flags |= RINGSHM_CREATE_REPLACE;
		return 0;
	case 'q':
		r->quiet = true;
		return 0;
	case 'j':
		r->json = true;
		return 0;
	case ARGP_KEY_ARG:
		option_channel(state, &r->name, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which name shall the channel have?");
		return 0;
	default:
		return parse_place(key, arg, state);
	}
}

static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "What goes through it:", 1},
	{"kind", 'k', "KIND", 0, "spsc, token or mpmc (default spsc)", 1},
	{"capacity", 'c', "N", 0, "Power of two: bytes of an spsc ring (default 64K), else slots (default 1K)", 1},
	{"slot-size", 's', "BYTES", 0, "Size of a slot, where the kind has slots (default: the kind's)", 1},
	{"alignment", KEY_ALIGNMENT, "BYTES", 0, "Of payloads, 8 or 64 (default 8)", 1},
	{"features", 'f', "LIST", 0,
	 "Any of timestamp, block (certain wake-ups), pollfd (wake-ups by poll), eof (consumers see that the "
	 "producers have gone), klane (the kernel produces), separated by commas",
	 1},
	{"participants", 'p', "N", 0, "Most endpoints at a time, of mpmc (default 64)", 1},
	{"schema", KEY_SCHEMA, "ID[:VERSION]", 0, "What the payloads mean: numbers of your own", 1},
	{"start", KEY_START, "POSITION", 0, "First position, for tests of the wrap (default 0)", 1},
	{NULL, 0, NULL, 0, "What it is made of:", 2},
	{"backend", 'b', "NAME", 0, "auto, hugetlbfs, thp, sysv, kmod or shm (default auto: the best there is)", 2},
	{"pages", KEY_PAGES, "BYTES", 0, "Page size of the data, as 4K or 2M (default: the backend's)", 2},
	{"contiguous", KEY_CONTIGUOUS, NULL, 0, "In one physical run, of the kernel module (needs CAP_SYS_ADMIN)", 2},
	{"node", 'n', "NODE", 0, "NUMA node: a number, any, interleave or local (default any)", 2},
	{NULL, 0, NULL, 0, "Who may use it:", 3},
	{"mode", 'm', "OCTAL", 0, "Who may produce (write bits) and look (read bits) (default 0600)", 3},
	{"consumer-mode", KEY_CONSUMER_MODE, "OCTAL", 0, "Who may consume (default: as --mode)", 3},
	{"group", 'g', "GROUP", 0, "Group of its files, by name or number (default: yours)", 3},
	{NULL, 0, NULL, 0, "Besides:", 4},
	{"replace", KEY_REPLACE, NULL, 0, "Take the place of a channel of that name, whose users are told -ESTALE", 4},
	{"quiet", 'q', NULL, 0, "Print nothing", 4},
	{"json", 'j', NULL, 0, "Print a JSON object", 4},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CHANNEL",
	.doc = "Make a channel. All of its memory is reserved now, and what was got is printed.\v"
	       "Sizes may end in K, M, G or T. The channel stays until 'ringshm rm' removes it or the machine restarts.",
};

/* ---- what was got --------------------------------------------------------------------------- */

/* What `auto` tried in vain before it took what it took. */
static json_t *refusals(void)
{
	struct ringshm_backend_trial all[TRIALS_MOST] = {{.size = sizeof(all[0])}};
	json_t *array = json_array();
	int n = ringshm_backend_trials(all, TRIALS_MOST);

	for (int i = 0; i < n && i < TRIALS_MOST; i++)
		if (all[i].error)
			json_array_append_new(array, report_trial(&all[i]));
	return array;
}

/* A small ring is refused by several for the one reason that it is small: that goes into one line. */
static void print_refusals(void)
{
	json_t *array = refusals();
	size_t n = json_array_size(array), i = 0;

	while (i < n) {
		const json_t *first = json_object_get(json_array_get(array, i), "reason");
		size_t end = i + 1;

		while (end < n && json_equal(first, json_object_get(json_array_get(array, end), "reason")))
			end++;
		if (end - i == 1)
			report_trial_text(json_array_get(array, i));
		for (size_t j = i; end - i > 1 && j < end; j++)
			printf("%s%s", j > i ? ", " : "  not in ",
			       json_string_value(json_object_get(json_array_get(array, j), "backend")));
		if (end - i > 1)
			printf(": %s\n", json_string_value(first));
		i = end;
	}
	json_decref(array);
}

static void print_text(const struct create_request *r, const struct ringshm_info *i)
{
	char capacity[32], page[32];

	if (i->kind == RINGSHM_SPSC)
		report_bytes(capacity, i->capacity);
	else
		snprintf(capacity, sizeof(capacity), "%llu slots", (unsigned long long)i->capacity);
	printf("%s: %s of %s, largest message %u bytes, in %s with pages of %s\n", r->name, ringshm_kind_name(i->kind),
	       capacity, i->max_payload, ringshm_backend_name(i->backend), report_bytes(page, i->page_size));
	print_refusals();
}

static json_t *as_json(const struct create_request *r, const struct ringshm_info *i)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:I, s:I, s:i, s:o}", "name", r->name, "kind",
			 ringshm_kind_name(i->kind), "capacity", (json_int_t)i->capacity, "slot_size",
			 (json_int_t)i->slot_size, "max_payload", (json_int_t)i->max_payload, "backend",
			 ringshm_backend_name(i->backend), "page_size", (json_int_t)i->page_size, "data_size",
			 (json_int_t)i->data_size, "node", (int)i->node, "refused", refusals());
}

static int show(const struct create_request *r, struct ringshm *channel)
{
	struct ringshm_info info = {.size = sizeof(info)};
	int error = ringshm_info(channel, &info);

	if (error)
		return report_library_failure(error);
	if (r->json)
		return report_json(as_json(r, &info));
	if (!r->quiet)
		print_text(r, &info);
	return report_end();
}

int cmd_create(int argc, char **argv)
{
	struct create_request r = {0};
	struct ringshm *channel;
	int error, code;

	ringshm_config_init(&r.config, RINGSHM_SPSC);
	argp_parse(&argp, argc, argv, 0, NULL, &r);
	if (!r.config.capacity)
		r.config.capacity = r.config.kind == RINGSHM_SPSC ? CAPACITY_BYTES : CAPACITY_SLOTS;
	error = ringshm_create(&channel, r.name, &r.config);
	if (error) { /* -ENOENT: something of the machine's is not there, and it was not the channel */
		report_library_failure(error);
		return EXIT_FAILED;
	}
	code = show(&r, channel);
	ringshm_close(channel);
	return code;
}
