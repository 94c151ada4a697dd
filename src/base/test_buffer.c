#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void test_grows(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 1 << 20);
	for (unsigned i = 0; i < 100000; i++)
		buffer_add_byte(&b, (uint8_t)(i * 7));
	assert_int_equal(b.used, 100000);
	assert_false(b.failed);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], (uint8_t)(i * 7));
	buffer_clear(&b);
	assert_int_equal(b.used, 0);
	buffer_deinit(&b);
	assert_null(b.data);
	buffer_deinit(NULL);
}

static void test_ceiling(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 1000);
	for (unsigned i = 0; i < 10; i++)
		buffer_add(&b,
			   "0123456789012345678901234567890123456789"
			   "012345678901234567890123456789012345678901234567890123456789",
			   100);
	assert_false(b.failed);
	assert_int_equal(b.used, 1000);
	buffer_add(&b, "", 0);
	assert_false(b.failed);
	buffer_add_byte(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.used, 1000);
	assert_false(buffer_reserve(&b, 0));
	buffer_clear(&b);
	assert_true(buffer_reserve(&b, 1000));
	assert_false(buffer_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	/* Nothing is added after a failure, even what would fit. */
	buffer_add_byte(&b, 'x');
	assert_int_equal(b.used, 0);
	buffer_deinit(&b);
}

static void test_varint(void **state)
{
	static const struct {
		uint64_t value;
		size_t length;
		uint8_t bytes[10];
	} cases[] = {
		{0, 1, {0}},
		{127, 1, {0x7f}},
		{128, 2, {0x80, 0x01}},
		{300, 2, {0xac, 0x02}},
		{UINT64_MAX, 10, {255, 255, 255, 255, 255, 255, 255, 255, 255, 1}},
	};
	struct buffer b;

	(void)state;
	buffer_init(&b, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buffer_clear(&b);
		buffer_add_varint(&b, cases[i].value);
		assert_int_equal(b.used, cases[i].length);
		assert_memory_equal(b.data, cases[i].bytes, b.used);
	}
	buffer_deinit(&b);
}

static void test_format(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 10);
	buffer_add_format(&b, "%d-%s", 12, "ab");
	assert_int_equal(b.used, 5);
	assert_memory_equal(b.data, "12-ab", 5);
	/* Up to the ceiling itself: the terminator does not count. */
	buffer_add_format(&b, "%s", "cdefg");
	assert_false(b.failed);
	assert_int_equal(b.used, 10);
	assert_memory_equal(b.data, "12-abcdefg", 10);
	buffer_add_format(&b, "%s", "");
	assert_false(b.failed);
	buffer_add_format(&b, "%s", "h");
	assert_true(b.failed);
	assert_int_equal(b.used, 10);
	buffer_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_varint),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
