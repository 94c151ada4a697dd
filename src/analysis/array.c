#include "analysis/array.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	FIRST_ELEMENTS = 64,
};

static void *check(void *memory)
{
	if (memory == NULL) {
		fputs("sonde: out of memory while analysing the capture\n", stderr);
		abort();
	}
	return memory;
}

void *array_create(size_t count, size_t element_bytes)
{
	return check(calloc(count > 0 ? count : 1, element_bytes));
}

void *array_grow(void *array, size_t used, size_t *allocated, size_t element_bytes)
{
	if (used < *allocated)
		return array;
	*allocated = *allocated > 0 ? *allocated * 2 : FIRST_ELEMENTS;
	return check(reallocarray(array, *allocated, element_bytes));
}
