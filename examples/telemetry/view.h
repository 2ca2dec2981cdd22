/* SPDX-License-Identifier: MIT */
/* view.h - the three ways to show a sample: full screen, plain lines, JSON. */
#ifndef TELEMETRY_VIEW_H
#define TELEMETRY_VIEW_H

#include "model.h"
#include "units.h"

#include <stdio.h>

struct tel_view {
	const struct tel_view_ops *ops;
	const char *channel; /* for people */
	FILE *out;
	size_t top;		     /* how many processes to show */
	int ascii;		     /* the terminal's character set is not UTF-8 */
	int quit;		     /* the user asked to end */
	char note[TEL_NOTE_MAX + 1]; /* the latest; full screen only, as is the next */
	char *notes;		     /* all of them, told again when the screen is left */
	void *screen;
};

/* All return 0 or -errno; -EPIPE: nobody reads @out any more. */
struct tel_view_ops {
	int (*open)(struct tel_view *view);
	int (*sample)(struct tel_view *view, struct tel_model *model);
	int (*note)(struct tel_view *view, const char *text);
	int (*idle)(struct tel_view *view, struct tel_model *model);	     /* keys, resizing */
	int (*finish)(struct tel_view *view, const struct tel_model *model); /* totals, leave */
};

extern const struct tel_view_ops tel_view_lines;
extern const struct tel_view_ops tel_view_json;
extern const struct tel_view_ops tel_view_screen; /* NULL members: built without ncurses */

/* The table as at most @rows lines of text, each cut to @cols columns, onto @out. */
int tel_table_print(FILE *out, struct tel_view *view, struct tel_model *model, int rows, int cols);

/* Flush @out: 0 or -errno. */
int tel_view_flush(struct tel_view *view);

/* Cut @line, in the locale's character set, to @cols terminal columns. */
void tel_cut_columns(char *line, int cols);

/* "12.3", or "-" when @value is not known; into @buf. */
const char *tel_format_rate(char *buf, size_t cap, double value, int decimals);

/* A formatted figure in place; its text lives as long as the block that it stands in. */
struct tel_text {
	char s[32];
};

#define TEL_RATE(value, decimals) tel_format_rate((struct tel_text){""}.s, sizeof(struct tel_text), value, decimals)
#define TEL_BYTES(value) tel_format_bytes((struct tel_text){""}.s, sizeof(struct tel_text), value)

/* Percent of the interval; NAN also for a resource that is not in this sample. */
double tel_pressure_share(const struct tel_model *model, enum tel_resource resource, enum tel_stall stall);

/* "schedstat", "processes", "unknown". */
const char *tel_wait_source_name(enum tel_wait_source source);

extern const char *const tel_resource_names[PSI_RESOURCES];

#endif
