/* SPDX-License-Identifier: MIT */
/* units.h - durations, sizes and foreign text, between people and the program. */
#ifndef TELEMETRY_UNITS_H
#define TELEMETRY_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "250ms", "1.5" (seconds), "2m", "1h", also us. -EINVAL: not a duration, negative, or over 292 years. */
int tel_parse_duration(const char *text, int64_t *ns);

/* "65536", "64K", "1M", "1G". -EINVAL: not a size, or over 64 bits. */
int tel_parse_size(const char *text, uint64_t *bytes);

/* "512 B", "1.5 MiB" into @buf; returns @buf. */
const char *tel_format_bytes(char *buf, size_t cap, uint64_t bytes);

/* "250 ms", "1.5 s" into @buf; returns @buf. */
const char *tel_format_duration(char *buf, size_t cap, int64_t ns);

/*
 * Make @text, which a stranger chose, fit for a terminal and for JSON: what is
 * not printable or not UTF-8 becomes '?'; with @ascii everything beyond ASCII.
 */
void tel_sanitize(char *text, int ascii);

#endif
