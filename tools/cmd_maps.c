// SPDX-License-Identifier: MIT
/* ringshm maps: which processes map a channel, where, and with which pages. */
#include <argp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "mappings.h"
#include "options.h"
#include "process.h"
#include "report.h"

struct maps {
	const char *name;
	bool json;
	pid_t pid; /* of the last mapping shown */
	unsigned int processes;
	json_t *array;
	json_t *mappings; /* of that process */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct maps *m = state->input;

	switch (key) {
	case 'j':
		m->json = true;
		return 0;
	default:
		return option_existing(key, arg, state, &m->name);
	}
}

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "Print a JSON array, one object a process", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "CHANNEL",
	.doc = "Show which processes map a channel: address ranges, permissions, the size of the pages that they got, "
	       "and the NUMA nodes of these.\v"
	       "A handle maps ctl and cons read-only; an endpoint maps them again, what it writes writable, and data. "
	       "Processes of others can only be looked into by root; how many were left out is said.",
};

static void nodes_text(const struct mapping *m)
{
	char bytes[32];

	for (int node = 0; node < MAPPING_NODES; node++)
		if (m->node_bytes[node])
			printf(", %s on node %d", report_bytes(bytes, m->node_bytes[node]), node);
	if (!m->nodes_known)
		printf(", nodes not known");
	putchar('\n');
}

static void mapping_text(const struct mapping *m)
{
	char size[32], page[32], resident[32], huge[32];

	printf("  %-4s %012" PRIx64 "-%012" PRIx64 " %s %s, pages of %s, %s present", m->file, m->start, m->end,
	       m->perms, report_bytes(size, m->end - m->start), report_bytes(page, m->page_size),
	       report_bytes(resident, m->resident));
	if (m->huge)
		printf(" (%s in huge pages)", report_bytes(huge, m->huge));
	nodes_text(m);
}

static json_t *mapping_json(const struct mapping *m)
{
	json_t *nodes = json_object();
	char start[24], end[24], key[12];

	for (int node = 0; node < MAPPING_NODES; node++)
		if (m->node_bytes[node]) {
			snprintf(key, sizeof(key), "%d", node);
			json_object_set_new(nodes, key, json_integer((json_int_t)m->node_bytes[node]));
		}
	snprintf(start, sizeof(start), "0x%" PRIx64, m->start);
	snprintf(end, sizeof(end), "0x%" PRIx64, m->end);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "file", m->file, "start", start, "end", end,
			 "permissions", m->perms, "size", (json_int_t)(m->end - m->start), "page_size",
			 (json_int_t)m->page_size, "present", (json_int_t)m->resident, "huge", (json_int_t)m->huge,
			 "node_bytes", nodes);
}

/* ---- which seats a process has -------------------------------------------------------------- */

struct seats {
	pid_t pid;
	json_t *array;
};

static void add_seat(const struct ringshm_participant_info *p, void *context)
{
	struct seats *seats = context;
	char text[32];

	snprintf(text, sizeof(text), "%s %u", report_role(p->role), p->id);
	if ((pid_t)p->pid == seats->pid && p->alive)
		json_array_append_new(seats->array, json_string(text));
}

/* ["producer 0"]; empty when the channel does not tell. */
static json_t *seats_of(const char *name, pid_t pid)
{
	struct seats seats = {pid, json_array()};
	struct ringshm *channel;

	if (!report_open(&channel, name)) {
		report_participants(channel, add_seat, &seats);
		ringshm_close(channel);
	}
	return seats.array;
}

static void process_text(pid_t pid, const char *name, json_t *seats)
{
	printf("%d (%s)", (int)pid, name);
	for (size_t i = 0; i < json_array_size(seats); i++)
		printf(", %s", json_string_value(json_array_get(seats, i)));
	putchar('\n');
	json_decref(seats);
}

/* ---- all ------------------------------------------------------------------------------------ */

static void begin_process(struct maps *maps, pid_t pid)
{
	json_t *seats = seats_of(maps->name, pid);
	char name[32];

	maps->pid = pid;
	maps->processes++;
	process_name(pid, name, sizeof(name));
	if (!maps->json) {
		process_text(pid, name, seats);
		return;
	}
	maps->mappings = json_array();
	json_array_append_new(maps->array, json_pack("{s:i, s:s, s:o, s:o}", "pid", (int)pid, "comm", name, "seats",
						     seats, "mappings", maps->mappings));
}

static void visit(const struct mapping *m, void *context)
{
	struct maps *maps = context;

	if (m->pid != maps->pid)
		begin_process(maps, m->pid);
	if (maps->json)
		json_array_append_new(maps->mappings, mapping_json(m));
	else
		mapping_text(m);
}

int cmd_maps(int argc, char **argv)
{
	struct maps maps = {0};
	unsigned int unseen = 0;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &maps);
	maps.array = json_array();
	code = mappings_walk(maps.name, visit, &maps, &unseen);
	if (code) {
		json_decref(maps.array);
		return code;
	}
	if (unseen)
		fprintf(stderr, "ringshm: maps %s: processes that could not be looked into: %u%s\n", maps.name, unseen,
			geteuid() ? "; root sees more" : "");
	if (maps.json)
		return report_json(maps.array);
	json_decref(maps.array);
	if (!maps.processes)
		printf("nobody maps %s\n", maps.name);
	return report_end();
}
