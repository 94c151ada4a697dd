/*
 * The flame graph's two documents over made captures.
 *
 *   test_flamegraph                     checks what was written
 *   test_flamegraph --samples FOLDER    leaves documents for tests/page to open in a browser
 */
#include "report/flamegraph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "analysis/specimen.h"
#include "report/formats.h"

#define HOSTILE      "</script><img src=x onerror=alert(1)>"
#define HOSTILE_FILE "/srv/<!--<script>]]>\"'&.py"

enum {
	DEEP = 3000,
	NODES_MAX = 8192,
};

static stack_id chain(struct specimen *s, unsigned depth)
{
	stack_id stack = 0;

	for (unsigned i = 0; i < depth; i++)
		stack = specimen_stack(s, stack, i == 0 ? "<module>" : "descend", "/srv/deep.py",
				       i == 0 ? 1 : 3);
	return stack;
}

static struct capture_reader *make_program(void)
{
	struct specimen s;
	stack_id top, load;

	specimen_begin(&s, NULL);
	top = specimen_stack(&s, 0, "<module>", "/srv/app.py", 9);
	load = specimen_stack(&s, top, "load", "/srv/app.py", 4);
	writer_time(s.writer, 500000000);
	specimen_malloc(&s, load, 1000);
	specimen_malloc(&s, specimen_stack(&s, top, "load", "/srv/app.py", 5), 300);
	specimen_malloc(
		&s, specimen_stack(&s, load, "decode", "/usr/lib/python3.12/json/decoder.py", 338),
		5000);
	specimen_malloc(&s, top, 700);
	specimen_malloc(&s, 0, 50);
	writer_rss(s.writer, s.process, 600000000, 1 << 20);
	writer_time(s.writer, 2000000000);
	specimen_free(&s, specimen_malloc(&s, load, 10));
	writer_process_end(s.writer, s.process, 2000000000, 0);
	return specimen_read(&s, true);
}

static struct capture_reader *make_hostile(void)
{
	const uint64_t lost[LOST_END] = {[LOST_FULL] = 12, [LOST_STACK] = 3};
	struct specimen s;
	stack_id stack;

	specimen_begin(&s, NULL);
	stack = specimen_stack(&s, 0, HOSTILE, HOSTILE_FILE, 7);
	specimen_malloc(&s, stack, 5000);
	stack = specimen_stack(&s, stack, "\u202ereversed \033[31m\u2028 \u65e5\u672c", HOSTILE, 0);
	specimen_malloc(&s, stack, 4000);
	writer_thread_name(s.writer, s.thread, HOSTILE);
	writer_lost(s.writer, lost);
	return specimen_read(&s, false);
}

static struct capture_reader *make_empty(void)
{
	struct specimen s;

	specimen_begin(&s, NULL);
	return specimen_read(&s, true);
}

static struct capture_reader *make_huge(void)
{
	struct specimen s;
	stack_id stack;

	specimen_begin(&s, NULL);
	stack = specimen_stack(&s, 0, "reserve", "/srv/app.py", 1);
	specimen_malloc(&s, stack, UINT64_C(1) << 55);
	specimen_malloc(&s, specimen_stack(&s, stack, "more", "/srv/app.py", UINT32_MAX),
			(UINT64_C(1) << 55) - 1);
	return specimen_read(&s, true);
}

static struct capture_reader *make_deep(void)
{
	struct specimen s;

	specimen_begin(&s, NULL);
	for (unsigned depth = DEEP; depth > 0; depth -= 100)
		specimen_malloc(&s, chain(&s, depth), 1000);
	return specimen_read(&s, true);
}

static struct capture_reader *make_threads(void)
{
	struct specimen s;
	thread_id other;
	stack_id stack;

	specimen_begin(&s, NULL);
	other = writer_thread(s.writer, s.process, 101, "pool-1");
	stack = specimen_stack(&s, 0, "run", "/usr/lib/python3.12/threading.py", 982);
	specimen_malloc(&s, stack, 2000);
	writer_alloc(s.writer, other, ALLOCATOR_MALLOC, stack, 3000);
	writer_alloc(s.writer, other, ALLOCATOR_MALLOC, 0, 30);
	return specimen_read(&s, true);
}

static struct capture_reader *make_sampled(void)
{
	struct capture_start start = specimen_start();
	struct specimen s;
	stack_id stack;

	start.sample_rate_bytes = 4096;
	specimen_begin(&s, &start);
	stack = specimen_stack(&s, 0, "load", "/srv/app.py", 4);
	for (int i = 0; i < 20; i++)
		specimen_malloc(&s, stack, 1000);
	stack = specimen_stack(&s, stack, "parse", "/srv/app.py", 8);
	for (int i = 0; i < 10; i++)
		specimen_malloc(&s, stack, 3000);
	return specimen_read(&s, true);
}

/* 200 rounds, 10 ms apart: one thread works and then sleeps, the other has no Python code. */
static struct capture_reader *make_time(void)
{
	const struct capture_sampling sampling = {.rounds = 200, .sampled_ns = 2000000000};
	struct capture_start start = specimen_time_start();
	struct specimen s;
	thread_id other;
	stack_id top, load, wait;

	start.sampling_period_ns = 10000000;
	specimen_begin(&s, &start);
	other = writer_thread(s.writer, s.process, 101, "");
	top = specimen_stack(&s, 0, "<module>", "/srv/app.py", 9);
	load = specimen_stack(&s, top, "load", "/srv/app.py", 4);
	wait = specimen_stack(&s, top, "wait", "/usr/lib/python3.12/threading.py", 355);
	for (unsigned round = 0; round < 200; round++) {
		struct capture_sample both[] = {
			{s.thread, round < 150 ? load : wait, SAMPLE_RUNNING, 0},
			{other, 0, 0, SAMPLE_WAIT_POLL},
		};

		if (round >= 150)
			both[0].flags = 0;
		if (round == 7)
			both[0] = (struct capture_sample){s.thread, 0, SAMPLE_UNKNOWN, 0};
		writer_samples(s.writer, s.process, round * UINT64_C(10000000), both, 2);
	}
	writer_sampling(s.writer, &sampling);
	return specimen_read(&s, true);
}

static const char *source_line(const char *file, unsigned line, void *data)
{
	(void)data;
	if (strcmp(file, "/srv/app.py") != 0)
		return NULL;
	if (line == 4)
		return "    return json.load(file)  # </script>\n";
	/* 199 bytes, then a character of two of which one would fit */
	return line == 5 ? "\t"
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u00e9z"
			 : NULL;
}

struct sample {
	const char *name;
	struct capture_reader *(*make)(void);
	struct profile_options profile;
	struct report_options report;
};

static const struct sample samples[] = {
	{"program", make_program, {0}, {.icicle = true, .source_line = source_line}},
	{"hostile", make_hostile, {0}, {.icicle = true, .title = HOSTILE}},
	{"empty", make_empty, {0}, {.icicle = true}},
	{"huge", make_huge, {0}, {.icicle = true}},
	{"deep", make_deep, {0}, {0}},
	{"threads", make_threads, {.split_threads = true}, {.icicle = true, .dark = true}},
	{"time",
	 make_time,
	 {.metric = METRIC_WALL, .split_threads = true},
	 {.icicle = true, .source_line = source_line}},
	{"time-empty", make_time, {.metric = METRIC_GIL}, {0}},
	{"sampled", make_sampled, {0}, {.icicle = true, .inverted = true}},
	{"few", make_program, {.metric = METRIC_TOTAL}, {.icicle = true, .max_rows = 2}},
};

static const struct sample *find_sample(const char *name)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		if (strcmp(samples[i].name, name) == 0)
			return &samples[i];
	}
	fail_msg("no sample %s", name);
	return NULL;
}

static void write_sample(const struct sample *sample, const struct report_format *format, FILE *out)
{
	struct capture_reader *reader = sample->make();
	struct profile *profile;
	struct error err = {0};

	if (profile_create(reader, &sample->profile, &profile, &err) != 0 ||
	    format->write(profile, &sample->report, out, &err) != 0)
		fail_msg("%s", err.message);
	profile_destroy(profile);
	reader_close(reader);
}

static char *sample_text(const char *name, const struct report_format *format)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	write_sample(find_sample(name), format, out);
	fclose(out);
	assert_int_equal(strlen(text), size);
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t found = 0;

	for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
		found++;
	return found;
}

/* The text of the element that begins with `start`; cuts the document there. */
static char *element(char *document, const char *start)
{
	char *text = strstr(document, start);
	char *end;

	assert_non_null(text);
	text += strlen(start);
	end = strstr(text, "</script>");
	assert_non_null(end);
	*end = '\0';
	return text;
}

/* A strict reader of JSON (RFC 8259): moves past one value, or returns NULL. */
static const char *json_value(const char *p);

static const char *json_text(const char *p)
{
	if (*p++ != '"')
		return NULL;
	while (*p != '"') {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p++ != '\\')
			continue;
		if (*p == 'u' && strspn(p + 1, "0123456789abcdefABCDEF") >= 4)
			p += 5;
		else if (*p != '\0' && strchr("\"\\/bfnrt", *p) != NULL)
			p++;
		else
			return NULL;
	}
	return p + 1;
}

static const char *json_number(const char *p)
{
	size_t digits;

	p += *p == '-';
	digits = strspn(p, "0123456789");
	if (digits == 0 || (digits > 1 && *p == '0'))
		return NULL;
	p += digits;
	if (*p == '.') {
		digits = strspn(++p, "0123456789");
		if (digits == 0)
			return NULL;
		p += digits;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		digits = strspn(p, "0123456789");
		if (digits == 0)
			return NULL;
		p += digits;
	}
	return p;
}

static const char *json_spaces(const char *p)
{
	return p != NULL ? p + strspn(p, " \t\r\n") : NULL;
}

static const char *json_members(const char *p, char close)
{
	p = json_spaces(p + 1);
	if (*p == close)
		return p + 1;
	for (;; p++) {
		p = json_spaces(p);
		if (close == '}') {
			p = json_spaces(json_text(p));
			if (p == NULL || *p++ != ':')
				return NULL;
		}
		p = json_spaces(json_value(p));
		if (p == NULL || (*p != ',' && *p != close))
			return NULL;
		if (*p == close)
			return p + 1;
	}
}

static const char *json_value(const char *p)
{
	static const char *const words[] = {"true", "false", "null"};

	p = json_spaces(p);
	if (*p == '{')
		return json_members(p, '}');
	if (*p == '[')
		return json_members(p, ']');
	if (*p == '"')
		return json_text(p);
	for (size_t i = 0; i < 3; i++) {
		if (strncmp(p, words[i], strlen(words[i])) == 0)
			return p + strlen(words[i]);
	}
	return json_number(p);
}

/* The number behind a key of the data. */
static uint64_t data_uint(const char *data, const char *key)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(data, quoted);
	if (at == NULL)
		fail_msg("no %s in %s", key, data);
	return strtoull(at + strlen(quoted), NULL, 10);
}

struct nodes {
	size_t count;
	unsigned columns;
	uint64_t values[5][NODES_MAX];
	unsigned depth[NODES_MAX];
};

static size_t decode_base64(const char *text, unsigned char *bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	size_t used = 0;

	assert_int_equal(strlen(text) % 4, 0);
	for (size_t i = 0; text[i] != '\0'; i++) {
		const char *digit = text[i] == '=' ? digits : strchr(digits, text[i]);

		assert_non_null(digit);
		bits = bits << 6 | (uint32_t)(digit - digits);
		if (i % 4 != 3)
			continue;
		bytes[used++] = (unsigned char)(bits >> 16);
		bytes[used++] = (unsigned char)(bits >> 8);
		bytes[used++] = (unsigned char)bits;
	}
	return used - (strlen(text) - strcspn(text, "="));
}

/* Unpacks the nodes of a page the other way round, and checks that every byte is a node's. */
static struct nodes *read_nodes(const char *data, const char *text)
{
	static unsigned char packed[1 << 16], raw[1 << 18];
	struct nodes *nodes = calloc(1, sizeof(*nodes));
	z_stream z = {.next_in = packed, .next_out = raw, .avail_out = sizeof(raw)};
	const unsigned char *at = raw;

	assert_non_null(nodes);
	assert_true(strlen(text) < sizeof(packed));
	z.avail_in = (uInt)decode_base64(text, packed);
	assert_int_equal(inflateInit2(&z, -MAX_WBITS), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	nodes->count = data_uint(data, "nodes");
	nodes->columns = strstr(data, "\"estimated\":true") != NULL ? 5 : 4;
	assert_true(nodes->count <= NODES_MAX);
	for (unsigned column = 0; column < nodes->columns; column++) {
		for (size_t i = 0; i < nodes->count; i++) {
			uint64_t value = 0;
			unsigned shift = 0;

			do
				value |= (uint64_t)(*at & 0x7f) << shift;
			while (shift += 7, *at++ & 0x80);
			nodes->values[column][i] = value;
		}
	}
	assert_ptr_equal(at, z.next_out);
	for (size_t i = 1; i < nodes->count; i++) {
		assert_true(nodes->values[0][i] <= nodes->depth[i - 1]);
		nodes->depth[i] = nodes->depth[i - 1] + 1 - (unsigned)nodes->values[0][i];
	}
	return nodes;
}

static uint64_t column_sum(const struct nodes *nodes, unsigned column)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nodes->count; i++)
		sum += nodes->values[column][i];
	return sum;
}

static void every_page_holds_json_and_all_its_amount(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char *page = sample_text(samples[i].name, &report_flamegraph_html);
		char *data, *text, *rest;
		const char *end;
		struct nodes *nodes;

		rest = strdup(page);
		assert_non_null(rest);
		data = element(page, "<script type=\"application/json\" id=\"data\">");
		text = element(rest, "<script type=\"text/plain\" id=\"nodes\">");
		end = json_value(data);
		if (end == NULL || *json_spaces(end) != '\0')
			fail_msg("%s: no JSON: %s", samples[i].name, data);
		nodes = read_nodes(data, text);
		assert_int_equal(column_sum(nodes, 2), data_uint(data, "amount"));
		assert_int_equal(column_sum(nodes, 3), data_uint(data, "count"));
		free(nodes);
		free(rest);
		free(page);
	}
}

/* Markers first, then children, heaviest first. */
static void nodes_stand_in_preorder(void **state)
{
	static const unsigned depths[] = {0, 1, 1, 2, 3, 2};
	static const uint64_t bytes[] = {0, 50, 700, 1010, 5000, 300};
	char *page = sample_text("program", &report_flamegraph_html), *rest = strdup(page);
	char *data = element(page, "<script type=\"application/json\" id=\"data\">");
	char *text = element(rest, "<script type=\"text/plain\" id=\"nodes\">");
	struct nodes *nodes = read_nodes(data, text);

	(void)state;
	assert_int_equal(nodes->count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(nodes->depth[i], depths[i]);
		assert_int_equal(nodes->values[1][i], i); /* frames in order of their first node */
		assert_int_equal(nodes->values[2][i], bytes[i]);
	}
	assert_non_null(strstr(data, "\"\\u003cmodule\\u003e\""));
	assert_non_null(strstr(data, "\"\\u003cno stack\\u003e\""));
	assert_non_null(strstr(data, "\"/usr/lib/python3.12/json/decoder.py\""));
	assert_non_null(strstr(data, "\"peak_seconds\":2.0"));
	assert_non_null(strstr(data, "\"title\":\"sonde\""));
	free(nodes);
	free(rest);
	free(page);
}

static void source_lines_are_trimmed_and_cut(void **state)
{
	char *page = sample_text("program", &report_flamegraph_html);

	(void)state;
	assert_non_null(strstr(page, "\"return json.load(file)  # \\u003c/script\\u003e\""));
	assert_non_null(strstr(page, "aaa\""));
	assert_null(strstr(page, "\u00e9z"));
	free(page);
}

/* What has no frame to stand on keeps its amount in a marker. */
static void what_is_left_out_is_told_and_counted(void **state)
{
	char *page = sample_text("few", &report_flamegraph_html), *rest = strdup(page);
	char *data = element(page, "<script type=\"application/json\" id=\"data\">");
	char *text = element(rest, "<script type=\"text/plain\" id=\"nodes\">");
	struct nodes *nodes = read_nodes(data, text);

	(void)state;
	/* the root, <module>, load, what load and <module> lost, and the stack without frames */
	assert_int_equal(data_uint(data, "left_out"), 2);
	assert_int_equal(data_uint(data, "left_out_amount"), 5300);
	assert_non_null(strstr(data, "\"\\u003cleft out\\u003e\""));
	assert_int_equal(nodes->count, 6);
	assert_int_equal(column_sum(nodes, 2), 7060);
	free(nodes);
	free(rest);
	free(page);
}

static void threads_are_nodes(void **state)
{
	char *page = sample_text("threads", &report_flamegraph_html), *rest = strdup(page);
	char *data = element(page, "<script type=\"application/json\" id=\"data\">");
	char *text = element(rest, "<script type=\"text/plain\" id=\"nodes\">");
	struct nodes *nodes = read_nodes(data, text);

	(void)state;
	assert_non_null(strstr(data, "\"threads\":[{\"tid\":101,\"name\":\"pool-1\",\"pid\":100},"
				     "{\"tid\":100,\"name\":\"main\",\"pid\":100}]"));
	assert_non_null(strstr(data, "\"dark\":true"));
	/* root; pool-1: no stack, run; main: run. Two frames, so the threads are 3 and 4. */
	assert_int_equal(nodes->count, 6);
	assert_int_equal(nodes->values[1][1], 3);
	assert_int_equal(nodes->values[1][4], 4);
	assert_int_equal(nodes->values[1][3], nodes->values[1][5]);
	free(nodes);
	free(rest);
	free(page);
}

static void estimates_carry_their_errors(void **state)
{
	char *page = sample_text("sampled", &report_flamegraph_html), *rest = strdup(page);
	char *data = element(page, "<script type=\"application/json\" id=\"data\">");
	char *text = element(rest, "<script type=\"text/plain\" id=\"nodes\">");
	struct nodes *nodes = read_nodes(data, text);
	double squares = 0;
	const char *error = strstr(data, "\"amount_error\":");

	(void)state;
	assert_int_equal(nodes->columns, 5);
	for (size_t i = 0; i < nodes->count; i++)
		squares += (double)nodes->values[4][i] * (double)nodes->values[4][i];
	assert_non_null(error);
	/* errors of nodes are rounded */
	error += strlen("\"amount_error\":");
	assert_true(squares > 0);
	assert_true(strtod(error, NULL) * strtod(error, NULL) / squares > 0.999);
	assert_true(strtod(error, NULL) * strtod(error, NULL) / squares < 1.001);
	assert_non_null(strstr(data, "\"inverted\":true"));
	free(nodes);
	free(rest);
	free(page);
}

/* Amounts are ns, each sample stands for 10 ms; threads, and what stands directly below them. */
static void time_has_its_unit(void **state)
{
	char *page = sample_text("time", &report_flamegraph_html), *rest = strdup(page);
	char *data = element(page, "<script type=\"application/json\" id=\"data\">");
	char *text = element(rest, "<script type=\"text/plain\" id=\"nodes\">");
	struct nodes *nodes = read_nodes(data, text);
	char *picture = sample_text("time", &report_flamegraph_svg);

	(void)state;
	assert_non_null(strstr(data, "\"metric\":\"wall\",\"unit\":\"ns\",\"amount\":4000000000,"
				     "\"count\":400,\"estimated\":true"));
	assert_non_null(strstr(data, "\"thread_count\":2"));
	assert_non_null(strstr(data, "\"sampling\":{\"period_seconds\":0.01,"));
	assert_non_null(strstr(data, "\"threads\":[2,2,2,"));
	assert_non_null(strstr(data, "\"\\u003cno Python frame\\u003e\""));
	assert_non_null(strstr(data, "\"\\u003cstack unknown\\u003e\""));
	/* root; main: <module>: load, wait; <stack unknown>; thread 101: <no Python frame> */
	assert_int_equal(nodes->count, 8);
	assert_int_equal(nodes->values[2][3], UINT64_C(1490000000));
	assert_int_equal(nodes->values[2][4], 500000000);
	assert_int_equal(nodes->values[4][4], 70710678);
	assert_non_null(strstr(picture,
			       "<title>load (/srv/app.py:4)\n1.49 s \u00b1 122.1 ms, 37.2 %, "
			       "own 1.49 s, 149 samples</title>"));
	assert_non_null(
		strstr(picture, "wall: 4.00 s \u00b1 200.0 ms in 400 samples of 2 threads"));
	free(picture);
	picture = sample_text("time-empty", &report_flamegraph_svg);
	assert_non_null(strstr(picture, "Nothing was recorded that would have a width."));
	free(picture);
	free(nodes);
	free(rest);
	free(page);
}

/* No name can end an element, begin one, or leave a JSON string. */
static void hostile_names_stay_text(void **state)
{
	char *page = sample_text("hostile", &report_flamegraph_html);
	char *empty = sample_text("empty", &report_flamegraph_html);
	char *picture = sample_text("hostile", &report_flamegraph_svg);
	char *plain = sample_text("empty", &report_flamegraph_svg);

	(void)state;
	assert_null(strstr(page, "<img"));
	assert_int_equal(count(page, "<script"), count(empty, "<script"));
	assert_int_equal(count(page, "</script"), count(empty, "</script"));
	assert_int_equal(count(page, "<!--"), count(empty, "<!--"));
	assert_non_null(strstr(page, "<title>&lt;/script&gt;&lt;img"));
	assert_null(strstr(page, "\u202e"));
	assert_null(strstr(picture, "<img"));
	assert_null(strchr(picture, '\033'));
	assert_int_equal(count(picture, "<script"), 1);
	assert_int_equal(count(picture, "]]>"), count(plain, "]]>"));
	free(page);
	free(empty);
	free(picture);
	free(plain);
}

static void nothing_recorded_is_a_page_that_says_so(void **state)
{
	char *page = sample_text("empty", &report_flamegraph_html);
	char *picture = sample_text("empty", &report_flamegraph_svg);

	(void)state;
	assert_int_equal(data_uint(page, "nodes"), 1);
	assert_non_null(strstr(page, "\"strings\":[\"\"]"));
	assert_non_null(strstr(picture, "Nothing was recorded that would have a width."));
	assert_int_equal(count(picture, "class=\"box\""), 0);
	free(page);
	free(picture);
}

static void huge_numbers_are_exact(void **state)
{
	char *page = sample_text("huge", &report_flamegraph_html);
	char *picture = sample_text("huge", &report_flamegraph_svg);

	(void)state;
	assert_int_equal(data_uint(page, "amount"), (UINT64_C(1) << 56) - 1);
	assert_non_null(strstr(page, "4294967295"));
	assert_non_null(strstr(picture, "width=\"1184.00\""));
	assert_non_null(strstr(picture, "64.0 PiB"));
	free(page);
	free(picture);
}

static void the_page_loads_nothing(void **state)
{
	char *page = sample_text("program", &report_flamegraph_html);

	(void)state;
	assert_non_null(strstr(page, "default-src 'none'; script-src 'sha256-"));
	assert_int_equal(count(page, " src="), 0);
	assert_int_equal(count(page, "@import"), 0);
	assert_int_equal(count(page, "url("), 0);
	assert_int_equal(count(page, "<link"), count(page, "<link rel=\"icon\" href=\"data:"));
	/* the names of XML's own spaces are no addresses */
	assert_int_equal(count(page, "http"),
			 count(page, "http://www.w3.org/") + count(page, "http-equiv"));
	assert_int_equal(count(page, "innerHTML"), 0);
	assert_int_equal(count(page, "insertAdjacent"), 0);
	assert_int_equal(count(page, "document.write"), 0);
	assert_int_equal(count(page, "eval("), 0);
	free(page);
}

static void pictures_show_frames_and_numbers(void **state)
{
	char *picture = sample_text("program", &report_flamegraph_svg);

	(void)state;
	assert_int_equal(count(picture, "class=\"box\""), 5);
	assert_non_null(strstr(picture, "<title>decode (/usr/lib/python3.12/json/decoder.py:338)\n"
					"4.9 KiB, 70.8 %, own 4.9 KiB, 1 block</title>"));
	assert_non_null(strstr(picture, "<title>all\n6.9 KiB, 100.0 %"));
	assert_non_null(strstr(picture, "peak: 6.9 KiB in 6 blocks live at 2.0 s, 5 stacks"));
	free(picture);
	picture = sample_text("few", &report_flamegraph_svg);
	assert_int_equal(count(picture, "class=\"box\""), 3);
	assert_non_null(
		strstr(picture, "the narrowest are left out: 2 branches, 5.2 KiB together"));
	free(picture);
}

/* Icicle: the root above. Flame, which make_deep asks for: below, under all rows. */
static void rows_grow_from_the_root(void **state)
{
	char *icicle = sample_text("program", &report_flamegraph_svg);
	char *flame = sample_text("deep", &report_flamegraph_svg);
	const char *root = strstr(flame, "class=\"box\"");
	const char *height = strstr(flame, " height=\"");
	unsigned top = (unsigned)strtoul(strstr(root, " y=\"") + 4, NULL, 10);

	(void)state;
	assert_int_equal(strtoul(height + strlen(" height=\""), NULL, 10), top + 17 + 8);
	assert_true(top > DEEP * 17);
	assert_int_equal(count(flame, "class=\"box\""), DEEP + 1);
	root = strstr(icicle, "class=\"box\"");
	top = (unsigned)strtoul(strstr(root, " y=\"") + 4, NULL, 10);
	assert_true(top < 100);
	free(icicle);
	free(flame);
}

static void expect_title(const char *const *command_line, const char *asked, const char *expected)
{
	struct capture_start start = specimen_start();
	struct report_options options = {.title = asked};
	struct capture_reader *reader;
	struct profile *profile;
	struct specimen s;
	struct error err = {0};
	char title[64];

	start.command_line = command_line;
	specimen_begin(&s, &start);
	reader = specimen_read(&s, true);
	assert_int_equal(profile_create(reader, &(struct profile_options){0}, &profile, &err), 0);
	flamegraph_title(profile, &options, title, sizeof(title));
	assert_string_equal(title, expected);
	profile_destroy(profile);
	reader_close(reader);
}

static void a_title_is_what_was_run(void **state)
{
	(void)state;
	expect_title((const char *const[]){"app.py", "-v", NULL}, NULL, "app.py");
	expect_title((const char *const[]){"app.py", NULL}, "Nightly", "Nightly");
	expect_title((const char *const[]){"/usr/bin/python3.12", "-X", NULL}, NULL, "-X");
	expect_title((const char *const[]){"/usr/bin/python3", "/srv/app.py", "x", NULL}, NULL,
		     "app.py");
	expect_title((const char *const[]){"-m", "http.server", "8000", NULL}, NULL, "http.server");
	expect_title((const char *const[]){"-c", "print(1)", NULL}, "", "python -c");
	expect_title((const char *const[]){"gunicorn", "shop:app", NULL}, NULL, "gunicorn");
	expect_title((const char *const[]){NULL}, NULL, "sonde");
}

static int write_samples(const char *folder)
{
	static const struct report_format *const formats[] = {&report_flamegraph_html,
							      &report_flamegraph_svg};

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]) * 2; i++) {
		const struct report_format *format = formats[i % 2];
		char path[4096];
		FILE *out;

		snprintf(path, sizeof(path), "%s/%s.%s", folder, samples[i / 2].name,
			 format->extension);
		out = fopen(path, "w");
		if (out == NULL) {
			perror(path);
			return 1;
		}
		write_sample(&samples[i / 2], format, out);
		fclose(out);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_page_holds_json_and_all_its_amount),
		cmocka_unit_test(nodes_stand_in_preorder),
		cmocka_unit_test(source_lines_are_trimmed_and_cut),
		cmocka_unit_test(what_is_left_out_is_told_and_counted),
		cmocka_unit_test(threads_are_nodes),
		cmocka_unit_test(estimates_carry_their_errors),
		cmocka_unit_test(time_has_its_unit),
		cmocka_unit_test(hostile_names_stay_text),
		cmocka_unit_test(nothing_recorded_is_a_page_that_says_so),
		cmocka_unit_test(huge_numbers_are_exact),
		cmocka_unit_test(the_page_loads_nothing),
		cmocka_unit_test(pictures_show_frames_and_numbers),
		cmocka_unit_test(rows_grow_from_the_root),
		cmocka_unit_test(a_title_is_what_was_run),
	};

	if (argc == 3 && strcmp(argv[1], "--samples") == 0)
		return write_samples(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
