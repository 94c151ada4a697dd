#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/type.h"

/* Where a str of another process keeps its characters. */
struct unicode {
	uint64_t address;
	uint64_t length; /* characters */
	unsigned char_bytes;
};

/* False if it is no str, or is not readable. */
bool unicode_find(const struct space *space, uint64_t object, struct unicode *text);

/* A str as UTF-8, cut to what fits; false as above, `buffer` is "" then. */
bool unicode_read(const struct space *space, uint64_t object, char *buffer, size_t size);

/* Whether it is a str that says exactly this ASCII text. */
bool unicode_equals(const struct space *space, uint64_t object, const char *text);
