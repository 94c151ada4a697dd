#include "capture/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/dump.h"
#include "capture/reader.h"
#include "capture/trial.h"

/*
 * Every possible cut and every changed byte of a small capture. Whatever the reader says then has
 * to hold together, and it has to be a beginning of what the whole capture says.
 */
struct image {
	unsigned char *bytes;
	size_t length;
};

static void load(const char *name, struct image *image)
{
	int fd = open(trial_path(name), O_RDONLY);
	struct stat st = {0};

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	image->length = (size_t)st.st_size;
	image->bytes = malloc(image->length);
	assert_int_equal(read(fd, image->bytes, image->length), st.st_size);
	close(fd);
}

static void store(const char *name, const unsigned char *bytes, size_t length)
{
	int fd = open(trial_path(name), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), (ssize_t)length);
	assert_int_equal(ftruncate(fd, (off_t)length), 0);
	close(fd);
}

/* A capture with something of everything. */
static void record(const char *name, enum capture_mode mode)
{
	const struct capture_memory memory = {.rss = 5, .untouched = 6};
	const uint64_t lost[LOST_END] = {1, 0, 3};
	const struct capture_sampling sampling = {.rounds = 30, .sampled_ns = 29000000};
	struct capture_writer *w = trial_open(name, mode);
	struct error err;
	struct trial t;

	trial_begin(&t, w, 21);
	t.shy = true;
	for (unsigned i = 0; i < 3; i++) {
		trial_run(&t, 60);
		trial_sample(&t, 10);
		writer_rss(w, t.process, t.time_ns, 4096 * i);
		assert_int_equal(writer_seal(w, 0, &err), 0);
		t.time_ns += 5000000;
	}
	writer_thread_name(w, 1, "renamed");
	writer_memory(w, t.process, t.time_ns, &memory);
	writer_lost(w, lost);
	writer_sampling(w, &sampling);
	writer_process_end(w, t.process, t.time_ns, 9);
	assert_int_equal(writer_close(w, true, &err), 0);
	trial_end(&t);
}

struct reading {
	bool refused, complete, damaged;
	struct event *events;
	size_t count;
	struct sample_event *samples;
	size_t sample_count;
};

static void read_all(const char *name, struct reading *reading)
{
	struct capture_reader *r;
	struct error err = {0};
	size_t n;

	*reading = (struct reading){0};
	if (reader_open(trial_path(name), &r, &err) < 0) {
		assert_int_equal(err.code, ERROR_CAPTURE);
		assert_true(strlen(err.message) > 10);
		reading->refused = true;
		return;
	}
	reading->events = malloc(4096 * sizeof(struct event));
	while ((n = reader_events(r, reading->events + reading->count, 100))) {
		reading->count += n;
		assert_true(reading->count < 3900);
	}
	reading->samples = malloc(4096 * sizeof(struct sample_event));
	while ((n = reader_samples(r, reading->samples + reading->sample_count, 100))) {
		reading->sample_count += n;
		assert_true(reading->sample_count < 3900);
	}
	reading->complete = reader_complete(r);
	reading->damaged = reader_damage(r) != NULL;
	reader_close(r);
}

static void free_reading(struct reading *reading)
{
	free(reading->events);
	free(reading->samples);
}

/* The dump finds what does not hold together. */
static void check_whole(const char *name)
{
	static char text[1 << 20];
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	if (dump_capture(trial_path(name), out)) {
		fclose(out);
		fail_msg("%s", strstr(text, "BROKEN"));
	}
	fclose(out);
}

/* `bytes` is what became of the good capture; returns what the reader makes of it. */
static struct reading check_bad(const unsigned char *bytes, size_t length,
				const struct reading *good)
{
	struct reading bad;

	store("bad", bytes, length);
	read_all("bad", &bad);
	assert_true(bad.count <= good->count);
	if (bad.count)
		assert_memory_equal(bad.events, good->events, bad.count * sizeof(struct event));
	assert_true(bad.sample_count <= good->sample_count);
	for (size_t i = 0; i < bad.sample_count; i++) {
		const struct sample_event *a = &bad.samples[i], *b = &good->samples[i];

		assert_true(a->time_ns == b->time_ns && a->thread == b->thread &&
			    a->stack == b->stack && a->flags == b->flags && a->wait == b->wait);
	}
	free_reading(&bad);
	check_whole("bad");
	return bad;
}

static void test_cut(void **state)
{
	(void)state;
	for (unsigned mode = CAPTURE_FULL; mode <= CAPTURE_AGGREGATE; mode++) {
		struct reading good;
		struct image image;
		struct input *input;
		const struct input_chunk *chunks;
		struct error err;
		size_t chunk_count, next = 0, last = 0, last_samples = 0;

		record("good", (enum capture_mode)mode);
		load("good", &image);
		read_all("good", &good);
		assert_true(good.complete && !good.damaged);
		assert_int_equal(input_open(trial_path("good"), &input, &err), 0);
		chunk_count = input_chunks(input, &chunks);
		assert_true(chunk_count > 6);
		for (size_t length = 0; length < image.length; length++) {
			struct reading bad = check_bad(image.bytes, length, &good);

			while (next < chunk_count && chunks[next].offset < length)
				next++;
			assert_false(bad.complete);
			/* A cut between two chunks is where a writer may have been killed. */
			if (length <= chunks[0].offset || next == 1)
				assert_int_equal(bad.refused, length != chunks[1].offset);
			else if (next < chunk_count && length == chunks[next].offset)
				assert_false(bad.damaged || bad.refused);
			else if (next < chunk_count)
				assert_true(bad.damaged);
			assert_true(bad.count >= last);
			last = bad.count;
			assert_true(bad.sample_count >= last_samples);
			last_samples = bad.sample_count;
		}
		assert_int_equal(last, good.count);
		assert_int_equal(last_samples, good.sample_count);
		assert_true(last_samples >= 90);
		input_close(input);
		free_reading(&good);
		free(image.bytes);
	}
}

static void test_flip(void **state)
{
	static const unsigned char masks[] = {0x01, 0x80, 0xff};

	(void)state;
	for (unsigned mode = CAPTURE_FULL; mode <= CAPTURE_AGGREGATE; mode++) {
		struct reading good;
		struct image image;

		record("good", (enum capture_mode)mode);
		load("good", &image);
		read_all("good", &good);
		for (size_t i = 0; i < image.length; i++) {
			for (unsigned m = 0; m < sizeof(masks); m++) {
				struct reading bad;

				image.bytes[i] ^= masks[m];
				bad = check_bad(image.bytes, image.length, &good);
				image.bytes[i] ^= masks[m];
				if (!bad.refused && !bad.damaged)
					fail_msg("byte %zu, mask %x: not seen", i, masks[m]);
			}
		}
		free_reading(&good);
		free(image.bytes);
	}
}

/* The file becomes shorter, or other, while it is being read. */
static void test_changed_while_read(void **state)
{
	struct capture_reader *r;
	struct event event;
	struct error err;

	(void)state;
	record("good", CAPTURE_FULL);
	assert_int_equal(reader_open(trial_path("good"), &r, &err), 0);
	assert_int_equal(reader_events(r, &event, 1), 1);
	assert_int_equal(truncate(trial_path("good"), 700), 0);
	while (reader_events(r, &event, 1))
		;
	assert_non_null(strstr(reader_damage(r), "became shorter"));
	reader_close(r);

	record("good", CAPTURE_FULL);
	assert_int_equal(reader_open(trial_path("good"), &r, &err), 0);
	record("good", CAPTURE_AGGREGATE);
	while (reader_events(r, &event, 1))
		;
	assert_non_null(reader_damage(r));
	reader_close(r);
}

/* Bytes behind the end, and a chunk that is repeated. */
static void test_additions(void **state)
{
	struct reading good, bad;
	struct image image;
	unsigned char *longer;

	(void)state;
	record("good", CAPTURE_FULL);
	load("good", &image);
	read_all("good", &good);
	longer = calloc(1, image.length * 2);
	memcpy(longer, image.bytes, image.length);
	for (size_t more = 1; more < 100; more += 7) {
		bad = check_bad(longer, image.length + more, &good);
		assert_true(bad.damaged);
		assert_false(bad.complete);
		assert_int_equal(bad.count, good.count);
	}
	memcpy(longer + image.length, image.bytes, image.length);
	bad = check_bad(longer, image.length * 2, &good);
	assert_true(bad.damaged);
	free(longer);
	free_reading(&good);
	free(image.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flip),
		cmocka_unit_test(test_changed_while_read),
		cmocka_unit_test(test_additions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
