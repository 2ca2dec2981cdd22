/* SPDX-License-Identifier: MIT */
/* Reading option arguments; each ends the program with wrong usage when the text does not do. */
#ifndef RINGSHM_TOOLS_OPTIONS_H
#define RINGSHM_TOOLS_OPTIONS_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

/* A word of an option's argument and what it stands for. */
struct option_word {
	const char *word;
	uint64_t value;
};

/* A whole number from `least` to `most`; with K, M, G, T: times 1024 and so on. */
uint64_t option_number(struct argp_state *state, const char *option, const char *text, uint64_t least, uint64_t most);

/* Seconds, fractions allowed, as nanoseconds. */
int64_t option_seconds(struct argp_state *state, const char *option, const char *text);

/* One of `words`. */
uint64_t option_word(struct argp_state *state, const char *option, const char *text, const struct option_word *words,
		     size_t count);

/* Words separated by commas, their values or-ed. */
uint64_t option_words(struct argp_state *state, const char *option, const char *text, const struct option_word *words,
		      size_t count);

/* The single CHANNEL argument: stores it in *name, once. */
void option_channel(struct argp_state *state, const char **name, const char *text);

/* For parsers whose one argument is a channel that is there: ends them. 0, or ARGP_ERR_UNKNOWN: no such option. */
error_t option_existing(int key, char *arg, struct argp_state *state, const char **name);

#endif /* RINGSHM_TOOLS_OPTIONS_H */
