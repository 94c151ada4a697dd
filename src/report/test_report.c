/*
 * Reports over made captures, against the documents in tests/golden/report.
 *
 *   test_report GOLDEN             compares
 *   test_report GOLDEN --update    writes them anew, to be read before they are committed
 *   test_report --export FOLDER    writes every format of the largest captures, for other readers
 */
#include "report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "analysis/specimen.h"
#include "report/formats.h"

static const char *golden_folder;
static bool update;

static void fill_memory(struct specimen *s)
{
	const struct capture_memory look = {
		.rss = 96 << 20,
		.anonymous = 70 << 20,
		.file = 20 << 20,
		.shared_memory = 6 << 20,
		.peak_rss = 101 << 20,
		.own_rss = 6 << 20,
		.heap_mapped = 60 << 20,
		.heap_resident = 52 << 20,
		.stacks_resident = 200 << 10,
		.untouched = 9 << 20,
	};

	writer_rss(s->writer, s->process, 500000000, 64 << 20);
	writer_rss(s->writer, s->process, 1400000000, 90 << 20);
	writer_memory(s->writer, s->process, 1900000000, &look);
}

static void allocate(struct specimen *s, stack_id stack, enum allocator allocator, unsigned blocks,
		     uint64_t bytes)
{
	while (blocks-- > 0)
		writer_alloc(s->writer, s->thread, allocator, stack, bytes);
}

/* A program as they are: imports, a loader, recursion, a chain, names from other scripts. */
static void make_program(struct specimen *s)
{
	stack_id top = specimen_stack(s, 0, "<module>", "/srv/app/main.py", 42);
	stack_id main_stack = specimen_stack(s, top, "main", "/srv/app/main.py", 30);
	stack_id load = specimen_stack(s, main_stack, "Loader.load", "/srv/app/loader.py", 17);
	stack_id store = specimen_stack(s, main_stack, "store", "/srv/app/store.py", 8);
	stack_id import = top, walk = main_stack, chain = main_stack;
	slot_id slot;
	char name[32];

	writer_time(s->writer, 100000000);
	import = specimen_stack(s, import, "_find_and_load", "<frozen importlib._bootstrap>", 1360);
	import = specimen_stack(s, import, "exec_module", "<frozen importlib._bootstrap_external>",
				995);
	import = specimen_stack(s, import, "<module>",
				"/usr/lib/python3/dist-packages/numpy/core/__init__.py", 24);
	allocate(s, import, ALLOCATOR_MALLOC, 300, 4000);
	allocate(s, import, ALLOCATOR_MMAP, 2, 1 << 20);
	writer_time(s->writer, 600000000);
	allocate(s, specimen_stack(s, load, "decode", "/srv/app/loader.py", 88), ALLOCATOR_REALLOC,
		 40, 500000);
	allocate(s,
		 specimen_stack(s, load, "d\u00e9coder.<locals>.\u53d8\u6362", "/srv/app/loader.py",
				91),
		 ALLOCATOR_CALLOC, 1000, 1024);
	for (int i = 0; i < 30; i++)
		walk = specimen_stack(s, walk, "walk", "/srv/app/walk.py", 5 + i % 2);
	allocate(s, walk, ALLOCATOR_MALLOC, 64, 65536);
	for (int i = 0; i < 14; i++) {
		snprintf(name, sizeof(name), "step_%d", i);
		chain = specimen_stack(s, chain, name, "/srv/app/steps.py", (unsigned)(i * 3 + 1));
	}
	allocate(s, chain, ALLOCATOR_POSIX_MEMALIGN, 3, 262144);
	writer_time(s->writer, 1200000000);
	slot = specimen_malloc(s, store, 30 << 20);
	writer_time(s->writer, 1500000000);
	specimen_free(s, slot);
	allocate(s, store, ALLOCATOR_MALLOC, 5, 0);
	allocate(s, specimen_stack(s, main_stack, "<b>&\"x\";\033[31m", "we ird;\n.py", 1),
		 ALLOCATOR_MALLOC, 1, 77);
	writer_time(s->writer, 2000000000);
	specimen_free(s, specimen_malloc(s, store, 10));
}

static void make_others(struct specimen *s)
{
	struct capture_process child = {.pid = 200,
					.parent_pid = 100,
					.command = "python3 -m worker",
					.executable = "/usr/bin/python3",
					.python_version = "3.12.1",
					.python_allocator = "pymalloc",
					.start_ns = 300000000};
	thread_id pool = writer_thread(s->writer, s->process, 101, "pool-1");
	process_id process = writer_process(s->writer, &child);
	thread_id worker = writer_thread(s->writer, process, 200, "");
	frame_id native = writer_frame(s->writer, FRAME_NATIVE, "dgemm_kernel", 12,
				       "/usr/lib/libopenblas.so.0", 25, 0);
	frame_id kernel = writer_frame(s->writer, FRAME_KERNEL, "handle_mm_fault", 15, "", 0, 0);
	frame_id marker = writer_frame(s->writer, FRAME_MARKER, "frames omitted", 14, "", 0, 0);
	stack_id stack = specimen_stack(s, writer_stack(s->writer, 0, marker), "run",
					"/usr/lib/python3.12/threading.py", 982);

	writer_alloc(s->writer, pool, ALLOCATOR_MALLOC, stack, 3 << 20);
	writer_alloc(s->writer, pool, ALLOCATOR_MMAP, writer_stack(s->writer, stack, native),
		     5 << 20);
	writer_alloc(s->writer, worker, ALLOCATOR_BRK, writer_stack(s->writer, 0, kernel),
		     132 << 10);
	writer_alloc(s->writer, worker, ALLOCATOR_PYMALLOC_MALLOC, 0, 4096);
	writer_process_end(s->writer, process, 1900000000, 9);
}

static struct capture_reader *make_whole(void)
{
	struct specimen s;

	specimen_begin(&s, NULL);
	make_program(&s);
	fill_memory(&s);
	writer_process_end(s.writer, s.process, 2000000000, 3 << 8);
	return specimen_read(&s, true);
}

static struct capture_reader *make_many(void)
{
	struct specimen s;

	specimen_begin(&s, NULL);
	make_others(&s);
	make_program(&s);
	return specimen_read(&s, true);
}

static struct capture_reader *make_lossy(void)
{
	const uint64_t lost[LOST_END] = {[LOST_FULL] = 1234, [LOST_STACK] = 1, [LOST_THREADS] = 6};
	struct specimen s;

	specimen_begin(&s, NULL);
	make_program(&s);
	writer_lost(s.writer, lost);
	return specimen_read(&s, false);
}

static struct capture_reader *make_sampled(void)
{
	struct capture_start start = specimen_start();
	struct specimen s;

	start.sample_rate_bytes = 512 << 10;
	specimen_begin(&s, &start);
	make_program(&s);
	return specimen_read(&s, true);
}

static struct capture_reader *make_empty(void)
{
	struct specimen s;

	specimen_begin(&s, NULL);
	return specimen_read(&s, true);
}

/* What the threads of a web server do in a round, by the rest of its number. */
static void make_round(const struct specimen *s, const stack_id stacks[6], unsigned round,
		       struct capture_sample samples[3])
{
	unsigned turn = round * 7 % 40;

	samples[0] = (struct capture_sample){s->thread, stacks[0], 0, SAMPLE_WAIT_POLL};
	if (turn < 24)
		samples[0] = (struct capture_sample){s->thread, stacks[1 + turn % 2],
						     SAMPLE_RUNNING | SAMPLE_HOLDS_GIL, 0};
	samples[1] = (struct capture_sample){s->thread + 1, stacks[3], 0, SAMPLE_WAIT_FUTEX};
	if (turn < 8)
		samples[1] = (struct capture_sample){s->thread + 1, stacks[4], SAMPLE_WAITS_GIL,
						     SAMPLE_WAIT_FUTEX};
	else if (turn >= 30)
		samples[1] = (struct capture_sample){
			s->thread + 1, stacks[4], SAMPLE_RUNNING | SAMPLE_HOLDS_GIL | SAMPLE_GC, 0};
	samples[2] = (struct capture_sample){s->thread + 2, 0, turn < 2 ? SAMPLE_RUNNING : 0,
					     turn < 2 ? 0 : SAMPLE_WAIT_READ};
	if (turn == 39)
		samples[1] = (struct capture_sample){
			s->thread + 1, 0, SAMPLE_RUNNING | SAMPLE_UNKNOWN | SAMPLE_HOLDS_GIL, 0};
}

static void add_samples(struct specimen *s)
{
	const struct capture_sampling sampling = {
		.rounds = 4000,
		.rounds_missed = 12,
		.sampled_ns = 4100000000,
		.looks = 12000,
		.unchanged = 6800,
		.reads = 5300,
		.retries = 120,
		.pauses = 7,
		.paused_ns = 91000,
		.failures = 100,
		.cpu_ns = 31000000,
		.processes_unsampled = 3,
	};
	stack_id top = specimen_stack(s, 0, "<module>", "/srv/app/main.py", 42);
	stack_id serve = specimen_stack(s, top, "serve", "/srv/app/main.py", 30);
	stack_id run = specimen_stack(s, 0, "run", "/usr/lib/python3.12/threading.py", 982);
	stack_id view = specimen_stack(s, serve, "d\u00e9coder.<locals>.\u53d8\u6362",
				       "/srv/app/views.py", 91);
	const stack_id stacks[6] = {
		specimen_stack(s, serve, "select", "/usr/lib/python3.12/selectors.py", 468),
		specimen_stack(s, view, "dumps", "/usr/lib/python3.12/json/__init__.py", 231),
		specimen_stack(s, specimen_stack(s, serve, "render", "/srv/app/views.py", 17),
			       "dumps", "/usr/lib/python3.12/json/__init__.py", 238),
		specimen_stack(s, run, "wait", "/usr/lib/python3.12/threading.py", 355),
		specimen_stack(s, run, "collect", "/srv/app/cache.py", 12),
	};

	writer_thread(s->writer, s->process, 101, "pool-1");
	writer_thread(s->writer, s->process, 102, "");
	for (unsigned round = 0; round < 4000; round++) {
		struct capture_sample samples[3];

		make_round(s, stacks, round, samples);
		writer_samples(s->writer, s->process, 1000000 + round * UINT64_C(1025000), samples,
			       3);
	}
	writer_sampling(s->writer, &sampling);
}

static struct capture_reader *make_timed(void)
{
	struct capture_start start = specimen_time_start();
	struct specimen s;

	specimen_begin(&s, &start);
	add_samples(&s);
	writer_process_end(s.writer, s.process, 4100000000, 0);
	return specimen_read(&s, true);
}

/* Allocations and samples in one capture. */
static struct capture_reader *make_both(void)
{
	struct capture_start start = specimen_time_start();
	struct specimen s;

	start.allocations = true;
	specimen_begin(&s, &start);
	make_program(&s);
	add_samples(&s);
	fill_memory(&s);
	return specimen_read(&s, true);
}

static struct capture_reader *make_timed_empty(void)
{
	struct capture_start start = specimen_time_start();
	struct specimen s;

	specimen_begin(&s, &start);
	return specimen_read(&s, true);
}

static const char *const main_thread[] = {"main", NULL};
static const char *const blocked[] = {"blocked", NULL};

struct golden {
	const char *name;
	struct capture_reader *(*make)(void);
	const struct report_format *format;
	struct profile_options profile;
	struct report_options report;
};

static const struct golden goldens[] = {
	{"table-80.txt", make_whole, &report_table, {0}, {.columns = 80}},
	{"table-200.txt", make_whole, &report_table, {0}, {.columns = 200}},
	{"table-unlimited.txt", make_whole, &report_table, {.metric = METRIC_LEAKS}, {0}},
	{"table-color.txt",
	 make_whole,
	 &report_table,
	 {0},
	 {.columns = 80, .color = true, .max_rows = 3}},
	{"table-threads.txt",
	 make_many,
	 &report_table,
	 {.metric = METRIC_TOTAL, .split_threads = true},
	 {.columns = 120, .max_rows = 8}},
	{"table-filtered.txt",
	 make_many,
	 &report_table,
	 {.threads = main_thread},
	 {.columns = 100, .max_rows = 2}},
	{"table-lossy.txt",
	 make_lossy,
	 &report_table,
	 {.metric = METRIC_TEMPORARY, .temporary_threshold = 10},
	 {.columns = 80}},
	{"table-sampled.txt", make_sampled, &report_table, {0}, {.columns = 100}},
	{"table-empty.txt", make_empty, &report_table, {0}, {.columns = 80}},
	{"table.json",
	 make_whole,
	 &report_table,
	 {.metric = METRIC_LEAKS},
	 {.json = true, .max_rows = 7}},
	{"table-threads.json",
	 make_many,
	 &report_table,
	 {.split_threads = true},
	 {.json = true, .max_rows = 6}},
	{"table-lossy.json",
	 make_lossy,
	 &report_table,
	 {.from_ns = 1100000000, .to_ns = 1300000000},
	 {.json = true}},
	{"table-sampled.json", make_sampled, &report_table, {0}, {.json = true, .max_rows = 2}},
	{"tree-80.txt", make_whole, &report_tree, {0}, {.columns = 80}},
	{"tree-200.txt", make_whole, &report_tree, {0}, {.columns = 200}},
	{"tree-inverted.txt",
	 make_whole,
	 &report_tree,
	 {.hide_import_system = true},
	 {.columns = 100, .inverted = true, .max_rows = 12}},
	{"tree-threads.txt",
	 make_many,
	 &report_tree,
	 {.metric = METRIC_TOTAL, .split_threads = true},
	 {.columns = 100, .max_rows = 16}},
	{"tree-narrow.txt", make_whole, &report_tree, {0}, {.columns = 40}},
	{"tree-sampled.txt", make_sampled, &report_tree, {0}, {.columns = 100, .max_rows = 9}},
	{"tree-color.txt",
	 make_whole,
	 &report_tree,
	 {0},
	 {.columns = 80, .color = true, .max_rows = 5}},
	{"tree-empty.txt", make_empty, &report_tree, {0}, {.columns = 80}},
	{"tree.json",
	 make_many,
	 &report_tree,
	 {.split_threads = true},
	 {.json = true, .max_rows = 10}},
	{"summary-80.txt", make_whole, &report_summary, {0}, {.columns = 80, .max_rows = 10}},
	{"summary-200.txt", make_many, &report_summary, {.metric = METRIC_TOTAL}, {.columns = 200}},
	{"summary-sampled.txt",
	 make_sampled,
	 &report_summary,
	 {0},
	 {.columns = 120, .max_rows = 6}},
	{"summary-empty.txt", make_empty, &report_summary, {0}, {.columns = 80}},
	{"summary.json",
	 make_whole,
	 &report_summary,
	 {.metric = METRIC_LEAKS},
	 {.json = true, .max_rows = 4}},
	{"stats-80.txt", make_whole, &report_stats, {0}, {.columns = 80}},
	{"stats-200.txt", make_many, &report_stats, {0}, {.columns = 200, .max_rows = 3}},
	{"stats-sampled.txt", make_sampled, &report_stats, {0}, {.columns = 100}},
	{"stats-sampled.json", make_sampled, &report_stats, {0}, {.json = true}},
	{"stats-lossy.txt", make_lossy, &report_stats, {.from_ns = 1000000}, {.columns = 80}},
	{"stats-empty.txt", make_empty, &report_stats, {0}, {.columns = 80}},
	{"stats.json", make_whole, &report_stats, {0}, {.json = true}},
	{"stats-many.json", make_many, &report_stats, {0}, {.json = true, .max_rows = 1}},
	{"collapsed.txt", make_whole, &report_collapsed, {0}, {0}},
	{"collapsed-threads.txt", make_many, &report_collapsed, {.split_threads = true}, {0}},
	{"speedscope.json",
	 make_many,
	 &report_speedscope,
	 {.split_threads = true},
	 {.title = "main.py"}},
	{"speedscope-empty.json", make_empty, &report_speedscope, {0}, {0}},
	{"rows.csv", make_whole, &report_csv, {0}, {0}},
	{"rows-threads.csv", make_many, &report_csv, {.split_threads = true}, {0}},
	{"rows-sampled.csv", make_sampled, &report_csv, {0}, {0}},
	{"gprof2dot.json", make_many, &report_gprof2dot, {0}, {0}},
	{"time-table-80.txt", make_timed, &report_table, {.metric = METRIC_CPU}, {.columns = 80}},
	{"time-table-threads.txt",
	 make_timed,
	 &report_table,
	 {.metric = METRIC_WALL, .split_threads = true, .merge_lines = true},
	 {.columns = 140, .max_rows = 5}},
	{"time-table-blocked.txt",
	 make_both,
	 &report_table,
	 {.metric = METRIC_WALL, .states = blocked, .from_ns = 1000000000, .to_ns = 2000000000},
	 {.columns = 100}},
	{"time-table.json", make_timed, &report_table, {.metric = METRIC_GIL}, {.json = true}},
	{"time-table-threads.json",
	 make_timed,
	 &report_table,
	 {.metric = METRIC_WALL, .split_threads = true, .merge_lines = true},
	 {.json = true, .max_rows = 3}},
	{"time-table-empty.txt",
	 make_timed_empty,
	 &report_table,
	 {.metric = METRIC_CPU},
	 {.columns = 80}},
	{"time-tree.txt", make_timed, &report_tree, {.metric = METRIC_CPU}, {.columns = 100}},
	{"time-tree-threads.txt",
	 make_timed,
	 &report_tree,
	 {.metric = METRIC_WALL, .split_threads = true},
	 {.columns = 100, .inverted = true}},
	{"time-tree.json", make_timed, &report_tree, {.metric = METRIC_CPU}, {.json = true}},
	{"time-summary-80.txt",
	 make_timed,
	 &report_summary,
	 {.metric = METRIC_CPU},
	 {.columns = 80}},
	{"time-summary-200.txt",
	 make_timed,
	 &report_summary,
	 {.metric = METRIC_WALL},
	 {.columns = 200, .max_rows = 2}},
	{"time-summary.json",
	 make_timed,
	 &report_summary,
	 {.metric = METRIC_CPU},
	 {.json = true, .max_rows = 2}},
	{"time-stats.txt",
	 make_timed,
	 &report_stats,
	 {.metric = METRIC_CPU, .both = true},
	 {.columns = 100}},
	{"time-stats.json",
	 make_timed,
	 &report_stats,
	 {.metric = METRIC_CPU, .both = true},
	 {.json = true}},
	{"time-stats-both.txt", make_both, &report_stats, {.both = true}, {.columns = 80}},
	{"time-stats-both.json",
	 make_both,
	 &report_stats,
	 {.both = true},
	 {.json = true, .max_rows = 1}},
	{"time-stats-empty.txt",
	 make_timed_empty,
	 &report_stats,
	 {.metric = METRIC_CPU, .both = true},
	 {.columns = 80}},
	{"time-collapsed.txt",
	 make_timed,
	 &report_collapsed,
	 {.metric = METRIC_WALL, .split_threads = true},
	 {0}},
	{"time-speedscope.json",
	 make_timed,
	 &report_speedscope,
	 {.metric = METRIC_WALL, .split_threads = true},
	 {.title = "main.py"}},
	{"time-rows.csv", make_timed, &report_csv, {.metric = METRIC_CPU}, {0}},
	{"time-gprof2dot.json", make_timed, &report_gprof2dot, {.metric = METRIC_CPU}, {0}},
};

static struct profile *read_profile(struct capture_reader *reader,
				    const struct profile_options *options)
{
	struct profile *profile;
	struct error err = {0};

	if (profile_create(reader, options, &profile, &err) != 0)
		fail_msg("%s", err.message);
	return profile;
}

/* The document as text; the caller frees it. */
static char *write_document(const struct golden *golden, size_t *size)
{
	struct profile *profile = read_profile(golden->make(), &golden->profile);
	struct capture_reader *reader = profile->reader;
	struct error err = {0};
	char *text;
	FILE *out = open_memstream(&text, size);

	if (golden->format->write(profile, &golden->report, out, &err) != 0)
		fail_msg("%s", err.message);
	fclose(out);
	profile_destroy(profile);
	reader_close(reader);
	return text;
}

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");

	if (file == NULL)
		fail_msg("cannot open %s", path);
	if (getdelim(&text, &size, '\0', file) < 0)
		fail_msg("cannot read %s", path);
	fclose(file);
	return text;
}

static void report_is_golden(void **state)
{
	const struct golden *golden = *state;
	size_t size;
	char *text = write_document(golden, &size), *expected;
	char path[4096];

	assert_int_equal(strlen(text), size);
	snprintf(path, sizeof(path), "%s/%s", golden_folder, golden->name);
	if (update) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(text, file);
		fclose(file);
	}
	expected = read_file(path);
	if (strcmp(text, expected) != 0)
		fail_msg("not as in %s:\n%s", path, text);
	free(expected);
	free(text);
}

/* Sizes of chunks are the capture's affair, so info has no golden document. */
static void info_says_what_is_in_it(void **state)
{
	static const char *const lines[] = {
		"whole: closed in order, no damage, nothing lost\n",
		"command    sonde run app.py\n",
		"recorded   2024-01-02 03:04:05 UTC, for 2.0 s, by sonde 0.1.0\n",
		"system     example: Linux 6.1.0 x86_64\n",
		"what       allocations, every event with its time\n",
		" events of ",
		" frames, 1 thread, 1 process\n",
		"  100 (child of 1): exit status 3 at 2.0 s, Python 3.12.1 with pymalloc\n",
		"    python3 app.py\n",
	};
	struct golden golden = {.make = make_whole, .format = &report_info};
	size_t size;
	char *text = write_document(&golden, &size);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (strstr(text, lines[i]) == NULL)
			fail_msg("no '%s' in\n%s", lines[i], text);
	}
	free(text);
	golden.make = make_lossy;
	text = write_document(&golden, &size);
	assert_ptr_equal(strstr(text, "not whole\n"), text);
	assert_non_null(strstr(text, "warning: 1,240 events were not recorded: 1,234 ("));
	assert_non_null(strstr(text, "warning: 1 event is without a stack\n"));
	assert_non_null(strstr(text, "warning: the capture is incomplete"));
	free(text);
	golden.report.json = true;
	text = write_document(&golden, &size);
	assert_non_null(strstr(text, "\"schema\":\"sonde.info/1\""));
	assert_non_null(strstr(text, "\"whole\":false,\"mode\":\"full\""));
	assert_non_null(
		strstr(text, "\"threads\":[{\"tid\":100,\"thread\":\"main\",\"pid\":100}]"));
	free(text);
}

static struct capture_reader *make_damaged(void)
{
	struct specimen s;
	stack_id stack;

	specimen_begin(&s, NULL);
	stack = specimen_stack(&s, 0, "f", "a.py", 1);
	specimen_malloc(&s, stack, 100);
	writer_seal(s.writer, 0, &(struct error){0});
	/* Much more than what was sealed, so that the middle of the file is here. */
	for (uint64_t i = 0; i < 30000; i++)
		specimen_malloc(&s, stack, i * 7919 % 100003);
	return specimen_read_damaged(&s);
}

static void damage_is_told(void **state)
{
	struct golden golden = {.make = make_damaged, .format = &report_table};
	size_t size;
	char *text = write_document(&golden, &size);

	(void)state;
	assert_non_null(
		strstr(text, "\nwarning: the capture is damaged, this is what came before: "));
	assert_non_null(strstr(text, "\n     100 B  100.0 %       1  malloc"));
	free(text);
	golden.report.json = true;
	text = write_document(&golden, &size);
	assert_non_null(strstr(text, "\"damage\":\"chunk "));
	free(text);
	golden.format = &report_info;
	golden.report.json = false;
	text = write_document(&golden, &size);
	assert_ptr_equal(strstr(text, "not whole\nwarning: the capture is damaged"), text);
	free(text);
}

/* With what a profile has to hold for a format. */
static struct profile_options options_for(const struct report_format *format,
					  struct profile_options options)
{
	options.merge_lines |= (format->needs & REPORT_CALLS) != 0;
	options.both |= (format->needs & REPORT_BOTH) != 0;
	options.course |= (format->needs & REPORT_COURSE) != 0;
	return options;
}

static bool is_of_time(const struct report_format *format)
{
	return format == &report_gecko || format == &report_pstats;
}

/* A stream that cannot take it is an error, not a crash and not a success. */
static void a_full_disk_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; report_formats[i] != NULL; i++) {
		bool timed = is_of_time(report_formats[i]);
		struct profile_options options = options_for(
			report_formats[i],
			(struct profile_options){.metric = timed ? METRIC_CPU : METRIC_PEAK});
		struct profile *profile =
			read_profile(timed ? make_timed() : make_whole(), &options);
		struct capture_reader *reader = profile->reader;
		FILE *out = fopen("/dev/full", "w");
		struct error err = {0};

		assert_non_null(out);
		assert_int_equal(
			report_formats[i]->write(profile, &(struct report_options){0}, out, &err),
			-ERROR_FAILED);
		if (strstr(err.message, "No space left") == NULL)
			fail_msg("%s: %s", report_formats[i]->name, err.message);
		fclose(out);
		profile_destroy(profile);
		reader_close(reader);
	}
}

static void formats_are_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(report_find("table"), &report_table);
	assert_ptr_equal(report_find("pprof"), &report_pprof);
	assert_null(report_find("xml"));
	for (size_t i = 0; report_formats[i] != NULL; i++)
		assert_ptr_equal(report_find(report_formats[i]->name), report_formats[i]);
}

struct export
{
	const char *prefix;
	struct capture_reader *(*make)(void);
	struct profile_options options;
};

static int export_one(const struct export *export, const struct report_format *format, bool json,
		      const char *path)
{
	const struct report_options report_options = {.json = json};
	const struct profile_options options = options_for(format, export->options);
	struct capture_reader *reader = export->make();
	struct profile *profile = NULL;
	struct error err = {0};
	FILE *out = fopen(path, "w");

	if (out == NULL || profile_create(reader, &options, &profile, &err) != 0 ||
	    format->write(profile, &report_options, out, &err) != 0) {
		fprintf(stderr, "%s: %s\n", path, err.message);
		return 1;
	}
	fclose(out);
	profile_destroy(profile);
	reader_close(reader);
	return 0;
}

static int export_formats(const struct export *export, const char *folder)
{
	static const struct report_format *const verbs[] = {
		&report_table, &report_tree, &report_summary, &report_stats, &report_info};
	int failed = 0;
	char path[4096];

	for (size_t i = 0; report_formats[i] != NULL; i++) {
		if (is_of_time(report_formats[i]) && metric_unit(export->options.metric) != UNIT_NS)
			continue;
		snprintf(path, sizeof(path), "%s/%s%s.%s", folder, export->prefix,
			 report_formats[i]->name, report_formats[i]->extension);
		failed |= export_one(export, report_formats[i], false, path);
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s%s.json", folder, export->prefix,
			 verbs[i]->name);
		failed |= export_one(export, verbs[i], true, path);
	}
	return failed;
}

static int export_all(const char *folder)
{
	static const struct export exports[] = {
		{"", make_many, {.metric = METRIC_TOTAL}},
		{"time-", make_both, {.metric = METRIC_WALL, .split_threads = true, .both = true}},
	};
	int failed = 0;

	for (size_t i = 0; i < sizeof(exports) / sizeof(exports[0]); i++)
		failed |= export_formats(&exports[i], folder);
	return failed;
}

int main(int argc, char **argv)
{
	enum {
		COUNT = sizeof(goldens) / sizeof(goldens[0])
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test(info_says_what_is_in_it),
		cmocka_unit_test(damage_is_told),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(formats_are_found_by_name),
	};
	struct CMUnitTest tests[COUNT];
	int failed;

	if (argc == 3 && strcmp(argv[1], "--export") == 0)
		return export_all(argv[2]);
	if (argc < 2) {
		fputs("the folder of golden documents is missing\n", stderr);
		return 2;
	}
	golden_folder = argv[1];
	update = argc > 2 && strcmp(argv[2], "--update") == 0;
	for (size_t i = 0; i < COUNT; i++)
		tests[i] = (struct CMUnitTest){.name = goldens[i].name,
					       .test_func = report_is_golden,
					       .initial_state = (void *)&goldens[i]};
	failed = cmocka_run_group_tests_name("golden", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("others", others, NULL, NULL);
}
