/* SPDX-License-Identifier: MIT */
/* Finding IEX-TP messages in a captured Ethernet frame; no length in the frame is believed. */
#ifndef MD_IEXTP_H
#define MD_IEXTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IEXTP_HEADER_LEN 40
#define IEXTP_TOPS_1_6 0x8003
#define IEXTP_DEEP_1_0 0x8004

/* What a captured frame turned out to be. */
enum iextp_kind {
	IEXTP_PACKET,	/* an IEX-TP packet: messages or a heartbeat */
	IEXTP_OTHER,	/* not UDP over IPv4, or UDP that is not IEX-TP: skipped */
	IEXTP_FRAGMENT, /* an IPv4 fragment: refused, its messages cannot be told apart */
	IEXTP_BAD,	/* headers that contradict each other or the frame */
	IEXTP_CUT,	/* the capture kept too little of it to say */
};

/*
 * One IEX-TP packet.  `body` points at the first message's length field inside
 * the frame that was parsed and stays good as long as the frame does.
 */
struct iextp_packet {
	uint16_t protocol; /* message protocol: IEXTP_TOPS_1_6, ... */
	uint32_t channel;
	uint32_t session;
	uint16_t count;	    /* messages announced; 0 is a heartbeat */
	uint64_t first_seq; /* sequence number of the first message */
	uint64_t send_time; /* nanoseconds since the Unix epoch */
	const uint8_t *body;
	size_t body_len; /* bytes that are really there */
	bool cut;	 /* the frame was captured short of what was sent */
	bool bad;	 /* lengths disagree; the messages that fit are good */
};

/*
 * Parse `caplen` captured bytes of a frame that was `wirelen` bytes long.
 * Fills *pkt only when it returns IEXTP_PACKET.
 */
enum iextp_kind iextp_parse(const uint8_t *frame, size_t caplen, size_t wirelen, struct iextp_packet *pkt);

/* Walks the messages of one packet. */
struct iextp_cursor {
	const uint8_t *at;
	size_t left;	   /* bytes */
	unsigned int todo; /* messages announced and not yet seen */
};

void iextp_first(struct iextp_cursor *cur, const struct iextp_packet *pkt);

/*
 * The next whole message, or NULL when all announced messages were seen (then
 * cur->todo is 0) or the next one does not fit into what is left.
 */
const uint8_t *iextp_next(struct iextp_cursor *cur, uint16_t *len);

#endif
