#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "sampler/type.h"

/* How much of a value is shown. */
struct object_limits {
	unsigned depth;      /* of containers within each other, at most OBJECT_DEPTH_MOST */
	unsigned items;      /* of one container */
	unsigned attributes; /* of one instance */
	unsigned characters; /* of one str or bytes, and decimal digits of an int */
	size_t bytes;        /* of the whole text, about: nothing new is begun beyond it */
};
#define OBJECT_DEPTH_MOST 16u

/*
 * Adds a value's text to *out: as repr() has it for None, bool, int, float, complex, str, bytes,
 * bytearray, list, tuple, dict, set, frozenset, range, Ellipsis, NotImplemented, functions,
 * methods, classes, generators and exceptions; "<module.Class object at 0x...>" for other
 * instances, with some attributes where the limits allow. Instances of a subclass of one of the
 * former are shown as "module.Class(...)". No code of the target runs: a __repr__ of its own is not
 * asked.
 *
 * What is left out is said: "... 97 more", "(5000 characters)", "<int of 12345 bits>", "[...]" for
 * what holds itself or lies too deep; "<unreadable>" where memory is not what it should be.
 */
void object_write(const struct space *space, uint64_t object, const struct object_limits *limits,
		  struct buffer *out);
