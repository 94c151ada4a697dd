#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growable byte buffer with a ceiling. Adding never fails loudly: what would pass the ceiling, or
 * finds no memory, sets `failed` and adds nothing more, so a writer checks once, at the end.
 */
struct buffer {
	unsigned char *data;
	size_t used;
	size_t allocated;
	size_t ceiling;
	bool failed;
};

void buffer_init(struct buffer *b, size_t ceiling);
void buffer_deinit(struct buffer *b);
void buffer_clear(struct buffer *b);
/* Room for `bytes` more at data + used; false (and failed) if there is none. */
bool buffer_reserve(struct buffer *b, size_t bytes);
void buffer_add(struct buffer *b, const void *data, size_t bytes);
void buffer_add_byte(struct buffer *b, uint8_t byte);
void buffer_add_varint(struct buffer *b, uint64_t value); /* LEB128 */
void buffer_add_format(struct buffer *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
