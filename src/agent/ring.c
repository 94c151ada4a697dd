#include "agent/ring.h"

#include "agent/sys.h"

#define WAIT_STEP_NS    200000       /* between looks while the ring is full */
#define WAIT_STALLED_NS 1000000000L  /* the clock stood still: is the collector there? */
#define WAIT_LONGEST_NS 30000000000L /* alive and not draining: lose events, not the program */

void ring_take_turn(struct thread *t, uint64_t turn)
{
	uint64_t mine;

	do {
		mine = ((turn >> 16) + 1) << 16 | t->slot;
	} while (!atomic_compare_exchange_weak_explicit(
		&agent.area->turn, &turn, mine, memory_order_acq_rel, memory_order_acquire));
	ring_put(t, wire_word(WIRE_TICKET, 0, mine >> 16));
}

static void ring_wake_collector(void)
{
	if (atomic_load_explicit(&agent.session->asleep, memory_order_relaxed) &&
	    atomic_exchange_explicit(&agent.session->asleep, 0, memory_order_acq_rel))
		sys_futex_wake(&agent.session->asleep);
}

/* Until this many words nobody needs to look at the tail again: an eighth of the ring, or what is
 * free of it. */
static bool ring_look(struct thread *t)
{
	uint64_t tail = atomic_load_explicit(&t->shared->tail, memory_order_acquire);
	uint64_t used = t->head - tail;
	uint64_t step = WIRE_RING_WORDS / 8;

	if (used >= WIRE_RING_WORDS / 2)
		ring_wake_collector();
	if (used + RING_HOOK_WORDS > WIRE_RING_WORDS)
		return false;
	t->limit = used + step > WIRE_RING_WORDS ? tail + WIRE_RING_WORDS : t->head + step;
	return t->head + RING_HOOK_WORDS <= t->limit;
}

static bool ring_collector_wants_no_more(void)
{
	return !atomic_load_explicit(&agent.session->collector_pid, memory_order_relaxed);
}

static bool ring_collector_is_gone(void)
{
	return sys_kill((long)atomic_load(&agent.session->collector_pid), 0) == -3 /* ESRCH */;
}

/* Sleeps and clocks without system calls of their own: a program that has put itself into a sandbox
 * may be killed for one that it does not use, while every program with threads uses futex. */
static void ring_sleep(void)
{
	static const struct timespec step = {.tv_nsec = WAIT_STEP_NS};
	static const _Atomic uint32_t nobody = 0;

	sys_futex_wait(&nobody, 0, &step);
}

static long ring_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

static bool ring_wait(struct thread *t)
{
	uint64_t clock = atomic_load_explicit(&agent.session->clock_ns, memory_order_relaxed);
	long began = ring_now_ns();
	long moved = began;

	for (;;) {
		long at;
		uint64_t published;

		ring_sleep();
		if (agent_is_off())
			return false;
		if (ring_collector_wants_no_more()) {
			agent_stop(WIRE_STOP_COLLECTOR);
			return false;
		}
		if (ring_look(t))
			return true;
		at = ring_now_ns();
		published = atomic_load_explicit(&agent.session->clock_ns, memory_order_relaxed);
		if (published != clock) {
			clock = published;
			moved = at;
		}
		if (at - moved > WAIT_STALLED_NS) {
			moved = at;
			if (ring_collector_is_gone()) {
				agent_stop(WIRE_STOP_COLLECTOR);
				return false;
			}
		}
		if (at - began > WAIT_LONGEST_NS) {
			/* Once is enough: from now on what does not fit is lost at once. */
			agent.drop = true;
			return false;
		}
	}
}

bool ring_make_room(struct thread *t)
{
	if (UNLIKELY(ring_collector_wants_no_more())) {
		agent_stop(WIRE_STOP_COLLECTOR);
		return false;
	}
	if (ring_look(t))
		return true;
	if (!agent.drop && ring_wait(t))
		return true;
	if (!agent_is_off())
		ring_count_lost(t, WIRE_LOST_FULL);
	return false;
}
