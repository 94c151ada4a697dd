#pragma once

#include <stdint.h>

#include "capture/reader.h"

/*
 * A table of stacks: stack `id` (1..count) is frames[id] on top of stack parents[id]. Invariant:
 * parents[id] < id, so one pass over the ids, up or down, meets every stack after or before its
 * parent. As writers intern, no two stacks have the same parent and frame; a capture that breaks
 * this shows them side by side.
 */
struct stacks {
	uint32_t count;
	stack_id *parents; /* [count + 1] */
	frame_id *frames;  /* [count + 1] */
};

/* A capture's own stacks under their own ids, as far as they were read. A parent that does not come
 * before its child is taken as the empty stack. */
struct stacks *stacks_read(const struct capture_reader *reader);
void stacks_destroy(struct stacks *stacks);

/*
 * The same stacks with frame f replaced by becomes[f], or left out where that is 0. Stacks that
 * become equal become one; moved[id] is the new id of stack id. becomes has `frame_count` + 1
 * elements; frames beyond stay as they are.
 */
struct stacks *stacks_replace(const struct stacks *stacks, const frame_id *becomes,
			      uint32_t frame_count, stack_id **moved);

/*
 * The stacks of two tables as one, frame f of table t as becomes[t][f] (never 0 but for frame 0).
 * Stacks that are equal in these terms become one; moved[t][id] is the new id of stack id.
 */
struct stacks *stacks_join(const struct stacks *const tables[2], frame_id *const becomes[2],
			   stack_id *moved[2]);

/* Adds a stack of one frame, which no stack of the table has for its outermost one. */
stack_id stacks_append(struct stacks *stacks, frame_id frame);
