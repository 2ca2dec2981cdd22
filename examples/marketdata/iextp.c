// SPDX-License-Identifier: MIT
/* Ethernet (VLAN, QinQ), IPv4, UDP and IEX-TP headers, each checked against the bytes that are there. */
#include "iextp.h"

#include "wireint.h"

#define ETH_LEN 14
#define VLAN_LEN 4
#define VLAN_DEPTH 4
#define IPV4_MIN 20
#define UDP_LEN 8
#define IPPROTO_UDP_NR 17

/*
 * What is left of a frame behind the headers read so far.  `have` bytes were
 * captured, `sent` bytes were on the wire: have <= sent, always.
 */
struct span {
	const uint8_t *at;
	size_t have;
	size_t sent;
};

/* Drops a header of `len` bytes, which the caller has seen to be captured. */
static void span_skip(struct span *s, size_t len)
{
	s->at += len;
	s->have -= len;
	s->sent -= len;
}

/* Keeps the first `len` bytes of what was sent: cuts padding and trailers off. */
static void span_trim(struct span *s, size_t len)
{
	s->sent = len;
	if (s->have > len)
		s->have = len;
}

/* `len` bytes are needed: were they captured, or cut, or never sent at all? */
static enum iextp_kind span_need(const struct span *s, size_t len)
{
	if (s->have >= len)
		return IEXTP_PACKET;
	return s->sent >= len ? IEXTP_CUT : IEXTP_BAD;
}

static bool is_vlan(uint16_t ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

static enum iextp_kind parse_ethernet(struct span *s)
{
	enum iextp_kind need = span_need(s, ETH_LEN);
	uint16_t type;
	int depth;

	if (need != IEXTP_PACKET)
		return need;
	type = get_be16(s->at + 12);
	span_skip(s, ETH_LEN);
	for (depth = 0; is_vlan(type) && depth < VLAN_DEPTH; depth++) {
		need = span_need(s, VLAN_LEN);
		if (need != IEXTP_PACKET)
			return need;
		type = get_be16(s->at + 2);
		span_skip(s, VLAN_LEN);
	}
	return type == 0x0800 ? IEXTP_PACKET : IEXTP_OTHER;
}

static enum iextp_kind parse_ipv4(struct span *s)
{
	enum iextp_kind need = span_need(s, IPV4_MIN);
	size_t header, total;

	if (need != IEXTP_PACKET)
		return need;
	header = (s->at[0] & 0x0f) * 4u;
	total = get_be16(s->at + 2);
	if (s->at[0] >> 4 != 4 || header < IPV4_MIN || total < header || total > s->sent)
		return IEXTP_BAD;
	if (s->at[9] != IPPROTO_UDP_NR)
		return IEXTP_OTHER;
	if (get_be16(s->at + 6) & 0x3fff) /* more fragments, or an offset */
		return IEXTP_FRAGMENT;
	span_trim(s, total);
	need = span_need(s, header);
	if (need == IEXTP_PACKET)
		span_skip(s, header);
	return need;
}

static enum iextp_kind parse_udp(struct span *s)
{
	enum iextp_kind need = span_need(s, UDP_LEN);
	size_t len;

	if (need != IEXTP_PACKET)
		return need;
	len = get_be16(s->at + 4);
	if (len < UDP_LEN || len > s->sent)
		return IEXTP_BAD;
	span_trim(s, len);
	span_skip(s, UDP_LEN);
	return IEXTP_PACKET;
}

/*
 * IEX-TP has no magic number.  A version of 1 and a payload length that
 * accounts for every byte of the datagram make it IEX-TP whatever the message
 * protocol is; when the length is wrong, a protocol number out of IEX's block
 * (0x80xx) still does, and the packet is marked bad.
 */
static enum iextp_kind parse_iextp(struct span *s, struct iextp_packet *pkt)
{
	const uint8_t *h = s->at;
	size_t payload;

	if (s->sent < IEXTP_HEADER_LEN)
		return IEXTP_OTHER;
	if (s->have < IEXTP_HEADER_LEN)
		return s->have && h[0] != 1 ? IEXTP_OTHER : IEXTP_CUT;
	payload = get_le16(h + 12);
	pkt->protocol = get_le16(h + 2);
	pkt->bad = payload != s->sent - IEXTP_HEADER_LEN;
	if (h[0] != 1 || (pkt->bad && pkt->protocol >> 8 != 0x80))
		return IEXTP_OTHER;
	pkt->channel = get_le32(h + 4);
	pkt->session = get_le32(h + 8);
	pkt->count = get_le16(h + 14);
	pkt->first_seq = get_le64(h + 24);
	pkt->send_time = get_le64(h + 32);
	span_skip(s, IEXTP_HEADER_LEN);
	pkt->cut = s->have < s->sent;
	pkt->body = s->at;
	pkt->body_len = s->have < payload ? s->have : payload;
	return IEXTP_PACKET;
}

enum iextp_kind iextp_parse(const uint8_t *frame, size_t caplen, size_t wirelen, struct iextp_packet *pkt)
{
	struct span s = {.at = frame, .have = caplen, .sent = wirelen};
	enum iextp_kind kind;

	if (s.sent < s.have) /* a capture that says so is wrong about the wire */
		s.sent = s.have;
	kind = parse_ethernet(&s);
	if (kind == IEXTP_PACKET)
		kind = parse_ipv4(&s);
	if (kind == IEXTP_PACKET)
		kind = parse_udp(&s);
	if (kind == IEXTP_PACKET)
		kind = parse_iextp(&s, pkt);
	return kind;
}

void iextp_first(struct iextp_cursor *cur, const struct iextp_packet *pkt)
{
	cur->at = pkt->body;
	cur->left = pkt->body_len;
	cur->todo = pkt->count;
}

const uint8_t *iextp_next(struct iextp_cursor *cur, uint16_t *len)
{
	const uint8_t *msg;

	if (!cur->todo || cur->left < 2)
		return NULL;
	*len = get_le16(cur->at);
	if (*len > cur->left - 2)
		return NULL;
	msg = cur->at + 2;
	cur->at += 2 + *len;
	cur->left -= 2u + *len;
	cur->todo--;
	return msg;
}
