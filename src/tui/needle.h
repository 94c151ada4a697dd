#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEEDLE_BYTES 128

/* A text that is typed, and what it lets pass: everything that has it inside. */
struct needle {
	char text[NEEDLE_BYTES]; /* UTF-8 */
	size_t bytes;
	bool editing;
};

/* Small letters stand for capitals too, unless there is a capital in the filter. */
bool needle_passes(const struct needle *needle, const char *text);

/* A character or an enum key, while it is edited. */
void needle_key(struct needle *needle, uint32_t key);
void needle_clear(struct needle *needle);
