#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Open-addressing hash map from non-zero 64-bit keys to 64-bit values, with backward-shift
 * deletion: no tombstones, so its speed depends on what lives in it alone. Grows by doubling and
 * shrinks when it has become mostly empty. Out of memory aborts sonde (never the target).
 */
struct map {
	struct map_entry {
		uint64_t key; /* 0: free */
		uint64_t value;
	} * entries;
	size_t mask;
	size_t used;
};

void map_init(struct map *map);
void map_deinit(struct map *map);
void map_put(struct map *map, uint64_t key, uint64_t value); /* replaces */
bool map_find(const struct map *map, uint64_t key, uint64_t *value);
/* Takes the key out; false if it was not there. */
bool map_take(struct map *map, uint64_t key, uint64_t *value);
