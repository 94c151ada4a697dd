#include "agent/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

struct agent agent;

/* Blocks of one size: the share that is sampled is 1 - exp(-size / rate), within five standard
 * deviations of a binomial count. */
static void share_is_right(uint64_t bytes, uint64_t rate)
{
	static struct thread t;
	const double n = 2000000;
	double hits = 0;
	double p = -expm1(-(double)bytes / (double)rate);

	agent.sample_rate_bytes = rate;
	sample_begin(&t, bytes * 31 + rate);
	for (int i = 0; i < (int)n; i++)
		hits += sample_hits(&t, bytes);
	assert_true(fabs(hits - n * p) <= 5 * sqrt(n * p * (1 - p)) + 1);
}

static void test_shares(void **state)
{
	static const uint64_t sizes[] = {1, 16, 100, 1024, 4096, 65536, 1 << 20};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		share_is_right(sizes[i], 4096);
		share_is_right(sizes[i], 524288);
	}
}

static void test_empty_blocks_never_hit(void **state)
{
	static struct thread t;

	(void)state;
	agent.sample_rate_bytes = 1;
	sample_begin(&t, 3);
	for (int i = 0; i < 1000; i++)
		assert_false(sample_hits(&t, 0));
}

static void test_rate_of_one_hits_nearly_all(void **state)
{
	static struct thread t;
	int hits = 0;

	(void)state;
	agent.sample_rate_bytes = 1;
	sample_begin(&t, 5);
	for (int i = 0; i < 1000; i++)
		hits += sample_hits(&t, 100);
	assert_int_equal(hits, 1000);
}

static void test_remembers_and_forgets(void **state)
{
	(void)state;
	for (uintptr_t i = 1; i <= 100000; i++)
		assert_true(sample_remember(i * 48));
	for (uintptr_t i = 1; i <= 100000; i++) {
		assert_false(sample_forget(i * 48 + 16));
		assert_true(sample_forget(i * 48));
		assert_false(sample_forget(i * 48));
	}
}

static void test_full_table_says_so(void **state)
{
	uintptr_t kept = 0, refused = 0;

	(void)state;
	for (uintptr_t i = 1; i <= 700000; i++)
		if (sample_remember(i * 16))
			kept++;
		else
			refused++;
	assert_true(refused > 0);
	assert_true(kept > 400000);
	for (uintptr_t i = 1; i <= 700000; i++)
		kept -= sample_forget(i * 16);
	assert_int_equal(kept, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_empty_blocks_never_hit),
		cmocka_unit_test(test_rate_of_one_hits_nearly_all),
		cmocka_unit_test(test_remembers_and_forgets),
		cmocka_unit_test(test_full_table_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
