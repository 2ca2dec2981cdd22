/* SPDX-License-Identifier: MIT */
/* What liburcu wants to be told: forks. */
#include "config.h"

#include "rcu.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void watch(void)
{
	pthread_atfork(urcu_bp_before_fork, urcu_bp_after_fork_parent, urcu_bp_after_fork_child);
}

void ringshm__rcu_watch_forks(void)
{
	pthread_once(&once, watch);
}

void ringshm__rcu_synchronize(void)
{
	urcu_bp_synchronize_rcu();
}
