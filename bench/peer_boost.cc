// SPDX-License-Identifier: MIT
/* Candidate: boost::lockfree::spsc_queue, its slots inside, so that it can stand in shared memory. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "peer_loops.h"

#ifdef HAVE_BOOST_LOCKFREE

#include <new>

#include <boost/lockfree/spsc_queue.hpp>

template <unsigned size> struct message {
	uint64_t word[size / 8];
};

/* Its capacity is a matter of compiling; it adds one slot that stays free. */
template <unsigned size, unsigned slots>
using queue = boost::lockfree::spsc_queue<message<size>, boost::lockfree::capacity<slots - 1>>;

template <class Q, class M> static int send_one(struct peer_side *s, uint64_t *message)
{
	return static_cast<Q *>(s->out)->push(*reinterpret_cast<const M *>(message)) ? 0 : -EAGAIN;
}

template <class Q, class M> static int receive_one(struct peer_side *s, uint64_t *message)
{
	return static_cast<Q *>(s->in)->pop(*reinterpret_cast<M *>(message)) ? 0 : -EAGAIN;
}

/* Everything about one queue type. */
template <unsigned size, unsigned slots> struct kind {
	using Q = queue<size, slots>;
	using M = message<size>;

	static int create(struct peer_lane *lane)
	{
		int error = peer_memory_create(lane, sizeof(Q));

		if (!error)
			new (lane->memory) Q();
		return error;
	}
	static int produce(struct peer_side *s, uint64_t n)
	{
		return peer__produce(s, n, send_one<Q, M>);
	}
	static int consume(struct peer_side *s, uint64_t n)
	{
		return peer__consume(s, n, receive_one<Q, M>);
	}
	static int ask(struct peer_side *s, unsigned int batches, double *mean_ns)
	{
		return peer__ask(s, batches, mean_ns, send_one<Q, M>, receive_one<Q, M>);
	}
	static int answer(struct peer_side *s, uint64_t n)
	{
		return peer__answer(s, n, send_one<Q, M>, receive_one<Q, M>);
	}
};

struct built_in {
	uint32_t size, slots;
	int (*create)(struct peer_lane *lane);
	int (*produce)(struct peer_side *s, uint64_t n);
	int (*consume)(struct peer_side *s, uint64_t n);
	int (*ask)(struct peer_side *s, unsigned int batches, double *mean_ns);
	int (*answer)(struct peer_side *s, uint64_t n);
};

#define BUILT_IN(size, slots)                                                                                   \
	{                                                                                                       \
		size, slots, kind<size, slots>::create, kind<size, slots>::produce, kind<size, slots>::consume, \
			kind<size, slots>::ask, kind<size, slots>::answer                                       \
	}

static const struct built_in built[] = {
	BUILT_IN(8, 1024), BUILT_IN(56, 1024), BUILT_IN(64, 1024), BUILT_IN(64, 65536), BUILT_IN(1024, 1024),
};

static const struct built_in *find(const struct peer_shape *shape)
{
	for (const struct built_in &b : built)
		if (b.size == shape->size && b.slots == shape->slots)
			return &b;
	return nullptr;
}

static const char *cannot(const struct peer_shape *shape)
{
	return find(shape) ? nullptr : "this size and capacity is not built in";
}

static int create(struct peer_lane *lane, const struct peer_shape *shape)
{
	return find(shape)->create(lane);
}

static int produce(struct peer_side *s, uint64_t n)
{
	return find(s->shape)->produce(s, n);
}

static int consume(struct peer_side *s, uint64_t n)
{
	return find(s->shape)->consume(s, n);
}

static int ask(struct peer_side *s, unsigned int batches, double *mean_ns)
{
	return find(s->shape)->ask(s, batches, mean_ns);
}

static int answer(struct peer_side *s, uint64_t n)
{
	return find(s->shape)->answer(s, n);
}

extern "C" const struct peer peer_boost = {
	"boost spsc_queue", nullptr,	       1,	false,	 false, false,	cannot,	 create, peer_memory_destroy,
	peer_memory_open,   peer_memory_close, produce, consume, ask,	answer, nullptr,
};

#else /* no boost here */

extern "C" const struct peer peer_boost = {
	"boost spsc_queue",
	"not here when this was built: apt-get install libboost-dev",
	1,
	false,
	false,
	false,
	nullptr,
	nullptr,
	nullptr,
	nullptr,
	nullptr,
	nullptr,
	nullptr,
	nullptr,
	nullptr,
	nullptr,
};

#endif
