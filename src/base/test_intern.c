#include "base/intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_same_id(void **state)
{
	struct intern *intern = intern_create();
	size_t length;

	(void)state;
	assert_int_equal(intern_count(intern), 0);
	assert_int_equal(intern_add(intern, "one", 3), 1);
	assert_int_equal(intern_add(intern, "two", 3), 2);
	assert_int_equal(intern_add(intern, "one", 3), 1);
	assert_int_equal(intern_add(intern, "on", 2), 3);
	assert_int_equal(intern_add(intern, "", 0), 4);
	assert_int_equal(intern_add(intern, NULL, 0), 4);
	assert_int_equal(intern_add(intern, "a\0b", 3), 5);
	assert_int_equal(intern_add(intern, "a\0c", 3), 6);
	assert_int_equal(intern_count(intern), 6);
	assert_string_equal(intern_text(intern, 3, &length), "on");
	assert_int_equal(length, 2);
	assert_memory_equal(intern_text(intern, 6, &length), "a\0c", 4);
	assert_int_equal(length, 3);
	assert_string_equal(intern_text(intern, 4, NULL), "");
	assert_string_equal(intern_text(intern, 0, &length), "");
	assert_int_equal(length, 0);
	assert_string_equal(intern_text(intern, 7, NULL), "");
	intern_destroy(intern);
	intern_destroy(NULL);
}

/* Texts stay where they are while the table grows, small ones and those with a block of their own.
 */
static void test_stays(void **state)
{
	enum {
		TEXTS = 20000
	};
	struct intern *intern = intern_create();
	const char **where = calloc(TEXTS, sizeof(*where));
	char *large = malloc(200000);

	(void)state;
	memset(large, 'x', 200000);
	for (int i = 0; i < TEXTS; i++) {
		char text[32];
		int length = snprintf(text, sizeof(text), "text %d", i);
		uint32_t id;

		if (i % 1000 == 0) {
			memcpy(large, text, (size_t)length);
			id = intern_add(intern, large, 20000 + (size_t)i * 9);
		} else {
			id = intern_add(intern, text, (size_t)length);
		}
		assert_int_equal(id, i + 1);
		where[i] = intern_text(intern, id, NULL);
	}
	for (int i = 0; i < TEXTS; i++) {
		char text[32];
		int length = snprintf(text, sizeof(text), "text %d", i);

		assert_ptr_equal(intern_text(intern, (uint32_t)i + 1, NULL), where[i]);
		if (i % 1000 == 0) {
			assert_int_equal(strlen(where[i]), 20000 + (size_t)i * 9);
			assert_memory_equal(where[i], text, (size_t)length);
		} else {
			assert_string_equal(where[i], text);
			assert_int_equal(intern_add(intern, text, (size_t)length), i + 1);
		}
	}
	free(large);
	free(where);
	intern_destroy(intern);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_id),
		cmocka_unit_test(test_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
