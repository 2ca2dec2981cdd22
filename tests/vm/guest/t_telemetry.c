/* SPDX-License-Identifier: MIT */
/* The scheduler's switches, from ringshm_sched.ko through kernel lanes to telemetry --kernel. */
#include "lanes.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../../../kmod/samples/ringshm_sched.h"

static bool has_telemetry(void)
{
	return !access("/bin/telemetry", X_OK);
}

/* Spins on CPU 1 under a name of its own; naps, for a CPU that never switches has nothing to tell. */
static int spinner(void *context)
{
	uint64_t rested = 0;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(1, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	prctl(PR_SET_NAME, "spinner");
	for (;;) {
		if (now_ns() - rested > 20000000) {
			usleep(100);
			rested = now_ns();
		}
	}
	return context != NULL;
}

/* The number that follows `field` behind `from` in JSON. */
static long long number_after(const char *from, const char *field)
{
	const char *at = from ? strstr(from, field) : NULL;

	return at ? atoll(at + strlen(field)) : -1;
}

GUEST_TEST_IF(telemetry, "telemetry --kernel sees a spinning thread on its CPU for the time it ran", 60, has_telemetry)
{
	pid_t pid = spawn(spinner, NULL);
	char line[65536], last[65536] = "";
	FILE *output = popen("/bin/telemetry --kernel -i 500ms -n 3 --json", "r");
	const char *thread;
	int lines = 0;

	CHECK(output);
	while (fgets(line, sizeof(line), output)) {
		memcpy(last, line, sizeof(last));
		lines++;
	}
	CHECK_EQ(pclose(output), 0);
	kill(pid, SIGKILL);
	reap(pid);
	CHECK_EQ(lines, 3);
	thread = strstr(last, "\"comm\":\"spinner\"");
	CHECK(thread);
	CHECK_EQ(number_after(thread, "\"cpu\":"), 1);
	guest_note("the spinner ran %lld us of 500000", number_after(thread, "\"ran_ns\":") / 1000);
	CHECK(number_after(thread, "\"ran_ns\":") > 200000000);
	CHECK(number_after(thread, "\"ran_ns\":") <= 520000000);
	CHECK_EQ(number_after(last, "\"dropped\":"), 0);
	CHECK_EQ(number_after(last, "\"bad\":"), 0);
}

static int sched_attach(int device_fd, uint32_t cpu, const struct lane *lane)
{
	struct ringshm_sched_attach arg = {.cpu = cpu, .ctl_fd = lane->ctl_fd, .data_fd = lane->data_fd};

	return ioctl(device_fd, RINGSHM_SCHED_ATTACH, &arg);
}

/* Each record names as leaving whom the one before named as coming. */
static uint64_t check_chain(struct lane *lane, uint64_t *last_ns)
{
	const struct ringshm_sched_switch *record;
	uint32_t len, running = 0;
	uint64_t n = 0;

	while ((record = ringshm_spsc_peek(&lane->consumer, &len))) {
		CHECK_EQ(len, sizeof(*record));
		CHECK_EQ(ringshm_spsc_type(&lane->consumer), RINGSHM_SCHED_TYPE);
		CHECK_EQ(record->cpu, 0);
		CHECK(record->ns >= *last_ns);
		CHECK(!n || record->prev_pid == running);
		running = record->next_pid;
		*last_ns = record->ns;
		n++;
		ringshm_spsc_release(&lane->consumer, 1);
	}
	CHECK_EQ(lane->consumer.status, 0);
	return n;
}

struct court {
	int in, out;
};

/* Passes a byte on and waits for it to come back, on CPU 0: two switches a round. */
static int player(void *context)
{
	const struct court *court = context;
	cpu_set_t cpu;
	char ball;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	for (int i = 0; i < 1000; i++)
		if (read(court->in, &ball, 1) != 1 || write(court->out, &ball, 1) != 1)
			return 1;
	return 0;
}

GUEST_TEST(switch_chain, "every switch of a CPU arrives, in order, each leaving thread the one that came")
{
	int fd = open(RINGSHM_SCHED_DEVICE, O_RDWR | O_CLOEXEC);
	uint64_t last_ns = 0, switches;
	struct court courts[2];
	int there[2], back[2];
	struct lane lane;
	pid_t pids[2];

	CHECK(fd >= 0);
	CHECK(!pipe(there) && !pipe(back));
	courts[0] = (struct court){there[0], back[1]};
	courts[1] = (struct court){back[0], there[1]};
	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, MIB, 0);
	CHECK_EQ(sched_attach(fd, 0, &lane), 0);
	CHECK_ERRNO(sched_attach(fd, 0, &lane), EBUSY);
	CHECK_ERRNO(sched_attach(fd, 100000, &lane), EINVAL);
	for (int i = 0; i < 2; i++)
		pids[i] = spawn(player, &courts[i]);
	CHECK_EQ(write(there[1], "o", 1), 1);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(reap(pids[i]), 0);
	close(fd); /* from here on the kernel publishes nothing */
	switches = check_chain(&lane, &last_ns);
	guest_note("%llu switches", (unsigned long long)switches);
	CHECK(switches > 1000);
	CHECK_EQ(lane.data->count.lost, 0);
}

static int without_capabilities(void *context)
{
	struct lane *lane = context;
	int fd = open(RINGSHM_SCHED_DEVICE, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	become(1000, 1000);
	CHECK_ERRNO(sched_attach(fd, 0, lane), EPERM);
	return 0;
}

GUEST_TEST(sched_permission, "task switches show only to those with CAP_PERFMON")
{
	struct lane lane;

	lane_make(&lane, create(NULL, 2 * MIB), 2 * MIB, MIB, 0);
	CHECK_EQ(in_child(without_capabilities, &lane), 0);
}
