// SPDX-License-Identifier: GPL-2.0-only
/* Wake-ups: pollers and eventfds. */
#include <linux/eventfd.h>
#include <linux/poll.h>

#include "compat.h"
#include "region.h"
#include "trace.h"

/* From any context that may take a wait queue's lock. */
void ringshm_wake(struct ringshm_region *region)
{
	struct ringshm_file *rf;
	unsigned long flags;

	atomic64_inc(&region->wakes);
	wake_up_interruptible_poll(&region->wait, EPOLLIN | EPOLLRDNORM);
	spin_lock_irqsave(&region->lock, flags);
	list_for_each_entry(rf, &region->eventfds, eventfd_link)
		ringshm_eventfd_signal(rf->eventfd);
	spin_unlock_irqrestore(&region->lock, flags);
	trace_ringshm_wake(region);
}

static int eventfd_add(struct ringshm_file *rf, int fd)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);
	int err = 0;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	spin_lock_irq(&rf->region->lock);
	if (rf->eventfd) {
		err = -EBUSY;
	} else {
		rf->eventfd = ctx;
		list_add(&rf->eventfd_link, &rf->region->eventfds);
	}
	spin_unlock_irq(&rf->region->lock);
	if (err)
		eventfd_ctx_put(ctx);
	return err;
}

static struct eventfd_ctx *eventfd_remove(struct ringshm_file *rf)
{
	struct eventfd_ctx *ctx;

	spin_lock_irq(&rf->region->lock);
	ctx = rf->eventfd;
	rf->eventfd = NULL;
	list_del_init(&rf->eventfd_link);
	spin_unlock_irq(&rf->region->lock);
	return ctx;
}

/* Registers eventfd @fd; -1 takes the registration back. */
int ringshm_eventfd_set(struct ringshm_file *rf, int fd)
{
	struct eventfd_ctx *ctx;

	if (fd != -1)
		return eventfd_add(rf, fd);
	ctx = eventfd_remove(rf);
	if (!ctx)
		return -ENOENT;
	eventfd_ctx_put(ctx);
	return 0;
}

void ringshm_eventfd_drop(struct ringshm_file *rf)
{
	struct eventfd_ctx *ctx = eventfd_remove(rf);

	if (ctx)
		eventfd_ctx_put(ctx);
}
