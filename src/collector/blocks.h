#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/model.h"

/*
 * Which live block lies at an address. The hot half of decoding: two of every three records end
 * here, so it is inline, and an entry is one word.
 *
 * Addresses are split: the high bits choose one of 8,192 regions of 32 GiB, of which a process
 * uses a handful; the rest, in units of 8 bytes, is 32 bits of key. A region is an open-addressing
 * table with linear probing and backward-shift deletion: no tombstones.
 *
 *   1. An entry is key << 32 | slot. Slots are never 0, so a word of 0 is a free place.
 *   2. Between a key's home and its place every entry is used.
 *   3. At most three quarters of a table are used. Homes follow the key's hash in order, so that
 *      resizing reads and writes each table once, front to back.
 *
 * Two blocks that share 8 bytes are taken for one: no allocator makes such.
 */
#define BLOCKS_REGION_SHIFT 35u
#define BLOCKS_REGION_MAX   (1u << 13)

struct blocks_region {
	uint64_t *entries;
	uint32_t mask;
	uint32_t used;
	uint32_t most;  /* grow before more than these are used */
	uint32_t least; /* shrink when fewer are used */
	uint32_t shift;
};

struct blocks {
	struct blocks_region *regions; /* [BLOCKS_REGION_MAX], pages appear as used */
	uint64_t bytes;                /* of all tables */
	uint64_t used;
};

/* Out of memory aborts sonde, never the target. */
void blocks_init(struct blocks *blocks);
void blocks_deinit(struct blocks *blocks);

/* Private. */
void blocks_grow(struct blocks *blocks, struct blocks_region *region);
void blocks_shrink(struct blocks *blocks, struct blocks_region *region);

static inline struct blocks_region *blocks_region(const struct blocks *blocks, uint64_t address)
{
	return &blocks->regions[address >> BLOCKS_REGION_SHIFT & (BLOCKS_REGION_MAX - 1)];
}

static inline uint32_t blocks_home(const struct blocks_region *region, uint32_t key)
{
	/* Two multiplications: after one, blocks at the multiples of some sizes crowd together. */
	key = (key ^ key >> 16) * 0x7feb352du;
	key = (key ^ key >> 15) * 0x846ca68bu;
	return key >> region->shift;
}

/* Brings the place of an address near, for a put or take that comes soon. Inlined by force: a
 * compiler may take a function that does nothing else for one that does nothing. */
static inline __attribute__((always_inline)) void blocks_prefetch(const struct blocks *blocks,
								  uint64_t address)
{
	const struct blocks_region *region = blocks_region(blocks, address);

	if (region->entries)
		__builtin_prefetch(&region->entries[blocks_home(region, (uint32_t)(address >> 3))],
				   1);
}

/* The entry of an address, made if there is none: its low half is the slot, 0 in a new one. The
 * caller must set a slot before it does anything else with the table. */
static inline uint64_t *blocks_enter(struct blocks *blocks, uint64_t address)
{
	struct blocks_region *region = blocks_region(blocks, address);
	uint32_t key = (uint32_t)(address >> 3);
	uint32_t i;

	if (__builtin_expect(region->used >= region->most, 0))
		blocks_grow(blocks, region);
	for (i = blocks_home(region, key); region->entries[i]; i = (i + 1) & region->mask) {
		if (region->entries[i] >> 32 == key)
			return &region->entries[i];
	}
	region->entries[i] = (uint64_t)key << 32;
	region->used++;
	blocks->used++;
	return &region->entries[i];
}

static inline void blocks_set(uint64_t *entry, slot_id slot)
{
	*entry = (*entry & ~(uint64_t)UINT32_MAX) | slot;
}

/* Puts a block at an address; returns the slot that was there, which is replaced, or 0. */
static inline slot_id blocks_put(struct blocks *blocks, uint64_t address, slot_id slot)
{
	uint64_t *entry = blocks_enter(blocks, address);
	slot_id old = (slot_id)*entry;

	blocks_set(entry, slot);
	return old;
}

/* Takes the block at an address out; returns its slot, or 0 if none is there. */
static inline slot_id blocks_take(struct blocks *blocks, uint64_t address)
{
	struct blocks_region *region = blocks_region(blocks, address);
	uint32_t key = (uint32_t)(address >> 3);
	uint32_t mask = region->mask;
	uint32_t hole, i;
	slot_id slot;

	if (__builtin_expect(!region->used, 0))
		return 0;
	for (i = blocks_home(region, key);; i = (i + 1) & mask) {
		uint64_t entry = region->entries[i];

		if (!entry)
			return 0;
		if (entry >> 32 == key) {
			slot = (slot_id)entry;
			break;
		}
	}
	hole = i;
	for (;;) {
		uint64_t entry;
		uint32_t home;

		i = (i + 1) & mask;
		entry = region->entries[i];
		if (!entry)
			break;
		home = blocks_home(region, (uint32_t)(entry >> 32));
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			region->entries[hole] = entry;
			hole = i;
		}
	}
	region->entries[hole] = 0;
	blocks->used--;
	if (__builtin_expect(--region->used < region->least, 0))
		blocks_shrink(blocks, region);
	return slot;
}
