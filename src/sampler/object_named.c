#include "sampler/object_writer.h"

#include <string.h>

#include "base/text.h"
#include "sampler/dict.h"
#include "sampler/integer.h"
#include "sampler/unicode.h"

bool object_write_class(struct object_writer *w, uint64_t object, const struct type *type)
{
	struct type class;

	(void)type;
	if (!type_read(w->space, object, &class))
		return false;
	object_put(w, "<class '");
	type_write_name(w->space, &class, w->out);
	object_put(w, "'>");
	return true;
}

bool object_write_function(struct object_writer *w, uint64_t object, const struct type *type)
{
	(void)type;
	object_put(w, "<function ");
	object_put_name_at(w, object + w->space->builtins->function_qualname);
	object_put_address(w, object);
	object_put(w, ">");
	return true;
}

bool object_write_method(struct object_writer *w, uint64_t object, const struct type *type)
{
	const struct pyabi_builtins *builtins = w->space->builtins;
	struct type function_type;
	uint64_t function, self;
	bool again;

	(void)type;
	if (!object_read_word(w, object + builtins->method_function, &function) ||
	    !object_read_word(w, object + builtins->method_self, &self))
		return false;
	object_put(w, "<bound method ");
	if (type_of(w->space, function, &function_type) &&
	    strcmp(function_type.name, "function") == 0)
		object_put_name_at(w, function + builtins->function_qualname);
	else
		object_put(w, "?");
	object_put(w, " of ");
	if (!object_is_full(w) && object_enter(w, object, &again)) {
		object_write_value(w, self);
		object_leave(w);
	} else {
		object_put(w, "...");
	}
	object_put(w, ">");
	return true;
}

/* len, or [].append: what it is bound to is a module or nothing, or an object. */
bool object_write_builtin(struct object_writer *w, uint64_t object, const struct type *type)
{
	const struct pyabi_builtins *builtins = w->space->builtins;
	struct type self_type;
	uint64_t self, definition, address;
	char name[OBJECT_NAME_BYTES];
	bool is_method;

	(void)type;
	if (!object_read_word(w, object + builtins->builtin_self, &self) ||
	    !object_read_word(w, object + builtins->builtin_definition, &definition) ||
	    !object_read_word(w, definition, &address) || /* PyMethodDef.ml_name */
	    !pages_read_string(w->space->pages, address, name, sizeof(name)))
		return false;
	is_method = type_of(w->space, self, &self_type) && strcmp(self_type.name, "module") != 0;
	object_put(w, is_method ? "<built-in method " : "<built-in function ");
	text_repair(name, strlen(name), OBJECT_NAME_BYTES, w->out);
	if (is_method) {
		object_put(w, " of ");
		text_repair(self_type.name, strlen(self_type.name), OBJECT_NAME_BYTES, w->out);
		object_put(w, " object");
		object_put_address(w, self);
	}
	object_put(w, ">");
	return true;
}

bool object_write_module(struct object_writer *w, uint64_t object, const struct type *type)
{
	struct dict_cursor cursor;
	uint64_t dict, used, name;

	(void)type;
	if (!object_read_word(w, object + w->space->builtins->module_dict, &dict) ||
	    !dict_open(w->space, dict, &cursor, &used))
		return false;
	object_put(w, "<module '");
	object_put_name(w, dict_find(&cursor, "__name__", &name) ? name : 0);
	object_put(w, "'>");
	return true;
}

bool object_write_code(struct object_writer *w, uint64_t object, const struct type *type)
{
	const struct pyabi_layout *layout = w->space->layout;
	uint32_t line;

	(void)type;
	if (!pages_read_u32(w->space->pages, object + layout->code_firstlineno, &line))
		return false;
	object_put(w, "<code object ");
	object_put_name_at(w, object + layout->code_name);
	object_put_address(w, object);
	object_put(w, ", file \"");
	object_put_name_at(w, object + layout->code_filename);
	buffer_add_format(w->out, "\", line %d>", (int)line);
	return true;
}

/* Generators, coroutines and asynchronous generators. */
bool object_write_generator(struct object_writer *w, uint64_t object, const struct type *type)
{
	buffer_add_format(w->out, "<%s object ", type->name);
	object_put_name_at(w, object + w->space->builtins->generator_qualname);
	object_put_address(w, object);
	object_put(w, ">");
	return true;
}

/* One of a range's three numbers. */
static void put_number(struct object_writer *w, uint64_t object)
{
	struct type type;

	if (!type_of(w->space, object, &type) || !(type.words.flags & PYABI_TYPE_LONG) ||
	    !object_write_int(w, object, &type))
		object_put(w, "<unreadable>");
}

bool object_write_range(struct object_writer *w, uint64_t object, const struct type *type)
{
	uint64_t part[3]; /* start, stop, step: Objects/rangeobject.c */
	int64_t step;

	(void)type;
	if (!pages_read(w->space->pages, object + w->space->builtins->range_start, part,
			sizeof(part)))
		return false;
	object_put(w, "range(");
	put_number(w, part[0]);
	object_put(w, ", ");
	put_number(w, part[1]);
	if (!integer_read(w->space, part[2], &step) || step != 1) {
		object_put(w, ", ");
		put_number(w, part[2]);
	}
	object_put(w, ")");
	return true;
}

bool object_write_slice(struct object_writer *w, uint64_t object, const struct type *type)
{
	uint64_t part[3]; /* start, stop, step: Include/sliceobject.h */
	bool again;

	(void)type;
	if (!pages_read(w->space->pages, object + w->space->builtins->slice_start, part,
			sizeof(part)))
		return false;
	if (!object_enter(w, object, &again)) {
		object_put(w, "slice(...)");
		return true;
	}
	object_put(w, "slice(");
	for (unsigned i = 0; i < 3; i++) {
		object_put(w, i ? ", " : "");
		object_write_value(w, part[i]);
	}
	object_put(w, ")");
	object_leave(w);
	return true;
}

/* <Color.RED: 1> */
bool object_write_enum(struct object_writer *w, uint64_t object, const struct type *type)
{
	struct dict_cursor cursor;
	uint64_t key, value, member = 0, member_value = 0;
	struct type class;
	bool again;

	if (!type_of(w->space, type->address, &class) ||
	    (strcmp(class.name, "EnumType") != 0 && strcmp(class.name, "EnumMeta") != 0) ||
	    !dict_open_attributes(w->space, object, type, &cursor))
		return false;
	while (dict_next(&cursor, &key, &value)) {
		if (unicode_equals(w->space, key, "_name_"))
			member = value;
		else if (unicode_equals(w->space, key, "_value_"))
			member_value = value;
	}
	if (!member || !member_value || !object_enter(w, object, &again))
		return false;
	object_put(w, "<");
	text_repair(type->name, strlen(type->name), OBJECT_NAME_BYTES, w->out);
	object_put(w, ".");
	object_put_name(w, member);
	object_put(w, ": ");
	object_write_value(w, member_value);
	object_put(w, ">");
	object_leave(w);
	return true;
}
