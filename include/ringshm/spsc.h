/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* spsc: one producer, one consumer, records of any length, lossless, first in first out. */
#ifndef RINGSHM_SPSC_H
#define RINGSHM_SPSC_H

/*
 * How it works. A record is a header word and its payload (abi.h draws the word). The header itself
 * is the flag: the consumer spins on the header at its own position and needs no index, so a small
 * message costs the move of one cache line.
 *
 *   producer                                           consumer
 *   --------                                           --------
 *   payload of the record          (plain)             A1 header at head          load acquire
 *   R0 header behind it := 0       store relaxed          committed and of this lap?
 *   R1 header of the record        store release ----> A1
 *                                                      payload                    (plain)
 *   A2 credit, when out of room    load acquire  <---- R2 credit, now and then    store release
 *
 * R0 comes before R1, so whoever reaches a position always finds either a header of this lap, a zero,
 * or (when the ring is exactly full) a real header of the lap before. What was payload a lap ago is
 * never looked at as a header. The consumer writes nothing into the data area.
 *
 * R0 comes between a payload and its header, often on another line, and would wait for that line. So
 * the producer takes the lines that it will write next ahead of need, several at once, by storing a zero
 * into each (ringshm__spsc_take_lines); nobody looks there yet.
 *
 * A batch (commit_more) writes all headers but its first, which flush() stores last: one release
 * store publishes everything, and a producer that dies before it has published nothing. send_n does the
 * same with copies of many messages of one size, and stores nothing else meanwhile; recv_n takes such
 * runs, or any records of that size.
 *
 * `tail` and `head` are stored for others to see (takeover, observers, used()); neither side polls
 * the other's. The consumer stores `head` at every release, in its own line, and copies it to
 * `credit`, the word that the producer polls, only after a quarter of the ring or when it finds the
 * ring empty: that line moves seldom.
 *
 * Both sides are wait-free: every function here ends after a bounded number of its own steps.
 * Everything read from shared memory is masked or checked before use; a peer that scribbles gets
 * status -EPROTO for this endpoint, never an access outside the mapping.
 */

#include <ringshm/spsc_consumer.h>
#include <ringshm/spsc_producer.h>

/* Version of the protocol that this header speaks; the library refuses what it does not know. */
#define RINGSHM_SPSC_PROTOCOL 1u

#endif
