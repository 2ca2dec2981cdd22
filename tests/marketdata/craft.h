/* SPDX-License-Identifier: MIT */
/* Making frames and captures for the tests, byte by byte, right ones and wrong ones. */
#ifndef MD_TEST_CRAFT_H
#define MD_TEST_CRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing string of bytes; zero-initialized is empty. */
struct bytes {
	uint8_t *p;
	size_t len;
	size_t room;
};

void put(struct bytes *b, const void *p, size_t len);
void put_le(struct bytes *b, uint64_t v, size_t width);
void put_be(struct bytes *b, uint64_t v, size_t width);
void bytes_free(struct bytes *b);

/* Messages, each appended with its length in front, as in an IEX-TP payload. */
struct messages {
	struct bytes payload;
	uint16_t count;
};

void add_message(struct messages *m, const void *p, uint16_t len);
void add_quote(struct messages *m, const char *symbol, uint32_t bid_size, int64_t bid, int64_t ask, uint32_t ask_size);
void add_trade(struct messages *m, const char *symbol, uint32_t size, int64_t price);
void messages_free(struct messages *m);

/* What a frame shall be; zero is the ordinary thing everywhere. */
struct frame {
	uint16_t vlan[6];    /* ethertypes of the tags, outermost first, up to a 0 */
	uint16_t ethertype;  /* 0: IPv4 */
	uint8_t ip_options;  /* 32-bit words of them */
	uint8_t ip_version;  /* 0: 4 */
	uint16_t fragment;   /* flags and offset */
	uint8_t ip_protocol; /* 0: UDP */
	int ip_length_off;   /* added to the right lengths */
	int udp_length_off;
	int payload_length_off;
	int count_off;
	uint8_t version;   /* 0: 1 */
	uint16_t protocol; /* 0: TOPS 1.6 */
	uint32_t channel;
	uint32_t session;
	uint64_t first_seq;
	unsigned int padding; /* bytes behind the datagram */
};

/* Append the frame with these messages (NULL: none, a heartbeat) to *out. */
void craft_frame(struct bytes *out, const struct frame *f, const struct messages *m);

enum format {
	PCAP_MICRO,
	PCAP_NANO,
	PCAP_SWAPPED,
	PCAPNG
};

struct file {
	enum format format;
	struct bytes bytes;
	uint64_t frames;
};

void file_begin(struct file *file, enum format format);
/* Append a frame stamped `ns`, captured up to `snap` bytes (0: all of it). */
void file_frame(struct file *file, const struct bytes *frame, size_t snap, uint64_t ns);
/* Craft a frame and append it one millisecond after the one before. */
void file_packet(struct file *file, const struct frame *f, const struct messages *m);
void file_end(struct file *file); /* frees */

/* *out becomes `in` as a gzip file. */
void gzip(struct bytes *out, const struct bytes *in);

/* Writes the first `len` bytes to a new file in a directory of this test's own; good until save_none(). */
const char *save(const struct bytes *b, size_t len);
void save_none(void); /* removes the files */

#endif
