#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "analysis/diff.h"

/* The numbers of both as one tree. As struct calltree_node: node 0 is the root, every node comes
 * after its parent. */
struct difftree_node {
	uint32_t parent;
	uint32_t first_child;  /* 0: none */
	uint32_t next_sibling; /* 0: none */
	uint32_t depth;
	frame_id frame; /* 0: the root */
	struct diff_amount own, total;
};

enum difftree_weight {
	DIFFTREE_BOTH, /* before and after together */
	DIFFTREE_BEFORE,
	DIFFTREE_AFTER,
};

struct difftree_options {
	enum difftree_weight weight; /* what nodes are sorted and left out by */
	bool inverted;
	uint64_t min_weight; /* nodes with less are left out */
	uint32_t max_nodes;  /* 0: no limit; else the lightest are left out. The root counts. */
};

struct difftree {
	struct difftree_node *nodes;
	uint32_t count;
	uint32_t max_depth;
	uint32_t left_out; /* branches: nodes left out whose parent is in the tree */
};

/* A stack that does not have this weight is in no node. An inverted tree should have a limit. */
struct difftree *difftree_create(const struct diff *diff, const struct difftree_options *options);
void difftree_destroy(struct difftree *tree);
