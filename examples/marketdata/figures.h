/* SPDX-License-Identifier: MIT */
/* What the feed counts while it reads a capture. */
#ifndef MD_FIGURES_H
#define MD_FIGURES_H

#include <stdint.h>

#include "iextp.h"

/* Sent to the consumer at the end, so fixed widths only. */
struct feed_figures {
	uint64_t packets; /* IEX-TP packets, heartbeats among them */
	uint64_t heartbeats;
	uint64_t gaps;	    /* sequence numbers missing */
	uint64_t repeated;  /* packets with messages whose first number is below the next expected */
	uint64_t truncated; /* packets of which the capture holds only the beginning */
	uint64_t malformed; /* packets whose headers or lengths contradict each other */
	uint64_t fragments; /* IPv4 fragments, refused */
	uint64_t others;    /* frames that are not IEX-TP */
};

#define FLOWS_MAX 64

/* One numbered stream of messages: a session of a channel. */
struct flow {
	uint32_t channel;
	uint32_t session;
	uint16_t protocol;
	uint64_t expected; /* next sequence number */
	uint64_t used;	   /* when it was last seen, in packets */
};

/* The streams seen so far; of more than FLOWS_MAX the one unseen longest is forgotten. */
struct flow_table {
	unsigned int count;
	struct flow flow[FLOWS_MAX];
};

/*
 * Count a packet: packets, heartbeats, gaps, repeated.  A gap is counted when
 * it is noticed; packets that fill it later count as repeated.
 */
void figures_packet(struct feed_figures *fig, struct flow_table *flows, const struct iextp_packet *pkt);

/* Count a frame that is no packet. */
void figures_frame(struct feed_figures *fig, enum iextp_kind kind);

#endif
