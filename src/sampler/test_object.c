#include "sampler/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "sampler/dict.h"
#include "sampler/locals.h"
#include "sampler/test_image.h"

/* Objects that are what they should be are compared with real Pythons in tests/scenarios/dump. Here
 * is memory that no Python leaves behind. */

static const struct object_limits plain = {
	.depth = 4, .items = 5, .attributes = 3, .characters = 20, .bytes = 200};

static struct image image;
static char text[65536];

static const char *show_with(uint64_t object, const struct object_limits *limits)
{
	struct buffer out;

	buffer_init(&out, sizeof(text) - 1);
	pages_begin(&image.pages, 10000, 0);
	object_write(&image.space, object, limits, &out);
	assert_false(out.failed);
	memcpy(text, out.data, out.used);
	text[out.used] = 0;
	buffer_deinit(&out);
	return text;
}

static const char *show(uint64_t object)
{
	return show_with(object, &plain);
}

/* Runs a test on the layouts of all Pythons. */
static void on_all(void (*test)(void))
{
	for (unsigned minor = 8; minor <= 15; minor++) {
		for (int free_threaded = 0; free_threaded <= (minor >= 13); free_threaded++) {
			image_init(&image, minor, free_threaded);
			test();
			image_deinit(&image);
		}
	}
}

static void check_whole(void)
{
	uint64_t items[] = {image_int(&image, 7), image_str(&image, "it's"), 0};
	uint64_t pairs[] = {items[1], items[0], image_str(&image, "gone"), 0};

	items[2] = image_tuple(&image, items, 1);
	assert_string_equal(show(image_list(&image, items, 3)), "[7, \"it's\", (7,)]");
	assert_string_equal(show(image_dict(&image, pairs, 2)), "{\"it's\": 7}");
	assert_string_equal(show(image_int(&image, 0)), "0");
	assert_string_equal(show(image_object(&image, image_type_of(&image, IMAGE_NONE), 16)),
			    "None");
	assert_string_equal(show(image_tuple(&image, NULL, 0)), "()");
}

static void test_whole(void **state)
{
	(void)state;
	on_all(check_whole);
}

static void check_limits(void)
{
	uint64_t items[8], nested;

	for (unsigned i = 0; i < 8; i++)
		items[i] = image_int(&image, i);
	assert_string_equal(show(image_list(&image, items, 8)), "[0, 1, 2, 3, 4, ... 3 more]");
	assert_string_equal(show(image_str(&image, "0123456789012345678901")),
			    "'01234567890123456789'... (22 characters)");
	nested = image_list(&image, items, 2);
	for (unsigned i = 0; i < 5; i++)
		nested = image_list(&image, &nested, 1);
	assert_string_equal(show(nested), "[[[[[... 1 item]]]]]");
	assert_string_equal(show_with(image_list(&image, items, 8),
				      &(struct object_limits){.depth = 1, .items = 8, .bytes = 6}),
			    "[0, <int of 1 bits>, ... 6 more]");
}

static void test_limits(void **state)
{
	(void)state;
	on_all(check_limits);
}

static void check_cycles(void)
{
	const struct pyabi_builtins *builtins = &image.builtins;
	uint64_t zero = 0, object;
	uint64_t list = image_list(&image, &zero, 1), tuple = image_tuple(&image, &zero, 1);
	uint64_t row, type;

	assert_true(pages_read_u64(&image.pages, list + image.objects.list_items, &row));
	image_put_word(&image, row, tuple);
	image_put_word(&image, tuple + image.objects.tuple_items, list);
	assert_string_equal(show(list), "[([...],)]");
	assert_string_equal(show(tuple), "([(...,)],)");

	object = image_object(&image, image_type(&image, "range", 0), 96);
	for (unsigned i = 0; i < 3; i++)
		image_put_word(&image, object + builtins->range_start + i * 8, object);
	assert_string_equal(show(object), "range(<unreadable>, <unreadable>, <unreadable>)");
	object = image_object(&image, image_type(&image, "slice", 0), 96);
	for (unsigned i = 0; i < 3; i++)
		image_put_word(&image, object + builtins->slice_start + i * 8, object);
	assert_string_equal(show(object), "slice(slice(...), slice(...), slice(...))");
	object = image_object(&image, image_type(&image, "mappingproxy", 0), 96);
	image_put_word(&image, object + builtins->proxy_mapping, object);
	assert_string_equal(show(object), "mappingproxy(mappingproxy(...))");
	object = image_object(&image, image_type(&image, "method", 0), 96);
	image_put_word(&image, object + builtins->method_function, object);
	image_put_word(&image, object + builtins->method_self, object);
	assert_string_equal(show(object), "<bound method ? of <bound method ? of ...>>");
	type = image_type(&image, "type", PYABI_TYPE_TYPE);
	image_put_word(&image, type + image.objects.object_type, type);
	assert_string_equal(show(type), "<class 'type'>");
}

static void test_cycles(void **state)
{
	(void)state;
	on_all(check_cycles);
}

/* Sizes and addresses that lead nowhere. */
static void check_wild(void)
{
	const uint64_t wild[] = {1ull << 62, UINT64_MAX, 1ull << 47, IMAGE_BASE + IMAGE_BYTES - 4};
	uint64_t items[] = {image_int(&image, 1)};

	for (unsigned i = 0; i < 4; i++) {
		uint64_t list = image_list(&image, items, 1), str = image_str(&image, "x");
		uint64_t number = image_int(&image, 5);

		image_put_word(&image, list + image.objects.var_size, wild[i]);
		show(list);
		image_put_word(&image, list + image.objects.list_items, wild[i]);
		show(list);
		image_put_word(&image, str + image.layout.unicode_length, wild[i]);
		show(str);
		image_put_word(&image,
			       number + (image.objects.long_tag != PYABI_NONE
						 ? image.objects.long_tag
						 : image.objects.long_size),
			       wild[i]);
		show(number);
		image_put_word(&image, number + image.objects.object_type, wild[i]);
		assert_string_equal(show(number), "<unreadable>");
		assert_string_equal(show(wild[i]), "<unreadable>");
		image.used = IMAGE_BYTES / 2;
	}
	assert_string_equal(show(0), "<unreadable>");
	assert_string_equal(show(items[0] + 1), "<unreadable>");
}

static void test_wild(void **state)
{
	(void)state;
	on_all(check_wild);
}

static void check_wild_list(void)
{
	uint64_t items[] = {image_int(&image, 1)};
	uint64_t list = image_list(&image, items, 1);

	image_put_word(&image, list + image.objects.var_size, 1ull << 40);
	image_put_word(&image, list + image.objects.list_items, IMAGE_BASE + IMAGE_BYTES - 8);
	image_put_word(&image, IMAGE_BASE + IMAGE_BYTES - 8, items[0]);
	assert_string_equal(show(list), "[1, <unreadable>, <unreadable>, <unreadable>, "
					"<unreadable>, ... 1099511627771 more]");
	image_put_word(&image, list + image.objects.var_size, UINT64_MAX);
	assert_string_equal(show(list), "<unreadable>");
}

static void test_wild_list(void **state)
{
	(void)state;
	on_all(check_wild_list);
}

static void check_wild_dict(void)
{
	uint64_t pairs[] = {image_str(&image, "k"), image_int(&image, 1)};
	uint64_t dict = image_dict(&image, pairs, 1), keys;
	struct dict_cursor cursor;
	uint64_t used, key, value;

	assert_true(pages_read_u64(&image.pages, dict + image.objects.dict_keys, &keys));
	/* more items than entries */
	image_put_word(&image, dict + image.objects.dict_used, 3);
	assert_string_equal(show(dict), "{'k': 1, <unreadable>}");
	/* more entries than places */
	image_put_word(&image, keys + image.objects.keys_nentries, 9);
	assert_string_equal(show(dict), "<unreadable>");
	assert_false(dict_open(&image.space, dict, &cursor, &used));
	image_put_word(&image, keys + image.objects.keys_nentries, 8);
	assert_true(dict_open(&image.space, dict, &cursor, &used));
	assert_true(dict_next(&cursor, &key, &value));
	assert_int_equal(key, pairs[0]);
	assert_false(dict_next(&cursor, &key, &value));
	/* a split table whose values are nowhere, and one that is too long to be one */
	image_put_word(&image, dict + image.objects.dict_values, 0x123450);
	show(dict);
	image_put_word(&image, dict + image.objects.dict_values, 0);
	image_put_word(&image, dict + image.objects.dict_keys, dict);
	show(dict);
	image_put_word(&image, dict + image.objects.dict_keys, 0);
	assert_string_equal(show(dict), "<unreadable>");
}

static void test_wild_dict(void **state)
{
	(void)state;
	on_all(check_wild_dict);
}

static void check_wild_set(void)
{
	uint64_t set = image_object(&image, image_type_of(&image, IMAGE_SET), 256);
	uint64_t table = image_take(&image, 8 * 16);
	const struct pyabi_objects *objects = &image.objects;

	image_put_word(&image, set + objects->set_mask, 7);
	image_put_word(&image, set + objects->set_table, table);
	assert_string_equal(show(set), "set()");
	image_put_word(&image, set + objects->set_used, 2);
	image_put_word(&image, table + 16 + objects->set_entry_key, image_int(&image, 3));
	/* taken out */
	image_put_word(&image, table + 32 + objects->set_entry_key, image_int(&image, 4));
	image_put_word(&image, table + 32 + objects->set_entry_hash, UINT64_MAX);
	image_put_word(&image, table + 48 + objects->set_entry_key, image_int(&image, 5));
	assert_string_equal(show(set), "{3, 5}");
	image_put_word(&image, set + objects->set_used, 3);
	assert_string_equal(show(set), "{3, 5, ... 1 more}");
	image_put_word(&image, set + objects->set_used, 9);
	assert_string_equal(show(set), "<unreadable>");
	image_put_word(&image, set + objects->set_mask, UINT64_MAX);
	assert_string_equal(show(set), "<unreadable>");
	/* a table that is empty for longer than anyone would look */
	image_put_word(&image, set + objects->set_mask, (1ull << 40) - 1);
	image_put_word(&image, set + objects->set_table, IMAGE_BASE + IMAGE_BYTES / 2);
	assert_string_equal(show(set), "{... 9 more}");
}

static void test_wild_set(void **state)
{
	(void)state;
	on_all(check_wild_set);
}

/* Reading ends when it was allowed no more. */
static void check_no_reads(void)
{
	uint64_t number = image_int(&image, 1);
	struct buffer out;

	buffer_init(&out, 1000);
	pages_begin(&image.pages, 0, 0);
	object_write(&image.space, number, &plain, &out);
	buffer_add_byte(&out, 0);
	assert_string_equal((char *)out.data, "<not read>");
	buffer_deinit(&out);
}

static void test_no_reads(void **state)
{
	(void)state;
	on_all(check_no_reads);
}

static void collect(const struct local *local, void *data)
{
	char *names = data;
	size_t used = strlen(names);

	snprintf(names + used, 1000 - used, "%s:%d ", local->name, (int)local->kind);
}

static unsigned seed = 1;

static uint32_t random_word(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

#define SLOT_BYTES 64u
#define SLOTS      (IMAGE_BYTES / 2 / SLOT_BYTES)

/* One of the objects that fill the second half of the image. */
static uint64_t random_slot(void)
{
	return IMAGE_BASE + IMAGE_BYTES / 2 + random_word() % SLOTS * SLOT_BYTES;
}

/* Words that are addresses of objects, small numbers, flags or noise. */
static void fill_with_noise(void)
{
	for (size_t i = 0; i < IMAGE_BYTES; i += 8) {
		uint64_t word = (uint64_t)random_word() << 40 | random_word();

		switch (random_word() % 8) {
		case 0:
		case 1:
			word %= 16;
			break;
		case 2:
			word = (uint64_t)random_word() << 20;
			break;
		case 3:
		case 4:
		case 5:
		case 6:
			word = random_slot();
			break;
		}
		memcpy(image.bytes + i, &word, sizeof(word));
	}
}

static void check_noise(void)
{
	static const enum image_known kinds[] = {
		IMAGE_STR,  IMAGE_INT,        IMAGE_LIST, IMAGE_TUPLE,
		IMAGE_DICT, IMAGE_BYTES_TYPE, IMAGE_SET,
	};
	static const char *const others[] = {
		"range", "slice",  "mappingproxy",  "method", "builtin_function_or_method",
		"type",  "module", "BaseException", "code",   "generator",
		"cell",  "A",
	};
	uint64_t types[19];
	char names[1000];

	fill_with_noise();
	image.used = 0;
	memset(image.types, 0, sizeof(image.types));
	for (unsigned i = 0; i < 7; i++)
		types[i] = image_type_of(&image, kinds[i]);
	for (unsigned i = 0; i < 12; i++)
		types[7 + i] = image_type(&image, others[i], i < 11 ? 0 : PYABI_TYPE_HEAP);
	assert_true(image.used <= IMAGE_BYTES / 2);
	for (unsigned i = 0; i < SLOTS; i++)
		image_put_word(&image,
			       IMAGE_BASE + IMAGE_BYTES / 2 + i * SLOT_BYTES +
				       image.objects.object_type,
			       types[random_word() % 19]);
	for (unsigned i = 0; i < 300; i++) {
		assert_true(strlen(show(random_slot())) < sizeof(text) - 1);
		names[0] = 0;
		locals_visit(&image.space, random_slot(), random_slot(),
			     &(struct locals_choice){.most = 20, .definitions = i % 2}, collect,
			     names);
	}
}

static void test_noise(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		on_all(check_noise);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_cycles),    cmocka_unit_test(test_wild),
		cmocka_unit_test(test_wild_list), cmocka_unit_test(test_wild_dict),
		cmocka_unit_test(test_wild_set),  cmocka_unit_test(test_no_reads),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
