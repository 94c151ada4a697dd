#include "collector/blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define BLOCKS_FIRST_BITS 9u /* 512 entries: one page */
#define BLOCKS_HUGE_BYTES (4u << 20)

static void *blocks_memory(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		fprintf(stderr, "sonde: out of memory for a table of %zu bytes of live blocks\n",
			bytes);
		abort();
	}
	if (bytes >= BLOCKS_HUGE_BYTES)
		madvise(memory, bytes, MADV_HUGEPAGE);
	return memory;
}

static size_t blocks_region_bytes(const struct blocks_region *region)
{
	return ((size_t)region->mask + 1) * sizeof(*region->entries);
}

void blocks_init(struct blocks *blocks)
{
	*blocks = (struct blocks){0};
	blocks->regions = blocks_memory(BLOCKS_REGION_MAX * sizeof(*blocks->regions));
}

void blocks_deinit(struct blocks *blocks)
{
	if (!blocks || !blocks->regions)
		return;
	for (size_t i = 0; i < BLOCKS_REGION_MAX && blocks->bytes; i++) {
		struct blocks_region *region = &blocks->regions[i];

		if (region->entries) {
			blocks->bytes -= blocks_region_bytes(region);
			munmap(region->entries, blocks_region_bytes(region));
		}
	}
	munmap(blocks->regions, BLOCKS_REGION_MAX * sizeof(*blocks->regions));
	*blocks = (struct blocks){0};
}

static void blocks_place(struct blocks_region *region, uint64_t entry)
{
	uint32_t i = blocks_home(region, (uint32_t)(entry >> 32));

	while (region->entries[i])
		i = (i + 1) & region->mask;
	region->entries[i] = entry;
}

static void blocks_resize(struct blocks *blocks, struct blocks_region *region, unsigned bits)
{
	struct blocks_region old = *region;
	uint32_t size = 1u << bits;

	region->entries = blocks_memory((size_t)size * sizeof(*region->entries));
	region->mask = size - 1;
	region->shift = 32 - bits;
	region->most = size / 4 * 3;
	region->least = bits > BLOCKS_FIRST_BITS ? size / 8 : 0;
	blocks->bytes += blocks_region_bytes(region);
	if (!old.entries)
		return;
	for (size_t i = 0; i <= old.mask; i++) {
		if (old.entries[i])
			blocks_place(region, old.entries[i]);
	}
	blocks->bytes -= blocks_region_bytes(&old);
	munmap(old.entries, blocks_region_bytes(&old));
}

void blocks_grow(struct blocks *blocks, struct blocks_region *region)
{
	blocks_resize(blocks, region, region->entries ? 33 - region->shift : BLOCKS_FIRST_BITS);
}

void blocks_shrink(struct blocks *blocks, struct blocks_region *region)
{
	blocks_resize(blocks, region, 31 - region->shift);
}
