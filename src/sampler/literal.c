#include "sampler/literal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS   30u
#define DECIMAL_BASE 1000000000u /* nine decimal digits at a time */
#define DECIMAL_STEP 9u

/* No int is written with more; what divides is on the stack. */
#define DECIMALS_MOST 5000u
#define DIGITS_MOST   (DECIMALS_MOST / 9 + 1)

static void add_text(struct buffer *out, const char *text)
{
	buffer_add(out, text, strlen(text));
}

void literal_int_bits(struct buffer *out, uint32_t most_significant, uint64_t count,
		      bool is_negative)
{
	uint64_t bits = (count - 1) * DIGIT_BITS;

	for (; most_significant; most_significant >>= 1)
		bits++;
	buffer_add_format(out, "<%sint of %llu bits>", is_negative ? "negative " : "",
			  (unsigned long long)bits);
}

void literal_int(struct buffer *out, const uint32_t *digits, size_t count, bool is_negative,
		 size_t max_decimals)
{
	uint32_t number[DIGITS_MOST];
	uint32_t decimal[DIGITS_MOST + DIGITS_MOST / 256 + 2]; /* 30 bits are 9.031 decimals */
	size_t steps = 0;
	char first[16];

	while (count && !digits[count - 1])
		count--;
	if (max_decimals > DECIMALS_MOST)
		max_decimals = DECIMALS_MOST;
	if (count > DIGITS_MOST || (count > 1 && (count - 1) * DECIMAL_STEP >= max_decimals)) {
		literal_int_bits(out, digits[count - 1], count, is_negative);
		return;
	}
	if (count)
		memcpy(number, digits, count * sizeof(*number));
	for (size_t left = count; left;) {
		uint64_t rest = 0;

		for (size_t i = left; i-- > 0;) {
			rest = rest << DIGIT_BITS | (number[i] & ((1u << DIGIT_BITS) - 1));
			number[i] = (uint32_t)(rest / DECIMAL_BASE);
			rest %= DECIMAL_BASE;
		}
		decimal[steps++] = (uint32_t)rest;
		while (left && !number[left - 1])
			left--;
	}
	snprintf(first, sizeof(first), "%u", steps ? decimal[steps - 1] : 0);
	if (steps && strlen(first) + (steps - 1) * DECIMAL_STEP > max_decimals) {
		literal_int_bits(out, digits[count - 1], count, is_negative);
		return;
	}
	buffer_add_format(out, "%s%s", is_negative && steps ? "-" : "", first);
	for (size_t i = steps; i-- > 1;)
		buffer_add_format(out, "%09u", decimal[i - 1]);
}

/* Whether DIGITS * 10^exponent reads back to `value`; without a point it does so in any locale. */
static bool reads_back(const char *digits, int count, int exponent, double value)
{
	char text[40];

	snprintf(text, sizeof(text), "%.*se%d", count, digits, exponent);
	return strtod(text, NULL) == value;
}

/* The next decimal of as many digits; false where that has one more. */
static bool add_one(char *digits, int count)
{
	while (count-- > 0) {
		if (digits[count] != '9') {
			digits[count]++;
			return true;
		}
		digits[count] = '0';
	}
	return false;
}

/*
 * The fewest significant digits that read back to `value`, which is finite and above 0:
 * value = 0.DIGITS * 10^point. The nearest decimal of so many digits is the one, but for powers of
 * two, which have twice as much room above as below.
 */
static int shortest_digits(double value, char digits[20], int *point)
{
	int count = 0;

	for (int precision = 0; precision < 17; precision++) {
		char text[40];
		const char *exponent;

		snprintf(text, sizeof(text), "%.*e", precision, value);
		exponent = strchr(text, 'e');
		count = 0;
		for (const char *at = text; at < exponent; at++)
			if (*at >= '0' && *at <= '9')
				digits[count++] = *at;
		*point = (int)strtol(exponent + 1, NULL, 10) + 1;
		if (reads_back(digits, count, *point - count, value) ||
		    (add_one(digits, count) && reads_back(digits, count, *point - count, value)))
			break;
	}
	while (count > 1 && digits[count - 1] == '0')
		count--;
	return count;
}

/* As float_repr_style 'r' does: exponents from 1e16 and below 1e-4. */
static void write_finite(struct buffer *out, double value, bool with_point)
{
	char digits[20];
	int point, count;

	if (value == 0) {
		add_text(out, with_point ? "0.0" : "0");
		return;
	}
	count = shortest_digits(value, digits, &point);
	if (point > 16 || point < -3) {
		buffer_add(out, digits, 1);
		if (count > 1)
			buffer_add_format(out, ".%.*s", count - 1, digits + 1);
		buffer_add_format(out, "e%c%02d", point > 0 ? '+' : '-', abs(point - 1));
	} else if (point <= 0) {
		buffer_add_format(out, "0.%.*s%.*s", -point, "000", count, digits);
	} else if (point < count) {
		buffer_add_format(out, "%.*s.%.*s", point, digits, count - point, digits + point);
	} else {
		buffer_add_format(out, "%.*s%.*s%s", count, digits, point - count,
				  "0000000000000000", with_point ? ".0" : "");
	}
}

static void write_double(struct buffer *out, double value, bool with_point)
{
	if (isnan(value)) {
		add_text(out, "nan");
		return;
	}
	if (signbit(value))
		buffer_add_byte(out, '-');
	if (isinf(value))
		add_text(out, "inf");
	else
		write_finite(out, fabs(value), with_point);
}

void literal_float(struct buffer *out, double value)
{
	write_double(out, value, true);
}

void literal_complex(struct buffer *out, double real, double imaginary)
{
	bool alone = real == 0 && !signbit(real);

	if (!alone) {
		buffer_add_byte(out, '(');
		write_double(out, real, false);
		if (isnan(imaginary) || !signbit(imaginary))
			buffer_add_byte(out, '+');
	}
	write_double(out, imaginary, false);
	add_text(out, alone ? "j" : "j)");
}

/* Characters that repr() escapes because they cannot be seen or change what is around them; a few
 * ranges of the Unicode categories Cc, Cf, Co, Cs, Zl, Zp and Zs. */
static bool is_printable(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{0x0, 0x1f},        {0x7f, 0xa0},          {0xad, 0xad},       {0x600, 0x605},
		{0x61c, 0x61c},     {0x6dd, 0x6dd},        {0x70f, 0x70f},     {0x1680, 0x1680},
		{0x180e, 0x180e},   {0x2000, 0x200f},      {0x2028, 0x202f},   {0x205f, 0x206f},
		{0x3000, 0x3000},   {0xd800, 0xf8ff},      {0xfeff, 0xfeff},   {0xfff0, 0xfffb},
		{0xfffe, 0xffff},   {0x110bd, 0x110bd},    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
		{0xe0000, 0xe00ff}, {0x890, 0x891},        {0x8e2, 0x8e2},     {0x110cd, 0x110cd},
		{0x13430, 0x1343f}, {0xe01f0, UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return false;
	return true;
}

static void write_utf8(struct buffer *out, uint32_t c)
{
	if (c < 0x80) {
		buffer_add_byte(out, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		buffer_add_byte(out, (uint8_t)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buffer_add_byte(out, (uint8_t)(0xe0 | c >> 12));
		} else {
			buffer_add_byte(out, (uint8_t)(0xf0 | c >> 18));
			buffer_add_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		}
		buffer_add_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	buffer_add_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
}

/* An escape that str and bytes share, for one of "\\\t\n\r" or the quote. */
static bool write_short_escape(struct buffer *out, uint32_t c, char quote)
{
	if (c == '\\' || c == (uint32_t)quote)
		buffer_add_format(out, "\\%c", (char)c);
	else if (c == '\t')
		add_text(out, "\\t");
	else if (c == '\n')
		add_text(out, "\\n");
	else if (c == '\r')
		add_text(out, "\\r");
	else
		return false;
	return true;
}

static uint32_t character_at(const void *text, unsigned char_bytes, size_t at)
{
	uint32_t c = 0;

	memcpy(&c, (const char *)text + at * char_bytes, char_bytes);
	return c;
}

/* repr() prefers ' and takes " for a text that holds the one and not the other. */
static char quote_for(const void *text, unsigned char_bytes, size_t length)
{
	bool single = false;

	for (size_t i = 0; i < length; i++) {
		uint32_t c = character_at(text, char_bytes, i);

		if (c == '"')
			return '\'';
		single |= c == '\'';
	}
	return single ? '"' : '\'';
}

void literal_str(struct buffer *out, const void *text, unsigned char_bytes, size_t length)
{
	char quote = quote_for(text, char_bytes, length);

	buffer_add_byte(out, (uint8_t)quote);
	for (size_t i = 0; i < length; i++) {
		uint32_t c = character_at(text, char_bytes, i);

		if (write_short_escape(out, c, quote))
			continue;
		if (is_printable(c))
			write_utf8(out, c);
		else if (c < 0x100)
			buffer_add_format(out, "\\x%02x", c);
		else if (c < 0x10000)
			buffer_add_format(out, "\\u%04x", c);
		else
			buffer_add_format(out, "\\U%08x", c);
	}
	buffer_add_byte(out, (uint8_t)quote);
}

void literal_bytes(struct buffer *out, const void *bytes, size_t length)
{
	char quote = quote_for(bytes, 1, length);

	buffer_add_format(out, "b%c", quote);
	for (size_t i = 0; i < length; i++) {
		uint32_t c = character_at(bytes, 1, i);

		if (write_short_escape(out, c, quote))
			continue;
		if (c >= ' ' && c < 0x7f)
			buffer_add_byte(out, (uint8_t)c);
		else
			buffer_add_format(out, "\\x%02x", c);
	}
	buffer_add_byte(out, (uint8_t)quote);
}
