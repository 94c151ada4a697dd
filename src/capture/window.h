#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "capture/model.h"

/*
 * A part of a capture's time. Chunks before it were not read, so what its events say of older
 * blocks means nothing here: only blocks that were allocated in the window are handed out, under
 * slots of its own. Memory: what lives in the window.
 */
struct window {
	uint64_t from_ns, to_ns;
	struct map slots; /* of the capture -> of the window */
	slot_id *idle;
	size_t idle_count, idle_size;
	slot_id fresh;
};

void window_init(struct window *w, uint64_t from_ns, uint64_t to_ns);
void window_deinit(struct window *w);
/* Keeps the events that belong to the window, in their order, and returns how many; *problem is set
 * to what is wrong with them, and the rest dropped. */
size_t window_filter(struct window *w, struct event *events, size_t count, const char **problem);
size_t window_filter_samples(const struct window *w, struct sample_event *samples, size_t count);
