#include "analysis/array.h"

#include <stdlib.h>

#include "base/memory.h"

enum {
	FIRST_ELEMENTS = 64,
};

static const char purpose[] = "the analysis of the capture";

void *array_create(size_t count, size_t element_bytes)
{
	return memory_check(calloc(count > 0 ? count : 1, element_bytes), purpose);
}

void *array_grow(void *array, size_t used, size_t *allocated, size_t element_bytes)
{
	if (used < *allocated)
		return array;
	*allocated = *allocated > 0 ? *allocated * 2 : FIRST_ELEMENTS;
	return memory_check(reallocarray(array, *allocated, element_bytes), purpose);
}
