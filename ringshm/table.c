/* SPDX-License-Identifier: MIT */
/* The table of this process's channels, which threads may walk while others open and close. */
#include "config.h"

#include "internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <urcu/rculist.h>

#include "rcu.h"

static CDS_LIST_HEAD(channels);
static unsigned int count; /* under `lock` */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
	ringshm__rcu_watch_forks();
}

/* The channel is complete: let others find it. */
void ringshm__table_add(struct ringshm *channel)
{
	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&lock);
	cds_list_add_tail_rcu(&channel->attached, &channels);
	channel->listed = true;
	count++;
	pthread_mutex_unlock(&lock);
}

/*
 * The last reference is gone: take the channel out and wait until nobody can be looking at it any more.
 * Then it may be unmapped.
 */
void ringshm__table_remove(struct ringshm *channel)
{
	if (!channel->listed)
		return;
	pthread_mutex_lock(&lock);
	cds_list_del_rcu(&channel->attached);
	count--;
	pthread_mutex_unlock(&lock);
	ringshm__rcu_synchronize();
}

/* A reference, unless the last one has gone already. */
static bool try_get(struct ringshm *channel)
{
	unsigned int refs = __atomic_load_n(&channel->refs, __ATOMIC_RELAXED); /* relaxed: the swap checks it */

	while (refs)
		if (__atomic_compare_exchange_n(&channel->refs, &refs, refs + 1, true, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) /* relaxed: the read section keeps it alive */
			return true;
	return false;
}

/* References to the channels attached now, at most `room`. */
static unsigned int collect(struct ringshm **found, unsigned int room)
{
	struct ringshm *channel;
	unsigned int n = 0;

	ringshm__rcu_read_lock();
	cds_list_for_each_entry_rcu(channel, &channels, attached) {
		if (n == room)
			break;
		if (try_get(channel))
			found[n++] = channel;
	}
	ringshm__rcu_read_unlock();
	return n;
}

int ringshm_attached(int (*visit)(struct ringshm *channel, void *context), void *context)
{
	struct ringshm **found;
	unsigned int room, n;
	int result = 0;

	if (!visit)
		return ringshm__fail(EINVAL, "attached channels: nothing to call for each");
	pthread_mutex_lock(&lock);
	room = count;
	pthread_mutex_unlock(&lock);
	found = (struct ringshm **)calloc(room + 1, sizeof(struct ringshm *));
	if (!found)
		return ringshm__fail(ENOMEM, "attached channels: no memory for %u of them", room);
	n = collect(found, room);
	for (unsigned int i = 0; i < n; i++) {
		if (!result)
			result = visit(found[i], context);
		ringshm__channel_put(found[i]);
	}
	free(found);
	return result;
}
