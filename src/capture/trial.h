#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/model.h"
#include "capture/writer.h"

/*
 * For tests: a random run of a program, written through the writer while a plain list of the same
 * events is kept. The same seed gives the same run.
 */
struct trial_event {
	uint8_t kind; /* enum event_kind */
	uint8_t allocator;
	thread_id thread;
	stack_id stack;
	uint32_t block; /* its number in the order of allocation */
	slot_id slot;   /* that the writer gave */
	uint64_t bytes;
	uint64_t time_ns;
};

struct trial {
	uint64_t random;
	struct capture_writer *writer;
	uint64_t time_ns;

	struct trial_event *events;
	size_t count, size;
	struct trial_block {
		slot_id slot;
		uint64_t bytes;
	} * blocks;
	uint32_t block_count, block_size;
	uint32_t *living; /* block numbers, in no order */
	uint32_t living_count, living_size, living_peak;

	uint32_t threads, stacks;
	process_id process;
	bool shy; /* no long pauses and no seals: time goes on by less than 1 us an event */
};

uint64_t trial_random(struct trial *t, uint64_t below);

/* Begins with some processes, threads, frames and stacks. */
void trial_begin(struct trial *t, struct capture_writer *w, uint64_t seed);
void trial_end(struct trial *t);

/* One event each; a release takes the index in `living`. */
void trial_alloc(struct trial *t, thread_id thread, enum allocator allocator, stack_id stack,
		 uint64_t bytes);
void trial_free(struct trial *t, thread_id thread, uint32_t index);
void trial_shrink(struct trial *t, thread_id thread, uint32_t index, uint64_t bytes);

/* About so many events of one kind of program after the other. */
void trial_run(struct trial *t, size_t events);

/* So many rounds of samples of all threads, which do something else now and then. */
void trial_sample(struct trial *t, unsigned rounds);

/* Opens a writer on a new file in the tests' own folder, with a full start. */
struct capture_writer *trial_open(const char *name, enum capture_mode mode);
/* A path in that folder, which goes away with the test; valid until the next call. */
const char *trial_path(const char *name);
