#pragma once

#include <stddef.h>

/*
 * Memory that sonde cannot go on without. Where there is none it says for what and aborts (sonde,
 * never the target): "sonde: out of memory for <purpose>".
 */

/* What malloc, strdup, mmap or their like returned, unless that is NULL or MAP_FAILED. */
void *memory_check(void *memory, const char *purpose);

/* An array with room for `wanted` items at least, which grows by doubling; what is new is not
 * cleared. items: NULL or malloc's, with room for *room. */
void *memory_grow(void *items, size_t wanted, size_t *room, size_t item_bytes, const char *purpose);
