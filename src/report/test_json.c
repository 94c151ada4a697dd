#include "report/json.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *text;
static size_t text_bytes_used;

static struct json begin(void)
{
	struct json json;

	json_init(&json, open_memstream(&text, &text_bytes_used));
	return json;
}

static void assert_written(struct json *json, const char *expected)
{
	fclose(json->out);
	assert_string_equal(text, expected);
	free(text);
}

static void commas_stand_between(void **state)
{
	struct json json = begin();

	(void)state;
	json_begin_object(&json);
	json_key(&json, "a");
	json_begin_array(&json);
	json_end_array(&json);
	json_key(&json, "b");
	json_begin_array(&json);
	json_uint(&json, 1);
	json_begin_object(&json);
	json_end_object(&json);
	json_begin_array(&json);
	json_null(&json);
	json_bool(&json, true);
	json_end_array(&json);
	json_string(&json, "x");
	json_end_array(&json);
	json_key_bool(&json, "c", false);
	json_end_object(&json);
	assert_written(&json, "{\"a\":[],\"b\":[1,{},[null,true],\"x\"],\"c\":false}");
}

static void lines_follow_commas(void **state)
{
	struct json json = begin();

	(void)state;
	json_begin_array(&json);
	for (int i = 0; i < 2; i++) {
		json_line(&json);
		json_begin_object(&json);
		json_key_uint(&json, "i", (uint64_t)i);
		json_end_object(&json);
	}
	json_line(&json);
	json_end_array(&json);
	assert_written(&json, "[\n{\"i\":0},\n{\"i\":1}\n]");
}

static void numbers_are_exact(void **state)
{
	struct json json = begin();

	(void)state;
	json_begin_array(&json);
	json_uint(&json, 0);
	json_uint(&json, UINT64_MAX);
	json_int(&json, INT64_MIN);
	json_int(&json, -1);
	json_double(&json, 0.1);
	json_double(&json, 1.0 / 3);
	json_double(&json, 1e300);
	json_double(&json, -2);
	json_double(&json, NAN);
	json_double(&json, INFINITY);
	json_seconds(&json, 0);
	json_seconds(&json, 1500000000);
	json_seconds(&json, 1);
	json_seconds(&json, 61000000010);
	json_signed_seconds(&json, -1500000000);
	json_signed_seconds(&json, INT64_MIN);
	json_signed_seconds(&json, 25);
	json_decimal(&json, 1234567, 3);
	json_decimal(&json, 1000000, 6);
	json_decimal(&json, UINT64_MAX, 1);
	json_end_array(&json);
	assert_written(&json, "[0,18446744073709551615,-9223372036854775808,-1,0.1,"
			      "0.3333333333333333,1e+300,-2,null,null,0.0,1.5,0.000000001,"
			      "61.00000001,-1.5,-9223372036.854775808,0.000000025,1234.567,1.0,"
			      "1844674407370955161.5]");
}

static void the_locale_does_not_matter(void **state)
{
	struct json json = begin();
	/* Whichever of them this machine has. */
	static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C"};
	size_t i = 0;

	(void)state;
	while (setlocale(LC_NUMERIC, names[i]) == NULL)
		i++;
	json_double(&json, 1234.5);
	setlocale(LC_NUMERIC, "C");
	assert_written(&json, "1234.5");
}

static void strings_cannot_break_out(void **state)
{
	struct json json = begin();

	(void)state;
	json_begin_array(&json);
	json_string(&json, "a\"b\\c\n\r\t\x01\x7f");
	json_string(&json, "\u00e9\u20ac\U0001f40d\xc2\x85");
	json_string(&json, "bad \xff\xc3(\xed\xa0\x80 end\xe2\x82");
	json_string(&json, "</script>&\u2028");
	json.html_safe = true;
	json_string(&json, "</script>&\u2028");
	json_end_array(&json);
	assert_written(&json,
		       "[\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f\",\"\u00e9\u20ac\U0001f40d\\u0085\","
		       "\"bad \ufffd\ufffd(\ufffd\ufffd\ufffd end\ufffd\ufffd\","
		       "\"</script>&\u2028\",\"\\u003c/script\\u003e\\u0026\\u2028\"]");
}

static void deep_levels_keep_their_commas(void **state)
{
	struct json json = begin();

	(void)state;
	for (int i = 0; i < 60; i++) {
		json_begin_array(&json);
		json_uint(&json, 1);
	}
	for (int i = 0; i < 60; i++) {
		json_uint(&json, 2);
		json_end_array(&json);
	}
	fclose(json.out);
	assert_memory_equal(text, "[1,[1,[1,", 9);
	assert_string_equal(text + strlen(text) - 9, ",2],2],2]");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_stand_between),
		cmocka_unit_test(lines_follow_commas),
		cmocka_unit_test(numbers_are_exact),
		cmocka_unit_test(the_locale_does_not_matter),
		cmocka_unit_test(strings_cannot_break_out),
		cmocka_unit_test(deep_levels_keep_their_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
