#include "sampler/unicode.h"

#include <string.h>

#define READ_CHARACTERS 512u
#define LENGTH_MOST     (1ull << 48)

bool unicode_find(const struct space *space, uint64_t object, struct unicode *text)
{
	const struct pyabi_layout *layout = space->layout;
	struct pyabi_text how;
	struct type type;
	uint32_t state;

	if (!type_of(space, object, &type) || !(type.words.flags & PYABI_TYPE_UNICODE) ||
	    !pages_read_u64(space->pages, object + layout->unicode_length, &text->length) ||
	    !pages_read_u32(space->pages, object + layout->unicode_state, &state) ||
	    text->length > LENGTH_MOST)
		return false;
	how = pyabi_text_of(layout, state);
	text->char_bytes = how.char_bytes;
	if (how.compact) {
		text->address = object + how.data_offset;
		return true;
	}
	/* PyUnicodeObject: a pointer behind PyCompactUnicodeObject. NULL: a string of before 3.12
	 * that was never made ready. */
	return pages_read_u64(space->pages, object + layout->unicode_compact_data,
			      &text->address) &&
	       text->address;
}

bool unicode_read(const struct space *space, uint64_t object, char *buffer, size_t size)
{
	unsigned char characters[READ_CHARACTERS * 4];
	struct unicode text;
	uint64_t length;

	*buffer = 0;
	if (!unicode_find(space, object, &text))
		return false;
	length = text.length < READ_CHARACTERS ? text.length : READ_CHARACTERS;
	if (!pages_read(space->pages, text.address, characters, length * text.char_bytes))
		return false;
	pyabi_text_to_utf8(text.char_bytes, characters, length, buffer, size);
	return true;
}

bool unicode_equals(const struct space *space, uint64_t object, const char *wanted)
{
	char characters[64];
	size_t length = strlen(wanted);
	struct unicode text;

	return unicode_find(space, object, &text) && text.char_bytes == 1 &&
	       text.length == length && length <= sizeof(characters) &&
	       pages_read(space->pages, text.address, characters, length) &&
	       memcmp(characters, wanted, length) == 0;
}
