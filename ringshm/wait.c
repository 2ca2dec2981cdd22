/* SPDX-License-Identifier: MIT */
/* Waiting: spin a little, then sleep on the other side's sequence, and look after its life now and then. */
#include "config.h"

#include "internal.h"

#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_NS 50000u	 /* about what a sleep and a wake-up cost */
#define TICK_NS 2000000u /* longest sleep: between two looks at the peer's life */
#define SPINS_A_CLOCK 32u
#define SPINS_A_YIELD 512u
#define SLICE_NS 500000u /* shorter than any slice of the scheduler, longer than who waits for us runs */
#define CROWDED 256u	 /* sleeps before a yield is tried again */

uint64_t ringshm__now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void ringshm__wait_begin(struct ringshm_wait *wait, struct ringshm_endpoint *endpoint, int64_t timeout_ns)
{
	memset(wait, 0, sizeof(*wait));
	wait->endpoint = endpoint;
	wait->timeout_ns = timeout_ns;
	if (timeout_ns)
		wait->started_ns = ringshm__now();
}

static bool expired(const struct ringshm_wait *wait, uint64_t waited)
{
	return wait->timeout_ns >= 0 && waited >= (uint64_t)wait->timeout_ns;
}

/*
 * One sleep: announced by its number, never 0, so that the other side ends it by one wake-up; where many
 * sit on a side, by a flag. The caller looks at the ring once more before it sleeps.
 */
void ringshm__announce(struct ringshm_endpoint *e)
{
	if (e->many || ++e->sleep_number == 0)
		e->sleep_number = 1;
	/* relaxed: the barrier orders it before the next look at the ring */
	__atomic_store_n(&e->own->sleepers, e->sleep_number, __ATOMIC_RELAXED);
	ringshm__waiter_announce(); /* F1: pairs with that of whoever publishes */
}

static void announce(struct ringshm_wait *wait)
{
	/*
	 * W1: pairs with wake(). Before the announcement: of two wake-ups of one sleep only the first moves the
	 * sequence, and if that came before our look at it, we would sleep through the second's news. A flag of
	 * many that is taken down after it was put up here is followed by a move of the sequence.
	 */
	wait->sequence = __atomic_load_n(&wait->endpoint->other->sequence, __ATOMIC_ACQUIRE);
	ringshm__announce(wait->endpoint);
	wait->announced = true;
}

void ringshm__wait_end(struct ringshm_wait *wait)
{
	if (wait->announced && !wait->endpoint->many) /* relaxed: a waker that still sees it harms nobody */
		__atomic_store_n(&wait->endpoint->own->sleepers, 0, __ATOMIC_RELAXED);
	wait->announced = false;
}

static int sleep_on_futex(const struct ringshm_wait *wait, const struct timespec *tick)
{
	long result = syscall(SYS_futex, &wait->endpoint->other->sequence, FUTEX_WAIT, wait->sequence, tick, NULL, 0);

	return result ? errno : 0;
}

/* The producer of a kernel lane knows no futexes; where it has no bell either, the tick must do. */
static int sleep_in_poll(struct ringshm_endpoint *e, const struct timespec *tick)
{
	struct pollfd bell = {.fd = ringshm__bell_fd(e), .events = POLLIN};
	int result = ppoll(&bell, 1, tick, NULL), error = result < 0 ? errno : 0;

	if (result > 0)
		ringshm__bell_ack(e);
	return error;
}

/* Announced, looked again, still nothing: sleep until the sequence moves or the tick ends. */
static int nap(struct ringshm_wait *wait, uint64_t waited)
{
	uint64_t left = wait->timeout_ns < 0 ? TICK_NS : (uint64_t)wait->timeout_ns - waited;
	struct timespec tick = {.tv_nsec = (long)(left < TICK_NS ? left : TICK_NS)};
	const struct ringshm_endpoint *e = wait->endpoint;
	bool kernel = e->channel->header.incompat & RINGSHM_F_KLANE;
	int error = kernel ? sleep_in_poll(wait->endpoint, &tick) : sleep_on_futex(wait, &tick);

	ringshm__wait_end(wait);
	wait->probed = false;
	return error == EINTR ? -EINTR : 0;
}

/*
 * The other side may want this very processor, and by a yield gets it for a moment. Where a third wants it, too, a
 * yield gives away a whole slice, milliseconds in which no message wakes us; a sleep keeps the scheduler's favour.
 * So a yield that took as long is the last for a while. True: sleep.
 */
static bool give_way(struct ringshm_endpoint *e, uint64_t now)
{
	if (e->crowded) {
		e->crowded--;
		return true;
	}
	sched_yield();
	if (ringshm__now() - now >= SLICE_NS)
		e->crowded = CROWDED;
	return false;
}

static bool has_spun(struct ringshm_wait *wait, uint64_t now)
{
	if (!wait->spun && now - wait->started_ns >= SPIN_NS)
		wait->spun = true;
	if (!wait->spun && wait->spins % SPINS_A_YIELD == 0)
		wait->spun = give_way(wait->endpoint, now);
	return wait->spun;
}

int ringshm__wait_step(struct ringshm_wait *wait, bool *probe)
{
	uint64_t now, waited;

	*probe = false;
	if (!wait->timeout_ns)
		return -EAGAIN;
	if (!wait->announced && ++wait->spins % SPINS_A_CLOCK) {
		ringshm_cpu_relax();
		return 0;
	}
	now = ringshm__now();
	waited = now - wait->started_ns;
	if (expired(wait, waited)) {
		ringshm__wait_end(wait);
		return -ETIMEDOUT;
	}
	if (!has_spun(wait, now))
		return 0;
	if (!wait->probed && now - wait->probed_ns >= SPIN_NS) {
		wait->probed_ns = now;
		wait->probed = true; /* sleep before the next, however long a look and a probe take */
		*probe = true;
		return 0;
	}
	if (wait->announced)
		return nap(wait, waited);
	announce(wait);
	return 0;
}

static long wake(struct ringshm_wake_line *line, uint32_t most)
{
	__atomic_fetch_add(&line->sequence, 1, __ATOMIC_RELEASE); /* W2: pairs with W1; what was published is seen */
	return syscall(SYS_futex, &line->sequence, FUTEX_WAKE, most < INT_MAX ? (int)most : INT_MAX, NULL, NULL, 0);
}

void ringshm__wake_all(struct ringshm_wake_line *line)
{
	wake(line, INT_MAX);
}

static void ring_other_side(const struct ringshm_endpoint *e)
{
	ringshm__ring(
		e->channel->bell_fd[e->role == RINGSHM_ROLE_PRODUCER ? RINGSHM_BELL_CONSUMERS : RINGSHM_BELL_PRODUCERS]);
}

/* Something was published and the other side has announced sleep number `sleep`. */
void ringshm__wake(struct ringshm_endpoint *endpoint, uint32_t sleep, uint32_t *woken)
{
	if (*woken == sleep || endpoint->forked) /* that sleep was ended already; it has not got up yet */
		return;
	*woken = sleep;
	ringshm__wake_all(endpoint->own);
	ring_other_side(endpoint);
}

/*
 * Something for `most` of the other side's many was published, and their flag is up. It stays up while
 * anybody sleeps; who finds nobody takes it down, and then wakes those who have come meanwhile.
 */
void ringshm__wake_some(struct ringshm_endpoint *endpoint, uint32_t most)
{
	struct ringshm_wake_line *other = (struct ringshm_wake_line *)endpoint->other;

	if (endpoint->forked)
		return;
	if (wake(endpoint->own, most) <= 0) {
		__atomic_store_n(&other->sleepers, 0, __ATOMIC_RELAXED); /* relaxed: ordered by the sequence */
		ringshm__wake_all(endpoint->own);
	}
	ring_other_side(endpoint);
}
