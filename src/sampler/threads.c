#include "sampler/threads.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sampler/dict.h"
#include "sampler/integer.h"
#include "sampler/unicode.h"

#define THREADS_MOST 65536u
#define READS_MOST   500000u
#define TIME_MOST_NS 500000000u

void threads_init(struct threads *threads)
{
	*threads = (struct threads){0};
}

void threads_deinit(struct threads *threads)
{
	if (!threads)
		return;
	free(threads->items);
	free(threads->places);
	threads_init(threads);
}

static struct threads_entry *add_entry(struct threads *threads)
{
	threads->items = memory_grow(threads->items, threads->count + 1, &threads->room,
				     sizeof(*threads->items), "names of threads");
	threads->items[threads->count] = (struct threads_entry){0};
	return &threads->items[threads->count++];
}

/* sys.modules["threading"]._active; 0 if it is not there. */
static uint64_t find_active(const struct space *space, uint64_t interp)
{
	struct dict_cursor cursor;
	uint64_t dict, module, active, used;

	if (!pages_read_u64(space->pages, interp + space->layout->interp_modules, &dict) ||
	    !dict_open(space, dict, &cursor, &used) || !dict_find(&cursor, "threading", &module) ||
	    !pages_read_u64(space->pages, module + space->builtins->module_dict, &dict) ||
	    !dict_open(space, dict, &cursor, &used) || !dict_find(&cursor, "_active", &active))
		return 0;
	return active;
}

static void read_thread(struct threads *threads, const struct space *space, uint64_t ident,
			uint64_t object)
{
	struct threads_entry *entry;
	struct dict_cursor cursor;
	struct type type;
	uint64_t key, value;
	int64_t number;

	if (!integer_read(space, ident, &number) || !type_of(space, object, &type) ||
	    !dict_open_attributes(space, object, &type, &cursor))
		return;
	entry = add_entry(threads);
	entry->ident = (uint64_t)number;
	while (dict_next(&cursor, &key, &value)) {
		if (unicode_equals(space, key, "_name"))
			unicode_read(space, value, entry->name, sizeof(entry->name));
		else if (unicode_equals(space, key, "_native_id") &&
			 integer_read(space, value, &number))
			entry->native_id = number;
	}
}

/* Where the dict of this interpreter was found before; never NULL. */
static struct threads_place *place_of(struct threads *threads, uint64_t interp)
{
	for (size_t i = 0; i < threads->place_count; i++)
		if (threads->places[i].interp == interp)
			return &threads->places[i];
	threads->places =
		memory_grow(threads->places, threads->place_count + 1, &threads->place_room,
			    sizeof(*threads->places), "names of threads");
	threads->places[threads->place_count] = (struct threads_place){.interp = interp};
	return &threads->places[threads->place_count++];
}

static void read_interpreter(struct threads *threads, const struct space *space, uint64_t interp)
{
	struct threads_place *place = place_of(threads, interp);
	uint64_t key, value, used;
	struct dict_cursor cursor;

	if (!place->active || !dict_open(space, place->active, &cursor, &used)) {
		place->active = find_active(space, interp);
		if (!place->active || !dict_open(space, place->active, &cursor, &used))
			return;
	}
	while (threads->count < THREADS_MOST && dict_next(&cursor, &key, &value))
		read_thread(threads, space, key, value);
}

static int compare(const void *a, const void *b)
{
	const struct threads_entry *left = a, *right = b;

	return left->ident < right->ident ? -1 : left->ident > right->ident;
}

void threads_read(struct threads *threads, const struct space *space, const uint64_t *interps,
		  size_t count)
{
	threads->count = 0;
	pages_begin(space->pages, READS_MOST, TIME_MOST_NS);
	for (size_t i = 0; i < count; i++)
		read_interpreter(threads, space, interps[i]);
	if (threads->count)
		qsort(threads->items, threads->count, sizeof(*threads->items), compare);
}

const struct threads_entry *threads_find(const struct threads *threads, uint64_t ident)
{
	const struct threads_entry wanted = {.ident = ident};

	return threads->count ? bsearch(&wanted, threads->items, threads->count,
					sizeof(*threads->items), compare)
			      : NULL;
}
