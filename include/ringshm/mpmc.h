/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* mpmc: many producers, many consumers, each message to one, in one order, whoever dies. */
#ifndef RINGSHM_MPMC_H
#define RINGSHM_MPMC_H

/*
 * A ring of slots. Producers claim the slot at the tail, write into it and hand it over; consumers
 * claim the slot at the head, read in place and hand it back. mpmc_core.h holds the protocol and says
 * why the death of any participant between any two instructions stops nobody.
 *
 * Order: positions are one total order; every message goes to exactly one consumer, and a consumer
 * claims them in that order. A slot that is reserved holds up those behind it until it is committed:
 * a *dead* owner's is freed by whoever trips over it, a *stopped* owner's stalls consumers until it goes
 * on, and ringshm_info() names it. ringshm_mpmc_send() claims last, so its window is a few instructions.
 *
 * Progress: reserve and peek are lock-free (bounded here: after RINGSHM_MPMC_TRIES lost races they say
 * "not now"); everything else is wait-free. Nothing here blocks. Endpoints come from
 * ringshm_mpmc_producer_open() and ringshm_mpmc_consumer_open() in <ringshm/ringshm.h>; each belongs to
 * one thread at a time. Everything read from shared memory is masked or clamped before use.
 */

#include <ringshm/mpmc_consumer.h>
#include <ringshm/mpmc_producer.h>

/* Version of the protocol that this header speaks; the library refuses what it does not know. */
#define RINGSHM_MPMC_PROTOCOL 2u

#endif
