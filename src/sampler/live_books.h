#pragma once

#include "base/map.h"
#include "sampler/live.h"

/* Inside of struct live, for live.c, which keeps it, and live_sum.c, which reads it. */

#define WINDOW_SLOTS 20u

/* What one part of the window added, to be taken back when it falls out. */
struct window_slot {
	struct window_entry {
		uint32_t cell;
		uint32_t count;
	} * entries;
	uint32_t count, room;
	struct live_rounds *rounds; /* by process */
	uint32_t rounds_room;
};

struct live {
	struct live_options options;
	uint64_t samples;

	struct live_process *processes;
	uint32_t process_count, process_room;
	struct map process_of;     /* the sampler's number + 1 -> ours */
	uint32_t sampled, process; /* the sampler's number of the last sample + 1, and ours */

	struct live_thread *threads;
	uint32_t thread_count, thread_room;
	uint32_t free_thread;   /* + 1; chained by next */
	struct map thread_of;   /* process and tid -> thread */
	uint32_t guess, before; /* the thread of the next sample, and of the one before */

	struct live_cell *cells;
	uint32_t cell_count, cell_room;
	uint32_t free_cell; /* + 1; chained by next */
	struct map cell_of; /* thread, stack and state -> cell */

	struct window_slot slots[WINDOW_SLOTS];
	uint32_t slot; /* the newest; the place in slots is slot % WINDOW_SLOTS */
	uint64_t slot_ns, slot_end_ns;
};
