#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/*
 * Values as Python's repr() writes them. What comes in is another process's: any bytes will do.
 */

/* An int from its digits of 30 bits each, the least significant first. One that takes more than
 * `max_decimals` decimal digits is written as "<int of N bits>", "<negative int of N bits>". */
void literal_int(struct buffer *out, const uint32_t *digits, size_t count, bool is_negative,
		 size_t max_decimals);
/* The same for one of which only the most significant of `count` digits is at hand. */
void literal_int_bits(struct buffer *out, uint32_t most_significant, uint64_t count,
		      bool is_negative);

/* The shortest text that reads back to the same double: "1.0", "1e+16", "inf", "nan". */
void literal_float(struct buffer *out, double value);
/* "(1+2j)", "2j", "(-0+nanj)" */
void literal_complex(struct buffer *out, double real, double imaginary);

/*
 * A str of `length` characters of 1 (Latin-1), 2 or 4 bytes, quoted and escaped. What could steer a
 * terminal or hide is escaped: controls, format characters, spaces other than ' ', lone surrogates,
 * characters for private use.
 */
void literal_str(struct buffer *out, const void *text, unsigned char_bytes, size_t length);

/* The part between b' and ', with the quotes: "b'\x00a'" */
void literal_bytes(struct buffer *out, const void *bytes, size_t length);
