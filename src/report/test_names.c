#include "report/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"

static void assert_location(const struct capture_frame *frame, size_t columns, const char *expected)
{
	struct names_location location;
	char text[sizeof(location) + 8];
	size_t taken;

	names_location(frame, true, false, &location);
	taken = names_fit(&location, columns);
	snprintf(text, sizeof(text), location.place[0] != '\0' ? "%s (%s)" : "%s",
		 location.function, location.place);
	assert_string_equal(text, expected);
	assert_int_equal(taken, text_columns(text));
}

static void locations_say_where(void **state)
{
	const struct capture_frame frames[] = {
		{.function = "f", .file = "a.py", .line = 7, .kind = FRAME_PYTHON},
		{.function = "f", .file = "a.py", .kind = FRAME_PYTHON},
		{.function = "f", .file = "", .line = 7, .kind = FRAME_NATIVE},
		{.function = "omitted", .file = "", .kind = FRAME_MARKER},
		{.function = "<omitted>", .file = "", .kind = FRAME_MARKER},
		{.function = "do_fault", .file = "", .kind = FRAME_KERNEL},
		{.function = "f\n\033[2J", .file = "a\tb", .line = 1, .kind = FRAME_PYTHON},
	};
	static const char *const expected[] = {
		"f (a.py:7)",
		"f (a.py)",
		"f",
		"<omitted>",
		"<omitted>",
		"do_fault_[k]",
		"f\\x0a\\x1b[2J (a\\x09b:1)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		assert_location(&frames[i], 0, expected[i]);
}

static void what_does_not_fit_is_cut_from_the_folders(void **state)
{
	const struct capture_frame frame = {.function = "Loader.load",
					    .file = "/srv/app/data/loader.py",
					    .line = 17,
					    .kind = FRAME_PYTHON};

	(void)state;
	assert_location(&frame, 40, "Loader.load (/srv/app/data/loader.py:17)");
	assert_location(&frame, 39, "Loader.load (\u2026/app/data/loader.py:17)");
	assert_location(&frame, 37, "Loader.load (\u2026/app/data/loader.py:17)");
	assert_location(&frame, 36, "Loader.load (\u2026/data/loader.py:17)");
	assert_location(&frame, 33, "Loader.load (\u2026/data/loader.py:17)");
	assert_location(&frame, 32, "Loader.load (\u2026/loader.py:17)");
	assert_location(&frame, 28, "Loader.load (\u2026/loader.py:17)");
	assert_location(&frame, 27, "Loader.load (loader.py:17)");
	assert_location(&frame, 26, "Loader.load (loader.py:17)");
	assert_location(&frame, 25, "Loader.load");
	assert_location(&frame, 11, "Loader.load");
	assert_location(&frame, 10, "Loader.lo\u2026");
	assert_location(&frame, 1, "\u2026");
}

static void no_cut_takes_more_than_it_may(void **state)
{
	static const char *const pieces[] = {"a",          "/", "\u53d8", "\u00e9", "e\u0301",
					     "\U0001f40d", ".", "\x01",   "\xff"};
	uint32_t seed = 3;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		char function[200] = "", file[200] = "";
		struct capture_frame frame = {.function = function, .file = file, .line = 12};

		for (int i = 0; i < 30; i++) {
			char *to = i % 3 == 0 ? function : file;
			size_t used = strlen(to);

			seed = seed * 1664525 + 1013904223;
			snprintf(to + used, sizeof(function) - used, "%s",
				 pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		for (size_t columns = 1; columns < 90; columns += 1 + seed % 7) {
			struct names_location location;
			size_t taken, written;

			names_location(&frame, true, round & 1, &location);
			taken = names_fit(&location, columns);
			written = text_columns(location.function);
			if (location.place[0] != '\0')
				written += text_columns(location.place) + 3;
			assert_int_equal(taken, written);
			assert_true(taken <= columns);
		}
	}
}

static void endless_names_end(void **state)
{
	static char name[20000];
	struct capture_frame frame = {.function = name, .file = name, .kind = FRAME_KERNEL};
	struct names_location location;

	(void)state;
	for (size_t i = 0; i + 3 < sizeof(name); i += 3)
		memcpy(name + i, "\u53d8", 3);
	names_location(&frame, true, false, &location);
	assert_true(strlen(location.function) < sizeof(location.function));
	assert_true(names_fit(&location, 80) <= 80);
	frame.kind = FRAME_MARKER;
	frame.line = UINT32_MAX;
	names_location(&frame, true, false, &location);
	assert_int_equal(location.function[strlen(location.function) - 1], '>');
	assert_non_null(strstr(location.place, ":4294967295"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locations_say_where),
		cmocka_unit_test(what_does_not_fit_is_cut_from_the_folders),
		cmocka_unit_test(no_cut_takes_more_than_it_may),
		cmocka_unit_test(endless_names_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
