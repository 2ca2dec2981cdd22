// SPDX-License-Identifier: MIT
/* Candidate for crowds: oneTBB's concurrent_bounded_queue, through its forms that do not block. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "crowd_peer.hh"

#define NAME "TBB bounded queue"

#ifdef HAVE_TBB

#include <oneapi/tbb/concurrent_queue.h>

template <class M> struct bounded {
	using Q = tbb::concurrent_bounded_queue<M>;

	static void *create(uint32_t slots)
	{
		Q *q = new (std::nothrow) Q;

		if (q)
			q->set_capacity(slots);
		return q;
	}
	static void destroy(void *q)
	{
		delete static_cast<Q *>(q);
	}
	static void *open(void *q, bool)
	{
		return q;
	}
	static void close(void *, bool)
	{
	}
	static int send(struct peer_side *s, uint64_t *message)
	{
		return static_cast<Q *>(s->out)->try_push(*reinterpret_cast<const M *>(message));
	}
	static int receive(struct peer_side *s, uint64_t *message)
	{
		return static_cast<Q *>(s->in)->try_pop(*reinterpret_cast<M *>(message));
	}
};

extern "C" const struct peer peer_tbb = crowd_peer<bounded, true>::peer(NAME, 1);

#else /* no TBB here */

extern "C" const struct peer peer_tbb =
	crowd_absent(NAME, 1, "not here when this was built: apt-get install libtbb-dev");

#endif
