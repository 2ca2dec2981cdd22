/* SPDX-License-Identifier: MIT */
/* ^C and a closed pipe: ends are closed in good order first, then the signal has its way. */
#ifndef RINGSHM_TOOLS_INTERRUPT_H
#define RINGSHM_TOOLS_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* From here on SIGINT, SIGTERM and SIGHUP are only noted, the second one kills; SIGPIPE becomes EPIPE. */
void interrupt_begin(void);

/* The signal that came, or 0. */
int interrupt_signal(void);

/* A write found its pipe closed. True: that will end us quietly; false: SIGPIPE was ignored when we came. */
bool interrupt_note_closed_pipe(void);

/*
 * Wait until `fd` is ready for `events` (POLLIN, POLLOUT), at most `timeout_ns` (-1: for ever).
 * 1: ready; 0: time ran out; -EINTR: a signal came, before or meanwhile.
 */
int interrupt_poll(int fd, short events, int64_t timeout_ns);

/* Rest for `ns`, or until a signal comes. */
void interrupt_rest(int64_t ns);

/* Everything is closed: die by the signal that came, so that the shell sees it. Otherwise return `code`. */
int interrupt_end(int code);

#endif /* RINGSHM_TOOLS_INTERRUPT_H */
