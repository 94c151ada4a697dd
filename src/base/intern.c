#include "base/intern.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"

#define INTERN_BLOCK_BYTES 65536u
#define INTERN_FIRST_SLOTS 64u

/* Texts lie in blocks that are never moved; a text too large for one gets a block of its own. */
struct intern_block {
	struct intern_block *next;
	size_t used, size;
	char bytes[];
};

struct intern_text {
	const char *bytes;
	size_t length;
	uint64_t hash;
};

struct intern {
	struct intern_block *blocks; /* the first one is being filled */
	struct intern_text *texts;   /* [id - 1] */
	uint32_t count, allocated;
	uint32_t *slots; /* open addressing by hash: ids, 0 is free; at most half are used */
	size_t mask;
};

static const char purpose[] = "texts";

struct intern *intern_create(void)
{
	struct intern *intern = memory_check(calloc(1, sizeof(*intern)), purpose);

	intern->slots = memory_check(calloc(INTERN_FIRST_SLOTS, sizeof(*intern->slots)), purpose);
	intern->mask = INTERN_FIRST_SLOTS - 1;
	return intern;
}

void intern_destroy(struct intern *intern)
{
	if (!intern)
		return;
	while (intern->blocks) {
		struct intern_block *next = intern->blocks->next;

		free(intern->blocks);
		intern->blocks = next;
	}
	free(intern->texts);
	free(intern->slots);
	free(intern);
}

static const char *intern_copy(struct intern *intern, const void *bytes, size_t length)
{
	struct intern_block *block = intern->blocks;
	char *copy;

	if (!block || length >= block->size - block->used) {
		size_t size = length >= INTERN_BLOCK_BYTES / 4 ? length + 1 : INTERN_BLOCK_BYTES;

		block = memory_check(malloc(sizeof(*block) + size), purpose);
		block->used = 0;
		block->size = size;
		if (size != INTERN_BLOCK_BYTES && intern->blocks) {
			block->next = intern->blocks->next;
			intern->blocks->next = block;
		} else {
			block->next = intern->blocks;
			intern->blocks = block;
		}
	}
	copy = block->bytes + block->used;
	if (length)
		memcpy(copy, bytes, length);
	copy[length] = 0;
	block->used += length + 1;
	return copy;
}

static void intern_grow_slots(struct intern *intern)
{
	size_t size = (intern->mask + 1) * 2;

	free(intern->slots);
	intern->slots = memory_check(calloc(size, sizeof(*intern->slots)), purpose);
	intern->mask = size - 1;
	for (uint32_t id = 1; id <= intern->count; id++) {
		size_t i = intern->texts[id - 1].hash & intern->mask;

		while (intern->slots[i])
			i = (i + 1) & intern->mask;
		intern->slots[i] = id;
	}
}

uint32_t intern_add(struct intern *intern, const void *bytes, size_t length)
{
	uint64_t hash = XXH3_64bits(bytes, length);
	size_t i = hash & intern->mask;

	for (; intern->slots[i]; i = (i + 1) & intern->mask) {
		const struct intern_text *text = &intern->texts[intern->slots[i] - 1];

		if (text->hash == hash && text->length == length &&
		    (!length || !memcmp(text->bytes, bytes, length)))
			return intern->slots[i];
	}
	if (intern->count == intern->allocated) {
		intern->allocated = intern->allocated ? intern->allocated * 2 : INTERN_FIRST_SLOTS;
		intern->texts = memory_check(
			realloc(intern->texts, intern->allocated * sizeof(*intern->texts)),
			purpose);
	}
	intern->texts[intern->count] = (struct intern_text){
		.bytes = intern_copy(intern, bytes, length),
		.length = length,
		.hash = hash,
	};
	intern->slots[i] = ++intern->count;
	if (intern->count > (intern->mask + 1) / 2)
		intern_grow_slots(intern);
	return intern->count;
}

const char *intern_text(const struct intern *intern, uint32_t id, size_t *length)
{
	if (!id || id > intern->count) {
		if (length)
			*length = 0;
		return "";
	}
	if (length)
		*length = intern->texts[id - 1].length;
	return intern->texts[id - 1].bytes;
}

uint32_t intern_count(const struct intern *intern)
{
	return intern->count;
}
