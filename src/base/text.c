#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text_width.h"

#define NS_PER_SECOND 1000000000ull

char *text_bytes(uint64_t bytes, char *buffer, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	unsigned unit = 0;

	if (bytes < 1024) {
		snprintf(buffer, size, "%u B", (unsigned)bytes);
		return buffer;
	}
	/* 1023.95 would be printed as 1024.0 */
	while (value >= 1023.95 && unit < 6) {
		value /= 1024;
		unit++;
	}
	snprintf(buffer, size, "%.1f %s", value, units[unit]);
	return buffer;
}

char *text_count(uint64_t count, char *buffer, size_t size)
{
	char text[32];
	char *p = text + sizeof(text);
	unsigned digits = 0;

	*--p = 0;
	do {
		if (digits && digits % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + count % 10);
		count /= 10;
		digits++;
	} while (count);
	snprintf(buffer, size, "%s", p);
	return buffer;
}

char *text_duration(uint64_t ns, char *buffer, size_t size)
{
	uint64_t seconds = ns / NS_PER_SECOND + (ns % NS_PER_SECOND >= NS_PER_SECOND / 2);

	if (ns < 1000)
		snprintf(buffer, size, "%u ns", (unsigned)ns);
	else if (ns < 999950)
		snprintf(buffer, size, "%.1f us", (double)ns / 1e3);
	else if (ns < 999950000)
		snprintf(buffer, size, "%.1f ms", (double)ns / 1e6);
	else if (ns < 59950000000)
		snprintf(buffer, size, "%.1f s", (double)ns / 1e9);
	else if (seconds < 3600)
		snprintf(buffer, size, "%u min %02u s", (unsigned)(seconds / 60),
			 (unsigned)(seconds % 60));
	else
		snprintf(buffer, size, "%llu h %02u min", (unsigned long long)(seconds / 3600),
			 (unsigned)(seconds / 60 % 60));
	return buffer;
}

char *text_percent(double share, char *buffer, size_t size)
{
	if (!isfinite(share))
		snprintf(buffer, size, "-");
	else if (share > 0 && share < 0.0005)
		snprintf(buffer, size, "<0.1 %%");
	else
		snprintf(buffer, size, "%.1f %%", share * 100);
	return buffer;
}

static int text_range_compare(const void *key, const void *member)
{
	uint32_t c = *(const uint32_t *)key;
	const struct text_range *range = member;

	return c < range->first ? -1 : c > range->last;
}

static unsigned text_character_columns(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return 0;
	if (c < 0x300)
		return 1;
	if (bsearch(&c, text_zero, sizeof(text_zero) / sizeof(text_zero[0]), sizeof(text_zero[0]),
		    text_range_compare))
		return 0;
	if (bsearch(&c, text_wide, sizeof(text_wide) / sizeof(text_wide[0]), sizeof(text_wide[0]),
		    text_range_compare))
		return 2;
	return 1;
}

size_t text_decode(const char *utf8, size_t bytes, uint32_t *character)
{
	const unsigned char *p = (const unsigned char *)utf8;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length;
	uint32_t c;

	if (!bytes)
		return 0;
	if (p[0] < 0x80) {
		*character = p[0];
		return 1;
	}
	if (p[0] >= 0xf0 && p[0] < 0xf5)
		length = 4, c = p[0] & 0x07;
	else if (p[0] >= 0xe0 && p[0] < 0xf0)
		length = 3, c = p[0] & 0x0f;
	else if (p[0] >= 0xc2 && p[0] < 0xe0)
		length = 2, c = p[0] & 0x1f;
	else
		return 0;
	if (length > bytes)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[length] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	*character = c;
	return length;
}

bool text_is_clean(const char *text, size_t bytes)
{
	while (bytes) {
		uint32_t c;
		size_t n = text_decode(text, bytes, &c);

		if (!n || !c)
			return false;
		text += n;
		bytes -= n;
	}
	return true;
}

#define TEXT_REPLACEMENT "\xef\xbf\xbd"
#define TEXT_ELLIPSIS    "\xe2\x80\xa6"
#define TEXT_MARK_BYTES  3u

/* One character of the text, put right: how many bytes it takes here and there. */
static const char *text_repair_one(const char *text, size_t bytes, size_t *taken, size_t *added)
{
	uint32_t c;
	size_t n = text_decode(text, bytes, &c);

	*taken = n ? n : 1;
	if (n && c) {
		*added = n;
		return text;
	}
	*added = TEXT_MARK_BYTES;
	return TEXT_REPLACEMENT;
}

void text_repair(const char *text, size_t bytes, size_t max_bytes, struct buffer *out)
{
	size_t taken, added;
	size_t repaired = 0, used = 0;
	bool cut;

	for (size_t i = 0; i < bytes && repaired <= max_bytes; i += taken, repaired += added)
		text_repair_one(text + i, bytes - i, &taken, &added);
	cut = repaired > max_bytes;
	for (size_t i = 0; i < bytes; i += taken, used += added) {
		const char *one = text_repair_one(text + i, bytes - i, &taken, &added);

		if (cut && used + added > max_bytes - TEXT_MARK_BYTES) {
			buffer_add(out, TEXT_ELLIPSIS, TEXT_MARK_BYTES);
			return;
		}
		buffer_add(out, one, added);
	}
}

size_t text_columns(const char *utf8)
{
	size_t bytes = strlen(utf8);
	size_t columns = 0;

	while (bytes) {
		uint32_t c = 0xfffd;
		size_t length = text_decode(utf8, bytes, &c);

		if (!length)
			length = 1; /* shown as one U+FFFD */
		columns += text_character_columns(c);
		utf8 += length;
		bytes -= length;
	}
	return columns;
}

struct text_unit {
	const char *name; /* lower case */
	uint64_t factor;
};

/* "<decimal number> [space] <unit>", in whole units of factor 1. */
static int text_parse_number(const char *text, const struct text_unit *units, uint64_t *value)
{
	long double number;
	char *end;

	if (*text < '0' || *text > '9' || !strncasecmp(text, "0x", 2))
		return -1;
	number = 0;
	for (end = (char *)text; *end >= '0' && *end <= '9'; end++)
		number = number * 10 + (*end - '0');
	if (*end == '.') {
		long double place = 1;

		end++;
		if (*end < '0' || *end > '9')
			return -1;
		for (; *end >= '0' && *end <= '9'; end++)
			number += (*end - '0') * (place /= 10);
	}
	while (*end == ' ')
		end++;
	for (; units->name; units++) {
		if (!strcasecmp(end, units->name))
			break;
	}
	if (!units->name)
		return -1;
	number *= units->factor;
	if (!(number < 0x1p63L))
		return -1;
	*value = (uint64_t)(number + 0.5L);
	return 0;
}

int text_parse_bytes(const char *text, uint64_t *bytes)
{
	static const struct text_unit units[] = {
		{"", 1},
		{"b", 1},
		{"k", 1ull << 10},
		{"kb", 1ull << 10},
		{"kib", 1ull << 10},
		{"m", 1ull << 20},
		{"mb", 1ull << 20},
		{"mib", 1ull << 20},
		{"g", 1ull << 30},
		{"gb", 1ull << 30},
		{"gib", 1ull << 30},
		{"t", 1ull << 40},
		{"tb", 1ull << 40},
		{"tib", 1ull << 40},
		{0},
	};

	return text_parse_number(text, units, bytes);
}

int text_parse_duration(const char *text, uint64_t *ns)
{
	static const struct text_unit units[] = {
		{"", NS_PER_SECOND},
		{"s", NS_PER_SECOND},
		{"sec", NS_PER_SECOND},
		{"ms", 1000000},
		{"us", 1000},
		{"ns", 1},
		{"m", 60 * NS_PER_SECOND},
		{"min", 60 * NS_PER_SECOND},
		{"h", 3600 * NS_PER_SECOND},
		{"d", 86400 * NS_PER_SECOND},
		{0},
	};

	return text_parse_number(text, units, ns);
}
