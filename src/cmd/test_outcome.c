#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/outcome.h"

static char said[4096];

/* Runs outcome_say with stderr in a file, and keeps what it said. */
static void say(const struct recording_result *result, struct outcome_look look)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);

	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	outcome_say(result, &look);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
	fclose(file);
}

static struct recording_result good(const char *output)
{
	struct recording_result result = {
		.launched = true,
		.loaded = true,
		.processes = 1,
		.complete = true,
		.duration_ns = 1500000000,
		.events = 1234567,
		.bytes = 2048,
		.peak_rss_bytes = 3 << 20,
	};

	snprintf(result.output, sizeof(result.output), "%s", output);
	return result;
}

static void test_good(void **state)
{
	struct recording_result result = good("app.sonde");

	(void)state;
	say(&result, (struct outcome_look){.with_agent = true});
	assert_string_equal(said,
			    "sonde: wrote app.sonde, 2.0 KiB: 1,234,567 events in 1.5 s, peak RSS "
			    "3.0 MiB\nnext:  sonde flamegraph app.sonde\n");
	result.peak_bytes = 1 << 20;
	say(&result, (struct outcome_look){.with_agent = true, .color = true});
	assert_non_null(strstr(said, "\033[1mapp.sonde\033[0m"));
	assert_non_null(strstr(said, "peak 1.0 MiB, peak RSS 3.0 MiB"));
	say(&result, (struct outcome_look){.with_agent = true, .quiet = true});
	assert_string_equal(said, "");

	result.cut = true;
	say(&result, (struct outcome_look){.with_agent = true});
	assert_string_equal(said, "sonde: wrote app.sonde, 2.0 KiB, up to where that failed\n"
				  "next:  sonde flamegraph app.sonde\n");
	result.gone = true;
	say(&result, (struct outcome_look){.with_agent = true});
	assert_string_equal(said, "");
}

static void assert_next(const char *output, const char *expected)
{
	struct recording_result result = good(output);
	const char *next;

	say(&result, (struct outcome_look){.with_agent = true});
	next = strstr(said, "next:  ");
	assert_non_null(next);
	assert_string_equal(next + strlen("next:  "), expected);
}

/* What is to be typed next must survive the shell. */
static void test_next_command(void **state)
{
	(void)state;
	assert_next("dir/a-1.py.7.sonde", "sonde flamegraph dir/a-1.py.7.sonde\n");
	assert_next("my app.sonde", "sonde flamegraph 'my app.sonde'\n");
	assert_next("it's$x", "sonde flamegraph 'it'\\''s$x'\n");
	assert_next("-q.sonde", "sonde flamegraph ./'-q.sonde'\n");
}

static void test_problems_are_always_said(void **state)
{
	struct recording_result result = good("app.sonde");
	const struct outcome_look quiet = {.with_agent = true, .quiet = true};

	(void)state;
	result.lost[LOST_FULL] = 1000;
	result.lost[LOST_STACK] = 2;
	say(&result, quiet);
	assert_non_null(strstr(said, "sonde: lost 1,000 events: "));
	assert_non_null(strstr(said, "sonde: 2 events have lost their stack\n"));
	assert_null(strstr(said, "next:"));

	result = good("app.sonde");
	result.gave_up = result.refused = true;
	result.foreign = result.replaced = result.own_malloc = true;
	result.refused_python = 0x031000f0;
	result.left = 2;
	result.damage = 3;
	say(&result, quiet);
	assert_non_null(strstr(said,
			       "sonde: Python 3.16.0 is newer than this sonde understands: its "
			       "stacks were not recorded\n"));
	assert_non_null(strstr(said, "a PID namespace of its own"));
	assert_non_null(strstr(said, "(exec)"));
	assert_non_null(strstr(said, "a malloc of its own"));
	assert_non_null(strstr(said, "before 2 processes that"));
	assert_non_null(strstr(said, "took it for dead"));
	assert_non_null(strstr(said, "a process was not recorded"));
	assert_non_null(strstr(said, "3 records made no sense"));
}

static void test_nothing_recorded(void **state)
{
	struct recording_result result = good("app.sonde");

	(void)state;
	result.processes = 0;
	say(&result, (struct outcome_look){.with_agent = true, .quiet = true});
	assert_string_equal(said, "");
	say(&result, (struct outcome_look){.with_agent = true});
	assert_non_null(strstr(said, "wrote app.sonde, which is empty"));
	assert_non_null(strstr(said, "--whole-process"));
	result.loaded = false;
	say(&result, (struct outcome_look){.with_agent = true, .quiet = true});
	assert_non_null(strstr(said, "nothing was recorded, app.sonde is empty"));
	assert_non_null(strstr(said, "a Python that sonde knows"));
	say(&result, (struct outcome_look){.with_agent = true, .from_start = true});
	assert_null(strstr(said, "Python"));
	result.refused_python = 0x020712f0;
	say(&result, (struct outcome_look){.with_agent = true, .quiet = true});
	assert_string_equal(said,
			    "sonde: nothing was recorded, app.sonde is empty: Python 2.7.18 is "
			    "older than this sonde understands\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_next_command),
		cmocka_unit_test(test_problems_are_always_said),
		cmocka_unit_test(test_nothing_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
