#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Text from a capture (names that a program chose) on its way into a document. Each function takes
 * terminated UTF-8; a byte sequence that is none comes out as U+FFFD, so that what a report writes
 * is valid whatever the capture held. Errors of the stream stay in it (see report_finish).
 */

/* The next character of *text, which moves on; 0 at the end, U+FFFD for bytes that are no UTF-8. */
uint32_t escape_next(const char **text);

/* For HTML text and double-quoted or single-quoted attributes, and for SVG and XML: & < > " '
 * become references, characters that XML 1.0 does not allow become U+FFFD. */
void escape_html(FILE *out, const char *text);

/* The inside of a JSON string (RFC 8259), without its quotes. html_safe: < > & and U+2028/2029 are
 * written as \uXXXX too, for JSON inside a <script> element. */
void escape_json(FILE *out, const char *text, bool html_safe);

/* One CSV field (RFC 4180): quoted when it holds a comma, a quote or a line break. */
void escape_csv(FILE *out, const char *text);

/*
 * For terminals and for text formats made of lines: control characters (C0, DEL, C1) and characters
 * that turn the direction of text are shown as \xNN or \uNNNN, and `;` too if it separates.
 * Writes at most size - 1 bytes and a terminator into buffer, whole characters only; returns the
 * length that the whole text would have.
 */
size_t escape_visible(const char *text, bool semicolon, char *buffer, size_t size);
