/* SPDX-License-Identifier: MIT */
/* What /proc says of other processes. */
#ifndef RINGSHM_TOOLS_PROCESS_H
#define RINGSHM_TOOLS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Stopped by a signal or a debugger; false when that cannot be told. */
bool process_is_stopped(pid_t pid);

/* Its name, without what could upset a terminal; "?" when that cannot be told. `text` is returned. */
char *process_name(pid_t pid, char *text, size_t size);

#endif /* RINGSHM_TOOLS_PROCESS_H */
