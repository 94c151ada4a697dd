#include "pyabi/objects.h"

#include <string.h>

#include "pyabi/field.h"
#include "pyabi/offsets.h"
#include "pyabi/tables.h"

/* Far more than any table that fits into memory. */
#define KEYS_LOG2_MOST 40u

/* No object that sonde looks at has more fixed fields, or more items than there are addresses. */
#define BASICSIZE_MOST (1 << 24)

#define FIELD(at, structure, width, member)                                                       \
	{                                                                                         \
		PYABI_AT_##at, OFFSETS_##structure, width, offsetof(struct pyabi_objects, member) \
	}

static const struct offsets_field fields[] = {
	FIELD(OBJECT_TYPE, OBJECT, 8, object_type),
	FIELD(TYPE_NAME, TYPE, 8, type_name),
	FIELD(TYPE_FLAGS, TYPE, 8, type_flags),
	FIELD(TYPE_BASICSIZE, TYPE, 8, type_basicsize),
	FIELD(TYPE_DICTOFFSET, TYPE, 8, type_dictoffset),
	FIELD(HEAP_TYPE_CACHED_KEYS, HEAP_TYPE, 8, heap_type_cached_keys),
	FIELD(TUPLE_ITEMS, TUPLE, 8, tuple_items),
	FIELD(LIST_ITEMS, LIST, 8, list_items),
	FIELD(SET_USED, SET, 8, set_used),
	FIELD(SET_MASK, SET, 8, set_mask),
	FIELD(SET_TABLE, SET, 8, set_table),
	FIELD(DICT_KEYS, DICT, 8, dict_keys),
	FIELD(DICT_VALUES, DICT, 8, dict_values),
	FIELD(FLOAT_VALUE, FLOAT, 8, float_value),
	FIELD(LONG_TAG, LONG, 8, long_tag),
	FIELD(LONG_DIGITS, LONG, 4, long_digits),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t byte_at(const void *bytes, uint32_t offset)
{
	return ((const uint8_t *)bytes)[offset];
}

static const struct pyabi_objects_unsaid *unsaid_of(const struct offsets *offsets)
{
	for (size_t i = 0; i < pyabi_objects_forms_count; i++) {
		if (pyabi_objects_forms[i].minor == offsets->form->minor)
			return &pyabi_objects_forms[i].unsaid[offsets->free_threaded];
	}
	return NULL;
}

/* What _Py_DebugOffsets leaves unsaid of types. */
static bool place_in_type(struct offsets *offsets, const struct pyabi_objects_unsaid *unsaid,
			  struct pyabi_objects *objects)
{
	uint32_t end;

	if (!offsets_say(offsets, PYABI_AT_TYPE_BASICSIZE)) {
		objects->type_basicsize = objects->type_name + unsaid->type_basicsize;
		objects->type_dictoffset = objects->type_flags + unsaid->type_dictoffset;
		if (!offsets_place(offsets, OFFSETS_TYPE, objects->type_basicsize, 8) ||
		    !offsets_place(offsets, OFFSETS_TYPE, objects->type_dictoffset, 8))
			return false;
	}
	if (!offsets_say(offsets, PYABI_AT_HEAP_TYPE_CACHED_KEYS)) {
		objects->heap_type_cached_keys =
			offsets->size[OFFSETS_TYPE] + unsaid->heap_type_cached_keys;
		if (!offsets_place(offsets, OFFSETS_HEAP_TYPE, objects->heap_type_cached_keys, 8))
			return false;
	}
	objects->type_itemsize = objects->type_basicsize + unsaid->type_itemsize;
	objects->type_mro = objects->type_dictoffset + unsaid->type_mro;
	objects->type_managed_dict = unsaid->type_managed_dict;
	objects->type_inline_values = unsaid->type_inline_values;
	end = objects->type_mro;
	end = objects->type_name > end ? objects->type_name : end;
	end = objects->type_itemsize > end ? objects->type_itemsize : end;
	end = objects->type_flags > end ? objects->type_flags : end;
	objects->type_size = end + 8;
	return objects->heap_type_cached_keys >= offsets->size[OFFSETS_TYPE] &&
	       offsets_place(offsets, OFFSETS_TYPE, objects->type_itemsize, 8) &&
	       offsets_place(offsets, OFFSETS_TYPE, objects->type_mro, 8);
}

/* .. of sets and dicts. */
static bool place_in_tables(struct offsets *offsets, const struct pyabi_objects_unsaid *unsaid,
			    struct pyabi_objects *objects)
{
	if (!offsets_say(offsets, PYABI_AT_SET_USED)) {
		objects->set_used = objects->object_size + unsaid->set_used;
		objects->set_mask = objects->object_size + unsaid->set_mask;
		objects->set_table = objects->object_size + unsaid->set_table;
	}
	objects->set_entry_key = unsaid->set_entry_key;
	objects->set_entry_hash = unsaid->set_entry_hash;
	objects->set_entry_size = unsaid->set_entry_size;
	objects->dict_used = objects->object_size + unsaid->dict_used;
	objects->keys_log2_size = unsaid->keys_log2_size;
	objects->keys_log2_index_bytes = unsaid->keys_log2_index_bytes;
	objects->keys_kind = unsaid->keys_kind;
	objects->keys_kind_general = unsaid->keys_kind_general;
	objects->keys_nentries = unsaid->keys_nentries;
	objects->keys_indices = unsaid->keys_indices;
	objects->entry_key = unsaid->entry_key;
	objects->entry_value = unsaid->entry_value;
	objects->entry_size = unsaid->entry_size;
	objects->unicode_entry_key = unsaid->unicode_entry_key;
	objects->unicode_entry_value = unsaid->unicode_entry_value;
	objects->unicode_entry_size = unsaid->unicode_entry_size;
	objects->values_items = unsaid->values_items;
	objects->values_capacity = unsaid->values_capacity;
	objects->values_valid = unsaid->values_valid;
	return offsets_place(offsets, OFFSETS_DICT, objects->dict_used, 8);
}

static int init_from_offsets(uint32_t version_hex, const void *debug_offsets, size_t size,
			     struct pyabi_objects *objects)
{
	const struct pyabi_objects_unsaid *unsaid;
	struct offsets offsets;
	int result = offsets_init(version_hex, debug_offsets, size, OFFSETS_OBJECT, OFFSETS_LONG,
				  &offsets);

	if (result < 0)
		return result;
	unsaid = unsaid_of(&offsets);
	if (unsaid == NULL)
		return -1;
	memset(objects, 0xff, sizeof(*objects)); /* PYABI_NONE */
	if (!offsets_place_fields(&offsets, fields, COUNT(fields), objects))
		return -2;
	objects->object_size = offsets.size[OFFSETS_OBJECT];
	objects->var_size = objects->object_size;
	objects->managed_dict = unsaid->managed_dict;
	objects->managed_values_tag = 0;
	objects->cell_contents = objects->object_size + unsaid->cell_contents;
	objects->reference_tag_mask = unsaid->reference_tag_mask;
	objects->reference_int_tag = unsaid->reference_int_tag;
	if (objects->object_size != (offsets.free_threaded ? 32 : 16) ||
	    !place_in_type(&offsets, unsaid, objects) ||
	    !place_in_tables(&offsets, unsaid, objects) ||
	    objects->tuple_items < objects->var_size + 8 ||
	    objects->list_items < objects->var_size + 8 ||
	    objects->float_value < objects->object_size ||
	    objects->long_tag < objects->object_size ||
	    objects->long_digits < objects->long_tag + 8)
		return -2;
	return 0;
}

int pyabi_objects_init(uint32_t version_hex, const void *debug_offsets, size_t size,
		       struct pyabi_objects *objects)
{
	uint32_t minor = version_hex >> 16 & 0xff;
	int result = -1;

	memset(objects, 0, sizeof(*objects));
	if (!offsets_version_known(version_hex))
		return -1;
	for (size_t i = 0; i < pyabi_objects_tables_count; i++) {
		if (pyabi_objects_tables[i].minor == minor) {
			memcpy(objects, &pyabi_objects_tables[i].objects, sizeof(*objects));
			return 0;
		}
	}
	result = init_from_offsets(version_hex, debug_offsets, size, objects);
	if (result < 0)
		memset(objects, 0, sizeof(*objects));
	return result;
}

struct pyabi_reference pyabi_reference_of(const struct pyabi_objects *objects, uint64_t word)
{
	struct pyabi_reference reference = {.kind = PYABI_REFERENCE_NULL};
	uint64_t mask = objects->reference_tag_mask;

	if (mask != 0 && (word & mask) == objects->reference_int_tag) {
		reference.kind = PYABI_REFERENCE_INT;
		/* Two bits, whatever the mask: Py_INT_TAG (Include/internal/pycore_stackref.h) */
		reference.integer = (int64_t)word >> 2;
	} else if ((word & ~mask) != 0) {
		reference.kind = PYABI_REFERENCE_OBJECT;
		reference.object = word & ~mask;
	}
	return reference;
}

struct pyabi_integer pyabi_integer_of(const struct pyabi_objects *objects, const void *object)
{
	struct pyabi_integer integer;

	if (objects->long_tag != PYABI_NONE) {
		/* _PyLong_SIGN_MASK, _PyLong_NON_SIZE_BITS (Include/cpython/longintrepr.h): the
		 * sign is 0 positive, 1 zero, 2 negative */
		uint64_t tag = pyabi_word(object, objects->long_tag);

		integer.negative = (tag & 3) == 2;
		integer.digits = tag >> 3;
	} else {
		uint64_t size = pyabi_word(object, objects->long_size);

		integer.negative = (int64_t)size < 0;
		integer.digits = integer.negative ? -size : size;
	}
	return integer;
}

bool pyabi_keys_of(const struct pyabi_objects *objects, const void *keys, struct pyabi_keys *out)
{
	uint64_t size, indices_bytes;

	if (objects->keys_log2_size != PYABI_NONE) {
		unsigned log2_size = byte_at(keys, objects->keys_log2_size);
		unsigned log2_bytes = byte_at(keys, objects->keys_log2_index_bytes);

		if (log2_size > KEYS_LOG2_MOST || log2_bytes > log2_size + 3)
			return false;
		size = 1ull << log2_size;
		indices_bytes = 1ull << log2_bytes;
	} else {
		/* DK_IXSIZE (Objects/dict-common.h) */
		size = pyabi_word(keys, objects->keys_size);
		if (size == 0 || size > 1ull << KEYS_LOG2_MOST)
			return false;
		indices_bytes = size * (size <= 0xff         ? 1
					: size <= 0xffff     ? 2
					: size <= 0xffffffff ? 4
							     : 8);
	}
	out->count = pyabi_word(keys, objects->keys_nentries);
	out->entries = objects->keys_indices + indices_bytes;
	out->entry_size = objects->entry_size;
	out->key = objects->entry_key;
	out->value = objects->entry_value;
	if (objects->keys_kind != PYABI_NONE &&
	    byte_at(keys, objects->keys_kind) != objects->keys_kind_general) {
		out->entry_size = objects->unicode_entry_size;
		out->key = objects->unicode_entry_key;
		out->value = objects->unicode_entry_value;
	}
	return out->count <= size;
}

struct pyabi_type pyabi_type_of(const struct pyabi_objects *objects, const void *type)
{
	struct pyabi_type result = {
		.name = pyabi_word(type, objects->type_name),
		.flags = pyabi_word(type, objects->type_flags),
		.mro = pyabi_word(type, objects->type_mro),
		.basicsize = (int64_t)pyabi_word(type, objects->type_basicsize),
		.itemsize = (int64_t)pyabi_word(type, objects->type_itemsize),
		.dictoffset = (int64_t)pyabi_word(type, objects->type_dictoffset),
	};

	return result;
}

/* A negative tp_dictoffset counts from the end of an object of varying size (Objects/object.c,
 * _PyObject_ComputedDictPointer). */
static int64_t dict_from_end(const struct pyabi_type *type, int64_t length)
{
	uint64_t items = length < 0 ? -(uint64_t)length : (uint64_t)length;
	uint64_t bytes;

	if (type->basicsize < 0 || type->basicsize > BASICSIZE_MOST || type->itemsize < 0 ||
	    type->itemsize > BASICSIZE_MOST || items > 1ull << KEYS_LOG2_MOST ||
	    type->dictoffset < -(int64_t)BASICSIZE_MOST)
		return PYABI_NOWHERE;
	bytes = ((uint64_t)type->basicsize + items * (uint64_t)type->itemsize + 7) / 8 * 8;
	return (int64_t)bytes + type->dictoffset;
}

struct pyabi_instance pyabi_instance_of(const struct pyabi_objects *objects,
					const struct pyabi_type *type, int64_t length)
{
	struct pyabi_instance instance = {PYABI_NOWHERE, PYABI_NOWHERE, PYABI_NOWHERE};

	if (type->flags & objects->type_managed_dict) {
		instance.dict = -(int64_t)objects->managed_dict;
		if (objects->managed_values != PYABI_NONE)
			instance.values = -(int64_t)objects->managed_values;
		if (type->flags & objects->type_inline_values && type->basicsize > 0 &&
		    type->basicsize <= BASICSIZE_MOST)
			instance.inline_values = type->basicsize;
	} else if (type->dictoffset < 0) {
		/* 3.12+: the length of an int is not in that word */
		if (!(type->flags & PYABI_TYPE_LONG) || objects->long_tag == PYABI_NONE)
			instance.dict = dict_from_end(type, length);
	} else if (type->dictoffset > 0 && type->dictoffset <= BASICSIZE_MOST) {
		instance.dict = type->dictoffset;
	}
	return instance;
}
