// SPDX-License-Identifier: MIT
/* Candidate for crowds: boost::lockfree::queue of fixed capacity, its nodes inside, so that it can stand in shared memory. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "crowd_loops.h"

#define NAME "boost lockfree queue"

#ifdef HAVE_BOOST_LOCKFREE

#include <new>

#include <boost/lockfree/queue.hpp>

#define SLOTS 1024

template <unsigned size> struct message {
	uint64_t word[size / 8];
};

template <unsigned size> struct kind {
	using M = message<size>;
	using Q = boost::lockfree::queue<M, boost::lockfree::capacity<SLOTS>>;

	static int create(struct peer_lane *lane)
	{
		int error = peer_memory_create(lane, sizeof(Q));

		if (!error)
			new (lane->memory) Q();
		return error;
	}
	static int send(struct peer_side *s, uint64_t *message)
	{
		return static_cast<Q *>(s->out)->bounded_push(*reinterpret_cast<const M *>(message));
	}
	static int receive(struct peer_side *s, uint64_t *message)
	{
		return static_cast<Q *>(s->in)->pop(*reinterpret_cast<M *>(message));
	}
};

static const char *cannot(const struct peer_shape *shape)
{
	return shape->slots == SLOTS ? crowd_cannot(shape) : "1,024 slots are built in";
}

static int create(struct peer_lane *lane, const struct peer_shape *shape)
{
	return shape->size == 8 ? kind<8>::create(lane) : kind<64>::create(lane);
}

static int produce(struct peer_side *s, struct peer_burst *b)
{
	return s->size == 8 ? crowd__produce(s, b, kind<8>::send) : crowd__produce(s, b, kind<64>::send);
}

static int consume(struct peer_side *s, struct peer_burst *b)
{
	return s->size == 8 ? crowd__consume(s, b, kind<8>::receive) : crowd__consume(s, b, kind<64>::receive);
}

static const struct peer_crowd crowd = {true, produce, consume};

extern "C" const struct peer peer_boost_queue = {
	NAME,
	nullptr,
	1,
	false,
	false,
	false,
	cannot,
	create,
	peer_memory_destroy,
	peer_memory_open,
	peer_memory_close,
	nullptr,
	nullptr,
	nullptr,
	nullptr,
	&crowd,
};

#else /* no Boost here */

extern "C" const struct peer peer_boost_queue = {
	NAME,	 "not here when this was built: apt-get install libboost-dev",
	1,	 false,
	false,	 false,
	nullptr, nullptr,
	nullptr, nullptr,
	nullptr, nullptr,
	nullptr, nullptr,
	nullptr, nullptr,
};

#endif
