#include "sampler/chunks.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pyabi/field.h"

#define CHUNKS_MAX 8192u
#define BYTES_MAX  (64u << 20)
#define HEAD_BYTES 64u
#define FIRST      2048u /* what is read of a chunk that was not seen before */
#define SLACK      1024u /* read beyond what was in use */

void chunks_init(struct chunks *chunks)
{
	*chunks = (struct chunks){0};
}

void chunks_deinit(struct chunks *chunks)
{
	free(chunks->items);
	chunks_init(chunks);
}

/* The first one behind `address`. */
static size_t chunk_behind(const struct chunks *chunks, uint64_t address)
{
	size_t low = 0, high = chunks->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (chunks->items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool chunk_has(const struct chunk *chunk, uint64_t address)
{
	return address >= chunk->start && address < chunk->end;
}

struct chunk *chunks_find(struct chunks *chunks, uint64_t address)
{
	size_t behind;

	if (chunks->hint < chunks->count && chunk_has(&chunks->items[chunks->hint], address))
		return &chunks->items[chunks->hint];
	behind = chunk_behind(chunks, address);
	if (!behind || !chunk_has(&chunks->items[behind - 1], address))
		return NULL;
	chunks->hint = behind - 1;
	return &chunks->items[chunks->hint];
}

/* The one that begins there, or NULL. */
static struct chunk *chunk_at(struct chunks *chunks, uint64_t start)
{
	size_t behind = chunk_behind(chunks, start);

	if (!behind || chunks->items[behind - 1].start != start)
		return NULL;
	return &chunks->items[behind - 1];
}

static struct chunk *chunk_of_level(struct chunks *chunks, uint32_t level)
{
	for (size_t i = 0; i < chunks->count; i++) {
		if (chunks->items[i].level == level)
			return &chunks->items[i];
	}
	return NULL;
}

/* Drops all levels before `first`, which becomes `level`; those behind it follow. */
static void keep_from(struct chunks *chunks, uint32_t first, uint32_t level)
{
	size_t kept = 0;

	for (size_t i = 0; i < chunks->count; i++) {
		if (chunks->items[i].level < first)
			continue;
		chunks->items[kept] = chunks->items[i];
		chunks->items[kept++].level += level - first;
	}
	chunks->count = kept;
}

static void find_current(struct chunks *chunks)
{
	const struct chunk *current = chunk_of_level(chunks, 0);

	chunks->current = current ? (size_t)(current - chunks->items) : 0;
	chunks->hint = chunks->current;
}

static bool chunk_read(struct chunks *chunks, const struct target *target,
		       const struct pyabi_layout *layout, uint64_t start, struct chunk *chunk,
		       uint64_t *previous)
{
	unsigned char head[HEAD_BYTES];
	uint64_t bytes, top;

	chunks->reads++;
	if (layout->chunk_data > sizeof(head) ||
	    !target_read(target, start, head, layout->chunk_data))
		return false;
	bytes = pyabi_word(head, layout->chunk_size);
	top = pyabi_word(head, layout->chunk_top);
	if (bytes > BYTES_MAX || bytes < layout->chunk_data)
		return false;
	*chunk = (struct chunk){.start = start, .end = start + bytes};
	/* Only in one that is not the current one is `top` where it ends. */
	chunk->used = top <= (bytes - layout->chunk_data) / 8 ? layout->chunk_data + top * 8
							      : layout->chunk_data + FIRST;
	*previous = pyabi_word(head, layout->chunk_previous);
	return true;
}

static int compare_starts(const void *left, const void *right)
{
	const struct chunk *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

/*
 * Follows the list from its new beginning to where it meets the one that is known: what is behind
 * that one is as it was. That one itself was the current one, so its `top` was not known yet.
 */
static void list_chunks(struct chunks *chunks, const struct target *target,
			const struct pyabi_layout *layout, uint64_t start)
{
	struct chunks fresh = {0};
	const struct chunk *met = NULL, *behind = NULL;

	while (start && fresh.count < CHUNKS_MAX) {
		struct chunk chunk;

		met = chunk_at(chunks, start);
		if (!chunk_read(chunks, target, layout, start, &chunk, &start))
			break;
		chunk.level = (uint32_t)fresh.count;
		if (!fresh.count)
			chunk.used = layout->chunk_data + FIRST;
		fresh.items = memory_grow(fresh.items, fresh.count + 1, &fresh.room,
					  sizeof(*fresh.items), "a data stack");
		fresh.items[fresh.count++] = chunk;
		behind = met ? chunk_of_level(chunks, met->level + 1) : NULL;
		if (behind && behind->start == start)
			break;
		behind = NULL;
	}
	if (behind && fresh.count + chunks->count <= CHUNKS_MAX)
		keep_from(chunks, behind->level, (uint32_t)fresh.count);
	else
		chunks->count = 0;
	if (fresh.count) {
		chunks->items = memory_grow(chunks->items, chunks->count + fresh.count,
					    &chunks->room, sizeof(*chunks->items), "a data stack");
		memcpy(&chunks->items[chunks->count], fresh.items,
		       fresh.count * sizeof(*fresh.items));
		chunks->count += fresh.count;
		qsort(chunks->items, chunks->count, sizeof(*chunks->items), compare_starts);
	}
	free(fresh.items);
}

void chunks_follow(struct chunks *chunks, const struct target *target,
		   const struct pyabi_layout *layout, uint64_t current)
{
	const struct chunk *known;

	if (chunks->count && chunks->items[chunks->current].start == current)
		return;
	known = chunk_at(chunks, current);
	if (known)
		keep_from(chunks, known->level, 0);
	else
		list_chunks(chunks, target, layout, current);
	find_current(chunks);
}

void chunks_want(const struct chunks *chunks, struct view *view)
{
	for (size_t i = 0; i < chunks->count; i++) {
		const struct chunk *chunk = &chunks->items[i];
		uint64_t bytes = chunk->used + (i == chunks->current ? SLACK : 0);

		if (bytes > chunk->end - chunk->start)
			bytes = chunk->end - chunk->start;
		view_want(view, chunk->start, (uint32_t)bytes);
	}
}

void chunks_measure(struct chunks *chunks, uint64_t bytes)
{
	struct chunk *current = chunks->count ? &chunks->items[chunks->current] : NULL;

	if (!current)
		return;
	if (bytes > current->used)
		current->used = bytes;
	else
		current->used -= (current->used - bytes) / 16;
}
