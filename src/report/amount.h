#pragma once

#include <stddef.h>
#include <stdint.h>

#include "analysis/profile.h"
#include "report/json.h"

/* How amounts and counts of a profile are called and written: bytes in blocks, or time in samples.
 */
struct amount_words {
	const char *title, *count_title; /* of columns */
	const char *count_one, *count_many;
	const char *key, *count_key; /* in JSON */
};
const struct amount_words *amount_words(enum unit unit);

/* "1.5 MiB", "12.3 ms", "1,234.5 s": one above the other they can be compared. 32 bytes do. */
char *amount_text(enum unit unit, uint64_t amount, char *buffer, size_t size);

/* " ± 1.5 MiB", "" when the error is 0. 40 bytes do. */
char *amount_error_text(enum unit unit, double error, char *buffer, size_t size);

/* JSON: a key between prefix and suffix, and its value: "own_bytes", "seconds_left_out", .. */
void amount_write_json(enum unit unit, const char *prefix, const char *suffix, uint64_t amount,
		       struct json *json);
/* "delta_bytes", ..: of what grew or shrank. */
void amount_write_json_change(enum unit unit, const char *prefix, int64_t change,
			      struct json *json);
/* "own_count", "samples", .. */
void amount_write_json_count(enum unit unit, const char *prefix, uint64_t count, struct json *json);
/* "own_bytes_error", "seconds_error", .. */
void amount_write_json_error(enum unit unit, const char *prefix, double error, struct json *json);
