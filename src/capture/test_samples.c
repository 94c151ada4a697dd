#include "capture/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/format.h"
#include "capture/input.h"
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
	while (at < record->count &&
	       (record->samples[at].time_ns < from_ns || record->samples[at].time_ns >= to_ns))
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
		compare(r, &record, 32768, 0, UINT64_MAX, 1 + seed * 37);
		reader_close(r);
		free(record.samples);
		trial_end(&t);
	}
}

static void add_threads(struct capture_writer *w, unsigned threads, unsigned stacks)
{
	process_id process = writer_process(w, &(struct capture_process){.pid = 1});

	for (unsigned i = 0; i < threads; i++)
		writer_thread(w, process, 100 + i, NULL);
	for (unsigned i = 0; i < stacks; i++)
		writer_stack(w, i, writer_frame(w, FRAME_PYTHON, "f", 1, "a.py", 4, i));
}

static void expect(struct capture_reader *r, const struct sample_event *wanted, size_t count)
{
	struct sample_event read;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(reader_samples(r, &read, 1), 1);
		assert_int_equal(read.time_ns, wanted[i].time_ns);
		assert_int_equal(read.thread, wanted[i].thread);
		assert_int_equal(read.stack, wanted[i].stack);
		assert_int_equal(read.flags, wanted[i].flags);
		assert_int_equal(read.wait, wanted[i].wait);
	}
	assert_int_equal(reader_samples(r, &read, 1), 0);
	assert_true(reader_progress(r) == 1);
	assert_null(reader_damage(r));
}

/* Two processes, whose threads come, go, and change places. A period of 32 ns: units of 2 ns. */
static void test_exact(void **state)
{
	struct capture_writer *w = open_writer("exact", 32);
	const struct capture_sample a = {1, 2, SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, SAMPLE_WAIT_NONE};
	const struct capture_sample b = {2, 1, SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX};
	const struct capture_sample c = {3, 0, 0, SAMPLE_WAIT_POLL};
	const struct capture_sample u = {2, 0, SAMPLE_UNKNOWN | SAMPLE_RUNNING, SAMPLE_WAIT_NONE};
	const struct capture_sample d = {4, 3, 0xffff, 0xffff};
	const struct sample_event wanted[] = {
		{1000, 1, 2, 3, 0}, {1000, 2, 1, 4, 1},         {1000, 3, 0, 0, 2},
		{1032, 1, 2, 3, 0}, {1032, 2, 0, 33, 0},        {1032, 3, 0, 0, 2},
		{1070, 2, 1, 4, 1}, {1070, 1, 2, 3, 0},         {1070, 4, 3, 65535, 65535},
		{1070, 3, 0, 0, 2}, {1070, 1, 2, 3, 0},         {1070, 4, 3, 65535, 65535},
		{1098, 1, 2, 3, 0}, {1098, 4, 3, 65535, 65535}, {1098, 3, 0, 0, 2},
	};
	struct capture_reader *r;

	(void)state;
	add_threads(w, 4, 3);
	writer_samples(w, 1, 1000, (struct capture_sample[]){a, b}, 2);
	writer_samples(w, 2, 1000, &c, 1);
	writer_samples(w, 1, 1033, (struct capture_sample[]){a, u}, 2);
	writer_samples(w, 2, 1033, &c, 1);
	writer_samples(w, 1, 1070, (struct capture_sample[]){b, a, d}, 3);
	writer_samples(w, 2, 1071, &c, 1);
	writer_samples(w, 1, 900, (struct capture_sample[]){a, d}, 2);
	writer_samples(w, 1, 1098, (struct capture_sample[]){a, d}, 2);
	writer_samples(w, 2, 1098, &c, 1);
	writer_samples(w, 1, 1130, NULL, 0);
	writer_samples(w, 2, 1130, NULL, 0);
	writer_samples(w, 2, 1163, NULL, 0);
	close_writer(w);

	r = open_reader("exact");
	assert_int_equal(reader_sample_count(r), 15);
	assert_int_equal(reader_event_count(r), 0);
	assert_int_equal(reader_duration_ns(r), 1163);
	assert_int_equal(reader_start(r)->sampling_period_ns, 32);
	assert_int_equal(reader_start(r)->time_metric, CAPTURE_TIME_GIL);
	assert_false(reader_start(r)->allocations);
	expect(r, wanted, sizeof(wanted) / sizeof(wanted[0]));
	assert_int_equal(reader_stack_count(r), 3);
	assert_int_equal(reader_thread_count(r), 4);
	assert_int_equal(reader_events(r, &(struct event){0}, 1), 0);
	assert_null(reader_damage(r));
	reader_close(r);
}

/* Ids that were never given out, and a clock at its end. */
static void test_strange_input(void **state)
{
	struct capture_writer *w = open_writer("strange", 1000);
	const struct capture_sample samples[] = {
		{3, 1, 1, 0}, {2, 2, 1, 0}, {UINT32_MAX, UINT32_MAX, 1, 0}, {0, 1, 1, 0}};
	const struct sample_event wanted[] = {
		{5, 0, 1, 1, 0},          {5, 2, 0, 1, 0},          {5, 0, 0, 1, 0},
		{5, 0, 1, 1, 0},          {5, 0, 1, 1, 0},          {5, 2, 0, 1, 0},
		{5, 0, 0, 1, 0},          {5, 0, 1, 1, 0},          {1ull << 62, 0, 1, 1, 0},
		{1ull << 62, 2, 0, 1, 0}, {1ull << 62, 0, 0, 1, 0}, {1ull << 62, 0, 1, 1, 0},
	};
	struct capture_reader *r;

	(void)state;
	add_threads(w, 2, 1);
	writer_samples(w, 77, 5, samples, 4);
	writer_samples(w, UINT32_MAX, 5, samples, 4);
	writer_seal(w, 0, &(struct error){0});
	writer_samples(w, 0, UINT64_MAX, samples, 4);
	close_writer(w);
	r = open_reader("strange");
	expect(r, wanted, sizeof(wanted) / sizeof(wanted[0]));
	reader_close(r);
}

/* A round may be larger than what the encoder takes at once, and many rounds than a chunk. */
static void test_many_threads(void **state)
{
	enum {
		THREADS = 10000
	};
	struct capture_writer *w = open_writer("many", MS);
	struct capture_sample *samples = calloc(THREADS, sizeof(*samples));
	struct record record = {0};
	struct capture_reader *r;
	const struct capture_chunk_sum *sums;
	size_t count;
	uint64_t bytes = 0;

	(void)state;
	add_threads(w, THREADS, 5);
	for (unsigned i = 0; i < THREADS; i++)
		samples[i] = (struct capture_sample){i + 1, i % 5 + 1, 0, SAMPLE_WAIT_FUTEX};
	for (unsigned round = 0; round < 300; round++) {
		unsigned begin = round / 100 * 10;

		/* Ten come late, ten go early. */
		samples[round * 31].stack = round % 6;
		write_round(w, &record, 1, MS + round * MS, samples + begin, THREADS - 20);
	}
	close_writer(w);
	r = open_reader("many");
	compare(r, &record, 65536, 0, UINT64_MAX, 4096);
	count = reader_chunk_sums(r, &sums);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(sums[i].type, "samples") == 0) {
			assert_in_range(sums[i].chunks, 3, 4);
			bytes = sums[i].raw_bytes;
		}
	}
	assert_in_range(bytes, 1, record.count / 10);
	reader_close(r);
	free(record.samples);
	free(samples);
}

/* A thousand threads that live for a while each, as in a server that makes one a request. */
static void test_threads_come_and_go(void **state)
{
	struct capture_writer *w = open_writer("come", MS);
	struct capture_sample samples[40];
	struct record record = {0};
	struct capture_reader *r;
	uint64_t time_ns = 0;

	(void)state;
	add_threads(w, 1000, 50);
	for (unsigned first = 0; first < 1000; first++) {
		size_t count = 0;

		for (unsigned i = first; i < 1000 && i < first + 40; i++)
			samples[count++] = (struct capture_sample){
				i + 1, (i + first) % 51, SAMPLE_RUNNING, SAMPLE_WAIT_NONE};
		for (unsigned i = 0; i < 3; i++)
			write_round(w, &record, 1, time_ns += MS, samples, count);
	}
	close_writer(w);
	r = open_reader("come");
	compare(r, &record, 65536, 0, UINT64_MAX, 100);
	reader_close(r);
	free(record.samples);
}

/* What threads that wait cost: about the times alone. */
static void test_idle_threads_cost_little(void **state)
{
	struct capture_writer *w = open_writer("idle", MS);
	const struct capture_chunk_sum *sums;
	struct capture_sample samples[100];
	struct capture_reader *r;
	uint64_t time_ns = 0;
	size_t count;
	struct error err;
	struct trial t = {.random = 5};

	(void)state;
	add_threads(w, 100, 10);
	for (unsigned i = 0; i < 100; i++)
		samples[i] = (struct capture_sample){i + 1, i % 10, 0, i % SAMPLE_WAIT_END};
	for (unsigned round = 0; round < 10000; round++) {
		time_ns += 700000 + trial_random(&t, 600000);
		writer_samples(w, 1, time_ns, samples, 100);
		if (round % 1000 == 999)
			assert_int_equal(writer_seal(w, 0, &err), 0);
	}
	close_writer(w);
	r = open_reader("idle");
	assert_int_equal(reader_sample_count(r), 1000000);
	count = reader_chunk_sums(r, &sums);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(sums[i].type, "samples") == 0) {
			assert_int_equal(sums[i].chunks, 10);
			assert_in_range(sums[i].stored_bytes, 1000, 11000);
		}
	}
	reader_close(r);
}

static void check_window(const struct record *record, uint64_t from_ns, uint64_t to_ns)
{
	struct capture_reader *r = open_reader("window");

	reader_window(r, from_ns, to_ns);
	compare(r, record, 65536, from_ns, to_ns, 50);
	reader_close(r);
}

static void test_window(void **state)
{
	struct capture_writer *w = open_writer("window", MS);
	struct capture_sample samples[10];
	struct record record = {0};
	struct capture_reader *r;
	struct error err;
	struct trial t = {.random = 99};
	/* In units of 32,768 ns, so that the times read are those written. */
	uint64_t time_ns = 1 << 15, end;

	(void)state;
	add_threads(w, 10, 10);
	for (unsigned round = 0; round < 2000; round++) {
		for (unsigned i = 0; i < 10; i++)
			samples[i] = (struct capture_sample){i + 1, (stack_id)trial_random(&t, 11),
							     1, 0};
		write_round(w, &record, 1, time_ns, samples, 10);
		time_ns += (1 + trial_random(&t, 60)) << 15;
		if (round % 100 == 99)
			assert_int_equal(writer_seal(w, 0, &err), 0);
	}
	close_writer(w);
	r = open_reader("window");
	end = reader_duration_ns(r);
	compare(r, &record, 1, 0, UINT64_MAX, 333);
	reader_close(r);
	check_window(&record, 0, end + 1);
	check_window(&record, 0, end);
	check_window(&record, end, end + 1);
	check_window(&record, end + 1, UINT64_MAX);
	for (unsigned i = 0; i < 50; i++) {
		uint64_t from = trial_random(&t, end);
		size_t a = trial_random(&t, record.count / 2);

		check_window(&record, from, from + 1 + trial_random(&t, end / (1 + i)));
		/* At the times of samples themselves: the first is in it, the last is not. */
		check_window(&record, record.samples[a].time_ns,
			     record.samples[a + record.count / 2].time_ns);
	}
	free(record.samples);
}

/* A capture of memory and time: two seconds of it. How many samples the first one has. */
static size_t record_both(struct trial *t)
{
	size_t first;

	struct capture_writer *w = trial_open("both", CAPTURE_FULL);
	struct error err;

	trial_begin(t, w, 3);
	t->shy = true;
	trial_run(t, 500);
	trial_sample(t, 100);
	first = 100 * (size_t)t->threads;
	assert_int_equal(writer_seal(w, 0, &err), 0);
	t->time_ns = 1000ull * MS;
	trial_run(t, 500);
	trial_sample(t, 100);
	close_writer(w);
	return first;
}

static size_t count_samples(struct capture_reader *r)
{
	struct sample_event samples[64];
	size_t n, count = 0;

	while ((n = reader_samples(r, samples, 64)))
		count += n;
	return count;
}

static size_t count_events(struct capture_reader *r)
{
	struct event events[64];
	size_t n, count = 0;

	while ((n = reader_events(r, events, 64)))
		count += n;
	return count;
}

/* Where the chunk of a type that comes as number `which` ends. */
static off_t chunk_end(const char *name, unsigned type, unsigned which)
{
	const struct input_chunk *chunks;
	struct input *in;
	struct error err;
	off_t end = 0;
	size_t count;

	assert_int_equal(input_open(trial_path(name), &in, &err), 0);
	count = input_chunks(in, &chunks);
	for (size_t i = 0; i < count && !end; i++) {
		if (chunks[i].head.type == type && which-- == 0)
			end = (off_t)(chunks[i].offset + FORMAT_CHUNK_BYTES +
				      chunks[i].head.stored_bytes);
	}
	input_close(in);
	assert_true(end > 0);
	return end;
}

static void damage(const char *name, off_t end)
{
	int fd = open(trial_path(name), O_WRONLY);

	assert_int_equal(pwrite(fd, "????", 4, end - 4), 4);
	close(fd);
}

/* A window reads the chunks in it, and neither pass those of the other. */
static void test_reads_little(void **state)
{
	struct capture_reader *r;
	struct trial t;
	size_t first, samples;

	(void)state;
	first = record_both(&t);
	samples = first + 100 * (size_t)t.threads;
	damage("both", chunk_end("both", FORMAT_SAMPLES, 0));
	r = open_reader("both");
	assert_int_equal(reader_sample_count(r), samples);
	assert_int_equal(count_samples(r), 0);
	assert_non_null(strstr(reader_damage(r), "(samples)"));
	assert_non_null(strstr(reader_damage(r), "checksum"));
	/* Its events come before it. */
	assert_in_range(count_events(r), 500, 999);
	reader_close(r);
	r = open_reader("both");
	reader_check(r);
	assert_non_null(strstr(reader_damage(r), "(samples)"));
	reader_close(r);
	r = open_reader("both");
	reader_window(r, 1000ull * MS, UINT64_MAX);
	assert_int_equal(count_samples(r), samples - first);
	assert_null(reader_damage(r));
	reader_close(r);
	r = open_reader("both");
	assert_int_equal(count_events(r), t.count);
	assert_null(reader_damage(r));
	assert_int_equal(count_samples(r), 0);
	assert_non_null(reader_damage(r));
	reader_close(r);

	trial_end(&t);
	record_both(&t);
	damage("both", chunk_end("both", FORMAT_EVENTS, 1));
	r = open_reader("both");
	assert_int_equal(count_samples(r), samples);
	assert_null(reader_damage(r));
	assert_in_range(count_events(r), 500, t.count - 1);
	assert_non_null(strstr(reader_damage(r), "(events)"));
	reader_close(r);
	/* Where one pass stopped the other does. */
	r = open_reader("both");
	assert_in_range(count_events(r), 500, t.count - 1);
	assert_int_equal(count_samples(r), first);
	reader_close(r);
	trial_end(&t);
}

/* Both on one reader, and one that is left for the other in the middle of a chunk. */
static void test_two_passes(void **state)
{
	struct capture_reader *r;
	struct event event;
	struct sample_event sample;
	struct trial t;
	size_t samples;

	(void)state;
	samples = record_both(&t);
	samples += 100 * (size_t)t.threads;
	for (unsigned first = 0; first < 2; first++) {
		r = open_reader("both");
		if (first)
			assert_int_equal(count_samples(r), samples);
		assert_int_equal(count_events(r), t.count);
		assert_true(reader_progress(r) == 1);
		if (!first)
			assert_int_equal(count_samples(r), samples);
		assert_true(reader_progress(r) == 1);
		assert_int_equal(reader_stack_count(r), t.stacks);
		assert_int_equal(reader_thread_count(r), t.threads);
		assert_null(reader_damage(r));
		reader_close(r);
	}
	r = open_reader("both");
	reader_check(r);
	assert_null(reader_damage(r));
	assert_int_equal(reader_stack_count(r), t.stacks);
	reader_close(r);
	r = open_reader("both");
	assert_int_equal(reader_events(r, &event, 1), 1);
	assert_int_equal(reader_samples(r, &sample, 1), 1);
	assert_int_equal(reader_events(r, &event, 1), 0);
	assert_int_equal(reader_samples(r, &sample, 1), 0);
	assert_null(reader_damage(r));
	reader_close(r);
	trial_end(&t);
}

/* Samples beside the rows of an aggregate capture. */
static void test_aggregate(void **state)
{
	struct capture_writer *w = trial_open("sums", CAPTURE_AGGREGATE);
	const struct tally_row *rows;
	struct capture_reader *r;
	struct trial t;

	(void)state;
	trial_begin(&t, w, 8);
	trial_run(&t, 2000);
	trial_sample(&t, 50);
	close_writer(w);
	r = open_reader("sums");
	assert_int_equal(count_samples(r), 50 * t.threads);
	assert_int_equal(reader_rows(r, &rows), 0);
	assert_int_equal(count_events(r), 0);
	assert_true(reader_rows(r, &rows) > 10);
	assert_int_equal(reader_totals(r)->live.count, t.living_count);
	assert_null(reader_damage(r));
	reader_close(r);
	trial_end(&t);
}

static void test_sampling(void **state)
{
	struct capture_writer *w = open_writer("sampling", MS);
	struct capture_sampling sampling = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1};
	const struct capture_chunk_sum *sums;
	struct capture_reader *r;
	struct error err;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		sampling.cpu_ns = UINT64_MAX - i;
		writer_sampling(w, &sampling);
	}
	writer_seal(w, 0, &err);
	sampling.rounds = 20;
	writer_sampling(w, &sampling);
	writer_seal(w, 0, &err);
	/* Nothing new. */
	writer_sampling(w, &sampling);
	close_writer(w);
	r = open_reader("sampling");
	assert_null(reader_sampling(r));
	assert_int_equal(count_samples(r), 0);
	assert_non_null(reader_sampling(r));
	assert_memory_equal(reader_sampling(r), &sampling, sizeof(sampling));
	assert_int_equal(reader_chunk_sums(r, &sums), 3);
	assert_string_equal(sums[1].type, "notes");
	assert_int_equal(sums[1].chunks, 2);
	assert_in_range(sums[1].raw_bytes, 20, 100);
	reader_close(r);
}

/* The writer is killed: what was sealed reads. */
static void test_killed_writer(void **state)
{
	const struct capture_sampling sampling = {.rounds = 500};
	struct capture_reader *r;
	struct error err;
	struct trial t;
	int status;
	pid_t child;

	(void)state;
	trial_path("killed"); /* or the child would make the folder */
	child = fork();
	if (child == 0) {
		trial_begin(&t, trial_open("killed", CAPTURE_FULL), 3);
		trial_sample(&t, 500);
		writer_sampling(t.writer, &sampling);
		writer_seal(t.writer, 0, &err);
		trial_sample(&t, 500);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	r = open_reader("killed");
	assert_false(reader_complete(r));
	assert_int_equal(count_samples(r), 1500);
	assert_int_equal(reader_sampling(r)->rounds, 500);
	assert_null(reader_damage(r));
	reader_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_strange_input),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_threads_come_and_go),
		cmocka_unit_test(test_idle_threads_cost_little),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_reads_little),
		cmocka_unit_test(test_two_passes),
		cmocka_unit_test(test_aggregate),
		cmocka_unit_test(test_sampling),
		cmocka_unit_test(test_killed_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
