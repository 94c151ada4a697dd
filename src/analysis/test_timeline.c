#include "analysis/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define MS UINT64_C(1000000)

static void bins_hold_their_highest_and_their_last(void **state)
{
	struct timeline timeline;
	struct profile_point *points;
	size_t count;

	(void)state;
	timeline_init(&timeline, 0, 4 * MS);
	timeline_add(&timeline, 0, 10);
	timeline_add(&timeline, MS / 2, 30);
	timeline_add(&timeline, MS - 1, 20);
	timeline_add(&timeline, 3 * MS, 5);
	timeline_end(&timeline, 4 * MS, &points, &count);
	assert_int_equal(count, 4);
	assert_int_equal(points[0].time_ns, MS);
	assert_int_equal(points[0].heap_bytes, 30);
	assert_int_equal(points[0].live_bytes, 20);
	/* Nothing happens in the next two: what lived before lives on. */
	assert_int_equal(points[1].heap_bytes, 20);
	assert_int_equal(points[2].live_bytes, 20);
	/* 20 bytes live until the event, at the bin's first moment. */
	assert_int_equal(points[3].heap_bytes, 20);
	assert_int_equal(points[3].live_bytes, 5);
	assert_int_equal(points[3].time_ns, 4 * MS);
	free(points);
}

static void an_empty_capture_has_one_bin(void **state)
{
	struct timeline timeline;
	struct profile_point *points;
	size_t count;

	(void)state;
	timeline_init(&timeline, 0, 0);
	timeline_end(&timeline, 0, &points, &count);
	assert_int_equal(count, 1);
	assert_int_equal(points[0].heap_bytes, 0);
	free(points);
}

static void a_late_end_fills_up(void **state)
{
	struct timeline timeline;
	struct profile_point *points;
	size_t count;

	(void)state;
	timeline_init(&timeline, 5 * MS, 10 * MS);
	timeline_add(&timeline, 6 * MS + 1, 7);
	timeline_end(&timeline, 15 * MS - 10, &points, &count);
	assert_int_equal(count, 10);
	assert_int_equal(points[0].time_ns, 6 * MS);
	assert_int_equal(points[0].heap_bytes, 0);
	assert_int_equal(points[1].heap_bytes, 7);
	assert_int_equal(points[9].live_bytes, 7);
	assert_int_equal(points[9].time_ns, 15 * MS - 10);
	free(points);
}

/* Whatever the guess was, the bins agree with a plain computation of each of them. */
static void bins_double_when_the_guess_was_wrong(void **state)
{
	enum {
		EVENTS = 20000
	};
	static uint64_t live[EVENTS];
	struct timeline timeline;
	struct profile_point *points;
	uint32_t random = 1;
	size_t count;

	(void)state;
	timeline_init(&timeline, 0, MS);
	for (size_t i = 0; i < EVENTS; i++) {
		random = random * 1664525 + 1013904223;
		live[i] = random >> 8;
		timeline_add(&timeline, i * MS, live[i]);
	}
	timeline_end(&timeline, EVENTS * MS, &points, &count);
	assert_in_range(count, TIMELINE_BINS / 2, TIMELINE_BINS);
	assert_int_equal(timeline.width_ns, 16 * MS);
	for (size_t b = 0; b < count; b++) {
		uint64_t highest = b > 0 ? live[b * 16 - 1] : 0;
		size_t end = (b + 1) * 16 < EVENTS ? (b + 1) * 16 : EVENTS;

		for (size_t i = b * 16; i < end; i++)
			highest = live[i] > highest ? live[i] : highest;
		/* A merged bin also knows what lived when its second half began: no new number. */
		assert_int_equal(points[b].heap_bytes, highest);
		assert_int_equal(points[b].live_bytes, live[end - 1]);
	}
	free(points);
}

static void a_damaged_clock_ends_nowhere(void **state)
{
	struct timeline timeline;
	struct profile_point *points;
	size_t count;

	(void)state;
	timeline_init(&timeline, 0, 10 * MS);
	timeline_add(&timeline, 1, 1);
	timeline_add(&timeline, UINT64_MAX, 2);
	timeline_add(&timeline, UINT64_MAX, 3);
	timeline_end(&timeline, UINT64_MAX, &points, &count);
	assert_in_range(count, 1, TIMELINE_BINS);
	assert_int_equal(points[0].heap_bytes, 1);
	assert_int_equal(points[count - 1].heap_bytes, 3);
	assert_true(points[count - 1].time_ns == UINT64_MAX);
	free(points);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_hold_their_highest_and_their_last),
		cmocka_unit_test(an_empty_capture_has_one_bin),
		cmocka_unit_test(a_late_end_fills_up),
		cmocka_unit_test(bins_double_when_the_guess_was_wrong),
		cmocka_unit_test(a_damaged_clock_ends_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
