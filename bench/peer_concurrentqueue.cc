// SPDX-License-Identifier: MIT
/* Candidates for crowds: moodycamel::ConcurrentQueue, without tokens, with them, and in bulk. No order among producers. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "crowd_peer.hh"

#define NAME "moodycamel CQ"
#define NAME_TOKENS "moodycamel CQ, tokens"
#define NAME_BULK "moodycamel CQ, bulk"

#ifdef HAVE_CONCURRENTQUEUE

#include <concurrentqueue/concurrentqueue.h>

#define PRODUCERS 16 /* of one queue, at most */

/* Blocks for so many slots are made ahead, and try_enqueue() makes no more. */
template <class M> struct any {
	using Q = moodycamel::ConcurrentQueue<M>;

	static void *create(uint32_t slots)
	{
		return new (std::nothrow) Q(slots, PRODUCERS, PRODUCERS);
	}
	static void destroy(void *q)
	{
		delete static_cast<Q *>(q);
	}
};

template <class M> struct plain : any<M> {
	using Q = typename any<M>::Q;

	static void *open(void *q, bool)
	{
		return q;
	}
	static void close(void *, bool)
	{
	}
	static int send(struct peer_side *s, uint64_t *message)
	{
		return static_cast<Q *>(s->out)->try_enqueue(*reinterpret_cast<const M *>(message));
	}
	static int receive(struct peer_side *s, uint64_t *message)
	{
		return static_cast<Q *>(s->in)->try_dequeue(*reinterpret_cast<M *>(message));
	}
};

/* A queue seen from one of its users. */
template <class M, class T> struct end_of {
	moodycamel::ConcurrentQueue<M> *queue;
	T token;
};

template <class M> struct tokens : any<M> {
	using Q = typename any<M>::Q;
	using sender = end_of<M, moodycamel::ProducerToken>;
	using receiver = end_of<M, moodycamel::ConsumerToken>;

	static void *open(void *q, bool sends)
	{
		Q *queue = static_cast<Q *>(q);

		if (sends)
			return new (std::nothrow) sender{queue, moodycamel::ProducerToken(*queue)};
		return new (std::nothrow) receiver{queue, moodycamel::ConsumerToken(*queue)};
	}
	static void close(void *end, bool sends)
	{
		if (sends)
			delete static_cast<sender *>(end);
		else
			delete static_cast<receiver *>(end);
	}
	static int send(struct peer_side *s, uint64_t *message)
	{
		sender *e = static_cast<sender *>(s->out);

		return e->queue->try_enqueue(e->token, *reinterpret_cast<const M *>(message));
	}
	static int receive(struct peer_side *s, uint64_t *message)
	{
		receiver *e = static_cast<receiver *>(s->in);

		return e->queue->try_dequeue(e->token, *reinterpret_cast<M *>(message));
	}
};

template <class M> struct bulk : tokens<M> {
	static int send(struct peer_side *s, uint64_t *message)
	{
		auto *e = static_cast<typename tokens<M>::sender *>(s->out);
		bool sent = e->queue->try_enqueue_bulk(e->token, reinterpret_cast<const M *>(message), PEER_BULK);

		return sent ? int(PEER_BULK) : 0;
	}
	static int receive(struct peer_side *s, uint64_t *messages)
	{
		auto *e = static_cast<typename tokens<M>::receiver *>(s->in);

		return int(e->queue->try_dequeue_bulk(e->token, reinterpret_cast<M *>(messages), PEER_BULK));
	}
};

extern "C" const struct peer peer_concurrentqueue = crowd_peer<plain, false>::peer(NAME, 1);
extern "C" const struct peer peer_concurrentqueue_tokens = crowd_peer<tokens, false>::peer(NAME_TOKENS, 1);
extern "C" const struct peer peer_concurrentqueue_bulk = crowd_peer<bulk, false>::peer(NAME_BULK, PEER_BULK);

#else /* no ConcurrentQueue here */

#define WHY "not here when this was built: apt-get install libconcurrentqueue-dev"

extern "C" const struct peer peer_concurrentqueue = crowd_absent(NAME, 1, WHY);
extern "C" const struct peer peer_concurrentqueue_tokens = crowd_absent(NAME_TOKENS, 1, WHY);
extern "C" const struct peer peer_concurrentqueue_bulk = crowd_absent(NAME_BULK, PEER_BULK, WHY);

#endif
