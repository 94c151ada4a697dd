#pragma once

#include "agent/agent.h"

/*
 * Sampling by bytes: the sampled points are a Poisson process over the bytes that a thread
 * allocates, with a mean distance of sample_rate_bytes. A block of S bytes is sampled when a point
 * falls into it, with probability 1 - exp(-S / rate), whatever was allocated around it.
 *
 * The addresses of sampled live blocks are kept in a fixed table, so that frees of all others cost
 * one look at a small filter.
 */

void sample_begin(struct thread *t, uint64_t seed);
/* A block that is sampled: draws the distance to the next point. */
COLD void sample_next(struct thread *t);

static inline bool sample_hits(struct thread *t, uint64_t bytes)
{
	if (LIKELY((uint64_t)t->sample_left_bytes > bytes)) {
		t->sample_left_bytes -= (int64_t)bytes;
		return false;
	}
	sample_next(t);
	return bytes != 0;
}

/* False when the table has no room for it. */
bool sample_remember(uintptr_t address);
/* Whether the block is sampled; forgets it. */
bool sample_forget(uintptr_t address);
