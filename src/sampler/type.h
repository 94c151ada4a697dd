#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "sampler/space.h"

/* What of a type of another process is needed to show its objects. */
struct type {
	uint64_t address;
	struct pyabi_type words;
	char name[128]; /* tp_name: "module.name" for those made in C, else the name alone */
};

/* False if there is nothing that looks like a type. */
bool type_read(const struct space *space, uint64_t address, struct type *type);
bool type_of(const struct space *space, uint64_t object, struct type *type);

/* Adds "int", "collections.deque", "app.Outer.Point": module, but for builtins, and qualified
 * name. */
void type_write_name(const struct space *space, const struct type *type, struct buffer *out);
