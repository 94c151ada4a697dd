#include "analysis/diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/array.h"
#include "analysis/compare.h"
#include "analysis/stacks.h"
#include "base/intern.h"
#include "base/map.h"

__extension__ typedef unsigned __int128 wide;

int64_t diff_change(const struct diff_amount *amount)
{
	uint64_t distance = diff_distance(amount);

	if (distance > INT64_MAX)
		return amount->after > amount->before ? INT64_MAX : INT64_MIN;
	return amount->after > amount->before ? (int64_t)distance : -(int64_t)distance;
}

uint64_t diff_distance(const struct diff_amount *amount)
{
	return amount->after > amount->before ? amount->after - amount->before
					      : amount->before - amount->after;
}

bool diff_is_significant(const struct diff_amount *amount)
{
	uint64_t distance = diff_distance(amount);

	return distance > 0 && (double)distance >= 2 * amount->error;
}

/* Gives frames of both profiles their numbers: equal ones are one. */
struct union_frames {
	struct intern *texts;
	struct map places; /* kind, function, file */
	struct map known;  /* place, line */
	uint32_t place_count;
	bool lines;
};

static frame_id find_frame(struct union_frames *frames, struct diff *diff,
			   const struct capture_frame *frame)
{
	uint64_t function = intern_add(frames->texts, frame->function, strlen(frame->function));
	uint64_t file = intern_add(frames->texts, frame->file, strlen(frame->file));
	/* 31 bits each: a capture has fewer texts than that. */
	uint64_t place_key = function << 33 | file << 2 | (frame->kind & 3);
	uint64_t place, known;

	if (!map_find(&frames->places, place_key, &place)) {
		place = ++frames->place_count;
		map_put(&frames->places, place_key, place);
	}
	place = place << 32 | (frames->lines ? frame->line : 0);
	if (map_find(&frames->known, place, &known))
		return (frame_id)known;
	diff->frames[++diff->frame_count] = *frame;
	if (!frames->lines)
		diff->frames[diff->frame_count].line = 0;
	map_put(&frames->known, place, diff->frame_count);
	return diff->frame_count;
}

static frame_id *join_frames(struct union_frames *frames, struct diff *diff,
			     const struct profile *profile)
{
	frame_id *becomes = array_create((size_t)profile->frame_count + 1, sizeof(*becomes));

	for (frame_id f = 1; f <= profile->frame_count; f++)
		becomes[f] = find_frame(frames, diff, &profile->frames[f]);
	return becomes;
}

static void join_stacks(struct diff *diff, stack_id *moved[2])
{
	const struct stacks *const tables[2] = {diff->before->stacks, diff->after->stacks};
	struct union_frames frames = {
		.texts = intern_create(),
		.lines = diff->options.lines,
	};
	frame_id *becomes[2];

	map_init(&frames.places);
	map_init(&frames.known);
	diff->frames =
		array_create((size_t)diff->before->frame_count + diff->after->frame_count + 1,
			     sizeof(*diff->frames));
	diff->frames[0] = diff->after->frames[0];
	becomes[0] = join_frames(&frames, diff, diff->before);
	becomes[1] = join_frames(&frames, diff, diff->after);
	diff->stacks = stacks_join(tables, becomes, moved);
	free(becomes[0]);
	free(becomes[1]);
	map_deinit(&frames.places);
	map_deinit(&frames.known);
	intern_destroy(frames.texts);
}

/* The rows of both by stack, in the order of stacks; of those without a number there is none. */
static void join_rows(struct diff *diff, stack_id *const moved[2])
{
	size_t stack_count = (size_t)diff->stacks->count + 1;

	diff->rows = array_create(stack_count, sizeof(*diff->rows));
	for (size_t i = 0; i < diff->before->row_count; i++) {
		const struct profile_row *row = &diff->before->rows[i];
		struct diff_row *to = &diff->rows[moved[0][row->stack]];

		to->amount.before += row->amount;
		to->amount.before_count += row->count;
		to->before_variance += row->amount_error * row->amount_error;
	}
	for (size_t i = 0; i < diff->after->row_count; i++) {
		const struct profile_row *row = &diff->after->rows[i];
		struct diff_row *to = &diff->rows[moved[1][row->stack]];

		to->amount.after += row->amount;
		to->amount.after_count += row->count;
		to->after_variance += row->amount_error * row->amount_error;
	}
	for (size_t s = 0; s < stack_count; s++) {
		struct diff_row row = diff->rows[s];

		if (row.amount.before_count == 0 && row.amount.after_count == 0)
			continue;
		row.stack = (stack_id)s;
		diff->rows[diff->row_count++] = row;
	}
}

/*
 * Scales `before` from the sum of its rows to that of `after`. What all rows up to one come to is
 * scaled and rounded, and a row is what that grows by: every row is right to less than 1, and they
 * add up.
 */
static void scale_rows(struct diff *diff)
{
	uint64_t from = diff->before->amount, to = diff->after->amount, sum = 0, scaled = 0;
	double factor = (double)to / (double)from;

	for (size_t i = 0; i < diff->row_count; i++) {
		struct diff_row *row = &diff->rows[i];
		uint64_t next;

		sum += row->amount.before;
		next = (uint64_t)((wide)sum * to / from);
		row->amount.before = next - scaled;
		row->before_variance *= factor * factor;
		scaled = next;
	}
}

void diff_add(struct diff_amount *to, const struct diff_amount *more)
{
	to->before += more->before;
	to->after += more->after;
	to->before_count += more->before_count;
	to->after_count += more->after_count;
	to->error += more->error;
}

struct diff_amount *diff_stack_totals(const struct diff *diff)
{
	struct diff_amount *total = array_create((size_t)diff->stacks->count + 1, sizeof(*total));

	for (size_t i = 0; i < diff->row_count; i++)
		total[diff->rows[i].stack] = diff->rows[i].amount;
	for (stack_id id = diff->stacks->count; id > 0; id--)
		diff_add(&total[diff->stacks->parents[id]], &total[id]);
	return total;
}

/* Totals of functions are those of their outermost calls, as in analysis/functions.c. */
static void sum_totals(const struct diff *diff, const struct diff_amount *total,
		       struct diff_sum *sums)
{
	const struct stacks *stacks = diff->stacks;
	stack_id *first_child = array_create((size_t)stacks->count + 1, sizeof(*first_child));
	stack_id *next = array_create((size_t)stacks->count + 1, sizeof(*next));
	uint32_t *on_path = array_create((size_t)diff->frame_count + 1, sizeof(*on_path));
	stack_id id;

	for (id = stacks->count; id > 0; id--) {
		next[id] = first_child[stacks->parents[id]];
		first_child[stacks->parents[id]] = id;
	}
	id = first_child[0];
	while (id != 0) {
		if (on_path[stacks->frames[id]]++ == 0)
			diff_add(&sums[stacks->frames[id]].total, &total[id]);
		if (first_child[id] != 0) {
			id = first_child[id];
			continue;
		}
		on_path[stacks->frames[id]]--;
		while (next[id] == 0 && stacks->parents[id] != 0) {
			id = stacks->parents[id];
			on_path[stacks->frames[id]]--;
		}
		id = next[id];
	}
	free(first_child);
	free(next);
	free(on_path);
}

static int compare_by_own(const void *left, const void *right)
{
	const struct diff_sum *a = left, *b = right;

	COMPARE(diff_distance(&b->own), diff_distance(&a->own));
	COMPARE(diff_distance(&b->total), diff_distance(&a->total));
	COMPARE(b->total.after, a->total.after);
	COMPARE(a->frame, b->frame);
	return 0;
}

static int compare_by_total(const void *left, const void *right)
{
	const struct diff_sum *a = left, *b = right;

	COMPARE(diff_distance(&b->total), diff_distance(&a->total));
	COMPARE(diff_distance(&b->own), diff_distance(&a->own));
	COMPARE(b->total.after, a->total.after);
	COMPARE(a->frame, b->frame);
	return 0;
}

static bool is_nothing(const struct diff_amount *amount)
{
	return amount->before_count == 0 && amount->after_count == 0;
}

static void sum_functions(struct diff *diff)
{
	size_t count = (size_t)diff->frame_count + 1;
	struct diff_amount *total = diff_stack_totals(diff);
	struct diff_sum *sums = array_create(count, sizeof(*sums));

	for (size_t i = 0; i < diff->row_count; i++) {
		const struct diff_row *row = &diff->rows[i];

		diff_add(&sums[diff->stacks->frames[row->stack]].own, &row->amount);
	}
	sum_totals(diff, total, sums);
	sums[0].total = sums[0].own; /* stacks without frames */
	diff->total = total[0];
	diff->total.error = sqrt(diff->total.error);
	for (frame_id f = 0; f < count; f++) {
		if (is_nothing(&sums[f].total))
			continue;
		sums[diff->sum_count] = sums[f];
		sums[diff->sum_count].frame = f;
		sums[diff->sum_count].own.error = sqrt(sums[f].own.error);
		sums[diff->sum_count].total.error = sqrt(sums[f].total.error);
		diff->sum_count++;
	}
	qsort(sums, diff->sum_count, sizeof(*sums),
	      diff->options.order == DIFF_BY_TOTAL ? compare_by_total : compare_by_own);
	diff->sums = sums;
	free(total);
}

int diff_create(const struct profile *before, const struct profile *after,
		const struct diff_options *options, struct diff **out, struct error *err)
{
	stack_id *moved[2];
	struct diff *diff;

	if (options->normalize && (before->amount == 0 || after->amount == 0))
		return error_set(err, ERROR_USAGE,
				 "there is nothing to scale: %s holds nothing of this metric; "
				 "compare without --normalize",
				 before->amount == 0 ? "BASE" : "NEW");
	diff = array_create(1, sizeof(*diff));
	diff->before = before;
	diff->after = after;
	diff->options = *options;
	diff->unit = after->unit;
	diff->estimated = before->estimated || after->estimated;
	join_stacks(diff, moved);
	join_rows(diff, moved);
	free(moved[0]);
	free(moved[1]);
	if (options->normalize)
		scale_rows(diff);
	for (size_t i = 0; i < diff->row_count; i++)
		diff->rows[i].amount.error =
			diff->rows[i].before_variance + diff->rows[i].after_variance;
	sum_functions(diff);
	*out = diff;
	return 0;
}

void diff_destroy(struct diff *diff)
{
	if (diff == NULL)
		return;
	stacks_destroy(diff->stacks);
	free(diff->frames);
	free(diff->rows);
	free(diff->sums);
	free(diff);
}
