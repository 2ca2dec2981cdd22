// SPDX-License-Identifier: MIT
/* Candidate: moodycamel::ReaderWriterQueue, between two threads: its blocks come from the heap. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "peer_loops.h"

#ifdef HAVE_READERWRITERQUEUE

#include <new>

#include <readerwriterqueue.h>

template <unsigned size> struct message {
	uint64_t word[size / 8];
};

template <unsigned size> struct kind {
	using M = message<size>;
	using Q = moodycamel::ReaderWriterQueue<M>;

	static int send_one(struct peer_side *s, uint64_t *message)
	{
		return static_cast<Q *>(s->out)->try_enqueue(*reinterpret_cast<const M *>(message)) ? 0 : -EAGAIN;
	}
	static int receive_one(struct peer_side *s, uint64_t *message)
	{
		return static_cast<Q *>(s->in)->try_dequeue(*reinterpret_cast<M *>(message)) ? 0 : -EAGAIN;
	}
	static void *create(uint32_t slots)
	{
		return new (std::nothrow) Q(slots);
	}
	static void destroy(void *q)
	{
		delete static_cast<Q *>(q);
	}
	static int produce(struct peer_side *s, uint64_t n)
	{
		return peer__produce(s, n, send_one);
	}
	static int consume(struct peer_side *s, uint64_t n)
	{
		return peer__consume(s, n, receive_one);
	}
	static int ask(struct peer_side *s, unsigned int batches, double *mean_ns)
	{
		return peer__ask(s, batches, mean_ns, send_one, receive_one);
	}
	static int answer(struct peer_side *s, uint64_t n)
	{
		return peer__answer(s, n, send_one, receive_one);
	}
};

struct built_in {
	uint32_t size;
	void *(*create)(uint32_t slots);
	void (*destroy)(void *q);
	int (*produce)(struct peer_side *s, uint64_t n);
	int (*consume)(struct peer_side *s, uint64_t n);
	int (*ask)(struct peer_side *s, unsigned int batches, double *mean_ns);
	int (*answer)(struct peer_side *s, uint64_t n);
};

#define BUILT_IN(size)                                                                                   \
	{                                                                                                \
		size, kind<size>::create, kind<size>::destroy, kind<size>::produce, kind<size>::consume, \
			kind<size>::ask, kind<size>::answer                                              \
	}

static const struct built_in built[] = {BUILT_IN(8), BUILT_IN(56), BUILT_IN(64), BUILT_IN(1024)};

static const struct built_in *find(const struct peer_shape *shape)
{
	for (const struct built_in &b : built)
		if (b.size == shape->size)
			return &b;
	return nullptr;
}

static const char *cannot(const struct peer_shape *shape)
{
	return find(shape) ? nullptr : "messages of 8, 56, 64 and 1024 bytes are built in";
}

/* A queue and which kind it is: destroying it has no shape. */
struct handle {
	const struct built_in *kind;
	void *queue;
};

static int create(struct peer_lane *lane, const struct peer_shape *shape)
{
	struct handle *h = new (std::nothrow) handle{find(shape), nullptr};

	lane->handle = h;
	if (h)
		h->queue = h->kind->create(shape->slots);
	return h && h->queue ? 0 : -ENOMEM;
}

static void destroy(struct peer_lane *lane)
{
	struct handle *h = static_cast<struct handle *>(lane->handle);

	if (h)
		h->kind->destroy(h->queue);
	delete h;
	lane->handle = nullptr;
}

static int open_ends(struct peer_side *s, struct peer_lane *out, struct peer_lane *in)
{
	s->out = out ? static_cast<struct handle *>(out->handle)->queue : nullptr;
	s->in = in ? static_cast<struct handle *>(in->handle)->queue : nullptr;
	return 0;
}

static void close_ends(struct peer_side *s)
{
	s->out = s->in = nullptr;
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

extern "C" const struct peer peer_moodycamel = {
	"moodycamel RWQueue", nullptr, 1,	false, false,  true,	cannot, create, destroy, open_ends,
	close_ends,	      produce, consume, ask,   answer, nullptr,
};

#else /* no ReaderWriterQueue here */

extern "C" const struct peer peer_moodycamel = {
	"moodycamel RWQueue",
	"not here when this was built: apt-get install libreaderwriterqueue-dev",
	1,
	false,
	false,
	true,
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
