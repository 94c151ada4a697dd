#include "sampler/object_writer.h"

#include <string.h>

#include "base/text.h"
#include "sampler/dict.h"
#include "sampler/slots.h"
#include "sampler/unicode.h"

#define BASES_MOST 32u

void object_put(struct object_writer *w, const char *text)
{
	buffer_add(w->out, text, strlen(text));
}

void object_put_name(struct object_writer *w, uint64_t str)
{
	char name[OBJECT_NAME_BYTES];

	if (unicode_read(w->space, str, name, sizeof(name)))
		text_repair(name, strlen(name), OBJECT_NAME_BYTES, w->out);
	else
		object_put(w, "?");
}

void object_put_name_at(struct object_writer *w, uint64_t address)
{
	uint64_t str;

	object_put_name(w, object_read_word(w, address, &str) ? str : 0);
}

void object_put_address(struct object_writer *w, uint64_t object)
{
	buffer_add_format(w->out, " at 0x%llx", (unsigned long long)object);
}

bool object_read_word(const struct object_writer *w, uint64_t address, uint64_t *word)
{
	return pages_read_u64(w->space->pages, address, word);
}

bool object_is_full(const struct object_writer *w)
{
	return w->out->failed || w->out->used - w->begun >= w->limits->bytes;
}

bool object_enter(struct object_writer *w, uint64_t object, bool *again)
{
	*again = false;
	for (unsigned i = 0; i < w->depth; i++)
		*again |= w->path[i] == object;
	if (*again || w->depth >= w->limits->depth || w->depth == OBJECT_DEPTH_MOST)
		return false;
	w->path[w->depth++] = object;
	return true;
}

void object_leave(struct object_writer *w)
{
	w->depth--;
}

/* Before attribute number `at`: whether there is room for it. */
static bool begin_attribute(struct object_writer *w, unsigned at)
{
	object_put(w, at ? ", " : ": ");
	if (at < w->limits->attributes && !object_is_full(w))
		return true;
	object_put(w, "...");
	return false;
}

static void write_attributes(struct object_writer *w, uint64_t object, const struct type *type)
{
	char name[OBJECT_NAME_BYTES];
	struct slots_cursor slots;
	struct dict_cursor cursor;
	uint64_t key, value;
	bool again, room = true;
	unsigned at = 0;

	if (!w->limits->attributes || object_is_full(w) || !object_enter(w, object, &again))
		return;
	slots_open(w->space, object, type, &slots);
	while (room && slots_next(&slots, name, sizeof(name), &value)) {
		room = begin_attribute(w, at++);
		if (room) {
			text_repair(name, strlen(name), OBJECT_NAME_BYTES, w->out);
			object_put(w, "=");
			object_write_value(w, value);
		}
	}
	room = room && dict_open_attributes(w->space, object, type, &cursor);
	while (room && dict_next(&cursor, &key, &value)) {
		room = begin_attribute(w, at++);
		if (room) {
			object_put_name(w, key);
			object_put(w, "=");
			object_write_value(w, value);
		}
	}
	object_leave(w);
}

static bool write_instance(struct object_writer *w, uint64_t object, const struct type *type)
{
	object_put(w, "<");
	type_write_name(w->space, type, w->out);
	object_put(w, " object");
	object_put_address(w, object);
	write_attributes(w, object, type);
	object_put(w, ">");
	return true;
}

static const struct kind {
	const char *name; /* tp_name of a type that C code made */
	object_kind *write;
	bool wraps; /* subclasses are shown as Class(..) */
} kinds[] = {
	{"NoneType", object_write_none, false},
	{"bool", object_write_bool, false},
	{"int", object_write_int, true},
	{"str", object_write_str, true},
	{"float", object_write_float, true},
	{"list", object_write_list, true},
	{"tuple", object_write_tuple, true},
	{"dict", object_write_dict, true},
	{"bytes", object_write_bytes, true},
	{"set", object_write_set, true},
	{"frozenset", object_write_frozenset, true},
	{"bytearray", object_write_bytearray, true},
	{"complex", object_write_complex, true},
	{"ellipsis", object_write_ellipsis, false},
	{"NotImplementedType", object_write_not_implemented, false},
	{"type", object_write_class, false},
	{"function", object_write_function, false},
	{"method", object_write_method, false},
	{"builtin_function_or_method", object_write_builtin, false},
	{"module", object_write_module, false},
	{"code", object_write_code, false},
	{"generator", object_write_generator, false},
	{"coroutine", object_write_generator, false},
	{"async_generator", object_write_generator, false},
	{"range", object_write_range, false},
	{"slice", object_write_slice, false},
	{"mappingproxy", object_write_proxy, false},
	{"BaseException", object_write_exception, false},
};

static const struct kind *kind_of(const struct type *type)
{
	if (!(type->words.flags & PYABI_TYPE_HEAP))
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (strcmp(kinds[i].name, type->name) == 0)
				return &kinds[i];
	return NULL;
}

/* The kind of a type or of the first of its bases that has one; NULL: an instance like others. */
static const struct kind *find_kind(const struct space *space, const struct type *type)
{
	const struct kind *kind = kind_of(type);
	uint64_t mro = type->words.mro, count, address;
	struct type base;

	if (kind || !mro || mro % OBJECT_WORD ||
	    !pages_read_u64(space->pages, mro + space->objects->var_size, &count))
		return kind;
	for (uint64_t i = 1; !kind && i < count && i < BASES_MOST; i++) {
		if (!pages_read_u64(space->pages,
				    mro + space->objects->tuple_items + i * OBJECT_WORD,
				    &address) ||
		    !type_read(space, address, &base))
			break;
		kind = kind_of(&base);
	}
	return kind;
}

static bool write_known(struct object_writer *w, uint64_t object, const struct type *type)
{
	const struct kind *kind = find_kind(w->space, type);
	size_t before = w->out->used;

	if (type->words.flags & PYABI_TYPE_HEAP && object_write_enum(w, object, type))
		return true;
	if (!kind)
		return write_instance(w, object, type);
	if (!kind->wraps || strcmp(kind->name, type->name) == 0)
		return kind->write(w, object, type);
	type_write_name(w->space, type, w->out);
	object_put(w, "(");
	if (!kind->write(w, object, type)) {
		w->out->used = before;
		return false;
	}
	object_put(w, ")");
	return true;
}

void object_write_value(struct object_writer *w, uint64_t object)
{
	struct type type;

	if (!type_of(w->space, object, &type) || !write_known(w, object, &type))
		object_put(w, w->space->pages->reads_left ? "<unreadable>" : "<not read>");
}

void object_write(const struct space *space, uint64_t object, const struct object_limits *limits,
		  struct buffer *out)
{
	struct object_writer writer = {
		.space = space, .limits = limits, .out = out, .begun = out->used};

	object_write_value(&writer, object);
}
