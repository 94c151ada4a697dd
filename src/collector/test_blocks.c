#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/blocks.h"

static uint64_t random_state = 88172645463325252ull;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 11) % limit);
}

/* The model: one slot for each of a fixed set of addresses. */
#define PLACES 60000u

static uint64_t place_address(uint32_t place)
{
	/* A break segment, two mapped arenas in different regions, and the very first addresses. */
	static const uint64_t bases[4] = {0x555555554000, 0x7f0000000000, 0x7fffff000000, 0};

	return bases[place % 4] + (uint64_t)(place / 4) * 16 + 16;
}

static void test_against_model(void **state)
{
	slot_id *model = calloc(PLACES, sizeof(*model));
	struct blocks blocks;
	slot_id next = 1;
	uint64_t live = 0;

	(void)state;
	blocks_init(&blocks);
	for (int step = 0; step < 3000000; step++) {
		/* Fills up, then drains, then fills up again: tables grow and shrink. */
		bool filling = step / 500000 % 2 == 0;
		uint32_t place = random_below(PLACES);
		uint64_t address = place_address(place);

		if (random_below(10) < (filling ? 7u : 3u)) {
			assert_int_equal(blocks_put(&blocks, address, next), model[place]);
			live += !model[place];
			model[place] = next++;
		} else {
			assert_int_equal(blocks_take(&blocks, address), model[place]);
			live -= model[place] != 0;
			model[place] = 0;
		}
		assert_int_equal(blocks.used, live);
	}
	for (uint32_t place = 0; place < PLACES; place++)
		assert_int_equal(blocks_take(&blocks, place_address(place)), model[place]);
	assert_int_equal(blocks.used, 0);
	blocks_deinit(&blocks);
	free(model);
}

/* Memory follows what lives, both ways. */
static void test_memory(void **state)
{
	struct blocks blocks;
	uint64_t bytes;

	(void)state;
	blocks_init(&blocks);
	for (uint32_t i = 0; i < 1000000; i++)
		blocks_put(&blocks, 0x7f0000000000 + (uint64_t)i * 48, i + 1);
	bytes = blocks.bytes;
	assert_true(bytes <= 1000000 * 8 * 4);
	for (uint32_t i = 0; i < 1000000; i++)
		assert_int_equal(blocks_take(&blocks, 0x7f0000000000 + (uint64_t)i * 48), i + 1);
	assert_true(blocks.bytes <= bytes / 1000);
	blocks_deinit(&blocks);
}

/* Blocks at the multiples of one size: no size may make the table slow. */
static void test_strides(void **state)
{
	(void)state;
	for (uint64_t stride = 16; stride <= 4096; stride += 16) {
		struct blocks blocks;
		const struct blocks_region *region;
		uint64_t distance = 0;

		blocks_init(&blocks);
		for (uint32_t i = 0; i < 3000; i++)
			blocks_put(&blocks, 0x7f0000000000 + i * stride, i + 1);
		region = blocks_region(&blocks, 0x7f0000000000);
		for (uint32_t i = 0; i <= region->mask; i++) {
			uint32_t key = (uint32_t)(region->entries[i] >> 32);

			if (region->entries[i])
				distance += (i - blocks_home(region, key)) & region->mask;
		}
		/* Three quarters full, random homes: 1.5 on average. */
		assert_true(distance < 3000 * 3);
		blocks_deinit(&blocks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_strides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
