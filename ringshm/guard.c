/* SPDX-License-Identifier: MIT */
/* ringshm_guard(): when a file is cut short under a mapping, zeros take its place and the endpoint is broken. */
#include "config.h"

#include "internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

/*
 * The handler may run in any thread at any instruction, so it takes no lock. The ranges stand in chunks that are
 * never freed; an entry is claimed by its owner word and valid while `start` is not 0. An entry that the handler
 * acts upon is the one of the memory that its own thread is touching, so nobody is removing it meanwhile.
 */
struct range {
	uintptr_t start;
	uintptr_t end;
	const void *owner;
	bool is_endpoint;
};

#define RANGES 128

struct chunk {
	struct range ranges[RANGES];
	struct chunk *next;
};

static struct chunk first;
static struct sigaction before;
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static bool installed;

/* ---- the ranges ----------------------------------------------------------------------------- */

static bool claim(struct range *range, const void *owner)
{
	const void *nobody = NULL;

	/* acquire: what its former owner did with the entry is over */
	return __atomic_compare_exchange_n(&range->owner, &nobody, owner, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static struct chunk *next_chunk(struct chunk *chunk)
{
	struct chunk *next = __atomic_load_n(&chunk->next, __ATOMIC_ACQUIRE); /* pairs with the exchange below */
	struct chunk *none = NULL, *more;

	if (next)
		return next;
	more = (struct chunk *)calloc(1, sizeof(*more));
	if (!more)
		return NULL;
	if (__atomic_compare_exchange_n(&chunk->next, &none, more, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return more;
	free(more); /* another thread was quicker */
	return none;
}

static int add(const void *address, uint64_t size, const void *owner, bool is_endpoint)
{
	for (struct chunk *chunk = &first; chunk; chunk = next_chunk(chunk))
		for (unsigned int i = 0; i < RANGES; i++) {
			struct range *range = &chunk->ranges[i];

			if (!claim(range, owner))
				continue;
			range->is_endpoint = is_endpoint;
			__atomic_store_n(&range->end, (uintptr_t)address + (uintptr_t)size, __ATOMIC_RELAXED);
			__atomic_store_n(&range->start, (uintptr_t)address, __ATOMIC_RELEASE); /* pairs with find() */
			return 0;
		}
	return ringshm__fail(ENOMEM, "no memory to guard a channel");
}

void ringshm__guard_forget(const void *owner)
{
	for (struct chunk *chunk = &first; chunk; chunk = __atomic_load_n(&chunk->next, __ATOMIC_ACQUIRE))
		for (unsigned int i = 0; i < RANGES; i++) {
			struct range *range = &chunk->ranges[i];

			if (__atomic_load_n(&range->owner, __ATOMIC_RELAXED) != owner) /* relaxed: ours do not change */
				continue;
			__atomic_store_n(&range->start, 0, __ATOMIC_RELAXED);
			__atomic_store_n(&range->owner, NULL, __ATOMIC_RELEASE); /* pairs with claim() */
		}
}

int ringshm__guard_endpoint(struct ringshm_endpoint *e)
{
	const struct ringshm_header *header = &e->channel->header;
	int error = add(e->ctl, header->ctl_size, e, true);

	if (!error)
		error = add(e->cons, header->cons_size, e, true);
	return error ? error : add(e->data, e->channel->data.size, e, true);
}

int ringshm__guard_channel(struct ringshm *channel)
{
	int error = add(channel->ctl, channel->header.ctl_size, channel, false);

	return error ? error : add(channel->cons, channel->header.cons_size, channel, false);
}

static bool matches(const struct range *range, uintptr_t address)
{
	uintptr_t start = __atomic_load_n(&range->start, __ATOMIC_ACQUIRE); /* pairs with add() */
	uintptr_t end = __atomic_load_n(&range->end, __ATOMIC_RELAXED);

	/* seen twice the same: start and end belong together */
	return start && address >= start && address < end && __atomic_load_n(&range->start, __ATOMIC_ACQUIRE) == start;
}

static const struct range *find(uintptr_t address)
{
	for (struct chunk *chunk = &first; chunk; chunk = __atomic_load_n(&chunk->next, __ATOMIC_ACQUIRE))
		for (unsigned int i = 0; i < RANGES; i++)
			if (matches(&chunk->ranges[i], address))
				return &chunk->ranges[i];
	return NULL;
}

/* ---- the handler: system calls and stores only ---------------------------------------------- */

/* Zeros, with BROKEN already standing at `word` (an offset), put there in one step. */
static bool put_zeros(void *address, uint64_t size, size_t word)
{
	void *zeros = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (zeros == MAP_FAILED)
		return false;
	*(ringshm_word *)((unsigned char *)zeros + word) = RINGSHM_STATE_BROKEN;
	return mremap(zeros, (size_t)size, (size_t)size, MREMAP_MAYMOVE | MREMAP_FIXED, address) != MAP_FAILED;
}

static bool break_endpoint(const struct ringshm_endpoint *e)
{
	const struct ringshm_header *header = &e->channel->header;

	/* in `cons` the word is one of the reserved bytes before the lines: it means nothing there */
	return put_zeros(e->ctl, header->ctl_size, offsetof(struct ringshm_ctl, state)) &&
	       put_zeros(e->data, e->channel->data.size, offsetof(struct ringshm_data, state)) &&
	       put_zeros(e->cons, header->cons_size, offsetof(struct ringshm_cons, reserved0));
}

static bool break_channel(const struct ringshm *channel)
{
	return put_zeros(channel->ctl, channel->header.ctl_size, offsetof(struct ringshm_ctl, state)) &&
	       put_zeros(channel->cons, channel->header.cons_size, offsetof(struct ringshm_cons, reserved0));
}

static bool mend(const siginfo_t *info)
{
	const struct range *range;

	if (info->si_code != BUS_ADRERR && info->si_code != BUS_MCEERR_AR)
		return false;
	range = find((uintptr_t)info->si_addr);
	if (!range)
		return false;
	return range->is_endpoint ? break_endpoint((const struct ringshm_endpoint *)range->owner) :
				    break_channel((const struct ringshm *)range->owner);
}

/* As if we had never been there. A fault happens again as soon as we return, and then ends the process. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	bool sent = info->si_code <= 0;

	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(number, info, context);
	} else if (before.sa_handler == SIG_DFL || (before.sa_handler == SIG_IGN && !sent)) {
		signal(number, SIG_DFL);
		if (sent)
			raise(number);
	} else if (before.sa_handler != SIG_IGN) {
		before.sa_handler(number);
	}
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	int error = errno;

	if (!mend(info))
		pass_on(number, info, context);
	errno = error;
}

int ringshm_guard(void)
{
	struct sigaction action = {.sa_sigaction = on_fault};
	int error = 0;

	pthread_mutex_lock(&install_lock);
	if (!installed) {
		sigaction(SIGBUS, NULL, &before);
		action.sa_mask = before.sa_mask;
		action.sa_flags = SA_SIGINFO | SA_ONSTACK | (before.sa_flags & (SA_NODEFER | SA_RESTART));
		if (sigaction(SIGBUS, &action, NULL))
			error = ringshm__fail(errno, "guard: handler of SIGBUS: %s", ringshm__reason(errno));
		installed = !error;
	}
	pthread_mutex_unlock(&install_lock);
	return error;
}

/* A library that is being unloaded must not leave a handler behind; one that stands on ours is its owner's affair. */
__attribute__((destructor)) static void uninstall(void)
{
	struct sigaction now;

	if (installed && !sigaction(SIGBUS, NULL, &now) && now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_fault)
		sigaction(SIGBUS, &before, NULL);
}
