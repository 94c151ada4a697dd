#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/model.h"

/*
 * Which mapping covers an address: an interval map over mmap and brk ranges. A mapping begins as
 * one range and may be cut into several; it is gone when its last byte is. Every operation takes
 * O(log n), plus O(1) for each range that it meets.
 *
 *   1. Ranges do not overlap, and none is empty.
 *   2. The bytes of a mapping are the sum over its ranges and over the pieces of it that were cut
 *      out and not yet dropped or restored.
 *
 * Lengths are as the caller of mmap gave them, to the byte. What a mapping occupies beyond that, up
 * to the end of its last page, is the caller's business: cut to the end of the page.
 */
struct ranges;

typedef uint32_t mapping_id;

struct ranges_piece {
	uint64_t start;
	uint64_t bytes;
	mapping_id mapping;
};

/* A growing list of pieces; zeroed at first, freed with ranges_cut_deinit. */
struct ranges_cut {
	struct ranges_piece *pieces;
	size_t count, allocated;
};

void ranges_cut_deinit(struct ranges_cut *cut);

/* Out of memory aborts sonde, never the target. */
struct ranges *ranges_create(void);
void ranges_destroy(struct ranges *ranges);

/* Adds a mapping. [start, start + bytes) is not empty, does not wrap, and was cut out before. */
void ranges_add(struct ranges *ranges, uint64_t start, uint64_t bytes, slot_id slot);

/* Takes whatever lies in [start, end) out and appends it to *cut: undecided from then on. */
void ranges_cut(struct ranges *ranges, uint64_t start, uint64_t end, struct ranges_cut *cut);

/* Decides a piece: it is gone. Returns the mapping's slot; *last says that nothing is left of the
 * mapping, whose id ends with that. */
slot_id ranges_drop(struct ranges *ranges, const struct ranges_piece *piece, bool *last);

/* Decides pieces: they stay. Whatever was added in their place since then wins: the parts that
 * cannot return are what *cut holds afterwards, to be dropped. */
void ranges_restore(struct ranges *ranges, struct ranges_cut *cut);

/* How many ranges were passed on the way to places since ranges_create: what finding them cost. */
uint64_t ranges_steps(const struct ranges *ranges);

/* Calls visit for every range, in the order of addresses. */
void ranges_each(const struct ranges *ranges,
		 void (*visit)(void *data, uint64_t start, uint64_t bytes, slot_id slot),
		 void *data);
