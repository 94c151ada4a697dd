#include "analysis/callers.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/calltree.h"
#include "analysis/compare.h"
#include "analysis/rowindex.h"

struct work {
	const struct calltree *tree;
	uint32_t outermost_depth;
	struct rowindex index;
	struct caller_sum *sums;
	size_t count, room;
	uint32_t *number;  /* [node]: its call's place in sums + 1; 0: nobody called it */
	uint32_t *on_path; /* [sum]: how often the call is on the way to the node at hand */
	size_t on_path_room;
};

/* Until the end, errors are squared: squares are what adds up. */
static void add(struct function_amount *to, uint64_t amount, uint64_t count, double variance)
{
	to->amount += amount;
	to->count += count;
	to->error += variance;
}

/* The variance of what is the node's own. */
static double own_variance(const struct calltree *tree, const struct calltree_node *node)
{
	double variance = node->total_error * node->total_error;

	if (node->own_count == 0)
		return 0;
	for (uint32_t c = node->first_child; c != 0; c = tree->nodes[c].next_sibling)
		variance -= tree->nodes[c].total_error * tree->nodes[c].total_error;
	return variance > 0 ? variance : 0;
}

static uint32_t find_sum(struct work *work, frame_id frame, frame_id caller)
{
	bool added;
	uint32_t row = rowindex_add(&work->index, frame, caller, 0, &added);

	if (!added)
		return row;
	work->sums = array_grow(work->sums, row, &work->room, sizeof(*work->sums));
	work->sums[row] = (struct caller_sum){.frame = frame, .caller = caller};
	work->on_path = array_grow(work->on_path, row, &work->on_path_room, sizeof(*work->on_path));
	work->on_path[row] = 0;
	work->count++;
	return row;
}

static void enter(struct work *work, uint32_t at)
{
	const struct calltree_node *node = &work->tree->nodes[at];
	double variance = node->total_error * node->total_error;
	uint32_t row;

	if (node->depth <= work->outermost_depth)
		return;
	row = find_sum(work, node->frame, work->tree->nodes[node->parent].frame);
	work->number[at] = row + 1;
	add(&work->sums[row].own, node->own_amount, node->own_count,
	    own_variance(work->tree, node));
	if (work->on_path[row]++ == 0)
		add(&work->sums[row].total, node->total_amount, node->total_count, variance);
}

static void leave(struct work *work, uint32_t at)
{
	if (work->number[at] != 0)
		work->on_path[work->number[at] - 1]--;
}

/* Enters every node before what is below it, and leaves it after that. */
static void walk(struct work *work)
{
	const struct calltree_node *nodes = work->tree->nodes;
	uint32_t at = 0;

	for (;;) {
		enter(work, at);
		if (nodes[at].first_child != 0) {
			at = nodes[at].first_child;
			continue;
		}
		for (leave(work, at); at != 0 && nodes[at].next_sibling == 0; leave(work, at))
			at = nodes[at].parent;
		if (at == 0)
			return;
		at = nodes[at].next_sibling;
	}
}

static int compare_sums(const void *left, const void *right)
{
	const struct caller_sum *a = left, *b = right;

	COMPARE(a->frame, b->frame);
	COMPARE(b->total.amount, a->total.amount);
	COMPARE(b->total.count, a->total.count);
	COMPARE(a->caller, b->caller);
	return 0;
}

struct callers *callers_create(const struct profile *profile)
{
	const struct calltree_options options = {.merge_lines = true};
	struct callers *callers = array_create(1, sizeof(*callers));
	struct calltree *tree = calltree_create(profile, &options);
	struct work work = {
		.tree = tree,
		.outermost_depth = profile->options.split_threads ? 2 : 1,
	};

	work.number = array_create(tree->count, sizeof(*work.number));
	rowindex_init(&work.index);
	walk(&work);
	for (size_t i = 0; i < work.count; i++) {
		work.sums[i].own.error = sqrt(work.sums[i].own.error);
		work.sums[i].total.error = sqrt(work.sums[i].total.error);
	}
	if (work.count > 0)
		qsort(work.sums, work.count, sizeof(*work.sums), compare_sums);
	callers->sums = work.sums;
	callers->count = work.count;
	rowindex_deinit(&work.index);
	free(work.number);
	free(work.on_path);
	calltree_destroy(tree);
	return callers;
}

void callers_destroy(struct callers *callers)
{
	if (callers == NULL)
		return;
	free(callers->sums);
	free(callers);
}
