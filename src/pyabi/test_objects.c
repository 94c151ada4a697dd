#include "pyabi/objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pyabi/tables.h"
#include "pyabi/test_object_samples.h"
#include "pyabi/test_samples.h"
#include "pyabi/test_valid.h"

#define SAMPLES     (sizeof(offsets_samples) / sizeof(offsets_samples[0]))
#define OFFSETS_MAX (PYABI_DEBUG_OFFSETS_BYTES / 8)

_Static_assert(SAMPLES == sizeof(objects_samples) / sizeof(objects_samples[0]),
	       "one for each of the offsets");

static const struct pyabi_objects nothing;

/* On an exact copy, so that the sanitizers see a read beyond it. */
static int init_exact(uint32_t version_hex, const uint64_t *offsets, size_t bytes,
		      struct pyabi_objects *objects)
{
	void *copy = malloc(bytes);
	int result;

	assert_true(copy != NULL || bytes == 0);
	if (bytes > 0)
		memcpy(copy, offsets, bytes);
	result = pyabi_objects_init(version_hex, copy, bytes, objects);
	free(copy);
	if (result < 0)
		assert_memory_equal(objects, &nothing, sizeof(*objects));
	else
		assert_true(objects_are_valid(objects));
	return result;
}

static void objects_of_version(uint32_t minor, struct pyabi_objects *objects)
{
	if (minor < 13) {
		assert_int_equal(
			pyabi_objects_init(3u << 24 | minor << 16 | 0xf0, NULL, 0, objects), 0);
		return;
	}
	for (size_t i = 0; i < SAMPLES; i++) {
		if ((offsets_samples[i].layout.version_hex >> 16 & 0xff) == minor) {
			memcpy(objects, &objects_samples[i].objects, sizeof(*objects));
			return;
		}
	}
	fail_msg("no sample of 3.%u", minor);
}

static void test_versions(void **state)
{
	static const uint32_t unknown[] = {0, 0x030711f0, 0x031000f0, 0x030c00b1, 0x040c00f0};
	struct pyabi_objects objects;

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(init_exact(unknown[i], offsets_samples[0].offsets,
					    sizeof(offsets_samples[0].offsets), &objects),
				 -1);
	for (uint32_t minor = 8; minor < 13; minor++)
		assert_int_equal(init_exact(3u << 24 | minor << 16 | 0xf0, NULL, 0, &objects), 0);
	assert_int_equal(init_exact(0x030d00f0, NULL, 0, &objects), -2);
}

static void test_samples_give_what_their_headers_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct offsets_sample *sample = &offsets_samples[i];
		struct pyabi_objects objects;

		assert_string_equal(sample->name, objects_samples[i].name);
		assert_int_equal(init_exact(sample->layout.version_hex, sample->offsets,
					    sample->count * 8, &objects),
				 0);
		assert_memory_equal(&objects, &objects_samples[i].objects, sizeof(objects));
		assert_int_equal(init_exact(sample->layout.version_hex, sample->offsets,
					    sample->count * 8 - 1, &objects),
				 -2);
	}
}

static bool is_used(const struct offsets_sample *sample, size_t index)
{
	const struct pyabi_offsets *form = NULL;

	for (size_t i = 0; i < pyabi_offsets_count; i++) {
		if (pyabi_offsets[i].minor == (sample->layout.version_hex >> 16 & 0xff))
			form = &pyabi_offsets[i];
	}
	assert_non_null(form);
	if (index == 0)
		return true; /* the cookie */
	for (size_t at = 0; at < PYABI_AT_END; at++) {
		bool ours = at >= PYABI_AT_TYPE_SIZE || at == PYABI_AT_VERSION ||
			    at == PYABI_AT_FREE_THREADED || at == PYABI_AT_OBJECT_SIZE ||
			    at == PYABI_AT_OBJECT_TYPE;

		if (ours && form->at[at] == index * 8)
			return true;
	}
	return false;
}

/* Whatever is used is checked, and whatever is not used does not matter. */
static void test_one_wild_value(void **state)
{
	static const uint64_t wild[] = {UINT64_MAX,       1ull << 63, 1ull << 32,
					(1ull << 32) + 8, UINT32_MAX, 1u << 27};

	(void)state;
	for (size_t i = 0; i < SAMPLES * OFFSETS_MAX; i++) {
		const struct offsets_sample *sample = &offsets_samples[i / OFFSETS_MAX];
		size_t index = i % OFFSETS_MAX;
		int expect = is_used(sample, index) ? -2 : 0;
		uint64_t offsets[OFFSETS_MAX];
		struct pyabi_objects objects;

		for (size_t w = 0; w < sizeof(wild) / sizeof(wild[0]); w++) {
			memcpy(offsets, sample->offsets, sizeof(offsets));
			offsets[index] = wild[w];
			assert_int_equal(init_exact(sample->layout.version_hex, offsets,
						    sample->count * 8, &objects),
					 expect);
		}
	}
}

/* Small values, and the values of all other fields: whatever is accepted is safe to follow. */
static void test_one_plausible_value(void **state)
{
	size_t accepted = 0, refused = 0;

	(void)state;
	for (size_t i = 0; i < SAMPLES * OFFSETS_MAX; i++) {
		const struct offsets_sample *sample = &offsets_samples[i / OFFSETS_MAX];
		uint64_t offsets[OFFSETS_MAX];
		struct pyabi_objects objects;

		for (size_t other = 0; other < OFFSETS_MAX * 2; other++) {
			memcpy(offsets, sample->offsets, sizeof(offsets));
			offsets[i % OFFSETS_MAX] =
				other < OFFSETS_MAX ? sample->offsets[other] : other - OFFSETS_MAX;
			if (init_exact(sample->layout.version_hex, offsets, sample->count * 8,
				       &objects) == 0)
				accepted++;
			else
				refused++;
		}
	}
	assert_true(accepted > 0 && refused > 0);
}

static void assert_reference(const struct pyabi_objects *objects, uint64_t word,
			     enum pyabi_reference_kind kind, uint64_t value)
{
	struct pyabi_reference reference = pyabi_reference_of(objects, word);

	assert_int_equal(reference.kind, kind);
	if (kind == PYABI_REFERENCE_OBJECT)
		assert_int_equal(reference.object, value);
	else if (kind == PYABI_REFERENCE_INT)
		assert_int_equal((uint64_t)reference.integer, value);
}

static void test_references(void **state)
{
	struct pyabi_objects objects;

	(void)state;
	objects_of_version(13, &objects);
	assert_reference(&objects, 0, PYABI_REFERENCE_NULL, 0);
	assert_reference(&objects, 0x7f0012345670, PYABI_REFERENCE_OBJECT, 0x7f0012345670);
	for (uint32_t minor = 14; minor <= 15; minor++) {
		objects_of_version(minor, &objects);
		assert_reference(&objects, 0, PYABI_REFERENCE_NULL, 0);
		assert_reference(&objects, 1, PYABI_REFERENCE_NULL, 0);
		assert_reference(&objects, 2, PYABI_REFERENCE_NULL, 0);
		assert_reference(&objects, 0x7f0012345670, PYABI_REFERENCE_OBJECT, 0x7f0012345670);
		assert_reference(&objects, 0x7f0012345671, PYABI_REFERENCE_OBJECT, 0x7f0012345670);
		assert_reference(&objects, 3, PYABI_REFERENCE_INT, 0);
		assert_reference(&objects, 7 << 2 | 3, PYABI_REFERENCE_INT, 7);
		assert_reference(&objects, UINT64_MAX, PYABI_REFERENCE_INT, UINT64_MAX);
		assert_reference(&objects, (uint64_t)-5 << 2 | 3, PYABI_REFERENCE_INT,
				 (uint64_t)-5);
	}
}

static void assert_integer(const struct pyabi_objects *objects, uint64_t word, bool negative,
			   uint64_t digits)
{
	uint64_t object[8] = {0};
	struct pyabi_integer integer;

	object[objects->object_size / 8] = word;
	integer = pyabi_integer_of(objects, object);
	assert_int_equal(integer.negative, negative);
	assert_int_equal(integer.digits, digits);
}

static void test_integers(void **state)
{
	struct pyabi_objects objects;

	(void)state;
	for (uint32_t minor = 8; minor <= 11; minor++) {
		objects_of_version(minor, &objects);
		assert_integer(&objects, 0, false, 0);
		assert_integer(&objects, 3, false, 3);
		assert_integer(&objects, (uint64_t)-3, true, 3);
		assert_integer(&objects, 1ull << 63, true, 1ull << 63);
	}
	for (uint32_t minor = 12; minor <= 15; minor++) {
		objects_of_version(minor, &objects);
		assert_integer(&objects, 1, false, 0);
		assert_integer(&objects, 3 << 3, false, 3);
		assert_integer(&objects, 3 << 3 | 2, true, 3);
		assert_integer(&objects, 3 << 3 | 4 | 2, true, 3);
	}
}

static bool keys_of(const struct pyabi_objects *objects, uint64_t size, unsigned log2_bytes,
		    unsigned kind, uint64_t count, struct pyabi_keys *out)
{
	uint8_t *head = calloc(1, objects->keys_indices);
	bool good;

	assert_non_null(head);
	memcpy(head + objects->keys_nentries, &count, sizeof(count));
	if (objects->keys_log2_size != PYABI_NONE) {
		head[objects->keys_log2_size] = (uint8_t)size;
		head[objects->keys_log2_index_bytes] = (uint8_t)log2_bytes;
		head[objects->keys_kind] = (uint8_t)kind;
	} else {
		memcpy(head + objects->keys_size, &size, sizeof(size));
	}
	good = pyabi_keys_of(objects, head, out);
	free(head);
	return good;
}

static void test_keys_with_sizes(void **state)
{
	static const struct {
		uint64_t size, index_bytes;
	} tables[] = {{8, 8},         {128, 128},      {256, 512},
		      {32768, 65536}, {65536, 262144}, {1ull << 33, 1ull << 36}};
	struct pyabi_objects objects;
	struct pyabi_keys keys;

	(void)state;
	objects_of_version(10, &objects);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		assert_true(keys_of(&objects, tables[i].size, 0, 0, 5, &keys));
		assert_int_equal(keys.entries, objects.keys_indices + tables[i].index_bytes);
		assert_int_equal(keys.count, 5);
		assert_int_equal(keys.entry_size, 24);
		assert_int_equal(keys.key, 8);
		assert_int_equal(keys.value, 16);
	}
	assert_false(keys_of(&objects, 0, 0, 0, 0, &keys));
	assert_false(keys_of(&objects, UINT64_MAX, 0, 0, 0, &keys));
	assert_false(keys_of(&objects, (1ull << 40) + 1, 0, 0, 0, &keys));
	assert_false(keys_of(&objects, 8, 0, 0, 9, &keys));
	assert_false(keys_of(&objects, 8, 0, 0, UINT64_MAX, &keys));
}

static void test_keys_with_logarithms(void **state)
{
	struct pyabi_objects objects;
	struct pyabi_keys keys;

	(void)state;
	for (uint32_t minor = 11; minor <= 15; minor++) {
		objects_of_version(minor, &objects);
		assert_true(keys_of(&objects, 3, 3, objects.keys_kind_general, 5, &keys));
		assert_int_equal(keys.entries, objects.keys_indices + 8);
		assert_int_equal(keys.count, 5);
		assert_int_equal(keys.entry_size, 24);
		assert_int_equal(keys.key, 8);
		assert_int_equal(keys.value, 16);
		assert_true(keys_of(&objects, 10, 11, 1, 600, &keys));
		assert_int_equal(keys.entries, objects.keys_indices + 2048);
		assert_int_equal(keys.entry_size, 16);
		assert_int_equal(keys.key, 0);
		assert_int_equal(keys.value, 8);
		assert_true(keys_of(&objects, 0, 3, 1, 0, &keys)); /* the empty dict's */
		assert_false(keys_of(&objects, 41, 43, 1, 0, &keys));
		assert_false(keys_of(&objects, 255, 255, 1, 0, &keys));
		assert_false(keys_of(&objects, 3, 7, 1, 0, &keys));
		assert_false(keys_of(&objects, 3, 3, 1, 9, &keys));
	}
}

static void test_types(void **state)
{
	struct pyabi_objects objects;

	(void)state;
	for (uint32_t minor = 8; minor <= 15; minor++) {
		uint64_t *bytes;
		struct pyabi_type type;

		objects_of_version(minor, &objects);
		bytes = calloc(1, objects.type_size);
		assert_non_null(bytes);
		bytes[objects.type_name / 8] = 1;
		bytes[objects.type_basicsize / 8] = 2;
		bytes[objects.type_itemsize / 8] = 3;
		bytes[objects.type_flags / 8] = 4;
		bytes[objects.type_dictoffset / 8] = (uint64_t)-8;
		bytes[objects.type_mro / 8] = 6;
		type = pyabi_type_of(&objects, bytes);
		free(bytes);
		assert_int_equal(type.name, 1);
		assert_int_equal(type.basicsize, 2);
		assert_int_equal(type.itemsize, 3);
		assert_int_equal(type.flags, 4);
		assert_int_equal(type.dictoffset, -8);
		assert_int_equal(type.mro, 6);
	}
}

static void assert_instance(const struct pyabi_objects *objects, struct pyabi_type type,
			    int64_t length, struct pyabi_instance expect)
{
	struct pyabi_instance instance = pyabi_instance_of(objects, &type, length);

	assert_true(instance.dict == expect.dict);
	assert_true(instance.values == expect.values);
	assert_true(instance.inline_values == expect.inline_values);
}

#define NOWHERE PYABI_NOWHERE

static void test_instances(void **state)
{
	const struct pyabi_type managed = {
		.flags = 1u << 4 | 1u << 2, .basicsize = 16, .dictoffset = -1};
	struct pyabi_objects objects;

	(void)state;
	for (uint32_t minor = 8; minor <= 15; minor++) {
		objects_of_version(minor, &objects);
		assert_instance(&objects, (struct pyabi_type){.basicsize = 16}, 0,
				(struct pyabi_instance){NOWHERE, NOWHERE, NOWHERE});
		assert_instance(&objects, (struct pyabi_type){.dictoffset = 16}, 0,
				(struct pyabi_instance){16, NOWHERE, NOWHERE});
		assert_instance(
			&objects,
			(struct pyabi_type){.basicsize = 32, .itemsize = 8, .dictoffset = -8}, 3,
			(struct pyabi_instance){48, NOWHERE, NOWHERE});
		assert_instance(
			&objects,
			(struct pyabi_type){.basicsize = 33, .itemsize = 1, .dictoffset = -16}, 4,
			(struct pyabi_instance){24, NOWHERE, NOWHERE});
		assert_instance(&objects,
				(struct pyabi_type){.dictoffset = INT64_MIN, .itemsize = INT64_MAX},
				INT64_MIN, (struct pyabi_instance){NOWHERE, NOWHERE, NOWHERE});
		assert_instance(&objects, (struct pyabi_type){.dictoffset = INT64_MAX}, 0,
				(struct pyabi_instance){NOWHERE, NOWHERE, NOWHERE});
	}
	objects_of_version(10, &objects);
	assert_instance(&objects,
			(struct pyabi_type){.flags = PYABI_TYPE_LONG,
					    .basicsize = 24 + 8,
					    .itemsize = 4,
					    .dictoffset = -8},
			-2, (struct pyabi_instance){32, NOWHERE, NOWHERE});
	objects_of_version(11, &objects);
	assert_instance(&objects, managed, 0, (struct pyabi_instance){-24, -32, NOWHERE});
	objects_of_version(12, &objects);
	assert_instance(&objects, managed, 0, (struct pyabi_instance){-24, NOWHERE, NOWHERE});
	assert_int_equal(objects.managed_values_tag, 1);
	for (uint32_t minor = 13; minor <= 15; minor++) {
		struct pyabi_type type = managed;

		objects_of_version(minor, &objects);
		assert_instance(&objects, type, 0, (struct pyabi_instance){-24, NOWHERE, 16});
		type.flags = 1u << 4;
		assert_instance(&objects, type, 0, (struct pyabi_instance){-24, NOWHERE, NOWHERE});
		type.flags |= 1u << 2;
		type.basicsize = INT64_MAX;
		assert_instance(&objects, type, 0, (struct pyabi_instance){-24, NOWHERE, NOWHERE});
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_samples_give_what_their_headers_say),
		cmocka_unit_test(test_one_wild_value),
		cmocka_unit_test(test_one_plausible_value),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_keys_with_sizes),
		cmocka_unit_test(test_keys_with_logarithms),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_instances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
