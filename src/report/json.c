#include "report/json.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/escape.h"

enum {
	LEVELS_MAX = 64,
};

void json_init(struct json *json, FILE *out)
{
	*json = (struct json){.out = out};
}

static void break_line(struct json *json)
{
	if (json->line)
		putc_unlocked('\n', json->out);
	json->line = false;
}

/* What goes before a value or a key: a comma unless it is the first of its level. */
static void separate(struct json *json)
{
	uint64_t level = UINT64_C(1) << (json->depth & (LEVELS_MAX - 1));

	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->depth > 0 && (json->filled & level) != 0)
		putc_unlocked(',', json->out);
	json->filled |= level;
	break_line(json);
}

static void open_level(struct json *json, char bracket)
{
	separate(json);
	putc_unlocked(bracket, json->out);
	assert(json->depth + 1 < LEVELS_MAX);
	json->depth++;
	json->filled &= ~(UINT64_C(1) << json->depth);
}

static void close_level(struct json *json, char bracket)
{
	assert(json->depth > 0 && !json->after_key);
	break_line(json);
	json->depth--;
	putc_unlocked(bracket, json->out);
}

void json_begin_object(struct json *json)
{
	open_level(json, '{');
}

void json_end_object(struct json *json)
{
	close_level(json, '}');
}

void json_begin_array(struct json *json)
{
	open_level(json, '[');
}

void json_end_array(struct json *json)
{
	close_level(json, ']');
}

void json_line(struct json *json)
{
	json->line = true;
}

static void put_quoted(struct json *json, const char *text)
{
	putc_unlocked('"', json->out);
	escape_json(json->out, text, json->html_safe);
	putc_unlocked('"', json->out);
}

void json_key(struct json *json, const char *key)
{
	separate(json);
	put_quoted(json, key);
	putc_unlocked(':', json->out);
	json->after_key = true;
}

void json_string(struct json *json, const char *value)
{
	separate(json);
	put_quoted(json, value);
}

static void put_uint(struct json *json, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	fwrite_unlocked(digits + at, 1, sizeof(digits) - at, json->out);
}

void json_uint(struct json *json, uint64_t value)
{
	separate(json);
	put_uint(json, value);
}

void json_int(struct json *json, int64_t value)
{
	separate(json);
	if (value < 0)
		putc_unlocked('-', json->out);
	put_uint(json, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_bool(struct json *json, bool value)
{
	separate(json);
	fputs_unlocked(value ? "true" : "false", json->out);
}

void json_null(struct json *json)
{
	separate(json);
	fputs_unlocked("null", json->out);
}

void json_double(struct json *json, double value)
{
	char text[40];
	int precision = 15;

	if (!isfinite(value)) {
		json_null(json);
		return;
	}
	do
		snprintf(text, sizeof(text), "%.*g", precision, value);
	while (precision++ < 17 && strtod(text, NULL) != value);
	for (char *p = text; *p != '\0'; p++) {
		if (strchr("0123456789+-e", *p) == NULL)
			*p = '.';
	}
	separate(json);
	fputs_unlocked(text, json->out);
}

static void put_decimal(struct json *json, uint64_t count, unsigned decimals)
{
	char fraction[9];
	uint64_t scale = 1, rest;
	unsigned length = decimals;

	assert(decimals > 0 && decimals <= sizeof(fraction));
	for (unsigned i = 0; i < decimals; i++)
		scale *= 10;
	rest = count % scale;
	put_uint(json, count / scale);
	for (unsigned i = decimals; i-- > 0; rest /= 10)
		fraction[i] = (char)('0' + rest % 10);
	while (length > 1 && fraction[length - 1] == '0')
		length--;
	putc_unlocked('.', json->out);
	fwrite_unlocked(fraction, 1, length, json->out);
}

void json_decimal(struct json *json, uint64_t count, unsigned decimals)
{
	separate(json);
	put_decimal(json, count, decimals);
}

void json_seconds(struct json *json, uint64_t ns)
{
	json_decimal(json, ns, 9);
}

void json_signed_seconds(struct json *json, int64_t ns)
{
	separate(json);
	if (ns < 0)
		putc_unlocked('-', json->out);
	put_decimal(json, ns < 0 ? -(uint64_t)ns : (uint64_t)ns, 9);
}

void json_key_string(struct json *json, const char *key, const char *value)
{
	json_key(json, key);
	json_string(json, value);
}

void json_key_uint(struct json *json, const char *key, uint64_t value)
{
	json_key(json, key);
	json_uint(json, value);
}

void json_key_bool(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

void json_key_double(struct json *json, const char *key, double value)
{
	json_key(json, key);
	json_double(json, value);
}

void json_key_seconds(struct json *json, const char *key, uint64_t ns)
{
	json_key(json, key);
	json_seconds(json, ns);
}
