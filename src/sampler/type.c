#include "sampler/type.h"

#include <string.h>

#include "base/text.h"
#include "sampler/dict.h"
#include "sampler/unicode.h"

#define NAME_BYTES 256u
#define TYPE_BYTES 1024u

bool type_read(const struct space *space, uint64_t address, struct type *type)
{
	unsigned char bytes[TYPE_BYTES];

	*type = (struct type){.address = address};
	if (!address || address % 8 || space->objects->type_size > sizeof(bytes) ||
	    !pages_read(space->pages, address, bytes, space->objects->type_size))
		return false;
	type->words = pyabi_type_of(space->objects, bytes);
	return pages_read_string(space->pages, type->words.name, type->name, sizeof(type->name)) &&
	       *type->name;
}

bool type_of(const struct space *space, uint64_t object, struct type *type)
{
	uint64_t address;

	return object && object % 8 == 0 &&
	       pages_read_u64(space->pages, object + space->objects->object_type, &address) &&
	       type_read(space, address, type);
}

/* A class made by Python code, or by C code at run time, keeps its module in its dict. */
static bool find_module(const struct space *space, const struct type *type, char *module,
			size_t size)
{
	struct dict_cursor cursor;
	uint64_t dict, value, used;

	return pages_read_u64(space->pages, type->address + space->builtins->type_dict, &dict) &&
	       dict_open(space, dict, &cursor, &used) && dict_find(&cursor, "__module__", &value) &&
	       unicode_read(space, value, module, size);
}

void type_write_name(const struct space *space, const struct type *type, struct buffer *out)
{
	char module[NAME_BYTES], name[NAME_BYTES];
	uint64_t qualname;

	if (type->words.flags & PYABI_TYPE_HEAP &&
	    find_module(space, type, module, sizeof(module)) &&
	    pages_read_u64(space->pages, type->address + space->builtins->heap_type_qualname,
			   &qualname) &&
	    unicode_read(space, qualname, name, sizeof(name))) {
		if (strcmp(module, "builtins") != 0)
			buffer_add_format(out, "%s.", module);
		buffer_add(out, name, strlen(name));
		return;
	}
	text_repair(type->name, strlen(type->name), NAME_BYTES, out);
}
