// SPDX-License-Identifier: MIT
/* test_ends.c - however a sampler or a viewer ends, the other one says so, ends too, and nothing hangs. */
#include "program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <ringshm/ringshm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT 15 /* seconds; what is tested takes milliseconds on a machine with time to spare */

TestSuite(ends, .init = channels_begin, .fini = channels_remove, .timeout = 60);

/* A test that also fails when it leaves a channel behind. */
#define ENDS(name)                   \
	static void name(void);      \
	Test(ends, name)             \
	{                            \
		name();              \
		channels_are_gone(); \
	}                            \
	static void name(void)

static void ends_with(struct program *program, int code)
{
	int status = program_wait(program, LIMIT);

	cr_expect(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
	cr_expect_eq(WEXITSTATUS(status), code, "status %d; it wrote:\n%s", WEXITSTATUS(status),
		     program_text(program->err));
}

static void says(int fd, const char *what)
{
	cr_expect_not_null(strstr(program_text(fd), what), "no \"%s\" in:\n%.2000s", what, program_text(fd));
}

static int lines(int fd)
{
	int n = 0;

	for (const char *p = program_text(fd); *p; p++)
		n += *p == '\n';
	return n;
}

ENDS(a_pair_ends_by_itself_after_its_count)
{
	struct program pair;

	program_start(&pair, "--interval", "50ms", "--count", "4", "--top", "9999", "--json", NULL);
	ends_with(&pair, 0);
	says(pair.out, "\"type\":\"end\",\"samples\":4,");
	says(pair.out, "\"dropped\":0");
	says(pair.out, "\"name\":\"tele-sampler\"");
	cr_expect_geq(lines(pair.out), 5);
}

ENDS(a_pair_that_is_interrupted_shows_what_it_has_and_ends_well)
{
	struct program pair;

	program_start(&pair, "--interval", "50ms", NULL);
	program_expect(&pair, pair.out, "  cpu ", LIMIT);
	kill(pair.pid, SIGINT);
	ends_with(&pair, 0);
	says(pair.out, " samples, ");
}

/* As ^C does it: the terminal sends the signal to the whole group. */
ENDS(a_pair_whose_group_is_interrupted_ends_well_too)
{
	struct program pair;

	program_start(&pair, "--interval", "50ms", NULL);
	program_expect(&pair, pair.out, "  cpu ", LIMIT);
	kill(-pair.pid, SIGINT);
	ends_with(&pair, 0);
	says(pair.out, " samples, ");
}

ENDS(a_killed_sampler_ends_the_pair_with_a_word)
{
	struct program pair;

	program_start(&pair, "--interval", "50ms", NULL);
	program_expect(&pair, pair.out, "  cpu ", LIMIT);
	kill(program_child(&pair, "tele-sampler", LIMIT), SIGKILL);
	ends_with(&pair, 1);
	says(pair.err, "the sampler (pid ");
	says(pair.err, "was killed");
	says(pair.out, " samples, ");
}

ENDS(a_killed_viewer_ends_the_pair_with_a_word)
{
	struct program pair;

	program_start(&pair, "--interval", "50ms", NULL);
	program_expect(&pair, pair.out, "  cpu ", LIMIT);
	kill(program_child(&pair, "tele-viewer", LIMIT), SIGKILL);
	ends_with(&pair, 1);
	says(pair.err, "the viewer (pid ");
}

ENDS(a_killed_parent_takes_both_with_it)
{
	struct program pair;
	pid_t sampler, viewer;

	program_start(&pair, "--interval", "50ms", NULL);
	program_expect(&pair, pair.out, "  cpu ", LIMIT);
	sampler = program_child(&pair, "tele-sampler", LIMIT);
	viewer = program_child(&pair, "tele-viewer", LIMIT);
	kill(pair.pid, SIGKILL);
	program_wait(&pair, LIMIT);
	for (int i = 0; i < LIMIT * 100 && (process_lives(sampler) || process_lives(viewer)); i++)
		sleep_ms(10);
	cr_expect_not(process_lives(sampler));
	cr_expect_not(process_lives(viewer));
}

ENDS(a_viewer_that_is_stopped_cannot_hold_the_pair)
{
	struct program pair;

	program_start(&pair, "--interval", "20ms", NULL);
	program_expect(&pair, pair.out, "  cpu ", LIMIT);
	kill(program_child(&pair, "tele-viewer", LIMIT), SIGSTOP);
	kill(pair.pid, SIGINT);
	ends_with(&pair, 1);
	says(pair.err, "the viewer (pid ");
}

/* Wait until a sampler of ours has made its channel. */
static struct ringshm *channel_named(const char *name)
{
	struct ringshm *channel = NULL;

	for (int i = 0; i < LIMIT * 100 && ringshm_open(&channel, name, RINGSHM_OBSERVER); i++)
		sleep_ms(10);
	cr_assert_not_null(channel, "%s", ringshm_last_error());
	return channel;
}

static struct ringshm_info info_of(struct ringshm *channel)
{
	struct ringshm_info info = {.size = sizeof(info)};

	cr_assert_eq(ringshm_info(channel, &info), 0, "%s", ringshm_last_error());
	return info;
}

ENDS(a_viewer_elsewhere_says_that_its_sampler_died_and_another_sampler_takes_over)
{
	struct program sampler, viewer, next;

	program_start(&sampler, "--sampler", "died", "--interval", "50ms", NULL);
	ringshm_close(channel_named("died"));
	program_start(&viewer, "--viewer", "died", NULL);
	program_expect(&viewer, viewer.out, "  cpu ", LIMIT);
	kill(sampler.pid, SIGKILL);
	ends_with(&viewer, 1);
	says(viewer.err, "the sampler (pid ");
	says(viewer.err, ") died");
	program_wait(&sampler, LIMIT);

	program_start(&next, "--sampler", "died", "--interval", "10ms", "--count", "3", NULL);
	ends_with(&next, 0);
	says(next.err, "3 samples");
}

ENDS(a_sampler_elsewhere_says_that_its_viewer_died_and_serves_the_next)
{
	struct program sampler, viewer, next;

	program_start(&sampler, "--sampler", "viewed", "--interval", "50ms", NULL);
	ringshm_close(channel_named("viewed"));
	program_start(&viewer, "--viewer", "viewed", NULL);
	program_expect(&viewer, viewer.out, "  cpu ", LIMIT);
	kill(viewer.pid, SIGKILL);
	program_wait(&viewer, LIMIT);
	program_expect(&sampler, sampler.err, "the viewer (pid ", LIMIT);

	program_start(&next, "--viewer", "viewed", "--count", "2", NULL);
	ends_with(&next, 0);
	says(next.out, "2 samples");
	kill(sampler.pid, SIGINT);
	ends_with(&sampler, 0);
}

ENDS(a_sampler_that_is_interrupted_says_goodbye_and_its_viewer_ends_well)
{
	struct program sampler, viewer;

	program_start(&sampler, "--sampler", "bye", "--interval", "50ms", NULL);
	ringshm_close(channel_named("bye"));
	program_start(&viewer, "--viewer", "bye", "--json", NULL);
	program_expect(&viewer, viewer.out, "\"type\":\"sample\"", LIMIT);
	kill(sampler.pid, SIGTERM);
	ends_with(&sampler, 0);
	ends_with(&viewer, 0);
	says(viewer.out, "\"type\":\"end\"");
}

ENDS(a_channel_that_is_removed_ends_both_with_a_word)
{
	struct program sampler, viewer;

	program_start(&sampler, "--sampler", "gone", "--interval", "50ms", NULL);
	ringshm_close(channel_named("gone"));
	program_start(&viewer, "--viewer", "gone", NULL);
	program_expect(&viewer, viewer.out, "  cpu ", LIMIT);
	cr_assert_eq(ringshm_unlink("gone"), 0, "%s", ringshm_last_error());
	ends_with(&sampler, 1);
	ends_with(&viewer, 1);
	says(sampler.err, "removed");
	says(viewer.err, "removed");
}

ENDS(a_second_sampler_is_refused_while_the_first_lives)
{
	struct program first, second;
	struct ringshm *channel;

	program_start(&first, "--sampler", "taken", "--interval", "50ms", NULL);
	channel = channel_named("taken");
	for (int i = 0; i < LIMIT * 100 && !info_of(channel).producers; i++)
		sleep_ms(10);
	ringshm_close(channel);
	program_start(&second, "--sampler", "taken", NULL);
	ends_with(&second, 1);
	says(second.err, "alive");
	kill(first.pid, SIGINT);
	ends_with(&first, 0);
}

ENDS(what_a_full_ring_does_not_take_is_counted_and_shown)
{
	struct program sampler, viewer;
	struct ringshm *channel;
	const char *shown;
	uint64_t dropped = 0;

	program_start(&sampler, "--sampler", "full", "--interval", "10ms", "--capacity", "4K", NULL);
	channel = channel_named("full");
	for (int i = 0; i < LIMIT * 100 && (dropped = info_of(channel).dropped) < 100; i++)
		sleep_ms(10);
	cr_assert_geq(dropped, 100);
	ringshm_close(channel);
	program_start(&viewer, "--viewer", "full", "--json", NULL);
	/* once it has caught up, the sampler's next end of sample says how many there were */
	program_expect(&viewer, viewer.out, "\"dropped\":", LIMIT);
	kill(sampler.pid, SIGINT);
	ends_with(&sampler, 0);
	ends_with(&viewer, 0);
	shown = strstr(program_text(viewer.out), "\"type\":\"end\"");
	cr_assert_not_null(shown);
	shown = strstr(shown, "\"dropped\":");
	cr_assert_not_null(shown);
	cr_expect_geq(strtoull(shown + strlen("\"dropped\":"), NULL, 10), dropped);
}

ENDS(without_a_channel_there_is_nothing_to_view_and_a_hint)
{
	struct program viewer;

	program_start(&viewer, "--viewer", "nowhere", NULL);
	ends_with(&viewer, 1);
	says(viewer.err, "nowhere");
	says(viewer.err, "--sampler nowhere");
}

ENDS(a_channel_of_another_program_is_refused)
{
	struct ringshm_config config;
	struct program viewer;
	struct ringshm *channel;

	ringshm_config_init(&config, RINGSHM_SPSC);
	config.capacity = 4096;
	config.schema_id = 4711;
	cr_assert_eq(ringshm_create(&channel, "other", &config), 0, "%s", ringshm_last_error());
	program_start(&viewer, "--viewer", "other", NULL);
	ends_with(&viewer, 1);
	says(viewer.err, "schema");
	ringshm_close(channel);
	ringshm_unlink("other");
}

ENDS(without_proc_there_is_an_error_and_no_wait)
{
	struct program pair;

	program_start(&pair, "--proc", "/nonexistent", NULL);
	ends_with(&pair, 1);
	says(pair.err, "/nonexistent");
	says(pair.err, "--proc");
}

ENDS(senseless_options_are_refused)
{
	static const char *const bad[][2] = {
		{"--interval", "0"},  {"--interval", "soon"}, {"--count", "0"},
		{"--count", "-1"},    {"--top", "0"},	      {"--capacity", "5000"},
		{"--capacity", "2K"}, {"--duration", "-1s"},  {"--viewer=a", "--sampler=b"}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct program program;

		program_start(&program, bad[i][0], bad[i][1], NULL);
		ends_with(&program, 64); /* EX_USAGE, as argp has it */
		says(program.err, "--");
	}
}

/* Run the program with its output on `fd`; its words on the standard error are dropped. */
static struct program start_onto(int fd, const char *option, const char *value)
{
	struct program program = {.pid = fork()};

	cr_assert_geq(program.pid, 0);
	if (program.pid)
		return program;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
	signal(SIGPIPE, SIG_DFL);
	dup2(fd, STDOUT_FILENO);
	execl(TELEMETRY, TELEMETRY, option, value, (char *)NULL);
	_exit(127);
}

static void ends_unread(const char *option, const char *value)
{
	struct program program;
	int ends[2], status;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	program = start_onto(ends[1], option, value);
	close(ends[1]);
	close(ends[0]); /* as `telemetry | head -n 0` does */
	status = program_wait(&program, LIMIT);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", (unsigned int)status);
}

ENDS(a_pair_whose_output_nobody_reads_any_more_ends_without_an_error)
{
	ends_unread("--interval", "50ms");
}

ENDS(a_viewer_whose_output_nobody_reads_any_more_ends_without_an_error)
{
	struct program sampler;

	program_start(&sampler, "--sampler", "unread", "--interval", "50ms", NULL);
	ringshm_close(channel_named("unread"));
	ends_unread("--viewer", "unread");
	kill(sampler.pid, SIGINT);
	ends_with(&sampler, 0);
}

ENDS(an_output_that_is_full_is_an_error)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), status;
	struct program pair = start_onto(full, "--interval", "50ms");

	status = program_wait(&pair, LIMIT);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %#x", (unsigned int)status);
	close(full);
}

ENDS(a_sample_is_shown_when_it_is_whole_and_a_long_sleep_is_interrupted)
{
	struct program pair;

	program_start(&pair, "--interval", "1h", NULL);
	program_expect(&pair, pair.out, "  cpu ", LIMIT);
	kill(pair.pid, SIGINT);
	ends_with(&pair, 0);
	says(pair.out, "1 samples, ");
}

ENDS(samples_that_a_stopped_sampler_missed_are_counted)
{
	struct program sampler, viewer;
	const char *late;

	program_start(&sampler, "--sampler", "stopped", "--interval", "50ms", NULL);
	ringshm_close(channel_named("stopped"));
	program_start(&viewer, "--viewer", "stopped", "--json", NULL);
	program_expect(&viewer, viewer.out, "\"type\":\"sample\"", LIMIT);
	kill(sampler.pid, SIGSTOP);
	sleep_ms(500);
	kill(sampler.pid, SIGCONT);
	sleep_ms(200);
	kill(sampler.pid, SIGINT);
	ends_with(&sampler, 0);
	ends_with(&viewer, 0);
	late = strstr(strstr(program_text(viewer.out), "\"type\":\"end\""), "\"late\":");
	cr_assert_not_null(late);
	cr_expect_geq(atoi(late + strlen("\"late\":")), 5);
}

ENDS(what_is_no_terminal_gets_plain_lines)
{
	struct program pair;

	program_start(&pair, "--interval", "20ms", "--count", "3", NULL);
	ends_with(&pair, 0);
	cr_expect_null(strchr(program_text(pair.out), '\033'));
	says(pair.out, "  procs ");
}

/* Read a terminal's other end until `what` comes by, at most LIMIT seconds. */
static bool terminal_shows(int fd, const char *what)
{
	static char text[1 << 18];
	size_t used = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < LIMIT * 100 && used < sizeof(text) - 1; i++) {
		n = read(fd, text + used, sizeof(text) - 1 - used);
		if (n <= 0) {
			sleep_ms(10);
			continue;
		}
		used += (size_t)n;
		text[used] = '\0';
		if (strstr(text, what))
			return true;
	}
	return false;
}

ENDS(a_terminal_gets_the_table_and_q_leaves_it)
{
	struct winsize size = {.ws_row = 30, .ws_col = 100};
	struct program pair;
	int terminal, status;

	setenv("TERM", "xterm", 1);
	pair.pid = forkpty(&terminal, NULL, NULL, &size);
	cr_assert_geq(pair.pid, 0);
	if (pair.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(TELEMETRY, TELEMETRY, "--interval", "50ms", (char *)NULL);
		_exit(127);
	}
	cr_expect(terminal_shows(terminal, "RESIDENT"), "no table");
	cr_assert_eq(write(terminal, "q", 1), 1);
	cr_expect(terminal_shows(terminal, " samples, "), "no closing line");
	status = program_wait(&pair, LIMIT);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", (unsigned int)status);
	close(terminal);
}
