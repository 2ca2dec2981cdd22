/* SPDX-License-Identifier: MIT */
/* Finding the table of a kind of ring. */
#ifndef RINGSHM_TOOLS_STREAM_KIND_H
#define RINGSHM_TOOLS_STREAM_KIND_H

#include "stream.h"

/* NULL: send and recv do not know that kind. */
const struct stream_kind *stream_kind_find(uint32_t kind);

#endif /* RINGSHM_TOOLS_STREAM_KIND_H */
