#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Writes one JSON document (RFC 8259) to a stream as it goes: commas and quoting are its affair,
 * nothing is kept. The caller closes what it opened, in order, at most 64 levels deep. Numbers are
 * written with a point in every locale. Errors of the stream stay in it (see report_finish).
 */
struct json {
	FILE *out;
	bool html_safe;  /* for a <script> element: see escape_json */
	bool after_key;  /* private */
	bool line;       /* private */
	unsigned depth;  /* private */
	uint64_t filled; /* private: bit n: level n holds something */
};

void json_init(struct json *json, FILE *out);

void json_begin_object(struct json *json);
void json_end_object(struct json *json);
void json_begin_array(struct json *json);
void json_end_array(struct json *json);

/* The next value or key, or the end of an array or object, starts a new line. */
void json_line(struct json *json);

void json_key(struct json *json, const char *key);

void json_string(struct json *json, const char *value);
void json_uint(struct json *json, uint64_t value);
void json_int(struct json *json, int64_t value);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);
/* As short as reads back to the same double; null when it is no number. */
void json_double(struct json *json, double value);
/* A count of 10^-decimals (at most 9), exact: 1500 with three decimals is written 1.5. */
void json_decimal(struct json *json, uint64_t count, unsigned decimals);
/* ns as seconds: 1500000000 is written 1.5. */
void json_seconds(struct json *json, uint64_t ns);
void json_signed_seconds(struct json *json, int64_t ns);

/* A key and its value. */
void json_key_string(struct json *json, const char *key, const char *value);
void json_key_uint(struct json *json, const char *key, uint64_t value);
void json_key_bool(struct json *json, const char *key, bool value);
void json_key_double(struct json *json, const char *key, double value);
void json_key_seconds(struct json *json, const char *key, uint64_t ns);
