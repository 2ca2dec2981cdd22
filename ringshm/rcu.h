/* SPDX-License-Identifier: MIT */
/* Read-copy-update inside one process: liburcu's bp flavour, of which threads need not know. */
#ifndef RINGSHM_RCU_H
#define RINGSHM_RCU_H

/* Read sides are inlined; docs/adr/0008-rcu-flavour.md says why this flavour. */
#ifndef __SANITIZE_ADDRESS__ /* its companion objects to how liburcu 0.13 aligns its own reader records */
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-bp.h>

/* Begin a read section. A thread's first one makes it known to liburcu. */
static inline void ringshm__rcu_read_lock(void)
{
	urcu_bp_read_lock();
}

static inline void ringshm__rcu_read_unlock(void)
{
	urcu_bp_read_unlock();
}

/* Wait until every read section that has begun is over. Not from within one. */
void ringshm__rcu_synchronize(void);

/* Before the first read section of the process: see to it that fork() leaves the child a sound state. */
void ringshm__rcu_watch_forks(void);

#endif
