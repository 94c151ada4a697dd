#include "tui/needle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "tui/keys.h"

static void type(struct needle *needle, const char *text)
{
	size_t bytes = strlen(text);

	while (bytes) {
		uint32_t c;
		size_t length = text_decode(text, bytes, &c);

		needle_key(needle, c);
		text += length;
		bytes -= length;
	}
}

static void test_passes(void **state)
{
	struct needle needle = {.editing = true};

	(void)state;
	assert_true(needle_passes(&needle, "anything"));
	type(&needle, "dump");
	assert_true(needle_passes(&needle, "json.dumps"));
	assert_true(needle_passes(&needle, "DUMPS"));
	assert_false(needle_passes(&needle, "json.loads"));
	needle_clear(&needle);
	type(&needle, "Dump");
	assert_true(needle_passes(&needle, "Dumper"));
	assert_false(needle_passes(&needle, "json.dumps"));
}

static void test_editing(void **state)
{
	struct needle needle = {.editing = true};

	(void)state;
	type(&needle, "a\u00e9\u5199\U0001f40d");
	assert_string_equal(needle.text, "a\u00e9\u5199\U0001f40d");
	needle_key(&needle, KEY_OF_BACKSPACE);
	assert_string_equal(needle.text, "a\u00e9\u5199");
	needle_key(&needle, KEY_OF_BACKSPACE);
	needle_key(&needle, KEY_OF_BACKSPACE);
	assert_string_equal(needle.text, "a");
	needle_key(&needle, KEY_OF_BACKSPACE);
	needle_key(&needle, KEY_OF_BACKSPACE);
	assert_string_equal(needle.text, "");
	/* Keys that are no characters, and characters that are no text. */
	needle_key(&needle, KEY_OF_UP);
	needle_key(&needle, 0x01);
	needle_key(&needle, 0x7f);
	assert_int_equal(needle.bytes, 0);
	type(&needle, "abc");
	needle_key(&needle, 'u' & 0x1f);
	assert_int_equal(needle.bytes, 0);
	type(&needle, "abc");
	needle_key(&needle, KEY_OF_ENTER);
	assert_false(needle.editing);
	assert_string_equal(needle.text, "abc");
	needle.editing = true;
	needle_key(&needle, KEY_OF_ESCAPE);
	assert_false(needle.editing);
	assert_string_equal(needle.text, "");
}

static void test_full(void **state)
{
	struct needle needle = {.editing = true};

	(void)state;
	for (unsigned i = 0; i < 2 * NEEDLE_BYTES; i++)
		needle_key(&needle, 0x5199);
	assert_int_equal(needle.bytes, 126);
	assert_int_equal(strlen(needle.text), 126);
	needle_key(&needle, 'x');
	needle_key(&needle, 'x');
	assert_int_equal(needle.bytes, 127);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_editing),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
