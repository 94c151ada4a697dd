#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire/wire.h"

/*
 * Reads the rings of one area in an order in which every cause stands before its effect.
 *
 * One look reads every ring's head twice: `first` and `second`. What the second look shows is
 * merged by ticket until everything that the first look showed is consumed, and not one record
 * further. Why that is right: let a have happened before b, and b be consumed.
 *
 *   1. b was published before the first look at its ring. Then so was a, before the second look at
 *      a's ring: a is part of the merge, and its ticket is not higher than b's.
 *   2. b was published after the first look at its ring. It is consumed because a record c of
 *      another ring, within its first look, has a higher ticket. If the second look had missed a,
 *      then b's ticket was taken after a was published, so after c's was: b's could not be lower.
 *
 * The order of use: merge_look; while merge_next gives a run, consume at least one word of it and
 * say with merge_consumed how far; a run ends in front of the next WIRE_TICKET, or at its limit.
 *
 * Nothing in the area is trusted: a head that moved backwards or further than the ring is long
 * makes the ring start again at its head, and is counted as damage. The work of one look is bounded
 * by the size of the rings, whatever the heads do meanwhile.
 */
struct merge_ring {
	uint64_t tail;
	uint64_t first, second;
	uint64_t ticket;    /* of the last run; kept when the slot goes to another thread */
	uint64_t published; /* the tail that the thread can see */
};

struct merge {
	struct wire_area *area;
	struct wire_thread *threads;
	unsigned high; /* slots [0, high) were looked at */
	unsigned left; /* rings that are not yet at `first` */
	unsigned count;
	uint64_t damage;                /* rings that had to start again */
	uint64_t heap[WIRE_THREAD_MAX]; /* of ticket << 16 | slot; heap[0] is the lowest */
	struct merge_ring rings[WIRE_THREAD_MAX];
};

struct merge_run {
	unsigned slot;
	const uint64_t *ring;
	uint64_t from, limit; /* positions in words since ever: ring[position % WIRE_RING_WORDS] */
};

/* Of a zeroed area, or one whose threads have published since: reading begins at the beginning. */
void merge_init(struct merge *merge, struct wire_area *area);

/* Begins a round; false if there is nothing to consume. */
bool merge_look(struct merge *merge);

/* False: the round is over. */
bool merge_next(struct merge *merge, struct merge_run *run);
void merge_consumed(struct merge *merge, uint64_t position);

/* Words that wait in the fullest ring, right now. */
uint64_t merge_backlog(const struct merge *merge);

static inline uint64_t merge_word(const uint64_t *ring, uint64_t position)
{
	return __atomic_load_n(&ring[position & (WIRE_RING_WORDS - 1)], __ATOMIC_RELAXED);
}
