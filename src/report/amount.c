#include "report/amount.h"

#include <stdio.h>

#include "base/text.h"

#define NS_PER_SECOND 1000000000u

const struct amount_words *amount_words(enum unit unit)
{
	static const struct amount_words words[] = {
		[UNIT_BYTES] = {"Bytes", "Blocks", "block", "blocks", "bytes", "count"},
		[UNIT_NS] = {"Time", "Samples", "sample", "samples", "seconds", "samples"},
	};

	return &words[unit];
}

/* Minutes and hours would have to be added up in one's head: seconds go on. */
static char *time_text(uint64_t ns, char *buffer, size_t size)
{
	uint64_t tenths =
		ns / (NS_PER_SECOND / 10) + (ns % (NS_PER_SECOND / 10) >= NS_PER_SECOND / 20);
	char whole[32];

	if (ns == 0)
		snprintf(buffer, size, "0 s");
	else if (ns >= 999950000 && ns < 9995000000)
		snprintf(buffer, size, "%.2f s", (double)ns / NS_PER_SECOND);
	else if (tenths < 600)
		return text_duration(ns, buffer, size);
	else
		snprintf(buffer, size, "%s.%u s", text_count(tenths / 10, whole, sizeof(whole)),
			 (unsigned)(tenths % 10));
	return buffer;
}

char *amount_text(enum unit unit, uint64_t amount, char *buffer, size_t size)
{
	return unit == UNIT_NS ? time_text(amount, buffer, size) : text_bytes(amount, buffer, size);
}

char *amount_error_text(enum unit unit, double error, char *buffer, size_t size)
{
	char text[32];

	buffer[0] = '\0';
	if (error > 0)
		snprintf(buffer, size, " \u00b1 %s",
			 amount_text(unit, (uint64_t)error, text, sizeof(text)));
	return buffer;
}

static void write_key(const char *prefix, const char *word, const char *suffix, struct json *json)
{
	char key[64];

	snprintf(key, sizeof(key), "%s%s%s", prefix, word, suffix);
	json_key(json, key);
}

void amount_write_json(enum unit unit, const char *prefix, const char *suffix, uint64_t amount,
		       struct json *json)
{
	write_key(prefix, amount_words(unit)->key, suffix, json);
	if (unit == UNIT_NS)
		json_seconds(json, amount);
	else
		json_uint(json, amount);
}

void amount_write_json_change(enum unit unit, const char *prefix, int64_t change, struct json *json)
{
	write_key(prefix, amount_words(unit)->key, "", json);
	if (unit == UNIT_NS)
		json_signed_seconds(json, change);
	else
		json_int(json, change);
}

void amount_write_json_count(enum unit unit, const char *prefix, uint64_t count, struct json *json)
{
	write_key(prefix, amount_words(unit)->count_key, "", json);
	json_uint(json, count);
}

void amount_write_json_error(enum unit unit, const char *prefix, double error, struct json *json)
{
	write_key(prefix, amount_words(unit)->key, "_error", json);
	json_double(json, unit == UNIT_NS ? error / NS_PER_SECOND : error);
}
