// SPDX-License-Identifier: MIT
/* ringshm ls: the channels of this machine. */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "report.h"

struct ls {
	bool json;
	json_t *array;
	unsigned int shown;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ls *ls = state->input;

	(void)arg;
	switch (key) {
	case 'j':
		ls->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "Print a JSON array, one object a channel", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "List the channels in $RINGSHM_DIR, or else in /dev/shm/ringshm, with what is in them and how many "
	       "live producers and consumers they have. A channel that cannot be read is listed with the reason.",
};

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
}

static void show_header(struct ls *ls)
{
	if (!ls->json && !ls->shown++)
		printf("%-24s %-6s %10s %10s %5s %5s %5s %-9s %s\n", "NAME", "KIND", "CAPACITY", "USED", "PROD", "CONS",
		       "DEAD", "MEMORY", "STATE");
}

static void show_broken(struct ls *ls, const char *name, const char *why)
{
	show_header(ls);
	if (ls->json)
		json_array_append_new(ls->array, json_pack("{s:s, s:s}", "name", name, "error", why));
	else
		printf("%-24s unreadable: %s\n", name, why);
}

static void show_text(const char *name, const struct ringshm_info *i)
{
	char capacity[32], used[32];

	if (i->kind == RINGSHM_SPSC) {
		report_bytes(capacity, i->capacity);
		report_bytes(used, i->used);
	} else {
		snprintf(capacity, sizeof(capacity), "%llu", (unsigned long long)i->capacity);
		snprintf(used, sizeof(used), "%llu", (unsigned long long)i->used);
	}
	printf("%-24s %-6s %10s %10s %5u %5u %5u %-9s %s\n", name, ringshm_kind_name(i->kind), capacity, used,
	       i->producers, i->consumers, i->dead, ringshm_backend_name(i->backend), report_state(i->state));
}

static json_t *as_json(const char *name, const struct ringshm_info *i)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:i, s:i, s:i, s:s, s:I, s:s}", "name", name, "kind",
			 ringshm_kind_name(i->kind), "capacity", (json_int_t)i->capacity, "used", (json_int_t)i->used,
			 "producers", (int)i->producers, "consumers", (int)i->consumers, "dead", (int)i->dead,
			 "backend", ringshm_backend_name(i->backend), "page_size", (json_int_t)i->page_size, "state",
			 report_state(i->state));
}

static void show(struct ls *ls, const char *name)
{
	struct ringshm_info info = {.size = sizeof(info)};
	struct ringshm *channel;
	int error = report_open(&channel, name);

	if (error == -ENOENT)
		return; /* removed since the directory was read */
	if (!error) {
		error = ringshm_info(channel, &info);
		ringshm_close(channel);
	}
	if (error) {
		show_broken(ls, name, ringshm_last_error());
		return;
	}
	show_header(ls);
	if (ls->json)
		json_array_append_new(ls->array, as_json(name, &info));
	else
		show_text(name, &info);
}

static int show_all(struct ls *ls)
{
	struct dirent **entries;
	int n = scandir(ringshm_directory(), &entries, visible, alphasort);

	if (n < 0 && errno == ENOENT)
		return EXIT_DONE; /* nobody has made a channel yet */
	if (n < 0)
		return report_failure("ls %s: %m", ringshm_directory());
	for (int i = 0; i < n; i++) {
		show(ls, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return EXIT_DONE;
}

int cmd_ls(int argc, char **argv)
{
	struct ls ls = {0};
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &ls);
	ls.array = json_array();
	code = show_all(&ls);
	if (code || !ls.json) {
		json_decref(ls.array);
		if (!code && !ls.shown)
			printf("no channels in %s\n", ringshm_directory());
		return code ? code : report_end();
	}
	return report_json(ls.array);
}
