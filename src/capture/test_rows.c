#include "capture/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/aggregate.h"
#include "capture/reader.h"
#include "capture/trial.h"

/* What an aggregate capture must say, from the plain list of events. */
static struct tally *expected_tally(const struct trial *t)
{
	struct tally *tally = tally_create(&(struct tally_options){.temporary_threshold = 1});

	for (size_t i = 0; i < t->count; i++) {
		const struct trial_event *from = &t->events[i];

		tally_event(tally, &(struct event){
					   .kind = from->kind,
					   .allocator = from->allocator,
					   .thread = from->thread,
					   .slot = from->slot,
					   .stack = from->stack,
					   .bytes = from->bytes,
					   .time_ns = from->time_ns,
				   });
	}
	return tally;
}

static void check_rows(const struct tally_row *got, const struct tally_row *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct tally_row a = got[i], b = wanted[i];

		a.peak_epoch = b.peak_epoch = 0; /* private */
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static void check_capture(const char *name, const struct trial *t, bool complete)
{
	struct tally *tally = expected_tally(t);
	const struct tally_row *rows, *wanted;
	struct capture_reader *r;
	struct error err;
	size_t count = tally_settle(tally, &wanted);

	assert_int_equal(reader_open(trial_path(name), &r, &err), 0);
	assert_int_equal(reader_start(r)->mode, CAPTURE_AGGREGATE);
	assert_int_equal(reader_start(r)->temporary_threshold, 1);
	assert_int_equal(reader_events(r, &(struct event){0}, 1), 0);
	assert_null(reader_damage(r));
	assert_int_equal(reader_complete(r), complete);
	assert_int_equal(reader_rows(r, &rows), count);
	check_rows(rows, wanted, count);
	assert_memory_equal(reader_totals(r), tally_totals(tally), sizeof(struct tally_totals));
	assert_int_equal(reader_event_count(r), 0);
	for (size_t i = 0; i < count; i++) {
		assert_true(rows[i].stack <= reader_stack_count(r));
		assert_true(rows[i].thread <= reader_thread_count(r));
	}
	reader_close(r);
	tally_destroy(tally);
}

/* Read after every seal, as after a kill at that moment, and at the end. */
static void test_states(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct capture_writer *w = trial_open("a", CAPTURE_AGGREGATE);
		const struct tally_row *rows;
		struct error err;
		struct trial t;

		trial_begin(&t, w, seed);
		t.shy = true;
		for (unsigned i = 0; i < 12; i++) {
			trial_run(&t, trial_random(&t, 5000));
			assert_int_equal(writer_seal(w, 0, &err), 0);
			check_capture("a", &t, false);
			/* A live view in between must not matter. */
			if (seed % 2)
				tally_settle((struct tally *)writer_tally(w), &rows);
		}
		trial_run(&t, 1000);
		assert_int_equal(writer_events(w), t.count);
		assert_int_equal(writer_close(w, true, &err), 0);
		check_capture("a", &t, true);
		trial_end(&t);
	}
}

static void test_empty(void **state)
{
	struct capture_writer *w = trial_open("a", CAPTURE_AGGREGATE);
	struct error err;
	struct trial t = {0};

	(void)state;
	assert_int_equal(writer_close(w, true, &err), 0);
	check_capture("a", &t, true);
}

/* A state of many chunks; a file that ends within such a state has the state before. */
static void test_large_state(void **state)
{
	struct capture_writer *w = trial_open("a", CAPTURE_AGGREGATE);
	const struct capture_chunk_sum *sums;
	const struct tally_row *rows;
	struct capture_reader *r;
	struct error err;
	frame_id frame;
	stack_id stack = 0;

	(void)state;
	frame = writer_frame(w, FRAME_PYTHON, "f", 1, "f.py", 4, 1);
	writer_alloc(w, 0, ALLOCATOR_MALLOC, 0, 77);
	assert_int_equal(writer_seal(w, 0, &err), 0);
	for (unsigned i = 0; i < 100000; i++) {
		stack = writer_stack(w, stack, frame);
		writer_alloc(w, 0, ALLOCATOR_MALLOC, stack, i * 1000);
	}
	writer_alloc(w, 0, ALLOCATOR_MALLOC, 0, 77);
	assert_int_equal(writer_seal(w, 0, &err), 0);
	for (unsigned cut = 0; cut < 2; cut++) {
		assert_int_equal(reader_open(trial_path("a"), &r, &err), 0);
		assert_int_equal(reader_events(r, &(struct event){0}, 1), 0);
		assert_int_equal(reader_chunk_sums(r, &sums), 3);
		assert_string_equal(sums[2].type, "rows");
		if (cut) {
			assert_int_equal(reader_rows(r, &rows), 1);
			assert_int_equal(rows[0].total.bytes, 77);
			assert_int_equal(reader_totals(r)->allocated.bytes, 77);
			assert_non_null(reader_damage(r));
		} else {
			assert_int_equal(reader_rows(r, &rows), 100001);
			assert_int_equal(rows[0].total.bytes, 154);
			assert_int_equal(rows[100000].stack, 100000);
			assert_int_equal(rows[100000].peak.bytes, 99999000);
			assert_int_equal(rows[5].total.bytes, 4000);
			assert_true(sums[2].chunks > 3);
			assert_null(reader_damage(r));
		}
		reader_close(r);
		assert_int_equal(truncate(trial_path("a"), (off_t)writer_bytes(w) - 1), 0);
	}
	assert_int_equal(writer_close(w, true, &err), 0);
}

/* Hours of a busy program: a state every second as long as it is cheap, and a file that stays
 * within its budget. */
static void test_budget(void **state)
{
	enum {
		STACKS = 20000,
		SECONDS = 3600
	};
	struct capture_writer *w = trial_open("a", CAPTURE_AGGREGATE);
	uint64_t bytes = 0, longest = 0, since = 0;
	struct error err;
	frame_id frame = writer_frame(w, FRAME_PYTHON, "f", 1, "f.py", 4, 1);
	stack_id stack = 0;

	(void)state;
	for (unsigned i = 0; i < STACKS; i++) {
		stack = writer_stack(w, stack, frame);
		writer_alloc(w, 0, ALLOCATOR_MALLOC, stack, i);
	}
	for (uint64_t second = 1; second <= SECONDS; second++) {
		writer_time(w, second * 1000000000);
		for (unsigned i = 0; i < 2000; i++)
			writer_free(w, 0,
				    writer_alloc(w, 0, ALLOCATOR_MALLOC,
						 1 + (i * 7919u + (unsigned)second) % STACKS,
						 i * second));
		assert_int_equal(writer_seal(w, 1, &err), 0);
		since++;
		if (writer_bytes(w) != bytes)
			since = 0;
		bytes = writer_bytes(w);
		longest = since > longest ? since : longest;
	}
	assert_true(bytes < AGGREGATE_FREE_BYTES + (AGGREGATE_BYTES_PER_ROW + 8ull) * STACKS +
				    SECONDS * AGGREGATE_BYTES_PER_SECOND);
	assert_true(longest < 90);
	assert_int_equal(writer_close(w, true, &err), 0);
}

/* Changes that name rows, stacks or threads that are not there, and payloads that break off. */
static void test_bad_payloads(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} bad[] = {
		{"\x02\x05\x01\x01\x00\x00\x01", 7},         /* row 1 before row 0 */
		{"\x02\x06\x01\x00\x0e\x00\x01\x00", 8},     /* stack 7 of 5 */
		{"\x02\x06\x01\x00\x02\x09\x01\x00", 8},     /* thread 9 of 5 */
		{"\x02\x07\x01\x00\x02\x01\x80\x08\x00", 9}, /* allocator 1024 */
		{"\x02\x01\x00", 3},                         /* no epoch */
		{"\x02\x06\x01\x00\x02\x01\x01\x01", 8},     /* a total that is not there */
		{"\x02\x06\x01\x00\x02\x01\x01\x00", 8},     /* no totals */
		{"\x01\x01\x00", 3},                         /* totals break off */
		{"\x02\x50\x01", 3},                         /* a section longer than the payload */
		{"\x02", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rows_reader r;

		rows_reader_init(&r);
		assert_non_null(rows_reader_add(&r, (const unsigned char *)bad[i].bytes,
						bad[i].length, false, 5, 5));
		rows_reader_deinit(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),       cmocka_unit_test(test_empty),
		cmocka_unit_test(test_large_state),  cmocka_unit_test(test_budget),
		cmocka_unit_test(test_bad_payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
