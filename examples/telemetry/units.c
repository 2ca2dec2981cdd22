// SPDX-License-Identifier: MIT
/* units.c - durations, sizes and foreign text, between people and the program. */
#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *unit;
	double ns;
} durations[] = {
	{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1.0}, {"m", 60e9}, {"h", 3600e9},
};

int tel_parse_duration(const char *text, int64_t *ns)
{
	char *end;
	double number, total;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return -EINVAL; /* strtod() would take blanks, signs, inf and nan */
	number = strtod(text, &end);
	if (end == text || text[1] == 'x' || text[1] == 'X')
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		if (strcmp(end, durations[i].unit))
			continue;
		total = number * durations[i].ns;
		if (!(total < 0x1p63))
			return -EINVAL;
		*ns = (int64_t)total;
		return 0;
	}
	return -EINVAL;
}

int tel_parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	unsigned long long number;
	const char *unit;
	unsigned int shift = 0;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return -EINVAL;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || (end[1] && strcmp(end + 1, "iB")))
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (number > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes = number << shift;
	return 0;
}

const char *tel_format_bytes(char *buf, size_t cap, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buf, cap, "%u B", (unsigned int)bytes);
		return buf;
	}
	/* 1023.95 would print as 1024.0 */
	for (; value >= 1023.95 && i + 1 < ARRAY_SIZE(units); i++)
		value /= 1024;
	snprintf(buf, cap, "%.1f %s", value, units[i]);
	return buf;
}

const char *tel_format_duration(char *buf, size_t cap, int64_t ns)
{
	double value = (double)ns;

	if (value < 1e3)
		snprintf(buf, cap, "%.0f ns", value);
	else if (value < 1e6)
		snprintf(buf, cap, "%.4g us", value / 1e3);
	else if (value < 1e9)
		snprintf(buf, cap, "%.4g ms", value / 1e6);
	else
		snprintf(buf, cap, "%.4g s", value / 1e9);
	return buf;
}

/*
 * Length of the well-formed UTF-8 sequence at @s (Unicode 15, table 3-7), or 0.
 * The terminating zero is no continuation byte, so it is never passed.
 */
static size_t utf8_length(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (s[0] == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* A control character would let a process name drive the reader's terminal. */
static int is_control(const unsigned char *s, size_t len)
{
	if (len == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	return len == 2 && s[0] == 0xc2 && s[1] < 0xa0; /* U+0080 to U+009F */
}

void tel_sanitize(char *text, int ascii)
{
	const unsigned char *from = (const unsigned char *)text;
	char *to = text;

	while (*from) {
		size_t len = utf8_length(from);

		if (!len || is_control(from, len) || (ascii && len > 1)) {
			*to++ = '?';
			from += len ? len : 1;
			continue;
		}
		while (len--)
			*to++ = (char)*from++;
	}
	*to = '\0';
}
