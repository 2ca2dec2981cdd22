// SPDX-License-Identifier: MIT
/* Errors to people, figures as text or JSON. */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "interrupt.h"

int report_failure(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("ringshm: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILED;
}

int report_library_failure(int error)
{
	const char *sentence = ringshm_last_error();

	fflush(stdout);
	fprintf(stderr, "%s%s\n", strncmp(sentence, "ringshm: ", 9) ? "ringshm: " : "", sentence);
	return error == -ENOENT ? EXIT_NO_CHANNEL : EXIT_FAILED;
}

static int write_failed(void)
{
	if (errno == EPIPE && interrupt_note_closed_pipe())
		return EXIT_FAILED; /* main dies by the signal */
	return report_failure("write to standard output: %m");
}

int report_end(void)
{
	if (fflush(stdout) || ferror(stdout))
		return write_failed();
	return EXIT_DONE;
}

static int print_json(json_t *value, size_t flags)
{
	int failed;

	if (!value)
		return report_failure("no memory for the JSON output");
	failed = json_dumpf(value, stdout, flags | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
	json_decref(value);
	if (failed)
		return write_failed();
	putchar('\n');
	return report_end();
}

int report_json(json_t *value)
{
	return print_json(value, JSON_INDENT(2));
}

int report_json_line(json_t *value)
{
	return print_json(value, JSON_COMPACT);
}

char *report_printable(char *text, size_t size, const char *name, size_t length)
{
	size_t n = strnlen(name, length < size ? length : size - 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(name[i] >= ' ' && name[i] <= '~' ? name[i] : '?');
	text[n] = 0;
	return text;
}

int64_t report_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

json_t *report_real(double value)
{
	return json_real(round(value * 100) / 100);
}

char *report_bytes(char *text, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	unsigned int u = 0;

	while (u < 4 && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		u++;
	}
	snprintf(text, 32, "%llu %s", (unsigned long long)bytes, units[u]);
	return text;
}

static int unit_shift(const char *unit)
{
	static const char letters[] = "KkMmGgTt";
	const char *at;

	if (!*unit || !strcmp(unit, "B"))
		return 0;
	at = strchr(letters, *unit);
	if (!at || (unit[1] && strcmp(unit + 1, "iB") && strcmp(unit + 1, "B")))
		return -1;
	return 10 * ((int)(at - letters) / 2 + 1);
}

int report_parse_bytes(const char *text, uint64_t *bytes)
{
	unsigned long long n;
	char *end;
	int shift;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 0);
	shift = unit_shift(end);
	if (errno || shift < 0 || n > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes = (uint64_t)n << shift;
	return 0;
}

int report_open(struct ringshm **channel, const char *name)
{
	int error = ringshm_open(channel, name, RINGSHM_CONSUMER);

	return error == -EACCES ? ringshm_open(channel, name, RINGSHM_OBSERVER) : error;
}

const char *report_state(uint32_t state)
{
	if (state & RINGSHM_STATE_SUPERSEDED)
		return "removed";
	if (state & RINGSHM_STATE_SHUTDOWN)
		return "shut down";
	return state & RINGSHM_STATE_EOF ? "ended" : "open";
}

const char *report_role(uint32_t role)
{
	return role == RINGSHM_ROLE_PRODUCER ? "producer" : "consumer";
}

int report_participants(struct ringshm *channel, void (*visit)(const struct ringshm_participant_info *, void *),
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

json_t *report_trial(const struct ringshm_backend_trial *trial)
{
	json_t *o = json_pack("{s:s, s:I, s:b}", "backend", ringshm_backend_name(trial->backend), "page_size",
			      (json_int_t)trial->page_size, "works", !trial->error);

	if (trial->error)
		json_object_set_new(o, "reason", json_string(trial->reason));
	if (trial->error && *trial->mend)
		json_object_set_new(o, "mend", json_string(trial->mend));
	return o;
}

void report_trial_text(const json_t *trial)
{
	const char *reason = json_string_value(json_object_get(trial, "reason"));
	const char *mend = json_string_value(json_object_get(trial, "mend"));
	char size[32];

	printf("  %-9s %s, pages of %s\n", json_string_value(json_object_get(trial, "backend")),
	       json_is_true(json_object_get(trial, "works")) ? "works" : "refused",
	       report_bytes(size, (uint64_t)json_integer_value(json_object_get(trial, "page_size"))));
	if (reason)
		printf("            %s\n", reason);
	if (mend)
		printf("            mend it: %s\n", mend);
}
