#include "analysis/course.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/specimen.h"

#define MS UINT64_C(1000000)

static struct profile *create(struct capture_reader *reader, struct profile_options options)
{
	struct profile *profile;
	struct error err = {0};

	options.course = true;
	if (profile_create(reader, &options, &profile, &err) != 0)
		fail_msg("%s", err.message);
	assert_non_null(profile->time.course);
	return profile;
}

static void destroy(struct profile *profile)
{
	struct capture_reader *reader = profile->reader;

	profile_destroy(profile);
	reader_close(reader);
}

/*
 * Process 100 is looked at every ms from 1 ms to 10 ms, and once more at 40 ms; process 200, which
 * has one thread, at 1 ms and at 3.5 ms. Thread 100 runs in work:3 until 3 ms, in work:4 until 6
 * ms, waits for the GIL there until 8 ms and is asleep in rest from then on. Thread 101 runs in
 * other all the time, except that its stack could not be read at 5 ms.
 */
static struct capture_reader *make_time(void)
{
	struct capture_start start = specimen_time_start();
	struct capture_process child = {.pid = 200,
					.parent_pid = 100,
					.command = "",
					.executable = "",
					.python_version = "",
					.python_allocator = ""};
	const unsigned running = SAMPLE_RUNNING | SAMPLE_HOLDS_GIL;
	struct specimen s;
	stack_id top, work3, work4, rest, other;
	thread_id pool, worker;
	process_id process;

	specimen_begin(&s, &start);
	process = writer_process(s.writer, &child);
	pool = writer_thread(s.writer, s.process, 101, "pool");
	worker = writer_thread(s.writer, process, 200, "");
	top = specimen_stack(&s, 0, "<module>", "app.py", 9);
	work3 = specimen_stack(&s, top, "work", "app.py", 3);
	work4 = specimen_stack(&s, top, "work", "app.py", 4);
	rest = specimen_stack(&s, top, "rest", "app.py", 5);
	other = specimen_stack(&s, 0, "other", "pool.py", 1);
	for (unsigned round = 1; round <= 11; round++) {
		uint64_t time_ns = round <= 10 ? round * MS : 40 * MS;
		struct capture_sample samples[] = {
			{s.thread, round < 4 ? work3 : work4, (uint16_t)running, 0},
			{pool, other, SAMPLE_RUNNING, 0},
		};
		struct capture_sample one = {worker, other, SAMPLE_RUNNING | SAMPLE_PAUSED, 0};

		if (round >= 7)
			samples[0] = (struct capture_sample){s.thread, work4, SAMPLE_WAITS_GIL,
							     SAMPLE_WAIT_FUTEX};
		if (round >= 9)
			samples[0] = (struct capture_sample){s.thread, rest, 0, SAMPLE_WAIT_SLEEP};
		if (round == 5)
			samples[1] = (struct capture_sample){pool, 0,
							     SAMPLE_RUNNING | SAMPLE_UNKNOWN, 0};
		writer_samples(s.writer, s.process, time_ns, samples, 2);
		if (round == 1 || round == 3)
			writer_samples(s.writer, process, round == 1 ? time_ns : 3500000, &one, 1);
	}
	return specimen_read(&s, true);
}

struct expected {
	const char *function; /* innermost */
	unsigned line, samples, flags, wait;
	uint64_t begin_ns, end_ns;
};

static void assert_thread(const struct profile *profile, size_t number, uint32_t tid,
			  const struct expected *runs, size_t count)
{
	const struct course *course = profile->time.course;
	const struct course_thread *thread;

	assert_true(number < course->thread_count);
	thread = &course->threads[number];
	assert_int_equal(reader_thread(profile->reader, thread->thread)->tid, tid);
	assert_int_equal(thread->count, count);
	for (size_t i = 0; i < count; i++) {
		const struct course_run *run = &thread->runs[i];
		const struct capture_frame *frame;
		stack_id parent;
		frame_id id;

		profile_stack(profile, run->stack, &parent, &id);
		frame = profile_frame(profile, id);
		assert_string_equal(frame->function, runs[i].function);
		assert_int_equal(frame->line, runs[i].line);
		assert_int_equal(run->samples, runs[i].samples);
		assert_int_equal(run->flags, runs[i].flags);
		assert_int_equal(run->wait, runs[i].wait);
		/* A capture knows times to a 16th of the period. */
		assert_in_range(course_begin_ns(course, thread, run), runs[i].begin_ns - MS / 16,
				runs[i].begin_ns + MS / 16);
		assert_in_range(course_end_ns(course, thread, run), runs[i].end_ns - MS / 16,
				runs[i].end_ns + MS / 16);
	}
}

#define ASSERT_THREAD(profile, number, tid, ...)                                    \
	assert_thread(profile, number, tid, (const struct expected[]){__VA_ARGS__}, \
		      sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected))

enum {
	RUNS = SAMPLE_RUNNING | SAMPLE_HOLDS_GIL,
};

static void wall_has_all_of_it(void **state)
{
	struct profile *profile =
		create(make_time(), (struct profile_options){.metric = METRIC_WALL});

	(void)state;
	assert_int_equal(profile->time.course->thread_count, 3);
	ASSERT_THREAD(profile, 0, 100, {"work", 3, 3, RUNS, 0, MS, 4 * MS},
		      {"work", 4, 3, RUNS, 0, 4 * MS, 7 * MS},
		      {"work", 4, 2, SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX, 7 * MS, 9 * MS},
		      {"rest", 5, 2, 0, SAMPLE_WAIT_SLEEP, 9 * MS, 11 * MS},
		      {"rest", 5, 1, 0, SAMPLE_WAIT_SLEEP, 40 * MS, 41 * MS});
	ASSERT_THREAD(profile, 1, 101, {"other", 1, 4, SAMPLE_RUNNING, 0, MS, 5 * MS},
		      {"<stack unknown>", 0, 1, SAMPLE_RUNNING, 0, 5 * MS, 6 * MS},
		      {"other", 1, 5, SAMPLE_RUNNING, 0, 6 * MS, 11 * MS},
		      {"other", 1, 1, SAMPLE_RUNNING, 0, 40 * MS, 41 * MS});
	/* Its process was not looked at between: one run. */
	ASSERT_THREAD(profile, 2, 200, {"other", 1, 2, SAMPLE_RUNNING, 0, MS, 4500000});
	destroy(profile);
}

static void other_metrics_have_their_part(void **state)
{
	struct profile *profile =
		create(make_time(), (struct profile_options){.metric = METRIC_GIL});

	(void)state;
	assert_int_equal(profile->time.course->thread_count, 1);
	ASSERT_THREAD(profile, 0, 100, {"work", 3, 3, RUNS, 0, MS, 4 * MS},
		      {"work", 4, 3, RUNS, 0, 4 * MS, 7 * MS});
	destroy(profile);
	profile = create(make_time(), (struct profile_options){.metric = METRIC_WALL,
							       .states = (const char *const[]){
								       "sleep", "gil", NULL}});
	assert_int_equal(profile->time.course->thread_count, 1);
	ASSERT_THREAD(profile, 0, 100,
		      {"work", 4, 2, SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX, 7 * MS, 9 * MS},
		      {"rest", 5, 2, 0, SAMPLE_WAIT_SLEEP, 9 * MS, 11 * MS},
		      {"rest", 5, 1, 0, SAMPLE_WAIT_SLEEP, 40 * MS, 41 * MS});
	destroy(profile);
}

static void merged_lines_are_one_run(void **state)
{
	struct profile *profile = create(
		make_time(), (struct profile_options){.metric = METRIC_CPU, .merge_lines = true});

	(void)state;
	ASSERT_THREAD(profile, 0, 100, {"work", 0, 6, RUNS, 0, MS, 7 * MS});
	destroy(profile);
}

static void filters_leave_holes(void **state)
{
	struct profile *profile =
		create(make_time(),
		       (struct profile_options){.metric = METRIC_WALL,
						.functions = (const char *const[]){"other", NULL}});

	(void)state;
	assert_int_equal(profile->time.course->thread_count, 2);
	ASSERT_THREAD(profile, 0, 101, {"other", 1, 4, SAMPLE_RUNNING, 0, MS, 5 * MS},
		      {"other", 1, 5, SAMPLE_RUNNING, 0, 6 * MS, 11 * MS},
		      {"other", 1, 1, SAMPLE_RUNNING, 0, 40 * MS, 41 * MS});
	ASSERT_THREAD(profile, 1, 200, {"other", 1, 2, SAMPLE_RUNNING, 0, MS, 4500000});
	destroy(profile);
}

/* What the profile sums up is what its course holds, and in a window no more than that. */
static void it_adds_up(void **state)
{
	static const enum metric metrics[] = {METRIC_WALL, METRIC_CPU, METRIC_GIL};

	(void)state;
	for (size_t m = 0; m < 3; m++) {
		for (int window = 0; window < 2; window++) {
			struct profile_options options = {.metric = metrics[m],
							  .from_ns = window ? 3 * MS : 0,
							  .to_ns = window ? 8 * MS : 0};
			struct profile *profile = create(make_time(), options);
			const struct course *course = profile->time.course;
			uint64_t samples = 0;

			for (size_t t = 0; t < course->thread_count; t++) {
				for (size_t i = 0; i < course->threads[t].count; i++)
					samples += course->threads[t].runs[i].samples;
			}
			assert_true(samples > 0);
			assert_int_equal(samples, profile->count);
			destroy(profile);
		}
	}
}

static void a_second_sample_in_a_round_is_none(void **state)
{
	struct course *course = course_create(MS);
	struct sample_event sample = {.time_ns = 5 * MS, .thread = 1, .stack = 7};

	(void)state;
	course_add(course, &sample, 1, true);
	sample.stack = 8;
	course_add(course, &sample, 1, true);
	sample.time_ns = 4 * MS; /* backwards: no round of its own */
	course_add(course, &sample, 1, true);
	assert_int_equal(course->processes[1].count, 1);
	assert_int_equal(course->threads[1].count, 1);
	assert_int_equal(course->threads[1].runs[0].stack, 7);
	assert_int_equal(course->threads[1].runs[0].samples, 1);
	course_destroy(course);
	course_destroy(NULL);
}

static void times_end_where_numbers_do(void **state)
{
	struct course *course = course_create(UINT64_MAX / 2);
	struct sample_event sample = {.time_ns = UINT64_MAX - 5, .thread = 1, .stack = 7};

	(void)state;
	course_add(course, &sample, 0, true);
	assert_true(course_end_ns(course, &course->threads[1], &course->threads[1].runs[0]) ==
		    UINT64_MAX);
	course_destroy(course);
}

static void it_is_there_only_when_asked_for(void **state)
{
	struct capture_reader *reader = make_time();
	struct profile *profile;
	struct error err;

	(void)state;
	assert_int_equal(profile_create(reader, &(struct profile_options){.metric = METRIC_WALL},
					&profile, &err),
			 0);
	assert_null(profile->time.course);
	destroy(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wall_has_all_of_it),
		cmocka_unit_test(other_metrics_have_their_part),
		cmocka_unit_test(merged_lines_are_one_run),
		cmocka_unit_test(filters_leave_holes),
		cmocka_unit_test(it_adds_up),
		cmocka_unit_test(a_second_sample_in_a_round_is_none),
		cmocka_unit_test(times_end_where_numbers_do),
		cmocka_unit_test(it_is_there_only_when_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
