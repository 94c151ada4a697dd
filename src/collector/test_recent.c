#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/recent.h"

#define PLACES 64u

static uint64_t random_state = 88172645463325252ull;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 11) % limit);
}

static uint64_t address_of(uint32_t place)
{
	return 0x7f0000000000 + 16 * (uint64_t)place;
}

/* Blocks come and go as they should: in front or in the table, each is found once. */
static void test_against_model(void **state)
{
	slot_id model[PLACES] = {0};
	struct recent recent;

	(void)state;
	recent_init(&recent);
	for (slot_id step = 1; step < 500000; step++) {
		uint32_t place = random_below(PLACES);

		if (random_below(2) && !model[place]) {
			assert_int_equal(recent_take_front(&recent, address_of(place)), 0);
			assert_int_equal(recent_put(&recent, address_of(place), step), 0);
			model[place] = step;
		} else {
			assert_int_equal(recent_take(&recent, address_of(place)), model[place]);
			model[place] = 0;
		}
	}
	for (uint32_t place = 0; place < PLACES; place++)
		assert_int_equal(recent_take(&recent, address_of(place)), model[place]);
	assert_int_equal(recent.blocks.used, 0);
	recent_deinit(&recent);
}

/* A block whose release was missed is told of: at once while it is in front, later from the table.
 */
static void test_missed(void **state)
{
	struct recent recent;
	slot_id missed = 0;

	(void)state;
	recent_init(&recent);
	recent_put(&recent, address_of(0), 1);
	assert_int_equal(recent_take_front(&recent, address_of(0)), 1);
	recent_put(&recent, address_of(0), 2);
	for (uint32_t i = 1; i <= RECENT_BLOCKS; i++)
		assert_int_equal(recent_put(&recent, address_of(i), 10 + i), 0);
	/* Number 2 is in the table now. */
	assert_int_equal(recent_take_front(&recent, address_of(0)), 0);
	recent_put(&recent, address_of(0), 3);
	for (uint32_t i = 1; i <= RECENT_BLOCKS; i++)
		missed += recent_put(&recent, address_of(20 + i), 20 + i);
	assert_int_equal(missed, 2);
	assert_int_equal(recent_take(&recent, address_of(0)), 3);
	assert_int_equal(recent_take(&recent, address_of(0)), 0);
	recent_deinit(&recent);
}

/* Shared memory may claim a block at address 0: it is never given out twice. */
static void test_address_zero(void **state)
{
	struct recent recent;
	unsigned found = 0;

	(void)state;
	recent_init(&recent);
	recent_put(&recent, address_of(1), 7);
	assert_int_equal(recent_take(&recent, address_of(1)), 7);
	assert_int_equal(recent_take(&recent, 0), 0);
	recent_put(&recent, 0, 8);
	for (int i = 0; i < 8; i++)
		found += recent_take(&recent, 0) == 8;
	assert_true(found <= 1);
	recent_deinit(&recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_address_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
