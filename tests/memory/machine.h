/* SPDX-License-Identifier: MIT */
/* A machine for tests of memory: huge pages, mounts and name spaces of their own, and everything put back. */
#ifndef RINGSHM_TESTS_MACHINE_H
#define RINGSHM_TESTS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include <ringshm/ringshm.h>

#define MIB (UINT64_C(1) << 20)
#define HUGE (2 * MIB) /* what these tests are written for: x86 and most of arm64 */

/*
 * Run `tests` in a child with a directory of channels of its own and, as root, with private mounts and a private IPC
 * namespace; afterwards put back the pool of huge pages, whatever became of the child. Returns what main() shall.
 */
int machine_run(int (*tests)(void));

/* Built with a sanitizer whose shadow memory no limit on memory can hold. */
bool machine_shadowed(void);

/* NULL: this program may change mounts and pools; else why not, for tap_skip(). */
const char *machine_refusal(void);

/* Pages of 2 MiB in the pool; returns how many there really are then. */
uint64_t machine_pool(uint64_t pages);
uint64_t machine_pool_free(void);

/* A hugetlbfs of pages of 2 MiB for this program alone; true: it is there. */
bool machine_mount(void);
void machine_unmount(void);
const char *machine_mount_path(void);

/* How many entries a directory has, and how many System V segments the namespace. */
unsigned int machine_files(const char *path);
unsigned int machine_segments(void);

/* No channel, no file and no page of the mount, no segment, and no memory file in this process. Says what is left. */
bool machine_is_clean(void);

/* A fork child's answer: `question` is run there, and must come to an end within 20 seconds. */
bool in_child(bool (*question)(void *context), void *context);
/* The same; returns the wait status, for those that are to die. */
int child_status(bool (*question)(void *context), void *context);

/* True when this fork child ends with status 0. */
bool child_ended_well(int pid);

/* Send records of many lengths from this process through the named channel to another one, which checks them all. */
bool ring_run(const char *name);
/* The same for a channel without a name, handed over a socket. */
bool ring_run_passed(struct ringshm *channel);

/* Run a command as a person would who was told to. */
bool obey(const char *command);

#endif
