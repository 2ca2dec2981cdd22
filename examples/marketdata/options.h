/* SPDX-License-Identifier: MIT */
/* Command-line values that the three programs read alike. */
#ifndef MD_OPTIONS_H
#define MD_OPTIONS_H

#include <argp.h>
#include <stdint.h>

/* Exit statuses of the three programs. */
enum {
	MD_OK = 0,
	MD_PARTIAL = 1, /* something is missing that the figures do not show */
	MD_NOTHING = 2, /* nothing could be begun */
};

#define MD_RING_DEFAULT "md"
#define MD_CAPACITY_DEFAULT (UINT64_C(1) << 20)
#define MD_WAIT_DEFAULT 30u /* seconds */

/* Keys of options without a letter. */
enum {
	OPT_SPEED = 0x100,
	OPT_CAPACITY,
	OPT_WAIT,
	OPT_SOCKET,
	OPT_JSON
};

/* Each ends the program through argp_error() when `arg` is not one. */
double option_speed(const char *arg, struct argp_state *state);	     /* "1x", "0.5x", "max": 0 */
uint64_t option_capacity(const char *arg, struct argp_state *state); /* "1M": bytes */
unsigned int option_seconds(const char *arg, struct argp_state *state);
int option_fd(const char *arg, struct argp_state *state);

#endif
