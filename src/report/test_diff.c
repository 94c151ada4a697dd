/*
 * Reports of what changed, over made captures.
 *
 *   test_diff GOLDEN              against the documents in tests/golden/report
 *   test_diff GOLDEN --update     writes them anew, to be read before they are committed
 *   test_diff --samples FOLDER    leaves documents for tests/page to open in a browser
 */
#include "report/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "analysis/specimen.h"

#define MIB (UINT64_C(1) << 20)

static const char *golden_folder;
static bool update;

/* Of one program two versions: load needs less, cache more; report is new, legacy is gone; a name
 * that attacks stays as it is. */
static struct capture_reader *make_memory(bool is_new)
{
	struct specimen s;
	stack_id top, load, native;

	specimen_begin(&s, NULL);
	top = specimen_stack(&s, 0, "<module>", "/srv/app/main.py", is_new ? 45 : 42);
	top = specimen_stack(&s, top, "main", "/srv/app/main.py", is_new ? 31 : 30);
	load = specimen_stack(&s, top, "Loader.load", "/srv/app/loader.py", 17);
	writer_time(s.writer, UINT64_C(100000000));
	specimen_malloc(&s, load, (is_new ? 3 : 8) * MIB);
	specimen_malloc(&s, load, 500);
	specimen_malloc(
		&s, specimen_stack(&s, load, "d\u00e9coder.\u53d8\u6362", "/srv/app/loader.py", 91),
		MIB);
	for (int i = 0; i < (is_new ? 30 : 10); i++)
		specimen_malloc(
			&s, specimen_stack(&s, top, "cache", "/srv/app/cache.py", is_new ? 8 : 7),
			100000);
	native = writer_stack(s.writer, top,
			      writer_frame(s.writer, FRAME_NATIVE, "dgemm_kernel", 12,
					   "/usr/lib/libopenblas.so.0", 25, 0));
	specimen_malloc(&s, native, 2 * MIB);
	specimen_malloc(&s,
			specimen_stack(&s, top, is_new ? "report" : "legacy",
				       is_new ? "/srv/app/report.py" : "/srv/app/old.py", 3),
			is_new ? 4 * MIB : 6 * MIB);
	specimen_malloc(&s, specimen_stack(&s, top, "</script><b>&\"\033[31m", "we ird;.py", 1),
			is_new ? 20 : 10);
	specimen_malloc(&s, 0, is_new ? 64 : 32);
	return specimen_read(&s, true);
}

static struct capture_reader *make_old(void)
{
	return make_memory(false);
}

static struct capture_reader *make_new(void)
{
	return make_memory(true);
}

static struct capture_reader *make_empty(void)
{
	struct specimen s;

	specimen_begin(&s, NULL);
	return specimen_read(&s, true);
}

static struct capture_reader *make_lossy(void)
{
	const uint64_t lost[LOST_END] = {[LOST_FULL] = 1234};
	struct specimen s;

	specimen_begin(&s, NULL);
	specimen_malloc(&s, specimen_stack(&s, 0, "main", "/srv/app/main.py", 1), 77);
	writer_lost(s.writer, lost);
	return specimen_read(&s, false);
}

/* a 400 samples and then 500, b 100 and 103, c 25 and 0, d 1 and 9, of 1 ms. */
static struct capture_reader *make_time(bool is_new)
{
	static const unsigned counts[2][4] = {{400, 100, 25, 1}, {500, 103, 0, 9}};
	static const char *const names[4] = {"a", "b", "c", "d"};
	struct capture_start start = specimen_time_start();
	uint64_t time_ns = 0;
	struct specimen s;
	stack_id top;

	specimen_begin(&s, &start);
	top = specimen_stack(&s, 0, "main", "/srv/app/main.py", is_new ? 9 : 8);
	for (size_t f = 0; f < 4; f++) {
		for (unsigned i = 0; i < counts[is_new][f]; i++) {
			struct capture_sample sample = {
				s.thread, specimen_stack(&s, top, names[f], "/srv/app/work.py", 5),
				SAMPLE_RUNNING, 0};

			writer_samples(s.writer, s.process, time_ns += UINT64_C(1000000), &sample,
				       1);
		}
	}
	return specimen_read(&s, true);
}

static struct capture_reader *make_old_time(void)
{
	return make_time(false);
}

static struct capture_reader *make_new_time(void)
{
	return make_time(true);
}

struct golden {
	const char *name;
	struct capture_reader *(*before)(void), *(*after)(void);
	const struct diff_report *format;
	enum metric metric;
	struct diff_options diff;
	struct diff_report_options report;
};

static const struct golden goldens[] = {
	{"diff-80.txt",
	 make_old,
	 make_new,
	 &diff_report_table,
	 METRIC_LEAKS,
	 {0},
	 {.report.columns = 80}},
	{"diff-200.txt",
	 make_old,
	 make_new,
	 &diff_report_table,
	 METRIC_TOTAL,
	 {0},
	 {.report.columns = 200}},
	{"diff-color.txt",
	 make_old,
	 make_new,
	 &diff_report_table,
	 METRIC_LEAKS,
	 {.order = DIFF_BY_TOTAL},
	 {.report = {.columns = 110, .color = true, .max_rows = 4}}},
	{"diff-lines.txt",
	 make_old,
	 make_new,
	 &diff_report_table,
	 METRIC_LEAKS,
	 {.lines = true},
	 {.report = {.columns = 120, .max_rows = 6}}},
	{"diff-normalized.txt",
	 make_old,
	 make_new,
	 &diff_report_table,
	 METRIC_LEAKS,
	 {.normalize = true},
	 {.report = {.columns = 100, .max_rows = 3}}},
	{"diff-same.txt",
	 make_old,
	 make_old,
	 &diff_report_table,
	 METRIC_LEAKS,
	 {0},
	 {.report.columns = 80}},
	{"diff-empty.txt",
	 make_empty,
	 make_lossy,
	 &diff_report_table,
	 METRIC_LEAKS,
	 {0},
	 {.report.columns = 100}},
	{"diff-time-80.txt",
	 make_old_time,
	 make_new_time,
	 &diff_report_table,
	 METRIC_CPU,
	 {0},
	 {.report.columns = 80}},
	{"diff-time-160.txt",
	 make_old_time,
	 make_new_time,
	 &diff_report_table,
	 METRIC_CPU,
	 {0},
	 {.report = {.columns = 160, .color = true}}},
	{"diff-time-normalized.txt",
	 make_old_time,
	 make_new_time,
	 &diff_report_table,
	 METRIC_WALL,
	 {.normalize = true},
	 {.report.columns = 140}},
	{"diff.json",
	 make_old,
	 make_new,
	 &diff_report_table,
	 METRIC_LEAKS,
	 {0},
	 {.report.json = true}},
	{"diff-lines.json",
	 make_old,
	 make_new,
	 &diff_report_table,
	 METRIC_LEAKS,
	 {.lines = true, .normalize = true},
	 {.report = {.json = true, .max_rows = 2}}},
	{"diff-time.json",
	 make_old_time,
	 make_new_time,
	 &diff_report_table,
	 METRIC_CPU,
	 {0},
	 {.report.json = true}},
	{"diff.svg",
	 make_old,
	 make_new,
	 &diff_report_svg,
	 METRIC_LEAKS,
	 {0},
	 {.report.icicle = true}},
	{"diff-base.svg",
	 make_old,
	 make_new,
	 &diff_report_svg,
	 METRIC_LEAKS,
	 {0},
	 {.report = {.icicle = true, .dark = true}, .width_before = true}},
	{"diff-time.svg",
	 make_old_time,
	 make_new_time,
	 &diff_report_svg,
	 METRIC_CPU,
	 {0},
	 {.report = {.inverted = true, .title = "nightly <1>"}}},
};

static struct profile *read_profile(struct capture_reader *reader, enum metric metric)
{
	struct profile *profile;
	struct error err = {0};

	if (profile_create(reader, &(struct profile_options){.metric = metric}, &profile, &err) !=
	    0)
		fail_msg("%s", err.message);
	return profile;
}

static void destroy(struct profile *profile)
{
	struct capture_reader *reader = profile->reader;

	profile_destroy(profile);
	reader_close(reader);
}

static int write_to(const struct golden *golden, FILE *out, struct error *err)
{
	struct profile *before = read_profile(golden->before(), golden->metric);
	struct profile *after = read_profile(golden->after(), golden->metric);
	struct diff_report_options options = golden->report;
	struct diff *diff;
	int result;

	options.before_name = "runs/old.sonde";
	options.after_name = "runs/new.sonde";
	if (diff_create(before, after, &golden->diff, &diff, err) != 0)
		fail_msg("%s", err->message);
	result = golden->format->write(diff, &options, out, err);
	diff_destroy(diff);
	destroy(before);
	destroy(after);
	return result;
}

/* The document; the caller frees it. */
static char *write_document(const struct golden *golden)
{
	struct error err = {0};
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (write_to(golden, out, &err) != 0)
		fail_msg("%s", err.message);
	fclose(out);
	assert_int_equal(strlen(text), size);
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

/* Of a picture the boxes; its style and script are tested where they are made. */
static void keep_boxes(char *text)
{
	char *style = strstr(text, "<style>"), *page = strstr(text, "<rect class=\"page\"");
	char *script;

	if (style == NULL || page == NULL)
		return;
	memmove(style, page, strlen(page) + 1);
	script = strstr(text, "<script>");
	if (script != NULL)
		*script = '\0';
}

static void report_is_golden(void **state)
{
	const struct golden *golden = *state;
	char *text = write_document(golden), *expected;
	char path[4096];

	keep_boxes(text);
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

static void assert_holds(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no\n%s\nin\n%.20000s", part, text);
}

/* What the page says in JSON; its numbers are told in the browser (tests/page). */
static void pages_hold_both(void **state)
{
	struct golden golden = {.before = make_old_time,
				.after = make_new_time,
				.format = &diff_report_html,
				.metric = METRIC_CPU,
				.report = {.width_before = true, .report.dark = true}};
	char *page = write_document(&golden);
	const char *data = strstr(page, "id=\"data\">");

	(void)state;
	assert_non_null(data);
	assert_holds(data, "\"title\":\"sonde: what changed\"");
	assert_holds(data, "\"metric\":\"cpu\",\"unit\":\"ns\",\"amount\":612000000,\"count\":612,"
			   "\"estimated\":true,");
	assert_holds(data, "\"start\":{\"dark\":true,\"inverted\":false,\"icicle\":false}");
	assert_holds(data, "\"diff\":{\"normalized\":false,\"scale\":1,\"lines\":false,"
			   "\"by_base\":true,\"base\":526000000,");
	assert_holds(data, "\"before\":{\"capture\":\"runs/old.sonde\",\"metadata\":{");
	assert_holds(data, "\"after\":{\"capture\":\"runs/new.sonde\",\"metadata\":{");
	assert_holds(data, "\"nodes\":6}");
	free(page);
	golden = (struct golden){.before = make_old,
				 .after = make_new,
				 .format = &diff_report_html,
				 .metric = METRIC_LEAKS,
				 .diff.normalize = true};
	page = write_document(&golden);
	data = strstr(page, "id=\"data\">");
	assert_holds(data, "\"normalized\":true,\"scale\":");
	assert_holds(data, "\\u003c/script\\u003e\\u003cb\\u003e");
	assert_null(strstr(data, "</script><b>"));
	free(page);
}

static void what_is_left_out_is_told(void **state)
{
	struct golden golden = {.before = make_old,
				.after = make_new,
				.format = &diff_report_html,
				.metric = METRIC_LEAKS,
				.report.report.max_rows = 4};
	char *text = write_document(&golden);

	(void)state;
	assert_holds(text, "\"left_out\":5,");
	assert_holds(text, "\\u003cleft out\\u003e");
	free(text);
	golden.format = &diff_report_svg;
	text = write_document(&golden);
	assert_holds(text, "the narrowest are left out: 4 branches");
	free(text);
}

static void nothing_is_a_document_too(void **state)
{
	static const char *const says[] = {"0 of 0 functions changed", "\"nodes\":1}",
					   "Nothing was recorded that would have a width."};

	(void)state;
	for (size_t i = 0; diff_reports[i] != NULL; i++) {
		struct golden golden = {.before = make_empty,
					.after = make_empty,
					.format = diff_reports[i],
					.metric = METRIC_LEAKS};
		char *text = write_document(&golden);

		assert_holds(text, says[i]);
		free(text);
	}
}

static void a_full_disk_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; diff_reports[i] != NULL; i++) {
		for (int json = 0; json < 2; json++) {
			struct golden golden = {.before = make_old,
						.after = make_new,
						.format = diff_reports[i],
						.metric = METRIC_LEAKS,
						.report.report.json = json};
			FILE *out = fopen("/dev/full", "w");
			struct error err = {0};

			assert_non_null(out);
			assert_int_equal(write_to(&golden, out, &err), -ERROR_FAILED);
			assert_holds(err.message, "No space left");
			fclose(out);
		}
	}
}

static void formats_are_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(diff_report_find("table"), &diff_report_table);
	assert_ptr_equal(diff_report_find("html"), &diff_report_html);
	assert_ptr_equal(diff_report_find("svg"), &diff_report_svg);
	assert_null(diff_report_find("json"));
}

static int write_samples(const char *folder)
{
	static const struct golden samples[] = {
		{"diff-memory",
		 make_old,
		 make_new,
		 &diff_report_html,
		 METRIC_LEAKS,
		 {0},
		 {.report.icicle = true}},
		{"diff-time",
		 make_old_time,
		 make_new_time,
		 &diff_report_html,
		 METRIC_CPU,
		 {0},
		 {.report.icicle = true}},
		{"diff-memory",
		 make_old,
		 make_new,
		 &diff_report_svg,
		 METRIC_LEAKS,
		 {0},
		 {.report.icicle = true}},
	};

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct error err = {0};
		char path[4096];
		FILE *out;

		snprintf(path, sizeof(path), "%s/%s.%s", folder, samples[i].name,
			 samples[i].format->extension);
		out = fopen(path, "w");
		if (out == NULL || write_to(&samples[i], out, &err) != 0) {
			fprintf(stderr, "%s: %s\n", path, err.message);
			return 1;
		}
		fclose(out);
	}
	return 0;
}

int main(int argc, char **argv)
{
	enum {
		COUNT = sizeof(goldens) / sizeof(goldens[0])
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test(pages_hold_both),
		cmocka_unit_test(what_is_left_out_is_told),
		cmocka_unit_test(nothing_is_a_document_too),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(formats_are_found_by_name),
	};
	struct CMUnitTest tests[COUNT];
	int failed;

	if (argc == 3 && strcmp(argv[1], "--samples") == 0)
		return write_samples(argv[2]);
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
