#include "analysis/estimate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct event alloc_event(slot_id slot, stack_id stack, uint64_t bytes)
{
	return (struct event){.kind = EVENT_ALLOC,
			      .allocator = ALLOCATOR_MALLOC,
			      .thread = 1,
			      .slot = slot,
			      .stack = stack,
			      .bytes = bytes};
}

static void add(struct estimate *estimate, slot_id slot, stack_id stack, uint64_t bytes)
{
	struct event event = alloc_event(slot, stack, bytes);

	estimate_event(estimate, &event);
}

static void release(struct estimate *estimate, slot_id slot)
{
	estimate_event(estimate, &(struct event){.kind = EVENT_FREE, .thread = 1, .slot = slot});
}

static void assert_close(double value, double expected)
{
	if (fabs(value - expected) > 1e-9 * fabs(expected) + 1e-9)
		fail_msg("%.17g is not %.17g", value, expected);
}

static void a_block_counts_for_what_it_stands_for(void **state)
{
	struct estimate *estimate = estimate_create(1000);
	double p = 1 - exp(-0.5);
	const struct estimate_row *rows;
	struct tally_totals totals;

	(void)state;
	add(estimate, 1, 7, 500);
	assert_int_equal(estimate_settle(estimate, &rows), 1);
	assert_int_equal(rows[0].stack, 7);
	assert_close(rows[0].total.bytes, 500 / p);
	assert_close(rows[0].total.count, 1 / p);
	assert_close(rows[0].total.bytes_variance, 500.0 * 500 * (1 - p) / (p * p));
	assert_close(rows[0].total.count_variance, (1 - p) / (p * p));
	assert_close(rows[0].peak.bytes, 500 / p);
	release(estimate, 1);
	assert_int_equal(estimate_settle(estimate, &rows), 1);
	assert_close(rows[0].live.bytes, 0);
	assert_close(rows[0].peak.bytes, 500 / p);
	estimate_totals(estimate, &totals);
	assert_int_equal(totals.allocated.bytes, llround(500 / p));
	assert_int_equal(totals.freed.count, llround(1 / p));
	assert_int_equal(totals.live.bytes, 0);
	assert_int_equal(totals.by_allocator[ALLOCATOR_MALLOC].count, llround(1 / p));
	assert_int_equal(totals.size_histogram[9], llround(1 / p)); /* 256..511 */
	estimate_destroy(estimate);
}

static void a_large_block_stands_for_itself(void **state)
{
	struct estimate *estimate = estimate_create(1000);
	const struct estimate_row *rows;

	(void)state;
	add(estimate, 3, 1, 1000000);
	estimate_settle(estimate, &rows);
	assert_close(rows[0].live.bytes, 1000000);
	assert_close(rows[0].live.count, 1);
	assert_close(rows[0].live.bytes_variance, 0);
	estimate_destroy(estimate);
}

static void rows_keep_their_part_of_the_peak(void **state)
{
	struct estimate *estimate = estimate_create(1); /* all of these blocks are certain */
	const struct estimate_row *rows;
	struct tally_totals totals;

	(void)state;
	add(estimate, 1, 1, 1000);
	add(estimate, 2, 2, 500);
	release(estimate, 1);
	add(estimate, 1, 3, 700); /* 1200 */
	add(estimate, 3, 1, 600); /* 1800: the peak */
	release(estimate, 2);
	add(estimate, 2, 4, 100);
	release(estimate, 1);
	assert_int_equal(estimate_settle(estimate, &rows), 4);
	assert_close(rows[0].peak.bytes, 600);
	assert_close(rows[1].peak.bytes, 500);
	assert_close(rows[2].peak.bytes, 700);
	assert_close(rows[3].peak.bytes, 0);
	estimate_totals(estimate, &totals);
	assert_int_equal(totals.peak_bytes, 1800);
	assert_int_equal(totals.peak_count, 3);
	assert_int_equal(totals.live.bytes, 700);
	estimate_destroy(estimate);
}

static void a_shrunken_block_keeps_its_chance(void **state)
{
	struct estimate *estimate = estimate_create(1000);
	double p = 1 - exp(-1);
	const struct estimate_row *rows;

	(void)state;
	add(estimate, 1, 1, 1000);
	estimate_event(estimate,
		       &(struct event){.kind = EVENT_SHRINK, .thread = 1, .slot = 1, .bytes = 400});
	estimate_settle(estimate, &rows);
	assert_close(rows[0].live.bytes, 600 / p);
	assert_close(rows[0].live.count, 1 / p);
	assert_close(rows[0].live.bytes_variance, 600.0 * 600 * (1 - p) / (p * p));
	assert_close(rows[0].total.bytes, 1000 / p);
	release(estimate, 1);
	estimate_settle(estimate, &rows);
	assert_close(rows[0].live.bytes, 0);
	estimate_destroy(estimate);
}

static void events_of_unknown_blocks_are_nothing(void **state)
{
	struct estimate *estimate = estimate_create(1000);
	const struct estimate_row *rows;

	(void)state;
	release(estimate, 5);
	estimate_event(estimate,
		       &(struct event){.kind = EVENT_SHRINK, .slot = 6, .bytes = UINT64_MAX});
	assert_int_equal(estimate_settle(estimate, &rows), 0);
	add(estimate, 5, 1, 1 << 20);
	add(estimate, 5, 2, 1 << 20); /* the release of the first was never told */
	assert_int_equal(estimate_settle(estimate, &rows), 2);
	assert_close(rows[0].live.bytes, 0);
	assert_close(estimate_live(estimate)->bytes, 1 << 20);
	estimate_destroy(estimate);
}

static double next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (double)(*seed >> 11) * 0x1p-53;
}

/*
 * Many sampled runs of the same blocks: the estimates scatter around the truth, as widely as they
 * say. The seed is fixed, so this gives one result for ever.
 */
static void estimates_are_unbiased_and_their_errors_right(void **state)
{
	enum {
		TRIALS = 400,
		BLOCKS = 3000,
		RATE = 4096
	};
	uint64_t seed = 88172645463325252u;
	double bytes_sum = 0, bytes_squares = 0, count_sum = 0, count_squares = 0;

	(void)state;
	for (unsigned trial = 0; trial < TRIALS; trial++) {
		struct estimate *estimate = estimate_create(RATE);
		const struct estimate_row *rows;
		double bytes = 0, z;

		for (unsigned i = 0; i < BLOCKS; i++) {
			uint64_t size = 64 + i * 7 % 9000;

			bytes += (double)size;
			if (next_random(&seed) < 1 - exp(-(double)size / RATE))
				add(estimate, i, 1, size);
		}
		assert_int_equal(estimate_settle(estimate, &rows), 1);
		z = (rows[0].total.bytes - bytes) / sqrt(rows[0].total.bytes_variance);
		bytes_sum += z;
		bytes_squares += z * z;
		z = (rows[0].total.count - BLOCKS) / sqrt(rows[0].total.count_variance);
		count_sum += z;
		count_squares += z * z;
		estimate_destroy(estimate);
	}
	/* Standard normal: the mean has an error of 1 / 20, the mean square one of sqrt(2) / 20. */
	assert_true(fabs(bytes_sum / TRIALS) < 0.2);
	assert_true(fabs(count_sum / TRIALS) < 0.2);
	assert_true(fabs(bytes_squares / TRIALS - 1) < 0.25);
	assert_true(fabs(count_squares / TRIALS - 1) < 0.25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_counts_for_what_it_stands_for),
		cmocka_unit_test(a_large_block_stands_for_itself),
		cmocka_unit_test(rows_keep_their_part_of_the_peak),
		cmocka_unit_test(a_shrunken_block_keeps_its_chance),
		cmocka_unit_test(events_of_unknown_blocks_are_nothing),
		cmocka_unit_test(estimates_are_unbiased_and_their_errors_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
