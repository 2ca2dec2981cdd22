/* SPDX-License-Identifier: MIT */
/* What the reader found, as JSON or for people. */
#ifndef MD_REPORT_H
#define MD_REPORT_H

#include <stdio.h>

#include "reader.h"

/* Figures that only the feed knows are null when it never sent them.  0, or -1: no memory, or out is full. */
int report_json(FILE *out, const struct reader *r);

/* The same, and the `top` symbols with most notional traded. */
int report_text(FILE *out, const struct reader *r, unsigned int top);

#endif
