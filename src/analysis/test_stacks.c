#include "analysis/stacks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "analysis/rowindex.h"

/* 1: a, 2: a b, 3: a b c, 4: a d, 5: a d c, 6: b */
static void replacing_drops_and_merges(void **state)
{
	stack_id parents[] = {0, 0, 1, 2, 1, 4, 0};
	frame_id frames[] = {0, 1, 2, 3, 4, 3, 2};
	const struct stacks stacks = {.count = 6, .parents = parents, .frames = frames};
	const frame_id without_b[] = {0, 1, 0, 3, 4};
	const frame_id d_is_b[] = {0, 1, 2, 3, 2};
	struct stacks *result;
	stack_id *moved;

	(void)state;
	result = stacks_replace(&stacks, without_b, 4, &moved);
	assert_int_equal(result->count, 4); /* a, a c, a d, a d c */
	assert_int_equal(moved[1], moved[2]);
	assert_int_equal(result->parents[moved[3]], moved[1]);
	assert_int_equal(result->frames[moved[3]], 3);
	assert_int_equal(moved[6], 0);
	assert_int_not_equal(moved[3], moved[5]);
	stacks_destroy(result);
	free(moved);

	result = stacks_replace(&stacks, d_is_b, 4, &moved);
	assert_int_equal(result->count, 4); /* a, a b, a b c, b */
	assert_int_equal(moved[2], moved[4]);
	assert_int_equal(moved[3], moved[5]);
	assert_int_not_equal(moved[2], moved[6]);
	stacks_destroy(result);
	free(moved);
}

static void frames_beyond_the_table_stay(void **state)
{
	stack_id parents[] = {0, 0};
	frame_id frames[] = {0, 9};
	const struct stacks stacks = {.count = 1, .parents = parents, .frames = frames};
	struct stacks *result;
	stack_id *moved;

	(void)state;
	result = stacks_replace(&stacks, (const frame_id[]){0, 0}, 1, &moved);
	assert_int_equal(result->count, 1);
	assert_int_equal(result->frames[moved[1]], 9);
	stacks_destroy(result);
	free(moved);
}

static void rows_are_numbered_once(void **state)
{
	enum {
		STACKS = 300,
		OWNERS = 7,
		ALLOCATORS = 3
	};
	struct rowindex index;
	uint32_t next = 0;
	bool added;

	(void)state;
	rowindex_init(&index);
	for (unsigned round = 0; round < 2; round++) {
		uint32_t row = 0;

		for (uint32_t s = 0; s < STACKS; s++) {
			for (uint32_t o = 0; o < OWNERS; o++) {
				for (uint32_t a = 0; a < ALLOCATORS; a++, row++) {
					assert_int_equal(
						rowindex_add(&index, s, o << 20, a, &added), row);
					assert_int_equal(added, round == 0);
					next += added;
				}
			}
		}
	}
	assert_int_equal(next, STACKS * OWNERS * ALLOCATORS);
	assert_int_equal(index.used, next);
	rowindex_deinit(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replacing_drops_and_merges),
		cmocka_unit_test(frames_beyond_the_table_stay),
		cmocka_unit_test(rows_are_numbered_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
