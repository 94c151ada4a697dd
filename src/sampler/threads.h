#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sampler/type.h"

/*
 * The names that a program gave its threads: threading._active of an interpreter, a dict of
 * threading.Thread by pthread id. A program that has not imported threading has none.
 */
struct threads_entry {
	uint64_t ident;    /* pthread_t, as PyThreadState.thread_id */
	int64_t native_id; /* as the target's own PID namespace numbers it; 0: not known yet */
	char name[64];     /* UTF-8, cut */
};

struct threads {
	struct threads_entry *items; /* by ident */
	size_t count, room;
	/* Private: where threading._active of an interpreter was. */
	struct threads_place {
		uint64_t interp, active;
	} * places;
	size_t place_count, place_room;
};

void threads_init(struct threads *threads);
void threads_deinit(struct threads *threads);

/*
 * Reads those of all interpreters anew; interps: addresses of their states. What the program
 * changes meanwhile may be missing. The pages of `space` are begun for this; about five of them a
 * thread.
 */
void threads_read(struct threads *threads, const struct space *space, const uint64_t *interps,
		  size_t count);

/* NULL if it has none. */
const struct threads_entry *threads_find(const struct threads *threads, uint64_t ident);
