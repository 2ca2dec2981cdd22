// SPDX-License-Identifier: MIT
/* ringshm gc: remove what belongs to the dead. */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "mappings.h"
#include "report.h"

struct gc {
	bool dry_run;
	bool all;
	bool json;
	json_t *array;
	unsigned int found;
	unsigned int failed;
};

enum {
	KEY_DRY_RUN = 'n',
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct gc *gc = state->input;

	switch (key) {
	case KEY_DRY_RUN:
		gc->dry_run = true;
		return 0;
	case 'a':
		gc->all = true;
		return 0;
	case 'j':
		gc->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "gc goes through everything; for the channel '%s' there is 'ringshm rm'", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"dry-run", KEY_DRY_RUN, NULL, 0, "Only say what would be removed", 0},
	{"all", 'a', NULL, 0, "Also remove channels that nobody uses: no live participant, and nobody maps them", 0},
	{"json", 'j', NULL, 0, "Print a JSON array, one object a thing", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Remove what belongs to the dead: channels that were half built or half removed when somebody "
	       "crashed, and data memory outside the directory (huge pages, System V segments) whose channel is gone.\v"
	       "A channel itself may outlive everybody, so it is removed only with --all, whatever is still in it; "
	       "kernel lanes never are, for the kernel is no participant. Whether a process maps a channel can only be "
	       "seen of processes that one may look into.",
};

/* One thing found; `error`: of removing it. */
static void tell(struct gc *gc, const char *what, const char *name, int error, const char *why)
{
	gc->found++;
	gc->failed += error != 0;
	if (gc->json) {
		json_t *o = json_pack("{s:s, s:s, s:b}", "what", what, "name", name, "removed", !gc->dry_run && !error);

		if (error)
			json_object_set_new(o, "error", json_string(why));
		json_array_append_new(gc->array, o);
	} else if (!error) {
		printf("%s %s: %s\n", gc->dry_run ? "would remove" : "removed", what, name);
	}
	if (error)
		report_failure("gc: %s %s: %s", what, name, why);
}

static void tell_leftover(const struct ringshm_leftover *leftover, void *context)
{
	tell(context, leftover->half_built ? "half-built channel" : "half-removed channel", leftover->entry,
	     leftover->error, strerror(-leftover->error));
}

static void tell_orphan(const struct ringshm_orphan *orphan, void *context)
{
	tell(context, "memory without a channel", orphan->where, orphan->error, strerror(-orphan->error));
}

/* ---- channels that nobody uses -------------------------------------------------------------- */

static void count_mapping(const struct mapping *mapping, void *context)
{
	(void)mapping;
	++*(unsigned int *)context;
}

/* Not what cannot be read: who may not look cannot know, and what is broken needs a decision (ringshm rm). */
static bool is_unused(const char *name)
{
	struct ringshm_info info = {.size = sizeof(info)};
	unsigned int mapped = 0, unseen;
	struct ringshm *channel;
	int error;

	if (ringshm_open(&channel, name, RINGSHM_CONSUMER)) /* an observer cannot ask who is alive */
		return false;
	error = ringshm_info(channel, &info);
	ringshm_close(channel);
	if (error || info.producers || info.consumers || info.features & RINGSHM_F_KLANE)
		return false;
	return mappings_walk(name, count_mapping, &mapped, &unseen) == EXIT_DONE && !mapped;
}

static void remove_channel(struct gc *gc, const char *name)
{
	int error = gc->dry_run ? 0 : ringshm_unlink(name);

	if (error != -ENOENT) /* somebody else was quicker */
		tell(gc, "channel without users", name, error, ringshm_last_error());
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
}

static int channels(struct gc *gc)
{
	struct dirent **entries;
	int n = scandir(ringshm_directory(), &entries, visible, alphasort);

	if (n < 0 && errno != ENOENT)
		return report_failure("gc %s: %m", ringshm_directory());
	for (int i = 0; i < n; i++) {
		if (is_unused(entries[i]->d_name))
			remove_channel(gc, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return EXIT_DONE;
}

/* ---- all ------------------------------------------------------------------------------------ */

static int collect(struct gc *gc)
{
	int n, code = gc->all ? channels(gc) : EXIT_DONE;

	if (code)
		return code;
	n = ringshm_leftovers(!gc->dry_run, tell_leftover, gc);
	if (n >= 0)
		n = ringshm_orphans(!gc->dry_run, tell_orphan, gc);
	return n < 0 ? report_library_failure(n) : EXIT_DONE;
}

int cmd_gc(int argc, char **argv)
{
	struct gc gc = {0};
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &gc);
	gc.array = json_array();
	code = collect(&gc);
	if (code == EXIT_DONE && gc.failed)
		code = EXIT_FAILED;
	if (gc.json) {
		int written = report_json(gc.array);

		return code ? code : written;
	}
	json_decref(gc.array);
	if (code == EXIT_DONE && !gc.found)
		puts("nothing belongs to the dead");
	return code ? code : report_end();
}
