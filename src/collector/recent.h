#pragma once

#include "collector/blocks.h"

/*
 * Live blocks, with those that were allocated last in front of the table: most blocks are released
 * by one of the next few records (nine of ten in json with Python's allocators traced), and then
 * the table never sees them.
 *
 *   1. A block is in front or in the table, not in both: the front is asked first, and what is
 * pushed out of it enters the table.
 *   2. Addresses in front differ from each other. A place there is free where its address is 0; its
 * slot is 0 then, so that who asks for address 0, which no block has, is told that there is none.
 */
#define RECENT_BLOCKS 4u

struct recent {
	uint64_t address[RECENT_BLOCKS];
	slot_id slot[RECENT_BLOCKS];
	unsigned next;
	struct blocks blocks;
};

static inline void recent_init(struct recent *recent)
{
	*recent = (struct recent){.next = 0};
	blocks_init(&recent->blocks);
}

static inline void recent_deinit(struct recent *recent)
{
	blocks_deinit(&recent->blocks);
}

/* Takes the block at an address out of the front alone. */
static inline slot_id recent_take_front(struct recent *recent, uint64_t address)
{
	unsigned hits = 0, place;
	slot_id slot;

	/* One branch: which of them it is, nobody foresees. */
	for (unsigned i = 0; i < RECENT_BLOCKS; i++)
		hits |= (unsigned)(recent->address[i] == address) << i;
	if (!hits)
		return 0;
	place = (unsigned)__builtin_ctz(hits);
	slot = recent->slot[place];
	recent->address[place] = 0;
	recent->slot[place] = 0;
	return slot;
}

/* Takes the block at an address out; returns its slot, or 0 if none is there. */
static inline slot_id recent_take(struct recent *recent, uint64_t address)
{
	slot_id slot = recent_take_front(recent, address);

	return slot ? slot : blocks_take(&recent->blocks, address);
}

/* Puts a block at an address, which is not 0 and has none in front. What is pushed out may find
 * that the table has a block at its address, whose release was missed: returns that one's slot,
 * else 0. */
static inline slot_id recent_put(struct recent *recent, uint64_t address, slot_id slot)
{
	unsigned place = recent->next;
	slot_id missed = 0;

	if (recent->address[place])
		missed = blocks_put(&recent->blocks, recent->address[place], recent->slot[place]);
	recent->address[place] = address;
	recent->slot[place] = slot;
	recent->next = (place + 1) % RECENT_BLOCKS;
	return missed;
}
