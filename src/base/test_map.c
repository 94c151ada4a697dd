#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

static uint64_t random_state = 1;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Every key is reachable from its home without crossing a free entry: find would miss it otherwise.
 */
static void check_all(const struct map *map, const uint64_t *values, size_t keys, uint64_t stride)
{
	size_t used = 0;

	for (size_t i = 0; i < keys; i++) {
		uint64_t value;

		if (values[i]) {
			used++;
			assert_true(map_find(map, (i + 1) * stride, &value));
			assert_int_equal(value, values[i]);
		} else {
			assert_false(map_find(map, (i + 1) * stride, &value));
		}
	}
	assert_int_equal(map->used, used);
}

/* Random puts and takes against a plain array, with keys like addresses and with dense ones. */
static void test_model(void **state)
{
	static const uint64_t strides[] = {1, 16, 4096, 1ull << 32, 0x9e3779b97f4a7c15ull};
	enum {
		KEYS = 3000
	};
	static uint64_t values[KEYS];

	(void)state;
	for (size_t s = 0; s < sizeof(strides) / sizeof(strides[0]); s++) {
		struct map map;

		map_init(&map);
		for (size_t i = 0; i < KEYS; i++)
			values[i] = 0;
		for (unsigned step = 0; step < 60000; step++) {
			/* Phases of growing and of shrinking. */
			bool growing = (step / 10000) % 2 == 0;
			size_t i = random_next() % KEYS;
			uint64_t value;

			if (random_next() % 10 < (growing ? 8 : 2)) {
				values[i] = random_next() | 1;
				map_put(&map, (i + 1) * strides[s], values[i]);
			} else {
				assert_int_equal(map_take(&map, (i + 1) * strides[s], &value),
						 values[i] != 0);
				if (values[i])
					assert_int_equal(value, values[i]);
				values[i] = 0;
			}
			if (step % 5000 == 0)
				check_all(&map, values, KEYS, strides[s]);
		}
		check_all(&map, values, KEYS, strides[s]);
		map_deinit(&map);
	}
}

static void test_shrinks(void **state)
{
	struct map map;
	uint64_t value;

	(void)state;
	map_init(&map);
	assert_false(map_find(&map, 1, &value));
	assert_false(map_take(&map, 1, &value));
	for (uint64_t key = 1; key <= 100000; key++)
		map_put(&map, key << 4, key);
	assert_true(map.mask + 1 >= 100000 && map.mask + 1 <= 400000);
	for (uint64_t key = 1; key < 100000; key++)
		assert_true(map_take(&map, key << 4, &value));
	assert_true(map.mask + 1 <= 64);
	assert_true(map_find(&map, 100000ull << 4, &value));
	assert_int_equal(value, 100000);
	map_deinit(&map);
	map_deinit(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
