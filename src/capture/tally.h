#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "capture/model.h"

/*
 * The heap's books: follows events and keeps, per (stack, thread, allocator), what was allocated,
 * what lives, what lived at the peak and what was temporary. The collector keeps one for
 * --aggregate (its rows are then the capture) and for live views; a reader keeps one over a
 * full capture. Memory: O(rows + slots), time per event: O(1).
 *
 * Peak. `peak_bytes` is the highest sum of live bytes ever reached. A row remembers its own part of
 * it lazily: a row that changes after the peak saves its values from before the change, once.
 */
struct tally_counts {
	uint64_t bytes;
	uint64_t count;
};

struct tally_row {
	stack_id stack;
	thread_id thread;
	uint32_t allocator;
	uint32_t peak_epoch; /* private */
	struct tally_counts total;
	struct tally_counts live;
	struct tally_counts peak;      /* valid after tally_settle */
	struct tally_counts temporary; /* bytes: what was left of the blocks at their release */
};

struct tally;

struct tally_options {
	uint32_t temporary_threshold; /* N: released after at most N further allocations of the
				       * thread that allocated; 0 keeps no temporary counts */
	uint64_t sample_rate_bytes;   /* not 0: rows still hold plain sums of the sampled blocks;
				       * estimation is analysis' work */
};

struct tally *tally_create(const struct tally_options *options);
void tally_destroy(struct tally *tally);

void tally_event(struct tally *tally, const struct event *event);

/* Counters over everything so far. peak_time_ns is the event time at which the peak was reached. */
struct tally_totals {
	struct tally_counts allocated;
	struct tally_counts freed; /* SHRINK adds bytes here, and no count */
	struct tally_counts live;
	uint64_t peak_bytes;
	uint64_t peak_count;
	uint64_t peak_time_ns;
	struct tally_counts by_allocator[ALLOCATOR_END]; /* allocated; [0]: of a later version */
	/* [0] size 0; [i] sizes in [2^(i-1), 2^i) */
	uint64_t size_histogram[65];
};

const struct tally_totals *tally_totals(const struct tally *tally);

/* Completes `peak` of all rows as of now. Rows stay valid until the next event. */
size_t tally_settle(struct tally *tally, const struct tally_row **rows);
