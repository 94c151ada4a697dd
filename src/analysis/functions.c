#include "analysis/functions.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/compare.h"
#include "analysis/frames.h"
#include "analysis/stacks.h"

/* What a stack, then all stacks on top of it, stand for. */
struct sums {
	struct function_amount metric;
	struct tally_counts allocated;
};

struct work {
	const struct profile *profile;
	struct stacks *stacks; /* lines merged: a frame is a function */
	stack_id *moved;
	struct sums *sums;              /* [stack] */
	struct function_sum *functions; /* [frame] */
	uint32_t frame_count;
};

static void add_amount(struct function_amount *to, const struct function_amount *more)
{
	to->amount += more->amount;
	to->count += more->count;
	to->error += more->error;
}

static void add_counts(struct tally_counts *to, const struct tally_counts *more)
{
	to->bytes += more->bytes;
	to->count += more->count;
}

/* While the sums are made, errors are squared: squares are what adds up. */
static void add_rows(struct work *work)
{
	for (size_t i = 0; i < work->profile->all_count; i++) {
		const struct profile_row *row = &work->profile->rows[i];
		stack_id stack = work->moved[row->stack];
		struct function_amount metric = {
			row->amount,
			row->count,
			row->amount_error * row->amount_error,
		};
		struct function_sum *function = &work->functions[work->stacks->frames[stack]];

		add_amount(&work->sums[stack].metric, &metric);
		add_counts(&work->sums[stack].allocated, &row->memory.allocated);
		add_amount(&function->own, &metric);
		add_counts(&function->own_allocated, &row->memory.allocated);
	}
	for (stack_id id = work->stacks->count; id > 0; id--) {
		struct sums *parent = &work->sums[work->stacks->parents[id]];

		if (work->stacks->parents[id] == 0)
			continue; /* sums[0] is that of stacks without frames */
		add_amount(&parent->metric, &work->sums[id].metric);
		add_counts(&parent->allocated, &work->sums[id].allocated);
	}
}

static void add_total(struct function_sum *function, const struct sums *sums)
{
	add_amount(&function->total, &sums->metric);
	add_counts(&function->total_allocated, &sums->allocated);
}

/*
 * A function's total is the sum over its outermost calls: the stacks that end in it and have it
 * nowhere below. One walk through all stacks, with a count of each function on the way, finds them.
 */
static void add_totals(struct work *work)
{
	const struct stacks *stacks = work->stacks;
	stack_id *first_child = array_create((size_t)stacks->count + 1, sizeof(*first_child));
	stack_id *next = array_create((size_t)stacks->count + 1, sizeof(*next));
	uint32_t *on_path = array_create((size_t)work->frame_count + 1, sizeof(*on_path));
	stack_id id;

	for (id = stacks->count; id > 0; id--) {
		next[id] = first_child[stacks->parents[id]];
		first_child[stacks->parents[id]] = id;
	}
	id = first_child[0];
	while (id != 0) {
		frame_id frame = stacks->frames[id];

		if (on_path[frame]++ == 0)
			add_total(&work->functions[frame], &work->sums[id]);
		if (first_child[id] != 0) {
			id = first_child[id];
			continue;
		}
		on_path[frame]--;
		while (next[id] == 0 && stacks->parents[id] != 0) {
			id = stacks->parents[id];
			on_path[stacks->frames[id]]--;
		}
		id = next[id];
	}
	add_total(&work->functions[0], &work->sums[0]);
	free(first_child);
	free(next);
	free(on_path);
}

static int compare_sums(const void *left, const void *right)
{
	const struct function_sum *a = left, *b = right;

	COMPARE(b->total.amount, a->total.amount);
	COMPARE(b->own.amount, a->own.amount);
	COMPARE(b->total.count, a->total.count);
	COMPARE(b->total_allocated.bytes, a->total_allocated.bytes);
	COMPARE(b->total_allocated.count, a->total_allocated.count);
	COMPARE(a->frame, b->frame);
	return 0;
}

static int compare_own(const void *left, const void *right)
{
	const struct function_sum *a = left, *b = right;

	COMPARE(b->own.amount, a->own.amount);
	return compare_sums(left, right);
}

void functions_sort_by_own(struct functions *functions)
{
	qsort(functions->sums, functions->count, sizeof(*functions->sums), compare_own);
}

static struct functions *collect(struct work *work)
{
	struct functions *functions = array_create(1, sizeof(*functions));

	for (uint32_t f = 0; f <= work->frame_count; f++) {
		struct function_sum sum = work->functions[f];

		if (sum.total_allocated.count == 0 && sum.total.count == 0)
			continue;
		sum.frame = f;
		sum.own.error = sqrt(sum.own.error);
		sum.total.error = sqrt(sum.total.error);
		work->functions[functions->count++] = sum;
	}
	functions->sums = work->functions;
	qsort(functions->sums, functions->count, sizeof(*functions->sums), compare_sums);
	return functions;
}

struct functions *functions_create(const struct profile *profile)
{
	struct work work = {.profile = profile};
	frame_id *becomes = frames_merge_lines(profile->reader, &work.frame_count);
	struct functions *functions;

	work.stacks = stacks_replace(profile->stacks, becomes, work.frame_count, &work.moved);
	for (stack_id id = 1; id <= work.stacks->count; id++) {
		if (work.stacks->frames[id] > work.frame_count)
			work.frame_count = work.stacks->frames[id];
	}
	work.sums = array_create((size_t)work.stacks->count + 1, sizeof(*work.sums));
	work.functions = array_create((size_t)work.frame_count + 1, sizeof(*work.functions));
	add_rows(&work);
	add_totals(&work);
	functions = collect(&work);
	free(becomes);
	free(work.moved);
	free(work.sums);
	stacks_destroy(work.stacks);
	return functions;
}

void functions_destroy(struct functions *functions)
{
	if (functions == NULL)
		return;
	free(functions->sums);
	free(functions);
}
