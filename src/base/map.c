#include "base/map.h"

#include <stdlib.h>

#include "base/memory.h"

#define MAP_FIRST_ENTRIES 16u

/*
 *  1. entries is NULL (mask 0, used 0), or has mask + 1 entries, a power of two of at least
 *     MAP_FIRST_ENTRIES, of which at most three quarters are used.
 *  2. Between a key's home and its place every entry is used.
 */

static size_t map_home(const struct map *map, uint64_t key)
{
	key ^= key >> 32;
	return (size_t)((key * 0x9e3779b97f4a7c15ull) >> __builtin_clzll(map->mask));
}

static struct map_entry *map_place(const struct map *map, uint64_t key)
{
	size_t i = map_home(map, key);

	while (map->entries[i].key != key && map->entries[i].key)
		i = (i + 1) & map->mask;
	return &map->entries[i];
}

static void map_resize(struct map *map, size_t size)
{
	struct map old = *map;

	map->entries = memory_check(calloc(size, sizeof(*map->entries)), "a map");
	map->mask = size - 1;
	if (!old.entries)
		return;
	for (size_t i = 0; i <= old.mask; i++) {
		if (old.entries[i].key)
			*map_place(map, old.entries[i].key) = old.entries[i];
	}
	free(old.entries);
}

void map_init(struct map *map)
{
	*map = (struct map){0};
}

void map_deinit(struct map *map)
{
	if (!map)
		return;
	free(map->entries);
	*map = (struct map){0};
}

void map_put(struct map *map, uint64_t key, uint64_t value)
{
	struct map_entry *entry;

	if (!map->entries)
		map_resize(map, MAP_FIRST_ENTRIES);
	entry = map_place(map, key);
	if (entry->key) {
		entry->value = value;
		return;
	}
	if (map->used + 1 > (map->mask + 1) / 4 * 3) {
		map_resize(map, (map->mask + 1) * 2);
		entry = map_place(map, key);
	}
	*entry = (struct map_entry){.key = key, .value = value};
	map->used++;
}

bool map_find(const struct map *map, uint64_t key, uint64_t *value)
{
	const struct map_entry *entry;

	if (!map->entries)
		return false;
	entry = map_place(map, key);
	if (!entry->key)
		return false;
	*value = entry->value;
	return true;
}

/* Empties entry `hole` and moves back what stood behind it because of it. */
static void map_close_gap(struct map *map, size_t hole)
{
	size_t i = hole;

	for (;;) {
		size_t home;

		i = (i + 1) & map->mask;
		if (!map->entries[i].key)
			break;
		home = map_home(map, map->entries[i].key);
		if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
			map->entries[hole] = map->entries[i];
			hole = i;
		}
	}
	map->entries[hole] = (struct map_entry){0};
}

bool map_take(struct map *map, uint64_t key, uint64_t *value)
{
	struct map_entry *entry;

	if (!map->entries)
		return false;
	entry = map_place(map, key);
	if (!entry->key)
		return false;
	*value = entry->value;
	map_close_gap(map, (size_t)(entry - map->entries));
	map->used--;
	if (map->mask + 1 > MAP_FIRST_ENTRIES && map->used < (map->mask + 1) / 8)
		map_resize(map, (map->mask + 1) / 2);
	return true;
}
