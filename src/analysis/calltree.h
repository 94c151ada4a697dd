#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/profile.h"

/*
 * A profile as one tree: node 0 is the root ("all"), children merge frames with the same function,
 * file and line (or function and file only), heaviest first. Inverted: the first level is who
 * allocated, below it who called. With split threads the first level is the threads. Every node
 * comes after its parent. A stack without frames is the root's own (or its thread's).
 */
struct calltree_node {
	uint32_t parent;
	uint32_t first_child;  /* 0: none */
	uint32_t next_sibling; /* 0: none */
	uint32_t depth;
	frame_id frame;   /* 0: the root, or a thread */
	thread_id thread; /* not 0: this node is a thread */
	/* By this frame itself; inverted: by the stacks that it is the outermost frame
	 * of. */
	uint64_t own_amount, own_count;
	uint64_t total_amount, total_count; /* with all below it, also what is left out */
	double total_error;                 /* standard error; 0 when the capture is exact */
};

struct calltree_options {
	bool inverted;
	bool merge_lines;    /* one node per function, whatever the line */
	uint64_t min_amount; /* nodes with less in total are left out */
	uint32_t max_nodes;  /* 0: no limit; else the lightest are left out. The root counts. */
};

struct calltree {
	struct calltree_node *nodes;
	uint32_t count;
	uint32_t max_depth;
	uint32_t left_out;        /* branches: nodes left out whose parent is in the tree */
	uint64_t left_out_amount; /* their totals */
};

/*
 * Time and memory: O(stacks + rows + nodes log nodes). An unlimited inverted tree has a node for
 * nearly every frame of every row's stack; with max_nodes or min_amount only the nodes that stay,
 * and their children, are ever made.
 */
struct calltree *calltree_create(const struct profile *profile,
				 const struct calltree_options *options);
void calltree_destroy(struct calltree *tree);

/* The node after `node` in the tree as one reads it: a node, then all below it, then its next
 * sibling. Stays below `top`; 0 at the end. */
uint32_t calltree_next(const struct calltree *tree, uint32_t node, uint32_t top);
