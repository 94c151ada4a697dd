#include "report/escape.h"

#include <string.h>

#include "base/text.h"

enum {
	REPLACEMENT = 0xfffd,
};

uint32_t escape_next(const char **text)
{
	uint32_t c = REPLACEMENT;
	size_t length;

	if ((unsigned char)**text < 0x80) {
		c = (unsigned char)**text;
		*text += c != 0;
		return c;
	}
	length = text_decode(*text, strnlen(*text, 4), &c);
	*text += length == 0 ? 1 : length;
	return c;
}

static unsigned encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void put_character(FILE *out, uint32_t c)
{
	char bytes[4];

	fwrite_unlocked(bytes, 1, encode(c, bytes), out);
}

static bool xml_allows(uint32_t c)
{
	return c >= 0x20 ? c != 0x7f && c != 0xfffe && c != 0xffff
			 : c == '\t' || c == '\n' || c == '\r';
}

void escape_html(FILE *out, const char *text)
{
	uint32_t c;

	while ((c = escape_next(&text)) != 0) {
		switch (c) {
		case '&':
			fputs_unlocked("&amp;", out);
			break;
		case '<':
			fputs_unlocked("&lt;", out);
			break;
		case '>':
			fputs_unlocked("&gt;", out);
			break;
		case '"':
			fputs_unlocked("&quot;", out);
			break;
		case '\'':
			fputs_unlocked("&#39;", out);
			break;
		default:
			put_character(out, xml_allows(c) ? c : REPLACEMENT);
		}
	}
}

static bool json_plain(unsigned char c, bool html_safe)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' &&
	       !(html_safe && (c == '<' || c == '>' || c == '&'));
}

static void put_json_character(FILE *out, uint32_t c, bool html_safe)
{
	switch (c) {
	case '"':
		fputs_unlocked("\\\"", out);
		break;
	case '\\':
		fputs_unlocked("\\\\", out);
		break;
	case '\n':
		fputs_unlocked("\\n", out);
		break;
	case '\r':
		fputs_unlocked("\\r", out);
		break;
	case '\t':
		fputs_unlocked("\\t", out);
		break;
	default:
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) ||
		    (html_safe && (c < 0x7f || c == 0x2028 || c == 0x2029)))
			fprintf(out, "\\u%04x", c);
		else
			put_character(out, c);
	}
}

void escape_json(FILE *out, const char *text, bool html_safe)
{
	for (;;) {
		const char *start = text;

		while (json_plain((unsigned char)*text, html_safe))
			text++;
		if (text != start)
			fwrite_unlocked(start, 1, (size_t)(text - start), out);
		if (*text == '\0')
			return;
		put_json_character(out, escape_next(&text), html_safe);
	}
}

void escape_csv(FILE *out, const char *text)
{
	bool quoted = strpbrk(text, ",\"\r\n") != NULL;
	uint32_t c;

	if (quoted)
		putc_unlocked('"', out);
	while ((c = escape_next(&text)) != 0) {
		if (c == '"')
			putc_unlocked('"', out);
		put_character(out, c);
	}
	if (quoted)
		putc_unlocked('"', out);
}

/* Marks, embeddings, overrides and isolates of the bidirectional algorithm, and line separators. */
static bool turns_text(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

size_t escape_visible(const char *text, bool semicolon, char *buffer, size_t size)
{
	size_t used = 0, total = 0;
	bool full = false;
	uint32_t c;

	while ((c = escape_next(&text)) != 0) {
		char piece[16];
		size_t length;

		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (semicolon && c == ';'))
			length = (size_t)snprintf(piece, sizeof(piece), "\\x%02x", c);
		else if (turns_text(c))
			length = (size_t)snprintf(piece, sizeof(piece), "\\u%04x", c);
		else
			length = encode(c, piece);
		total += length;
		full = full || used + length >= size;
		if (!full) {
			memcpy(buffer + used, piece, length);
			used += length;
		}
	}
	if (size > 0)
		buffer[used] = '\0';
	return total;
}
