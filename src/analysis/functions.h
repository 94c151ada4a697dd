#pragma once

#include <stddef.h>

#include "analysis/profile.h"

/* What each function (function and file, whatever the line) stands for. */
struct function_sum {
	frame_id frame; /* one of the function's frames, for its names; 0: stacks without frames */
	/* In the profile's metric: by the function itself, and with what it called. A recursive
	 * function counts once per stack. */
	struct function_amount {
		uint64_t amount, count;
		double error; /* standard error of the amount; 0 when exact */
	} own, total;
	/* Everything ever allocated, whatever the metric. */
	struct tally_counts own_allocated, total_allocated;
};

struct functions {
	struct function_sum *sums; /* largest total amount first */
	size_t count;
};

/* Time and memory: O(rows + stacks), whatever their depth. */
struct functions *functions_create(const struct profile *profile);
/* Largest own amount first. */
void functions_sort_by_own(struct functions *functions);
void functions_destroy(struct functions *functions);
