#include "sampler/literal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#define assert_text(b, expected)                                        \
	do {                                                            \
		buffer_add_byte(b, 0);                                  \
		assert_string_equal((const char *)(b)->data, expected); \
		buffer_clear(b);                                        \
	} while (0)

static int set_up(void **state)
{
	static struct buffer buffer;

	buffer_init(&buffer, 1 << 20);
	*state = &buffer;
	return 0;
}

static int tear_down(void **state)
{
	buffer_deinit(*state);
	return 0;
}

static void test_int(void **state)
{
	struct buffer *b = *state;

	literal_int(b, NULL, 0, false, 100);
	assert_text(b, "0");
	literal_int(b, (uint32_t[]){0, 0}, 2, true, 100);
	assert_text(b, "0");
	literal_int(b, (uint32_t[]){7}, 1, true, 100);
	assert_text(b, "-7");
	literal_int(b, (uint32_t[]){0x3fffffff, 0x3fffffff}, 2, false, 100);
	assert_text(b, "1152921504606846975");
	/* 10**18: a decimal step that is all zeros */
	literal_int(b, (uint32_t[]){0x27640000, 0x3782dace}, 2, false, 100);
	assert_text(b, "1000000000000000000");
	literal_int(b, (uint32_t[]){0x27640000, 0x3782dace}, 2, true, 18);
	assert_text(b, "<negative int of 60 bits>");
	literal_int(b, (uint32_t[]){0x27640000, 0x3782dace}, 2, false, 19);
	assert_text(b, "1000000000000000000");
}

static void test_long_int(void **state)
{
	static uint32_t digits[100000];
	struct buffer *b = *state;

	digits[99999] = 1;
	literal_int(b, digits, 100000, false, SIZE_MAX);
	assert_text(b, "<int of 2999971 bits>");
	digits[555] = 0x3fffffff;
	literal_int(b, digits, 556, false, SIZE_MAX);
	assert_text(b, "<int of 16680 bits>");
	digits[552] = 1; /* 2**16560 */
	literal_int(b, digits, 553, false, SIZE_MAX);
	assert_int_equal(b->used, 4986);
	assert_memory_equal(b->data, "11395", 5);
	buffer_clear(b);
	literal_int_bits(b, 4, 1ull << 40, true);
	assert_text(b, "<negative int of 32985348833253 bits>");
}

static void test_float(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0.0, "0.0"},
		{-0.0, "-0.0"},
		{1.0, "1.0"},
		{0.1, "0.1"},
		{-2.5, "-2.5"},
		{1e15, "1000000000000000.0"},
		{1e16, "1e+16"},
		{123456789012345680.0, "1.2345678901234568e+17"},
		{0.0001, "0.0001"},
		{0.00001, "1e-05"},
		{5e-324, "5e-324"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{0x1p-1017, "7.120236347223045e-307"}, /* the nearest of 16 digits is not it */
		{INFINITY, "inf"},
		{-INFINITY, "-inf"},
		{NAN, "nan"},
	};
	struct buffer *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		literal_float(b, cases[i].value);
		assert_text(b, cases[i].text);
	}
}

static void test_complex(void **state)
{
	struct buffer *b = *state;

	literal_complex(b, 0.0, 1.0);
	assert_text(b, "1j");
	literal_complex(b, -0.0, 1.0);
	assert_text(b, "(-0+1j)");
	literal_complex(b, 1.5, -0.0);
	assert_text(b, "(1.5-0j)");
	literal_complex(b, INFINITY, NAN);
	assert_text(b, "(inf+nanj)");
}

static void test_str(void **state)
{
	struct buffer *b = *state;

	literal_str(b, "", 1, 0);
	assert_text(b, "''");
	literal_str(b, "it's", 1, 4);
	assert_text(b, "\"it's\"");
	literal_str(b, "it's \"it\"", 1, 9);
	assert_text(b, "'it\\'s \"it\"'");
	literal_str(b, "\t\n\r\\\0\x1b\x7f\x9b\xa0\xe9", 1, 10);
	assert_text(b, "'\\t\\n\\r\\\\\\x00\\x1b\\x7f\\x9b\\xa0\xc3\xa9'");
	literal_str(b, (uint16_t[]){0x20ac, 0xd800, 0x202e, 0xfeff, 0x3000}, 2, 5);
	assert_text(b, "'\xe2\x82\xac\\ud800\\u202e\\ufeff\\u3000'");
	literal_str(b, (uint32_t[]){0x1f600, 0xe0001, 0x110000, 0xffffffff}, 4, 4);
	assert_text(b, "'\xf0\x9f\x98\x80\\U000e0001\\U00110000\\Uffffffff'");
}

static void test_bytes(void **state)
{
	struct buffer *b = *state;

	literal_bytes(b, "a'\"\0\xff\n", 6);
	assert_text(b, "b'a\\'\"\\x00\\xff\\n'");
	literal_bytes(b, "'", 1);
	assert_text(b, "b\"'\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_int, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_int, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_float, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_complex, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_str, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
