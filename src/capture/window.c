#include "capture/window.h"

#include <stdlib.h>

#include "base/memory.h"

#define WINDOW_FIRST_IDLE 1024u

void window_init(struct window *w, uint64_t from_ns, uint64_t to_ns)
{
	*w = (struct window){.from_ns = from_ns, .to_ns = to_ns, .fresh = 1};
	map_init(&w->slots);
}

void window_deinit(struct window *w)
{
	map_deinit(&w->slots);
	free(w->idle);
}

static void window_idle(struct window *w, slot_id slot)
{
	if (w->idle_count == w->idle_size) {
		w->idle_size = w->idle_size ? w->idle_size * 2 : WINDOW_FIRST_IDLE;
		w->idle = memory_check(realloc(w->idle, w->idle_size * sizeof(*w->idle)),
				       "the blocks of the window");
	}
	w->idle[w->idle_count++] = slot;
}

size_t window_filter(struct window *w, struct event *events, size_t count, const char **problem)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct event *event = &events[i];
		uint64_t slot;

		if (event->time_ns < w->from_ns || event->time_ns >= w->to_ns)
			continue;
		if (event->kind == EVENT_ALLOC) {
			if (map_find(&w->slots, event->slot, &slot)) {
				*problem = "a slot is given out that a block has";
				break;
			}
			slot = w->idle_count ? w->idle[--w->idle_count] : w->fresh++;
			map_put(&w->slots, event->slot, slot);
		} else if (event->kind == EVENT_FREE) {
			if (!map_take(&w->slots, event->slot, &slot))
				continue;
			window_idle(w, (slot_id)slot);
		} else if (!map_find(&w->slots, event->slot, &slot)) {
			continue;
		}
		event->slot = (slot_id)slot;
		events[kept++] = *event;
	}
	return kept;
}

size_t window_filter_samples(const struct window *w, struct sample_event *samples, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (samples[i].time_ns >= w->from_ns && samples[i].time_ns < w->to_ns)
			samples[kept++] = samples[i];
	}
	return kept;
}
