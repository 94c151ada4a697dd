#include "sampler/object_writer.h"

#include <string.h>

#include "base/text.h"
#include "sampler/dict.h"

#define SET_LOOKS 65536u /* places of a set's table */

/* What a container is written between. */
struct brackets {
	const char *open, *close;
	const char *empty; /* NULL: open and close */
};

/* Whether the items of a container are to be written; else all of it was. */
static bool open_brackets(struct object_writer *w, uint64_t object, const struct brackets *brackets,
			  uint64_t count)
{
	bool again;

	if (!count && brackets->empty) {
		object_put(w, brackets->empty);
		return false;
	}
	object_put(w, brackets->open);
	if (count && object_enter(w, object, &again))
		return true;
	if (count && again)
		object_put(w, "...");
	else if (count)
		buffer_add_format(w->out, "... %llu item%s", (unsigned long long)count,
				  count == 1 ? "" : "s");
	object_put(w, brackets->close);
	return false;
}

static void close_brackets(struct object_writer *w, const struct brackets *brackets)
{
	object_leave(w);
	object_put(w, brackets->close);
}

/* "... 97 more" */
static void put_more(struct object_writer *w, uint64_t more)
{
	buffer_add_format(w->out, "... %llu more", (unsigned long long)more);
}

/* What a mappingproxy shows another dict by. */
bool object_write_proxy(struct object_writer *w, uint64_t object, const struct type *type)
{
	uint64_t mapping;
	bool again;

	(void)type;
	if (!object_read_word(w, object + w->space->builtins->proxy_mapping, &mapping))
		return false;
	object_put(w, "mappingproxy(");
	if (object_enter(w, object, &again)) {
		object_write_value(w, mapping);
		object_leave(w);
	} else {
		object_put(w, "...");
	}
	object_put(w, ")");
	return true;
}

/* Before item number `at`: whether there is room for it; if not, says how many more there are. */
static bool begin_item(struct object_writer *w, uint64_t at, uint64_t count)
{
	if (at)
		object_put(w, ", ");
	if (at < w->limits->items && !object_is_full(w))
		return true;
	put_more(w, count - at);
	return false;
}

static void write_row(struct object_writer *w, uint64_t items, uint64_t count)
{
	uint64_t item;

	for (uint64_t at = 0; at < count && begin_item(w, at, count); at++) {
		if (!object_read_word(w, items + at * OBJECT_WORD, &item))
			item = 0;
		object_write_value(w, item);
	}
}

bool object_write_list(struct object_writer *w, uint64_t object, const struct type *type)
{
	static const struct brackets brackets = {"[", "]", NULL};
	uint64_t items, count;

	(void)type;
	if (!object_read_word(w, object + w->space->objects->var_size, &count) ||
	    !object_read_word(w, object + w->space->objects->list_items, &items) ||
	    count > OBJECT_LENGTH_MOST)
		return false;
	if (open_brackets(w, object, &brackets, count)) {
		write_row(w, items, count);
		close_brackets(w, &brackets);
	}
	return true;
}

bool object_write_tuple(struct object_writer *w, uint64_t object, const struct type *type)
{
	static const struct brackets pair = {"(", ")", NULL}, single = {"(", ",)", NULL};
	const struct brackets *brackets;
	uint64_t count;

	(void)type;
	if (!object_read_word(w, object + w->space->objects->var_size, &count) ||
	    count > OBJECT_LENGTH_MOST)
		return false;
	brackets = count == 1 ? &single : &pair;
	if (open_brackets(w, object, brackets, count)) {
		write_row(w, object + w->space->objects->tuple_items, count);
		close_brackets(w, brackets);
	}
	return true;
}

bool object_write_dict(struct object_writer *w, uint64_t object, const struct type *type)
{
	static const struct brackets brackets = {"{", "}", NULL};
	struct dict_cursor cursor;
	uint64_t key, value, used;

	(void)type;
	if (!dict_open(w->space, object, &cursor, &used) || used > OBJECT_LENGTH_MOST)
		return false;
	if (!open_brackets(w, object, &brackets, used))
		return true;
	for (uint64_t at = 0; at < used && begin_item(w, at, used); at++) {
		if (!dict_next(&cursor, &key, &value)) {
			object_put(w, "<unreadable>");
			break;
		}
		object_write_value(w, key);
		object_put(w, ": ");
		object_write_value(w, value);
	}
	close_brackets(w, &brackets);
	return true;
}

/* The next member of a set's table: NULL is free, and what was taken out has a hash of -1. */
static bool next_member(const struct object_writer *w, uint64_t table, uint64_t places,
			uint64_t *place, uint64_t *member)
{
	const struct pyabi_objects *objects = w->space->objects;
	uint64_t hash;

	while (*place < places && *place < SET_LOOKS) {
		uint64_t entry = table + *place * objects->set_entry_size;

		if (!object_read_word(w, entry + objects->set_entry_key, member) ||
		    !object_read_word(w, entry + objects->set_entry_hash, &hash))
			return false;
		++*place;
		if (*member && hash != UINT64_MAX)
			return true;
	}
	return false;
}

static bool write_members(struct object_writer *w, uint64_t object, const struct brackets *brackets)
{
	const struct pyabi_objects *objects = w->space->objects;
	uint64_t used, mask, table, member, place = 0;

	if (!object_read_word(w, object + objects->set_used, &used) ||
	    !object_read_word(w, object + objects->set_mask, &mask) ||
	    !object_read_word(w, object + objects->set_table, &table) ||
	    mask > OBJECT_LENGTH_MOST || used > mask + 1)
		return false;
	if (!open_brackets(w, object, brackets, used))
		return true;
	for (uint64_t at = 0; at < used && begin_item(w, at, used); at++) {
		if (!next_member(w, table, mask + 1, &place, &member)) {
			put_more(w, used - at);
			break;
		}
		object_write_value(w, member);
	}
	close_brackets(w, brackets);
	return true;
}

bool object_write_set(struct object_writer *w, uint64_t object, const struct type *type)
{
	static const struct brackets brackets = {"{", "}", "set()"};

	(void)type;
	return write_members(w, object, &brackets);
}

bool object_write_frozenset(struct object_writer *w, uint64_t object, const struct type *type)
{
	static const struct brackets brackets = {"frozenset({", "})", "frozenset()"};

	(void)type;
	return write_members(w, object, &brackets);
}

/* ValueError('x'), as BaseException.__repr__ has it: a single argument without a comma. */
bool object_write_exception(struct object_writer *w, uint64_t object, const struct type *type)
{
	static const struct brackets brackets = {"(", ")", NULL};
	const char *dot = strrchr(type->name, '.');
	uint64_t args, count;
	struct type args_type;

	if (!object_read_word(w, object + w->space->builtins->exception_args, &args) ||
	    !type_of(w->space, args, &args_type) || strcmp(args_type.name, "tuple") != 0 ||
	    !object_read_word(w, args + w->space->objects->var_size, &count) ||
	    count > OBJECT_LENGTH_MOST)
		return false;
	text_repair(dot ? dot + 1 : type->name, strlen(dot ? dot + 1 : type->name),
		    OBJECT_NAME_BYTES, w->out);
	if (open_brackets(w, object, &brackets, count)) {
		write_row(w, args + w->space->objects->tuple_items, count);
		close_brackets(w, &brackets);
	}
	return true;
}
