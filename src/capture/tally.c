#include "capture/tally.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "capture/tally_rows.h"

/*
 *  1. The live counts of the rows add up to totals.live, and totals.live.bytes never was above
 *     totals.peak_bytes.
 *  2. A row's part of the peak is `peak` if its peak_epoch is the tally's epoch, else `live`: it
 *     has not changed since the peak. A row is saved before its first change after the peak.
 *  3. A new peak makes all that was saved void: the epoch goes on. It need not when nothing was
 *     saved in it (`saved` is false), so a heap that only grows stays in one epoch.
 */
#define TALLY_FIRST_ROWS    256u
#define TALLY_FIRST_SLOTS   4096u
#define TALLY_FIRST_THREADS 64u

struct tally_block {
	uint64_t bytes : 56;
	uint64_t clock_high : 8; /* with clock_low: clocks[thread] at the allocation */
	uint32_t clock_low;
	uint32_t row; /* its index + 1; 0: no block */
};
_Static_assert(sizeof(struct tally_block) == 16, "tally_block");

struct tally {
	struct tally_options options;
	struct tally_totals totals;
	uint32_t epoch;
	bool saved;

	struct tally_row *rows;
	uint32_t row_count, row_size;
	uint32_t *index; /* open addressing: row index + 1, 0 is free; at most half are used */
	uint32_t index_mask;

	struct tally_block *blocks; /* [slot] */
	size_t slot_size;

	uint64_t *clocks; /* [thread]: allocations made by it */
	size_t thread_size;
};

static const char purpose[] = "the heap's books";

struct tally *tally_create(const struct tally_options *options)
{
	struct tally *t = memory_check(calloc(1, sizeof(*t)), purpose);

	t->options = *options;
	t->epoch = 1;
	t->index_mask = 2 * TALLY_FIRST_ROWS - 1;
	t->index = memory_check(calloc(t->index_mask + 1, sizeof(*t->index)), purpose);
	return t;
}

void tally_destroy(struct tally *t)
{
	if (!t)
		return;
	free(t->rows);
	free(t->index);
	free(t->blocks);
	free(t->clocks);
	free(t);
}

static void *tally_grow(void *memory, size_t item, size_t needed, size_t first, size_t *size)
{
	size_t grown = *size ? *size : first;
	unsigned char *new;

	while (grown <= needed)
		grown *= 2;
	new = memory_check(realloc(memory, grown * item), purpose);
	memset(new + *size *item, 0, (grown - *size) * item);
	*size = grown;
	return new;
}

static uint32_t tally_home(const struct tally *t, stack_id stack, thread_id thread,
			   uint32_t allocator)
{
	uint64_t h = ((uint64_t)thread << 32 | stack) * 0x9e3779b97f4a7c15ull +
		     allocator * 0xd1b54a32d192ed03ull;

	return (uint32_t)(h >> 32) & t->index_mask;
}

static void tally_grow_rows(struct tally *t)
{
	if (t->row_count == t->row_size) {
		t->row_size = t->row_size ? t->row_size * 2 : TALLY_FIRST_ROWS;
		t->rows = memory_check(realloc(t->rows, (size_t)t->row_size * sizeof(*t->rows)),
				       purpose);
	}
	if (t->row_count < (t->index_mask + 1) / 2)
		return;
	free(t->index);
	t->index_mask = t->index_mask * 2 + 1;
	t->index = memory_check(calloc((size_t)t->index_mask + 1, sizeof(*t->index)), purpose);
	for (uint32_t row = 0; row < t->row_count; row++) {
		uint32_t i = tally_home(t, t->rows[row].stack, t->rows[row].thread,
					t->rows[row].allocator);

		while (t->index[i])
			i = (i + 1) & t->index_mask;
		t->index[i] = row + 1;
	}
}

static uint32_t tally_add_row(struct tally *t, const struct event *event)
{
	uint32_t i;

	tally_grow_rows(t);
	i = tally_home(t, event->stack, event->thread, event->allocator);
	while (t->index[i])
		i = (i + 1) & t->index_mask;
	t->rows[t->row_count] = (struct tally_row){
		.stack = event->stack,
		.thread = event->thread,
		.allocator = event->allocator,
	};
	t->index[i] = ++t->row_count;
	return t->row_count - 1;
}

static inline uint32_t tally_find_row(struct tally *t, const struct event *event)
{
	uint32_t i = tally_home(t, event->stack, event->thread, event->allocator);

	for (; t->index[i]; i = (i + 1) & t->index_mask) {
		const struct tally_row *row = &t->rows[t->index[i] - 1];

		if (row->stack == event->stack && row->thread == event->thread &&
		    row->allocator == event->allocator)
			return t->index[i] - 1;
	}
	return tally_add_row(t, event);
}

/* Before a change of the row that does not end in a new peak. */
static inline void tally_save(struct tally *t, struct tally_row *row)
{
	if (row->peak_epoch == t->epoch)
		return;
	row->peak = row->live;
	row->peak_epoch = t->epoch;
	t->saved = true;
}

static void tally_new_epoch(struct tally *t)
{
	t->saved = false;
	if (++t->epoch)
		return;
	/* Once in 2^32: no row may keep an epoch that comes again. */
	for (uint32_t i = 0; i < t->row_count; i++)
		t->rows[i].peak_epoch = 0;
	t->epoch = 1;
}

static void tally_release(struct tally *t, struct tally_block *block)
{
	struct tally_totals *totals = &t->totals;
	struct tally_row *row = &t->rows[block->row - 1];
	uint64_t bytes = block->bytes;

	tally_save(t, row);
	row->live.bytes -= bytes;
	row->live.count--;
	totals->live.bytes -= bytes;
	totals->live.count--;
	totals->freed.bytes += bytes;
	totals->freed.count++;
	if (t->options.temporary_threshold) {
		uint64_t born = (uint64_t)block->clock_high << 32 | block->clock_low;
		uint64_t age = (t->clocks[row->thread] - born) & ((1ull << 40) - 1);

		if (age <= t->options.temporary_threshold) {
			row->temporary.bytes += bytes;
			row->temporary.count++;
		}
	}
	block->row = 0;
}

static void tally_alloc(struct tally *t, const struct event *event)
{
	struct tally_totals *totals = &t->totals;
	uint32_t index = tally_find_row(t, event);
	struct tally_row *row = &t->rows[index];
	unsigned allocator = event->allocator;
	uint64_t bytes = event->bytes;
	uint64_t clock;

	if (event->slot >= t->slot_size)
		t->blocks = tally_grow(t->blocks, sizeof(*t->blocks), event->slot,
				       TALLY_FIRST_SLOTS, &t->slot_size);
	if (event->thread >= t->thread_size)
		t->clocks = tally_grow(t->clocks, sizeof(*t->clocks), event->thread,
				       TALLY_FIRST_THREADS, &t->thread_size);
	if (t->blocks[event->slot].row) /* its release was never told */
		tally_release(t, &t->blocks[event->slot]);
	clock = ++t->clocks[event->thread];
	t->blocks[event->slot] = (struct tally_block){
		.bytes = bytes,
		.clock_high = clock >> 32,
		.clock_low = (uint32_t)clock,
		.row = index + 1,
	};

	totals->live.bytes += bytes;
	totals->live.count++;
	if (totals->live.bytes > totals->peak_bytes) {
		totals->peak_bytes = totals->live.bytes;
		totals->peak_count = totals->live.count;
		totals->peak_time_ns = event->time_ns;
		if (t->saved)
			tally_new_epoch(t);
	} else {
		tally_save(t, row);
	}
	row->live.bytes += bytes;
	row->live.count++;
	row->total.bytes += bytes;
	row->total.count++;
	totals->allocated.bytes += bytes;
	totals->allocated.count++;
	if (allocator >= ALLOCATOR_END)
		allocator = ALLOCATOR_NONE;
	totals->by_allocator[allocator].bytes += bytes;
	totals->by_allocator[allocator].count++;
	totals->size_histogram[bytes ? 64 - __builtin_clzll(bytes) : 0]++;
}

static void tally_shrink(struct tally *t, struct tally_block *block, uint64_t bytes)
{
	struct tally_row *row = &t->rows[block->row - 1];

	if (bytes > block->bytes)
		bytes = block->bytes;
	tally_save(t, row);
	block->bytes -= bytes;
	row->live.bytes -= bytes;
	t->totals.live.bytes -= bytes;
	t->totals.freed.bytes += bytes;
}

void tally_event(struct tally *t, const struct event *event)
{
	struct tally_block *block;

	if (event->kind == EVENT_ALLOC) {
		tally_alloc(t, event);
		return;
	}
	if (event->slot >= t->slot_size || !t->blocks[event->slot].row)
		return;
	block = &t->blocks[event->slot];
	if (event->kind == EVENT_FREE)
		tally_release(t, block);
	else if (event->kind == EVENT_SHRINK)
		tally_shrink(t, block, event->bytes);
}

const struct tally_totals *tally_totals(const struct tally *t)
{
	return &t->totals;
}

size_t tally_rows(const struct tally *t, const struct tally_row **rows, uint32_t *epoch)
{
	*rows = t->rows;
	*epoch = t->epoch;
	return t->row_count;
}

size_t tally_settle(struct tally *t, const struct tally_row **rows)
{
	for (uint32_t i = 0; i < t->row_count; i++) {
		struct tally_row *row = &t->rows[i];

		/* Saving early is right: the row's part of the peak is known now. */
		if (row->peak_epoch != t->epoch) {
			row->peak = row->live;
			row->peak_epoch = t->epoch;
			t->saved = true;
		}
	}
	*rows = t->rows;
	return t->row_count;
}
