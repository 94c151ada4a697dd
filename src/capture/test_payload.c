#include "capture/decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capture/dictionary.h"
#include "capture/encoder.h"
#include "capture/notes.h"

/* A payload: codes, arguments. Stacks and threads 1 to 5 are there. */
#define EVENTS(codes, arguments) codes, sizeof(codes) - 1, arguments, sizeof(arguments) - 1

struct payload {
	const char *codes;
	size_t code_bytes;
	const char *arguments;
	size_t argument_bytes;
	uint32_t events;
	const char *problem; /* NULL: none */
};

static size_t decode(const struct payload *p, bool whole, struct event *events, size_t max)
{
	struct decoder *d = decoder_create(whole);
	unsigned char *bytes = malloc(4 + p->code_bytes + p->argument_bytes);
	struct decoder_chunk chunk = {
		.payload = bytes,
		.length = 4 + p->code_bytes + p->argument_bytes,
		.events = p->events,
		.first_ns = 1024,
		.last_ns = 10 * 1024,
		.stacks = 5,
		.threads = 5,
	};
	const char *problem;
	size_t n = 0;

	memcpy(bytes, (unsigned char[]){(unsigned char)p->code_bytes, 0, 0, 0}, 4);
	memcpy(bytes + 4, p->codes, p->code_bytes);
	memcpy(bytes + 4 + p->code_bytes, p->arguments, p->argument_bytes);
	problem = decoder_begin(d, &chunk);
	if (!problem) {
		n = decoder_run(d, events, max);
		problem = decoder_problem(d);
		/* What was wrong stays wrong, and nothing comes after it. */
		if (problem)
			assert_int_equal(decoder_run(d, events + n, max - n), 0);
	}
	if (strcmp(problem ? problem : "", p->problem ? p->problem : "") != 0)
		fail_msg("\"%s\" instead of \"%s\"", problem ? problem : "", p->problem);
	free(bytes);
	decoder_destroy(d);
	return n;
}

static void test_codes(void **state)
{
	/* new, thread 3, near 0, time +2, age 1, size at place 0, latest 0, thread: the one before,
	 * step -1, shrink, refill of 1, near 1 */
	const struct payload p = {
		EVENTS("\xf2\xf6\x00\xf5\x81\xf1\x70\xf7\xc8\xf4", "\x01\x04\x02\x64\x03\x02"
								   "\x00\x7f\x01\x0a"),
		.events = 7,
	};
	struct event e[16] = {0};

	(void)state;
	assert_int_equal(decode(&p, true, e, 16), 7);
	assert_int_equal(e[0].kind, EVENT_ALLOC);
	assert_int_equal(e[0].stack, 2);
	assert_int_equal(e[0].allocator, 2);
	assert_int_equal(e[0].bytes, 100);
	assert_int_equal(e[0].slot, 1);
	assert_int_equal(e[0].thread, 0);
	assert_int_equal(e[0].time_ns, 1024);
	assert_int_equal(e[1].slot, 2);
	assert_int_equal(e[1].thread, 3);
	assert_int_equal(e[2].kind, EVENT_FREE);
	assert_int_equal(e[2].slot, 1);
	assert_int_equal(e[2].time_ns, 3 * 1024);
	assert_int_equal(e[3].kind, EVENT_ALLOC);
	assert_int_equal(e[3].stack, 2);
	assert_int_equal(e[3].bytes, 127);
	assert_int_equal(e[3].slot, 1);
	assert_int_equal(e[4].bytes, 127);
	assert_int_equal(e[4].slot, 3);
	assert_int_equal(e[5].kind, EVENT_FREE);
	assert_int_equal(e[5].slot, 2);
	assert_int_equal(e[5].thread, 0);
	assert_int_equal(e[6].kind, EVENT_SHRINK);
	assert_int_equal(e[6].slot, 1);
	assert_int_equal(e[6].bytes, 10);
}

#define NEW           "\xf2" /* with the arguments: */
#define NEW_ARGUMENTS "\x01\x00\x01\x64"

static void test_bad_events(void **state)
{
	static const struct payload bad[] = {
		{EVENTS("\x00", "\x01"), 1, "a site is named that is not there"},
		{EVENTS("\x70", "\x01"), 1, "a site is named that is not there"},
		{EVENTS("\xd0", "\x01\x00"), 1, "a site is named that is not there"},
		{EVENTS(NEW "\xd0", NEW_ARGUMENTS), 2, "a site is named that is not there"},
		{EVENTS(NEW "\xf0", NEW_ARGUMENTS "\x00"), 2, "a site is named that is not there"},
		{EVENTS("\xf1", "\x01\x00\x01"), 1, "a place is named that is not there"},
		{EVENTS("\xf2", "\x01\x0c\x01\x64"), 1, "a stack is named that is not there"},
		{EVENTS("\xf2", "\x01\x01\x01\x64"), 1, "a stack is named that is not there"},
		{EVENTS("\xf2", "\x01\x00\x01"), 1, "an allocation breaks off"},
		{EVENTS("\xf2", "\x01\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1,
		 "an allocation breaks off"},
		{EVENTS("\x80", "\x01"), 1, "a block is named that is older than its chunk"},
		{EVENTS(NEW "\x81", NEW_ARGUMENTS), 2,
		 "a block is named that is older than its chunk"},
		{EVENTS(NEW "\xe0", NEW_ARGUMENTS "\x00"), 2,
		 "a block is named that is older than its chunk"},
		{EVENTS(NEW "\xe0", NEW_ARGUMENTS), 2,
		 "a block is named that is older than its chunk"},
		{EVENTS(NEW "\xc0", NEW_ARGUMENTS), 2, "a slot is named that is not there"},
		{EVENTS(NEW "\xc9", NEW_ARGUMENTS), 2, "a slot is named that is not there"},
		{EVENTS(NEW "\xf3", NEW_ARGUMENTS "\x04"), 2, "a slot is named that is not there"},
		{EVENTS(NEW "\xf3", NEW_ARGUMENTS), 2, "a slot is named that is not there"},
		{EVENTS(NEW "\x80\x80", NEW_ARGUMENTS), 3, "a block is named that does not live"},
		{EVENTS(NEW "\x80\xf4", NEW_ARGUMENTS "\x00\x01"), 3,
		 "a block is named that does not live"},
		{EVENTS(NEW "\xf4", NEW_ARGUMENTS "\x02"), 2, "an event breaks off"},
		{EVENTS(NEW "\x80\xf4", NEW_ARGUMENTS "\x02\x01"), 3,
		 "a slot is named that is not there"},
		{EVENTS("\xf5", "\x01\x0a"), 0, "a time is beyond its chunk"},
		{EVENTS("\xf5", "\x01"), 0, "a time is beyond its chunk"},
		{EVENTS("\xf6", "\x01\x06"), 0, "a thread is named that is not there"},
		{EVENTS("\xf6", "\x01"), 0, "a thread is named that is not there"},
		/* Lists of slots: none may be new, or come while there are some. */
		{EVENTS("\xfa", "\x01\x01\x00\x00"), 0, "a list of slots is not right"},
		{EVENTS(NEW "\xfa", NEW_ARGUMENTS "\x01\x01\x00"), 1,
		 "a list of slots is not right"},
		{EVENTS(NEW "\xfa", NEW_ARGUMENTS "\x01\x00\x01"), 1,
		 "a list of slots is not right"},
		{EVENTS(NEW "\xfa", NEW_ARGUMENTS "\x81\x20\x00\x00"), 1,
		 "a list of slots is not right"},
		{EVENTS(NEW "\xfa", NEW_ARGUMENTS "\x01\x00"), 1, "a list of slots is not right"},
		{EVENTS(NEW "\xfa\x00", NEW_ARGUMENTS "\x01\x00\x00"), 2,
		 "a slot is given out that a block has"},
		{EVENTS(NEW "\x80\xfa", NEW_ARGUMENTS "\x01\x00\x00"), 2,
		 "slots are listed while there are some"},
		{EVENTS("\xfb", "\x01"), 0, "an event code that is none"},
		{EVENTS("\xff", "\x01"), 0, "an event code that is none"},
		{EVENTS(NEW, NEW_ARGUMENTS), 0, "an event chunk holds other than it says"},
		{EVENTS(NEW, NEW_ARGUMENTS), 2, "an event chunk holds other than it says"},
		{EVENTS(NEW, NEW_ARGUMENTS "\x00"), 1, "an event chunk holds other than it says"},
		{EVENTS("", ""), 0, "slots are left out"},
		{EVENTS("", "\x02"), 0, "slots are left out"},
		{EVENTS("", "\xff\xff\xff\xff\xff\x01"), 0, "slots are left out"},
	};
	static const struct payload breaks[] = {
		{EVENTS("\xf5\xf5", "\x01\x09\x00"), 0, NULL},
		{EVENTS(NEW "\x80\xf7\xf8\xf9\x00", NEW_ARGUMENTS), 3, NULL},
	};
	struct event events[16] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		decode(&bad[i], true, events, 16);
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++)
		decode(&breaks[i], true, events, 16);
}

/* A chunk by itself: what came before it is not known, so slots may be anything that was given out.
 */
static void test_part(void **state)
{
	const struct payload bad = {
		EVENTS("\xf3", "\xe8\x07\xd0\x0f"),
		.events = 1,
		.problem = "a slot is named that is not there",
	};
	struct event events[16] = {0};

	(void)state;
	assert_int_equal(decode(&bad, false, events, 16), 0);
	/* The slot that was freed is the next to be given out: no list may come before that. */
	assert_int_equal(decode(&(struct payload){EVENTS("\xf3\xf2", "\xe8\x07\x0a\x00\x01\x64"),
						  .events = 2},
				false, events, 16),
			 2);
	assert_int_equal(events[0].kind, EVENT_FREE);
	assert_int_equal(events[0].slot, 5);
	assert_int_equal(events[1].slot, 5);
	assert_int_equal(decode(&(struct payload){EVENTS("\xfa\xf2", "\xe8\x07\x02\x05\x01\x00\x01"
								     "\x64"),
						  .events = 1},
				false, events, 16),
			 1);
	assert_int_equal(events[0].slot, 6);
}

static void test_short_payloads(void **state)
{
	const unsigned char bytes[] = {1, 0, 0, 0};
	struct decoder *d = decoder_create(true);
	struct event event;

	(void)state;
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		struct decoder_chunk chunk = {.payload = bytes, .length = length};

		assert_non_null(decoder_begin(d, &chunk));
		assert_int_equal(decoder_run(d, &event, 1), 0);
	}
	decoder_destroy(d);
	decoder_destroy(NULL);
}

struct section_case {
	const char *bytes;
	size_t length;
	const char *problem;
};

#define CASE(text, problem)                     \
	{                                       \
		text, sizeof(text) - 1, problem \
	}

static void test_bad_dictionaries(void **state)
{
	static const struct section_case cases[] = {
		CASE("\x01", "a section breaks off"),
		CASE("\x01\x05\x01", "a section breaks off"),
		CASE("\x01\x00", "a section breaks off"),
		CASE("\x01\x01\x01", "a section breaks off"),
		CASE("\x01\x02\x01\x05", "a section breaks off"),
		CASE("\x01\x02\x02\x00", "ids are left out"),
		CASE("\x01\x03\x01\x01\x02", "strings break off"),
		CASE("\x01\x05\x01\x01\x80\x80\x04", "strings break off"),
		CASE("\x01\x05\x01\x01\x02g\xc3", "a string is not UTF-8"),
		CASE("\x01\x04\x01\x01\x01\x00", "a string is not UTF-8"),
		CASE("\x02\x06\x01\x01\x00\x02\x00\x00",
		     "a frame names a string that is not there"),
		CASE("\x02\x06\x01\x01\x00\x00\x02\x00",
		     "a frame names a string that is not there"),
		CASE("\x02\x06\x01\x01\x00\x00\x00\x01", "a frame's line is out of range"),
		CASE("\x02\x05\x01\x01\x00\x00\x00", "frames break off"),
		CASE("\x06\x04\x01\x01\x00\x02", "a stack names a frame that is not there"),
		CASE("\x06\x04\x01\x01\x01\x02", "a stack stands on one that is not there"),
		CASE("\x03\x03\x01\x01\x01", "a process is not whole"),
		CASE("\x03\x09\x01\x01\x01\x01\x00\x00\x00\x00\x01", "a process is not whole"),
		CASE("\x04\x04\x01\x01\x01\x01", "a thread is not whole"),
		CASE("\x04\x03\x01\x01\x00", "a thread is not whole"),
		CASE("\x05\x03\x01\x01\x00", "a thread's name is not whole"),
		CASE("\x05\x03\x01\x00\x00", "a thread's name is not whole"),
		CASE("\x05\x00", "thread names break off"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dictionary *d = dictionary_create();
		const char *problem =
			dictionary_add(d, (const unsigned char *)cases[i].bytes, cases[i].length);

		if (!problem || strcmp(problem, cases[i].problem) != 0)
			fail_msg("case %zu: %s", i, problem);
		assert_int_equal(dictionary_frames(d), 0);
		assert_int_equal(dictionary_stacks(d), 0);
		assert_int_equal(dictionary_processes(d), 0);
		assert_int_equal(dictionary_threads(d), 0);
		dictionary_destroy(d);
	}
	dictionary_destroy(NULL);
}

static void test_bad_notes(void **state)
{
	static const struct section_case cases[] = {
		CASE("\x01\x01", "a section breaks off"),
		CASE("\x01\x04\x01\x02\x00\x00", "an RSS sample is not whole"),
		CASE("\x01\x04\x01\x00\x00\x00", "an RSS sample is not whole"),
		CASE("\x01\x04\x01\x01\x01\x00", "an RSS sample is not whole"),
		CASE("\x01\x03\x01\x01\x00", "an RSS sample is not whole"),
		CASE("\x02\x03\x02\x00\x00", "a look at the memory is not whole"),
		CASE("\x02\x03\x01\x00\x01", "a look at the memory is not whole"),
		CASE("\x03\x03\x02\x00\x00", "the end of a process is not whole"),
		CASE("\x03\x02\x01\x00", "the end of a process is not whole"),
		CASE("\x04\x02\x02\x01", "the counts of what was lost break off"),
		CASE("\x05\x02\x02\x01", "the counts of sampling break off"),
		CASE("\x05\x01\x0d", "the counts of sampling break off"),
	};
	static const unsigned char process[] = "\x03\x09\x01\x01\x01\x01\x00\x00\x00\x00\x00";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dictionary *d = dictionary_create();
		struct notes_reader r = {0};
		const char *problem;

		assert_null(dictionary_add(d, process, sizeof(process) - 1));
		problem = notes_reader_add(&r, (const unsigned char *)cases[i].bytes,
					   cases[i].length, d);
		if (!problem || strcmp(problem, cases[i].problem) != 0)
			fail_msg("case %zu: %s", i, problem);
		notes_reader_deinit(&r);
		dictionary_destroy(d);
	}
}

/* Slots: never more than blocks lived at once, over many chunks and every way to release. */
static void test_slots_are_used_again(void **state)
{
	enum {
		BLOCKS = 30000,
		ROUNDS = 12
	};
	struct encoder *e = encoder_create();
	slot_id *slots = calloc(BLOCKS, sizeof(*slots));
	uint8_t *used = calloc(BLOCKS + 1, 1);

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < BLOCKS; i++) {
			slots[i] = encoder_alloc(e, 1, ALLOCATOR_MALLOC, 0, i % 100);
			assert_in_range(slots[i], 1, BLOCKS);
			assert_int_equal(used[slots[i]], 0);
			used[slots[i]] = 1;
			if (encoder_room(e) <= 0)
				encoder_begin(e, 0);
		}
		for (unsigned i = 0; i < BLOCKS; i++) {
			/* Strides prime to the number of blocks reach each of them. */
			static const unsigned strides[] = {1, 29999, 7, 7919};
			unsigned j = i * strides[round % 4] % BLOCKS;

			used[slots[j]] = 0;
			assert_true(encoder_free(e, 1, slots[j]));
			assert_false(encoder_free(e, 1, slots[j]));
			if (encoder_room(e) <= 0)
				encoder_begin(e, 0);
		}
	}
	free(used);
	free(slots);
	encoder_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_bad_events),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_short_payloads),
		cmocka_unit_test(test_bad_dictionaries),
		cmocka_unit_test(test_bad_notes),
		cmocka_unit_test(test_slots_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
