#pragma once

#include "agent/agent.h"

/*
 * A thread's ring, producer side. The invariants of order stand at the head of wire/wire.h.
 *
 *   1. Room is made before anything else is decided: a hook that got it can publish its records.
 *   2. head is published (release) only when every word below it is written.
 *   3. Waiting is bounded. It holds nothing of libc's or Python's that the collector needs.
 */

/* The most words that one hook publishes: mremap's UNMAP_BEGIN, UNMAP_END and MAP, each behind a
 * ticket and a time. */
#define RING_HOOK_WORDS ((2 + 2) + (2 + 1) + (2 + 3))

/* Waits, gives up, or drops as the session says. False: the event is lost, and counted. */
COLD bool ring_make_room(struct thread *t);
COLD void ring_take_turn(struct thread *t, uint64_t turn);

static inline bool ring_room(struct thread *t)
{
	return LIKELY(t->head + RING_HOOK_WORDS <= t->limit) || ring_make_room(t);
}

static inline void ring_put(struct thread *t, uint64_t word)
{
	t->ring[t->head++ & (WIRE_RING_WORDS - 1)] = word;
}

/* Orders what follows: after the real allocation, before the real release. */
static inline void ring_begin(struct thread *t)
{
	uint64_t turn = atomic_load_explicit(&agent.area->turn, memory_order_acquire);
	uint64_t now;

	if (UNLIKELY((turn & 0xffff) != t->slot))
		ring_take_turn(t, turn);
	now = atomic_load_explicit(&agent.session->clock_ns, memory_order_relaxed) >>
	      WIRE_TIME_SHIFT;
	if (UNLIKELY(now != t->time)) {
		t->time = now;
		ring_put(t, wire_word(WIRE_TIME, 0, now));
	}
}

static inline void ring_publish(struct thread *t)
{
	atomic_store_explicit(&t->shared->head, t->head, memory_order_release);
}

static inline void ring_count_lost(struct thread *t, enum wire_lost reason)
{
	atomic_store_explicit(&t->shared->lost[reason],
			      atomic_load_explicit(&t->shared->lost[reason], memory_order_relaxed) +
				      1,
			      memory_order_relaxed);
}
