#include "analysis/rowindex.h"

#include <stdlib.h>

#include "analysis/array.h"

enum {
	FIRST_ENTRIES = 256,
};

void rowindex_init(struct rowindex *index)
{
	*index = (struct rowindex){.mask = FIRST_ENTRIES - 1};
	index->entries = array_create(FIRST_ENTRIES, sizeof(*index->entries));
}

void rowindex_deinit(struct rowindex *index)
{
	free(index->entries);
	*index = (struct rowindex){0};
}

static struct rowindex_entry *find_entry(const struct rowindex *index, uint32_t stack,
					 uint32_t owner, uint32_t allocator)
{
	uint64_t hash = (uint64_t)stack << 32 | (owner * UINT32_C(0x85ebca6b) ^ allocator);
	size_t at;

	hash = (hash ^ hash >> 29) * UINT64_C(0x9e3779b97f4a7c15);
	for (at = hash >> 32 & index->mask;; at = (at + 1) & index->mask) {
		struct rowindex_entry *entry = &index->entries[at];

		if (entry->row == 0 || (entry->stack == stack && entry->owner == owner &&
					entry->allocator == allocator))
			return entry;
	}
}

static void grow(struct rowindex *index)
{
	struct rowindex old = *index;

	index->mask = old.mask * 2 + 1;
	index->entries = array_create(index->mask + 1, sizeof(*index->entries));
	for (size_t i = 0; i <= old.mask; i++) {
		const struct rowindex_entry *entry = &old.entries[i];

		if (entry->row != 0)
			*find_entry(index, entry->stack, entry->owner, entry->allocator) = *entry;
	}
	free(old.entries);
}

uint32_t rowindex_add(struct rowindex *index, uint32_t stack, uint32_t owner, uint32_t allocator,
		      bool *added)
{
	struct rowindex_entry *entry = find_entry(index, stack, owner, allocator);

	*added = entry->row == 0;
	if (!*added)
		return entry->row - 1;
	*entry = (struct rowindex_entry){stack, owner, allocator, ++index->used};
	if (index->used > index->mask / 2)
		grow(index);
	return index->used - 1;
}
