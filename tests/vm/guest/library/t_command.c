/* SPDX-License-Identifier: MIT */
/* The ringshm command and channels in regions: made, listed, looked at, removed, and swept when nobody's. */
#include "../guest.h"

#include <ringshm/ringshm.h>
#include <stdarg.h>
#include <sys/wait.h>

static char words[65536]; /* what the last command said */

/* Runs "ringshm ARGUMENTS"; its status. */
__attribute__((format(printf, 1, 2))) static int command(const char *format, ...)
{
	char line[512] = "/bin/ringshm ";
	va_list arguments;
	size_t got;
	FILE *output;
	int status;

	va_start(arguments, format);
	vsnprintf(line + strlen(line), sizeof(line) - strlen(line) - sizeof(" 2>&1"), format, arguments);
	va_end(arguments);
	strcat(line, " 2>&1");
	output = popen(line, "r");
	CHECK(output);
	got = fread(words, 1, sizeof(words) - 1, output);
	words[got] = 0;
	status = pclose(output);
	guest_note("%s", line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void said(const char *text, int line)
{
	if (!strstr(words, text))
		guest_fail(__FILE__, line, "no \"%s\" in: %s", text, words);
}

#define SAID(text) said(text, __LINE__)

GUEST_TEST_LONG(command_knows_regions,
		"the command makes, lists, looks at and removes a channel in a region, and measures in one", 120)
{
	CHECK_EQ(command("create -b kmod --capacity 1M in-region"), 0);
	CHECK_EQ(regions_named(), 1);
	CHECK_EQ(command("ls"), 0);
	SAID("in-region");
	SAID("kmod");
	CHECK_EQ(command("stat in-region"), 0);
	SAID("kmod");
	CHECK_EQ(command("maps in-region"), 0);
	CHECK_EQ(command("info"), 0);
	SAID("takes kmod");
	CHECK_EQ(command("info --json"), 0);
	SAID("\"kmod\"");
	CHECK_EQ(command("ping --count 100"), 0);
	CHECK_EQ(command("rm in-region"), 0);
	CHECK_EQ(regions_named(), 0);
	CHECK(command("stat in-region") != 0);
	SAID("no such channel");
}

GUEST_TEST(command_sweeps_regions, "gc takes the region of a channel whose directory was deleted by hand, and no other")
{
	char directory[256];

	CHECK_EQ(command("create -b kmod --capacity 1M kept"), 0);
	CHECK_EQ(command("create -b kmod --capacity 1M ruined"), 0);
	snprintf(directory, sizeof(directory), "rm -r %s/ruined", ringshm_directory());
	CHECK_EQ(system(directory), 0);
	CHECK_EQ(regions_named(), 2);
	CHECK_EQ(command("gc --dry-run"), 0);
	SAID("would remove memory without a channel: region ");
	CHECK_EQ(regions_named(), 2);
	CHECK_EQ(command("gc"), 0);
	CHECK_EQ(regions_named(), 1);
	CHECK_EQ(command("stat kept"), 0);
	CHECK_EQ(command("rm kept"), 0);
	CHECK_EQ(regions_named(), 0);
}
