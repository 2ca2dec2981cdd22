/* SPDX-License-Identifier: MIT */
/* What goes through the ring between md_feed and md_book. */
#ifndef MD_WIRE_H
#define MD_WIRE_H

#include "figures.h"

/*
 * A record is one exchange message, byte for byte: its type is the message
 * protocol (IEXTP_TOPS_1_6, ...), its stamp the CLOCK_MONOTONIC time at which
 * it was sent (RINGSHM_F_TIMESTAMP).  The last record is a struct wire_end.
 */
#define WIRE_SCHEMA_ID UINT64_C(0x6d642e6965782e31) /* "md.iex.1" */
#define WIRE_SCHEMA_VERSION 1u

/* Record flags. */
#define WIRE_PACED 0x1u /* sent at the capture's pace: its latency means something */
#define WIRE_END 0x2u	/* not a message but a struct wire_end */

/* The longest message is what one UDP datagram can hold; the ring's capacity must fit it. */
#define WIRE_MESSAGE_MAX 65535u
#define WIRE_CAPACITY_MIN (UINT64_C(1) << 18)

struct wire_end {
	struct feed_figures figures;
};

_Static_assert(sizeof(struct wire_end) == 64, "the same for 32- and 64-bit programs");

#endif
