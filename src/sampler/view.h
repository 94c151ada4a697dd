#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "target/target.h"

/*
 * Copies of places of a target's memory that are read together, in one system call: what was needed
 * last time is likely to be needed again. A place that no look used for some time is forgotten.
 *
 *   1. windows[] are in the order of addresses and do not overlap.
 *   2. After view_read each window with `is_read` has its bytes in the buffer, taken after the
 * words of the plan.
 */
struct view_window {
	uint64_t start;
	uint32_t bytes;
	uint32_t offset; /* in the buffer */
	uint32_t used;   /* number of the look that used it last */
	bool is_read;
};

struct view {
	struct view_window *windows;
	size_t count, room;
	unsigned char *buffer;
	size_t buffer_bytes;
	uint32_t look;
	size_t used; /* bytes of the buffer */
	size_t hint;
	size_t first;                 /* window that is read before all others */
	struct iovec *local, *remote; /* places of one reading */
	size_t local_room, remote_room;
	uint64_t reads; /* system calls */
};

void view_init(struct view *view);
void view_deinit(struct view *view);

/* Begins another look: forgets windows that the last few looks did not use. */
void view_begin(struct view *view);

/* Wants [start, start + bytes): what is there already grows or is kept. False where that is no
 * place in memory, or one too many. */
bool view_want(struct view *view, uint64_t start, uint32_t bytes);

/* A few words beside the windows. */
struct view_words {
	uint64_t address;
	void *out;
	uint32_t bytes;
};

/* What one reading takes, and in which order. */
struct view_plan {
	const struct view_words *words; /* before all windows; the last one leads to them */
	size_t word_count;
	uint64_t interest;              /* the window there is read first: it changes fastest */
	const struct view_words *after; /* behind all windows; they may be missing */
	size_t after_count;
	size_t after_read; /* out: how many of them are not */
};

enum view_result {
	VIEW_READ,    /* the words and every window that exists; others were dropped, and all of
		       * them where they are too much to be true */
	VIEW_NOTHING, /* words of the plan could not be read */
	VIEW_GONE,    /* the process is, or it may not be read any more */
};

/* Reads all in one system call, or in one for each TARGET_PLACES_MAX places. */
enum view_result view_read(struct view *view, const struct target *target, struct view_plan *plan);

/* Reads one window alone: for a look that goes on where it found something new. */
bool view_fetch(struct view *view, const struct target *target, uint64_t start, uint32_t bytes);

/* The copy of [address, address + bytes), or NULL where it was not read. Marks it as used. */
const unsigned char *view_find(struct view *view, uint64_t address, uint32_t bytes);
