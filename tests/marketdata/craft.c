// SPDX-License-Identifier: MIT
/* The other direction of examples/marketdata: from messages to frames to capture files. */
#include "craft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static void *need(void *p)
{
	if (!p) {
		perror("tests/marketdata");
		abort();
	}
	return p;
}

void put(struct bytes *b, const void *p, size_t len)
{
	if (b->len + len > b->room) {
		b->room = 2 * (b->len + len);
		b->p = need(realloc(b->p, b->room));
	}
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
}

void put_le(struct bytes *b, uint64_t v, size_t width)
{
	uint8_t byte;

	for (; width; width--, v >>= 8) {
		byte = (uint8_t)v;
		put(b, &byte, 1);
	}
}

void put_be(struct bytes *b, uint64_t v, size_t width)
{
	uint8_t byte;

	while (width--) {
		byte = (uint8_t)(v >> (8 * width));
		put(b, &byte, 1);
	}
}

static void put_zeros(struct bytes *b, size_t n)
{
	while (n--)
		put(b, "", 1);
}

void bytes_free(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){0};
}

void add_message(struct messages *m, const void *p, uint16_t len)
{
	put_le(&m->payload, len, 2);
	put(&m->payload, p, len);
	m->count++;
}

/* Type, flags, timestamp, symbol: how both messages begin. */
static void put_head(struct bytes *b, char type, const char *symbol)
{
	char padded[9];

	snprintf(padded, sizeof(padded), "%-8s", symbol);
	put(b, &type, 1);
	put_le(b, 0x80, 1);
	put_le(b, 1500000000000000000, 8);
	put(b, padded, 8);
}

void add_quote(struct messages *m, const char *symbol, uint32_t bid_size, int64_t bid, int64_t ask, uint32_t ask_size)
{
	struct bytes b = {0};

	put_head(&b, 'Q', symbol);
	put_le(&b, bid_size, 4);
	put_le(&b, (uint64_t)bid, 8);
	put_le(&b, (uint64_t)ask, 8);
	put_le(&b, ask_size, 4);
	add_message(m, b.p, (uint16_t)b.len);
	bytes_free(&b);
}

void add_trade(struct messages *m, const char *symbol, uint32_t size, int64_t price)
{
	struct bytes b = {0};

	put_head(&b, 'T', symbol);
	put_le(&b, size, 4);
	put_le(&b, (uint64_t)price, 8);
	put_le(&b, 4711, 8);
	add_message(m, b.p, (uint16_t)b.len);
	bytes_free(&b);
}

void messages_free(struct messages *m)
{
	bytes_free(&m->payload);
	m->count = 0;
}

static size_t wrong_by(size_t right, int off)
{
	return (size_t)((long)right + off);
}

static void put_ethernet(struct bytes *out, const struct frame *f)
{
	const uint16_t *tag = f->vlan;

	put(out, "\x01\x00\x5e\x43\x00\xc7\x02\x00\x00\x00\x00\x01", 12);
	for (; tag < f->vlan + 6 && *tag; tag++) {
		put_be(out, *tag, 2);
		put_be(out, 0x0064, 2);
	}
	put_be(out, f->ethertype ? f->ethertype : 0x0800, 2);
}

static void put_ipv4(struct bytes *out, const struct frame *f, size_t payload)
{
	size_t header = 20 + 4u * f->ip_options;

	put_be(out, (f->ip_version ? f->ip_version : 4u) << 4 | header / 4, 1);
	put_be(out, 0, 1);
	put_be(out, wrong_by(header + payload, f->ip_length_off), 2);
	put_be(out, 0x1234, 2);
	put_be(out, f->fragment, 2);
	put_be(out, 64, 1);
	put_be(out, f->ip_protocol ? f->ip_protocol : 17, 1);
	put_be(out, 0, 2);
	put(out, "\x0a\x00\x00\x01\xe0\x43\x00\xc7", 8);
	put_zeros(out, 4u * f->ip_options);
}

static void put_iextp(struct bytes *out, const struct frame *f, size_t payload, uint16_t count)
{
	put_le(out, f->version ? f->version : 1, 1);
	put_le(out, 0, 1);
	put_le(out, f->protocol ? f->protocol : 0x8003, 2);
	put_le(out, f->channel, 4);
	put_le(out, f->session, 4);
	put_le(out, wrong_by(payload, f->payload_length_off), 2);
	put_le(out, wrong_by(count, f->count_off), 2);
	put_le(out, 0, 8);
	put_le(out, f->first_seq, 8);
	put_le(out, 1500000000000000000, 8);
}

void craft_frame(struct bytes *out, const struct frame *f, const struct messages *m)
{
	size_t payload = m ? m->payload.len : 0;

	put_ethernet(out, f);
	put_ipv4(out, f, 8 + 40 + payload);
	put_be(out, 40000, 2);
	put_be(out, 10378, 2);
	put_be(out, wrong_by(8 + 40 + payload, f->udp_length_off), 2);
	put_be(out, 0, 2);
	put_iextp(out, f, payload, m ? m->count : 0);
	if (m)
		put(out, m->payload.p, m->payload.len);
	put_zeros(out, f->padding);
}

static void begin_pcapng(struct bytes *b)
{
	put_le(b, 0x0a0d0d0a, 4); /* section header block */
	put_le(b, 28, 4);
	put_le(b, 0x1a2b3c4d, 4);
	put_le(b, 1, 2);
	put_le(b, 0, 2);
	put_le(b, UINT64_MAX, 8);
	put_le(b, 28, 4);
	put_le(b, 1, 4); /* interface description block: Ethernet, nanoseconds */
	put_le(b, 32, 4);
	put_le(b, 1, 2);
	put_le(b, 0, 2);
	put_le(b, 262144, 4);
	put_le(b, 9, 2); /* if_tsresol */
	put_le(b, 1, 2);
	put_le(b, 9, 4);
	put_le(b, 0, 4); /* end of options */
	put_le(b, 32, 4);
}

/* A classic pcap's integers, in the order that the format asks for. */
static void put_pcap(struct file *file, uint64_t v, size_t width)
{
	if (file->format == PCAP_SWAPPED)
		put_be(&file->bytes, v, width);
	else
		put_le(&file->bytes, v, width);
}

void file_begin(struct file *file, enum format format)
{
	*file = (struct file){.format = format};
	if (format == PCAPNG) {
		begin_pcapng(&file->bytes);
		return;
	}
	put_pcap(file, format == PCAP_NANO ? 0xa1b23c4d : 0xa1b2c3d4, 4);
	put_pcap(file, 2, 2);
	put_pcap(file, 4, 2);
	put_pcap(file, 0, 8);
	put_pcap(file, 262144, 4);
	put_pcap(file, 1, 4);
}

static void frame_pcapng(struct bytes *b, const struct bytes *frame, size_t caplen, uint64_t ns)
{
	size_t padded = (caplen + 3) & ~(size_t)3;

	put_le(b, 6, 4); /* enhanced packet block */
	put_le(b, 32 + padded, 4);
	put_le(b, 0, 4);
	put_le(b, ns >> 32, 4);
	put_le(b, ns, 4);
	put_le(b, caplen, 4);
	put_le(b, frame->len, 4);
	put(b, frame->p, caplen);
	put_zeros(b, padded - caplen);
	put_le(b, 32 + padded, 4);
}

void file_frame(struct file *file, const struct bytes *frame, size_t snap, uint64_t ns)
{
	size_t caplen = snap && snap < frame->len ? snap : frame->len;
	uint64_t unit = file->format == PCAP_NANO ? 1 : 1000;

	file->frames++;
	if (file->format == PCAPNG) {
		frame_pcapng(&file->bytes, frame, caplen, ns);
		return;
	}
	put_pcap(file, ns / 1000000000, 4);
	put_pcap(file, ns % 1000000000 / unit, 4);
	put_pcap(file, caplen, 4);
	put_pcap(file, frame->len, 4);
	put(&file->bytes, frame->p, caplen);
}

void file_packet(struct file *file, const struct frame *f, const struct messages *m)
{
	struct bytes frame = {0};

	craft_frame(&frame, f, m);
	file_frame(file, &frame, 0, 1500000000000000000 + file->frames * 1000000);
	bytes_free(&frame);
}

void file_end(struct file *file)
{
	bytes_free(&file->bytes);
}

void gzip(struct bytes *out, const struct bytes *in)
{
	z_stream z = {0};
	uint8_t buf[4096];
	int ret = deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);

	z.next_in = in->p;
	z.avail_in = (uInt)in->len;
	while (ret == Z_OK) {
		z.next_out = buf;
		z.avail_out = sizeof(buf);
		ret = deflate(&z, Z_FINISH);
		put(out, buf, sizeof(buf) - z.avail_out);
	}
	if (ret != Z_STREAM_END)
		abort();
	deflateEnd(&z);
}

static char directory[32];
static char *saved[16];
static unsigned int saves;

void save_none(void)
{
	while (saves) {
		unlink(saved[--saves]);
		free(saved[saves]);
	}
	if (directory[0])
		rmdir(directory);
	directory[0] = '\0';
}

const char *save(const struct bytes *b, size_t len)
{
	char *name;
	FILE *file;

	if (!directory[0]) {
		snprintf(directory, sizeof(directory), "/tmp/md-test-XXXXXX");
		need(mkdtemp(directory));
	}
	if (saves == sizeof(saved) / sizeof(saved[0]) || asprintf(&name, "%s/%u", directory, saves) < 0)
		abort();
	saved[saves++] = name;
	file = need(fopen(name, "wb"));
	if ((len && fwrite(b->p, 1, len, file) != len) || fclose(file))
		need(NULL);
	return name;
}
