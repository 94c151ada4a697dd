#include "tui/needle.h"

#include <string.h>

#include "tui/keys.h"

#define CONTROL(c) ((c)&0x1f)

bool needle_passes(const struct needle *needle, const char *text)
{
	for (const char *at = needle->text; *at; at++) {
		if (*at >= 'A' && *at <= 'Z')
			return strstr(text, needle->text);
	}
	return strcasestr(text, needle->text);
}

void needle_clear(struct needle *needle)
{
	needle->bytes = 0;
	needle->text[0] = '\0';
}

/* Bytes of a character in UTF-8; 0 if it is none. */
static size_t encode(uint32_t c, char utf8[4])
{
	if (c < 0x80) {
		utf8[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		utf8[0] = (char)(0xc0 | c >> 6);
		utf8[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		utf8[0] = (char)(0xe0 | c >> 12);
		utf8[1] = (char)(0x80 | (c >> 6 & 0x3f));
		utf8[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	if (c > 0x10ffff)
		return 0;
	utf8[0] = (char)(0xf0 | c >> 18);
	utf8[1] = (char)(0x80 | (c >> 12 & 0x3f));
	utf8[2] = (char)(0x80 | (c >> 6 & 0x3f));
	utf8[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void needle_add(struct needle *needle, uint32_t key)
{
	char utf8[4];
	size_t bytes = key < 0x20 || key == 0x7f ? 0 : encode(key, utf8);

	if (needle->bytes + bytes >= sizeof(needle->text))
		return;
	memcpy(needle->text + needle->bytes, utf8, bytes);
	needle->bytes += bytes;
	needle->text[needle->bytes] = '\0';
}

static void needle_cut(struct needle *needle)
{
	while (needle->bytes && ((unsigned char)needle->text[--needle->bytes] & 0xc0) == 0x80)
		;
	needle->text[needle->bytes] = '\0';
}

void needle_key(struct needle *needle, uint32_t key)
{
	switch (key) {
	case KEY_OF_ENTER:
	case '\n':
		needle->editing = false;
		break;
	case KEY_OF_ESCAPE:
		needle->editing = false;
		needle_clear(needle);
		break;
	case KEY_OF_BACKSPACE:
		needle_cut(needle);
		break;
	case CONTROL('u'):
		needle_clear(needle);
		break;
	default:
		needle_add(needle, key);
		break;
	}
}
