#include "agent/code.h"

#include <string.h>

#include "agent/index.h"
#include "agent/ring.h"

#define ID_BITS             20u
#define ID_MASK             ((1u << ID_BITS) - 1)
#define TEXT_LENGTH_MAX     8192u      /* characters of a name or a file */
#define LINETABLE_BYTES_MAX (4u << 20) /* a line table */

_Static_assert(WIRE_CODE_MAX <= 1u << ID_BITS, "ids fit their bits");

/* Entries: (address >> 4) << ID_BITS | id, and (upper hash bits) << ID_BITS | id. */
static struct index address_index;
static struct index text_index;
static uint64_t text_hashes[WIRE_CODE_MAX]; /* pages appear as ids are given out */

static bool address_match(uint64_t entry, const void *key)
{
	return entry >> ID_BITS == *(const uintptr_t *)key >> 4;
}

static bool text_match(uint64_t entry, const void *key)
{
	return text_hashes[entry & ID_MASK] == *(const uint64_t *)key;
}

/* What of a code object goes over the wire. */
struct text {
	const char *data;
	uint32_t length; /* characters */
	uint32_t bytes;
	uint8_t char_bytes;
	bool cut;
};

static struct text text_read(uintptr_t string)
{
	const struct pyabi_layout *layout = &agent.layout;
	struct text text = {.data = "", .char_bytes = 1};
	struct pyabi_text form;
	int64_t length;

	if (!string)
		return text;
	form = pyabi_text_of(layout, *(const uint32_t *)(string + layout->unicode_state));
	length = *(const int64_t *)(string + layout->unicode_length);
	if (!form.compact || length < 0)
		return text;
	text.cut = length > TEXT_LENGTH_MAX;
	text.length = text.cut ? TEXT_LENGTH_MAX : (uint32_t)length;
	text.char_bytes = (uint8_t)form.char_bytes;
	text.bytes = text.length * form.char_bytes;
	text.data = (const char *)string + form.data_offset;
	return text;
}

static struct text table_read(uintptr_t bytes)
{
	const struct pyabi_layout *layout = &agent.layout;
	struct text text = {.data = "", .char_bytes = 1};
	int64_t size;

	if (!bytes)
		return text;
	size = *(const int64_t *)(bytes + layout->bytes_size);
	if (size < 0)
		return text;
	text.cut = size > LINETABLE_BYTES_MAX;
	text.bytes = text.cut ? 0 : (uint32_t)size;
	text.data = (const char *)bytes + layout->bytes_data;
	return text;
}

static uint64_t text_hash(uint64_t seed, const struct text *text)
{
	uint64_t hash = seed ^ ((uint64_t)text->bytes << 8 | text->char_bytes);
	uint32_t i = 0;
	uint64_t word;

	for (; i + 8 <= text->bytes; i += 8) {
		memcpy(&word, text->data + i, 8);
		hash = index_mix(hash ^ word) + 0x9e3779b97f4a7c15ull;
	}
	word = 0;
	memcpy(&word, text->data + i, text->bytes - i);
	return index_mix(hash ^ word ^ 0x2545f4914f6cdd1dull);
}

/* Room in the heap, in units of 8 bytes; UINT32_MAX if there is none. */
static uint32_t heap_take(uint32_t bytes)
{
	uint64_t offset;

	if (atomic_load_explicit(&agent.area->heap_bytes, memory_order_relaxed) + bytes >
	    WIRE_HEAP_BYTES)
		return UINT32_MAX;
	offset = atomic_fetch_add_explicit(&agent.area->heap_bytes, bytes, memory_order_relaxed);
	return offset + bytes > WIRE_HEAP_BYTES ? UINT32_MAX : (uint32_t)(offset / 8);
}

static uint32_t code_write(const struct text *name, const struct text *file,
			   const struct text *table, int32_t first_line)
{
	uint32_t bytes =
		(uint32_t)sizeof(struct wire_code_text) + name->bytes + file->bytes + table->bytes;
	struct wire_code *codes = wire_codes(agent.area);
	struct wire_code_text *text;
	uint32_t id, offset;
	char *out;

	bytes = (bytes + 7) & ~7u;
	if (atomic_load_explicit(&agent.area->code_count, memory_order_relaxed) >=
	    WIRE_CODE_MAX - 1)
		return 0;
	offset = heap_take(bytes);
	id = atomic_fetch_add_explicit(&agent.area->code_count, 1, memory_order_relaxed) + 1;
	if (id >= WIRE_CODE_MAX)
		return 0;
	codes[id].offset = offset;
	if (offset != UINT32_MAX) {
		text = (struct wire_code_text *)(wire_heap(agent.area) + (uint64_t)offset * 8);
		*text = (struct wire_code_text){
			.bytes = bytes,
			.first_line = first_line,
			.name_bytes = name->bytes,
			.file_bytes = file->bytes,
			.linetable_bytes = table->bytes,
			.name_kind = name->char_bytes,
			.file_kind = file->char_bytes,
			.flags = name->cut || file->cut || table->cut ? WIRE_CODE_CUT : 0,
		};
		out = (char *)(text + 1);
		memcpy(out, name->data, name->bytes);
		memcpy(out + name->bytes, file->data, file->bytes);
		memcpy(out + name->bytes + file->bytes, table->data, table->bytes);
	}
	atomic_store_explicit(&codes[id].ready, 1, memory_order_release);
	return id;
}

COLD uint32_t code_define(struct thread *t, uintptr_t code)
{
	const struct pyabi_layout *layout = &agent.layout;
	uint64_t address_hash = index_mix(code >> 4);
	uint64_t entry = index_find(&address_index, address_hash, address_match, &code);
	struct text name, file, table;
	int32_t first_line;
	uint64_t hash;
	uint32_t id;

	if (entry)
		return (uint32_t)(entry & ID_MASK);

	name = text_read(*(const uintptr_t *)(code + (layout->features & PYABI_QUALNAME
							      ? layout->code_qualname
							      : layout->code_name)));
	file = text_read(*(const uintptr_t *)(code + layout->code_filename));
	table = table_read(*(const uintptr_t *)(code + layout->code_linetable));
	first_line = *(const int32_t *)(code + layout->code_firstlineno);
	hash = text_hash((uint64_t)(uint32_t)first_line << 1 | 1, &name);
	hash = text_hash(hash, &file);
	hash = text_hash(hash, &table);

	entry = index_find(&text_index, hash, text_match, &hash);
	id = (uint32_t)(entry & ID_MASK);
	if (!id) {
		id = code_write(&name, &file, &table, first_line);
		if (!id) {
			ring_count_lost(t, WIRE_LOST_STACK);
			return 0;
		}
		text_hashes[id] = hash;
		index_add(&text_index, hash, (hash >> ID_BITS | 1) << ID_BITS | id, text_match,
			  &hash);
	}
	index_add(&address_index, address_hash, (uint64_t)(code >> 4) << ID_BITS | id,
		  address_match, &code);
	return id;
}

void code_forget(uintptr_t code)
{
	if (index_kill(&address_index, index_mix(code >> 4), address_match, &code))
		atomic_fetch_add_explicit(&agent.code_generation, 1, memory_order_acq_rel);
}

bool code_text_is(uintptr_t code, uint32_t offset, const char *wanted)
{
	struct text text = text_read(*(const uintptr_t *)(code + offset));
	size_t length = strlen(wanted);

	return text.char_bytes == 1 && text.length == length &&
	       memcmp(text.data, wanted, length) == 0;
}

bool code_text_begins(uintptr_t code, uint32_t offset, const char *wanted)
{
	struct text text = text_read(*(const uintptr_t *)(code + offset));
	size_t length = strlen(wanted);

	return text.char_bytes == 1 && text.length >= length &&
	       memcmp(text.data, wanted, length) == 0;
}
