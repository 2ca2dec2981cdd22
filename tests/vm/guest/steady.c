/* SPDX-License-Identifier: MIT */
/*
 * Keeps one event of perf open, until it is killed. Tests that set watchpoints open and close such events by the
 * hundred; the kernel patches its code of task switches whenever the first one comes or the last one goes, and the
 * emulation of several processors does not survive that for long: one of them executes the breakpoint of a patch
 * that is over. While this one stays, nothing is patched.
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
