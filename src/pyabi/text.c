#include <string.h>

#include "pyabi/layout.h"

#define REPLACEMENT 0xfffdu /* for what is no character */

static char *write_decimal(uint32_t value, char *out)
{
	char digits[10];
	unsigned count = 0;

	do {
		digits[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	while (count > 0)
		*out++ = digits[--count];
	return out;
}

void pyabi_version_text(uint32_t version_hex, char *buffer, size_t size)
{
	char text[24]; /* "255.255.255rc15" at most */
	char *end = text;
	size_t length;

	if (size == 0)
		return;
	end = write_decimal(version_hex >> 24, end);
	*end++ = '.';
	end = write_decimal(version_hex >> 16 & 0xff, end);
	*end++ = '.';
	end = write_decimal(version_hex >> 8 & 0xff, end);
	switch (version_hex >> 4 & 0xf) {
	case 0xa:
		*end++ = 'a';
		end = write_decimal(version_hex & 0xf, end);
		break;
	case 0xb:
		*end++ = 'b';
		end = write_decimal(version_hex & 0xf, end);
		break;
	case 0xc:
		*end++ = 'r';
		*end++ = 'c';
		end = write_decimal(version_hex & 0xf, end);
		break;
	}
	length = (size_t)(end - text);
	if (length > size - 1)
		length = size - 1;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
}

/* A decimal number of at most `most`; NULL if there is none. */
static const char *parse_decimal(const char *text, uint32_t most, uint32_t *value)
{
	if (*text < '0' || *text > '9')
		return NULL;
	*value = 0;
	while (*text >= '0' && *text <= '9') {
		*value = *value * 10 + (uint32_t)(*text++ - '0');
		if (*value > most)
			return NULL;
	}
	return text;
}

uint32_t pyabi_version_parse(const char *text, const char **end)
{
	uint32_t part[3], level = 0xf, serial = 0;

	for (unsigned i = 0; i < 3; i++) {
		if (i > 0 && *text++ != '.')
			return 0;
		text = parse_decimal(text, 255, &part[i]);
		if (text == NULL)
			return 0;
	}
	if (*text == 'a' || *text == 'b' || (*text == 'r' && text[1] == 'c')) {
		level = *text == 'a' ? 0xa : *text == 'b' ? 0xb : 0xc;
		text = parse_decimal(text + (*text == 'r' ? 2 : 1), 15, &serial);
		if (text == NULL)
			return 0;
	}
	if (end != NULL)
		*end = text;
	return part[0] << 24 | part[1] << 16 | part[2] << 8 | level << 4 | serial;
}

struct pyabi_text pyabi_text_of(const struct pyabi_layout *layout, uint32_t state)
{
	struct pyabi_text text = {.compact = false};
	unsigned kind = state >> layout->unicode_kind_shift & 7;
	bool ascii = state >> layout->unicode_ascii_shift & 1;

	/* PyUnicode_1BYTE_KIND, 2, 4; up to 3.11 kind 0 is a str that is not made yet */
	if (kind != 1 && kind != 2 && kind != 4)
		return text;
	if (ascii && kind != 1)
		return text;
	text.char_bytes = kind;
	text.compact = state >> layout->unicode_compact_shift & 1;
	text.data_offset = ascii ? layout->unicode_ascii_data : layout->unicode_compact_data;
	return text;
}

static uint32_t character(unsigned char_bytes, const void *text, size_t index)
{
	const char *at = (const char *)text + index * char_bytes;
	uint32_t value = 0;

	memcpy(&value, at, char_bytes); /* little-endian, and not aligned in a copy */
	if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return REPLACEMENT;
	return value;
}

static unsigned encode(uint32_t value, unsigned char out[4])
{
	if (value < 0x80) {
		out[0] = (unsigned char)value;
		return 1;
	}
	if (value < 0x800) {
		out[0] = (unsigned char)(0xc0 | value >> 6);
		out[1] = (unsigned char)(0x80 | (value & 63));
		return 2;
	}
	if (value < 0x10000) {
		out[0] = (unsigned char)(0xe0 | value >> 12);
		out[1] = (unsigned char)(0x80 | (value >> 6 & 63));
		out[2] = (unsigned char)(0x80 | (value & 63));
		return 3;
	}
	out[0] = (unsigned char)(0xf0 | value >> 18);
	out[1] = (unsigned char)(0x80 | (value >> 12 & 63));
	out[2] = (unsigned char)(0x80 | (value >> 6 & 63));
	out[3] = (unsigned char)(0x80 | (value & 63));
	return 4;
}

size_t pyabi_text_to_utf8(unsigned char_bytes, const void *text, size_t length, char *out,
			  size_t size)
{
	size_t needed = 0;
	size_t written = 0;

	if (char_bytes != 1 && char_bytes != 2 && char_bytes != 4)
		length = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char utf8[4];
		unsigned bytes = encode(character(char_bytes, text, i), utf8);

		/* what does not fit ends the text: no half character, and nothing behind it */
		if (written == needed && size > 0 && bytes <= size - 1 - written) {
			memcpy(out + written, utf8, bytes);
			written += bytes;
		}
		needed += bytes;
	}
	if (size > 0)
		out[written] = '\0';
	return needed;
}
