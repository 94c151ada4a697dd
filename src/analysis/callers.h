#pragma once

#include <stddef.h>

#include "analysis/functions.h"
#include "analysis/profile.h"

/* What a function stands for when another one called it. Functions are told as in
 * analysis/functions.h. */
struct caller_sum {
	frame_id frame;  /* one of the called function's frames */
	frame_id caller; /* one of the caller's */
	/* Stacks that end in this call, and stacks that have it anywhere, each once. */
	struct function_amount own, total;
};

struct callers {
	struct caller_sum *sums; /* by frame, largest total amount first */
	size_t count;
};

/* The frames are those that functions_create gives for the same functions. Time and memory:
 * O(rows + stacks), whatever their depth. */
struct callers *callers_create(const struct profile *profile);
void callers_destroy(struct callers *callers);
