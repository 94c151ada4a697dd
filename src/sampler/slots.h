#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sampler/dict.h"

/*
 * The attributes of an instance that __slots__ names, those of bases first. A class keeps a
 * descriptor for each in its dict, which says where in the instance the value is.
 */
struct slots_cursor {
	const struct space *space;
	uint64_t object;
	int64_t object_bytes;
	uint64_t mro;
	uint32_t next_class; /* counts down */
	bool in_class;
	struct dict_cursor members;
	uint32_t looks; /* entries of this class' dict */
};

void slots_open(const struct space *space, uint64_t object, const struct type *type,
		struct slots_cursor *cursor);
/* The next one that has a value; false at the end. */
bool slots_next(struct slots_cursor *cursor, char *name, size_t size, uint64_t *value);
