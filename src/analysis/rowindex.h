#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Gives row numbers, dense from 0, to (stack, owner, allocator); owner is a thread or a process. */
struct rowindex {
	struct rowindex_entry {
		uint32_t stack, owner, allocator;
		uint32_t row; /* number + 1; 0: free */
	} * entries;
	size_t mask;
	uint32_t used;
};

void rowindex_init(struct rowindex *index);
void rowindex_deinit(struct rowindex *index);

/* The row of a key; `added` when it is a new one. */
uint32_t rowindex_add(struct rowindex *index, uint32_t stack, uint32_t owner, uint32_t allocator,
		      bool *added);
