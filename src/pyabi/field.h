#pragma once

#include <stdint.h>
#include <string.h>

#include "pyabi/layout.h"

/* Fields in a copy of a structure, at their offsets. One that this Python does not have
 * (PYABI_NONE) is 0. */
static inline uint64_t pyabi_word(const void *copy, uint32_t offset)
{
	uint64_t word = 0;

	if (offset != PYABI_NONE)
		memcpy(&word, (const char *)copy + offset, sizeof(word));
	return word;
}

static inline int32_t pyabi_int(const void *copy, uint32_t offset)
{
	int32_t value = 0;

	if (offset != PYABI_NONE)
		memcpy(&value, (const char *)copy + offset, sizeof(value));
	return value;
}
