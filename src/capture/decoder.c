#include "capture/decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/cursor.h"
#include "capture/format.h"

/*
 *  1. Slots below `fresh` were given out at some time. `known` holds slots to be given out next,
 *     last first; none of them is checked before it is.
 *  2. A bit of `live` (whole captures only) says that a block has the slot; all are below fresh.
 *  3. known_size covers what one chunk can put into `known`: a slot for each byte of code, and one
 *     list, for a list comes only when `known` is empty.
 */
#define DECODER_LENGTH      4u
#define DECODER_FIRST_SLOTS 65536u

struct decoder {
	bool whole;
	const char *problem;

	const unsigned char *codes, *code, *code_end;
	struct cursor arguments;
	uint32_t events_left;
	uint64_t units, last_units; /* of time */
	stack_id stacks;
	thread_id threads_known;

	thread_id threads[CODE_THREADS];
	slot_id last_freed;
	stack_id last_stack;
	uint32_t allocations; /* in this chunk */
	uint32_t site_count, place_count;

	uint64_t fresh; /* the next never-used slot; wider than a slot, so it cannot wrap */
	slot_id *known;
	size_t known_count, known_size;
	uint64_t *live;
	uint64_t live_slots; /* that `live` has room for */

	slot_id recent[CODE_RECENT]; /* [allocation in the chunk % CODE_RECENT] */
	struct event_site sites[CODE_SITES];
	struct event_place places[CODE_SITES];
};

struct decoder *decoder_create(bool whole)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (d) {
		d->whole = whole;
		d->fresh = 1;
	}
	return d;
}

void decoder_destroy(struct decoder *d)
{
	if (!d)
		return;
	free(d->known);
	free(d->live);
	free(d);
}

static bool decoder_fail(struct decoder *d, const char *problem)
{
	if (!d->problem)
		d->problem = problem;
	d->code = d->code_end;
	return false;
}

static const char *decoder_begin_slots(struct decoder *d, size_t code_bytes)
{
	uint64_t fresh = cursor_bounded(&d->arguments, UINT32_MAX);
	size_t size = code_bytes + CODE_SLOTS_MAX;

	if (d->arguments.failed || (d->whole ? fresh != d->fresh : fresh < d->fresh))
		return "slots are left out";
	d->fresh = fresh;
	d->known_count = 0;
	if (size > d->known_size) {
		slot_id *known = realloc(d->known, size * sizeof(*known));

		if (!known)
			return "more events than memory can hold";
		d->known = known;
		d->known_size = size;
	}
	return NULL;
}

const char *decoder_begin(struct decoder *d, const struct decoder_chunk *chunk)
{
	struct cursor c = cursor_over(chunk->payload, chunk->length);
	const unsigned char *length = cursor_bytes(&c, DECODER_LENGTH);
	size_t code_bytes;

	d->code = d->code_end = d->codes = NULL;
	d->problem = "an event chunk breaks off";
	if (c.failed)
		return d->problem;
	code_bytes = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 |
		     (size_t)length[3] << 24;
	d->codes = cursor_bytes(&c, code_bytes);
	if (c.failed)
		return d->problem;
	d->arguments = c;
	d->problem = decoder_begin_slots(d, code_bytes);
	if (d->problem)
		return d->problem;
	d->code = d->codes;
	d->code_end = d->codes + code_bytes;
	d->events_left = chunk->events;
	d->units = chunk->first_ns >> CODE_TIME_SHIFT;
	d->last_units = chunk->last_ns >> CODE_TIME_SHIFT;
	d->stacks = chunk->stacks;
	d->threads_known = chunk->threads;
	memset(d->threads, 0, sizeof(d->threads));
	d->last_freed = 0;
	d->last_stack = 0;
	d->allocations = 0;
	d->site_count = 0;
	d->place_count = 0;
	return NULL;
}

const char *decoder_problem(const struct decoder *d)
{
	return d->problem;
}

double decoder_progress(const struct decoder *d)
{
	if (d->code_end == d->codes)
		return 1;
	return (double)(d->code - d->codes) / (double)(d->code_end - d->codes);
}

static bool decoder_grow_live(struct decoder *d, uint64_t slot)
{
	uint64_t slots = d->live_slots ? d->live_slots : DECODER_FIRST_SLOTS;
	uint64_t *live;

	while (slots <= slot)
		slots *= 2;
	live = realloc(d->live, slots / 8);
	if (!live)
		return decoder_fail(d, "more blocks than memory can hold");
	memset(live + d->live_slots / 64, 0, (slots - d->live_slots) / 8);
	d->live = live;
	d->live_slots = slots;
	return true;
}

/* A slot for an allocation. */
static inline bool decoder_take_slot(struct decoder *d, slot_id *slot)
{
	if (d->known_count) {
		*slot = d->known[--d->known_count];
	} else {
		if (d->fresh > UINT32_MAX)
			return decoder_fail(d, "more slots than there are numbers");
		*slot = (slot_id)d->fresh++;
	}
	if (d->whole) {
		if (*slot >= d->live_slots && !decoder_grow_live(d, *slot))
			return false;
		if (d->live[*slot / 64] >> *slot % 64 & 1)
			return decoder_fail(d, "a slot is given out that a block has");
		d->live[*slot / 64] |= 1ull << *slot % 64;
	}
	return true;
}

static inline bool decoder_is_block(struct decoder *d, uint64_t slot)
{
	if (!slot || slot >= d->fresh)
		return decoder_fail(d, "a slot is named that is not there");
	if (d->whole && !(d->live[slot / 64] >> slot % 64 & 1))
		return decoder_fail(d, "a block is named that does not live");
	return true;
}

/* The place of a new site. */
static bool decoder_place(struct decoder *d, unsigned code, struct event_place *place)
{
	struct cursor *c = &d->arguments;

	if (code == CODE_ALLOC_SIZE) {
		uint64_t number = cursor_varint(c);

		if (number >= d->place_count)
			return decoder_fail(d, "a place is named that is not there");
		*place = d->places[number];
	} else {
		uint64_t stack = d->last_stack + cursor_unzigzag(cursor_varint(c));

		place->allocator = cursor_byte(c);
		if (stack > d->stacks)
			return decoder_fail(d, "a stack is named that is not there");
		place->stack = d->last_stack = (stack_id)stack;
		if (d->place_count < CODE_SITES)
			d->places[d->place_count++] = *place;
	}
	return true;
}

static bool decoder_new_site(struct decoder *d, unsigned code, struct event_site *site)
{
	struct event_place place;
	uint64_t bytes;

	if (!decoder_place(d, code, &place))
		return false;
	bytes = cursor_varint(&d->arguments);
	if (d->arguments.failed || bytes > FORMAT_BLOCK_BYTES_MAX)
		return decoder_fail(d, "an allocation breaks off");
	*site = (struct event_site){
		.stack = place.stack,
		.allocator = place.allocator,
		.bytes = bytes,
	};
	if (d->site_count < CODE_SITES)
		d->sites[d->site_count++] = *site;
	return true;
}

static inline bool decoder_site(struct decoder *d, unsigned code, struct event_site *site)
{
	struct cursor *c = &d->arguments;
	uint32_t number;

	if (code < CODE_ALLOC_LATEST) {
		number = code;
	} else if (code < CODE_FREE_AGE) {
		number = d->site_count - 1 - (code - CODE_ALLOC_LATEST);
	} else if (code < CODE_FREE_OLDER) {
		number = (code - CODE_ALLOC_FAR) << 8;
		number |= cursor_byte(c);
	} else if (code == CODE_ALLOC_FARTHER) {
		number = cursor_byte(c);
		number |= (uint32_t)cursor_byte(c) << 8;
	} else {
		return decoder_new_site(d, code, site);
	}
	if (number >= d->site_count || c->failed)
		return decoder_fail(d, "a site is named that is not there");
	*site = d->sites[number];
	return true;
}

static inline bool decoder_alloc(struct decoder *d, unsigned code, struct event *event)
{
	struct event_site site;
	slot_id slot;

	if (!decoder_site(d, code, &site) || !decoder_take_slot(d, &slot))
		return false;
	d->recent[d->allocations++ % CODE_RECENT] = slot;
	*event = (struct event){
		.kind = EVENT_ALLOC,
		.allocator = (uint8_t)site.allocator,
		.thread = d->threads[0],
		.slot = slot,
		.stack = site.stack,
		.bytes = site.bytes,
		.time_ns = d->units << CODE_TIME_SHIFT,
	};
	return true;
}

static inline bool decoder_free(struct decoder *d, unsigned code, struct event *event)
{
	struct cursor *c = &d->arguments;
	uint64_t slot;

	if (code < CODE_FREE_STEP || (code >= CODE_FREE_OLDER && code < CODE_ALLOC_FARTHER)) {
		uint32_t age = code - CODE_FREE_AGE;

		if (code >= CODE_FREE_OLDER) {
			age = CODE_AGES + ((code - CODE_FREE_OLDER) << 8);
			age += cursor_byte(c);
		}
		if (age >= d->allocations || c->failed)
			return decoder_fail(d, "a block is named that is older than its chunk");
		slot = d->recent[(d->allocations - 1 - age) % CODE_RECENT];
	} else if (code < CODE_ALLOC_FAR) {
		slot = (uint64_t)d->last_freed + code - CODE_FREE_STEP;
		slot -= CODE_STEPS - (code >= CODE_FREE_STEP + CODE_STEPS);
	} else {
		slot = d->last_freed + cursor_unzigzag(cursor_varint(c));
	}
	if (!decoder_is_block(d, slot))
		return false;
	if (d->whole)
		d->live[slot / 64] &= ~(1ull << slot % 64);
	d->last_freed = (slot_id)slot;
	d->known[d->known_count++] = (slot_id)slot;
	*event = (struct event){
		.kind = EVENT_FREE,
		.thread = d->threads[0],
		.slot = (slot_id)slot,
		.time_ns = d->units << CODE_TIME_SHIFT,
	};
	return true;
}

static bool decoder_shrink(struct decoder *d, struct event *event)
{
	uint64_t slot = d->last_freed + cursor_unzigzag(cursor_varint(&d->arguments));
	uint64_t bytes = cursor_varint(&d->arguments);

	if (d->arguments.failed)
		return decoder_fail(d, "an event breaks off");
	if (!decoder_is_block(d, slot))
		return false;
	*event = (struct event){
		.kind = EVENT_SHRINK,
		.thread = d->threads[0],
		.slot = (slot_id)slot,
		.bytes = bytes,
		.time_ns = d->units << CODE_TIME_SHIFT,
	};
	return true;
}

static void decoder_thread(struct decoder *d, unsigned code)
{
	unsigned i = code - CODE_THREAD_RECENT + 1;
	uint64_t thread;

	if (code == CODE_THREAD) {
		i = CODE_THREADS - 1;
		thread = cursor_varint(&d->arguments);
	} else {
		thread = d->threads[i];
	}
	if (thread > d->threads_known || d->arguments.failed) {
		decoder_fail(d, "a thread is named that is not there");
		return;
	}
	for (; i; i--)
		d->threads[i] = d->threads[i - 1];
	d->threads[0] = (thread_id)thread;
}

/* The slots listed first are given out first. */
static void decoder_refill(struct decoder *d)
{
	struct cursor *c = &d->arguments;
	uint64_t count = cursor_bounded(c, CODE_SLOTS_MAX);
	uint64_t next = 0;

	if (d->known_count || c->failed) {
		decoder_fail(d, c->failed ? "a list of slots is not right"
					  : "slots are listed while there are some");
		return;
	}
	for (uint64_t left = count; left;) {
		uint64_t first = next + 1 + cursor_bounded(c, UINT32_MAX);
		uint64_t length = 1 + cursor_bounded(c, CODE_SLOTS_MAX);

		next = first + length - 1;
		if (c->failed || length > left || next >= d->fresh) {
			decoder_fail(d, "a list of slots is not right");
			return;
		}
		for (; length; length--)
			d->known[--left] = (slot_id)first++;
	}
	d->known_count = count;
}

static void decoder_control(struct decoder *d, unsigned code)
{
	uint64_t units;

	switch (code) {
	case CODE_TIME:
		units = cursor_varint(&d->arguments);
		if (d->arguments.failed || units > d->last_units - d->units)
			decoder_fail(d, "a time is beyond its chunk");
		else
			d->units += units;
		break;
	case CODE_REFILL:
		decoder_refill(d);
		break;
	case CODE_THREAD:
	case CODE_THREAD_RECENT:
	case CODE_THREAD_RECENT + 1:
	case CODE_THREAD_RECENT + 2:
		decoder_thread(d, code);
		break;
	default:
		decoder_fail(d, "an event code that is none");
		break;
	}
}

/* Whether all that the chunk says to have was there. */
static void decoder_end(struct decoder *d)
{
	if (!d->problem && (d->events_left || cursor_left(&d->arguments)))
		d->problem = "an event chunk holds other than it says";
}

size_t decoder_run(struct decoder *d, struct event *events, size_t max)
{
	size_t n = 0;
	bool good;

	while (n < max && d->code < d->code_end) {
		unsigned code = *d->code++;

		if (code < CODE_FREE_AGE)
			good = decoder_alloc(d, code, &events[n]);
		else if (code < CODE_ALLOC_FAR)
			good = decoder_free(d, code, &events[n]);
		else if (code < CODE_FREE_OLDER ||
			 (code >= CODE_ALLOC_FARTHER && code <= CODE_ALLOC_NEW))
			good = decoder_alloc(d, code, &events[n]);
		else if (code <= CODE_FREE_SLOT)
			good = decoder_free(d, code, &events[n]);
		else if (code == CODE_SHRINK)
			good = decoder_shrink(d, &events[n]);
		else {
			decoder_control(d, code);
			continue;
		}
		if (!good)
			break;
		if (!d->events_left) {
			decoder_fail(d, "an event chunk holds other than it says");
			break;
		}
		d->events_left--;
		n++;
	}
	if (n < max)
		decoder_end(d);
	return n;
}
