#include "analysis/calltree.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/frames.h"
#include "analysis/stacks.h"

/*
 * Both kinds of tree are first made as drafts, in an order in which every node comes after its
 * parent, and then sorted by weight, which keeps that order (no child weighs more than its parent):
 * what stays is a prefix, and siblings are in order. Nothing recurses: stacks may be 100,000 deep.
 * While drafting, total_error holds the squared error: squares are what adds up.
 */
struct draft {
	const struct profile *profile;
	const struct stacks *stacks;
	const stack_id *moved; /* NULL: the rows' stacks are those of `stacks` */
	struct calltree_node *nodes;
	size_t count, room;
};

/* Some stacks, from a frame of them outwards, and what they stand for. */
struct entry {
	stack_id rest;
	uint64_t amount, count;
	double variance;
};

static stack_id row_stack(const struct draft *draft, const struct profile_row *row)
{
	return draft->moved != NULL ? draft->moved[row->stack] : row->stack;
}

static uint32_t draft_add(struct draft *draft, uint32_t parent, frame_id frame, thread_id thread)
{
	draft->nodes = array_grow(draft->nodes, draft->count, &draft->room, sizeof(*draft->nodes));
	draft->nodes[draft->count] = (struct calltree_node){
		.parent = parent,
		.depth = draft->count > 0 ? draft->nodes[parent].depth + 1 : 0,
		.frame = frame,
		.thread = thread,
	};
	return (uint32_t)draft->count++;
}

static int compare_threads(const void *left, const void *right)
{
	const struct profile_row *const *a = left, *const *b = right;

	if ((*a)->thread != (*b)->thread)
		return (*a)->thread < (*b)->thread ? -1 : 1;
	return *a < *b ? -1 : *a > *b; /* they point into one array */
}

/* The rows by thread, and within a thread in their own order. */
static const struct profile_row **sort_rows(const struct profile *profile)
{
	const struct profile_row **rows = array_create(profile->row_count, sizeof(*rows));

	for (size_t i = 0; i < profile->row_count; i++)
		rows[i] = &profile->rows[i];
	if (profile->options.split_threads && profile->row_count > 0)
		qsort(rows, profile->row_count, sizeof(*rows), compare_threads);
	return rows;
}

/* Where a group of rows hangs: a thread's node, made here, or the root. */
static uint32_t group_node(struct draft *draft, const struct profile_row *row)
{
	return draft->profile->options.split_threads ? draft_add(draft, 0, 0, row->thread) : 0;
}

/* The node of each stack in the group at hand: valid where group_of says so. */
struct places {
	uint32_t *node;     /* [stack] */
	uint32_t *group_of; /* [stack] */
	stack_id *path;
	size_t path_room;
};

static uint32_t place_stack(struct draft *draft, struct places *places, uint32_t group,
			    uint32_t group_top, stack_id stack)
{
	size_t length = 0;
	uint32_t node;

	for (; stack != 0 && places->group_of[stack] != group;
	     stack = draft->stacks->parents[stack]) {
		places->path =
			array_grow(places->path, length, &places->path_room, sizeof(*places->path));
		places->path[length++] = stack;
	}
	node = stack != 0 ? places->node[stack] : group_top;
	while (length > 0) {
		stack = places->path[--length];
		node = draft_add(draft, node, draft->stacks->frames[stack], 0);
		places->node[stack] = node;
		places->group_of[stack] = group;
	}
	return node;
}

static void draft_upright(struct draft *draft)
{
	size_t stack_count = (size_t)draft->stacks->count + 1;
	struct places places = {
		.node = array_create(stack_count, sizeof(*places.node)),
		.group_of = array_create(stack_count, sizeof(*places.group_of)),
	};
	const struct profile_row **rows = sort_rows(draft->profile);
	uint32_t group = 0, top = 0;

	for (size_t i = 0; i < draft->profile->row_count; i++) {
		struct calltree_node *node;
		uint32_t place;

		if (i == 0 || rows[i]->thread != rows[i - 1]->thread) {
			top = group_node(draft, rows[i]);
			group++;
		}
		place = place_stack(draft, &places, group, top, row_stack(draft, rows[i]));
		node = &draft->nodes[place]; /* placing may have moved the nodes */
		node->own_amount += rows[i]->amount;
		node->own_count += rows[i]->count;
		node->total_error += rows[i]->amount_error * rows[i]->amount_error;
	}
	for (size_t i = draft->count; i-- > 0;) {
		struct calltree_node *node = &draft->nodes[i];

		node->total_amount += node->own_amount;
		node->total_count += node->own_count;
		if (i > 0) {
			draft->nodes[node->parent].total_amount += node->total_amount;
			draft->nodes[node->parent].total_count += node->total_count;
			draft->nodes[node->parent].total_error += node->total_error;
		}
	}
	free(places.node);
	free(places.group_of);
	free(places.path);
	free(rows);
}

struct weight {
	uint64_t amount, count;
	uint32_t node;
};

static int compare_weights(const struct weight *a, const struct weight *b)
{
	if (a->amount != b->amount)
		return a->amount > b->amount ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

static struct weight node_weight(const struct draft *draft, uint32_t node)
{
	return (struct weight){draft->nodes[node].total_amount, draft->nodes[node].total_count,
			       node};
}

/*
 * Growing an inverted tree, heaviest node first. A node owns a range of entries, and its children
 * share that range among them, so that the entries never take more room than the rows.
 */
struct growth {
	struct draft *draft;
	struct entry *entries, *spare;
	struct range {
		size_t begin, end;
	} * ranges; /* [node] */
	size_t range_room;
	struct weight *heap; /* nodes that have not grown yet, the heaviest on top */
	size_t heap_count, heap_room;
	/* The child for a frame of the node at hand: valid where parent_of says so. */
	uint32_t *child;     /* [frame] */
	uint32_t *parent_of; /* [frame]: node + 1 */
};

static void heap_push(struct growth *growth, struct weight weight)
{
	size_t at = growth->heap_count;

	growth->heap = array_grow(growth->heap, at, &growth->heap_room, sizeof(*growth->heap));
	growth->heap_count++;
	while (at > 0 && compare_weights(&weight, &growth->heap[(at - 1) / 2]) < 0) {
		growth->heap[at] = growth->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	growth->heap[at] = weight;
}

static uint32_t heap_pop(struct growth *growth)
{
	struct weight *heap = growth->heap;
	uint32_t top = heap[0].node;
	struct weight last = heap[--growth->heap_count];
	size_t at = 0;

	for (;;) {
		size_t below = at * 2 + 1;

		if (below + 1 < growth->heap_count &&
		    compare_weights(&heap[below + 1], &heap[below]) < 0)
			below++;
		if (below >= growth->heap_count || compare_weights(&last, &heap[below]) < 0)
			break;
		heap[at] = heap[below];
		at = below;
	}
	heap[at] = last;
	return top;
}

static uint32_t growth_add(struct growth *growth, uint32_t parent, frame_id frame, thread_id thread)
{
	uint32_t node = draft_add(growth->draft, parent, frame, thread);

	growth->ranges =
		array_grow(growth->ranges, node, &growth->range_room, sizeof(*growth->ranges));
	growth->ranges[node] = (struct range){0};
	return node;
}

/* The nodes below `node`: totals, and in ranges[].end how many entries each has. What ends here is
 * the node's own. */
static void count_children(struct growth *growth, uint32_t node, struct range range)
{
	struct draft *draft = growth->draft;

	for (size_t i = range.begin; i < range.end; i++) {
		const struct entry *entry = &growth->entries[i];
		frame_id frame = draft->stacks->frames[entry->rest];
		uint32_t child;

		if (entry->rest == 0) {
			draft->nodes[node].own_amount += entry->amount;
			draft->nodes[node].own_count += entry->count;
			continue;
		}
		if (growth->parent_of[frame] != node + 1) {
			growth->parent_of[frame] = node + 1;
			growth->child[frame] = growth_add(growth, node, frame, 0);
		}
		child = growth->child[frame];
		draft->nodes[child].total_amount += entry->amount;
		draft->nodes[child].total_count += entry->count;
		draft->nodes[child].total_error += entry->variance;
		growth->ranges[child].end++;
	}
}

/* Makes the children of a node and deals its entries out to them. */
static void grow_node(struct growth *growth, uint32_t node, uint64_t min_amount)
{
	const struct stacks *stacks = growth->draft->stacks;
	struct range range = growth->ranges[node];
	uint32_t first_child = (uint32_t)growth->draft->count;
	size_t begin = range.begin;

	count_children(growth, node, range);
	for (uint32_t child = first_child; child < growth->draft->count; child++) {
		size_t count = growth->ranges[child].end;

		growth->ranges[child] = (struct range){begin, begin};
		begin += count;
		if (growth->draft->nodes[child].total_amount >= min_amount)
			heap_push(growth, node_weight(growth->draft, child));
	}
	for (size_t i = range.begin; i < range.end; i++)
		growth->spare[i - range.begin] = growth->entries[i];
	for (size_t i = 0; i < range.end - range.begin; i++) {
		struct entry entry = growth->spare[i];
		struct range *to;

		if (entry.rest == 0)
			continue;
		to = &growth->ranges[growth->child[stacks->frames[entry.rest]]];
		entry.rest = stacks->parents[entry.rest];
		growth->entries[to->end++] = entry;
	}
}

static void add_row(struct draft *draft, uint32_t node, const struct profile_row *row)
{
	draft->nodes[node].total_amount += row->amount;
	draft->nodes[node].total_count += row->count;
	draft->nodes[node].total_error += row->amount_error * row->amount_error;
}

/* The rows as entries, rows of one stack together; threads get their nodes. */
static void start_growth(struct growth *growth)
{
	struct draft *draft = growth->draft;
	const struct profile *profile = draft->profile;
	const struct profile_row **rows = sort_rows(profile);
	size_t stack_count = (size_t)draft->stacks->count + 1;
	size_t *entry_of = array_create(stack_count, sizeof(*entry_of)); /* + 1 */
	size_t count = 0, group_begin = 0;
	uint32_t top = 0;

	for (size_t i = 0; i < profile->row_count; i++) {
		stack_id stack = row_stack(draft, rows[i]);
		struct entry *entry;

		if (i == 0 || rows[i]->thread != rows[i - 1]->thread) {
			if (profile->options.split_threads)
				top = growth_add(growth, 0, 0, rows[i]->thread);
			growth->ranges[top].begin = group_begin = count;
		}
		if (entry_of[stack] <= group_begin) {
			growth->entries[count++] = (struct entry){.rest = stack};
			entry_of[stack] = count;
		}
		entry = &growth->entries[entry_of[stack] - 1];
		entry->amount += rows[i]->amount;
		entry->count += rows[i]->count;
		entry->variance += rows[i]->amount_error * rows[i]->amount_error;
		growth->ranges[top].end = count;
		add_row(draft, 0, rows[i]);
		if (top != 0)
			add_row(draft, top, rows[i]);
	}
	free(entry_of);
	free(rows);
}

static uint32_t highest_frame(const struct stacks *stacks)
{
	frame_id highest = 0;

	for (stack_id id = 1; id <= stacks->count; id++) {
		if (stacks->frames[id] > highest)
			highest = stacks->frames[id];
	}
	return highest;
}

static void draft_inverted(struct draft *draft, const struct calltree_options *options)
{
	size_t frame_count = (size_t)highest_frame(draft->stacks) + 1;
	size_t row_count = draft->profile->row_count;
	struct growth growth = {
		.draft = draft,
		.entries = array_create(row_count, sizeof(*growth.entries)),
		.spare = array_create(row_count, sizeof(*growth.spare)),
		.child = array_create(frame_count, sizeof(*growth.child)),
		.parent_of = array_create(frame_count, sizeof(*growth.parent_of)),
	};
	uint32_t kept = 0;

	growth.ranges = array_grow(NULL, 0, &growth.range_room, sizeof(*growth.ranges));
	growth.ranges[0] = (struct range){0};
	start_growth(&growth);
	if (draft->count > 1) {
		for (uint32_t thread = 1; thread < draft->count; thread++)
			heap_push(&growth, node_weight(draft, thread));
		kept = 1;
	} else {
		heap_push(&growth, node_weight(draft, 0));
	}
	while (growth.heap_count > 0 && (options->max_nodes == 0 || kept < options->max_nodes)) {
		uint32_t node = heap_pop(&growth);

		if (draft->nodes[node].total_amount < options->min_amount && node != 0)
			continue;
		grow_node(&growth, node, options->min_amount);
		kept++;
	}
	free(growth.entries);
	free(growth.spare);
	free(growth.ranges);
	free(growth.heap);
	free(growth.child);
	free(growth.parent_of);
}

static int compare_weight_elements(const void *left, const void *right)
{
	return compare_weights(left, right);
}

/* The drafts from the heaviest to the lightest, and how many of these stay. */
static struct weight *choose(const struct draft *draft, const struct calltree_options *options,
			     uint32_t *kept)
{
	struct weight *weights = array_create(draft->count, sizeof(*weights));

	for (uint32_t i = 0; i < draft->count; i++)
		weights[i] = node_weight(draft, i);
	qsort(weights, draft->count, sizeof(*weights), compare_weight_elements);
	for (*kept = 1; *kept < draft->count; ++*kept) {
		if (weights[*kept].amount < options->min_amount ||
		    (options->max_nodes != 0 && *kept >= options->max_nodes))
			break;
	}
	return weights;
}

/* The tree proper: the chosen drafts, renumbered and linked. */
static struct calltree *link_tree(const struct draft *draft, const struct calltree_options *options)
{
	struct calltree *tree = array_create(1, sizeof(*tree));
	struct weight *weights = choose(draft, options, &tree->count);
	uint32_t *number = array_create(draft->count, sizeof(*number));

	tree->nodes = array_create(tree->count, sizeof(*tree->nodes));
	for (uint32_t i = 0; i < draft->count; i++)
		number[weights[i].node] = i;
	for (uint32_t i = 0; i < tree->count; i++) {
		tree->nodes[i] = draft->nodes[weights[i].node];
		tree->nodes[i].parent = number[tree->nodes[i].parent];
		tree->nodes[i].total_error = sqrt(tree->nodes[i].total_error);
		if (tree->nodes[i].depth > tree->max_depth)
			tree->max_depth = tree->nodes[i].depth;
	}
	for (uint32_t i = tree->count; i-- > 1;) {
		struct calltree_node *parent = &tree->nodes[tree->nodes[i].parent];

		tree->nodes[i].next_sibling = parent->first_child;
		parent->first_child = i;
	}
	for (size_t i = tree->count; i < draft->count; i++) {
		if (number[draft->nodes[weights[i].node].parent] >= tree->count)
			continue;
		tree->left_out++;
		tree->left_out_amount += weights[i].amount;
	}
	free(weights);
	free(number);
	return tree;
}

struct calltree *calltree_create(const struct profile *profile,
				 const struct calltree_options *options)
{
	struct draft draft = {.profile = profile, .stacks = profile->stacks};
	struct stacks *merged = NULL;
	stack_id *moved = NULL;
	struct calltree *tree;

	if (options->merge_lines) {
		uint32_t frame_count;
		frame_id *becomes = frames_merge_lines(profile->reader, &frame_count);

		merged = stacks_replace(profile->stacks, becomes, frame_count, &moved);
		free(becomes);
		draft.stacks = merged;
		draft.moved = moved;
	}
	draft_add(&draft, 0, 0, 0);
	if (options->inverted)
		draft_inverted(&draft, options);
	else
		draft_upright(&draft);
	tree = link_tree(&draft, options);
	free(draft.nodes);
	stacks_destroy(merged);
	free(moved);
	return tree;
}

void calltree_destroy(struct calltree *tree)
{
	if (tree == NULL)
		return;
	free(tree->nodes);
	free(tree);
}

uint32_t calltree_next(const struct calltree *tree, uint32_t node, uint32_t top)
{
	if (tree->nodes[node].first_child != 0)
		return tree->nodes[node].first_child;
	while (node != top && tree->nodes[node].next_sibling == 0)
		node = tree->nodes[node].parent;
	return node != top ? tree->nodes[node].next_sibling : 0;
}
