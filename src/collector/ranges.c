#include "collector/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A skip list ordered by address, each range on one level more with a probability of a quarter. */
#define RANGES_LEVEL_MAX 14u

struct range {
	uint64_t start, end;
	mapping_id mapping;
	unsigned levels;
	struct range *next[];
};

struct mapping {
	uint64_t bytes;
	slot_id slot; /* 0: free; bytes is then the id of the next free one, 0 ends */
};

struct ranges {
	struct range *head; /* before every address */
	uint64_t random;
	uint64_t steps;           /* links followed on the way to a place */
	struct mapping *mappings; /* [id] */
	mapping_id mapping_count, mapping_allocated, mapping_free;
};

static const char purpose[] = "mapped ranges";

static struct range *range_create(unsigned levels)
{
	struct range *range =
		memory_check(calloc(1, sizeof(*range) + levels * sizeof(range->next[0])), purpose);

	range->levels = levels;
	return range;
}

struct ranges *ranges_create(void)
{
	struct ranges *ranges = memory_check(calloc(1, sizeof(*ranges)), purpose);

	ranges->head = range_create(RANGES_LEVEL_MAX);
	ranges->random = 0x9e3779b97f4a7c15ull;
	ranges->mapping_count = 1;
	return ranges;
}

void ranges_destroy(struct ranges *ranges)
{
	if (!ranges)
		return;
	while (ranges->head) {
		struct range *next = ranges->head->next[0];

		free(ranges->head);
		ranges->head = next;
	}
	free(ranges->mappings);
	free(ranges);
}

void ranges_cut_deinit(struct ranges_cut *cut)
{
	if (!cut)
		return;
	free(cut->pieces);
	*cut = (struct ranges_cut){0};
}

static void cut_add(struct ranges_cut *cut, uint64_t start, uint64_t end, mapping_id mapping)
{
	if (cut->count == cut->allocated) {
		cut->allocated = cut->allocated ? cut->allocated * 2 : 4;
		cut->pieces = memory_check(
			realloc(cut->pieces, cut->allocated * sizeof(*cut->pieces)), purpose);
	}
	cut->pieces[cut->count++] =
		(struct ranges_piece){.start = start, .bytes = end - start, .mapping = mapping};
}

static mapping_id mapping_create(struct ranges *ranges, slot_id slot, uint64_t bytes)
{
	mapping_id id = ranges->mapping_free;

	if (id) {
		ranges->mapping_free = (mapping_id)ranges->mappings[id].bytes;
	} else {
		id = ranges->mapping_count++;
		if (id >= ranges->mapping_allocated) {
			ranges->mapping_allocated =
				ranges->mapping_allocated ? ranges->mapping_allocated * 2 : 64;
			ranges->mappings = memory_check(
				realloc(ranges->mappings,
					ranges->mapping_allocated * sizeof(*ranges->mappings)),
				purpose);
		}
	}
	ranges->mappings[id] = (struct mapping){.bytes = bytes, .slot = slot};
	return id;
}

/* On every level, the last range that begins before `start`. */
static void ranges_path(struct ranges *ranges, uint64_t start, struct range *path[RANGES_LEVEL_MAX])
{
	struct range *at = ranges->head;

	for (unsigned level = RANGES_LEVEL_MAX; level-- > 0;) {
		while (at->next[level] && at->next[level]->start < start) {
			at = at->next[level];
			ranges->steps++;
		}
		path[level] = at;
	}
}

static unsigned ranges_random_levels(struct ranges *ranges)
{
	uint64_t bits;
	unsigned levels = 1;

	ranges->random ^= ranges->random << 13;
	ranges->random ^= ranges->random >> 7;
	ranges->random ^= ranges->random << 17;
	for (bits = ranges->random >> 8; levels < RANGES_LEVEL_MAX && (bits & 3) == 0; bits >>= 2)
		levels++;
	return levels;
}

/* path: of start, or of an address since which nothing lies before start. */
static void ranges_link(struct ranges *ranges, struct range *path[RANGES_LEVEL_MAX], uint64_t start,
			uint64_t end, mapping_id mapping)
{
	struct range *range = range_create(ranges_random_levels(ranges));
	unsigned level = 0;

	range->start = start;
	range->end = end;
	range->mapping = mapping;
	do {
		range->next[level] = path[level]->next[level];
		path[level]->next[level] = range;
	} while (++level < range->levels);
}

static void ranges_unlink(struct range *path[RANGES_LEVEL_MAX], struct range *range)
{
	for (unsigned level = 0; level < range->levels; level++)
		path[level]->next[level] = range->next[level];
	free(range);
}

void ranges_add(struct ranges *ranges, uint64_t start, uint64_t bytes, slot_id slot)
{
	struct range *path[RANGES_LEVEL_MAX];

	ranges_path(ranges, start, path);
	ranges_link(ranges, path, start, start + bytes, mapping_create(ranges, slot, bytes));
}

void ranges_cut(struct ranges *ranges, uint64_t start, uint64_t end, struct ranges_cut *cut)
{
	struct range *path[RANGES_LEVEL_MAX];
	struct range *range, *next;

	if (start >= end)
		return;
	ranges_path(ranges, start, path);
	range = path[0];
	if (range != ranges->head && range->end > start) {
		uint64_t old_end = range->end;

		cut_add(cut, start, old_end < end ? old_end : end, range->mapping);
		range->end = start;
		if (old_end > end) {
			for (unsigned level = 0; level < range->levels; level++)
				path[level] = range;
			ranges_link(ranges, path, end, old_end, range->mapping);
			return;
		}
	}
	for (range = path[0]->next[0]; range && range->start < end; range = next) {
		if (range->end > end) {
			cut_add(cut, range->start, end, range->mapping);
			range->start = end;
			return;
		}
		next = range->next[0];
		cut_add(cut, range->start, range->end, range->mapping);
		ranges_unlink(path, range);
	}
}

slot_id ranges_drop(struct ranges *ranges, const struct ranges_piece *piece, bool *last)
{
	struct mapping *mapping = &ranges->mappings[piece->mapping];
	slot_id slot = mapping->slot;

	mapping->bytes -= piece->bytes;
	*last = mapping->bytes == 0;
	if (*last) {
		*mapping = (struct mapping){.bytes = ranges->mapping_free};
		ranges->mapping_free = piece->mapping;
	}
	return slot;
}

static void ranges_restore_piece(struct ranges *ranges, const struct ranges_piece *piece,
				 struct ranges_cut *lost)
{
	struct range *path[RANGES_LEVEL_MAX];
	uint64_t at = piece->start;
	uint64_t end = piece->start + piece->bytes;

	while (at < end) {
		uint64_t until = end;
		const struct range *next;

		ranges_path(ranges, at, path);
		if (path[0] != ranges->head && path[0]->end > at) {
			until = path[0]->end < end ? path[0]->end : end;
			cut_add(lost, at, until, piece->mapping);
			at = until;
			continue;
		}
		next = path[0]->next[0];
		if (next && next->start == at) {
			until = next->end < end ? next->end : end;
			cut_add(lost, at, until, piece->mapping);
		} else {
			if (next && next->start < end)
				until = next->start;
			ranges_link(ranges, path, at, until, piece->mapping);
		}
		at = until;
	}
}

void ranges_restore(struct ranges *ranges, struct ranges_cut *cut)
{
	struct ranges_cut lost = {0};

	for (size_t i = 0; i < cut->count; i++)
		ranges_restore_piece(ranges, &cut->pieces[i], &lost);
	ranges_cut_deinit(cut);
	*cut = lost;
}

uint64_t ranges_steps(const struct ranges *ranges)
{
	return ranges->steps;
}

void ranges_each(const struct ranges *ranges,
		 void (*visit)(void *data, uint64_t start, uint64_t bytes, slot_id slot),
		 void *data)
{
	for (const struct range *range = ranges->head->next[0]; range; range = range->next[0])
		visit(data, range->start, range->end - range->start,
		      ranges->mappings[range->mapping].slot);
}
