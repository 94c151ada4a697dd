#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/suggest.h"

static const char *nearest(const char *typed)
{
	static const char *const names[] = {"run",   "flamegraph", "table",  "tree", "summary",
					    "stats", "info",       "export", "help"};
	struct suggestion suggestion;

	suggestion_init(&suggestion, typed);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		suggestion_consider(&suggestion, names[i]);
	return suggestion.nearest;
}

static void test_slips(void **state)
{
	(void)state;
	assert_string_equal(nearest("tabel"), "table");          /* swapped */
	assert_string_equal(nearest("flamgraph"), "flamegraph"); /* left out */
	assert_string_equal(nearest("exxport"), "export");       /* put in */
	assert_string_equal(nearest("stets"), "stats");          /* changed */
	assert_string_equal(nearest("rn"), "run");
}

static void test_beginnings(void **state)
{
	(void)state;
	assert_string_equal(nearest("flame"), "flamegraph");
	assert_string_equal(nearest("sum"), "summary");
}

static void test_too_far(void **state)
{
	char longest[200];

	(void)state;
	assert_null(nearest("record"));
	assert_null(nearest("x"));
	assert_null(nearest(""));
	memset(longest, 'r', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_null(nearest(longest));
}

static void test_nearest_wins(void **state)
{
	struct suggestion suggestion;

	(void)state;
	suggestion_init(&suggestion, "state");
	suggestion_consider(&suggestion, "table");
	suggestion_consider(&suggestion, "stats");
	suggestion_consider(&suggestion, "stater");
	assert_string_equal(suggestion.nearest, "stats");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slips),
		cmocka_unit_test(test_beginnings),
		cmocka_unit_test(test_too_far),
		cmocka_unit_test(test_nearest_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
