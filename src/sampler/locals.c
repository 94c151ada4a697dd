#include "sampler/locals.h"

#include <string.h>

#include "sampler/dict.h"
#include "sampler/unicode.h"

#define SLOTS_MOST     4096u
#define CO_OPTIMIZED   0x1u
#define CO_VARARGS     0x4u
#define CO_VARKEYWORDS 0x8u
#define WORD           8u

struct visitor {
	const struct space *space;
	const struct locals_choice *choice;
	size_t visited, left_out;
	void (*visit)(const struct local *local, void *data);
	void *data;
	struct local local;
};

/* Python's own: __name__ of a module, __classdict__ of a class body. */
static bool is_dunder(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && strncmp(name, "__", 2) == 0 && strcmp(name + length - 2, "__") == 0;
}

static void visit(struct visitor *v)
{
	if (is_dunder(v->local.name))
		return;
	if (v->visited >= v->choice->most) {
		v->left_out++;
		return;
	}
	v->visited++;
	v->visit(&v->local, v->data);
}

/* A tuple's items. */
struct row {
	uint64_t items, count;
};

static bool open_tuple(const struct space *space, uint64_t tuple, struct row *row)
{
	row->items = tuple + space->objects->tuple_items;
	return tuple && tuple % 8 == 0 &&
	       pages_read_u64(space->pages, tuple + space->objects->var_size, &row->count) &&
	       row->count <= SLOTS_MOST;
}

static bool open_tuple_at(const struct space *space, uint64_t address, struct row *row)
{
	uint64_t tuple;

	return pages_read_u64(space->pages, address, &tuple) && open_tuple(space, tuple, row);
}

/* Puts what a slot refers to into v->local; false where that is nothing. */
static bool take_slot(struct visitor *v, uint64_t slot, bool may_be_cell)
{
	struct pyabi_reference reference;
	struct type type;
	uint64_t word;

	if (!pages_read_u64(v->space->pages, slot, &word))
		return false;
	reference = pyabi_reference_of(v->space->objects, word);
	v->local.is_integer = reference.kind == PYABI_REFERENCE_INT;
	if (v->local.is_integer) {
		v->local.integer = reference.integer;
		return true;
	}
	if (reference.kind != PYABI_REFERENCE_OBJECT)
		return false;
	v->local.object = reference.object;
	if (may_be_cell && type_of(v->space, v->local.object, &type) &&
	    strcmp(type.name, "cell") == 0 &&
	    !pages_read_u64(v->space->pages, v->local.object + v->space->objects->cell_contents,
			    &v->local.object))
		return false;
	return v->local.object;
}

static bool take_name(struct visitor *v, const struct row *names, uint64_t at)
{
	uint64_t name;

	if (!pages_read_u64(v->space->pages, names->items + at * WORD, &name))
		return false;
	if (!unicode_read(v->space, name, v->local.name, sizeof(v->local.name)))
		memcpy(v->local.name, "?", 2);
	return true;
}

static uint32_t count_arguments(const struct space *space, uint64_t code, uint32_t flags)
{
	const struct pyabi_layout *layout = space->layout;
	uint32_t positional, keyword_only;

	if (!pages_read_u32(space->pages, code + layout->code_argcount, &positional) ||
	    !pages_read_u32(space->pages, code + space->builtins->code_kwonlyargcount,
			    &keyword_only) ||
	    positional > SLOTS_MOST || keyword_only > SLOTS_MOST)
		return 0;
	return positional + keyword_only + !!(flags & CO_VARARGS) + !!(flags & CO_VARKEYWORDS);
}

/* 3.11+: one row of slots, whose kinds are told by a byte each. */
static void visit_kinds(struct visitor *v, uint64_t slots, uint64_t code, uint32_t arguments)
{
	const struct pyabi_layout *layout = v->space->layout;
	struct row names;
	uint64_t kinds;

	if (!open_tuple_at(v->space, code + layout->code_localsplusnames, &names) ||
	    !pages_read_u64(v->space->pages, code + layout->code_localspluskinds, &kinds))
		return;
	for (uint64_t i = 0; i < names.count; i++) {
		uint8_t kind;

		if (!pages_read(v->space->pages, kinds + layout->bytes_data + i, &kind, 1) ||
		    !take_slot(v, slots + i * WORD, kind & (PYABI_LOCAL_CELL | PYABI_LOCAL_FREE)) ||
		    !take_name(v, &names, i))
			continue;
		v->local.kind = i < arguments             ? LOCAL_ARGUMENT
				: kind & PYABI_LOCAL_FREE ? LOCAL_FREE
							  : LOCAL_VARIABLE;
		visit(v);
	}
}

/* Whether a variable of a cell is an argument too: both name it by the same str. */
static bool is_argument(struct visitor *v, const struct row *cells, uint64_t at,
			const struct row *names, uint32_t arguments)
{
	uint64_t cell_name, name;

	if (!pages_read_u64(v->space->pages, cells->items + at * WORD, &cell_name))
		return false;
	for (uint64_t i = 0; i < arguments && i < names->count; i++)
		if (pages_read_u64(v->space->pages, names->items + i * WORD, &name) &&
		    name == cell_name)
			return true;
	return false;
}

/* Up to 3.10: variables, cells and free variables follow each other, each with its own names. */
static void visit_rows(struct visitor *v, uint64_t slots, uint64_t code, uint32_t arguments)
{
	const struct pyabi_layout *layout = v->space->layout;
	struct row rows[3];

	if (!open_tuple_at(v->space, code + layout->code_varnames, &rows[0]) ||
	    !open_tuple_at(v->space, code + layout->code_cellvars, &rows[1]) ||
	    !open_tuple_at(v->space, code + layout->code_freevars, &rows[2]))
		return;
	for (unsigned r = 0; r < 3; r++) {
		for (uint64_t i = 0; i < rows[r].count; i++, slots += WORD) {
			if (!take_slot(v, slots, r > 0) || !take_name(v, &rows[r], i))
				continue;
			v->local.kind = r == 2 ? LOCAL_FREE : LOCAL_VARIABLE;
			if (r == 0 ? i < arguments
				   : r == 1 && is_argument(v, &rows[1], i, &rows[0], arguments))
				v->local.kind = LOCAL_ARGUMENT;
			visit(v);
		}
	}
}

static bool is_definition(struct visitor *v)
{
	struct type type;

	return type_of(v->space, v->local.object, &type) &&
	       (type.words.flags & PYABI_TYPE_TYPE || strcmp(type.name, "module") == 0 ||
		strcmp(type.name, "function") == 0 ||
		strcmp(type.name, "builtin_function_or_method") == 0);
}

/* The variables of a module or of a class that is being made. */
static void visit_names(struct visitor *v, uint64_t frame)
{
	struct dict_cursor cursor;
	uint64_t dict, key, used;

	if (!pages_read_u64(v->space->pages, frame + v->space->layout->frame_locals, &dict) ||
	    !dict_open(v->space, dict, &cursor, &used))
		return;
	v->local.is_integer = false;
	v->local.kind = LOCAL_NAME;
	for (unsigned i = 0; i < SLOTS_MOST && dict_next(&cursor, &key, &v->local.object); i++)
		if ((v->choice->definitions || !is_definition(v)) &&
		    unicode_read(v->space, key, v->local.name, sizeof(v->local.name)))
			visit(v);
}

size_t locals_visit(const struct space *space, uint64_t frame, uint64_t code,
		    const struct locals_choice *choice,
		    void (*callback)(const struct local *local, void *data), void *data)
{
	const struct pyabi_layout *layout = space->layout;
	struct visitor v = {.space = space, .choice = choice, .visit = callback, .data = data};
	uint64_t slots = frame + layout->frame_localsplus;
	uint32_t flags, arguments;

	if (!pages_read_u32(space->pages, code + layout->code_flags, &flags))
		return 0;
	arguments = count_arguments(space, code, flags);
	if (layout->code_localsplusnames != PYABI_NONE)
		visit_kinds(&v, slots, code, arguments);
	else
		visit_rows(&v, slots, code, arguments);
	if (!(flags & CO_OPTIMIZED))
		visit_names(&v, frame);
	return v.left_out;
}
