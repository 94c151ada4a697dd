#pragma once

#include "base/buffer.h"
#include "capture/cursor.h"

/*
 * Most payloads are a row of sections: type, length, body. A reader passes over types that it does
 * not know, and over what a later version put behind the part of a body that it does know.
 */
struct section {
	uint64_t type;
	struct cursor body;
};

/* False at the end, and when the payload breaks off (then payload->failed). */
static inline bool section_next(struct cursor *payload, struct section *section)
{
	const unsigned char *bytes;
	size_t length;

	if (!cursor_left(payload))
		return false;
	section->type = cursor_varint(payload);
	length = cursor_bounded(payload, cursor_left(payload));
	bytes = cursor_bytes(payload, length);
	if (payload->failed)
		return false;
	section->body = cursor_over(bytes, length);
	return true;
}

static inline void section_add(struct buffer *out, unsigned type, const struct buffer *body)
{
	buffer_add_varint(out, type);
	buffer_add_varint(out, body->used);
	buffer_add(out, body->data, body->used);
	if (body->failed)
		out->failed = true;
}

static inline void section_add_difference(struct buffer *out, uint64_t value, uint64_t from)
{
	buffer_add_varint(out, cursor_zigzag(value - from));
}

static inline uint64_t section_difference(struct cursor *c, uint64_t from)
{
	return from + cursor_unzigzag(cursor_varint(c));
}
