#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes values from bytes that are not trusted. What is not there sets `failed` and reads as 0 from
 * then on, so a parser may check once per record. */
struct cursor {
	const unsigned char *p, *end;
	bool failed;
};

/* bytes may be NULL if there are none. */
static inline struct cursor cursor_over(const void *bytes, size_t length)
{
	const unsigned char *p = length ? bytes : (const unsigned char *)"";

	return (struct cursor){.p = p, .end = p + length};
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline uint64_t cursor_fail(struct cursor *c)
{
	c->failed = true;
	c->p = c->end;
	return 0;
}

static inline uint8_t cursor_byte(struct cursor *c)
{
	if (c->p == c->end)
		return (uint8_t)cursor_fail(c);
	return *c->p++;
}

/* LEB128, at most ten bytes, not beyond 64 bits. */
static inline uint64_t cursor_varint(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_byte(c);

		if (c->failed || (shift == 63 && byte > 1))
			return cursor_fail(c);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	return cursor_fail(c);
}

/* A varint that may not be above `ceiling`. */
static inline uint64_t cursor_bounded(struct cursor *c, uint64_t ceiling)
{
	uint64_t value = cursor_varint(c);

	return value > ceiling ? cursor_fail(c) : value;
}

static inline const unsigned char *cursor_bytes(struct cursor *c, size_t length)
{
	const unsigned char *p = c->p;

	if (length > cursor_left(c)) {
		cursor_fail(c);
		return NULL;
	}
	c->p += length;
	return p;
}

/* The rest of a difference of two unsigned values: 0, 1, 2, .. stand for 0, -1, 1, -2, .. */
static inline uint64_t cursor_zigzag(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t cursor_unzigzag(uint64_t value)
{
	return value >> 1 ^ (0 - (value & 1));
}
