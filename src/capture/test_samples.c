#include "capture/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "capture/trial.h"
#include "capture/writer.h"

#define MS 1000000u

/* What was written, as it must be read. */
struct record {
	struct sample_event *samples;
	size_t count, room;
};

static void record_add(struct record *record, uint64_t time_ns,
		       const struct capture_sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (record->count == record->room) {
			record->room = record->room ? record->room * 2 : 1024;
			record->samples =
				realloc(record->samples, record->room * sizeof(*record->samples));
			assert_non_null(record->samples);
		}
		record->samples[record->count++] = (struct sample_event){
			.time_ns = time_ns,
			.thread = samples[i].thread,
			.stack = samples[i].stack,
			.flags = samples[i].flags,
			.wait = samples[i].wait,
		};
	}
}

static void write_round(struct capture_writer *w, struct record *record, process_id process,
			uint64_t time_ns, const struct capture_sample *samples, size_t count)
{
	writer_samples(w, process, time_ns, samples, count);
	record_add(record, time_ns, samples, count);
}

static struct capture_writer *open_writer(const char *name, uint64_t period_ns)
{
	const struct capture_start start = {
		.page_size = 4096,
		.sampling_period_ns = period_ns,
		.time_metric = CAPTURE_TIME_GIL,
	};
	struct capture_writer *w;
	struct error err;

	assert_int_equal(writer_open(trial_path(name), true, &start, &w, &err), 0);
	return w;
}

static struct capture_reader *open_reader(const char *name)
{
	struct capture_reader *r;
	struct error err;

	assert_int_equal(reader_open(trial_path(name), &r, &err), 0);
	return r;
}

static void close_writer(struct capture_writer *w)
{
	struct error err;

	assert_int_equal(writer_close(w, true, &err), 0);
}

/* Reads in batches of `max`, and compares what is in [from_ns, to_ns). */
static void compare(struct capture_reader *r, const struct record *record, uint64_t unit_ns,
		    uint64_t from_ns, uint64_t to_ns, size_t max)
{
	struct sample_event *samples = calloc(max, sizeof(*samples));
	uint64_t last_ns = 0;
	size_t n, at = 0;

	while ((n = reader_samples(r, samples, max))) {
		for (size_t i = 0; i < n; i++, at++) {
			const struct sample_event *read = &samples[i], *wanted;

			/* A time is rounded down: the sample may be in another part than it was. */
			while (at < record->count && record->samples[at].time_ns < from_ns)
				at++;
			assert_true(at < record->count);
			wanted = &record->samples[at];
			assert_int_equal(read->thread, wanted->thread);
			assert_int_equal(read->stack, wanted->stack);
			assert_int_equal(read->flags, wanted->flags);
			assert_int_equal(read->wait, wanted->wait);
			assert_in_range(read->time_ns, from_ns, to_ns - 1);
			assert_true(read->time_ns <= wanted->time_ns);
			assert_true(wanted->time_ns - read->time_ns < unit_ns);
			assert_true(read->time_ns >= last_ns);
			last_ns = read->time_ns;
		}
	}
	while (at < record->count && record->samples[at].time_ns >= to_ns)
		at++;
	assert_int_equal(at, record->count);
	assert_null(reader_damage(r));
	free(samples);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++) {
		struct capture_writer *w = open_writer("random", MS);
		struct record record = {0};
		struct capture_sample samples[4][64] = {0};
		size_t counts[4] = {0};
		uint64_t time_ns = 12345;
		struct capture_reader *r;
		struct trial t;

		trial_begin(&t, w, seed);
		for (unsigned i = 0; i < 60; i++)
			writer_thread(w, t.process, 2000 + i, NULL);
		for (unsigned round = 0; round < 4000; round++) {
			unsigned p = (unsigned)trial_random(&t, 4);
			size_t *count = &counts[p];
			struct capture_sample *s = samples[p];
			struct error err;

			if (trial_random(&t, 20) == 0 && *count < 64) {
				size_t at = trial_random(&t, *count + 1);

				memmove(s + at + 1, s + at, (*count - at) * sizeof(*s));
				s[at] = (struct capture_sample){
					.thread = (thread_id)trial_random(&t, 64)};
				++*count;
			} else if (trial_random(&t, 20) == 0 && *count) {
				size_t at = trial_random(&t, *count);

				memmove(s + at, s + at + 1, (--*count - at) * sizeof(*s));
			} else if (trial_random(&t, 40) == 0 && *count > 1) {
				struct capture_sample last = s[*count - 1];

				memmove(s + 1, s, (*count - 1) * sizeof(*s));
				s[0] = last;
			} else if (trial_random(&t, 100) == 0) {
				*count = 0;
			}
			for (size_t i = 0; i < *count; i++) {
				if (trial_random(&t, 4))
					continue;
				s[i].stack = (stack_id)trial_random(&t, 20);
				s[i].flags = (uint16_t)trial_random(&t, 64);
				s[i].wait = (uint16_t)trial_random(&t, SAMPLE_WAIT_END);
			}
			if (trial_random(&t, 3))
				time_ns += 500000 + trial_random(&t, MS);
			if (trial_random(&t, 500) == 0) {
				time_ns += trial_random(&t, 1000ull * MS);
				writer_seal(w, 0, &err);
			}
			write_round(w, &record, p + 1, time_ns, s, *count);
		}
		close_writer(w);
		r = open_reader("random");
		assert_int_equal(reader_sample_count(r), record.count);
		assert_true(reader_duration_ns(r) == time_ns);
		compare(r, &record, 8192, 0, UINT64_MAX, 1 + seed * 37);
		reader_close(r);
		free(record.samples);
		trial_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
