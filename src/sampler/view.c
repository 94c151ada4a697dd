#include "sampler/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define KEEP_LOOKS   32u  /* that a window stays unused */
#define JOIN_BYTES   512u /* a gap that is cheaper to read than to leave out */
#define PAGE_BYTES   4096u
#define BUFFER_FIRST 65536u
#define BUFFER_MAX   (64u << 20)
/* What a stack that is one does not come near to. */
#define WINDOWS_MAX 32768u
#define DROPS_MAX   256u /* places that are not there, in one look */

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
	free(view->local);
	free(view->remote);
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

static uint64_t window_end(const struct view_window *window)
{
	return window->start + window->bytes;
}

/* The first window that ends behind `address`. */
static size_t window_behind(const struct view *view, uint64_t address)
{
	size_t low = 0, high = view->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (window_end(&view->windows[middle]) <= address)
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

bool view_want(struct view *view, uint64_t start, uint32_t bytes)
{
	size_t place = window_behind(view, start), last = place;
	uint64_t end = start + bytes, from = start, upto = end;

	if (end <= start || bytes > BUFFER_MAX)
		return false;
	if (place < view->count && view->windows[place].start <= start &&
	    window_end(&view->windows[place]) >= end) {
		view->windows[place].used = view->look;
		return true;
	}
	/* Swallows what it overlaps. */
	for (; last < view->count && view->windows[last].start < end; last++) {
		if (view->windows[last].start < from)
			from = view->windows[last].start;
		if (window_end(&view->windows[last]) > upto)
			upto = window_end(&view->windows[last]);
	}
	if (upto - from > BUFFER_MAX) {
		from = start;
		upto = end;
	}
	if (last == place) {
		if (view->count == WINDOWS_MAX)
			return false;
		window_insert(view, place);
	} else {
		memmove(&view->windows[place + 1], &view->windows[last],
			(view->count - last) * sizeof(*view->windows));
		view->count -= last - place - 1;
	}
	view->windows[place] = (struct view_window){
		.start = from, .bytes = (uint32_t)(upto - from), .used = view->look};
	return true;
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

/* Whether so little lies between that both are read as one place. */
static bool is_near(const struct iovec *before, const struct view_window *window)
{
	uint64_t end = (uintptr_t)before->iov_base + before->iov_len;

	return window->start >= end && window->start - end <= JOIN_BYTES;
}

/* The places of all windows, in turn. Tells each window where its bytes will be, from 0 on. Returns
 * how many places. */
static size_t lay_out(struct view *view, struct iovec *places, size_t *bytes)
{
	size_t count = 0;

	*bytes = 0;
	for (size_t i = 0; i < view->count && *bytes <= BUFFER_MAX; i++) {
		struct view_window *window = window_in_turn(view, i);

		window->is_read = false;
		if (count && is_near(&places[count - 1], window)) {
			struct iovec *last = &places[count - 1];
			uint64_t more =
				window_end(window) - ((uintptr_t)last->iov_base + last->iov_len);

			last->iov_len += more;
			*bytes += more;
		} else {
			places[count++] =
				(struct iovec){(void *)(uintptr_t)window->start, window->bytes};
			*bytes += window->bytes;
		}
		window->offset = (uint32_t)(*bytes - window->bytes);
	}
	return count;
}

static void add_words(const struct view_words *words, size_t count, struct iovec *local,
		      struct iovec *remote)
{
	for (size_t i = 0; i < count; i++) {
		local[i] = (struct iovec){words[i].out, words[i].bytes};
		remote[i] = (struct iovec){(void *)(uintptr_t)words[i].address, words[i].bytes};
	}
}

/* The place that could not be read takes its windows along: they are not there any more. What is
 * not there is a page at least. */
static void drop_windows(struct view *view, const struct iovec *place)
{
	uint64_t start = (uintptr_t)place->iov_base, end = start + place->iov_len;
	size_t kept = 0;

	if (start / PAGE_BYTES == (end - 1) / PAGE_BYTES) {
		start -= start % PAGE_BYTES;
		end = start + PAGE_BYTES;
	}
	for (size_t i = 0; i < view->count; i++) {
		if (window_end(&view->windows[i]) <= start || view->windows[i].start > end - 1)
			view->windows[kept++] = view->windows[i];
	}
	view->count = kept;
}

/* Where places are copied to, one behind the other. */
static void local_places(const struct view *view, const struct iovec *remote, size_t places,
			 struct iovec *local)
{
	unsigned char *out = view->buffer;

	for (size_t i = 0; i < places; i++) {
		local[i] = (struct iovec){out, remote[i].iov_len};
		out += remote[i].iov_len;
	}
}

/* The parts of one reading: how many places there are up to the end of each. */
struct parts {
	size_t words, windows, all;
};

/* All places in the order in which they are read. False where they are too much to be true. */
static bool place_all(struct view *view, const struct view_plan *plan, struct parts *parts)
{
	size_t room = view->count + plan->word_count + plan->after_count, at, count;
	struct iovec *local, *remote;

	view->first = window_behind(view, plan->interest);
	local = view->local =
		memory_grow(view->local, room, &view->local_room, sizeof(*local), purpose);
	remote = view->remote =
		memory_grow(view->remote, room, &view->remote_room, sizeof(*remote), purpose);
	add_words(plan->words, plan->word_count, local, remote);
	at = plan->word_count;
	parts->words = at;
	count = lay_out(view, remote + at, &view->used);
	if (!buffer_has_room(view, view->used))
		return false;
	local_places(view, remote + at, count, local + at);
	at += count;
	parts->windows = at;
	parts->all = at + plan->after_count;
	add_words(plan->after, plan->after_count, local + at, remote + at);
	return true;
}

/* How many places, from the first on, could be read; -1 where the process cannot. */
static ssize_t read_places(struct view *view, const struct target *target, size_t count)
{
	size_t at = 0;

	do {
		size_t some = count - at < TARGET_PLACES_MAX ? count - at : TARGET_PLACES_MAX;
		ssize_t done =
			target_read_places(target, view->local + at, view->remote + at, some);

		view->reads++;
		if (done < 0)
			return -1;
		at += (size_t)done;
		if ((size_t)done < some)
			break;
	} while (at < count);
	return (ssize_t)at;
}

enum view_result view_read(struct view *view, const struct target *target, struct view_plan *plan)
{
	struct parts parts;
	size_t drops = 0;

	for (;;) {
		ssize_t done;

		if (!place_all(view, plan, &parts)) {
			view->count = 0;
			continue;
		}
		done = read_places(view, target, parts.all);
		if (done < 0)
			return VIEW_GONE;
		if ((size_t)done >= parts.windows) {
			plan->after_read = (size_t)done - parts.windows;
			break;
		}
		if ((size_t)done < parts.words)
			return VIEW_NOTHING;
		drop_windows(view, &view->remote[done]);
		if (++drops == DROPS_MAX)
			view->count = 0;
	}
	for (size_t i = 0; i < view->count; i++)
		view->windows[i].is_read = true;
	return VIEW_READ;
}

bool view_fetch(struct view *view, const struct target *target, uint64_t start, uint32_t bytes)
{
	struct view_window *window;
	size_t place;

	if (!view_want(view, start, bytes))
		return false;
	place = window_behind(view, start);
	window = &view->windows[place];
	view->hint = place;
	if (window->is_read)
		return true;
	if (!buffer_has_room(view, view->used + window->bytes))
		return false;
	view->reads++;
	if (!target_read(target, window->start, view->buffer + view->used, window->bytes)) {
		memmove(window, window + 1, (view->count - place - 1) * sizeof(*window));
		view->count--;
		return false;
	}
	window->offset = (uint32_t)view->used;
	window->is_read = true;
	view->used += window->bytes;
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
