#include "capture/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/trial.h"

#define TIME_SLACK_NS ((1u << 20) + 1024)
#define TRIAL_EVENTS  60000u

static struct capture_reader *open_reader(const char *name)
{
	struct capture_reader *r;
	struct error err;

	if (reader_open(trial_path(name), &r, &err) < 0)
		fail_msg("%s", err.message);
	return r;
}

/* All events of the reader, taken in portions of changing sizes. */
static struct event *read_all(struct capture_reader *r, size_t *count)
{
	size_t size = 1024, n, portion = 1;
	double progress = 0;
	struct event *events = malloc(size * sizeof(*events));

	*count = 0;
	assert_true(reader_progress(r) == 0);
	do {
		portion = portion * 7 % 1021 + 1;
		while (*count + portion > size) {
			size *= 2;
			events = realloc(events, size * sizeof(*events));
		}
		n = reader_events(r, events + *count, portion);
		assert_true(n <= portion);
		assert_true(reader_progress(r) >= progress && reader_progress(r) <= 1);
		progress = reader_progress(r);
		*count += n;
	} while (n);
	return events;
}

static void check_event(const struct trial_event *wanted, const struct event *got)
{
	assert_int_equal(got->kind, wanted->kind);
	assert_int_equal(got->thread, wanted->thread);
	assert_int_equal(got->slot, wanted->slot);
	assert_int_equal(got->bytes, wanted->bytes);
	assert_int_equal(got->stack, wanted->stack);
	assert_int_equal(got->allocator, wanted->allocator);
	assert_true(got->time_ns <= wanted->time_ns);
	assert_true(wanted->time_ns - got->time_ns <= TIME_SLACK_NS);
}

/* Blocks live in one slot each at a time, and slots are no more than blocks ever lived at once. */
static void check_slots(const struct trial *t)
{
	uint32_t *slots = calloc((size_t)t->living_peak + 1, sizeof(*slots));

	for (size_t i = 0; i < t->count; i++) {
		const struct trial_event *event = &t->events[i];

		assert_in_range(event->slot, 1, t->living_peak);
		if (event->kind == EVENT_ALLOC)
			assert_int_equal(slots[event->slot], 0);
		else
			assert_int_equal(slots[event->slot], event->block + 1);
		slots[event->slot] = event->kind == EVENT_FREE ? 0 : event->block + 1;
	}
	free(slots);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct capture_writer *w = trial_open("a", CAPTURE_FULL);
		struct capture_reader *r;
		struct event *events;
		struct error err;
		struct trial t;
		size_t count;

		trial_begin(&t, w, seed);
		trial_run(&t, seed == 1 ? 10 * TRIAL_EVENTS : TRIAL_EVENTS);
		assert_int_equal(writer_events(w), t.count);
		assert_int_equal(writer_close(w, true, &err), 0);
		check_slots(&t);

		r = open_reader("a");
		assert_int_equal(reader_event_count(r), t.count);
		assert_true(reader_complete(r));
		assert_true(reader_duration_ns(r) <= t.time_ns);
		events = read_all(r, &count);
		assert_null(reader_damage(r));
		assert_int_equal(count, t.count);
		for (size_t i = 0; i < count; i++)
			check_event(&t.events[i], &events[i]);
		assert_int_equal(reader_stack_count(r), t.stacks);
		assert_int_equal(reader_thread_count(r), t.threads);
		assert_true(reader_progress(r) == 1.0);
		free(events);
		reader_close(r);
		trial_end(&t);
	}
}

/* What a window must give, from all events. */
static size_t expect_window(const struct event *events, size_t count, uint64_t from_ns,
			    uint64_t to_ns, size_t *indexes)
{
	uint8_t *inside = calloc(1 << 24, 1); /* [slot] */
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct event *event = &events[i];

		assert_true(event->slot < 1 << 24);
		if (event->time_ns < from_ns || event->time_ns >= to_ns)
			continue;
		if (event->kind == EVENT_ALLOC)
			inside[event->slot] = 1;
		else if (!inside[event->slot])
			continue;
		if (event->kind == EVENT_FREE)
			inside[event->slot] = 0;
		indexes[n++] = i;
	}
	free(inside);
	return n;
}

static void check_window(const struct event *events, size_t count, uint64_t from_ns, uint64_t to_ns)
{
	size_t *indexes = malloc(count * sizeof(*indexes));
	size_t wanted = expect_window(events, count, from_ns, to_ns, indexes);
	struct capture_reader *r = open_reader("a");
	uint32_t *slots = calloc(1 << 24, sizeof(*slots)); /* of the window -> of the capture */
	struct event *got;
	size_t got_count;

	reader_window(r, from_ns, to_ns);
	got = read_all(r, &got_count);
	assert_null(reader_damage(r));
	assert_int_equal(got_count, wanted);
	for (size_t i = 0; i < wanted; i++) {
		struct event event = got[i];
		const struct event *from = &events[indexes[i]];

		if (event.kind == EVENT_ALLOC)
			slots[event.slot] = from->slot;
		event.slot = slots[event.slot];
		assert_memory_equal(&event, from, sizeof(event));
	}
	/* The dictionaries are whole all the same. */
	assert_true(reader_stack_count(r) >= 20);
	free(got);
	free(slots);
	free(indexes);
	reader_close(r);
}

static void test_window(void **state)
{
	struct capture_writer *w = trial_open("a", CAPTURE_FULL);
	struct capture_reader *r;
	struct event *events;
	struct error err;
	struct trial t;
	uint64_t end;
	size_t count;

	(void)state;
	trial_begin(&t, w, 77);
	trial_run(&t, 8 * TRIAL_EVENTS);
	assert_int_equal(writer_close(w, true, &err), 0);
	r = open_reader("a");
	events = read_all(r, &count);
	assert_null(reader_damage(r));
	end = reader_duration_ns(r);
	reader_close(r);

	check_window(events, count, 0, UINT64_MAX);
	check_window(events, count, 0, end + 1);
	check_window(events, count, 0, end / 2);
	check_window(events, count, end / 2, UINT64_MAX);
	check_window(events, count, end, end);
	check_window(events, count, end / 3, end / 3);
	check_window(events, count, end + 1, UINT64_MAX);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t from = trial_random(&t, end);

		check_window(events, count, from, from + trial_random(&t, end / (1 + i)));
		/* At the times of events themselves: the first is in it, the last is not. */
		from = trial_random(&t, count / 2);
		check_window(events, count, events[from].time_ns,
			     events[from + trial_random(&t, count / 2)].time_ns);
	}
	free(events);
	trial_end(&t);
}

/* Chunks outside the window are not read: damage in them goes unseen. */
static void test_window_reads_little(void **state)
{
	struct capture_writer *w = trial_open("a", CAPTURE_FULL);
	struct capture_reader *r;
	struct error err;
	struct trial t;
	size_t count;
	uint64_t bytes;
	int fd;

	(void)state;
	trial_begin(&t, w, 5);
	t.shy = true;
	trial_run(&t, 400);
	assert_int_equal(writer_seal(w, 0, &err), 0);
	bytes = writer_bytes(w);
	t.time_ns += 1000000000;
	trial_run(&t, 400);
	assert_int_equal(writer_close(w, true, &err), 0);
	fd = open(trial_path("a"), O_WRONLY);
	assert_int_equal(pwrite(fd, "????", 4, (off_t)bytes - 4), 4);
	close(fd);

	r = open_reader("a");
	free(read_all(r, &count));
	assert_int_equal(count, 0);
	assert_non_null(strstr(reader_damage(r), "(events)"));
	assert_non_null(strstr(reader_damage(r), "checksum"));
	reader_close(r);
	r = open_reader("a");
	reader_window(r, 1000000000, UINT64_MAX);
	free(read_all(r, &count));
	assert_true(count > 100);
	assert_null(reader_damage(r));
	reader_close(r);
	trial_end(&t);
}

static void test_start(void **state)
{
	struct capture_writer *w = trial_open("a", CAPTURE_FULL);
	const struct capture_start *start;
	struct capture_reader *r;
	struct error err;

	(void)state;
	assert_int_equal(writer_close(w, false, &err), 0);
	r = open_reader("a");
	start = reader_start(r);
	assert_int_equal(start->mode, CAPTURE_FULL);
	assert_int_equal(start->wall_time_ns, 1700000000123456789);
	assert_int_equal(start->page_size, 4096);
	assert_string_equal(start->command_line[0], "sonde");
	assert_string_equal(start->command_line[3], "--fast");
	assert_null(start->command_line[4]);
	assert_string_equal(start->host, "example");
	assert_string_equal(start->system, "Linux 6.1.0 x86_64");
	assert_string_equal(start->sonde_version, "0.1.0");
	assert_true(start->native_stacks);
	assert_false(start->python_allocators_traced);
	assert_int_equal(reader_version(r), 1);
	assert_false(reader_complete(r));
	assert_null(reader_damage(r));
	assert_null(reader_totals(r));
	assert_int_equal(reader_events(r, &(struct event){0}, 1), 0);
	reader_close(r);
}

static void test_dictionaries(void **state)
{
	static char longest[200000];
	struct capture_writer *w = trial_open("a", CAPTURE_FULL);
	const struct capture_frame *frame;
	struct capture_reader *r;
	struct error err;
	frame_id frames[5], got_frame;
	stack_id stacks[3], parent;
	process_id p;
	thread_id thread;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	frames[0] = writer_frame(w, FRAME_PYTHON, "main", 4, "a.py", 4, 7);
	frames[1] = writer_frame(w, FRAME_NATIVE, "malloc", 6, "", 0, 0);
	frames[2] = writer_frame(w, FRAME_PYTHON, "ma\0in\xff", 6, "\xc3\xbc.py", 5, UINT32_MAX);
	frames[3] = writer_frame(w, FRAME_MARKER, longest, sizeof(longest), "a.py", 4, 1);
	frames[4] = writer_frame(w, FRAME_PYTHON, "main", 4, "a.py", 4, 8);
	assert_int_equal(writer_frame(w, FRAME_PYTHON, "main", 4, "a.py", 4, 7), frames[0]);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(frames[i], i + 1);
	stacks[0] = writer_stack(w, 0, frames[0]);
	stacks[1] = writer_stack(w, stacks[0], frames[1]);
	assert_int_equal(writer_seal(w, 0, &err), 0);
	stacks[2] = writer_stack(w, stacks[0], frames[4]);
	assert_int_equal(writer_stack(w, stacks[0], frames[1]), stacks[1]);
	assert_int_equal(writer_stack(w, stacks[1], 0), stacks[1]);
	assert_int_equal(writer_stack(w, 99, frames[0]), stacks[0]);
	p = writer_process(w, &(struct capture_process){.pid = 9, .command = "x"});
	thread = writer_thread(w, p, 77, NULL);
	writer_thread(w, p, 78, "first");
	writer_thread_name(w, thread, "second");
	writer_thread_name(w, thread, "third");
	writer_thread_name(w, 99, "nobody");
	writer_process_end(w, p, 5000, 256);
	writer_process_end(w, 99, 5000, 256);
	assert_int_equal(writer_close(w, true, &err), 0);

	r = open_reader("a");
	assert_int_equal(reader_events(r, &(struct event){0}, 1), 0);
	assert_null(reader_damage(r));
	assert_int_equal(reader_frame_count(r), 5);
	frame = reader_frame(r, 1);
	assert_string_equal(frame->function, "main");
	assert_string_equal(frame->file, "a.py");
	assert_int_equal(frame->line, 7);
	assert_int_equal(frame->kind, FRAME_PYTHON);
	assert_int_equal(reader_frame(r, 2)->kind, FRAME_NATIVE);
	assert_string_equal(reader_frame(r, 2)->file, "");
	assert_string_equal(reader_frame(r, 3)->function, "ma\xef\xbf\xbdin\xef\xbf\xbd");
	assert_string_equal(reader_frame(r, 3)->file, "\xc3\xbc.py");
	assert_int_equal(reader_frame(r, 3)->line, UINT32_MAX);
	assert_int_equal(strlen(reader_frame(r, 4)->function), 65535);
	assert_string_equal(reader_frame(r, 4)->function + 65532, "\xe2\x80\xa6");
	assert_int_equal(reader_frame(r, 6)->kind, FRAME_MARKER);
	assert_int_equal(reader_frame(r, 0)->kind, FRAME_MARKER);
	assert_int_equal(reader_stack_count(r), 3);
	reader_stack(r, stacks[2], &parent, &got_frame);
	assert_int_equal(parent, stacks[0]);
	assert_int_equal(got_frame, frames[4]);
	reader_stack(r, stacks[0], &parent, &got_frame);
	assert_int_equal(parent, 0);
	reader_stack(r, 4, &parent, &got_frame);
	assert_int_equal(parent, 0);
	assert_int_equal(got_frame, 0);
	assert_int_equal(reader_process_count(r), 1);
	assert_int_equal(reader_process(r, p)->start.pid, 9);
	assert_string_equal(reader_process(r, p)->start.command, "x");
	assert_string_equal(reader_process(r, p)->start.python_version, "");
	assert_int_equal(reader_process(r, p)->end_ns, 5000);
	assert_int_equal(reader_process(r, p)->exit_status, 256);
	assert_int_equal(reader_process(r, 2)->exit_status, -1);
	assert_int_equal(reader_thread_count(r), 2);
	assert_string_equal(reader_thread(r, thread)->name, "third");
	assert_int_equal(reader_thread(r, thread)->tid, 77);
	assert_int_equal(reader_thread(r, thread)->process, p);
	assert_string_equal(reader_thread(r, 2)->name, "first");
	assert_string_equal(reader_thread(r, 3)->name, "");
	reader_close(r);
}

/* Enough of everything for many dictionary chunks. */
static void test_large_dictionary(void **state)
{
	enum {
		FRAMES = 60000
	};
	struct capture_writer *w = trial_open("a", CAPTURE_FULL);
	const struct capture_chunk_sum *sums;
	struct capture_reader *r;
	struct error err;
	stack_id stack = 0;
	char name[64];

	(void)state;
	for (unsigned i = 0; i < FRAMES; i++) {
		int length = snprintf(name, sizeof(name), "a function with some name: %u", i);

		stack = writer_stack(
			w, i % 1000 ? stack : 0,
			writer_frame(w, FRAME_PYTHON, name, (size_t)length, name, 10, i * 77777));
		assert_int_equal(stack, i + 1);
	}
	writer_alloc(w, 0, ALLOCATOR_MALLOC, stack, 1);
	assert_int_equal(writer_close(w, true, &err), 0);
	r = open_reader("a");
	assert_int_equal(reader_events(r, &(struct event){0}, 1), 1);
	assert_null(reader_damage(r));
	for (unsigned i = 0; i < FRAMES; i++) {
		stack_id parent;
		frame_id frame;

		snprintf(name, sizeof(name), "a function with some name: %u", i);
		assert_string_equal(reader_frame(r, i + 1)->function, name);
		assert_int_equal(reader_frame(r, i + 1)->line, i * 77777);
		reader_stack(r, i + 1, &parent, &frame);
		assert_int_equal(parent, i % 1000 ? i : 0);
		assert_int_equal(frame, i + 1);
	}
	assert_int_equal(reader_chunk_sums(r, &sums), 4);
	assert_string_equal(sums[0].type, "meta");
	assert_string_equal(sums[1].type, "dictionary");
	assert_true(sums[1].chunks > 5);
	assert_true(sums[1].stored_bytes < sums[1].raw_bytes);
	assert_string_equal(sums[2].type, "events");
	assert_string_equal(sums[3].type, "index");
	reader_close(r);
}

static void test_notes(void **state)
{
	struct capture_writer *w = trial_open("a", CAPTURE_FULL);
	const struct capture_memory memory = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, UINT64_MAX};
	const struct capture_memory older = {.rss = 11, .swap = 12};
	const uint64_t lost[LOST_END] = {1, 2, 3, 4, 5};
	const struct capture_rss *rss;
	struct capture_reader *r;
	struct error err;
	process_id a, b;

	(void)state;
	a = writer_process(w, &(struct capture_process){.pid = 1});
	b = writer_process(w, &(struct capture_process){.pid = 2});
	writer_memory(w, a, 10, &older);
	for (unsigned i = 0; i < 30000; i++) {
		writer_rss(w, i % 3 ? a : b, 1000000ull * i, i % 7 ? 4096ull * i : UINT64_MAX);
		if (i == 10000)
			writer_lost(w, lost);
	}
	writer_rss(w, 3, 0, 0);
	writer_memory(w, a, 20, &memory);
	writer_lost(w, lost);
	assert_int_equal(writer_close(w, true, &err), 0);

	r = open_reader("a");
	assert_int_equal(reader_events(r, &(struct event){0}, 1), 0);
	assert_null(reader_damage(r));
	assert_int_equal(reader_duration_ns(r), 29999000000);
	assert_int_equal(reader_rss(r, &rss), 30000);
	for (unsigned i = 0; i < 30000; i++) {
		assert_int_equal(rss[i].process, i % 3 ? a : b);
		assert_int_equal(rss[i].bytes, i % 7 ? 4096ull * i : UINT64_MAX);
		assert_in_range(1000000ull * i - rss[i].time_ns, 0, 1023);
	}
	assert_memory_equal(&reader_process(r, a)->memory, &memory, sizeof(memory));
	assert_int_equal(reader_process(r, a)->memory_time_ns, 20);
	assert_int_equal(reader_process(r, b)->memory.rss, 0);
	assert_memory_equal(reader_lost(r), lost, sizeof(lost));
	reader_close(r);
}

/* The writer is killed: what was sealed reads, and nothing says that it is complete. */
static void test_killed_writer(void **state)
{
	struct capture_reader *r;
	struct error err;
	struct trial t;
	size_t sealed, count;
	int fds[2], status;
	pid_t child;

	(void)state;
	trial_path("killed"); /* or the child would make the folder */
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		trial_begin(&t, trial_open("killed", CAPTURE_FULL), 3);
		t.shy = true;
		trial_run(&t, 5000);
		writer_seal(t.writer, 0, &err);
		sealed = t.count;
		trial_run(&t, 100);
		if (write(fds[1], &sealed, sizeof(sealed)) != sizeof(sealed))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(read(fds[0], &sealed, sizeof(sealed)), sizeof(sealed));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	r = open_reader("killed");
	assert_false(reader_complete(r));
	assert_int_equal(reader_event_count(r), sealed);
	free(read_all(r, &count));
	assert_int_equal(count, sealed);
	assert_null(reader_damage(r));
	reader_close(r);
	close(fds[0]);
	close(fds[1]);
}

static void copy_to_stdin(const char *path, bool through_pipe)
{
	int fd = open(path, O_RDONLY);
	int fds[2];
	char bytes[4096];
	ssize_t n;

	assert_true(fd >= 0);
	if (through_pipe) {
		assert_int_equal(pipe(fds), 0);
		n = read(fd, bytes, sizeof(bytes));
		assert_true(n > 0 && n < (ssize_t)sizeof(bytes));
		assert_int_equal(write(fds[1], bytes, (size_t)n), n);
		close(fds[1]);
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
	} else {
		dup2(fd, STDIN_FILENO);
	}
	close(fd);
}

static void test_standard_input(void **state)
{
	struct capture_writer *w = trial_open("a", CAPTURE_FULL);
	int saved = dup(STDIN_FILENO);
	struct error err;

	(void)state;
	writer_alloc(w, 0, ALLOCATOR_MALLOC, 0, 123);
	assert_int_equal(writer_close(w, true, &err), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct capture_reader *r;
		struct event event;

		copy_to_stdin(trial_path("a"), i);
		assert_int_equal(reader_open("-", &r, &err), 0);
		assert_int_equal(reader_events(r, &event, 1), 1);
		assert_int_equal(event.bytes, 123);
		assert_true(reader_complete(r));
		reader_close(r);
	}
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void expect_refused(const char *name, const void *bytes, size_t length, const char *why)
{
	struct capture_reader *r;
	struct error err = {0};
	FILE *file = fopen(trial_path(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
	assert_int_equal(reader_open(trial_path(name), &r, &err), -ERROR_CAPTURE);
	assert_int_equal(err.code, ERROR_CAPTURE);
	if (!strstr(err.message, why))
		fail_msg("\"%s\" does not say \"%s\"", err.message, why);
}

static void test_no_capture(void **state)
{
	struct capture_reader *r;
	struct error err;

	(void)state;
	expect_refused("b", "", 0, "is empty");
	expect_refused("b", "hello", 5, "is not a sonde capture");
	expect_refused("b", "\x89SON\r\n", 6, "ends within its header");
	expect_refused("b", "\x89SON\n\x1a\n123456789012345678901234567890", 36, "text mode");
	expect_refused("b", "\x89SON\r\n\x1a\n\1\0\0\0\x20\0\0\0        12345678", 32,
		       "is damaged");
	assert_int_equal(reader_open(trial_path("none"), &r, &err), -ERROR_CAPTURE);
	assert_non_null(strstr(err.message, "No such file"));
	assert_int_equal(reader_open("/", &r, &err), -ERROR_CAPTURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_window_reads_little),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_dictionaries),
		cmocka_unit_test(test_large_dictionary),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_killed_writer),
		cmocka_unit_test(test_standard_input),
		cmocka_unit_test(test_no_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
