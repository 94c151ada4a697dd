#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/type.h"

/* What a variable of a frame is to its function. */
enum local_kind {
	LOCAL_ARGUMENT,
	LOCAL_VARIABLE,
	LOCAL_FREE, /* of a function around it */
	LOCAL_NAME, /* of a module or class body */
};

struct local {
	char name[128];
	enum local_kind kind;
	bool is_integer; /* a tagged integer, which is no object: `integer` */
	int64_t integer;
	uint64_t object;
};

struct locals_choice {
	size_t most;
	/* Of a module or class body also modules, functions and classes: what it defines or
	 * imports. */
	bool definitions;
};

/*
 * Calls `visit` for each variable of a frame that has a value, in Python's own order (arguments,
 * others, free ones). Cells are followed. frame, code: addresses as struct probe_frame has them;
 * the frame must stand still, or values may be those of another. Names that begin and end with two
 * underscores are left out. Returns how many it left out because there were too many.
 */
size_t locals_visit(const struct space *space, uint64_t frame, uint64_t code,
		    const struct locals_choice *choice,
		    void (*visit)(const struct local *local, void *data), void *data);
