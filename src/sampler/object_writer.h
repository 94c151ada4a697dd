#pragma once

#include "sampler/object.h"

/*
 * The inside of object.c and the files object_*.c, which write objects of one kind each.
 *
 * Invariants, whatever the target's memory holds:
 *
 *   1. Recursion ends: depth grows with each container and is at most OBJECT_DEPTH_MOST.
 *   2. Loops end: each is bounded by a limit of ours, never by a number of the target's alone.
 *   3. A size of the target's is compared with a limit before it is multiplied.
 *   4. Text grows by one item at most after it has reached limits->bytes.
 */
#define OBJECT_NAME_BYTES  256u
#define OBJECT_LENGTH_MOST (1ull << 48) /* of anything, to be believed */
#define OBJECT_WORD        8u

struct object_writer {
	const struct space *space;
	const struct object_limits *limits;
	struct buffer *out;
	size_t begun;
	uint64_t path[OBJECT_DEPTH_MOST]; /* containers that are being written */
	unsigned depth;
};

/* Writes an object of one kind. False: nothing was written, it cannot be read. */
typedef bool object_kind(struct object_writer *w, uint64_t object, const struct type *type);

object_kind object_write_none, object_write_ellipsis, object_write_not_implemented;
object_kind object_write_int, object_write_bool, object_write_float, object_write_complex;
object_kind object_write_str, object_write_bytes, object_write_bytearray;
object_kind object_write_list, object_write_tuple, object_write_dict, object_write_set;
object_kind object_write_frozenset, object_write_exception;
object_kind object_write_class, object_write_function, object_write_method, object_write_builtin;
object_kind object_write_module, object_write_code, object_write_generator, object_write_range;
object_kind object_write_slice, object_write_proxy;
/* False also where it is no member of an enum.Enum. */
object_kind object_write_enum;

/* An object of any kind, or "<unreadable>". */
void object_write_value(struct object_writer *w, uint64_t object);

void object_put(struct object_writer *w, const char *text);
/* The text of a str as it is, or "?"; the second: of the one whose address is there. */
void object_put_name(struct object_writer *w, uint64_t str);
void object_put_name_at(struct object_writer *w, uint64_t address);
/* " at 0x7f.." */
void object_put_address(struct object_writer *w, uint64_t object);

bool object_read_word(const struct object_writer *w, uint64_t address, uint64_t *word);
/* Whether nothing new is to be begun. */
bool object_is_full(const struct object_writer *w);

/* One more container on the way from the value to what is being written; false if it is there
 * already (*again), or this is as deep as the limits let it be. */
bool object_enter(struct object_writer *w, uint64_t object, bool *again);
void object_leave(struct object_writer *w);
