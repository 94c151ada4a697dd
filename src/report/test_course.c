/* Formats that show the course of time, and pstats, over captures of a few samples. */
#include "report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/specimen.h"
#include "report/formats.h"

#define MS    UINT64_C(1000000)
#define ROUND (UINT64_C(1) << 24) /* ns; a capture keeps times that are whole numbers of it */

/*
 * Six rounds, 16.777216 ms apart. "main" of process 100 runs f:3, g below it, f:4, then waits for
 * the GIL in f:4, and has no Python code in the last round. Process 200 has a thread without a name
 * that runs f of another file in the rounds 1 and 4, and whose stack could not be read in round 5.
 */
static void add_samples(struct specimen *s)
{
	const struct capture_sampling sampling = {.rounds = 6, .sampled_ns = 6 * ROUND};
	struct capture_process child = {.pid = 200,
					.parent_pid = 100,
					.command = "worker \"2\"",
					.executable = "",
					.python_version = "",
					.python_allocator = "",
					.start_ns = 5 * MS};
	process_id process = writer_process(s->writer, &child);
	thread_id worker = writer_thread(s->writer, process, 201, "");
	stack_id top = specimen_stack(s, 0, "<module>", "app.py", 9);
	stack_id f3 = specimen_stack(s, top, "f", "app.py", 3);
	stack_id f4 = specimen_stack(s, top, "f", "app.py", 4);
	stack_id g = specimen_stack(s, f3, "g", "lib.py", 7);
	stack_id other = specimen_stack(s, 0, "f", "other.py", 1);
	const uint16_t runs = SAMPLE_RUNNING | SAMPLE_HOLDS_GIL;
	const struct capture_sample first[] = {
		{s->thread, f3, runs, 0},
		{s->thread, g, runs | SAMPLE_GC, 0},
		{s->thread, f4, runs, 0},
		{s->thread, f4, SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX},
		{s->thread, f4, SAMPLE_WAITS_GIL, SAMPLE_WAIT_FUTEX},
		{s->thread, 0, 0, SAMPLE_WAIT_POLL},
	};
	const struct capture_sample second[] = {
		{worker, other, SAMPLE_RUNNING, 0},
		{worker, other, 0, SAMPLE_WAIT_SLEEP},
		{worker, other, 0, SAMPLE_WAIT_SLEEP},
		{worker, other, SAMPLE_RUNNING, 0},
		{worker, 0, SAMPLE_RUNNING | SAMPLE_UNKNOWN, 0},
		{worker, 0, 0, SAMPLE_WAIT_SLEEP},
	};

	for (size_t round = 0; round < 6; round++) {
		writer_samples(s->writer, s->process, (round + 1) * ROUND, &first[round], 1);
		writer_samples(s->writer, process, (round + 1) * ROUND, &second[round], 1);
	}
	writer_process_end(s->writer, process, 100 * MS, 0);
	writer_sampling(s->writer, &sampling);
}

static struct capture_start make_start(void)
{
	struct capture_start start = specimen_time_start();

	start.sampling_period_ns = ROUND;
	return start;
}

static struct capture_reader *make_time(void)
{
	struct capture_start start = make_start();
	struct specimen s;

	specimen_begin(&s, &start);
	add_samples(&s);
	return specimen_read(&s, true);
}

static void add_memory(struct specimen *s)
{
	writer_time(s->writer, 40 * MS);
	specimen_malloc(s, specimen_stack(s, 0, "f", "app.py", 1), 5000);
	writer_rss(s->writer, s->process, 30 * MS, 1 << 20);
}

static struct capture_reader *make_memory(void)
{
	struct specimen s;

	specimen_begin(&s, NULL);
	add_memory(&s);
	return specimen_read(&s, true);
}

static struct capture_reader *make_both(void)
{
	struct capture_start start = make_start();
	struct specimen s;

	start.allocations = true;
	specimen_begin(&s, &start);
	add_samples(&s);
	add_memory(&s);
	return specimen_read(&s, true);
}

static struct profile *read_profile(struct capture_reader *reader, enum metric metric,
				    const struct report_format *format)
{
	const struct profile_options options = {
		.metric = metric,
		.merge_lines = format->needs & REPORT_CALLS,
		.both = format->needs & REPORT_BOTH,
		.course = format->needs & REPORT_COURSE,
	};
	struct profile *profile;
	struct error err = {0};

	if (profile_create(reader, &options, &profile, &err) != 0)
		fail_msg("%s", err.message);
	return profile;
}

/* The document, terminated; the caller frees it. */
static char *write_document(struct capture_reader *reader, enum metric metric,
			    const struct report_format *format, size_t *size)
{
	struct profile *profile = read_profile(reader, metric, format);
	struct error err = {0};
	char *text;
	FILE *out = open_memstream(&text, size);

	if (format->write(profile, &(struct report_options){.title = "app"}, out, &err) != 0)
		fail_msg("%s", err.message);
	fclose(out);
	profile_destroy(profile);
	reader_close(reader);
	return text;
}

static void assert_holds(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no\n%s\nin\n%s", part, text);
}

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

/* clang-format off */
#define MAIN   "\"pid\":100,\"tid\":100,"
#define WORKER "\"pid\":200,\"tid\":201,"
#define BEGIN(thread, us, function, file)                                               \
	"{\"ph\":\"B\"," thread "\"ts\":" us ",\"name\":\"" function "\",\"cat\":\"python\"," \
	"\"args\":{\"file\":\"" file "\"}},\n"
#define MARKER(thread, us, function) \
	"{\"ph\":\"B\"," thread "\"ts\":" us ",\"name\":\"" function "\",\"cat\":\"marker\"},\n"
#define END(thread, us)  "{\"ph\":\"E\"," thread "\"ts\":" us "},\n"
#define LAST(thread, us) "{\"ph\":\"E\"," thread "\"ts\":" us "}\n"
#define NAMED(what, of, name) \
	"{\"ph\":\"M\"," of "\"name\":\"" what "_name\",\"args\":{\"name\":\"" name "\"}},\n"

static void a_call_lasts_as_long_as_its_samples(void **state)
{
	static const char expected[] =
		"{\"displayTimeUnit\":\"ms\",\"otherData\":{\"title\":\"app\","
		"\"recorder\":\"sonde 0.1.0\",\"metric\":\"wall\",\"complete\":true},"
		"\"traceEvents\":[\n"
		NAMED("process", "\"pid\":100,\"tid\":0,", "python3 app.py")
		NAMED("process", "\"pid\":200,\"tid\":0,", "worker \\\"2\\\"")
		NAMED("thread", MAIN, "main")
		BEGIN(MAIN, "16777.216", "<module>", "app.py")
		BEGIN(MAIN, "16777.216", "f", "app.py")
		BEGIN(MAIN, "33554.432", "g", "lib.py")
		END(MAIN, "50331.648")
		END(MAIN, "100663.296")
		END(MAIN, "100663.296")
		MARKER(MAIN, "100663.296", "<no Python frame>")
		END(MAIN, "117440.512")
		NAMED("thread", WORKER, "thread 201")
		BEGIN(WORKER, "16777.216", "f", "other.py")
		END(WORKER, "83886.08")
		MARKER(WORKER, "83886.08", "<stack unknown>")
		END(WORKER, "100663.296")
		MARKER(WORKER, "100663.296", "<no Python frame>")
		LAST(WORKER, "117440.512")
		"]}\n";
	size_t size;
	char *text = write_document(make_time(), METRIC_WALL, &report_chrometrace, &size);

	(void)state;
	assert_string_equal(text, expected);
	free(text);
}

static void calls_end_where_samples_do_not_count(void **state)
{
	size_t size;
	char *text = write_document(make_time(), METRIC_CPU, &report_chrometrace, &size);

	(void)state;
	assert_holds(text,
		END(MAIN, "50331.648")
		END(MAIN, "67108.864")
		END(MAIN, "67108.864")
		NAMED("thread", WORKER, "thread 201")
		BEGIN(WORKER, "16777.216", "f", "other.py")
		END(WORKER, "33554.432")
		BEGIN(WORKER, "67108.864", "f", "other.py")
		END(WORKER, "83886.08")
		MARKER(WORKER, "83886.08", "<stack unknown>")
		LAST(WORKER, "100663.296"));
	free(text);
}
/* clang-format on */

static void memory_is_counters(void **state)
{
	size_t size;
	char *text = write_document(make_memory(), METRIC_PEAK, &report_chrometrace, &size);

	(void)state;
	assert_int_equal(count_of(text, "\"ph\":\"B\""), 0);
	assert_int_equal(count_of(text, "\"name\":\"RSS\",\"args\":{\"bytes\":1048576}"), 1);
	assert_int_equal(count_of(text, "\"name\":\"traced heap\",\"args\":{\"bytes\":0}"), 1);
	assert_int_equal(count_of(text, "\"name\":\"traced heap\",\"args\":{\"bytes\":5000}"), 1);
	assert_holds(text,
		     "{\"ph\":\"C\",\"pid\":100,\"tid\":0,\"ts\":0.0,\"name\":\"traced heap\"");
	free(text);
}

/* Whichever of them was asked for, both are there. */
static void memory_and_time_share_a_trace(void **state)
{
	static const enum metric metrics[] = {METRIC_PEAK, METRIC_CPU};

	(void)state;
	for (size_t m = 0; m < 2; m++) {
		size_t size;
		char *text = write_document(make_both(), metrics[m], &report_chrometrace, &size);

		assert_int_equal(count_of(text, "\"name\":\"RSS\",\"args\":{\"bytes\":1048576}"),
				 1);
		assert_int_equal(count_of(text, "\"ph\":\"B\""), 6);
		assert_int_equal(count_of(text, "\"ph\":\"E\""), 6);
		free(text);
	}
}

static void threads_have_their_tables(void **state)
{
	size_t size;
	char *text = write_document(make_time(), METRIC_WALL, &report_gecko, &size);

	(void)state;
	assert_holds(text, "\"version\":31,\"preprocessedProfileVersion\":57,"
			   "\"importedFrom\":\"sonde 0.1.0\",\"product\":\"app\",");
	assert_holds(text, "\"interval\":16.777216,\"startTime\":1704164645678.0,");
	assert_holds(text, "\n{\"name\":\"main\",\"isMainThread\":true,\"tid\":100,"
			   "\"pid\":\"100\",\"processType\":\"default\","
			   "\"processName\":\"python3 app.py\",\"processStartupTime\":0.0,"
			   "\"processShutdownTime\":null,\"registerTime\":16.777216,");
	assert_holds(text, "\"samples\":{\"stack\":[2,4,3,3,3,0],"
			   "\"time\":[16.777216,33.554432,50.331648,67.108864,83.88608,100.663296],"
			   "\"threadCPUDelta\":[0,16777216,16777216,0,0,0],"
			   "\"weight\":null,\"weightType\":\"samples\",\"length\":6},\n"
			   "\"markers\":{\"name\":[0,1],\"startTime\":[67.108864,33.554432],"
			   "\"endTime\":[100.663296,50.331648],\"phase\":[1,1],\"category\":[4,5],"
			   "\"data\":[null,null],\"length\":2},\n"
			   "\"stackTable\":{\"frame\":[0,1,2,3,4],\"prefix\":[null,null,1,1,2],"
			   "\"length\":5},\n");
	assert_holds(text, "\"frameTable\":{\"address\":[-1,-1,-1,-1,-1],"
			   "\"inlineDepth\":[0,0,0,0,0],\"category\":[0,1,1,1,1],"
			   "\"subcategory\":[0,0,0,0,0],\"func\":[0,1,2,2,3],"
			   "\"nativeSymbol\":[null,null,null,null,null],"
			   "\"innerWindowID\":[0,0,0,0,0],\"line\":[null,9,3,4,7],"
			   "\"column\":[null,null,null,null,null],\"length\":5},\n");
	assert_holds(text, "\"funcTable\":{\"name\":[2,3,4,5],\"isJS\":[false,true,true,true],"
			   "\"relevantForJS\":[false,true,true,true],\"resource\":[-1,-1,-1,-1],"
			   "\"fileName\":[null,6,6,7],\"lineNumber\":[null,null,null,null],"
			   "\"columnNumber\":[null,null,null,null],\"length\":4},");
	assert_holds(text, "\n{\"name\":\"thread 201\",\"isMainThread\":false,\"tid\":201,"
			   "\"pid\":\"200\",\"processType\":\"default\","
			   "\"processName\":\"worker \\\"2\\\"\",\"processStartupTime\":5.0,"
			   "\"processShutdownTime\":100.0,\"registerTime\":16.777216,");
	assert_holds(text, "\"stringArray\":[\"Waiting for the GIL\",\"Garbage collection\","
			   "\"<no Python frame>\",\"<module>\",\"f\",\"g\",\"app.py\",\"lib.py\","
			   "\"<stack unknown>\",\"other.py\"]}\n}\n");
	free(text);
}

static void holes_are_told(void **state)
{
	size_t size;
	char *text = write_document(make_time(), METRIC_CPU, &report_gecko, &size);

	(void)state;
	assert_holds(text, "\"samples\":{\"stack\":[1,3,2,null,null],"
			   "\"time\":[16.777216,33.554432,50.331648,67.108864,100.663296],"
			   "\"threadCPUDelta\":[0,16777216,16777216,0,0],");
	assert_holds(text, "\"samples\":{\"stack\":[0,null,null,0,1,null],"
			   "\"time\":[16.777216,33.554432,50.331648,67.108864,83.88608,100.663296],"
			   "\"threadCPUDelta\":[0,0,0,16777216,16777216,0],");
	free(text);
}

/* Two processes of one pid are two. */
static void pids_are_told_apart(void **state)
{
	struct capture_process again = {.pid = 100,
					.parent_pid = 1,
					.command = "again",
					.executable = "",
					.python_version = "",
					.python_allocator = ""};
	struct capture_start start = make_start();
	struct capture_sample sample = {0, 0, SAMPLE_RUNNING, 0};
	struct specimen s;
	process_id process;
	size_t size;
	char *text;

	(void)state;
	specimen_begin(&s, &start);
	add_samples(&s);
	process = writer_process(s.writer, &again);
	sample.thread = writer_thread(s.writer, process, 100, "main");
	writer_samples(s.writer, process, 200 * MS, &sample, 1);
	text = write_document(specimen_read(&s, true), METRIC_WALL, &report_gecko, &size);
	assert_int_equal(count_of(text, "\"pid\":\"100\""), 1);
	assert_int_equal(count_of(text, "\"pid\":\"100.1\""), 1);
	free(text);
}

#define TUPLE(n)      "(" n "\0\0\0"
#define TEXT(n, text) "u" n "\0\0\0" text
#define INT(n)        "i" n "\0\0\0"
#define NAME(file_bytes, file, function_bytes, function) \
	TUPLE("\3") TEXT(file_bytes, file) INT("\0") TEXT(function_bytes, function)
/* Seconds, little endian. */
#define S_0 "g\0\0\0\0\0\0\0\0"
#define S_1 "g\x95\xd6\x26\xe8\x0b\x2e\x91\x3f"
#define S_2 "g\x95\xd6\x26\xe8\x0b\x2e\xa1\x3f"
#define S_3 "g\xdf\x41\x3a\xdc\x11\xc5\xa9\x3f"

/* CPU: main had f 2 of 3 samples itself, g the third; the worker had 2 in f, 1 unknown. */
static void pstats_is_marshalled(void **state)
{
	/* clang-format off */
	static const char expected[] =
		"{"
		NAME("\6", "app.py", "\1", "f")
			TUPLE("\5") INT("\3") INT("\3") S_2 S_3 "{"
				NAME("\6", "app.py", "\10", "<module>")
					TUPLE("\4") INT("\3") INT("\3") S_2 S_3
				"0"
		NAME("\6", "app.py", "\10", "<module>")
			TUPLE("\5") INT("\3") INT("\3") S_0 S_3 "{0"
		NAME("\10", "other.py", "\1", "f")
			TUPLE("\5") INT("\2") INT("\2") S_2 S_2 "{0"
		NAME("\6", "lib.py", "\1", "g")
			TUPLE("\5") INT("\1") INT("\1") S_1 S_1 "{"
				NAME("\6", "app.py", "\1", "f")
					TUPLE("\4") INT("\1") INT("\1") S_1 S_1
				"0"
		NAME("\1", "~", "\17", "<stack unknown>")
			TUPLE("\5") INT("\1") INT("\1") S_1 S_1 "{0"
		"0";
	/* clang-format on */
	size_t size;
	char *bytes = write_document(make_time(), METRIC_CPU, &report_pstats, &size);

	(void)state;
	assert_int_equal(size, sizeof(expected) - 1);
	assert_memory_equal(bytes, expected, size);
	free(bytes);
}

static void bytes_are_refused(void **state)
{
	static const struct report_format *const formats[] = {&report_gecko, &report_pstats};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct profile *profile = read_profile(make_memory(), METRIC_PEAK, formats[i]);
		struct capture_reader *reader = profile->reader;
		struct error err = {0};
		char *text;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_int_equal(formats[i]->write(profile, &(struct report_options){0}, out, &err),
				 -ERROR_USAGE);
		assert_non_null(strstr(err.message, "--cpu, --wall or --gil"));
		fclose(out);
		assert_int_equal(size, 0);
		free(text);
		profile_destroy(profile);
		reader_close(reader);
	}
}

static void nothing_was_sampled(void **state)
{
	struct capture_start start = make_start();
	static const struct report_format *const formats[] = {&report_gecko, &report_chrometrace,
							      &report_pstats};
	static const char *const parts[] = {"\"threads\":[],", "\"traceEvents\":[", "{0"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct specimen s;
		size_t size;
		char *text;

		specimen_begin(&s, &start);
		text = write_document(specimen_read(&s, true), METRIC_CPU, formats[i], &size);
		assert_holds(text, parts[i]);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_lasts_as_long_as_its_samples),
		cmocka_unit_test(calls_end_where_samples_do_not_count),
		cmocka_unit_test(memory_is_counters),
		cmocka_unit_test(memory_and_time_share_a_trace),
		cmocka_unit_test(threads_have_their_tables),
		cmocka_unit_test(holes_are_told),
		cmocka_unit_test(pids_are_told_apart),
		cmocka_unit_test(pstats_is_marshalled),
		cmocka_unit_test(bytes_are_refused),
		cmocka_unit_test(nothing_was_sampled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
