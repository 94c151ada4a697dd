#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Numbers as people read them. Each writes into buffer (32 bytes do) and returns it. */
char *text_bytes(uint64_t bytes, char *buffer, size_t size); /* "0 B", "1.5 KiB", "12.3 GiB" */
char *text_count(uint64_t count, char *buffer, size_t size); /* "1,234,567" */
char *text_duration(uint64_t ns, char *buffer, size_t size); /* "1.5 ms", "12.3 s", "1 h 02 min" */
char *text_percent(double share, char *buffer, size_t size); /* 0.1234 -> "12.3 %" */

/* Columns that a UTF-8 text takes on a terminal (wide East Asian characters take two). */
size_t text_columns(const char *utf8);

/* The first character of a text of so many bytes; returns how many bytes it takes, 0 if they are
 * not UTF-8 (RFC 3629) or there are none. */
size_t text_decode(const char *utf8, size_t bytes, uint32_t *character);

/* Adds the text to `out` as UTF-8 without zero bytes: what is none becomes U+FFFD. A text that
 * would come out longer than max_bytes (at least 8) is cut, and ends in U+2026. */
void text_repair(const char *text, size_t bytes, size_t max_bytes, struct buffer *out);
/* Whether text_repair would leave the text as it is. */
bool text_is_clean(const char *text, size_t bytes);

/* A size as users type it: "512K", "1.5MiB", "4096", "2gb" (powers of 1024). -1 if it is none. */
int text_parse_bytes(const char *text, uint64_t *bytes);
/* A duration: "30", "30s", "1.5m", "250ms", "1h". -1 if it is none. */
int text_parse_duration(const char *text, uint64_t *ns);
