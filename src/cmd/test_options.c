#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/options.h"

struct settings {
	bool force, quiet, verify;
	unsigned locals;
	int metric;
	uint32_t threshold;
	int color;
	const char *output, *code;
	struct option_list files;
	long rows;
	uint64_t rate_bytes, from_ns;
	int format;
};

#define AT(member) offsetof(struct settings, member)

static const char *const colors[] = {"auto", "always", "never", NULL};
static const char *const formats[] = {"csv", "speedscope", NULL};

static const struct option first_options[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = OPTION_TEXT,
	 .argument = "FILE",
	 .help = "a file",
	 .setting = AT(output)},
	{.name = "force",
	 .letter = 'f',
	 .kind = OPTION_FLAG,
	 .help = "overwrite",
	 .setting = AT(force),
	 .mistaken_for = "format"},
	{.name = "quiet",
	 .letter = 'q',
	 .kind = OPTION_FLAG,
	 .help = "silent",
	 .setting = AT(quiet)},
	{.name = "verify",
	 .also = "unchecked",
	 .kind = OPTION_FLAG,
	 .on_by_default = true,
	 .help = "look at it less",
	 .setting = AT(verify)},
	{.name = "",
	 .letter = 'c',
	 .kind = OPTION_TEXT,
	 .argument = "CODE",
	 .ends_options = true,
	 .help = "code",
	 .setting = AT(code)},
	{.name = "locals",
	 .letter = 'l',
	 .kind = OPTION_COUNT,
	 .help = "more of it",
	 .setting = AT(locals)},
	{0},
};

static const struct option second_options[] = {
	{.name = "peak",
	 .also = "highest",
	 .kind = OPTION_SELECT,
	 .value = 7,
	 .help = "peak",
	 .setting = AT(metric)},
	{.name = "temporary",
	 .kind = OPTION_SELECT,
	 .value = 8,
	 .argument = "N",
	 .help = "short-lived",
	 .setting = AT(metric),
	 .amount = AT(threshold)},
	{.name = "color",
	 .kind = OPTION_CHOICE,
	 .argument = "WHEN",
	 .choices = colors,
	 .help = "colours",
	 .setting = AT(color)},
	{.name = "format",
	 .kind = OPTION_CHOICE,
	 .argument = "FORMAT",
	 .choices = formats,
	 .help = "format",
	 .setting = AT(format)},
	{.name = "file",
	 .kind = OPTION_LIST,
	 .argument = "PATTERN",
	 .help = "files",
	 .setting = AT(files)},
	{.name = "max-rows",
	 .letter = 'n',
	 .kind = OPTION_NUMBER,
	 .argument = "N",
	 .help = "rows",
	 .setting = AT(rows)},
	{.name = "sample-rate",
	 .kind = OPTION_BYTES,
	 .argument = "BYTES",
	 .help = "rate",
	 .setting = AT(rate_bytes)},
	{.name = "from",
	 .kind = OPTION_DURATION,
	 .argument = "TIME",
	 .help = "from",
	 .setting = AT(from_ns)},
	{.name = "native", .kind = OPTION_REFUSED, .help = "later", .refusal = "not there yet"},
	{.name = "help", .letter = 'h', .kind = OPTION_HELP, .help = "help"},
	{0},
};

static const struct option_group first = {"First", first_options};
static const struct option_group second = {"Second", second_options};
static const struct option_group *const groups[] = {&first, &second, NULL};

#define WORDS 12

struct parse {
	struct settings settings;
	struct arguments arguments;
	struct error err;
	int status;
};

static struct parse parsed;

static void release(void)
{
	arguments_deinit(&parsed.arguments);
	options_release(groups, &parsed.settings);
	memset(&parsed, 0, sizeof(parsed));
	parsed.settings.verify = true;
}

/* Parses a NULL-terminated list of words. */
static int parse(enum option_order order, const char *const words[WORDS])
{
	int count = 0;

	release();
	while (words[count])
		count++;
	parsed.status = options_parse("test", groups, order, count, (char **)words,
				      &parsed.settings, &parsed.arguments, &parsed.err);
	return parsed.status;
}

#define PARSE(...)       parse(OPTIONS_ANYWHERE, (const char *const[WORDS]){__VA_ARGS__})
#define PARSE_FIRST(...) parse(OPTIONS_FIRST, (const char *const[WORDS]){__VA_ARGS__})
#define assert_refused(text, ...)                                   \
	do {                                                        \
		assert_int_equal(PARSE(__VA_ARGS__), -ERROR_USAGE); \
		assert_int_equal(parsed.err.code, ERROR_USAGE);     \
		assert_non_null(strstr(parsed.err.message, text));  \
		assert_null(parsed.arguments.items);                \
		assert_null(parsed.settings.files.items);           \
	} while (0)

static void assert_arguments(int count, ...)
{
	va_list args;

	assert_int_equal(parsed.arguments.count, count);
	va_start(args, count);
	for (int i = 0; i < count; i++)
		assert_string_equal(parsed.arguments.items[i], va_arg(args, const char *));
	va_end(args);
	assert_null(parsed.arguments.items[count]);
}

static void test_long_forms(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--output", "a.html", "cap", "--force"), 0);
	assert_string_equal(parsed.settings.output, "a.html");
	assert_true(parsed.settings.force);
	assert_arguments(1, "cap");

	assert_int_equal(PARSE("--output=b=c"), 0);
	assert_string_equal(parsed.settings.output, "b=c");
	assert_arguments(0);

	assert_int_equal(PARSE("--output="), 0);
	assert_string_equal(parsed.settings.output, "");

	/* A value may look like an option. */
	assert_int_equal(PARSE("--output", "--force"), 0);
	assert_string_equal(parsed.settings.output, "--force");
	assert_false(parsed.settings.force);

	assert_int_equal(PARSE("--output=a", "--output=b"), 0);
	assert_string_equal(parsed.settings.output, "b");
	release();
}

static void test_short_forms(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-o", "x", "-q"), 0);
	assert_string_equal(parsed.settings.output, "x");
	assert_true(parsed.settings.quiet);

	assert_int_equal(PARSE("-ox"), 0);
	assert_string_equal(parsed.settings.output, "x");

	assert_int_equal(PARSE("-fqo", "x", "cap"), 0);
	assert_true(parsed.settings.force && parsed.settings.quiet);
	assert_string_equal(parsed.settings.output, "x");
	assert_arguments(1, "cap");

	assert_int_equal(PARSE("-qn12"), 0);
	assert_int_equal(parsed.settings.rows, 12);

	/* A dash alone is an argument: standard input or output. */
	assert_int_equal(PARSE("-", "-o", "-"), 0);
	assert_string_equal(parsed.settings.output, "-");
	assert_arguments(1, "-");
	release();
}

static void test_negation(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--force", "--no-force"), 0);
	assert_false(parsed.settings.force);
	assert_int_equal(PARSE("--no-verify"), 0);
	assert_false(parsed.settings.verify);
	assert_int_equal(PARSE("--no-verify", "--verify"), 0);
	assert_true(parsed.settings.verify);
	assert_refused("unknown option --no-output", "--no-output=x");
	assert_refused("unknown option --no-peak", "--no-peak");
	assert_refused("--no-force takes no value", "--no-force=1");
}

static void test_count(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-ll", "--locals", "-ql"), 0);
	assert_int_equal(parsed.settings.locals, 4);
	assert_true(parsed.settings.quiet);
	assert_int_equal(PARSE("-ll", "--no-locals", "-l"), 0);
	assert_int_equal(parsed.settings.locals, 1);
	assert_refused("takes no value", "--locals=2");
	release();
}

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--color", "never", "--max-rows=0", "--sample-rate", "512K",
			       "--from", "1.5s"),
			 0);
	assert_int_equal(parsed.settings.color, 2);
	assert_int_equal(parsed.settings.rows, 0);
	assert_int_equal(parsed.settings.rate_bytes, 512 * 1024);
	assert_int_equal(parsed.settings.from_ns, 1500000000);

	assert_int_equal(PARSE("--file", "a", "cap", "--file=b"), 0);
	assert_int_equal(parsed.settings.files.count, 2);
	assert_string_equal(parsed.settings.files.items[0], "a");
	assert_string_equal(parsed.settings.files.items[1], "b");
	assert_null(parsed.settings.files.items[2]);
	release();
	assert_null(parsed.settings.files.items);
}

static void test_select(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--peak", "cap"), 0);
	assert_int_equal(parsed.settings.metric, 7);
	assert_int_equal(PARSE("--temporary", "cap"), 0);
	assert_int_equal(parsed.settings.metric, 8);
	assert_int_equal(parsed.settings.threshold, 0);
	assert_arguments(1, "cap");
	assert_int_equal(PARSE("--temporary=5"), 0);
	assert_int_equal(parsed.settings.threshold, 5);
	assert_int_equal(PARSE("--temporary=5", "--peak"), 0);
	assert_int_equal(parsed.settings.metric, 7);
	assert_refused("takes its number behind '=': --temporary=5", "--temporary", "5", "cap");
	assert_refused("--peak takes no value", "--peak=1");
	assert_refused("--temporary needs a number, 1 or more", "--temporary=0");
	assert_refused("--temporary needs a number, 1 or more", "--temporary=many");
	assert_refused("--temporary needs a number, 1 or more", "--temporary=");
	assert_refused("--temporary needs a number, 1 or more", "--temporary=99999999999");
}

static void test_order(void **state)
{
	(void)state;
	assert_int_equal(PARSE("a", "-q", "b", "--", "-f", "--peak"), 0);
	assert_true(parsed.settings.quiet);
	assert_false(parsed.settings.force);
	assert_false(parsed.arguments.dashes);
	assert_arguments(4, "a", "b", "-f", "--peak");

	assert_int_equal(PARSE_FIRST("-q", "app.py", "-f", "--peak", "--", "x"), 0);
	assert_true(parsed.settings.quiet);
	assert_false(parsed.settings.force);
	assert_false(parsed.arguments.dashes);
	assert_arguments(5, "app.py", "-f", "--peak", "--", "x");

	assert_int_equal(PARSE_FIRST("-q", "--", "ls", "-f", "--", "x"), 0);
	assert_true(parsed.arguments.dashes);
	assert_arguments(4, "ls", "-f", "--", "x");

	assert_int_equal(PARSE_FIRST("--"), 0);
	assert_true(parsed.arguments.dashes);
	assert_arguments(0);

	assert_int_equal(PARSE_FIRST("-qc", "print(1)", "-f", "--help", "--"), 0);
	assert_string_equal(parsed.settings.code, "print(1)");
	assert_false(parsed.settings.force || parsed.arguments.help || parsed.arguments.dashes);
	assert_arguments(3, "-f", "--help", "--");

	assert_int_equal(PARSE_FIRST("-cpass", "x"), 0);
	assert_string_equal(parsed.settings.code, "pass");
	assert_arguments(1, "x");

	assert_int_equal(PARSE_FIRST("-c", ""), 0);
	assert_string_equal(parsed.settings.code, "");
	release();
}

static void test_help(void **state)
{
	(void)state;
	assert_int_equal(PARSE("cap", "--help", "--nonsense"), 0);
	assert_true(parsed.arguments.help);
	assert_int_equal(PARSE("-qh"), 0);
	assert_true(parsed.arguments.help && parsed.settings.quiet);
	assert_int_equal(PARSE("-hx"), 0);
	assert_true(parsed.arguments.help);
	release();
}

static void test_errors(void **state)
{
	(void)state;
	assert_refused("unknown option --ouptut; did you mean --output?", "--ouptut", "x");
	assert_refused("did you mean --max-rows?", "--max", "3");
	assert_refused("did you mean --no-verify?", "--no-verfy");
	assert_refused("unknown option --zzzzzz; sonde help test", "--zzzzzz=3");
	assert_refused("unknown option -x;", "-qx");
	assert_refused("unknown option -\xc3\xa9;", "-\xc3\xa9");
	assert_refused("--output needs its argument: --output FILE", "--file", "a", "--output");
	assert_refused("-o needs its argument: -o FILE", "-fo");
	assert_refused("--force takes no value", "--force=yes");
	assert_refused("--help takes no value", "--help=run");
	assert_refused("--color cannot be 'allways'; did you mean always?", "--color=allways");
	assert_refused("choose one of auto, always, never", "--color", "blue");
	assert_refused("--max-rows needs a number, 0 or more, not '-1'", "--max-rows=-1");
	assert_refused("-n needs a number", "-nx");
	assert_refused("-n needs a number", "-n", "");
	assert_refused("not '99999999999999999999'", "-n", "99999999999999999999");
	assert_refused("--sample-rate needs a size such as", "--sample-rate=1X");
	assert_refused("--sample-rate needs a size such as", "--sample-rate=0");
	assert_refused("--from needs a time such as", "--from", "soon");
	/* A name without end must not pass the buffer. */
	assert_refused(
		"unknown option --aaaaaaaaaa",
		"--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

static void test_refusal(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--native"), -ERROR_UNSUPPORTED);
	assert_string_equal(parsed.err.message, "--native: not there yet");
}

static void test_mistaken_letter(void **state)
{
	(void)state;
	assert_refused("-f is --force here; to choose what is written: --format speedscope", "-f",
		       "speedscope", "cap");
	assert_refused("--format csv", "-fcsv", "cap");
	assert_int_equal(PARSE("-f", "cap"), 0);
	assert_int_equal(PARSE("-fq", "cap"), 0);
	assert_int_equal(PARSE("cap", "-f"), 0);
	assert_int_equal(PARSE("--force", "csv"), 0);
	release();
}

static void test_other_names(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--highest"), 0);
	assert_int_equal(parsed.settings.metric, 7);
	assert_int_equal(PARSE("--unchecked"), 0);
	assert_false(parsed.settings.verify);
	assert_int_equal(PARSE("--no-verify", "--no-unchecked"), 0);
	assert_true(parsed.settings.verify);
	assert_int_equal(PARSE("--unchecked", "--verify"), 0);
	assert_true(parsed.settings.verify);
	release();
}

static void test_spelling(void **state)
{
	char buffer[128];
	struct option_cursor cursor = {0};
	int count = 0;

	(void)state;
	assert_string_equal(option_synopsis(&first_options[0], buffer, sizeof(buffer)),
			    "-o, --output FILE");
	assert_string_equal(option_synopsis(&first_options[1], buffer, sizeof(buffer)),
			    "-f, --force");
	assert_string_equal(option_synopsis(&first_options[3], buffer, sizeof(buffer)),
			    "    --no-verify");
	assert_string_equal(option_synopsis(&first_options[4], buffer, sizeof(buffer)), "-c CODE");
	assert_string_equal(option_synopsis(&second_options[1], buffer, sizeof(buffer)),
			    "    --temporary[=N]");
	assert_string_equal(option_spelling(&first_options[4], buffer, sizeof(buffer)), "-c");
	assert_string_equal(option_spelling(&first_options[3], buffer, sizeof(buffer)),
			    "--no-verify");
	while (options_next(groups, &cursor))
		count++;
	assert_int_equal(count, 16);
	assert_ptr_equal(options_find(groups, "from"), &second_options[7]);
	assert_null(options_find(groups, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_forms),      cmocka_unit_test(test_short_forms),
		cmocka_unit_test(test_negation),        cmocka_unit_test(test_count),
		cmocka_unit_test(test_values),          cmocka_unit_test(test_select),
		cmocka_unit_test(test_order),           cmocka_unit_test(test_help),
		cmocka_unit_test(test_errors),          cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_mistaken_letter), cmocka_unit_test(test_other_names),
		cmocka_unit_test(test_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
