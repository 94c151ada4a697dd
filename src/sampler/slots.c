#include "sampler/slots.h"

#include <string.h>

#define CLASSES_MOST 32u
#define LOOKS_MOST   1024u
#define WORD         8u

/* Types of members that are objects: Include/structmember.h */
#define MEMBER_OBJECT    6u
#define MEMBER_OBJECT_EX 16u

void slots_open(const struct space *space, uint64_t object, const struct type *type,
		struct slots_cursor *cursor)
{
	uint64_t count = 0;

	*cursor = (struct slots_cursor){
		.space = space,
		.object = object,
		.object_bytes = type->words.basicsize,
		.mro = type->words.mro,
	};
	if (!cursor->mro || cursor->mro % WORD ||
	    !pages_read_u64(space->pages, cursor->mro + space->objects->var_size, &count))
		return;
	cursor->next_class = count < CLASSES_MOST ? (uint32_t)count : CLASSES_MOST;
}

static bool open_class(struct slots_cursor *cursor)
{
	const struct space *space = cursor->space;
	uint64_t address, dict, used;
	struct type type;

	cursor->looks = 0;
	return pages_read_u64(space->pages,
			      cursor->mro + space->objects->tuple_items +
				      --cursor->next_class * (uint64_t)WORD,
			      &address) &&
	       type_read(space, address, &type) && type.words.flags & PYABI_TYPE_HEAP &&
	       pages_read_u64(space->pages, address + space->builtins->type_dict, &dict) &&
	       dict_open(space, dict, &cursor->members, &used);
}

/* What a descriptor of a class says of the instance; false if it is none, or there is no value. */
static bool read_slot(const struct slots_cursor *cursor, uint64_t descriptor, char *name,
		      size_t size, uint64_t *value)
{
	const struct pyabi_builtins *builtins = cursor->space->builtins;
	struct pages *pages = cursor->space->pages;
	uint64_t definition, name_at, offset;
	struct type type;
	uint32_t kind;

	return type_of(cursor->space, descriptor, &type) &&
	       strcmp(type.name, "member_descriptor") == 0 &&
	       pages_read_u64(pages, descriptor + builtins->member_definition, &definition) &&
	       pages_read_u64(pages, definition + builtins->member_name, &name_at) &&
	       pages_read_u32(pages, definition + builtins->member_type, &kind) &&
	       pages_read_u64(pages, definition + builtins->member_offset, &offset) &&
	       (kind == MEMBER_OBJECT || kind == MEMBER_OBJECT_EX) &&
	       offset < (uint64_t)cursor->object_bytes && offset % WORD == 0 &&
	       pages_read_string(pages, name_at, name, size) &&
	       pages_read_u64(pages, cursor->object + offset, value) && *value;
}

bool slots_next(struct slots_cursor *cursor, char *name, size_t size, uint64_t *value)
{
	uint64_t key, descriptor;

	for (;;) {
		while (cursor->in_class && cursor->looks++ < LOOKS_MOST &&
		       dict_next(&cursor->members, &key, &descriptor))
			if (read_slot(cursor, descriptor, name, size, value))
				return true;
		if (!cursor->next_class)
			return false;
		cursor->in_class = open_class(cursor);
	}
}
