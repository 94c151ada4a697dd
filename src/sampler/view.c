#include "sampler/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define KEEP_LOOKS   32u  /* that a window stays unused */
#define JOIN_BYTES   512u /* a gap that is cheaper to read than to leave out */
#define WORDS_MAX    8u
#define BUFFER_FIRST 65536u
#define BUFFER_MAX   (64u << 20)

static const char purpose[] = "a copy of stacks";

void view_init(struct view *view)
{
	*view = (struct view){.buffer_bytes = BUFFER_FIRST};
	view->buffer = memory_check(malloc(BUFFER_FIRST), purpose);
}

void view_deinit(struct view *view)
{
	free(view->windows);
	free(view->buffer);
	*view = (struct view){0};
}

void view_begin(struct view *view)
{
	size_t kept = 0;

	view->look++;
	for (size_t i = 0; i < view->count; i++) {
		if (view->look - view->windows[i].used <= KEEP_LOOKS)
			view->windows[kept++] = view->windows[i];
	}
	view->count = kept;
	view->hint = 0;
}

/* The first window that ends behind `address`. */
static size_t window_behind(const struct view *view, uint64_t address)
{
	size_t low = 0, high = view->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (view->windows[middle].start + view->windows[middle].bytes <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct view_window *window_insert(struct view *view, size_t place)
{
	view->windows = memory_grow(view->windows, view->count + 1, &view->room,
				    sizeof(*view->windows), purpose);
	memmove(&view->windows[place + 1], &view->windows[place],
		(view->count - place) * sizeof(*view->windows));
	view->count++;
	return &view->windows[place];
}

void view_want(struct view *view, uint64_t start, uint32_t bytes)
{
	size_t place = window_behind(view, start);
	uint64_t end = start + bytes;
	size_t last = place;

	if (end < start)
		return;
	if (place < view->count && view->windows[place].start <= start &&
	    view->windows[place].start + view->windows[place].bytes >= end) {
		view->windows[place].used = view->look;
		return;
	}
	/* Swallows what it overlaps. */
	for (; last < view->count && view->windows[last].start < end; last++) {
		const struct view_window *window = &view->windows[last];

		if (window->start < start)
			start = window->start;
		if (window->start + window->bytes > end)
			end = window->start + window->bytes;
	}
	if (last == place) {
		window_insert(view, place);
	} else {
		memmove(&view->windows[place + 1], &view->windows[last],
			(view->count - last) * sizeof(*view->windows));
		view->count -= last - place - 1;
	}
	view->windows[place] = (struct view_window){
		.start = start, .bytes = (uint32_t)(end - start), .used = view->look};
}

static bool buffer_has_room(struct view *view, size_t bytes)
{
	if (bytes > BUFFER_MAX)
		return false;
	if (bytes > view->buffer_bytes) {
		size_t room = view->buffer_bytes;

		while (room < bytes)
			room *= 2;
		view->buffer = memory_check(realloc(view->buffer, room), purpose);
		view->buffer_bytes = room;
	}
	return true;
}

/* Windows in the order in which they are read: from the first one of interest on, and around. */
static struct view_window *window_in_turn(struct view *view, size_t turn)
{
	return &view->windows[(view->first + turn) % view->count];
}

/* Neighbours become one place. Fills in where each window's bytes will be. Returns how many bytes.
 */
static size_t lay_out(struct view *view, size_t from, struct iovec *remote, size_t room,
		      size_t *places, size_t *upto)
{
	size_t used = 0, count = 0, i;

	for (i = from; i < view->count; i++) {
		struct view_window *window = window_in_turn(view, i);
		uint64_t end = window->start + window->bytes;
		struct iovec *before = count ? &remote[count - 1] : NULL;
		uint64_t before_end = before ? (uintptr_t)before->iov_base + before->iov_len : 0;

		window->is_read = false;
		if (before && window->start - before_end <= JOIN_BYTES &&
		    before_end / 4096 + 1 >= window->start / 4096) {
			used += end - before_end;
			before->iov_len += end - before_end;
		} else {
			if (count == room)
				break;
			remote[count++] =
				(struct iovec){(void *)(uintptr_t)window->start, window->bytes};
			used += window->bytes;
		}
		window->offset = (uint32_t)(used - window->bytes);
	}
	*places = count;
	*upto = i;
	return used;
}

static size_t words_places(const struct view_words *words, size_t count, struct iovec *local,
			   struct iovec *remote)
{
	for (size_t i = 0; i < count; i++) {
		local[i] = (struct iovec){words[i].out, words[i].bytes};
		remote[i] = (struct iovec){(void *)(uintptr_t)words[i].address, words[i].bytes};
	}
	return count;
}

/* The place that could not be read takes its windows along: they are not there any more. */
static void drop_windows(struct view *view, const struct iovec *place)
{
	uint64_t start = (uintptr_t)place->iov_base, end = start + place->iov_len;
	size_t kept = 0;

	for (size_t i = 0; i < view->count; i++) {
		if (view->windows[i].start < start || view->windows[i].start >= end)
			view->windows[kept++] = view->windows[i];
	}
	view->count = kept;
}

static void mark_read(struct view *view, size_t from, size_t upto)
{
	for (size_t i = from; i < upto; i++)
		window_in_turn(view, i)->is_read = true;
}

enum view_result view_read(struct view *view, const struct target *target,
			   const struct view_words *before, size_t before_count, uint64_t interest)
{
	struct iovec local[TARGET_PLACES_MAX], remote[TARGET_PLACES_MAX];
	size_t from = 0, base = 0;

	view->first = window_behind(view, interest);
	/* More windows than fit one call are read in several. */
	for (;;) {
		size_t head = from ? 0 : words_places(before, before_count, local, remote);
		size_t places, upto, count, used;
		unsigned char *out;
		ssize_t done;

		used = lay_out(view, from, remote + head, TARGET_PLACES_MAX - WORDS_MAX, &places,
			       &upto);
		if (!buffer_has_room(view, base + used))
			return VIEW_NOTHING;
		out = view->buffer + base;
		for (size_t i = 0; i < places; i++) {
			local[head + i] = (struct iovec){out, remote[head + i].iov_len};
			out += remote[head + i].iov_len;
		}
		for (size_t i = from; i < upto; i++)
			window_in_turn(view, i)->offset += (uint32_t)base;
		count = head + places;
		view->reads++;
		done = target_read_places(target, local, remote, count);
		if (done < 0)
			return VIEW_GONE;
		if ((size_t)done < head)
			return VIEW_NOTHING;
		if ((size_t)done < count) {
			drop_windows(view, &remote[done]);
			view->first = window_behind(view, interest);
			from = base = 0;
			continue;
		}
		mark_read(view, from, upto);
		if (upto == view->count)
			return VIEW_READ;
		from = upto;
		base += used;
	}
}

bool view_fetch(struct view *view, const struct target *target, uint64_t start, uint32_t bytes)
{
	size_t used = 0, place;
	struct view_window *window;

	view_want(view, start, bytes);
	for (size_t i = 0; i < view->count; i++) {
		size_t end = (size_t)view->windows[i].offset + view->windows[i].bytes;

		if (view->windows[i].is_read && end > used)
			used = end;
	}
	place = window_behind(view, start);
	window = &view->windows[place];
	view->hint = place;
	if (window->is_read)
		return true;
	if (!buffer_has_room(view, used + window->bytes))
		return false;
	window->offset = (uint32_t)used;
	view->reads++;
	window->is_read = target_read(target, window->start, view->buffer + used, window->bytes);
	if (!window->is_read) {
		memmove(window, window + 1, (view->count - place - 1) * sizeof(*window));
		view->count--;
		return false;
	}
	return true;
}

static bool window_covers(const struct view_window *window, uint64_t address, uint32_t bytes)
{
	return window->is_read && address >= window->start &&
	       address - window->start <= window->bytes &&
	       window->bytes - (address - window->start) >= bytes;
}

const unsigned char *view_find(struct view *view, uint64_t address, uint32_t bytes)
{
	struct view_window *window;

	if (view->hint >= view->count ||
	    !window_covers(&view->windows[view->hint], address, bytes)) {
		size_t place = window_behind(view, address);

		if (place == view->count || !window_covers(&view->windows[place], address, bytes))
			return NULL;
		view->hint = place;
	}
	window = &view->windows[view->hint];
	window->used = view->look;
	return view->buffer + window->offset + (address - window->start);
}
