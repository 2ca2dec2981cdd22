/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How a channel's end reads as an endpoint's status: the state word of every kind, as an error. */
#ifndef RINGSHM_STATUS_H
#define RINGSHM_STATUS_H

#include <ringshm/abi.h>

#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What says "gone for good" goes before what says "drain first". 0: the channel goes on. */
static inline int ringshm__state_status(uint64_t state)
{
	if (state & RINGSHM_STATE_BROKEN)
		return -EPROTO;
	if (state & (RINGSHM_STATE_SUPERSEDED | RINGSHM_STATE_FORKED))
		return -ESTALE;
	if (state & RINGSHM_STATE_SHUTDOWN)
		return -ESHUTDOWN;
	return 0;
}

#ifdef __cplusplus
}
#endif

#endif
