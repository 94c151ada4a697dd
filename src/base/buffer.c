#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_BYTES 256u

void buffer_init(struct buffer *b, size_t ceiling)
{
	*b = (struct buffer){.ceiling = ceiling};
}

void buffer_deinit(struct buffer *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct buffer){.ceiling = b->ceiling};
}

void buffer_clear(struct buffer *b)
{
	b->used = 0;
	b->failed = false;
}

static bool buffer_grow(struct buffer *b, size_t bytes)
{
	size_t wanted;
	unsigned char *data;

	if (bytes > b->ceiling || b->used > b->ceiling - bytes)
		goto fail;
	wanted = b->allocated ? b->allocated : BUFFER_FIRST_BYTES;
	if (wanted > b->ceiling)
		wanted = b->ceiling;
	while (wanted < b->used + bytes) {
		if (wanted > b->ceiling / 2) {
			wanted = b->ceiling;
			break;
		}
		wanted *= 2;
	}
	if (wanted > PTRDIFF_MAX)
		goto fail;
	data = realloc(b->data, wanted);
	if (!data)
		goto fail;
	b->data = data;
	b->allocated = wanted;
	return true;
fail:
	b->failed = true;
	return false;
}

bool buffer_reserve(struct buffer *b, size_t bytes)
{
	if (b->failed)
		return false;
	if (bytes <= b->allocated - b->used)
		return true;
	return buffer_grow(b, bytes);
}

void buffer_add(struct buffer *b, const void *data, size_t bytes)
{
	if (!bytes || !buffer_reserve(b, bytes))
		return;
	memcpy(b->data + b->used, data, bytes);
	b->used += bytes;
}

void buffer_add_byte(struct buffer *b, uint8_t byte)
{
	if (!buffer_reserve(b, 1))
		return;
	b->data[b->used++] = byte;
}

void buffer_add_varint(struct buffer *b, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	while (value >= 0x80) {
		bytes[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[n++] = (uint8_t)value;
	buffer_add(b, bytes, n);
}

void buffer_add_format(struct buffer *b, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0) {
		b->failed = true;
		return;
	}
	if ((size_t)length + 1 > b->ceiling - b->used && (size_t)length <= b->ceiling - b->used) {
		/* It fits but for vsnprintf's terminator. */
		char *text = malloc((size_t)length + 1);

		if (!text) {
			b->failed = true;
			return;
		}
		va_start(args, format);
		vsnprintf(text, (size_t)length + 1, format, args);
		va_end(args);
		buffer_add(b, text, (size_t)length);
		free(text);
		return;
	}
	if (!buffer_reserve(b, (size_t)length + 1))
		return;
	va_start(args, format);
	vsnprintf((char *)b->data + b->used, (size_t)length + 1, format, args);
	va_end(args);
	b->used += (size_t)length;
}
