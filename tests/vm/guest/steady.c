/* SPDX-License-Identifier: MIT */
/*
 * Keeps one event of perf open, until it is killed: init tells why. Tests that set watchpoints open and close such
 * events by the hundred, and the kernel patches its scheduler when the first one comes and when the last one goes.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	struct perf_event_attr event;

	memset(&event, 0, sizeof(event));
	event.size = sizeof(event);
	event.type = PERF_TYPE_SOFTWARE;
	event.config = PERF_COUNT_SW_DUMMY;
	if (syscall(SYS_perf_event_open, &event, 0, -1, -1, 0) < 0) {
		perror("steady: perf_event_open");
		return 1;
	}
	pause();
	return 0;
}
