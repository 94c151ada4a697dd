#include "report/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_escaped(void (*escape)(FILE *, const char *), const char *in,
			   const char *expected)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	escape(out, in);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void html_is_inert(void **state)
{
	(void)state;
	assert_escaped(escape_html, "<module> & \"x\" 'y'",
		       "&lt;module&gt; &amp; &quot;x&quot; &#39;y&#39;");
	assert_escaped(escape_html, "a\tb\x01\x7f\xff", "a\tb\ufffd\ufffd\ufffd");
	assert_escaped(escape_html, "\U0001f40d\uffff", "\U0001f40d\ufffd");
}

static void csv_fields_are_quoted_when_needed(void **state)
{
	(void)state;
	assert_escaped(escape_csv, "plain text", "plain text");
	assert_escaped(escape_csv, "", "");
	assert_escaped(escape_csv, "a,b", "\"a,b\"");
	assert_escaped(escape_csv, "say \"hi\"", "\"say \"\"hi\"\"\"");
	assert_escaped(escape_csv, "a\nb\xfe", "\"a\nb\ufffd\"");
}

static void controls_become_visible(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(escape_visible("a\033[31m;\n", false, text, sizeof(text)), 14);
	assert_string_equal(text, "a\\x1b[31m;\\x0a");
	escape_visible("a;b\xc2\x85", true, text, sizeof(text));
	assert_string_equal(text, "a\\x3bb\\x85");
	escape_visible("user\u202egnp.exe", false, text, sizeof(text));
	assert_string_equal(text, "user\\u202egnp.exe");
	escape_visible("\xf0\x9f\x90\x8d\xff", false, text, sizeof(text));
	assert_string_equal(text, "\U0001f40d\ufffd");
}

static void cut_texts_end_with_whole_characters(void **state)
{
	char text[8];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(escape_visible("abc\u20acdefg", false, text, 6), 10);
	assert_string_equal(text, "abc"); /* the next character would not fit, nor any after it */
	assert_int_equal(text[6], 'x');
	assert_int_equal(escape_visible("abc\u20acdefg", false, text, 7), 10);
	assert_string_equal(text, "abc\u20ac");
	assert_int_equal(escape_visible("abc", false, text, 0), 3);
}

/* Every byte sequence decodes, moves on and ends at the terminator. */
static void any_bytes_decode(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char bytes[8];
		const char *p = bytes;
		size_t steps = 0;
		uint32_t c;

		for (int i = 0; i < 7; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 24 | 0x80);
		}
		bytes[7] = '\0';
		while ((c = escape_next(&p)) != 0) {
			assert_true(c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff));
			assert_true(++steps <= 7);
		}
		assert_ptr_equal(p, bytes + 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html_is_inert),
		cmocka_unit_test(csv_fields_are_quoted_when_needed),
		cmocka_unit_test(controls_become_visible),
		cmocka_unit_test(cut_texts_end_with_whole_characters),
		cmocka_unit_test(any_bytes_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
