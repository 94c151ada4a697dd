#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/census.h"

static void test_processes(void **state)
{
	struct census census;

	(void)state;
	census_init(&census);
	assert_int_equal(census_process(&census, 10), 0);
	census_put_process(&census, 10, 1);
	census_put_process(&census, UINT32_MAX, 2);
	assert_int_equal(census_process(&census, 10), 1);
	assert_int_equal(census_process(&census, UINT32_MAX), 2);
	/* The pid was given out again. */
	census_put_process(&census, 10, 3);
	assert_int_equal(census_process(&census, 10), 3);
	assert_int_equal(census_process(&census, 11), 0);
	census_deinit(&census);
}

static void test_threads(void **state)
{
	struct census census;

	(void)state;
	census_init(&census);
	assert_int_equal(census_thread(&census, 1, 100), 0);
	assert_int_equal(census_take_thread(&census, 1, 100), 0);
	census_put_thread(&census, 1, 100, 5);
	assert_int_equal(census_thread(&census, 1, 100), 5);
	/* Of another process, the same tid. */
	assert_int_equal(census_thread(&census, 2, 100), 0);
	assert_int_equal(census_thread(&census, 1, 101), 0);
	/* It is nobody else's. */
	assert_int_equal(census_take_thread(&census, 1, 100), 0);
	/* Whatever had its tid before. */
	census_put_thread(&census, 1, 100, 6);
	assert_int_equal(census_thread(&census, 1, 100), 6);
	census_deinit(&census);
}

static void test_offers(void **state)
{
	struct census census;

	(void)state;
	census_init(&census);
	census_offer_thread(&census, 1, 100, UINT32_MAX);
	assert_int_equal(census_thread(&census, 1, 100), UINT32_MAX);
	assert_int_equal(census_take_thread(&census, 2, 100), 0);
	/* Once. */
	assert_int_equal(census_take_thread(&census, 1, 100), UINT32_MAX);
	assert_int_equal(census_take_thread(&census, 1, 100), 0);
	assert_int_equal(census_thread(&census, 1, 100), UINT32_MAX);
	/* A new one of that tid is another one. */
	census_put_thread(&census, 1, 100, 9);
	assert_int_equal(census_take_thread(&census, 1, 100), 0);
	census_offer_thread(&census, 1, 100, 10);
	assert_int_equal(census_take_thread(&census, 1, 100), 10);
	census_deinit(&census);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
