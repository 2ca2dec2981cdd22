/* SPDX-License-Identifier: MIT */
/* What the tests of passed channels share: a socket pair, a channel to send through it, and what came out. */
#ifndef PASSING_H
#define PASSING_H

#include "fixture.h"

extern int pair[2];
extern struct ringshm *sent, *got;

void passing_setup(void);
void passing_teardown(void);
void pass(unsigned int access); /* sends `sent` with this access and receives it as `got` */
int open_descriptors(void);
void exchange(struct ringshm *from, struct ringshm *to); /* a message, in and out */

#endif
