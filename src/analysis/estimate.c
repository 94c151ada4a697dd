#include "analysis/estimate.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/rowindex.h"

/* A live block: its row, what it stands for now and its chance to be recorded. */
struct block {
	uint32_t row; /* number + 1; 0: the slot is free */
	uint32_t reserved;
	uint64_t bytes;
	double chance;
};

/*
 * Peak: a row with peak_epoch == epoch keeps its part of the peak in `peak`; any other has not
 * changed since the peak, so that its part is `live`.
 */
struct estimate {
	double rate_bytes;
	struct rowindex index;
	struct estimate_row *rows;
	size_t row_room;
	struct block *blocks; /* by slot */
	size_t block_room;
	uint32_t live_blocks;
	uint64_t epoch;
	struct estimate_sum allocated, freed, live, peak;
	uint64_t peak_time_ns;
	struct estimate_sum by_allocator[ALLOCATOR_END];
	double size_histogram[65];
};

struct estimate *estimate_create(uint64_t sample_rate_bytes)
{
	struct estimate *estimate = array_create(1, sizeof(*estimate));

	estimate->rate_bytes = (double)sample_rate_bytes;
	estimate->epoch = 1;
	rowindex_init(&estimate->index);
	return estimate;
}

void estimate_destroy(struct estimate *estimate)
{
	if (estimate == NULL)
		return;
	rowindex_deinit(&estimate->index);
	free(estimate->rows);
	free(estimate->blocks);
	free(estimate);
}

/* The part `bytes` of a block (all of it: blocks is 1, else 0) that was recorded with `chance`. */
static struct estimate_sum weight(uint64_t bytes, double blocks, double chance)
{
	double size = (double)bytes;
	double spread = (1 - chance) / (chance * chance);

	return (struct estimate_sum){
		.bytes = size / chance,
		.count = blocks / chance,
		.bytes_variance = size * size * spread,
		.count_variance = blocks * spread,
	};
}

static void sum_add(struct estimate_sum *sum, const struct estimate_sum *more)
{
	sum->bytes += more->bytes;
	sum->count += more->count;
	sum->bytes_variance += more->bytes_variance;
	sum->count_variance += more->count_variance;
}

/* From `live` of a row and of everything: what is left when nothing is left is exactly zero. */
static void sum_take(struct estimate_sum *sum, const struct estimate_sum *less, bool nothing_left)
{
	if (nothing_left) {
		*sum = (struct estimate_sum){0};
		return;
	}
	sum->bytes = fmax(sum->bytes - less->bytes, 0);
	sum->count = fmax(sum->count - less->count, 0);
	sum->bytes_variance = fmax(sum->bytes_variance - less->bytes_variance, 0);
	sum->count_variance = fmax(sum->count_variance - less->count_variance, 0);
}

static struct estimate_row *find_row(struct estimate *estimate, const struct event *event)
{
	bool added;
	uint32_t row = rowindex_add(&estimate->index, event->stack, event->thread, event->allocator,
				    &added);

	if (added) {
		estimate->rows = array_grow(estimate->rows, row, &estimate->row_room,
					    sizeof(*estimate->rows));
		estimate->rows[row] = (struct estimate_row){
			.stack = event->stack,
			.thread = event->thread,
			.allocator = event->allocator,
			.peak_epoch = estimate->epoch, /* no part of the peak so far */
		};
	}
	return &estimate->rows[row];
}

static struct block *find_block(struct estimate *estimate, slot_id slot)
{
	while (estimate->block_room <= slot) {
		size_t before = estimate->block_room;

		estimate->blocks = array_grow(estimate->blocks, before, &estimate->block_room,
					      sizeof(*estimate->blocks));
		for (size_t i = before; i < estimate->block_room; i++)
			estimate->blocks[i] = (struct block){0};
	}
	return &estimate->blocks[slot];
}

static void keep_peak(const struct estimate *estimate, struct estimate_row *row)
{
	if (row->peak_epoch == estimate->epoch)
		return;
	row->peak = row->live;
	row->peak_epoch = estimate->epoch;
}

static void release(struct estimate *estimate, struct block *block, uint64_t bytes, bool whole)
{
	struct estimate_row *row = &estimate->rows[block->row - 1];
	struct estimate_sum before = weight(block->bytes, 1, block->chance);
	struct estimate_sum after = weight(block->bytes - bytes, 1, block->chance);
	struct estimate_sum less =
		whole ? before
		      : (struct estimate_sum){
				.bytes = before.bytes - after.bytes,
				.bytes_variance = before.bytes_variance - after.bytes_variance,
			};

	keep_peak(estimate, row);
	row->live_blocks -= whole;
	estimate->live_blocks -= whole;
	sum_take(&row->live, &less, row->live_blocks == 0);
	sum_take(&estimate->live, &less, estimate->live_blocks == 0);
	sum_add(&estimate->freed, &less);
	block->bytes -= bytes;
	if (whole)
		block->row = 0;
}

static void allocate(struct estimate *estimate, const struct event *event)
{
	struct block *block = find_block(estimate, event->slot);
	double chance = -expm1(-(double)event->bytes / estimate->rate_bytes);
	struct estimate_row *row;
	struct estimate_sum more;

	/* A sampler never picks a block of no bytes; one that is there stands for itself. */
	if (!(chance > 0))
		chance = 1;
	if (block->row != 0)
		release(estimate, block, block->bytes, true);
	row = find_row(estimate, event);
	more = weight(event->bytes, 1, chance);
	keep_peak(estimate, row);
	*block = (struct block){.row = (uint32_t)(row - estimate->rows) + 1,
				.bytes = event->bytes,
				.chance = chance};
	row->live_blocks++;
	estimate->live_blocks++;
	sum_add(&row->total, &more);
	sum_add(&row->live, &more);
	sum_add(&estimate->allocated, &more);
	sum_add(&estimate->live, &more);
	if (event->allocator < ALLOCATOR_END)
		sum_add(&estimate->by_allocator[event->allocator], &more);
	estimate->size_histogram[event->bytes == 0 ? 0 : 64 - __builtin_clzll(event->bytes)] +=
		more.count;
	if (estimate->live.bytes > estimate->peak.bytes) {
		estimate->peak = estimate->live;
		estimate->peak_time_ns = event->time_ns;
		estimate->epoch++;
	}
}

void estimate_event(struct estimate *estimate, const struct event *event)
{
	struct block *block;

	if (event->kind == EVENT_ALLOC) {
		allocate(estimate, event);
		return;
	}
	block = find_block(estimate, event->slot);
	if (block->row == 0)
		return;
	if (event->kind == EVENT_FREE)
		release(estimate, block, block->bytes, true);
	else if (event->kind == EVENT_SHRINK)
		release(estimate, block, event->bytes < block->bytes ? event->bytes : block->bytes,
			false);
}

const struct estimate_sum *estimate_allocated(const struct estimate *estimate)
{
	return &estimate->allocated;
}

const struct estimate_sum *estimate_peak(const struct estimate *estimate)
{
	return &estimate->peak;
}

const struct estimate_sum *estimate_live(const struct estimate *estimate)
{
	return &estimate->live;
}

static uint64_t rounded(double value)
{
	return value < 0x1p63 ? (uint64_t)llround(value) : UINT64_MAX;
}

static struct tally_counts rounded_counts(const struct estimate_sum *sum)
{
	return (struct tally_counts){rounded(sum->bytes), rounded(sum->count)};
}

void estimate_totals(const struct estimate *estimate, struct tally_totals *totals)
{
	*totals = (struct tally_totals){
		.allocated = rounded_counts(&estimate->allocated),
		.freed = rounded_counts(&estimate->freed),
		.live = rounded_counts(&estimate->live),
		.peak_bytes = rounded(estimate->peak.bytes),
		.peak_count = rounded(estimate->peak.count),
		.peak_time_ns = estimate->peak_time_ns,
	};
	for (unsigned i = 0; i < ALLOCATOR_END; i++)
		totals->by_allocator[i] = rounded_counts(&estimate->by_allocator[i]);
	for (unsigned i = 0; i < 65; i++)
		totals->size_histogram[i] = rounded(estimate->size_histogram[i]);
}

size_t estimate_settle(struct estimate *estimate, const struct estimate_row **rows)
{
	for (size_t i = 0; i < estimate->index.used; i++)
		keep_peak(estimate, &estimate->rows[i]);
	*rows = estimate->rows;
	return estimate->index.used;
}
