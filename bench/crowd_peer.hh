/* SPDX-License-Identifier: MIT */
/* What candidates for crowds in C++ share: messages of 8 and 64 bytes as types, and the peer made of them. */
#ifndef RINGSHM_BENCH_CROWD_PEER_HH
#define RINGSHM_BENCH_CROWD_PEER_HH

#include <new>

#include "crowd_loops.h"

template <unsigned size> struct crowd_message {
	uint64_t word[size / 8];
};

/*
 * A candidate made of KIND<message>: static functions create(slots), destroy(queue), open(side, queue,
 * sends), close(side), send(side, messages), receive(side, messages). Queues live on the heap of one process.
 */
template <template <class> class KIND, bool strict> struct crowd_peer {
	using K8 = KIND<crowd_message<8>>;
	using K64 = KIND<crowd_message<64>>;

	/* A queue and the size of its messages: destroying it has no shape. */
	struct handle {
		uint32_t size;
		void *queue;
	};

	static int create(struct peer_lane *lane, const struct peer_shape *shape)
	{
		handle *h = new (std::nothrow) handle{shape->size, nullptr};

		lane->handle = h;
		if (h)
			h->queue = shape->size == 8 ? K8::create(shape->slots) : K64::create(shape->slots);
		return h && h->queue ? 0 : -ENOMEM;
	}
	static void destroy(struct peer_lane *lane)
	{
		handle *h = static_cast<handle *>(lane->handle);

		if (h && h->size == 8)
			K8::destroy(h->queue);
		else if (h)
			K64::destroy(h->queue);
		delete h;
		lane->handle = nullptr;
	}
	static int open(struct peer_side *s, struct peer_lane *out, struct peer_lane *in)
	{
		void *queue = static_cast<handle *>((out ? out : in)->handle)->queue;
		void *end = s->size == 8 ? K8::open(queue, out != nullptr) : K64::open(queue, out != nullptr);

		(out ? s->out : s->in) = end;
		return end ? 0 : -ENOMEM;
	}
	static void close(struct peer_side *s)
	{
		void *end = s->out ? s->out : s->in;

		if (s->size == 8)
			K8::close(end, s->out != nullptr);
		else
			K64::close(end, s->out != nullptr);
		s->out = s->in = nullptr;
	}
	static int produce(struct peer_side *s, struct peer_burst *b)
	{
		return s->size == 8 ? crowd__produce(s, b, K8::send) : crowd__produce(s, b, K64::send);
	}
	static int consume(struct peer_side *s, struct peer_burst *b)
	{
		return s->size == 8 ? crowd__consume(s, b, K8::receive) : crowd__consume(s, b, K64::receive);
	}
	static constexpr struct peer_crowd crowd = {strict, produce, consume};
	static constexpr struct peer peer(const char *name, unsigned int batch)
	{
		return {name,	 nullptr, batch, false,	  false,   true,    crowd_cannot, create,
			destroy, open,	  close, nullptr, nullptr, nullptr, nullptr,	  &crowd};
	}
};

/* One that is not here. */
static inline constexpr struct peer crowd_absent(const char *name, unsigned int batch, const char *why)
{
	return {name,	 why,	  batch,   false,   false,   true,    nullptr, nullptr,
		nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
}

#endif /* RINGSHM_BENCH_CROWD_PEER_HH */
