#include "sampler/integer.h"

#define HEAD_BYTES 64u
#define DIGIT_BITS 30u

bool integer_find(const struct space *space, uint64_t object, struct pyabi_integer *integer)
{
	unsigned char head[HEAD_BYTES];

	if (space->objects->long_digits > sizeof(head) ||
	    !pages_read(space->pages, object, head, space->objects->long_digits))
		return false;
	*integer = pyabi_integer_of(space->objects, head);
	return true;
}

bool integer_read_digits(const struct space *space, uint64_t object, uint64_t first,
			 uint32_t *digits, uint32_t count)
{
	return pages_read(space->pages, object + space->objects->long_digits + first * 4, digits,
			  count * sizeof(*digits));
}

bool integer_read(const struct space *space, uint64_t object, int64_t *value)
{
	uint32_t digits[3] = {0};
	struct pyabi_integer integer;
	struct type type;
	uint64_t magnitude;

	if (!type_of(space, object, &type) || !(type.words.flags & PYABI_TYPE_LONG) ||
	    !integer_find(space, object, &integer) || integer.digits > 3 ||
	    !integer_read_digits(space, object, 0, digits, (uint32_t)integer.digits) ||
	    digits[2] > 7)
		return false;
	magnitude = digits[0] | (uint64_t)digits[1] << DIGIT_BITS |
		    (uint64_t)digits[2] << 2 * DIGIT_BITS;
	if (magnitude > INT64_MAX)
		return false;
	*value = integer.negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return true;
}
