#pragma once

#include <stddef.h>
#include <stdint.h>

#include "pyabi/layout.h"

/*
 * The distinct stacks of everything that one sampler saw, and the text of their code objects. It
 * only grows. One thread adds; another may read what it was told the number of through a queue or
 * under a lock: entries never move and never change. Out of memory aborts sonde.
 *
 * Nodes 0 and 1 are SAMPLE_STACK_EMPTY and SAMPLE_STACK_UNKNOWN; the parent of an outermost frame
 * is node 0.
 */
struct trace_tree;

/* A code object, as it was when it was first seen. */
struct trace_code {
	const char *function; /* qualified where Python has that; UTF-8 */
	const char *file;
	const struct pyabi_layout *layout; /* of its Python */
	const uint8_t *line_table;         /* for pyabi_line */
	size_t line_table_bytes;
	int32_t first_line;
};

struct trace_node {
	uint32_t parent;
	uint32_t code;  /* from 1 */
	uint32_t instr; /* as pyabi_line takes it */
};

struct trace_tree *trace_tree_create(void);
void trace_tree_destroy(struct trace_tree *tree);

/* The same input gives the same number. Everything is copied. Where there is no room for more than
 * there is (67 million nodes, 16 million codes, 1 GiB of text) a node is SAMPLE_STACK_UNKNOWN, and
 * a code 0. */
uint32_t trace_tree_add_code(struct trace_tree *tree, const struct trace_code *code);
uint32_t trace_tree_add_node(struct trace_tree *tree, uint32_t parent, uint32_t code,
			     uint32_t instr);

/* All zero for 0, 1 and numbers that were never given out. */
const struct trace_node *trace_tree_node(const struct trace_tree *tree, uint32_t node);
const struct trace_code *trace_tree_code(const struct trace_tree *tree, uint32_t code);

/* The line of a node, 0 if it has none: decoded once. For the thread that reads, alone. */
uint32_t trace_tree_line(struct trace_tree *tree, uint32_t node);
