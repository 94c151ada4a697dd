#include "tui/canvas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

static void expect(struct canvas *canvas, bool color, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	canvas_write(canvas, color, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_rows(void **state)
{
	struct canvas canvas;

	(void)state;
	canvas_init(&canvas);
	canvas_clear(&canvas, 5, 20);
	expect(&canvas, false, "");
	assert_int_equal(canvas_put(&canvas, 2, 4, 20, CANVAS_PLAIN, "third"), 5);
	canvas_put(&canvas, 0, 10, 10, CANVAS_BOLD, "right");
	canvas_put(&canvas, 0, 0, 10, CANVAS_PLAIN, "left");
	canvas_put_right(&canvas, 1, 0, 6, CANVAS_PLAIN, "12.5");
	canvas_put(&canvas, 3, 0, 20, CANVAS_PLAIN, "");
	canvas_style_row(&canvas, 1, CANVAS_SELECTED);
	expect(&canvas, false, "left      right\n  12.5\n    third\n");
	expect(&canvas, true, "left      \033[1mright\033[0m\n  \033[7m12.5\033[0m\n    third\n");
	canvas_clear(&canvas, 1, 20);
	expect(&canvas, false, "");
	canvas_deinit(&canvas);
}

static void test_edges(void **state)
{
	struct canvas canvas;

	(void)state;
	canvas_init(&canvas);
	canvas_clear(&canvas, 2, 8);
	assert_int_equal(canvas_put(&canvas, 0, 3, 100, CANVAS_PLAIN, "longer"), 5);
	assert_int_equal(canvas_put(&canvas, 1, 7, 100, CANVAS_PLAIN, "xy"), 1);
	assert_int_equal(canvas_put(&canvas, 1, 8, 100, CANVAS_PLAIN, "x"), 0);
	assert_int_equal(canvas_put(&canvas, 2, 0, 100, CANVAS_PLAIN, "x"), 0);
	assert_int_equal(canvas_put(&canvas, -1, 0, 100, CANVAS_PLAIN, "x"), 0);
	assert_int_equal(canvas_put(&canvas, 0, -1, 100, CANVAS_PLAIN, "x"), 0);
	canvas_style_row(&canvas, 2, CANVAS_HEADING);
	canvas_put_right(&canvas, 1, 0, 4, CANVAS_PLAIN, "123456");
	expect(&canvas, false, "   long\u2026\n123\u2026   \u2026\n");
	canvas_clear(&canvas, -3, -3);
	assert_int_equal(canvas_put(&canvas, 0, 0, 10, CANVAS_PLAIN, "x"), 0);
	canvas_deinit(&canvas);
}

/* Characters of two columns and of none, and what is no text. */
static void test_widths(void **state)
{
	struct canvas canvas;

	(void)state;
	canvas_init(&canvas);
	canvas_clear(&canvas, 6, 5);
	assert_int_equal(canvas_put(&canvas, 0, 0, 5, CANVAS_PLAIN, "\u5199\u771f"), 4);
	assert_int_equal(canvas_put(&canvas, 1, 0, 5, CANVAS_PLAIN, "\u5199\u771f\u753b"), 5);
	assert_int_equal(canvas_put(&canvas, 2, 0, 4, CANVAS_PLAIN, "\u5199\u771f\u753b"), 3);
	assert_int_equal(canvas_put(&canvas, 3, 0, 5, CANVAS_PLAIN, "e\u0301e\u0301e\u0301"), 3);
	assert_int_equal(canvas_put(&canvas, 4, 0, 5, CANVAS_PLAIN, "\033[31m"), 5);
	assert_int_equal(canvas_put(&canvas, 5, 0, 5, CANVAS_PLAIN, "\xff\u202e\nx"), 4);
	expect(&canvas, false,
	       "\u5199\u771f\n\u5199\u771f\u2026\n\u5199\u2026\ne\u0301e\u0301e\u0301\n"
	       "\ufffd[31m\n\ufffd\ufffd\ufffdx\n");
	assert_int_equal(canvas_columns("\u5199a"), 3);
	canvas_deinit(&canvas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
