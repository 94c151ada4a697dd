#include "sampler/object_writer.h"

#include "sampler/integer.h"
#include "sampler/literal.h"
#include "sampler/unicode.h"

#define DIGITS_MOST 600u   /* of an int, 30 bits each */
#define TEXT_BYTES  65536u /* of one str or bytes */

bool object_write_none(struct object_writer *w, uint64_t object, const struct type *type)
{
	(void)object, (void)type;
	object_put(w, "None");
	return true;
}

bool object_write_ellipsis(struct object_writer *w, uint64_t object, const struct type *type)
{
	(void)object, (void)type;
	object_put(w, "Ellipsis");
	return true;
}

bool object_write_not_implemented(struct object_writer *w, uint64_t object, const struct type *type)
{
	(void)object, (void)type;
	object_put(w, "NotImplemented");
	return true;
}

bool object_write_int(struct object_writer *w, uint64_t object, const struct type *type)
{
	uint32_t digits[DIGITS_MOST];
	struct pyabi_integer integer;

	(void)type;
	if (!integer_find(w->space, object, &integer) || integer.digits > OBJECT_LENGTH_MOST)
		return false;
	if (integer.digits > DIGITS_MOST) {
		if (!integer_read_digits(w->space, object, integer.digits - 1, digits, 1))
			return false;
		literal_int_bits(w->out, digits[0], integer.digits, integer.negative);
		return true;
	}
	if (!integer_read_digits(w->space, object, 0, digits, (uint32_t)integer.digits))
		return false;
	literal_int(w->out, digits, integer.digits, integer.negative, w->limits->characters);
	return true;
}

bool object_write_bool(struct object_writer *w, uint64_t object, const struct type *type)
{
	struct pyabi_integer integer;

	(void)type;
	if (!integer_find(w->space, object, &integer) || integer.digits > 1)
		return false;
	object_put(w, integer.digits ? "True" : "False");
	return true;
}

bool object_write_float(struct object_writer *w, uint64_t object, const struct type *type)
{
	double value;

	(void)type;
	if (!pages_read(w->space->pages, object + w->space->objects->float_value, &value, 8))
		return false;
	literal_float(w->out, value);
	return true;
}

bool object_write_complex(struct object_writer *w, uint64_t object, const struct type *type)
{
	double parts[2];

	(void)type;
	if (!pages_read(w->space->pages, object + w->space->builtins->complex_value, parts, 16))
		return false;
	literal_complex(w->out, parts[0], parts[1]);
	return true;
}

/* How many of `length` characters or bytes are shown. */
static size_t shown(const struct object_writer *w, uint64_t length)
{
	uint64_t most = w->limits->characters;

	if (most > TEXT_BYTES / 4)
		most = TEXT_BYTES / 4;
	return length < most ? (size_t)length : (size_t)most;
}

bool object_write_str(struct object_writer *w, uint64_t object, const struct type *type)
{
	unsigned char characters[TEXT_BYTES];
	struct unicode text;
	size_t length;

	(void)type;
	if (!unicode_find(w->space, object, &text))
		return false;
	length = shown(w, text.length);
	if (!pages_read(w->space->pages, text.address, characters, length * text.char_bytes))
		return false;
	literal_str(w->out, characters, text.char_bytes, length);
	if (length < text.length)
		buffer_add_format(w->out, "... (%llu characters)", (unsigned long long)text.length);
	return true;
}

static bool write_byte_text(struct object_writer *w, uint64_t address, uint64_t length)
{
	unsigned char bytes[TEXT_BYTES / 4];
	size_t count = shown(w, length);

	if (length > OBJECT_LENGTH_MOST || !pages_read(w->space->pages, address, bytes, count))
		return false;
	literal_bytes(w->out, bytes, count);
	if (count < length)
		buffer_add_format(w->out, "... (%llu bytes)", (unsigned long long)length);
	return true;
}

bool object_write_bytes(struct object_writer *w, uint64_t object, const struct type *type)
{
	uint64_t length;

	(void)type;
	return object_read_word(w, object + w->space->layout->bytes_size, &length) &&
	       write_byte_text(w, object + w->space->layout->bytes_data, length);
}

bool object_write_bytearray(struct object_writer *w, uint64_t object, const struct type *type)
{
	uint64_t start, length;
	size_t before = w->out->used;

	(void)type;
	if (!object_read_word(w, object + w->space->layout->bytes_size, &length) ||
	    !object_read_word(w, object + w->space->builtins->bytearray_start, &start))
		return false;
	object_put(w, "bytearray(");
	if (!write_byte_text(w, start, length)) {
		w->out->used = before;
		return false;
	}
	object_put(w, ")");
	return true;
}
