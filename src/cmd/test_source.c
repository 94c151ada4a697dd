#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/source.h"
#include "cmd/test_folder.h"

static struct source *source;

static void put(const char *name, const char *text, size_t bytes)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fwrite(text, 1, bytes, file);
	assert_int_equal(fclose(file), 0);
}

#define PUT(name, text) put(name, text, sizeof(text) - 1)

static int set_up(void **state)
{
	source = source_create(INT64_MAX);
	return folder_enter(state);
}

static int tear_down(void **state)
{
	source_destroy(source);
	return folder_leave(state);
}

static void test_lines(void **state)
{
	(void)state;
	PUT("a.py", "import os\n\n\tif x:  \r\n        return 'caf\xc3\xa9'");
	assert_string_equal(source_line("a.py", 1, source), "import os");
	assert_null(source_line("a.py", 2, source));
	assert_string_equal(source_line("a.py", 3, source), "if x:");
	assert_string_equal(source_line("a.py", 4, source), "return 'caf\xc3\xa9'");
	assert_null(source_line("a.py", 5, source));
	assert_null(source_line("a.py", 0, source));
	assert_null(source_line("a.py", 4000000000u, source));
	PUT("empty.py", "");
	assert_null(source_line("empty.py", 1, source));
}

static void test_long_line(void **state)
{
	char text[1000];
	const char *line;

	(void)state;
	/* Two-byte characters behind one byte: the cut falls between them. */
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[0] = text[1] = 'x';
	text[2] = 'y';
	text[3] = 'z';
	memmove(text + 1, text + 2, sizeof(text) - 2);
	put("long.py", text, sizeof(text) - 1);
	line = source_line("long.py", 1, source);
	assert_non_null(line);
	assert_in_range(strlen(line), 290, 303);
	assert_string_equal(line + strlen(line) - 3, "\xe2\x80\xa6");
	assert_memory_equal(line + strlen(line) - 5, "\xc3\xa9", 2);
}

static void test_what_is_not_shown(void **state)
{
	(void)state;
	PUT("secret", "hunter2\n");
	assert_null(source_line("secret", 1, source));
	PUT("binary.py", "a\0b\n");
	assert_null(source_line("binary.py", 1, source));
	PUT("latin.py", "x = 1\n# caf\xe9\nc = '\x1b[31m'\nd = '\xc2\x9b'\ne = '\xed\xa0\x80'\n");
	assert_string_equal(source_line("latin.py", 1, source), "x = 1");
	for (unsigned line = 2; line <= 5; line++)
		assert_null(source_line("latin.py", line, source));
	assert_null(source_line("<string>", 1, source));
	assert_null(source_line("", 1, source));
	assert_null(source_line("/nonexistent/x.py", 1, source));
	assert_null(source_line(folder, 1, source));
	assert_null(source_line("/dev/zero", 1, source));
	assert_int_equal(mkfifo("pipe.py", 0600), 0);
	assert_null(source_line("pipe.py", 1, source)); /* and does not wait */
	PUT("huge.py", "x = 1\n");
	assert_int_equal(truncate("huge.py", 9 << 20), 0);
	assert_null(source_line("huge.py", 1, source));
}

static void test_script_without_suffix(void **state)
{
	(void)state;
	PUT("tool", "#!/usr/bin/env python3\nmain()\n");
	assert_string_equal(source_line("tool", 2, source), "main()");
	PUT("shell", "#!/bin/sh\n# python\n");
	assert_null(source_line("shell", 2, source));
}

static void test_changed_since(void **state)
{
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	struct source *earlier = source_create(999 * 1000000000ll);
	struct source *same = source_create(1000 * 1000000000ll);

	(void)state;
	PUT("old.py", "x = 1\n");
	assert_int_equal(utimensat(AT_FDCWD, "old.py", times, 0), 0);
	assert_null(source_line("old.py", 1, earlier));
	assert_string_equal(source_line("old.py", 1, same), "x = 1");
	source_destroy(earlier);
	source_destroy(same);
}

/* More text than is kept at once: what was let go is read again. */
static void test_many_files(void **state)
{
	size_t bytes = 7 << 20;
	char *text = malloc(bytes);
	char name[32];

	(void)state;
	assert_non_null(text);
	memset(text, ' ', bytes);
	text[0] = 'a';
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "big%d.py", i);
		put(name, text, bytes);
	}
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 12; i++) {
			snprintf(name, sizeof(name), "big%d.py", i);
			assert_string_equal(source_line(name, 1, source), "a");
		}
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_what_is_not_shown),
		cmocka_unit_test(test_script_without_suffix),
		cmocka_unit_test(test_changed_since),
		cmocka_unit_test(test_many_files),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
