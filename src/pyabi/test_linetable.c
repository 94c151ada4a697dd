#include "pyabi/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define BYTECODE 192u /* where the bytecode begins in the code objects of the locations layout */

static const struct pyabi_layout lnotab = {.linetable = PYABI_LNOTAB,
					   .features = PYABI_INSTR_INDEX};
static const struct pyabi_layout linetable = {.linetable = PYABI_LINETABLE,
					      .features = PYABI_INSTR_INDEX};
static const struct pyabi_layout locations = {.linetable = PYABI_LOCATIONS,
					      .code_bytecode = BYTECODE};

/* Looks a line up in an exact copy of the table, so that the sanitizers see a read beyond it. */
static uint32_t line(const struct pyabi_layout *layout, uint32_t instr, int32_t first,
		     const uint8_t *table, size_t bytes)
{
	uint8_t *copy = malloc(bytes);
	uint32_t result;

	assert_true(copy != NULL || bytes == 0);
	if (bytes > 0)
		memcpy(copy, table, bytes);
	result = pyabi_line(layout, instr, first, copy, bytes);
	free(copy);
	return result;
}

#define LINE(layout, instr, first, ...)                                           \
	line(&(layout), (uint32_t)(instr), first, (const uint8_t[]){__VA_ARGS__}, \
	     sizeof((const uint8_t[]){__VA_ARGS__}))

/* The code of an instruction in units behind the start of the bytecode. */
#define UNIT(n) (BYTECODE + 2 * (n))

static void test_lnotab_moves_by_pairs(void **state)
{
	(void)state;
	/* def f():       line 10
	 *     a = 1      line 11, bytes 0 to 3
	 *     b = 2      line 12, bytes 4 to 7
	 *     c = 3      line 10 + 300, bytes 8 .. */
#define TABLE 0, 1, 4, 1, 4, 127, 0, 127, 0, 44
	assert_int_equal(LINE(lnotab, 0, 10, TABLE), 11);
	assert_int_equal(LINE(lnotab, 2, 10, TABLE), 11);
	assert_int_equal(LINE(lnotab, 3, 10, TABLE), 11);
	assert_int_equal(LINE(lnotab, 4, 10, TABLE), 12);
	assert_int_equal(LINE(lnotab, 7, 10, TABLE), 12);
	assert_int_equal(LINE(lnotab, 8, 10, TABLE), 310);
	assert_int_equal(LINE(lnotab, 100000, 10, TABLE), 310);
#undef TABLE
}

static void test_lnotab_goes_back(void **state)
{
	(void)state;
	assert_int_equal(LINE(lnotab, 300, 1000, 255, 0, 45, 0x80, 0, 0x80), 744);
	assert_int_equal(LINE(lnotab, 299, 1000, 255, 0, 45, 0x80, 0, 0x80), 1000);
}

static void test_not_begun_is_on_the_first_line(void **state)
{
	(void)state;
	assert_int_equal(LINE(lnotab, -1, 10, 0, 1, 4, 1), 10);
	assert_int_equal(LINE(linetable, -1, 10, 4, 1, 4, 1), 10);
	assert_int_equal(LINE(locations, UNIT(-1), 10, 0xd9), 10);
	assert_int_equal(LINE(locations, 0, 10, 0xd9), 10);
}

static void test_linetable_covers_ranges(void **state)
{
	(void)state;
	/* bytes 0 to 3 on 11, 4 to 5 on none, 6 to 9 on 12, and an entry of no bytes that moves on
	 */
#define TABLE 4, 1, 2, 0x80, 4, 1, 0, 100, 2, 0x9d
	assert_int_equal(LINE(linetable, 0, 10, TABLE), 11);
	assert_int_equal(LINE(linetable, 1, 10, TABLE), 11);
	assert_int_equal(LINE(linetable, 2, 10, TABLE), 0);
	assert_int_equal(LINE(linetable, 3, 10, TABLE), 12);
	assert_int_equal(LINE(linetable, 4, 10, TABLE), 12);
	assert_int_equal(LINE(linetable, 5, 10, TABLE), 13);
	/* beyond the table */
	assert_int_equal(LINE(linetable, 6, 10, TABLE), 10);
	assert_int_equal(LINE(linetable, INT_MAX, 10, TABLE), 10);
#undef TABLE
}

static void test_locations_of_every_kind(void **state)
{
	(void)state;
	/* short form (2 bytes), one line +0 (3), +1, +2, no columns (-3), long (+200), none */
#define TABLE                                                                    \
	0x80, 0x12,                        /* unit 0: line 10 */                 \
		0xd1, 1, 2,                /* units 1, 2: line 10 */             \
		0xd8, 1, 2,                /* unit 3: line 11 */                 \
		0xe0, 1, 2,                /* unit 4: line 13 */                 \
		0xe8, 0x07,                /* unit 5: 3 back, line 10 */         \
		0xf7, 0x50, 0x06, 0, 1, 2, /* units 6 to 13: 200 on, line 210 */ \
		0xf8,                      /* unit 14: none */                   \
		0xd8, 1, 2                 /* unit 15: line 211 */
	static const uint32_t lines[] = {10,  10,  10,  11,  13,  10,  210, 210,
					 210, 210, 210, 210, 210, 210, 0,   211};

	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(LINE(locations, UNIT(i), 10, TABLE), lines[i]);
		assert_int_equal(LINE(locations, UNIT(i) + 1, 10, TABLE), lines[i]);
	}
	assert_int_equal(LINE(locations, UNIT(16), 10, TABLE), 10);
	assert_int_equal(LINE(locations, UINT32_MAX, 10, TABLE), 10);
#undef TABLE
}

/* 0x80000003 in groups of six bits: 2^30 + 1 back. */
static void test_locations_with_large_deltas(void **state)
{
	(void)state;
	assert_int_equal(
		LINE(locations, UNIT(0), (1 << 30) + 100, 0xe8, 0x43, 0x40, 0x40, 0x40, 0x40, 2),
		99);
}

static void test_empty_tables(void **state)
{
	(void)state;
	assert_int_equal(pyabi_line(&lnotab, 0, 7, NULL, 0), 7);
	assert_int_equal(pyabi_line(&linetable, 0, 7, NULL, 0), 7);
	assert_int_equal(pyabi_line(&locations, UNIT(0), 7, NULL, 0), 7);
	assert_int_equal(pyabi_line(&locations, UNIT(0), 0, NULL, 0), 0);
	assert_int_equal(pyabi_line(&locations, UNIT(0), -5, NULL, 0), 0);
}

/* Half a pair is no pair; a number that the table's end cuts off is what is there of it. */
static void test_cut_tables(void **state)
{
	(void)state;
	assert_int_equal(LINE(lnotab, 9, 10, 2), 10);
	assert_int_equal(LINE(lnotab, 9, 10, 2, 3, 1), 13);
	assert_int_equal(LINE(linetable, 0, 10, 2), 10);
	assert_int_equal(LINE(linetable, 2, 10, 2, 3, 4), 10);
	assert_int_equal(LINE(locations, UNIT(0), 10, 0xe8), 10);
	assert_int_equal(LINE(locations, UNIT(0), 10, 0xe8, 0x44), 12);
}

static void test_lines_do_not_overflow(void **state)
{
	uint8_t endless[64];

	(void)state;
	memset(endless, 0x7f, sizeof(endless));
	endless[0] = 0xef;
	/* every bit set: -(2^31 - 1) */
	assert_int_equal(line(&locations, UNIT(0), INT_MAX, endless, sizeof(endless)), 0);
	assert_int_equal(LINE(locations, UNIT(0), INT_MAX, 0xd8), 0);
	assert_int_equal(LINE(lnotab, 0, INT_MAX, 0, 127), 0);
	assert_int_equal(LINE(lnotab, 0, INT_MIN, 0, 0x81), INT_MAX - 126);
	assert_int_equal(LINE(linetable, 0, INT_MAX, 2, 127), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lnotab_moves_by_pairs),
		cmocka_unit_test(test_lnotab_goes_back),
		cmocka_unit_test(test_not_begun_is_on_the_first_line),
		cmocka_unit_test(test_linetable_covers_ranges),
		cmocka_unit_test(test_locations_of_every_kind),
		cmocka_unit_test(test_locations_with_large_deltas),
		cmocka_unit_test(test_empty_tables),
		cmocka_unit_test(test_cut_tables),
		cmocka_unit_test(test_lines_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
