/*
 * Memory of any content where a Python's objects should be: what is shown of it is bounded text.
 *
 * Input: a byte that chooses the Python, one that chooses how much is shown, then the objects, 64
 * bytes each. The first byte of one chooses its type; a word of it whose top byte is 0xa5 becomes
 * the address of the object that its lowest byte numbers.
 */
#include <stdlib.h>

#include "sampler/locals.h"
#include "sampler/object.h"
#include "sampler/test_image.h"
#include "sampler/threads.h"

#define SLOT_BYTES 64u
#define SLOTS      (IMAGE_BYTES / 2 / SLOT_BYTES)
#define TYPES      25u
#define TEXT_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t slot(uint64_t number)
{
	return IMAGE_BASE + IMAGE_BYTES / 2 + number % SLOTS * SLOT_BYTES;
}

static void make_types(struct image *image, uint64_t types[TYPES])
{
	static const struct {
		const char *name;
		uint64_t flags;
	} kinds[TYPES] = {
		{"str", PYABI_TYPE_UNICODE},
		{"int", PYABI_TYPE_LONG},
		{"list", PYABI_TYPE_LIST},
		{"tuple", PYABI_TYPE_TUPLE},
		{"dict", PYABI_TYPE_DICT},
		{"bytes", PYABI_TYPE_BYTES},
		{"set", 0},
		{"frozenset", 0},
		{"bytearray", 0},
		{"float", 0},
		{"complex", 0},
		{"range", 0},
		{"slice", 0},
		{"mappingproxy", 0},
		{"method", 0},
		{"builtin_function_or_method", 0},
		{"type", PYABI_TYPE_TYPE},
		{"module", 0},
		{"BaseException", 0},
		{"code", 0},
		{"generator", 0},
		{"cell", 0},
		{"A", PYABI_TYPE_HEAP},
		{"EnumType", PYABI_TYPE_HEAP | PYABI_TYPE_TYPE},
		{"member_descriptor", 0},
	};

	for (unsigned i = 0; i < TYPES; i++)
		types[i] = image_type(image, kinds[i].name, kinds[i].flags);
}

/* The class A: what it leads to are objects of the input, and how its instances keep attributes is
 * one of the input's bytes. */
static void make_class(struct image *image, uint64_t class, uint64_t meta, uint8_t how)
{
	const struct pyabi_objects *objects = &image->objects;
	uint64_t flags = PYABI_TYPE_HEAP | (how & 2 ? objects->type_managed_dict : 0) |
			 (how & 4 ? objects->type_inline_values : 0);

	image_put_word(image, class + objects->type_flags, flags);
	image_put_word(image, class + objects->type_mro, slot(4));
	image_put_word(image, class + image->builtins.type_dict, slot(5));
	image_put_word(image, class + image->builtins.heap_type_qualname, slot(6));
	image_put_word(image, class + objects->heap_type_cached_keys, slot(7));
	image_put_word(image, class + objects->type_basicsize, 24);
	if (how & 8)
		image_put_word(image, class + objects->type_dictoffset,
			       (uint64_t)(how & 16 ? -8 : 16));
	if (how & 32)
		image_put_word(image, class + objects->object_type, meta);
}

static void make_objects(struct image *image, const uint64_t types[TYPES], const uint8_t *data,
			 size_t size)
{
	for (unsigned i = 0; i < SLOTS && size > 0; i++) {
		size_t bytes = size < SLOT_BYTES ? size : SLOT_BYTES;
		uint64_t words[SLOT_BYTES / 8] = {0};

		memcpy(words, data, bytes);
		for (unsigned w = 0; w < SLOT_BYTES / 8; w++)
			if (words[w] >> 56 == 0xa5)
				words[w] = slot(words[w] & 0xff);
		image_put(image, slot(i), words, sizeof(words));
		image_put_word(image, slot(i) + image->objects.object_type, types[data[0] % TYPES]);
		data += bytes;
		size -= bytes;
	}
}

static void take_local(const struct local *local, void *data)
{
	size_t *count = data;

	if (!memchr(local->name, 0, sizeof(local->name)))
		abort();
	++*count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct image image;
	static const struct object_limits limits[] = {
		{.depth = 2, .items = 3, .attributes = 2, .characters = 20, .bytes = 500},
		{.depth = OBJECT_DEPTH_MOST,
		 .items = 50,
		 .attributes = 50,
		 .characters = 1000,
		 .bytes = 50000},
	};
	uint64_t types[TYPES];
	struct threads threads;
	struct buffer out;
	size_t count = 0;

	if (size < 3)
		return 0;
	image_init(&image, 8 + (data[0] & 7), data[0] & 8 && (data[0] & 7) >= 5);
	make_types(&image, types);
	make_class(&image, types[22], types[23], data[1]);
	make_objects(&image, types, data + 2, size - 2);
	buffer_init(&out, TEXT_BYTES);
	for (unsigned i = 0; i < 4; i++) {
		buffer_clear(&out);
		pages_begin(&image.pages, 10000, 0);
		object_write(&image.space, slot(i), &limits[data[1] & 1], &out);
		if (out.failed)
			abort();
		locals_visit(&image.space, slot(i + 1), slot(i),
			     &(struct locals_choice){.most = 10, .definitions = i % 2}, take_local,
			     &count);
	}
	if (count > 40)
		abort();
	threads_init(&threads);
	threads_read(&threads, &image.space, (uint64_t[]){slot(0), slot(1)}, 2);
	threads_deinit(&threads);
	buffer_deinit(&out);
	image_deinit(&image);
	return 0;
}
