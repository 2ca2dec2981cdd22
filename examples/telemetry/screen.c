// SPDX-License-Identifier: MIT
/* screen.c - the table, live, on a terminal. */
#include "view.h"

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTES_MAX 4096 /* bytes kept for the end, whoever writes them into the ring */

static int paint(struct tel_view *view, struct tel_model *model)
{
	char *text = NULL, *save, *line;
	size_t size;
	FILE *lines = open_memstream(&text, &size);
	int err, y = 0;

	if (!lines)
		return -ENOMEM;
	err = tel_table_print(lines, view, model, LINES, COLS);
	if (fclose(lines))
		err = -ENOMEM;
	erase();
	for (line = strtok_r(text, "\n", &save); line && !err; line = strtok_r(NULL, "\n", &save))
		mvaddstr(y++, 0, line);
	refresh();
	free(text);
	return err;
}

static int screen_sample(struct tel_view *view, struct tel_model *model)
{
	return paint(view, model);
}

static int screen_note(struct tel_view *view, const char *text)
{
	char *notes;

	snprintf(view->note, sizeof(view->note), "%s", text);
	if (view->notes && strlen(view->notes) > NOTES_MAX)
		return 0;
	if (asprintf(&notes, "%snote: %s\n", view->notes ? view->notes : "", text) < 0)
		return -ENOMEM;
	free(view->notes);
	view->notes = notes;
	return 0;
}

static int screen_idle(struct tel_view *view, struct tel_model *model)
{
	int key;

	while ((key = getch()) != ERR) {
		if (key == 'q' || key == 'Q')
			view->quit = 1;
		else if (key == KEY_RESIZE && model->totals.samples)
			paint(view, model);
	}
	return 0;
}

static int screen_open(struct tel_view *view)
{
	SCREEN *screen = newterm(NULL, view->out, stdin);

	if (!screen)
		return -ENOTTY;
	view->screen = screen;
	cbreak();
	noecho();
	curs_set(0);
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	mvaddstr(0, 0, "telemetry: waiting for the first sample (q quits)");
	refresh();
	return 0;
}

static int screen_finish(struct tel_view *view, const struct tel_model *model)
{
	endwin();
	delscreen(view->screen);
	view->screen = NULL;
	if (view->notes)
		fputs(view->notes, view->out);
	free(view->notes);
	view->notes = NULL;
	return tel_view_lines.finish(view, model);
}

const struct tel_view_ops tel_view_screen = {
	.open = screen_open,
	.sample = screen_sample,
	.note = screen_note,
	.idle = screen_idle,
	.finish = screen_finish,
};
