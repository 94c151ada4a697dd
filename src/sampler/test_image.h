#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pyabi/test_samples.h"
#include "sampler/space.h"

/*
 * Memory of a process that does not exist, for tests: one piece of it, at IMAGE_BASE, is there. The
 * objects that are put into it are laid out as some Python does.
 */
#define IMAGE_BASE   0x10000ull
#define IMAGE_BYTES  0x10000u
#define IMAGE_MINORS 8 /* 3.8 to 3.15 */

struct image {
	unsigned char bytes[IMAGE_BYTES];
	size_t used;
	struct pages pages;
	struct pyabi_layout layout;
	struct pyabi_objects objects;
	struct pyabi_builtins builtins;
	struct space space;
	uint64_t reads;     /* of pages */
	uint64_t types[32]; /* made by image_type_of, by their number */
};

static inline bool image_read(const void *data, uint64_t address, void *out, size_t bytes)
{
	struct image *image = (struct image *)data;

	image->reads++;
	if (address < IMAGE_BASE || address - IMAGE_BASE > IMAGE_BYTES ||
	    bytes > IMAGE_BYTES - (address - IMAGE_BASE))
		return false;
	memcpy(out, image->bytes + (address - IMAGE_BASE), bytes);
	return true;
}

/* minor: 8 to 15. A free-threaded build from 13 on. */
static inline void image_init(struct image *image, unsigned minor, bool free_threaded)
{
	uint32_t version_hex = 3u << 24 | minor << 16 | 0xf0;
	const void *offsets = NULL;
	size_t bytes = 0;

	memset(image, 0, sizeof(*image));
	for (size_t i = 0; i < sizeof(offsets_samples) / sizeof(offsets_samples[0]); i++) {
		const struct offsets_sample *sample = &offsets_samples[i];

		if ((sample->layout.version_hex >> 16 & 0xff) == minor &&
		    sample->free_threaded == free_threaded) {
			version_hex = sample->layout.version_hex;
			offsets = sample->offsets;
			bytes = sample->count * 8;
		}
	}
	if (pyabi_layout_init(version_hex, false, offsets, bytes, &image->layout) < 0 ||
	    pyabi_objects_init(version_hex, offsets, bytes, &image->objects) < 0 ||
	    pyabi_builtins_init(version_hex, free_threaded, &image->builtins) < 0)
		abort();
	pages_init(&image->pages, image_read, image);
	pages_begin(&image->pages, 10000, 0);
	image->space =
		(struct space){&image->pages, &image->layout, &image->objects, &image->builtins};
}

static inline void image_deinit(struct image *image)
{
	pages_deinit(&image->pages);
}

/* Zeroed room; its address is a multiple of 16. */
static inline uint64_t image_take(struct image *image, size_t bytes)
{
	uint64_t address = IMAGE_BASE + image->used;

	image->used += (bytes + 15) / 16 * 16;
	if (image->used > IMAGE_BYTES)
		abort();
	return address;
}

static inline void image_put(struct image *image, uint64_t address, const void *from, size_t bytes)
{
	if (bytes)
		memcpy(image->bytes + (address - IMAGE_BASE), from, bytes);
	pages_begin(&image->pages, 10000, 0);
}

static inline void image_put_word(struct image *image, uint64_t address, uint64_t word)
{
	image_put(image, address, &word, sizeof(word));
}

/* A type that C code made, or with PYABI_TYPE_HEAP one that a class statement did. */
static inline uint64_t image_type(struct image *image, const char *name, uint64_t flags)
{
	uint64_t type = image_take(image, 1200);
	uint64_t text = image_take(image, strlen(name) + 1);

	image_put(image, text, name, strlen(name) + 1);
	image_put_word(image, type + image->objects.type_name, text);
	image_put_word(image, type + image->objects.type_flags, flags);
	image_put_word(image, type + image->objects.type_basicsize, image->objects.object_size);
	return type;
}

static inline uint64_t image_object(struct image *image, uint64_t type, size_t bytes)
{
	uint64_t object = image_take(image, bytes);

	image_put_word(image, object + image->objects.object_type, type);
	return object;
}

enum image_known {
	IMAGE_STR,
	IMAGE_INT,
	IMAGE_LIST,
	IMAGE_TUPLE,
	IMAGE_DICT,
	IMAGE_BYTES_TYPE,
	IMAGE_SET,
	IMAGE_NONE,
};

static inline uint64_t image_type_of(struct image *image, enum image_known known)
{
	static const struct {
		const char *name;
		uint64_t flags;
	} types[] = {
		[IMAGE_STR] = {"str", PYABI_TYPE_UNICODE},
		[IMAGE_INT] = {"int", PYABI_TYPE_LONG},
		[IMAGE_LIST] = {"list", PYABI_TYPE_LIST},
		[IMAGE_TUPLE] = {"tuple", PYABI_TYPE_TUPLE},
		[IMAGE_DICT] = {"dict", PYABI_TYPE_DICT},
		[IMAGE_BYTES_TYPE] = {"bytes", PYABI_TYPE_BYTES},
		[IMAGE_SET] = {"set", 0},
		[IMAGE_NONE] = {"NoneType", 0},
	};

	if (!image->types[known])
		image->types[known] = image_type(image, types[known].name, types[known].flags);
	return image->types[known];
}

static inline uint64_t image_int(struct image *image, uint32_t value)
{
	uint64_t object = image_object(image, image_type_of(image, IMAGE_INT), 48);

	if (image->objects.long_tag != PYABI_NONE)
		image_put_word(image, object + image->objects.long_tag, value ? 1u << 3 : 1);
	else
		image_put_word(image, object + image->objects.long_size, value ? 1 : 0);
	image_put(image, object + image->objects.long_digits, &value, sizeof(value));
	return object;
}

/* ASCII */
static inline uint64_t image_str(struct image *image, const char *text)
{
	uint64_t object = image_object(image, image_type_of(image, IMAGE_STR), 128 + strlen(text));
	uint32_t state = 1u << image->layout.unicode_kind_shift |
			 1u << image->layout.unicode_compact_shift |
			 1u << image->layout.unicode_ascii_shift;

	image_put_word(image, object + image->layout.unicode_length, strlen(text));
	image_put(image, object + image->layout.unicode_state, &state, sizeof(state));
	image_put(image, object + image->layout.unicode_ascii_data, text, strlen(text));
	return object;
}

static inline uint64_t image_tuple(struct image *image, const uint64_t *items, size_t count)
{
	uint64_t object = image_object(image, image_type_of(image, IMAGE_TUPLE), 64 + count * 8);

	image_put_word(image, object + image->objects.var_size, count);
	image_put(image, object + image->objects.tuple_items, items, count * 8);
	return object;
}

static inline uint64_t image_list(struct image *image, const uint64_t *items, size_t count)
{
	uint64_t object = image_object(image, image_type_of(image, IMAGE_LIST), 64);
	uint64_t row = image_take(image, count * 8 + 8);

	image_put(image, row, items, count * 8);
	image_put_word(image, object + image->objects.var_size, count);
	image_put_word(image, object + image->objects.list_items, row);
	return object;
}

/* Keys of 8 places, with room for 5 entries. pairs: key, value; a value of 0 is a deleted one. */
static inline uint64_t image_keys(struct image *image, const uint64_t *pairs, size_t count)
{
	const struct pyabi_objects *objects = &image->objects;
	uint64_t keys = image_take(image, 256);
	uint64_t entries = keys + objects->keys_indices + 8;
	uint32_t size = objects->entry_size, key = objects->entry_key, value = objects->entry_value;

	if (objects->keys_log2_size != PYABI_NONE) {
		image_put(image, keys + objects->keys_log2_size, &(uint8_t){3}, 1);
		image_put(image, keys + objects->keys_log2_index_bytes, &(uint8_t){3}, 1);
		image_put(image, keys + objects->keys_kind,
			  &(uint8_t){(uint8_t)(objects->keys_kind_general + 1)}, 1);
		size = objects->unicode_entry_size;
		key = objects->unicode_entry_key;
		value = objects->unicode_entry_value;
	} else {
		image_put_word(image, keys + objects->keys_size, 8);
	}
	image_put_word(image, keys + objects->keys_nentries, count);
	for (size_t i = 0; i < count; i++) {
		image_put_word(image, entries + i * size + key, pairs[i * 2]);
		image_put_word(image, entries + i * size + value, pairs[i * 2 + 1]);
	}
	return keys;
}

static inline uint64_t image_dict(struct image *image, const uint64_t *pairs, size_t count)
{
	uint64_t object = image_object(image, image_type_of(image, IMAGE_DICT), 96);
	uint64_t used = 0;

	for (size_t i = 0; i < count; i++)
		used += pairs[i * 2 + 1] != 0;
	image_put_word(image, object + image->objects.dict_used, used);
	image_put_word(image, object + image->objects.dict_keys, image_keys(image, pairs, count));
	return object;
}
