#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/filter.h"
#include "analysis/profile.h"
#include "analysis/rowindex.h"

/*
 * The rows of a capture's books on their way to the rows of a profile: frames are hidden, lines and
 * threads merged, as the profile's options say. A stack may be TIMESHEET_STACK_UNKNOWN.
 */
struct builder {
	struct profile *profile;
	struct filter *filter; /* NULL: everything passes */
	stack_id *moved;       /* NULL: frames stay as they are */
	struct rowindex index;
	size_t row_room;
	stack_id unknown_stack; /* 0: not needed so far */
};

/* When the capture was read, so that its dictionaries are complete. Makes the profile's frames and
 * stacks. */
void builder_init(struct builder *builder, struct profile *profile);
void builder_deinit(struct builder *builder);

/* False if a filter takes it away. */
bool builder_passes(const struct builder *builder, stack_id stack, thread_id thread);

/* The stack in the profile's own table; false if a filter takes it away. */
bool builder_place(struct builder *builder, stack_id stack, thread_id thread, stack_id *placed);

/* The profile's row for a row of the capture, made with zeros if need be: a new one is the one
 * behind all others. False if a filter takes it away. */
bool builder_find(struct builder *builder, stack_id stack, thread_id thread, uint32_t allocator,
		  uint32_t *row);

/* All amounts and counts are there: puts the rows into their order and adds them up. */
void builder_finish(struct builder *builder);
