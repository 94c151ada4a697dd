#include "analysis/difftree.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/array.h"
#include "analysis/calltree.h"
#include "analysis/stacks.h"
#include "base/map.h"

/*
 * The shape is that of a call tree over a profile whose rows are those of the diff, by their
 * weight. Then the amounts of stacks find their nodes in it. Upright, a node is a stack; inverted,
 * every row goes its way through the tree, as far as it is there, and leaves its amounts on it.
 */
struct walk {
	const struct diff *diff;
	struct difftree *tree;
	struct map children; /* (parent, frame) -> node */
};

#define NO_NODE UINT32_MAX

/* Both together may be more than there is room for: then all weigh half. */
static uint64_t row_weight(const struct diff *diff, const struct diff_amount *amount,
			   enum difftree_weight weight)
{
	bool halve = diff->total.before > UINT64_MAX - diff->total.after;

	switch (weight) {
	case DIFFTREE_BEFORE:
		return amount->before;
	case DIFFTREE_AFTER:
		return amount->after;
	default:
		return halve ? amount->before / 2 + amount->after / 2
			     : amount->before + amount->after;
	}
}

static struct calltree *make_shape(const struct diff *diff, const struct difftree_options *options)
{
	const struct calltree_options tree_options = {
		.inverted = options->inverted,
		.min_amount = options->min_weight,
		.max_nodes = options->max_nodes,
	};
	struct profile profile = {
		.stacks = diff->stacks,
		.rows = array_create(diff->row_count, sizeof(*profile.rows)),
	};
	struct calltree *tree;

	for (size_t i = 0; i < diff->row_count; i++) {
		const struct diff_row *row = &diff->rows[i];
		uint64_t weight = row_weight(diff, &row->amount, options->weight);

		/* Blocks without bytes have their place where everything has. */
		if (weight == 0 && options->weight != DIFFTREE_BOTH)
			continue;
		profile.rows[profile.row_count++] = (struct profile_row){
			.stack = row->stack,
			.amount = weight,
			.count = row->amount.before_count + row->amount.after_count,
		};
	}
	tree = calltree_create(&profile, &tree_options);
	free(profile.rows);
	return tree;
}

static uint64_t child_key(uint32_t parent, frame_id frame)
{
	return (uint64_t)parent << 32 | frame;
}

static struct difftree *copy_shape(const struct calltree *shape, struct map *children)
{
	struct difftree *tree = array_create(1, sizeof(*tree));

	tree->nodes = array_create(shape->count, sizeof(*tree->nodes));
	tree->count = shape->count;
	tree->max_depth = shape->max_depth;
	tree->left_out = shape->left_out;
	for (uint32_t i = 0; i < shape->count; i++) {
		const struct calltree_node *node = &shape->nodes[i];

		tree->nodes[i] = (struct difftree_node){
			.parent = node->parent,
			.first_child = node->first_child,
			.next_sibling = node->next_sibling,
			.depth = node->depth,
			.frame = node->frame,
		};
		if (i > 0)
			map_put(children, child_key(node->parent, node->frame), i);
	}
	return tree;
}

static uint32_t find_child(const struct walk *walk, uint32_t parent, frame_id frame)
{
	uint64_t node;

	return map_find(&walk->children, child_key(parent, frame), &node) ? (uint32_t)node
									  : NO_NODE;
}

static void fill_upright(struct walk *walk)
{
	const struct stacks *stacks = walk->diff->stacks;
	struct difftree_node *nodes = walk->tree->nodes;
	struct diff_amount *totals = diff_stack_totals(walk->diff);
	uint32_t *node_of = array_create((size_t)stacks->count + 1, sizeof(*node_of));

	nodes[0].total = totals[0];
	for (stack_id id = 1; id <= stacks->count; id++) {
		uint32_t parent = node_of[stacks->parents[id]];

		node_of[id] =
			parent == NO_NODE ? NO_NODE : find_child(walk, parent, stacks->frames[id]);
		if (node_of[id] != NO_NODE)
			nodes[node_of[id]].total = totals[id];
	}
	for (size_t i = 0; i < walk->diff->row_count; i++) {
		const struct diff_row *row = &walk->diff->rows[i];

		if (node_of[row->stack] != NO_NODE)
			nodes[node_of[row->stack]].own = row->amount;
	}
	free(node_of);
	free(totals);
}

/* A stack that ends in a node is the node's own. */
static void fill_inverted(struct walk *walk)
{
	const struct stacks *stacks = walk->diff->stacks;
	struct difftree_node *nodes = walk->tree->nodes;

	for (size_t i = 0; i < walk->diff->row_count; i++) {
		const struct diff_row *row = &walk->diff->rows[i];
		stack_id stack = row->stack;
		uint32_t node = 0;

		diff_add(&nodes[0].total, &row->amount);
		for (; stack != 0; stack = stacks->parents[stack]) {
			node = find_child(walk, node, stacks->frames[stack]);
			if (node == NO_NODE)
				break;
			diff_add(&nodes[node].total, &row->amount);
		}
		if (stack == 0)
			diff_add(&nodes[node].own, &row->amount);
	}
}

struct difftree *difftree_create(const struct diff *diff, const struct difftree_options *options)
{
	struct calltree *shape = make_shape(diff, options);
	struct walk walk = {.diff = diff};

	map_init(&walk.children);
	walk.tree = copy_shape(shape, &walk.children);
	calltree_destroy(shape);
	if (options->inverted)
		fill_inverted(&walk);
	else
		fill_upright(&walk);
	for (uint32_t i = 0; i < walk.tree->count; i++) {
		walk.tree->nodes[i].own.error = sqrt(walk.tree->nodes[i].own.error);
		walk.tree->nodes[i].total.error = sqrt(walk.tree->nodes[i].total.error);
	}
	map_deinit(&walk.children);
	return walk.tree;
}

void difftree_destroy(struct difftree *tree)
{
	if (tree == NULL)
		return;
	free(tree->nodes);
	free(tree);
}
