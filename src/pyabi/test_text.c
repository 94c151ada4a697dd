#include "pyabi/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_versions(void **state)
{
	static const struct {
		uint32_t hex;
		const char *text;
	} versions[] = {
		{0x030812f0, "3.8.18"},
		{0x030d00f0, "3.13.0"},
		{0x030c01f0, "3.12.1"},
		{0x030f00c2, "3.15.0rc2"},
		{0x030f00a7, "3.15.0a7"},
		{0x030e00b3, "3.14.0b3"},
		{0xffffffff, "255.255.255"},
		{0xffffffcf, "255.255.255rc15"},
		{0, "0.0.0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		char text[24];

		memset(text, 'x', sizeof(text));
		pyabi_version_text(versions[i].hex, text, sizeof(text));
		assert_string_equal(text, versions[i].text);
	}
}

static void test_versions_are_cut_to_the_buffer(void **state)
{
	char text[24] = "xxxxxxxxxxxxxxxxxxxxxx";

	(void)state;
	pyabi_version_text(0x030d00f0, text, 4);
	assert_string_equal(text, "3.1");
	assert_int_equal(text[4], 'x');
	pyabi_version_text(0x030d00f0, text, 1);
	assert_string_equal(text, "");
	text[0] = 'y';
	pyabi_version_text(0x030d00f0, text, 0);
	assert_int_equal(text[0], 'y');
}

static void test_versions_are_read(void **state)
{
	static const struct {
		const char *text;
		uint32_t hex;
		const char *rest;
	} versions[] = {
		{"3.8.18 (default, Aug  7 2023)", 0x030812f0, " (default, Aug  7 2023)"},
		{"3.12.1+ (heads/3.12)", 0x030c01f0, "+ (heads/3.12)"},
		{"3.15.0rc2", 0x030f00c2, ""},
		{"3.15.0a7 x", 0x030f00a7, " x"},
		{"3.14.0b3", 0x030e00b3, ""},
		{"255.255.255", 0xfffffff0, ""},
		{"3.9.256", 0, NULL},
		{"99999999999.9.1", 0, NULL},
		{"3.9", 0, NULL},
		{"3..9", 0, NULL},
		{"3.9.0rc", 0, NULL},
		{"3.9.0b16", 0, NULL},
		{"", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		const char *end = NULL;

		assert_int_equal(pyabi_version_parse(versions[i].text, &end), versions[i].hex);
		if (versions[i].hex != 0)
			assert_string_equal(end, versions[i].rest);
	}
	assert_int_equal(pyabi_version_parse("3.13.0", NULL), 0x030d00f0);
}

static const struct pyabi_layout layout = {
	.unicode_kind_shift = 2,
	.unicode_compact_shift = 5,
	.unicode_ascii_shift = 6,
	.unicode_ascii_data = 48,
	.unicode_compact_data = 72,
};

static void check_text(uint32_t word, bool compact, unsigned char_bytes, uint32_t data_offset)
{
	struct pyabi_text text = pyabi_text_of(&layout, word);

	assert_int_equal(text.compact, compact);
	assert_int_equal(text.char_bytes, char_bytes);
	assert_int_equal(text.data_offset, data_offset);
}

static void test_state_words(void **state)
{
	(void)state;
	/* interned: 2 bits, kind: 3, compact, ascii, ready */
	check_text(0xe5, true, 1, 48);
	check_text(0xe4, true, 1, 48);
	check_text(0xa4, true, 1, 72);
	check_text(0xa8, true, 2, 72);
	check_text(0xb0, true, 4, 72);
	/* what is above belongs to nobody */
	check_text(0xffffff00 | 0xb1, true, 4, 72);
	/* an instance of a subclass keeps its characters elsewhere */
	check_text(0x84, false, 1, 72);
}

static void test_state_words_of_no_str(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 8; kind++) {
		if (kind == 1 || kind == 2 || kind == 4)
			continue;
		assert_false(pyabi_text_of(&layout, kind << 2 | 1 << 5).compact);
	}
	assert_false(pyabi_text_of(&layout, 2 << 2 | 1 << 5 | 1 << 6).compact);
	assert_false(pyabi_text_of(&layout, 0).compact);
}

/* Converts from an exact and misaligned copy into an exact buffer. */
static void check_utf8(unsigned char_bytes, const void *text, size_t length, const char *expect)
{
	size_t bytes = char_bytes * length;
	size_t need = strlen(expect);
	char *copy = malloc(bytes + 1);
	char *out = malloc(need + 1);

	assert_non_null(copy);
	assert_non_null(out);
	memcpy(copy + 1, text, bytes);
	assert_int_equal(pyabi_text_to_utf8(char_bytes, copy + 1, length, NULL, 0), need);
	assert_int_equal(pyabi_text_to_utf8(char_bytes, copy + 1, length, out, need + 1), need);
	assert_string_equal(out, expect);
	free(copy);
	free(out);
}

#define UTF8(unit, expect, ...)                               \
	check_utf8(sizeof(unit), (const unit[]){__VA_ARGS__}, \
		   sizeof((const unit[]){__VA_ARGS__}) / sizeof(unit), expect)

static void test_utf8(void **state)
{
	(void)state;
	UTF8(uint8_t, "a\x7f\xc2\x80\xc3\xbf", 'a', 0x7f, 0x80, 0xff);
	UTF8(uint16_t, "z\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 'z', 0x7ff,
	     0x800, 0xd7ff, 0xe000, 0xffff);
	UTF8(uint32_t, "\xf0\x90\x80\x80\xf0\x9f\x90\x8d\xf4\x8f\xbf\xbf", 0x10000, 0x1f40d,
	     0x10ffff);
	check_utf8(1, "", 0, "");
}

/* A pair of surrogates in a str is two characters that no UTF-8 has. */
static void test_utf8_of_what_is_no_character(void **state)
{
	(void)state;
	UTF8(uint16_t, "\xef\xbf\xbd\xef\xbf\xbd!", 0xd800, 0xdfff, '!');
	UTF8(uint32_t, "\xef\xbf\xbd\xef\xbf\xbd", 0xd83d, 0xdc0d);
	UTF8(uint32_t, "\xef\xbf\xbd\xef\xbf\xbd", 0x110000, 0xffffffff);
}

static void test_utf8_ends_with_a_whole_character(void **state)
{
	static const uint16_t text[] = {'a', 0x20ac, 'b'};
	char out[8];

	(void)state;
	memset(out, 'x', sizeof(out));
	assert_int_equal(pyabi_text_to_utf8(2, text, 3, out, 4), 5);
	assert_string_equal(out, "a");
	assert_int_equal(pyabi_text_to_utf8(2, text, 3, out, 5), 5);
	assert_string_equal(out, "a\xe2\x82\xac");
	assert_int_equal(out[5], 'x');
	assert_int_equal(pyabi_text_to_utf8(2, text, 3, out, 1), 5);
	assert_string_equal(out, "");
}

static void test_utf8_of_an_unknown_width(void **state)
{
	char out[4] = "xyz";

	(void)state;
	assert_int_equal(pyabi_text_to_utf8(3, "abcdef", 2, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(pyabi_text_to_utf8(0, "abcdef", 2, out, sizeof(out)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_versions_are_read),
		cmocka_unit_test(test_versions_are_cut_to_the_buffer),
		cmocka_unit_test(test_state_words),
		cmocka_unit_test(test_state_words_of_no_str),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_utf8_of_what_is_no_character),
		cmocka_unit_test(test_utf8_ends_with_a_whole_character),
		cmocka_unit_test(test_utf8_of_an_unknown_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
