#include "analysis/profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/specimen.h"

#define MS UINT64_C(1000000)

static struct profile *create(struct capture_reader *reader, const struct profile_options *options)
{
	struct profile *profile;
	struct error err = {0};

	if (profile_create(reader, options, &profile, &err) != 0)
		fail_msg("%s", err.message);
	return profile;
}

static void destroy(struct profile *profile)
{
	struct capture_reader *reader = profile->reader;

	profile_destroy(profile);
	reader_close(reader);
}

/* The innermost function of a row's stack. */
static const char *function_of(const struct profile *profile, size_t row)
{
	stack_id parent;
	frame_id frame;

	assert_true(row < profile->all_count);
	if (profile->rows[row].stack == 0)
		return "";
	profile_stack(profile, profile->rows[row].stack, &parent, &frame);
	return reader_frame(profile->reader, frame)->function;
}

static void assert_row(const struct profile *profile, size_t row, const char *function,
		       uint64_t bytes, uint64_t count)
{
	assert_string_equal(function_of(profile, row), function);
	assert_int_equal(profile->rows[row].amount, bytes);
	assert_int_equal(profile->rows[row].count, count);
}

/* The peak, 1,060 bytes, is at 30 ms: 50 and 1,000 of parse, 10 of load. */
static struct capture_reader *make_history(uint32_t mode)
{
	struct capture_start start = specimen_start();
	struct specimen s;
	stack_id top, load, parse;
	slot_id a, d, e;

	start.mode = mode;
	specimen_begin(&s, &start);
	top = specimen_stack(&s, 0, "<module>", "app.py", 1);
	load = specimen_stack(&s, top, "load", "app.py", 5);
	parse = specimen_stack(&s, top, "parse", "app.py", 9);
	writer_time(s.writer, 10 * MS);
	a = specimen_malloc(&s, load, 100);
	specimen_malloc(&s, parse, 50);
	writer_time(s.writer, 20 * MS);
	specimen_free(&s, a);
	specimen_malloc(&s, load, 10);
	writer_time(s.writer, 30 * MS);
	d = specimen_malloc(&s, parse, 1000);
	specimen_free(&s, d);
	writer_time(s.writer, 40 * MS);
	e = specimen_malloc(&s, load, 5);
	specimen_free(&s, e);
	return specimen_read(&s, true);
}

static void check_metrics(uint32_t mode)
{
	static const struct {
		enum metric metric;
		uint64_t parse_bytes, parse_count, load_bytes, load_count;
	} cases[] = {
		{METRIC_PEAK, 1050, 2, 10, 1},
		{METRIC_LEAKS, 50, 1, 10, 1},
		{METRIC_TEMPORARY, 1000, 1, 105, 2},
		{METRIC_TOTAL, 1050, 2, 115, 3},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct profile *profile = create(
			make_history(mode), &(struct profile_options){.metric = cases[i].metric,
								      .temporary_threshold = 1});

		assert_int_equal(profile->row_count, 2);
		assert_row(profile, 0, "parse", cases[i].parse_bytes, cases[i].parse_count);
		assert_row(profile, 1, "load", cases[i].load_bytes, cases[i].load_count);
		assert_int_equal(profile->amount, cases[i].parse_bytes + cases[i].load_bytes);
		assert_int_equal(profile->count, cases[i].parse_count + cases[i].load_count);
		assert_int_equal(profile->rows[1].memory.allocated.bytes, 115);
		assert_int_equal(profile->rows[1].memory.allocated.count, 3);
		assert_false(profile->estimated);
		assert_int_equal(profile->rows[0].memory.allocator, ALLOCATOR_MALLOC);
		assert_int_equal(profile->rows[0].thread, 0);
		assert_int_equal(profile->rows[0].process, 1);
		assert_int_equal(profile->memory.totals.peak_bytes, 1060);
		assert_int_equal(profile->memory.totals.peak_count, 3);
		assert_int_equal(profile->memory.totals.allocated.count, 5);
		assert_int_equal(profile->memory.totals.freed.count, 3);
		assert_int_equal(profile->memory.totals.live.bytes, 60);
		destroy(profile);
	}
}

static void every_metric_is_exact(void **state)
{
	(void)state;
	check_metrics(CAPTURE_FULL);
}

static void aggregate_captures_say_the_same(void **state)
{
	(void)state;
	check_metrics(CAPTURE_AGGREGATE);
}

static void the_peak_has_its_moment(void **state)
{
	struct profile *profile = create(make_history(CAPTURE_FULL), &(struct profile_options){0});

	(void)state;
	assert_in_range(profile->memory.totals.peak_time_ns, 28 * MS, 32 * MS);
	assert_in_range(profile->memory.timeline_count, 38, 45);
	for (size_t i = 0; i < profile->memory.timeline_count; i++) {
		const struct profile_point *point = &profile->memory.timeline[i];
		bool at_peak = point->time_ns > profile->memory.totals.peak_time_ns &&
			       point->time_ns <= profile->memory.totals.peak_time_ns + MS;

		assert_int_equal(at_peak, point->heap_bytes == 1060);
	}
	assert_int_equal(profile->memory.timeline[profile->memory.timeline_count - 1].live_bytes,
			 60);
	destroy(profile);
}

static void rows_without_bytes_in_the_metric_come_last(void **state)
{
	struct specimen s;
	struct profile *profile;

	(void)state;
	specimen_begin(&s, NULL);
	specimen_free(&s, specimen_malloc(&s, specimen_stack(&s, 0, "gone", "a.py", 1), 10));
	specimen_malloc(&s, specimen_stack(&s, 0, "empty", "a.py", 2), 0);
	specimen_malloc(&s, specimen_stack(&s, 0, "stays", "a.py", 3), 7);
	profile =
		create(specimen_read(&s, true), &(struct profile_options){.metric = METRIC_LEAKS});
	assert_int_equal(profile->row_count, 2);
	assert_int_equal(profile->all_count, 3);
	assert_row(profile, 0, "stays", 7, 1);
	assert_row(profile, 1, "empty", 0, 1); /* malloc(0) is a block */
	assert_row(profile, 2, "gone", 0, 0);
	assert_int_equal(profile->rows[2].memory.allocated.bytes, 10);
	destroy(profile);
}

/* Two processes; the first has two threads, which both allocate in "work". */
static struct capture_reader *make_threads(void)
{
	struct capture_process child = {.pid = 200,
					.parent_pid = 100,
					.command = "python3 child.py",
					.executable = "",
					.python_version = "",
					.python_allocator = ""};
	struct specimen s;
	thread_id second, other;
	stack_id work, idle;

	specimen_begin(&s, NULL);
	second = writer_thread(s.writer, s.process, 101, "worker-1");
	other = writer_thread(s.writer, writer_process(s.writer, &child), 200, "");
	work = specimen_stack(&s, 0, "work", "pkg/mod.py", 3);
	idle = specimen_stack(&s, work, "Idle.sleep", "/usr/lib/python3.9/time.py", 4);
	specimen_malloc(&s, work, 100);
	writer_alloc(s.writer, second, ALLOCATOR_MALLOC, work, 30);
	writer_alloc(s.writer, second, ALLOCATOR_CALLOC, idle, 8);
	writer_alloc(s.writer, other, ALLOCATOR_MALLOC, work, 5);
	return specimen_read(&s, true);
}

static void threads_merge_and_processes_do_not(void **state)
{
	struct profile *profile = create(make_threads(), &(struct profile_options){0});

	(void)state;
	assert_int_equal(profile->row_count, 3);
	assert_row(profile, 0, "work", 130, 2);
	assert_row(profile, 1, "Idle.sleep", 8, 1);
	assert_row(profile, 2, "work", 5, 1);
	assert_int_equal(profile->rows[0].process, 1);
	assert_int_equal(profile->rows[2].process, 2);
	destroy(profile);

	profile = create(make_threads(), &(struct profile_options){.split_threads = true});
	assert_int_equal(profile->row_count, 4);
	assert_row(profile, 0, "work", 100, 1);
	assert_row(profile, 1, "work", 30, 1);
	assert_int_equal(profile->rows[1].thread, 2);
	assert_int_equal(profile->rows[1].process, 1);
	assert_int_equal(profile->rows[3].process, 2);
	destroy(profile);
}

static void filters_keep_what_matches_each_list(void **state)
{
#define LIST(...)                 \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}
	static const char *const none[] = {NULL};
	const struct {
		struct profile_options options;
		uint64_t bytes;
	} cases[] = {
		{{.functions = LIST("Idle.sleep")}, 8},
		{{.functions = LIST("sleep")}, 8},
		{{.functions = LIST("Idle")}, 0},
		{{.functions = LIST("wor?")}, 143},
		{{.functions = LIST("nothing", "Idle.*")}, 8},
		{{.files = LIST("mod.py")}, 143},
		{{.files = LIST("*/time.py")}, 8},
		{{.files = LIST("python3.9/*")}, 8},
		{{.files = LIST("mod")}, 0},
		{{.modules = LIST("pkg")}, 143},
		{{.modules = LIST("pkg.mod"), .functions = LIST("sleep")}, 8},
		{{.modules = LIST("time")}, 8},
		{{.threads = LIST("main")}, 100},
		{{.threads = LIST("worker-*")}, 38},
		{{.threads = LIST("200", "100")}, 105},
		{{.threads = LIST("worker-*"), .files = LIST("time.py")}, 8},
		{{.threads = none}, 0},
	};
#undef LIST

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct profile *profile = create(make_threads(), &cases[i].options);

		if (profile->amount != cases[i].bytes)
			fail_msg("filter %zu leaves %llu bytes", i,
				 (unsigned long long)profile->amount);
		assert_int_equal(profile->amount + profile->hidden_amount, 143);
		assert_int_equal(profile->count + profile->hidden_count, 4);
		assert_int_equal(profile->memory.totals.allocated.bytes, 143);
		destroy(profile);
	}
}

static void hidden_frames_let_rows_merge(void **state)
{
	static const char *const functions[] = {"exec_module", NULL};
	struct profile_options options = {.hide_import_system = true};
	struct specimen s;
	struct profile *profile;
	stack_id top, import;

	(void)state;
	for (int filtered = 0; filtered < 2; filtered++) {
		specimen_begin(&s, NULL);
		top = specimen_stack(&s, 0, "<module>", "app.py", 1);
		import = specimen_stack(&s, top, "_find_and_load", "<frozen importlib._bootstrap>",
					1000);
		import = specimen_stack(&s, import, "exec_module",
					"<frozen importlib._bootstrap_external>", 800);
		specimen_malloc(&s, specimen_stack(&s, import, "<module>", "lib.py", 2), 30);
		specimen_malloc(&s, specimen_stack(&s, top, "<module>", "lib.py", 2), 4);
		specimen_malloc(&s, import, 5);
		specimen_malloc(&s, top, 6);
		options.functions = filtered ? functions : NULL;
		profile = create(specimen_read(&s, true), &options);
		assert_int_equal(profile->row_count, 2);
		/* Filters see the frames that are hidden. */
		assert_int_equal(profile->rows[0].amount, filtered ? 30 : 34);
		assert_int_equal(profile->rows[1].amount, filtered ? 5 : 11);
		assert_string_equal(function_of(profile, 1), "<module>");
		destroy(profile);
	}
}

static void a_window_sees_its_own_blocks(void **state)
{
	struct profile *profile =
		create(make_history(CAPTURE_FULL), &(struct profile_options){.metric = METRIC_TOTAL,
									     .from_ns = 15 * MS,
									     .to_ns = 35 * MS});

	(void)state;
	assert_int_equal(profile->row_count, 2);
	assert_row(profile, 0, "parse", 1000, 1);
	assert_row(profile, 1, "load", 10, 1);
	assert_int_equal(profile->memory.totals.peak_bytes, 1010);
	assert_in_range(profile->memory.timeline_count, 18, 21);
	assert_true(profile->memory.timeline[0].time_ns == 16 * MS);
	destroy(profile);

	profile = create(make_history(CAPTURE_FULL),
			 &(struct profile_options){.metric = METRIC_TOTAL, .from_ns = 35 * MS});
	assert_int_equal(profile->amount, 5);
	destroy(profile);
}

static void assert_refused(struct capture_reader *reader, const struct profile_options *options,
			   int code, const char *words)
{
	struct profile *profile;
	struct error err = {0};

	assert_int_equal(profile_create(reader, options, &profile, &err), -code);
	if (strstr(err.message, words) == NULL)
		fail_msg("'%s' does not say '%s'", err.message, words);
	reader_close(reader);
}

static struct capture_reader *make_sampled(uint32_t mode)
{
	struct capture_start start = specimen_start();
	struct specimen s;
	stack_id small, large;

	start.mode = mode;
	start.sample_rate_bytes = 1000;
	specimen_begin(&s, &start);
	small = specimen_stack(&s, 0, "small", "a.py", 1);
	large = specimen_stack(&s, 0, "large", "a.py", 2);
	specimen_malloc(&s, small, 500);
	specimen_free(&s, specimen_malloc(&s, small, 500));
	specimen_malloc(&s, large, 1000000);
	return specimen_read(&s, true);
}

static void what_a_capture_cannot_say_is_refused(void **state)
{
	(void)state;
	assert_refused(make_history(CAPTURE_AGGREGATE),
		       &(struct profile_options){.from_ns = 1, .to_ns = 2}, ERROR_USAGE,
		       "has no window");
	assert_refused(
		make_history(CAPTURE_AGGREGATE),
		&(struct profile_options){.metric = METRIC_TEMPORARY, .temporary_threshold = 3},
		ERROR_USAGE, "--temporary=1");
	assert_refused(make_history(CAPTURE_FULL),
		       &(struct profile_options){.metric = METRIC_TEMPORARY}, ERROR_USAGE,
		       "at least 1");
	assert_refused(make_history(CAPTURE_FULL),
		       &(struct profile_options){.from_ns = 5, .to_ns = 5}, ERROR_USAGE, "empty");
	assert_refused(
		make_sampled(CAPTURE_FULL),
		&(struct profile_options){.metric = METRIC_TEMPORARY, .temporary_threshold = 1},
		ERROR_USAGE, "sampled");
	assert_refused(make_sampled(CAPTURE_AGGREGATE), &(struct profile_options){0},
		       ERROR_UNSUPPORTED, "both sampled and aggregated");
}

static void sampled_captures_are_estimated(void **state)
{
	double p = 1 - exp(-0.5);
	double error = sqrt(500.0 * 500 * (1 - p) / (p * p));
	struct profile *profile = create(make_sampled(CAPTURE_FULL),
					 &(struct profile_options){.metric = METRIC_TOTAL});

	(void)state;
	assert_true(profile->estimated);
	assert_row(profile, 0, "large", 1000000, 1);
	assert_row(profile, 1, "small", (uint64_t)llround(1000 / p), (uint64_t)llround(2 / p));
	assert_true(profile->rows[0].amount_error < 1e-9);
	assert_true(fabs(profile->rows[1].amount_error - error * sqrt(2)) < 1e-6);
	assert_true(fabs(profile->amount_error - error * sqrt(2)) < 1e-6);
	assert_true(fabs(profile->count_error - sqrt(2 * (1 - p) / (p * p))) < 1e-9);
	assert_int_equal(profile->memory.totals.allocated.bytes, 1000000 + llround(1000 / p));
	destroy(profile);

	profile = create(make_sampled(CAPTURE_FULL),
			 &(struct profile_options){.metric = METRIC_LEAKS});
	assert_row(profile, 1, "small", (uint64_t)llround(500 / p), (uint64_t)llround(1 / p));
	assert_int_equal(profile->memory.timeline[profile->memory.timeline_count - 1].live_bytes,
			 1000000 + (uint64_t)(500 / p));
	destroy(profile);
}

static void rss_is_summed_over_processes(void **state)
{
	struct capture_process child = {.pid = 200,
					.command = "",
					.executable = "",
					.python_version = "",
					.python_allocator = ""};
	struct specimen s;
	struct profile *profile;
	process_id second;

	(void)state;
	specimen_begin(&s, NULL);
	second = writer_process(s.writer, &child);
	specimen_malloc(&s, 0, 1);
	writer_rss(s.writer, s.process, 1 * MS + MS / 2, 1000);
	writer_rss(s.writer, s.process, 5 * MS + MS / 2, 3000);
	writer_rss(s.writer, second, 5 * MS + MS / 2, 100);
	writer_process_end(s.writer, second, 7 * MS + MS / 2, 0);
	writer_rss(s.writer, s.process, 9 * MS + MS / 2, 2000);
	writer_time(s.writer, 10 * MS + MS / 2);
	specimen_malloc(&s, 0, 1);
	profile = create(specimen_read(&s, true), &(struct profile_options){0});
	assert_in_range(profile->memory.timeline_count, 10, 11);
	assert_int_equal(profile->memory.timeline[0].rss_bytes, 0);
	assert_int_equal(profile->memory.timeline[1].rss_bytes, 1000);
	assert_int_equal(profile->memory.timeline[2].rss_bytes, 0);
	assert_int_equal(profile->memory.timeline[5].rss_bytes, 3100);
	assert_int_equal(profile->memory.timeline[9].rss_bytes, 2000);
	destroy(profile);
}

static void count_calls(double share, void *data)
{
	double *last = data;

	assert_true(share >= *last && share <= 1);
	*last = share;
}

static void progress_goes_to_the_end(void **state)
{
	double last = -1;
	struct profile *profile =
		create(make_history(CAPTURE_FULL),
		       &(struct profile_options){.progress = count_calls, .progress_data = &last});

	(void)state;
	assert_true(last >= 1);
	destroy(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_metric_is_exact),
		cmocka_unit_test(aggregate_captures_say_the_same),
		cmocka_unit_test(the_peak_has_its_moment),
		cmocka_unit_test(rows_without_bytes_in_the_metric_come_last),
		cmocka_unit_test(threads_merge_and_processes_do_not),
		cmocka_unit_test(filters_keep_what_matches_each_list),
		cmocka_unit_test(hidden_frames_let_rows_merge),
		cmocka_unit_test(a_window_sees_its_own_blocks),
		cmocka_unit_test(what_a_capture_cannot_say_is_refused),
		cmocka_unit_test(sampled_captures_are_estimated),
		cmocka_unit_test(rss_is_summed_over_processes),
		cmocka_unit_test(progress_goes_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
