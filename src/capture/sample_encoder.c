#include "capture/sample_encoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/map.h"
#include "base/memory.h"
#include "capture/cursor.h"
#include "capture/format.h"
#include "capture/sample_code.h"

/*
 *  1. Between two calls every round is complete: the threads that `kept` counts reach to its end.
 *  2. Codes are written after those of the threads that are kept before them (encoder_flush).
 *  3. What a round adds is at most SAMPLE_ENCODER_SLACK bytes.
 *  4. A group's list of the chunk is what a decoder has too. here[thread] and listed[thread] are
 *     the serial of the round that looked at them last, of those that are in it or in its list.
 */
#define SAMPLE_ENCODER_BYTES   (256u << 10)
#define SAMPLE_ENCODER_SLACK   (SAMPLE_ENCODER_THREADS * 32)
#define SAMPLE_ENCODER_SAMPLES (1u << 20)
#define SAMPLE_ENCODER_HEAD    8u /* lengths of codes and arguments */

/* Without a period: units of 1,024 ns. */
#define SAMPLE_ENCODER_SHIFT 10u

_Static_assert(SAMPLE_ENCODER_BYTES + SAMPLE_ENCODER_SLACK <= FORMAT_PAYLOAD_MAX,
	       "a chunk is above its ceiling");
_Static_assert(SAMPLE_ENCODER_SAMPLES + SAMPLE_ENCODER_THREADS <= FORMAT_SAMPLES_MAX,
	       "a chunk has more samples than a reader takes");

struct sample_list {
	struct capture_sample *items;
	size_t count, room;
};

struct sample_group {
	struct sample_list list;
	uint32_t follower;
	bool together; /* its follower's round is of the same time */
};

struct sample_encoder {
	struct buffer codes, arguments, times;
	uint32_t samples;
	uint64_t kept; /* threads that do what they did, not written yet */

	unsigned shift;
	uint64_t period; /* in units */
	uint64_t first_ns, units;

	struct map group_numbers; /* key + 1 -> number */
	struct sample_group *groups;
	size_t group_count, group_room;
	uint32_t current;
	struct sample_list next; /* the current group's list, being made anew */

	struct map sites; /* (stack, flags, wait) -> number */
	uint16_t states[SAMPLE_CODE_STATES][2];
	unsigned state_count;
	stack_id last_stack;
	thread_id last_thread;

	uint32_t *here, *listed;
	size_t thread_room;
	uint32_t serial;
};

static const char purpose[] = "the capture's samples";

struct sample_encoder *sample_encoder_create(uint64_t period_ns)
{
	struct sample_encoder *e = memory_check(calloc(1, sizeof(*e)), purpose);

	buffer_init(&e->codes, FORMAT_PAYLOAD_MAX);
	buffer_init(&e->arguments, FORMAT_PAYLOAD_MAX);
	buffer_init(&e->times, FORMAT_PAYLOAD_MAX);
	map_init(&e->group_numbers);
	map_init(&e->sites);
	e->shift = SAMPLE_ENCODER_SHIFT;
	if (period_ns) {
		/* 16 to 31 units: times are most of what a thread that does nothing costs. */
		e->shift = 0;
		while (period_ns >> e->shift >= 32 && e->shift < SAMPLE_CODE_SHIFT_MAX)
			e->shift++;
		e->period = period_ns >> e->shift;
	}
	return e;
}

void sample_encoder_destroy(struct sample_encoder *e)
{
	if (!e)
		return;
	buffer_deinit(&e->codes);
	buffer_deinit(&e->arguments);
	buffer_deinit(&e->times);
	map_deinit(&e->group_numbers);
	map_deinit(&e->sites);
	for (size_t i = 0; i < e->group_room; i++)
		free(e->groups[i].list.items);
	free(e->groups);
	free(e->next.items);
	free(e->here);
	free(e->listed);
	free(e);
}

void sample_encoder_begin(struct sample_encoder *e, uint64_t first_ns)
{
	static const unsigned char no_lengths[SAMPLE_ENCODER_HEAD];

	buffer_clear(&e->codes);
	buffer_clear(&e->arguments);
	buffer_clear(&e->times);
	buffer_add(&e->codes, no_lengths, sizeof(no_lengths));
	buffer_add_varint(&e->arguments, e->shift);
	buffer_add_varint(&e->arguments, e->period);
	e->samples = 0;
	e->kept = 0;
	e->first_ns = first_ns;
	e->units = 0;
	map_deinit(&e->group_numbers);
	map_deinit(&e->sites);
	e->group_count = 0;
	e->current = 0;
	e->state_count = 0;
	e->last_stack = 0;
	e->last_thread = 0;
}

static void encoder_add_difference(struct sample_encoder *e, uint64_t value, uint64_t from)
{
	buffer_add_varint(&e->arguments, cursor_zigzag(value - from));
}

/* Writes the threads that are kept so far. */
static void encoder_flush(struct sample_encoder *e)
{
	while (e->kept > SAMPLE_CODE_KEPT) {
		unsigned index = 63 - (unsigned)__builtin_clzll(e->kept / SAMPLE_CODE_MANY);

		if (index >= SAMPLE_CODE_MANY_CODES)
			index = SAMPLE_CODE_MANY_CODES - 1;
		buffer_add_byte(&e->codes, (uint8_t)(SAMPLE_CODE_KEEP_MANY + index));
		e->kept -= (uint64_t)SAMPLE_CODE_MANY << index;
	}
	if (e->kept)
		buffer_add_byte(&e->codes, (uint8_t)(SAMPLE_CODE_KEEP + e->kept - 1));
	e->kept = 0;
}

static void encoder_new_site(struct sample_encoder *e, const struct capture_sample *s)
{
	unsigned state = 0;

	while (state < e->state_count &&
	       (e->states[state][0] != s->flags || e->states[state][1] != s->wait))
		state++;
	buffer_add_byte(&e->codes, SAMPLE_CODE_NEW);
	encoder_add_difference(e, s->stack, e->last_stack);
	buffer_add_varint(&e->arguments, state);
	e->last_stack = s->stack;
	if (state < e->state_count)
		return;
	buffer_add_varint(&e->arguments, s->flags);
	buffer_add_varint(&e->arguments, s->wait);
	if (state < SAMPLE_CODE_STATES) {
		e->states[state][0] = s->flags;
		e->states[state][1] = s->wait;
		e->state_count++;
	}
}

/* What the next thread does, which is another thing than it did. */
static void encoder_site(struct sample_encoder *e, const struct capture_sample *s)
{
	uint64_t key =
		((uint64_t)s->stack + 1) | (uint64_t)s->flags << 32 | (uint64_t)s->wait << 48;
	uint64_t number;

	encoder_flush(e);
	if (!map_find(&e->sites, key, &number)) {
		encoder_new_site(e, s);
		if (e->sites.used < SAMPLE_CODE_SITES)
			map_put(&e->sites, key, e->sites.used);
	} else if (number < SAMPLE_CODE_NEAR_SITES) {
		buffer_add_byte(&e->codes, (uint8_t)number);
	} else if (number < SAMPLE_CODE_FAR_SITES) {
		buffer_add_byte(&e->codes, (uint8_t)(SAMPLE_CODE_FAR + (number >> 8)));
		buffer_add_byte(&e->arguments, (uint8_t)number);
	} else {
		buffer_add_byte(&e->codes, SAMPLE_CODE_FARTHER);
		buffer_add_byte(&e->arguments, (uint8_t)number);
		buffer_add_byte(&e->arguments, (uint8_t)(number >> 8));
	}
}

static uint32_t encoder_group(struct sample_encoder *e, uint64_t key)
{
	uint64_t number;

	if (map_find(&e->group_numbers, key + 1, &number))
		return (uint32_t)number;
	if (e->group_count == e->group_room) {
		size_t room = e->group_room ? e->group_room * 2 : 8;

		e->groups = memory_check(realloc(e->groups, room * sizeof(*e->groups)), purpose);
		memset(e->groups + e->group_room, 0, (room - e->group_room) * sizeof(*e->groups));
		e->group_room = room;
	}
	number = e->group_count++;
	map_put(&e->group_numbers, key + 1, number);
	e->groups[number].list.count = 0;
	e->groups[number].follower = 0;
	e->groups[number].together = false;
	return (uint32_t)number;
}

/* The round that comes is that of a group, at a time. */
static void encoder_turn(struct sample_encoder *e, uint32_t number, uint64_t time_ns)
{
	struct sample_group *current = &e->groups[e->current];
	uint64_t units = (time_ns - e->first_ns) >> e->shift;
	bool same_time = units == e->units && e->samples;

	if (current->follower != number || (current->together && !same_time)) {
		encoder_flush(e);
		current->follower = number;
		current->together = same_time;
		buffer_add_byte(&e->codes, SAMPLE_CODE_FOLLOWER);
		buffer_add_varint(&e->arguments, (uint64_t)number << 1 | same_time);
	}
	if (!current->together)
		buffer_add_varint(&e->times, cursor_zigzag(units - e->units - e->period));
	e->units = units;
	e->current = number;
}

/* A sample as it is written. */
static inline struct capture_sample encoder_clean(const struct sample_round *round, size_t i)
{
	struct capture_sample s = round->samples[i];

	if (s.thread > round->threads)
		s.thread = 0;
	if (s.stack > round->stacks)
		s.stack = 0;
	return s;
}

static bool encoder_has_same_threads(const struct sample_list *list,
				     const struct sample_round *round)
{
	if (list->count != round->count)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].thread != encoder_clean(round, i).thread)
			return false;
	}
	return true;
}

static void encoder_do(struct sample_encoder *e, struct capture_sample *last,
		       const struct capture_sample *s)
{
	if (last->stack == s->stack && last->flags == s->flags && last->wait == s->wait)
		e->kept++;
	else
		encoder_site(e, s);
	*last = *s;
	e->samples++;
}

static void encoder_append(struct sample_list *list, const struct capture_sample *s)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 16;
		list->items = memory_check(realloc(list->items, list->room * sizeof(*list->items)),
					   purpose);
	}
	list->items[list->count++] = *s;
}

static void encoder_insert(struct sample_encoder *e, const struct capture_sample *s)
{
	encoder_flush(e);
	buffer_add_byte(&e->codes, SAMPLE_CODE_INSERT);
	encoder_add_difference(e, s->thread, e->last_thread);
	e->last_thread = s->thread;
	encoder_site(e, s);
	encoder_append(&e->next, s);
	e->samples++;
}

static void encoder_mark(struct sample_encoder *e, const struct sample_list *list,
			 const struct sample_round *round)
{
	size_t threads = (size_t)round->threads + 1;

	if (threads > e->thread_room) {
		size_t room = threads * 2;

		e->here = memory_check(realloc(e->here, room * sizeof(*e->here)), purpose);
		e->listed = memory_check(realloc(e->listed, room * sizeof(*e->listed)), purpose);
		memset(e->here + e->thread_room, 0, (room - e->thread_room) * sizeof(*e->here));
		memset(e->listed + e->thread_room, 0, (room - e->thread_room) * sizeof(*e->listed));
		e->thread_room = room;
	}
	if (!++e->serial)
		e->serial = 1;
	for (size_t i = 0; i < list->count; i++)
		e->listed[list->items[i].thread] = e->serial;
	for (size_t i = 0; i < round->count; i++)
		e->here[encoder_clean(round, i).thread] = e->serial;
}

/* Threads came, went, or are in another order. One that moved is taken out and put in again. */
static void encoder_change(struct sample_encoder *e, struct sample_list *list,
			   const struct sample_round *round)
{
	struct sample_list rest;
	size_t i = 0, j = 0;

	encoder_flush(e);
	buffer_add_byte(&e->codes, SAMPLE_CODE_ROUND);
	encoder_mark(e, list, round);
	e->next.count = 0;
	while (i < list->count || j < round->count) {
		struct capture_sample *last = i < list->count ? &list->items[i] : NULL;
		struct capture_sample s = {0};

		if (j < round->count)
			s = encoder_clean(round, j);
		if (last && j < round->count && last->thread == s.thread) {
			encoder_do(e, last, &s);
			encoder_append(&e->next, &s);
			i++;
			j++;
		} else if (!last || (j < round->count && e->here[last->thread] == e->serial &&
				     e->listed[s.thread] != e->serial)) {
			encoder_insert(e, &s);
			j++;
		} else {
			encoder_flush(e);
			buffer_add_byte(&e->codes, SAMPLE_CODE_REMOVE);
			e->listed[last->thread] = 0;
			i++;
		}
	}
	rest = *list;
	*list = e->next;
	e->next = rest;
}

void sample_encoder_round(struct sample_encoder *e, const struct sample_round *round)
{
	uint64_t known;
	uint32_t number;
	struct sample_list *list;

	/* A group is numbered when something is said of it, so that the decoder does the same. */
	if (!round->count && !map_find(&e->group_numbers, round->key + 1, &known))
		return;
	number = encoder_group(e, round->key);
	list = &e->groups[number].list;
	if (!round->count && !list->count)
		return;
	encoder_turn(e, number, round->time_ns);
	if (!encoder_has_same_threads(list, round)) {
		encoder_change(e, list, round);
		return;
	}
	for (size_t i = 0; i < round->count; i++) {
		struct capture_sample s = encoder_clean(round, i);

		encoder_do(e, &list->items[i], &s);
	}
}

bool sample_encoder_is_full(const struct sample_encoder *e)
{
	return e->samples >= SAMPLE_ENCODER_SAMPLES ||
	       e->codes.used + e->arguments.used + e->times.used >= SAMPLE_ENCODER_BYTES;
}

bool sample_encoder_payload(struct sample_encoder *e, struct sample_payload *payload)
{
	encoder_flush(e);
	if (e->codes.failed || e->arguments.failed || e->times.failed)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		size_t code_bytes = e->codes.used - SAMPLE_ENCODER_HEAD;

		e->codes.data[i] = (unsigned char)(code_bytes >> 8 * i);
		e->codes.data[4 + i] = (unsigned char)(e->arguments.used >> 8 * i);
	}
	*payload = (struct sample_payload){
		.codes = e->codes.data,
		.arguments = e->arguments.data,
		.times = e->times.data,
		.code_bytes = e->codes.used,
		.argument_bytes = e->arguments.used,
		.time_bytes = e->times.used,
		.samples = e->samples,
	};
	return true;
}
