// SPDX-License-Identifier: MIT
/* From frames to records: pacing, publishing, and looking after the consumer's life. */
#include "feed.h"

#include <errno.h>
#include <string.h>

#include "stop.h"

#define LOOK_NS 100000000u	      /* how often the consumer's life is looked after */
#define LONGEST_NS 9e18		      /* a pause that ends in no lifetime, and fits */
#define GRACE_NS UINT64_C(2000000000) /* for the last record, once told to stop */

/* Told to stop: at once, but the last record gets GRACE_NS to be read. */
static bool must_stop(struct feed *feed, uint64_t now)
{
	if (!stop_signal)
		return false;
	if (!feed->finishing)
		return true;
	if (!feed->stop_by)
		feed->stop_by = now + GRACE_NS;
	return now >= feed->stop_by;
}

/* Look, at most every LOOK_NS: the consumer may be dead though the ring has room. */
static enum feed_result look_after(struct feed *feed)
{
	uint64_t now = now_ns();

	if (must_stop(feed, now))
		return FEED_STOPPED;
	if (now < feed->next_look)
		return FEED_DONE;
	feed->next_look = now + LOOK_NS;
	return ringshm_spsc_producer_recover(feed->producer) == 1 ? FEED_NO_READER : FEED_DONE;
}

/* Room for `len` bytes, waiting for it if need be. */
static enum feed_result make_room(struct feed *feed, uint32_t len, void **room)
{
	enum feed_result res = FEED_DONE;
	int ret;

	*room = ringshm_spsc_reserve(feed->producer, len);
	while (!*room && res == FEED_DONE) {
		ret = ringshm_spsc_reserve_wait(feed->producer, len, LOOK_NS, room);
		if (ret < 0 && ret != -ETIMEDOUT && ret != -EINTR)
			return FEED_RING_ENDED;
		if (ret < 0)
			res = look_after(feed);
	}
	return res;
}

static enum feed_result publish(struct feed *feed, uint16_t type, uint16_t flags, const void *bytes, uint32_t len)
{
	enum feed_result res;
	void *room;

	res = make_room(feed, len, &room);
	if (res != FEED_DONE)
		return res;
	memcpy(room, bytes, len);
	ringshm_spsc_commit_more_typed(feed->producer, len, type, flags);
	if (flags) /* paced, or the last: now; else with the rest of the packet */
		ringshm_spsc_flush(feed->producer);
	return FEED_DONE;
}

static enum feed_result publish_packet(struct feed *feed, const struct iextp_packet *pkt)
{
	uint16_t flags = feed->speed > 0 ? WIRE_PACED : 0, len;
	enum feed_result res = FEED_DONE;
	struct iextp_cursor cur;
	const uint8_t *msg;

	iextp_first(&cur, pkt);
	while (res == FEED_DONE && (msg = iextp_next(&cur, &len))) {
		res = publish(feed, pkt->protocol, flags, msg, len);
		feed->published += res == FEED_DONE;
	}
	ringshm_spsc_flush(feed->producer);
	if (res == FEED_DONE && (pkt->bad || (!pkt->cut && (cur.todo || cur.left))))
		feed->figures.malformed++;
	return res;
}

static enum feed_result take_frame(struct feed *feed, const struct capture_frame *frame)
{
	struct iextp_packet pkt;
	enum iextp_kind kind = iextp_parse(frame->bytes, frame->caplen, frame->wirelen, &pkt);

	if (kind != IEXTP_PACKET) {
		figures_frame(&feed->figures, kind);
		return FEED_DONE;
	}
	figures_packet(&feed->figures, &feed->flows, &pkt);
	return publish_packet(feed, &pkt);
}

/* Sleep until the frame is due.  Stamps that go back are due at once. */
static enum feed_result pace(struct feed *feed, uint64_t stamp)
{
	enum feed_result res = FEED_DONE;
	uint64_t due;
	double after;

	if (!feed->first_sent) {
		feed->first_sent = now_ns();
		feed->first_stamp = stamp;
	}
	if (stamp <= feed->first_stamp)
		return FEED_DONE;
	after = (double)(stamp - feed->first_stamp) / feed->speed;
	due = feed->first_sent + (after < LONGEST_NS ? (uint64_t)after : (uint64_t)LONGEST_NS);
	while (res == FEED_DONE && now_ns() < due) {
		sleep_slice(due);
		res = look_after(feed);
	}
	return res;
}

enum feed_result feed_run(struct feed *feed, struct capture *cap)
{
	struct capture_frame frame;
	enum feed_result res = FEED_DONE;

	while (res == FEED_DONE && capture_next(cap, &frame)) {
		if (stop_signal)
			return FEED_STOPPED;
		if (feed->speed > 0)
			res = pace(feed, frame.time_ns);
		if (res == FEED_DONE)
			res = take_frame(feed, &frame);
	}
	if (res == FEED_DONE && stop_signal)
		return FEED_STOPPED;
	feed->figures.truncated += capture_cut_packet(cap);
	return res;
}

/* Wait until the ring is empty, or until nobody is left to empty it. */
static enum feed_result drain(struct feed *feed)
{
	enum feed_result res = FEED_DONE;

	while (res == FEED_DONE && ringshm_spsc_producer_used(feed->producer)) {
		sleep_slice(now_ns() + 500000u);
		res = look_after(feed);
	}
	/* It may have read all and left just before the look. */
	return ringshm_spsc_producer_used(feed->producer) ? res : FEED_DONE;
}

enum feed_result feed_finish(struct feed *feed)
{
	struct wire_end end = {.figures = feed->figures};
	enum feed_result res;

	feed->finishing = true;
	res = publish(feed, 0, WIRE_END, &end, sizeof(end));
	return res == FEED_DONE ? drain(feed) : res;
}
