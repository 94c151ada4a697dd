#pragma once

#include <stddef.h>
#include <stdint.h>

#include "capture/model.h"
#include "capture/tally.h"

/*
 * The heap's books of a sampled capture: what tally is for a full one, but every block counts for
 * what it stands for. With rate R, a block of S bytes was recorded with probability
 * p = 1 - exp(-S / R); it adds S / p to bytes and 1 / p to blocks while it is in a sum, and
 * S^2 (1 - p) / p^2 and (1 - p) / p^2 to the variances of that sum. All of it is done per block,
 * as its event comes; sums of sampled sizes alone could not tell.
 *
 * The peak is the highest estimated total, and rows remember their part of it as tally's do.
 */
struct estimate_sum {
	double bytes, count;
	double bytes_variance, count_variance;
};

struct estimate_row {
	stack_id stack;
	thread_id thread;
	uint32_t allocator;
	uint32_t live_blocks; /* private: sampled blocks behind `live` */
	uint64_t peak_epoch;  /* private */
	struct estimate_sum total;
	struct estimate_sum live;
	struct estimate_sum peak; /* valid after estimate_settle */
};

struct estimate;

struct estimate *estimate_create(uint64_t sample_rate_bytes);
void estimate_destroy(struct estimate *estimate);

void estimate_event(struct estimate *estimate, const struct event *event);

/* The totals so far, rounded. */
void estimate_totals(const struct estimate *estimate, struct tally_totals *totals);

/* What they are rounded from, with their variances: allocated, live at the peak, live now. */
const struct estimate_sum *estimate_allocated(const struct estimate *estimate);
const struct estimate_sum *estimate_peak(const struct estimate *estimate);
const struct estimate_sum *estimate_live(const struct estimate *estimate);

/* Completes `peak` of all rows as of now. Rows stay valid until the next event. */
size_t estimate_settle(struct estimate *estimate, const struct estimate_row **rows);
