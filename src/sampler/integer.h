#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sampler/type.h"

/* An int of another process. False if it cannot be read; the caller knows that it is one. */
bool integer_find(const struct space *space, uint64_t object, struct pyabi_integer *integer);
/* Digits of 30 bits, number 0 is the least significant. The caller knows that it has so many. */
bool integer_read_digits(const struct space *space, uint64_t object, uint64_t first,
			 uint32_t *digits, uint32_t count);
/* Its value; false also where it does not fit, or it is no int. */
bool integer_read(const struct space *space, uint64_t object, int64_t *value);
