#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The distinct stacks of everything that one sampler saw, and the text of their code objects. It
 * only grows. One thread adds; others may read what they were told the number of (through a queue
 * or a lock): entries never move and never change.
 */
struct trace_tree;

/* A code object, as it was when it was first seen. */
struct trace_code {
	const char *function; /* qualified where Python has that; UTF-8 */
	const char *file;
	int32_t first_line;
	uint32_t process;
	const void *layout;        /* struct pyabi_layout * of its Python */
	const uint8_t *line_table; /* for pyabi_line */
	size_t line_table_bytes;
};

struct trace_node {
	uint32_t parent; /* 0: the outermost */
	uint32_t code;
	uint32_t instr; /* as pyabi_line takes it */
};

struct trace_tree *trace_tree_create(void);
void trace_tree_destroy(struct trace_tree *tree);

/* Text and table are copied. */
uint32_t trace_tree_add_code(struct trace_tree *tree, const struct trace_code *code);
/* The same input gives the same number. */
uint32_t trace_tree_node(struct trace_tree *tree, uint32_t parent, uint32_t code, uint32_t instr);

const struct trace_node *trace_tree_get(const struct trace_tree *tree, uint32_t node);
const struct trace_code *trace_tree_code(const struct trace_tree *tree, uint32_t code);
/* The line of a node, decoded at the first question. Only the reading thread may ask. */
uint32_t trace_tree_line(struct trace_tree *tree, uint32_t node);
