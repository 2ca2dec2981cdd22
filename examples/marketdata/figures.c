// SPDX-License-Identifier: MIT
/* Counting packets, and following the sequence numbers of every channel and session. */
#include "figures.h"

/* The flow of this packet, or one to be made its own. */
static struct flow *flow_slot(struct flow_table *flows, const struct iextp_packet *pkt)
{
	struct flow *oldest = flows->flow;
	unsigned int i;

	for (i = 0; i < flows->count; i++) {
		struct flow *f = &flows->flow[i];

		if (f->session == pkt->session && f->channel == pkt->channel && f->protocol == pkt->protocol)
			return f;
		if (f->used < oldest->used)
			oldest = f;
	}
	if (flows->count < FLOWS_MAX)
		oldest = &flows->flow[flows->count++];
	oldest->used = 0;
	return oldest;
}

static struct flow *flow_find(struct flow_table *flows, const struct iextp_packet *pkt, uint64_t now)
{
	struct flow *f = flow_slot(flows, pkt);

	if (!f->used) /* nothing is missing before the first packet */
		*f = (struct flow){.channel = pkt->channel,
				   .session = pkt->session,
				   .protocol = pkt->protocol,
				   .expected = pkt->first_seq};
	f->used = now;
	return f;
}

/* Sequence numbers come from the packet: the difference may be anything, the sum stays at most 2^63 - 1. */
static void add_gap(struct feed_figures *fig, uint64_t missing)
{
	if (__builtin_add_overflow(fig->gaps, missing, &fig->gaps) || fig->gaps > INT64_MAX)
		fig->gaps = INT64_MAX;
}

void figures_packet(struct feed_figures *fig, struct flow_table *flows, const struct iextp_packet *pkt)
{
	uint64_t first = pkt->first_seq;
	struct flow *f;

	fig->packets++;
	fig->heartbeats += !pkt->count;
	fig->truncated += pkt->cut;
	if (!pkt->count && !first) /* a heartbeat before the first message says nothing */
		return;
	f = flow_find(flows, pkt, fig->packets);
	if (first > f->expected)
		add_gap(fig, first - f->expected);
	else if (first < f->expected && pkt->count)
		fig->repeated++;
	if (first + pkt->count > f->expected)
		f->expected = first + pkt->count;
}

void figures_frame(struct feed_figures *fig, enum iextp_kind kind)
{
	fig->truncated += kind == IEXTP_CUT;
	fig->malformed += kind == IEXTP_BAD;
	fig->fragments += kind == IEXTP_FRAGMENT;
	fig->others += kind == IEXTP_OTHER;
}
