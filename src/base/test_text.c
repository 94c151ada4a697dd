#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

static char buffer[32];

static void test_bytes(void **state)
{
	(void)state;
	assert_string_equal(text_bytes(0, buffer, sizeof(buffer)), "0 B");
	assert_string_equal(text_bytes(1023, buffer, sizeof(buffer)), "1023 B");
	assert_string_equal(text_bytes(1024, buffer, sizeof(buffer)), "1.0 KiB");
	assert_string_equal(text_bytes(1536, buffer, sizeof(buffer)), "1.5 KiB");
	assert_string_equal(text_bytes(1048575, buffer, sizeof(buffer)), "1.0 MiB");
	assert_string_equal(text_bytes(13207024435, buffer, sizeof(buffer)), "12.3 GiB");
	assert_string_equal(text_bytes(UINT64_MAX, buffer, sizeof(buffer)), "16.0 EiB");
	assert_string_equal(text_bytes(123456, buffer, 4), "120");
}

static void test_count(void **state)
{
	(void)state;
	assert_string_equal(text_count(0, buffer, sizeof(buffer)), "0");
	assert_string_equal(text_count(999, buffer, sizeof(buffer)), "999");
	assert_string_equal(text_count(1000, buffer, sizeof(buffer)), "1,000");
	assert_string_equal(text_count(1234567, buffer, sizeof(buffer)), "1,234,567");
	assert_string_equal(text_count(UINT64_MAX, buffer, sizeof(buffer)),
			    "18,446,744,073,709,551,615");
}

static void test_duration(void **state)
{
	(void)state;
	assert_string_equal(text_duration(0, buffer, sizeof(buffer)), "0 ns");
	assert_string_equal(text_duration(1500, buffer, sizeof(buffer)), "1.5 us");
	assert_string_equal(text_duration(999949, buffer, sizeof(buffer)), "999.9 us");
	assert_string_equal(text_duration(999950, buffer, sizeof(buffer)), "1.0 ms");
	assert_string_equal(text_duration(1500000, buffer, sizeof(buffer)), "1.5 ms");
	assert_string_equal(text_duration(12300000000, buffer, sizeof(buffer)), "12.3 s");
	assert_string_equal(text_duration(59960000000, buffer, sizeof(buffer)), "1 min 00 s");
	assert_string_equal(text_duration(3599600000000, buffer, sizeof(buffer)), "1 h 00 min");
	assert_string_equal(text_duration(3725000000000, buffer, sizeof(buffer)), "1 h 02 min");
	assert_string_equal(text_duration(UINT64_MAX, buffer, sizeof(buffer)), "5124095 h 34 min");
}

static void test_percent(void **state)
{
	(void)state;
	assert_string_equal(text_percent(0.1234, buffer, sizeof(buffer)), "12.3 %");
	assert_string_equal(text_percent(0, buffer, sizeof(buffer)), "0.0 %");
	assert_string_equal(text_percent(1, buffer, sizeof(buffer)), "100.0 %");
	assert_string_equal(text_percent(0.00001, buffer, sizeof(buffer)), "<0.1 %");
	assert_string_equal(text_percent(NAN, buffer, sizeof(buffer)), "-");
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(text_columns("u\xcc\x88"), 1);                /* u, diaeresis */
	assert_int_equal(text_columns("\xe6\x97\xa5\xe6\x9c\xac"), 4); /* Japan */
	assert_int_equal(text_columns("\xed\x95\x9c"), 2);             /* Hangul */
	assert_int_equal(text_columns("\xf0\x9f\x90\x8d"), 2);         /* snake */
	assert_int_equal(text_columns("a\xe2\x80\x8d"
				      "b"),
			 2);                               /* joiner */
	assert_int_equal(text_columns("\xff\xc3"), 2);     /* no UTF-8 */
	assert_int_equal(text_columns("\xe2\x82\xac"), 1); /* euro */
}

static void test_decode(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc3",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xe2\x82",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xc3(",
	};
	uint32_t c;

	(void)state;
	assert_int_equal(text_decode("", 0, &c), 0);
	assert_int_equal(text_decode("a", 1, &c), 1);
	assert_int_equal(c, 'a');
	assert_int_equal(text_decode("\xc3\xbc", 2, &c), 2);
	assert_int_equal(c, 0xfc);
	assert_int_equal(text_decode("\xc3\xbc", 1, &c), 0);
	assert_int_equal(text_decode("\xef\xbf\xbd", 3, &c), 3);
	assert_int_equal(c, 0xfffd);
	assert_int_equal(text_decode("\xf4\x8f\xbf\xbf", 4, &c), 4);
	assert_int_equal(c, 0x10ffff);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_decode(bad[i], strlen(bad[i]), &c), 0);
}

static void expect_repaired(const char *text, size_t bytes, size_t max_bytes, const char *expected)
{
	struct buffer b;

	buffer_init(&b, 1000);
	text_repair(text, bytes, max_bytes, &b);
	assert_int_equal(b.used, strlen(expected));
	if (b.used)
		assert_memory_equal(b.data, expected, b.used);
	assert_true(text_is_clean((const char *)b.data, b.used));
	assert_int_equal(text_is_clean(text, bytes) && bytes <= max_bytes,
			 b.used == bytes && (!bytes || !memcmp(b.data, text, bytes)));
	buffer_deinit(&b);
}

static void test_repair(void **state)
{
	(void)state;
	expect_repaired("", 0, 8, "");
	expect_repaired("abc", 3, 8, "abc");
	expect_repaired("a\0b", 3, 8,
			"a\xef\xbf\xbd"
			"b");
	expect_repaired("\xff\xc3", 2, 8, "\xef\xbf\xbd\xef\xbf\xbd");
	expect_repaired("12345678", 8, 8, "12345678");
	expect_repaired("123456789", 9, 8, "12345\xe2\x80\xa6");
	expect_repaired("\xff"
			"12345",
			6, 8,
			"\xef\xbf\xbd"
			"12345");
	expect_repaired("\xff"
			"123456",
			7, 8,
			"\xef\xbf\xbd"
			"12\xe2\x80\xa6");
	/* A character is not cut in two. */
	expect_repaired("1234\xc3\xbc"
			"6789",
			10, 8, "1234\xe2\x80\xa6");
	expect_repaired("12345\xe2\x82\xac", 8, 8, "12345\xe2\x82\xac");
}

static void expect_bytes(const char *text, uint64_t expected)
{
	uint64_t value = 0;

	assert_int_equal(text_parse_bytes(text, &value), 0);
	assert_int_equal(value, expected);
}

static void test_parse_bytes(void **state)
{
	static const char *const bad[] = {"",     "x",  "-1",   "K",   "1.",          ".5",  "1x",
					  "1 kk", " 1", "0x10", "1e3", "9999999999T", "1B1", "nan"};
	uint64_t value = 7;

	(void)state;
	expect_bytes("4096", 4096);
	expect_bytes("0", 0);
	expect_bytes("512K", 524288);
	expect_bytes("1.5MiB", 1572864);
	expect_bytes("2gb", 2147483648);
	expect_bytes("3 kB", 3072);
	expect_bytes("1t", 1ull << 40);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_parse_bytes(bad[i], &value), -1);
	assert_int_equal(value, 7);
}

static void expect_duration(const char *text, uint64_t expected)
{
	uint64_t value = 0;

	assert_int_equal(text_parse_duration(text, &value), 0);
	assert_int_equal(value, expected);
}

static void test_parse_duration(void **state)
{
	uint64_t value;

	(void)state;
	expect_duration("30", 30000000000);
	expect_duration("30s", 30000000000);
	expect_duration("1.5m", 90000000000);
	expect_duration("250ms", 250000000);
	expect_duration("1h", 3600000000000);
	expect_duration("0.1", 100000000);
	assert_int_equal(text_parse_duration("soon", &value), -1);
	assert_int_equal(text_parse_duration("1k", &value), -1);
	assert_int_equal(text_parse_duration("", &value), -1);
	assert_int_equal(text_parse_duration("99999999999h", &value), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),          cmocka_unit_test(test_count),
		cmocka_unit_test(test_duration),       cmocka_unit_test(test_percent),
		cmocka_unit_test(test_columns),        cmocka_unit_test(test_decode),
		cmocka_unit_test(test_repair),         cmocka_unit_test(test_parse_bytes),
		cmocka_unit_test(test_parse_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
