#include "sampler/dict.h"

#include "sampler/unicode.h"

#define KEYS_BYTES 256u
#define WORD       8u

static bool open_keys(struct dict_cursor *cursor, uint64_t address)
{
	const struct space *space = cursor->space;
	unsigned char head[KEYS_BYTES];
	struct pyabi_keys keys;

	if (!address || address % WORD || space->objects->keys_indices > sizeof(head) ||
	    !pages_read(space->pages, address, head, space->objects->keys_indices) ||
	    !pyabi_keys_of(space->objects, head, &keys))
		return false;
	cursor->entries = address + keys.entries;
	cursor->entry_size = keys.entry_size;
	cursor->key = keys.key;
	cursor->value = keys.value;
	cursor->count = keys.count < DICT_ENTRIES_MOST ? keys.count : DICT_ENTRIES_MOST;
	return true;
}

/* The order in which a split table was filled; its keys, which many share, do not say. */
static bool read_order(struct dict_cursor *cursor, uint64_t values)
{
	const struct pyabi_objects *objects = cursor->space->objects;
	const struct pyabi_builtins *builtins = cursor->space->builtins;
	struct pages *pages = cursor->space->pages;
	uint8_t count, capacity;

	if (builtins->values_size_before != PYABI_NONE) {
		uint64_t size_at = values - builtins->values_size_before;

		if (!pages_read(pages, size_at, &count, 1) || count > DICT_SPLIT_MOST)
			return false;
		for (unsigned i = 0; i < count; i++)
			if (!pages_read(pages, size_at - 1 - i, &cursor->order[i], 1))
				return false;
	} else if (!pages_read(pages, values + builtins->values_size, &count, 1) ||
		   !pages_read(pages, values + objects->values_capacity, &capacity, 1) ||
		   count > DICT_SPLIT_MOST ||
		   !pages_read(pages, cursor->values + (uint64_t)capacity * WORD, cursor->order,
			       count)) {
		return false;
	}
	for (unsigned i = 0; i < count; i++)
		if (cursor->order[i] >= cursor->count)
			return false;
	cursor->count = count;
	cursor->has_order = true;
	return true;
}

static bool open_values(struct dict_cursor *cursor, uint64_t values)
{
	const struct pyabi_builtins *builtins = cursor->space->builtins;

	cursor->values = values + cursor->space->objects->values_items;
	if (cursor->count > DICT_SPLIT_MOST)
		return false;
	if (builtins->values_size == PYABI_NONE && builtins->values_size_before == PYABI_NONE)
		return true;
	return read_order(cursor, values);
}

bool dict_open(const struct space *space, uint64_t dict, struct dict_cursor *cursor, uint64_t *used)
{
	const struct pyabi_objects *objects = space->objects;
	uint64_t keys, values;
	struct type type;

	*cursor = (struct dict_cursor){.space = space};
	return type_of(space, dict, &type) && type.words.flags & PYABI_TYPE_DICT &&
	       pages_read_u64(space->pages, dict + objects->dict_used, used) &&
	       pages_read_u64(space->pages, dict + objects->dict_keys, &keys) &&
	       pages_read_u64(space->pages, dict + objects->dict_values, &values) &&
	       open_keys(cursor, keys) && (!values || open_values(cursor, values));
}

/* Attributes that are values without a dict: their keys are those of the class. */
static bool open_class_keys(const struct space *space, const struct type *type, uint64_t values,
			    struct dict_cursor *cursor)
{
	uint64_t keys;

	*cursor = (struct dict_cursor){.space = space};
	return type->words.flags & PYABI_TYPE_HEAP &&
	       pages_read_u64(space->pages, type->address + space->objects->heap_type_cached_keys,
			      &keys) &&
	       open_keys(cursor, keys) && open_values(cursor, values);
}

bool dict_open_attributes(const struct space *space, uint64_t object, const struct type *type,
			  struct dict_cursor *cursor)
{
	const struct pyabi_objects *objects = space->objects;
	struct pyabi_instance instance;
	uint64_t word = 0, values, used;
	int64_t length = 0;
	uint8_t is_valid;

	if (type->words.dictoffset < 0 &&
	    !pages_read(space->pages, object + objects->var_size, &length, sizeof(length)))
		return false;
	instance = pyabi_instance_of(objects, &type->words, length);
	if (instance.dict != PYABI_NOWHERE &&
	    !pages_read_u64(space->pages, object + (uint64_t)instance.dict, &word))
		return false;
	if (word & objects->managed_values_tag)
		return open_class_keys(space, type, word + 1, cursor);
	if (word)
		return dict_open(space, word, cursor, &used);
	if (instance.values != PYABI_NOWHERE &&
	    pages_read_u64(space->pages, object + (uint64_t)instance.values, &values) && values)
		return open_class_keys(space, type, values, cursor);
	values = object + (uint64_t)instance.inline_values;
	return instance.inline_values != PYABI_NOWHERE &&
	       pages_read(space->pages, values + objects->values_valid, &is_valid, 1) && is_valid &&
	       open_class_keys(space, type, values, cursor);
}

bool dict_next(struct dict_cursor *cursor, uint64_t *key, uint64_t *value)
{
	struct pages *pages = cursor->space->pages;

	while (cursor->next < cursor->count) {
		uint64_t place = cursor->has_order ? cursor->order[cursor->next] : cursor->next;
		uint64_t entry = cursor->entries + place * cursor->entry_size;
		uint64_t value_at =
			cursor->values ? cursor->values + place * WORD : entry + cursor->value;

		cursor->next++;
		if (!pages_read_u64(pages, value_at, value) ||
		    !pages_read_u64(pages, entry + cursor->key, key))
			return false;
		if (*key && *value)
			return true;
	}
	return false;
}

bool dict_find(struct dict_cursor *cursor, const char *name, uint64_t *value)
{
	uint64_t key;

	while (dict_next(cursor, &key, value))
		if (unicode_equals(cursor->space, key, name))
			return true;
	return false;
}
