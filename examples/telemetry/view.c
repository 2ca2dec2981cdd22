// SPDX-License-Identifier: MIT
/* view.c - what all views share. */
#include "view.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <wchar.h>

const char *const tel_resource_names[PSI_RESOURCES] = {
	[PSI_CPU] = "cpu",
	[PSI_IO] = "io",
	[PSI_MEMORY] = "memory",
	[PSI_IRQ] = "irq",
};

const char *tel_wait_source_name(enum tel_wait_source source)
{
	switch (source) {
	case WAIT_SCHEDSTAT:
		return "schedstat";
	case WAIT_PROCESSES:
		return "processes";
	default:
		return "unknown";
	}
}

int tel_view_flush(struct tel_view *view)
{
	errno = 0;
	if (fflush(view->out) || ferror(view->out))
		return errno ? -errno : -EIO;
	return 0;
}

void tel_cut_columns(char *line, int cols)
{
	mbstate_t state = {0};
	char *p = line;

	while (*p) {
		wchar_t c;
		size_t len = mbrtowc(&c, p, strlen(p), &state);
		int width = len > 0 && len < (size_t)-2 ? wcwidth(c) : -1;

		if (width < 0) { /* not of this locale: a column for its byte */
			state = (mbstate_t){0};
			*p = '?';
			len = 1;
			width = 1;
		}
		cols -= width;
		if (cols < 0)
			break;
		p += len;
	}
	*p = '\0';
}

const char *tel_format_rate(char *buf, size_t cap, double value, int decimals)
{
	if (isnan(value))
		snprintf(buf, cap, "-");
	else
		snprintf(buf, cap, "%.*f", decimals, value);
	return buf;
}

double tel_pressure_share(const struct tel_model *model, enum tel_resource resource, enum tel_stall stall)
{
	const struct tel_pressure_state *p = &model->pressure[resource];

	return tel_model_current(model, &p->last.head) ? p->share[stall] : (double)NAN;
}
