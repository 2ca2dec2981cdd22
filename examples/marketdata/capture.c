// SPDX-License-Identifier: MIT
/* libpcap over gzfile: every pcap variety it knows, and an honest account of the end. */
#include "capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gzfile.h"

struct capture {
	pcap_t *pcap;
	struct gzfile_end gz;
	uint64_t frames;
	bool failed; /* libpcap refused to go on */
};

/* What is wrong with the stream underneath, as the end of a sentence; NULL: nothing. */
static const char *stream_fault(const struct gzfile_end *gz)
{
	if (gz->error)
		return strerror(gz->error);
	if (gz->corrupt)
		return gz->why;
	return gz->cut ? "the gzip stream stops before its end" : NULL;
}

static int open_pcap(struct capture *cap, FILE *file, const char *path, char *why, size_t size)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	const char *fault;
	int link;

	cap->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
	if (!cap->pcap) {
		fault = stream_fault(&cap->gz);
		snprintf(why, size, "%s: not a capture that can be read: %s%s%s", path, error, fault ? "; " : "",
			 fault ? fault : "");
		fclose(file);
		return -1;
	}
	link = pcap_datalink(cap->pcap);
	if (link == DLT_EN10MB)
		return 0;
	snprintf(why, size, "%s: its link type is %s and only Ethernet is read; capture on one interface, not on 'any'",
		 path, pcap_datalink_val_to_name(link) ? pcap_datalink_val_to_name(link) : "unknown");
	return -1;
}

int capture_open(struct capture **out, const char *path, char *why, size_t size)
{
	struct capture *cap = calloc(1, sizeof(*cap));
	FILE *file = cap ? gzfile_open(path, &cap->gz) : NULL;

	if (!file) {
		snprintf(why, size, "%s: cannot be opened: %s", path, strerror(errno));
		free(cap);
		return -1;
	}
	if (open_pcap(cap, file, path, why, size) < 0) {
		capture_close(cap);
		return -1;
	}
	*out = cap;
	return 0;
}

void capture_close(struct capture *cap)
{
	if (cap->pcap)
		pcap_close(cap->pcap); /* and the stream under it */
	free(cap);
}

int capture_next(struct capture *cap, struct capture_frame *frame)
{
	struct pcap_pkthdr *head;
	const u_char *bytes;
	int ret;

	if (cap->failed)
		return 0;
	ret = pcap_next_ex(cap->pcap, &head, &bytes);
	if (ret != 1) {
		cap->failed = ret != PCAP_ERROR_BREAK;
		return 0;
	}
	cap->frames++;
	frame->bytes = bytes;
	frame->caplen = head->caplen;
	frame->wirelen = head->len;
	/* Asked for nanoseconds, libpcap keeps them in tv_usec. */
	frame->time_ns = (uint64_t)head->ts.tv_sec * 1000000000u + (uint64_t)head->ts.tv_usec;
	return 1;
}

/* libpcap has one error for all; whether its last read came short tells which it was. */
bool capture_cut_packet(const struct capture *cap)
{
	return cap->failed && feof(pcap_file(cap->pcap));
}

static enum capture_end classify(const struct capture *cap)
{
	if (cap->gz.error)
		return cap->gz.error == EINTR ? CAPTURE_STOPPED : CAPTURE_UNREADABLE;
	if (cap->gz.corrupt || (cap->failed && !capture_cut_packet(cap)))
		return CAPTURE_MALFORMED;
	if (cap->failed)
		return CAPTURE_CUT_PACKET;
	return cap->gz.cut ? CAPTURE_CUT_FILE : CAPTURE_COMPLETE;
}

enum capture_end capture_ending(const struct capture *cap, char *why, size_t size)
{
	unsigned long long n = cap->frames;
	const char *fault = stream_fault(&cap->gz);

	switch (classify(cap)) {
	case CAPTURE_COMPLETE:
		why[0] = '\0';
		return CAPTURE_COMPLETE;
	case CAPTURE_CUT_PACKET:
		snprintf(why, size, "ends in the middle of a packet, after %llu whole ones%s%s", n, fault ? "; " : "",
			 fault ? fault : "");
		return CAPTURE_CUT_PACKET;
	case CAPTURE_CUT_FILE:
		snprintf(why, size, "is cut off after %llu packets: %s", n, fault);
		return CAPTURE_CUT_FILE;
	case CAPTURE_MALFORMED:
		snprintf(why, size, "is malformed after %llu packets: %s", n, fault ? fault : pcap_geterr(cap->pcap));
		return CAPTURE_MALFORMED;
	case CAPTURE_STOPPED:
		snprintf(why, size, "was not read on after %llu packets: interrupted", n);
		return CAPTURE_STOPPED;
	default:
		snprintf(why, size, "cannot be read on after %llu packets: %s", n, fault);
		return CAPTURE_UNREADABLE;
	}
}
