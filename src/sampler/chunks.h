#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyabi/layout.h"
#include "sampler/view.h"
#include "target/target.h"

/*
 * The chunks of one thread's data stack (3.11 and later), as they were when they were last looked
 * at: a list in the target, from the current one to the oldest. Nothing in it is believed.
 *
 *   1. items[] are in the order of addresses. A list that is none may have some that overlap.
 *   2. Levels count from 0, the current one, without gaps.
 */
struct chunk {
	uint64_t start, end; /* all of it */
	uint64_t used;       /* bytes, up to where it was needed last */
	uint32_t level;
};

struct chunks {
	struct chunk *items;
	size_t count, room;
	size_t current; /* item of level 0 */
	size_t hint;
	uint64_t reads;
};

void chunks_init(struct chunks *chunks);
void chunks_deinit(struct chunks *chunks);

/*
 * Makes the list that of a thread whose current chunk is at `current` (0: it has none). Costs
 * nothing while that stays, and no read of the target where chunks were popped.
 */
void chunks_follow(struct chunks *chunks, const struct target *target,
		   const struct pyabi_layout *layout, uint64_t current);

/* The one that an address lies in, or NULL. Moves with chunks_follow. */
struct chunk *chunks_find(struct chunks *chunks, uint64_t address);

/* Wants what of the chunks holds frames, and what may come to. */
void chunks_want(const struct chunks *chunks, struct view *view);

/* The innermost frame in the current chunk ends so many bytes behind its start: what was needed
 * before is given up slowly. */
void chunks_measure(struct chunks *chunks, uint64_t bytes);
