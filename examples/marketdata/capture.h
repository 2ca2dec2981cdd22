/* SPDX-License-Identifier: MIT */
/* Frames of a capture file, one after the other, and how the file ended. */
#ifndef MD_CAPTURE_H
#define MD_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

struct capture_frame {
	const uint8_t *bytes; /* good until the next capture_next() */
	size_t caplen;	      /* bytes captured */
	size_t wirelen;	      /* bytes that were on the wire */
	uint64_t time_ns;     /* since the Unix epoch */
};

/* How a capture came to its end. */
enum capture_end {
	CAPTURE_COMPLETE,
	CAPTURE_CUT_PACKET, /* the file stops in the middle of a packet */
	CAPTURE_CUT_FILE,   /* the gzip stream stops, between two packets as far as can be seen */
	CAPTURE_MALFORMED,  /* from some point on it is not a capture */
	CAPTURE_UNREADABLE, /* the file could not be read on */
	CAPTURE_STOPPED,    /* a signal interrupted the reading */
};

/*
 * Open a pcap or pcapng file, plain or gzip'd; "-" is standard input.  Stamps
 * come in nanoseconds whatever the file's own unit.  0, or -1 with a sentence
 * in why[size].
 */
int capture_open(struct capture **cap, const char *path, char *why, size_t size);
void capture_close(struct capture *cap);

/* 1: *frame is the next frame; 0: there is no more, see capture_ending(). */
int capture_next(struct capture *cap, struct capture_frame *frame);

/* How it ended, with a sentence for people in why[size] (empty when complete). */
/* Whether a packet was cut off by the end, whatever the reason for that end. */
bool capture_cut_packet(const struct capture *cap);
enum capture_end capture_ending(const struct capture *cap, char *why, size_t size);

#endif
