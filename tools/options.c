// SPDX-License-Identifier: MIT
/* Reading option arguments. */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define SECONDS_MOST 1e9 /* 31 years; in nanoseconds well below 2^63 */

uint64_t option_number(struct argp_state *state, const char *option, const char *text, uint64_t least, uint64_t most)
{
	uint64_t n;

	if (report_parse_bytes(text, &n) || n < least || n > most)
		argp_error(state, "%s: '%s' is not a number from %llu to %llu", option, text, (unsigned long long)least,
			   (unsigned long long)most);
	return n;
}

int64_t option_seconds(struct argp_state *state, const char *option, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	/* the digit keeps out "inf", "nan" and signs */
	if (*end || end == text || !strchr(".0123456789", *text) || !(seconds <= SECONDS_MOST))
		argp_error(state, "%s: '%s' is not a time in seconds, as 2 or 0.5", option, text);
	return (int64_t)llround(seconds * 1e9);
}

static const struct option_word *find_word(const char *text, size_t length, const struct option_word *words,
					   size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i].word) == length && !strncmp(words[i].word, text, length))
			return &words[i];
	return NULL;
}

static void refuse_word(struct argp_state *state, const char *option, const char *text, size_t length,
			const struct option_word *words, size_t count)
{
	char all[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", words[i].word);
	argp_error(state, "%s: there is no '%.*s'; one of %s", option, (int)length, text, all);
}

uint64_t option_word(struct argp_state *state, const char *option, const char *text, const struct option_word *words,
		     size_t count)
{
	const struct option_word *found = find_word(text, strlen(text), words, count);

	if (!found)
		refuse_word(state, option, text, strlen(text), words, count);
	return found ? found->value : 0;
}

uint64_t option_words(struct argp_state *state, const char *option, const char *text, const struct option_word *words,
		      size_t count)
{
	uint64_t bits = 0;

	for (;;) {
		size_t length = strcspn(text, ",");
		const struct option_word *found = find_word(text, length, words, count);

		if (!found)
			refuse_word(state, option, text, length, words, count);
		else
			bits |= found->value;
		if (!text[length])
			return bits;
		text += length + 1;
	}
}

void option_channel(struct argp_state *state, const char **name, const char *text)
{
	if (*name)
		argp_error(state, "one channel at a time; '%s' is one too many", text);
	*name = text;
}

error_t option_existing(int key, char *arg, struct argp_state *state, const char **name)
{
	switch (key) {
	case ARGP_KEY_ARG:
		option_channel(state, name, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which channel? 'ringshm ls' lists them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
