#include "capture/encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "capture/cursor.h"
#include "capture/format.h"

/*
 *  1. Every slot below `fresh` has a block, or is once in known[0..known_count), which the reader
 * of this chunk has too, or has its bit in `idle`. A bit of idle_words says that a word of `idle`
 *     is not 0; idle_count is how many bits are set.
 *  2. A slot is given out from the end of `known`; when that is empty some of `idle` are moved
 *     there; when that is empty too, the next never-used one. So there are never more slots than
 *     blocks have lived at once.
 *  3. born[slot] is the number of the allocation that gave it out, 0 while it is free. Numbers wrap
 *     (and skip 0): an age that they give is used only if `recent` confirms it.
 *  4. What one call adds to a part is at most ENCODER_SLACK.
 *  5. site_index and place_index may forget and may hold what is of an earlier chunk: an entry
 *     counts only if the site that it names is the one looked for.
 */
#define ENCODER_REFILLED    1024u /* idle slots told of at once */
#define ENCODER_SLACK       (ENCODER_REFILLED * 12 + 256)
#define ENCODER_FIRST_SLOTS 4096u
#define ENCODER_LENGTH      4u /* bytes that hold how long the codes are */

/* A site with a number from here on is better said as one of the latest, if it is: a name that
 * shifts costs the compression more than a byte, but less than two. */
#define ENCODER_LATEST_FROM 2048u

#define ENCODER_WAYS       4u
#define ENCODER_INDEX_BITS 12u /* sets of ENCODER_WAYS numbers */
#define ENCODER_SETS       (1u << ENCODER_INDEX_BITS)

struct encoder {
	unsigned char *code, *argument; /* where the next byte goes */
	unsigned char *codes, *arguments;

	uint32_t events;
	uint32_t allocations;       /* number of the last one */
	uint32_t chunk_allocations; /* in this chunk */
	thread_id threads[CODE_THREADS];
	slot_id last_freed;
	stack_id last_stack;
	uint64_t units;

	slot_id fresh; /* the next never-used slot */
	slot_id slots; /* allocated size of what is indexed by slot */
	uint32_t *born;
	slot_id *known;
	uint32_t known_count, idle_count;
	uint64_t *idle, *idle_words;
	uint32_t idle_first; /* no bit of idle_words is set below this word of it */

	uint32_t site_count, place_count;
	uint16_t site_index[ENCODER_SETS][ENCODER_WAYS];
	uint16_t place_index[ENCODER_SETS][ENCODER_WAYS];
	slot_id recent[CODE_RECENT]; /* [allocation number % CODE_RECENT] */
	struct event_site sites[CODE_SITES];
	struct event_place places[CODE_SITES];
};

static const char purpose[] = "the capture's encoder";

struct encoder *encoder_create(void)
{
	struct encoder *e = memory_check(calloc(1, sizeof(*e)), purpose);

	e->codes = memory_check(malloc(ENCODER_CHUNK_BYTES + ENCODER_SLACK), purpose);
	e->arguments = memory_check(malloc(ENCODER_CHUNK_BYTES + ENCODER_SLACK), purpose);
	e->fresh = 1;
	encoder_begin(e, 0);
	return e;
}

void encoder_destroy(struct encoder *e)
{
	if (!e)
		return;
	free(e->codes);
	free(e->arguments);
	free(e->born);
	free(e->known);
	free(e->idle);
	free(e->idle_words);
	free(e);
}

static inline void encoder_add(struct encoder *e, uint64_t value)
{
	while (value >= 0x80) {
		*e->argument++ = (unsigned char)(value | 0x80);
		value >>= 7;
	}
	*e->argument++ = (unsigned char)value;
}

static inline void encoder_add_difference(struct encoder *e, uint64_t value, uint64_t from)
{
	encoder_add(e, cursor_zigzag(value - from));
}

static void encoder_make_idle(struct encoder *e)
{
	for (uint32_t i = 0; i < e->known_count; i++) {
		slot_id slot = e->known[i];

		e->idle[slot / 64] |= 1ull << slot % 64;
		e->idle_words[slot / 4096] |= 1ull << slot / 64 % 64;
		if (slot / 4096 < e->idle_first)
			e->idle_first = slot / 4096;
	}
	e->idle_count += e->known_count;
	e->known_count = 0;
}

/* Takes the lowest idle slot; there must be one. */
static slot_id encoder_take_idle(struct encoder *e)
{
	uint32_t word, bit;

	while (!e->idle_words[e->idle_first])
		e->idle_first++;
	word = e->idle_first * 64 + (uint32_t)__builtin_ctzll(e->idle_words[e->idle_first]);
	bit = (uint32_t)__builtin_ctzll(e->idle[word]);
	e->idle[word] &= e->idle[word] - 1;
	if (!e->idle[word])
		e->idle_words[word / 64] &= e->idle_words[word / 64] - 1;
	e->idle_count--;
	return word * 64 + bit;
}

/* Moves idle slots to the known ones and tells of them, as runs. The first of them will be the
 * first to be given out. */
static void encoder_refill(struct encoder *e)
{
	uint32_t count = e->idle_count < ENCODER_REFILLED ? e->idle_count : ENCODER_REFILLED;
	slot_id last = 0;
	slot_id first = encoder_take_idle(e);
	uint32_t length = 1;

	*e->code++ = CODE_REFILL;
	encoder_add(e, count);
	for (uint32_t left = count; left--;) {
		slot_id next = left ? encoder_take_idle(e) : 0;

		e->known[left] = first + length - 1;
		if (next == first + length) {
			length++;
			continue;
		}
		encoder_add(e, first - last - 1);
		encoder_add(e, length - 1);
		last = first + length - 1;
		first = next;
		length = 1;
	}
	e->known_count = count;
}

void encoder_begin(struct encoder *e, uint64_t units)
{
	e->code = e->codes + ENCODER_LENGTH;
	e->argument = e->arguments;
	e->events = 0;
	e->chunk_allocations = 0;
	e->last_freed = 0;
	e->last_stack = 0;
	e->units = units;
	e->site_count = 0;
	e->place_count = 0;
	memset(e->threads, 0, sizeof(e->threads));
	encoder_make_idle(e);
	encoder_add(e, e->fresh);
}

void encoder_time(struct encoder *e, uint64_t units)
{
	*e->code++ = CODE_TIME;
	encoder_add(e, units - e->units);
	e->units = units;
}

uint64_t encoder_units(const struct encoder *e)
{
	return e->units;
}

static void encoder_thread(struct encoder *e, thread_id thread)
{
	unsigned i = 1;

	while (i < CODE_THREADS && e->threads[i] != thread)
		i++;
	if (i < CODE_THREADS) {
		*e->code++ = (unsigned char)(CODE_THREAD_RECENT + i - 1);
	} else {
		*e->code++ = CODE_THREAD;
		encoder_add(e, thread);
		i = CODE_THREADS - 1;
	}
	for (; i; i--)
		e->threads[i] = e->threads[i - 1];
	e->threads[0] = thread;
}

static void *encoder_grow(void *memory, size_t from, size_t to)
{
	unsigned char *grown = memory_check(realloc(memory, to), purpose);

	memset(grown + from, 0, to - from);
	return grown;
}

static void encoder_add_slots(struct encoder *e)
{
	size_t from = e->slots, to = from ? from * 2 : ENCODER_FIRST_SLOTS;

	if (to > UINT32_MAX) {
		fputs("sonde: more than 2^31 blocks at once\n", stderr);
		abort();
	}
	e->born = encoder_grow(e->born, from * sizeof(*e->born), to * sizeof(*e->born));
	e->known = encoder_grow(e->known, from * sizeof(*e->known), to * sizeof(*e->known));
	e->idle = encoder_grow(e->idle, from / 8, to / 8);
	e->idle_words = encoder_grow(e->idle_words, from / 512, to / 512);
	e->slots = (slot_id)to;
}

/* A slot when the reader knows of no free one. */
static slot_id encoder_other_slot(struct encoder *e)
{
	if (!e->idle_count) {
		if (e->fresh >= e->slots)
			encoder_add_slots(e);
		return e->fresh++;
	}
	encoder_refill(e);
	return e->known[--e->known_count];
}

/* Takes `number` to the front of a set of the index. */
static void encoder_remember(uint16_t set[ENCODER_WAYS], uint32_t number)
{
	memmove(set + 1, set, (ENCODER_WAYS - 1) * sizeof(*set));
	set[0] = (uint16_t)number;
}

static uint32_t encoder_find_place(const struct encoder *e, const uint16_t set[ENCODER_WAYS],
				   const struct event_site *site)
{
	for (unsigned way = 0; way < ENCODER_WAYS; way++) {
		const struct event_place *place = &e->places[set[way]];

		if (set[way] < e->place_count && place->stack == site->stack &&
		    place->allocator == site->allocator)
			return set[way];
	}
	return CODE_SITES;
}

static void encoder_new_site(struct encoder *e, const struct event_site *site, uint16_t *site_set)
{
	uint32_t h = (site->stack ^ site->allocator << 24) * 0x9e3779b1u;
	uint16_t *set = e->place_index[h >> (32 - ENCODER_INDEX_BITS)];
	uint32_t number = encoder_find_place(e, set, site);

	if (number < CODE_SITES) {
		*e->code++ = CODE_ALLOC_SIZE;
		encoder_add(e, number);
	} else {
		*e->code++ = CODE_ALLOC_NEW;
		encoder_add_difference(e, site->stack, e->last_stack);
		*e->argument++ = (unsigned char)site->allocator;
		e->last_stack = site->stack;
		if (e->place_count < CODE_SITES) {
			e->places[e->place_count] = (struct event_place){
				.stack = site->stack,
				.allocator = site->allocator,
			};
			encoder_remember(set, e->place_count++);
		}
	}
	encoder_add(e, site->bytes);
	if (e->site_count < CODE_SITES) {
		e->sites[e->site_count] = *site;
		encoder_remember(site_set, e->site_count++);
	}
}

static inline void encoder_known_site(struct encoder *e, uint32_t number)
{
	uint32_t newer = e->site_count - 1 - number;

	if (number < CODE_NEAR) {
		*e->code++ = (unsigned char)(CODE_ALLOC_NEAR + number);
	} else if (number >= ENCODER_LATEST_FROM && newer < CODE_LATEST) {
		*e->code++ = (unsigned char)(CODE_ALLOC_LATEST + newer);
	} else if (number < CODE_FAR) {
		*e->code++ = (unsigned char)(CODE_ALLOC_FAR + (number >> 8));
		*e->argument++ = (unsigned char)number;
	} else {
		*e->code++ = CODE_ALLOC_FARTHER;
		*e->argument++ = (unsigned char)number;
		*e->argument++ = (unsigned char)(number >> 8);
	}
}

static inline bool event_site_is(const struct event_site *site, thread_id stack, uint32_t allocator,
				 uint64_t bytes)
{
	return site->bytes == bytes && site->stack == stack && site->allocator == allocator;
}

static inline void encoder_site(struct encoder *e, stack_id stack, uint32_t allocator,
				uint64_t bytes)
{
	uint64_t h = bytes * 0x9e3779b97f4a7c15ull + stack * 0xd1b54a32d192ed03ull +
		     allocator * 0x8cb92ba72f3d8dd7ull;
	uint16_t *set =
		e->site_index[(h ^ h >> 32) * 0x9e3779b97f4a7c15ull >> (64 - ENCODER_INDEX_BITS)];

	for (unsigned way = 0; way < ENCODER_WAYS; way++) {
		if (set[way] < e->site_count &&
		    event_site_is(&e->sites[set[way]], stack, allocator, bytes)) {
			encoder_known_site(e, set[way]);
			return;
		}
	}
	encoder_new_site(
		e, &(struct event_site){.stack = stack, .allocator = allocator, .bytes = bytes},
		set);
}

slot_id encoder_alloc(struct encoder *e, thread_id thread, uint32_t allocator, stack_id stack,
		      uint64_t bytes)
{
	slot_id slot;

	if (thread != e->threads[0])
		encoder_thread(e, thread);
	slot = e->known_count ? e->known[--e->known_count] : encoder_other_slot(e);
	if (!++e->allocations)
		e->allocations = 1;
	e->chunk_allocations++;
	e->born[slot] = e->allocations;
	e->recent[e->allocations % CODE_RECENT] = slot;
	e->events++;
	encoder_site(e, stack, allocator, bytes);
	return slot;
}

bool encoder_free(struct encoder *e, thread_id thread, slot_id slot)
{
	uint32_t age, step;

	if (slot >= e->slots || !e->born[slot])
		return false;
	if (thread != e->threads[0])
		encoder_thread(e, thread);
	age = e->allocations - e->born[slot];
	step = slot - e->last_freed + CODE_STEPS;
	if (age < CODE_AGES + CODE_OLDER &&
	    (age >= e->chunk_allocations || e->recent[e->born[slot] % CODE_RECENT] != slot))
		age = UINT32_MAX;
	if (age < CODE_AGES) {
		*e->code++ = (unsigned char)(CODE_FREE_AGE + age);
	} else if (step <= 2 * CODE_STEPS && step != CODE_STEPS) {
		*e->code++ = (unsigned char)(CODE_FREE_STEP + step - (step > CODE_STEPS));
	} else if (age < CODE_AGES + CODE_OLDER) {
		*e->code++ = (unsigned char)(CODE_FREE_OLDER + ((age - CODE_AGES) >> 8));
		*e->argument++ = (unsigned char)(age - CODE_AGES);
	} else {
		*e->code++ = CODE_FREE_SLOT;
		encoder_add_difference(e, slot, e->last_freed);
	}
	e->last_freed = slot;
	e->born[slot] = 0;
	e->known[e->known_count++] = slot;
	e->events++;
	return true;
}

bool encoder_shrink(struct encoder *e, thread_id thread, slot_id slot, uint64_t bytes)
{
	if (slot >= e->slots || !e->born[slot])
		return false;
	if (thread != e->threads[0])
		encoder_thread(e, thread);
	*e->code++ = CODE_SHRINK;
	encoder_add_difference(e, slot, e->last_freed);
	encoder_add(e, bytes);
	e->events++;
	return true;
}

struct encoder_payload encoder_payload(struct encoder *e)
{
	struct encoder_payload payload = {
		.codes = e->codes,
		.arguments = e->arguments,
		.code_bytes = (size_t)(e->code - e->codes),
		.argument_bytes = (size_t)(e->argument - e->arguments),
		.events = e->events,
	};

	for (unsigned i = 0; i < ENCODER_LENGTH; i++)
		e->codes[i] = (unsigned char)((payload.code_bytes - ENCODER_LENGTH) >> 8 * i);
	return payload;
}

ptrdiff_t encoder_room(const struct encoder *e)
{
	return (ptrdiff_t)ENCODER_CHUNK_BYTES - (e->code - e->codes) - (e->argument - e->arguments);
}
