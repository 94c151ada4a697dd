#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/target.h"

/*
 * Copies of places of a target's memory that are read together, in one system call: what was needed
 * last time is likely to be needed again. A place that no look used for some time is forgotten.
 *
 *   1. windows[] are in the order of addresses and do not overlap.
 *   2. After view_read each window with `is_read` has its bytes in the buffer, taken after the
 * words before them.
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
	size_t first;   /* window that is read before all others */
	uint64_t reads; /* system calls */
};

void view_init(struct view *view);
void view_deinit(struct view *view);

/* Begins another look: forgets windows that the last few looks did not use. */
void view_begin(struct view *view);

/* Wants [start, start + bytes): what is there already grows or is kept. False where that is no
 * place in memory, or one too many. */
bool view_want(struct view *view, uint64_t start, uint32_t bytes);

/* A few words that are read before all windows. */
#define VIEW_WORDS_MAX 8u
struct view_words {
	uint64_t address;
	void *out;
	uint32_t bytes;
};

enum view_result {
	VIEW_READ,    /* the words and every window that exists; others were dropped, and all of
		       * them where they are too much to be true */
	VIEW_NOTHING, /* words of `before` could not be read */
	VIEW_GONE,    /* the process is, or it may not be read any more */
};

/* Reads all, the window at `interest` first: it is what changes fastest. At most VIEW_WORDS_MAX
 * words. */
enum view_result view_read(struct view *view, const struct target *target,
			   const struct view_words *before, size_t before_count, uint64_t interest);

/* Reads one window alone: for a look that goes on where it found something new. */
bool view_fetch(struct view *view, const struct target *target, uint64_t start, uint32_t bytes);

/* The copy of [address, address + bytes), or NULL where it was not read. Marks it as used. */
const unsigned char *view_find(struct view *view, uint64_t address, uint32_t bytes);
