// SPDX-License-Identifier: MIT
/* Arbitrary frames through parser, figures and reader: libFuzzer's entry point, and a short run of its own. */
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first two bytes say how much of the frame was captured; the rest is the frame. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct feed_figures figures;
	static struct flow_table flows;
	static struct reader reader;
	struct iextp_packet pkt;
	struct iextp_cursor cur;
	enum iextp_kind kind;
	const uint8_t *msg;
	size_t caplen;
	uint16_t len;

	if (size < 2 || (!reader.book.line && reader_init(&reader) < 0))
		return 0;
	caplen = ((size_t)data[0] << 8 | data[1]) % (size - 1);
	kind = iextp_parse(data + 2, caplen, size - 2, &pkt);
	if (kind != IEXTP_PACKET) {
		figures_frame(&figures, kind);
		return 0;
	}
	figures_packet(&figures, &flows, &pkt);
	iextp_first(&cur, &pkt);
	while ((msg = iextp_next(&cur, &len)))
		if (reader_take(&reader, msg, len, pkt.protocol, 0, 0) >= 0)
			abort();
	if (reader.book.used > 100000) /* a long run must not look like a leak */
		reader_free(&reader);
	return 0;
}
