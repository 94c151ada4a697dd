#include "capture/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/format.h"
#include "capture/output.h"
#include "capture/reader.h"
#include "capture/trial.h"

/* A disk with little room and a bad temper. */
static struct {
	uint64_t room; /* bytes that may be written until `error` */
	int error;
	unsigned portion;   /* not 0: no write takes more */
	unsigned interrupt; /* not 0: of so many calls, one is interrupted */
	bool deaf;          /* cannot truncate */
	int sync_error;
	unsigned calls;
} disk;

static bool disk_interrupts(void)
{
	disk.calls++;
	if (!disk.interrupt || disk.calls % disk.interrupt)
		return false;
	errno = EINTR;
	return true;
}

static int disk_open(const char *path, int flags, mode_t mode)
{
	if (disk_interrupts())
		return -1;
	return open(path, flags, mode);
}

static ssize_t disk_write(int fd, const void *bytes, size_t count)
{
	ssize_t n;

	if (disk_interrupts())
		return -1;
	if (disk.portion && count > disk.portion)
		count = disk.portion;
	if (count > disk.room)
		count = disk.room;
	if (!count) {
		errno = disk.error;
		return disk.error ? -1 : 0;
	}
	n = write(fd, bytes, count);
	disk.room -= (uint64_t)n;
	return n;
}

static int disk_truncate(int fd, off_t length)
{
	if (disk_interrupts())
		return -1;
	if (disk.deaf) {
		errno = EIO;
		return -1;
	}
	return ftruncate(fd, length);
}

static int disk_sync(int fd)
{
	(void)fd;
	if (disk.sync_error) {
		errno = disk.sync_error;
		return -1;
	}
	return 0;
}

static int use_disk(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	disk.room = UINT64_MAX;
	output_calls = (struct output_calls){
		.open = disk_open,
		.write = disk_write,
		.truncate = disk_truncate,
		.sync = disk_sync,
		.close = close,
	};
	return 0;
}

static int open_writer(const char *name, bool replace, struct capture_writer **w, struct error *err)
{
	return writer_open(trial_path(name), replace, &(struct capture_start){.page_size = 4096}, w,
			   err);
}

/* A short recording with three seals; returns how many events it had, and the first error seen. */
static size_t record(struct capture_writer *w, bool complete, int *result, struct error *err)
{
	struct error later, closing;
	struct trial t;
	size_t count;
	int status;

	*result = 0;
	trial_begin(&t, w, 9);
	t.shy = true;
	for (unsigned i = 0; i < 3; i++) {
		trial_run(&t, 20);
		trial_sample(&t, 5);
		writer_rss(w, t.process, t.time_ns, 4096);
		writer_sampling(w, &(struct capture_sampling){.rounds = 5 * (i + 1)});
		status = writer_seal(w, 0, i ? &later : err);
		/* The first error is the only one. */
		if (*result < 0) {
			assert_int_equal(status, *result);
			assert_string_equal(i ? later.message : err->message, err->message);
		} else if (status < 0 && i) {
			*err = later;
		}
		*result = status;
	}
	trial_run(&t, 20);
	count = t.count;
	assert_int_equal(writer_events(w), count);
	trial_end(&t);
	status = writer_close(w, complete, &closing);
	if (*result < 0) {
		assert_int_equal(status, *result);
		assert_string_equal(closing.message, err->message);
	} else if (status < 0) {
		*err = closing;
		*result = status;
	}
	return count;
}

static size_t count_events(const char *name, bool *complete, bool *damaged)
{
	struct capture_reader *r;
	struct sample_event samples[100];
	struct event events[100];
	struct error err;
	size_t n, count = 0, sample_count = 0;

	if (reader_open(trial_path(name), &r, &err) < 0)
		fail_msg("%s", err.message);
	while ((n = reader_events(r, events, 100)))
		count += n;
	assert_int_equal(count, reader_event_count(r));
	while ((n = reader_samples(r, samples, 100)))
		sample_count += n;
	assert_int_equal(sample_count, reader_sample_count(r));
	*complete = reader_complete(r);
	*damaged = reader_damage(r) != NULL;
	reader_close(r);
	return count;
}

static uint64_t file_bytes(const char *name)
{
	struct stat st;

	assert_int_equal(stat(trial_path(name), &st), 0);
	return (uint64_t)st.st_size;
}

/* The disk is full after every possible number of bytes, or every `step`-th. */
static void full_disk(int error, bool deaf, unsigned step)
{
	struct capture_writer *w;
	bool complete, damaged;
	struct error err;
	uint64_t whole;
	size_t events, last = 0;
	int result;

	use_disk(NULL);
	assert_int_equal(open_writer("full", true, &w, &err), 0);
	events = record(w, true, &result, &err);
	assert_int_equal(result, 0);
	whole = file_bytes("full");
	assert_int_equal(count_events("full", &complete, &damaged), events);
	assert_true(complete && !damaged);

	for (uint64_t room = 0; room < whole; room += step) {
		size_t read;

		use_disk(NULL);
		disk.room = room;
		disk.error = error;
		disk.deaf = deaf;
		unlink(trial_path("full"));
		if (open_writer("full", false, &w, &err) < 0) {
			assert_int_equal(err.code, ERROR_FAILED);
			/* Nothing is left behind. */
			assert_int_equal(access(trial_path("full"), F_OK), -1);
			continue;
		}
		record(w, true, &result, &err);
		assert_int_equal(result, -ERROR_FAILED);
		assert_non_null(strstr(err.message, error ? strerror(error) : "Input/output"));
		assert_non_null(strstr(err.message, trial_path("full")));
		read = count_events("full", &complete, &damaged);
		assert_false(complete);
		/* Cut back, the file is whole chunks. */
		if (!deaf)
			assert_false(damaged);
		assert_true(read >= last && read <= events);
		last = read;
	}
	assert_true(last > events / 2);
}

static void test_full_disk(void **state)
{
	(void)state;
	full_disk(ENOSPC, false, 1);
	full_disk(EIO, true, 5);
	full_disk(EFBIG, false, 7);
	full_disk(0, false, 11); /* a write that takes nothing and says nothing */
}

static void test_short_and_interrupted_writes(void **state)
{
	struct capture_writer *w;
	bool complete, damaged;
	struct error err;
	size_t events;
	int result;

	(void)state;
	for (unsigned portion = 1; portion < 40; portion += 6) {
		use_disk(NULL);
		disk.portion = portion;
		disk.interrupt = 2;
		assert_int_equal(open_writer("short", true, &w, &err), 0);
		events = record(w, true, &result, &err);
		assert_int_equal(result, 0);
		assert_int_equal(count_events("short", &complete, &damaged), events);
		assert_true(complete && !damaged);
	}
}

/* After an error events are counted, slots stay right, and memory does not grow with them. */
static void test_going_on_after_an_error(void **state)
{
	struct capture_writer *w;
	bool complete, damaged;
	struct error err;
	uint64_t bytes;
	struct trial t;

	(void)state;
	use_disk(NULL);
	assert_int_equal(open_writer("after", true, &w, &err), 0);
	assert_int_equal(writer_status(w, &err), 0);
	disk.room = 0;
	disk.error = EPIPE;
	bytes = writer_bytes(w);
	trial_begin(&t, w, 4);
	trial_run(&t, 300000);
	assert_int_equal(writer_status(w, &err), -ERROR_FAILED);
	assert_non_null(strstr(err.message, strerror(EPIPE)));
	assert_int_equal(writer_events(w), t.count);
	assert_int_equal(writer_bytes(w), bytes);
	/* The disk is well again: nothing is written all the same, there would be a hole. */
	disk.room = UINT64_MAX;
	trial_run(&t, 300000);
	trial_sample(&t, 100);
	assert_int_equal(writer_seal(w, 0, &err), -ERROR_FAILED);
	assert_int_equal(writer_close(w, true, &err), -ERROR_FAILED);
	assert_int_equal(file_bytes("after"), bytes);
	assert_int_equal(count_events("after", &complete, &damaged), 0);
	assert_false(complete || damaged);
	trial_end(&t);
}

static void test_sync(void **state)
{
	struct capture_writer *w;
	struct error err;

	(void)state;
	use_disk(NULL);
	assert_int_equal(open_writer("sync", true, &w, &err), 0);
	disk.sync_error = EIO;
	assert_int_equal(writer_close(w, true, &err), -ERROR_FAILED);
	use_disk(NULL);
	assert_int_equal(open_writer("sync", true, &w, &err), 0);
	disk.sync_error = EINVAL; /* a pipe */
	assert_int_equal(writer_close(w, true, &err), 0);
}

static void test_existing_file(void **state)
{
	struct capture_writer *w;
	struct error err;
	struct stat st;
	FILE *file;

	(void)state;
	use_disk(NULL);
	file = fopen(trial_path("old"), "w");
	assert_non_null(file);
	fprintf(file, "%1000d", 1);
	fclose(file);
	assert_int_equal(chmod(trial_path("old"), 0644), 0);
	assert_int_equal(open_writer("old", false, &w, &err), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "--force"));
	assert_int_equal(file_bytes("old"), 1000);
	assert_int_equal(open_writer("old", true, &w, &err), 0);
	assert_int_equal(writer_close(w, true, &err), 0);
	assert_int_equal(stat(trial_path("old"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_size < 500);
	assert_int_equal(open_writer("new", false, &w, &err), 0);
	assert_int_equal(writer_close(w, true, &err), 0);
	assert_int_equal(stat(trial_path("new"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(open_writer("no/such/folder", true, &w, &err), -ERROR_FAILED);
	assert_int_equal(writer_open("/dev/null", false, &(struct capture_start){0}, &w, &err),
			 -ERROR_USAGE);
	assert_int_equal(writer_open("/dev/null", true, &(struct capture_start){0}, &w, &err), 0);
	assert_int_equal(writer_close(w, true, &err), 0);
}

/* What is younger than max_age_ns stays; dictionaries come before what names them. */
static void test_seal(void **state)
{
	struct capture_writer *w;
	struct error err;
	uint64_t bytes;
	slot_id slot;

	(void)state;
	use_disk(NULL);
	assert_int_equal(open_writer("seal", true, &w, &err), 0);
	bytes = writer_bytes(w);
	assert_int_equal(writer_seal(w, 0, &err), 0);
	assert_int_equal(writer_bytes(w), bytes);
	slot = writer_alloc(w, 0, ALLOCATOR_MALLOC, 0, 1);
	assert_int_equal(writer_seal(w, 3600000000000, &err), 0);
	assert_int_equal(writer_bytes(w), bytes);
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	assert_int_equal(writer_seal(w, 1000000, &err), 0);
	assert_true(writer_bytes(w) > bytes);
	bytes = writer_bytes(w);
	assert_int_equal(writer_seal(w, 0, &err), 0);
	assert_int_equal(writer_bytes(w), bytes);
	writer_free(w, 0, slot);
	assert_int_equal(writer_seal(w, 0, &err), 0);
	assert_true(writer_bytes(w) > bytes);
	assert_int_equal(writer_close(w, true, &err), 0);
}

/* Ids that were never given out, slots that are free: nothing of it reaches the file. */
static void test_strange_input(void **state)
{
	struct capture_writer *w;
	struct capture_reader *r;
	struct event events[10];
	struct error err;
	slot_id slot;

	(void)state;
	use_disk(NULL);
	assert_int_equal(open_writer("strange", true, &w, &err), 0);
	writer_free(w, 0, 0);
	writer_free(w, 0, 12345678);
	writer_shrink(w, 0, 1, 1);
	slot = writer_alloc(w, 77, (enum allocator)250, 99, UINT64_MAX);
	writer_time(w, UINT64_MAX);
	writer_free(w, 78, slot);
	writer_free(w, 0, slot);
	writer_shrink(w, 0, slot, 1);
	writer_rss(w, 1, 0, 1);
	writer_thread(w, 5, 1, "lost");
	writer_process_end(w, 0, 0, 0);
	assert_int_equal(writer_events(w), 2);
	assert_int_equal(writer_close(w, true, &err), 0);
	assert_int_equal(reader_open(trial_path("strange"), &r, &err), 0);
	assert_int_equal(reader_events(r, events, 10), 2);
	assert_null(reader_damage(r));
	assert_int_equal(events[0].thread, 0);
	assert_int_equal(events[0].stack, 0);
	assert_int_equal(events[0].allocator, 250);
	assert_int_equal(events[0].bytes, FORMAT_BLOCK_BYTES_MAX);
	assert_int_equal(events[1].kind, EVENT_FREE);
	assert_int_equal(reader_thread(r, 1)->process, 0);
	reader_close(r);
}

/* A command line larger than a chunk, and texts that are none. */
static void test_start_texts(void **state)
{
	static char argument[3000];
	static const char *arguments[1002];
	const struct capture_start *start;
	struct capture_writer *w;
	struct capture_reader *r;
	struct error err;
	size_t count = 0;

	(void)state;
	use_disk(NULL);
	memset(argument, 'y', sizeof(argument) - 1);
	for (unsigned i = 0; i < 1000; i++)
		arguments[i] = argument;
	arguments[0] = "a\xff";
	assert_int_equal(writer_open(trial_path("texts"), true,
				     &(struct capture_start){
					     .command_line = arguments,
					     .host = "\x80",
				     },
				     &w, &err),
			 0);
	assert_int_equal(writer_close(w, true, &err), 0);
	assert_int_equal(reader_open(trial_path("texts"), &r, &err), 0);
	start = reader_start(r);
	assert_string_equal(start->host, "\xef\xbf\xbd");
	assert_string_equal(start->system, "");
	assert_string_equal(start->command_line[0], "a\xef\xbf\xbd");
	assert_string_equal(start->command_line[1], argument);
	while (start->command_line[count])
		count++;
	assert_in_range(count, 100, 999);
	assert_string_equal(start->command_line[count - 1], "\xe2\x80\xa6");
	reader_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_short_and_interrupted_writes),
		cmocka_unit_test(test_going_on_after_an_error),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_existing_file),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_strange_input),
		cmocka_unit_test(test_start_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
