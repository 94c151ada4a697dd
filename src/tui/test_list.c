#include "tui/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const uint64_t ids[] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

static void test_follows_its_row(void **state)
{
	const uint64_t later[] = {12, 15, 10, 11, 13, 14, 16, 17, 18, 19};
	const uint64_t without[] = {12, 10, 11, 13};
	struct list list = {0};

	(void)state;
	list_settle(&list, ids, 10, 4);
	assert_int_equal(list.cursor, 0);
	list_move(&list, 5, ids, 10);
	list_settle(&list, ids, 10, 4);
	assert_int_equal(list.cursor, 5);
	assert_int_equal(list.top, 2);
	list_settle(&list, later, 10, 4);
	assert_int_equal(list.cursor, 1);
	assert_int_equal(list.top, 1);
	/* Its row has gone: it stays where it is. */
	list_settle(&list, without, 4, 4);
	assert_int_equal(list.cursor, 1);
	assert_int_equal(list.top, 0);
	list_settle(&list, later, 10, 4);
	assert_int_equal(list.cursor, 1);
}

static void test_top_until_moved(void **state)
{
	const uint64_t later[] = {19, 10};
	struct list list = {0};

	(void)state;
	list_settle(&list, ids, 10, 4);
	list_settle(&list, later, 2, 4);
	assert_int_equal(list.cursor, 0);
	list_move(&list, 1, later, 2);
	list_home(&list);
	list_settle(&list, ids, 10, 4);
	assert_int_equal(list.cursor, 0);
	assert_int_equal(list.top, 0);
}

static void test_edges(void **state)
{
	struct list list = {0};

	(void)state;
	list_move(&list, 3, ids, 0);
	list_settle(&list, ids, 0, 4);
	assert_int_equal(list.cursor, 0);
	list_settle(&list, ids, 10, 0);
	list_move(&list, 100, ids, 10);
	assert_int_equal(list.cursor, 9);
	list_settle(&list, ids, 10, 4);
	assert_int_equal(list.top, 6);
	list_move(&list, 1, ids, 10);
	assert_int_equal(list.cursor, 9);
	list_move(&list, -100, ids, 10);
	assert_int_equal(list.cursor, 0);
	list_move(&list, -1, ids, 10);
	list_settle(&list, ids, 10, 4);
	assert_int_equal(list.top, 0);
	list_move(&list, 9, ids, 10);
	list_settle(&list, ids, 10, 4);
	/* The screen has grown, the list has shrunk. */
	list_settle(&list, ids, 10, 8);
	assert_int_equal(list.top, 2);
	list_settle(&list, ids, 3, 8);
	assert_int_equal(list.cursor, 2);
	assert_int_equal(list.top, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows_its_row),
		cmocka_unit_test(test_top_until_moved),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
