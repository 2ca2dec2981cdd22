/* SPDX-License-Identifier: MIT */
/* A small spsc ring with records that can be told apart, for tests that kill one of its sides and go on. */
#ifndef RINGSHM_TESTS_SPSC_RING_H
#define RINGSHM_TESTS_SPSC_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <ringshm/ringshm.h>

/* The test's own: the channel, and endpoints that it opens when no victim has that role. */
extern struct ringshm *channel;
extern struct ringshm_spsc_producer p;
extern struct ringshm_spsc_consumer c;
/* What went wrong first; empty while nothing has. */
extern char broken[256];

bool fail(const char *what, uint64_t number);

/* Shapes in which a record without payload is exactly as long as the alignment: every gap can be filled. */
bool ring_create(uint64_t capacity, uint32_t alignment, uint64_t features, uint64_t start_position);
uint32_t ring_length(uint32_t number); /* of that record's payload */
uint32_t ring_span(uint32_t number);   /* bytes that record takes */

/* Records know their number: it tells their length, type and bytes. */
bool put(struct ringshm_spsc_producer *to, uint32_t number, bool publish);
/* As a run: n records, up to 8, whose numbers are so far apart that all are equally long. */
bool put_run(struct ringshm_spsc_producer *to, uint32_t number, uint32_t apart, uint32_t n);
/* The number of the record behind those shown; 0: none; FOREIGN: nobody has sent that. */
uint32_t look(struct ringshm_spsc_consumer *from);
uint32_t take(struct ringshm_spsc_consumer *from);
/* The same, passing over what fill() has sent. */
uint32_t take_numbered(struct ringshm_spsc_consumer *from);
#define FOREIGN UINT32_MAX
#define OF_VICTIM 100000u /* and the next few */
#define OF_SUCCESSOR 200000u

/* Through p and c: fill so many bytes; move both on until the next record begins at `index`; take everything. */
bool fill(uint64_t bytes);
bool move_to(uint64_t index);
void drain(void);
/* Traffic for three laps, and every byte of the ring can be filled: it is as good as new. Leaves it empty. */
bool is_healthy(void);

#endif
