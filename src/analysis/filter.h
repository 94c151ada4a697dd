#pragma once

#include <stdbool.h>

#include "analysis/profile.h"
#include "analysis/stacks.h"

/*
 * The filters of struct profile_options, worked out once per frame, stack and thread. A function
 * pattern is held against the whole name and against what follows its last dot; a file pattern
 * against the whole path and every tail of it that follows a slash.
 */
struct filter;

/* NULL when the options filter nothing. stacks: the capture's own, nothing hidden. */
struct filter *filter_create(const struct capture_reader *reader,
			     const struct profile_options *options, const struct stacks *stacks);
void filter_destroy(struct filter *filter);

bool filter_passes(const struct filter *filter, stack_id stack, thread_id thread);
