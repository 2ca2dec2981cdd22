// SPDX-License-Identifier: MIT
/* What /proc says of other processes. */
#include "process.h"

#include <stdio.h>
#include <string.h>

#include "report.h"

/* A small file of /proc/PID; the length, or 0. */
static size_t read_file(pid_t pid, const char *file, char *text, size_t size)
{
	char path[64];
	size_t n = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	in = fopen(path, "re");
	if (in) {
		n = fread(text, 1, size - 1, in);
		fclose(in);
	}
	text[n] = 0;
	return n;
}

bool process_is_stopped(pid_t pid)
{
	char text[512];
	const char *behind_name;

	if (pid <= 0 || !read_file(pid, "stat", text, sizeof(text)))
		return false;
	behind_name = strrchr(text, ')'); /* a name may hold anything, also ')' */
	return behind_name && (!strncmp(behind_name, ") T", 3) || !strncmp(behind_name, ") t", 3));
}

char *process_name(pid_t pid, char *text, size_t size)
{
	char name[64];
	size_t n = read_file(pid, "comm", name, sizeof(name));

	if (n && name[n - 1] == '\n')
		n--;
	return n ? report_printable(text, size, name, n) : report_printable(text, size, "?", 1);
}
