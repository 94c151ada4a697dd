#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MEMORY_FIRST_ROOM 16u

void *memory_check(void *memory, const char *purpose)
{
	if (!memory || memory == MAP_FAILED) {
		fprintf(stderr, "sonde: out of memory for %s\n", purpose);
		abort();
	}
	return memory;
}

void *memory_grow(void *items, size_t wanted, size_t *room, size_t item_bytes, const char *purpose)
{
	size_t more = *room ? *room : MEMORY_FIRST_ROOM;

	if (wanted <= *room)
		return items;
	while (more < wanted)
		more = more > SIZE_MAX / 2 ? wanted : 2 * more;
	items = memory_check(reallocarray(items, more, item_bytes), purpose);
	*room = more;
	return items;
}
