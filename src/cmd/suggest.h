#pragma once

#include <stddef.h>

/*
 * "Did you mean": keeps the nearest of the names it is shown, by the number of letters that were
 * left out, put in, changed or swapped. Too far away is no suggestion.
 */
struct suggestion {
	const char *typed;
	const char *nearest; /* NULL: none is near enough */
	size_t distance;
};

void suggestion_init(struct suggestion *suggestion, const char *typed);
void suggestion_consider(struct suggestion *suggestion, const char *name);
