#include "sampler/codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pyabi/field.h"

#define TEXT_LENGTH_MAX 8192u      /* characters of a name or a file */
#define TABLE_BYTES_MAX (4u << 20) /* a line table */
#define FILE_BYTES_MAX  512u       /* of a file's name, with its header, that are compared */
#define YOUNG_NS        1000000000ull
#define CHECK_NS        50000000ull
#define CHECK_AT_ONCE   256u
#define COPIES_MAX      4096u
#define UNITS_MAX       (64u << 20)
#define FIRST_PLACES    256u
#define CODES_MAX       131072u
#define FRAME_BYTES_MAX (16u << 20)
#define BYTECODE_MAX    (1u << 20)
#define STALE_NS        10000000000ull
#define FRESH_NS        10000000ull /* bytecode specializes within its first runs */

static const char purpose[] = "code objects";

static uint32_t most(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t end_of(uint32_t offset, uint32_t bytes)
{
	return offset == PYABI_NONE ? 0 : offset + bytes;
}

/* How much of a code object holds the fields that are read here. */
static uint32_t read_bytes(const struct pyabi_layout *layout)
{
	uint32_t end = end_of(layout->object_type, 8);

	end = most(end, end_of(layout->code_size, 8));
	end = most(end, end_of(layout->code_name, 8));
	end = most(end, end_of(layout->code_qualname, 8));
	end = most(end, end_of(layout->code_filename, 8));
	end = most(end, end_of(layout->code_linetable, 8));
	end = most(end, end_of(layout->code_code, 8));
	end = most(end, end_of(layout->code_firstlineno, 4));
	end = most(end, end_of(layout->code_firsttraceable, 4));
	end = most(end, end_of(layout->code_framesize, 4));
	end = most(end, end_of(layout->code_nlocalsplus, 4));
	end = most(end, end_of(layout->code_stacksize, 4));
	end = most(end, end_of(layout->code_tlbc, 8));
	return (end + 7) / 8 * 8;
}

void codes_init(struct codes *codes, const struct target *target, const struct pyabi_layout *layout,
		struct trace_tree *tree)
{
	*codes = (struct codes){
		.target = target,
		.layout = layout,
		.opcodes = pyabi_opcodes_of(layout->version_hex),
		.tree = tree,
		.places = memory_check(calloc(FIRST_PLACES, sizeof(*codes->places)), purpose),
		.mask = FIRST_PLACES - 1,
		.read_bytes = read_bytes(layout),
	};
	codes->copies = memory_check(
		malloc((size_t)CHECK_AT_ONCE * (codes->read_bytes + FILE_BYTES_MAX)), purpose);
	codes->again = memory_check(malloc(codes->read_bytes), purpose);
	codes->foreseen.copies = memory_check(
		malloc((size_t)CODES_FORESEEN_MAX * (codes->read_bytes + FILE_BYTES_MAX)), purpose);
}

static void code_destroy(struct code *code)
{
	if (!code)
		return;
	free(code->copies);
	free(code->bytecode);
	free(code);
}

static void forget_all(struct codes *codes)
{
	for (size_t i = 0; codes->places && i <= codes->mask; i++) {
		code_destroy(codes->places[i]);
		codes->places[i] = NULL;
	}
	codes->used = 0;
}

void codes_deinit(struct codes *codes)
{
	forget_all(codes);
	free(codes->places);
	free(codes->sorted);
	free(codes->text);
	free(codes->copies);
	free(codes->again);
	free(codes->foreseen.copies);
	*codes = (struct codes){0};
}

static size_t home_of(const struct codes *codes, uint64_t address)
{
	return (address >> 4) * 0x9e3779b97f4a7c15ull >> 20 & codes->mask;
}

static struct code **place_of(const struct codes *codes, uint64_t address)
{
	size_t i = home_of(codes, address);

	while (codes->places[i] && codes->places[i]->address != address)
		i = (i + 1) & codes->mask;
	return &codes->places[i];
}

struct code *codes_find(struct codes *codes, uint64_t address)
{
	return *place_of(codes, address);
}

/* The first of the sorted ones that is behind `address`. */
static size_t sorted_behind(const struct codes *codes, uint64_t address)
{
	size_t low = 0, high = codes->used;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (codes->sorted[middle]->address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void sorted_insert(struct codes *codes, struct code *code)
{
	size_t place = sorted_behind(codes, code->address);

	codes->sorted = memory_grow(codes->sorted, codes->used + 1, &codes->sorted_room,
				    sizeof(*codes->sorted), purpose);
	memmove(&codes->sorted[place + 1], &codes->sorted[place],
		(codes->used - place) * sizeof(*codes->sorted));
	codes->sorted[place] = code;
}

uint64_t codes_find_instr(const struct codes *codes, uint64_t instr)
{
	size_t behind = sorted_behind(codes, instr);
	const struct code *code = behind ? codes->sorted[behind - 1] : NULL;

	return code && instr - code->address < code->end_instr ? code->address : 0;
}

static void grow_places(struct codes *codes)
{
	struct code **old = codes->places;
	size_t old_mask = codes->mask;

	codes->mask = 2 * old_mask + 1;
	codes->places = memory_check(calloc(codes->mask + 1, sizeof(*codes->places)), purpose);
	for (size_t i = 0; i <= old_mask; i++) {
		if (old[i])
			*place_of(codes, old[i]->address) = old[i];
	}
	free(old);
}

/* The entry becomes `code`, which is made if there is none. */
static struct code *codes_enter(struct codes *codes, const struct code *code)
{
	struct code **place = place_of(codes, code->address), *entry = *place;

	if (entry) {
		free(entry->copies);
		free(entry->bytecode);
		*entry = *code;
		return entry;
	}
	entry = *place = memory_check(malloc(sizeof(*entry)), purpose);
	*entry = *code;
	sorted_insert(codes, entry);
	if (++codes->used > codes->mask / 2)
		grow_places(codes);
	return entry;
}

void codes_begin_round(struct codes *codes, uint64_t now_ns)
{
	codes->now_ns = now_ns;
	if (codes->used >= CODES_MAX)
		forget_all(codes);
}

bool codes_trust(const struct codes *codes, const struct code *code)
{
	return codes->now_ns - code->since_ns > YOUNG_NS &&
	       codes->now_ns - code->checked_ns < CHECK_NS;
}

/* Whether all words of a code object could be as they were, and yet its file another. */
static bool doubts_file(const struct codes *codes, const struct code *code)
{
	return code->file_bytes && (codes->now_ns - code->since_ns <= YOUNG_NS ||
				    codes->now_ns - code->file_ns >= CHECK_NS);
}

static uint64_t hash_of(const unsigned char *bytes, size_t count)
{
	uint64_t hash = 14695981039346656037ull;

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ bytes[i]) * 1099511628211ull;
	return hash;
}

static void identify(const struct codes *codes, const unsigned char *copy, uint64_t words[8])
{
	const struct pyabi_layout *layout = codes->layout;

	words[0] = pyabi_word(copy, layout->object_type);
	words[1] = pyabi_word(copy, layout->code_name);
	words[2] = pyabi_word(copy, layout->code_qualname);
	words[3] = pyabi_word(copy, layout->code_filename);
	words[4] = pyabi_word(copy, layout->code_linetable);
	words[5] = (uint32_t)pyabi_int(copy, layout->code_firstlineno);
	words[6] = pyabi_word(copy, layout->code_size);
	words[7] = pyabi_word(copy, layout->code_tlbc);
}

static unsigned char *codes_room(struct codes *codes, size_t bytes)
{
	if (bytes > codes->text_bytes) {
		codes->text = memory_check(realloc(codes->text, bytes), purpose);
		codes->text_bytes = bytes;
	}
	return codes->text;
}

static bool codes_read(struct codes *codes, uint64_t address, void *out, size_t bytes)
{
	codes->reads++;
	return target_read(codes->target, address, out, bytes);
}

/* A str of the target as UTF-8, to be freed; NULL if it is not one. */
static char *read_text(struct codes *codes, uint64_t string)
{
	const struct pyabi_layout *layout = codes->layout;
	unsigned char head[64];
	struct pyabi_text form;
	uint64_t length;
	size_t bytes;
	char *text;

	if (!string || layout->unicode_state + 4 > sizeof(head) ||
	    layout->unicode_length + 8 > sizeof(head) ||
	    !codes_read(codes, string, head,
			most(layout->unicode_state + 4, layout->unicode_length + 8)))
		return NULL;
	form = pyabi_text_of(layout, (uint32_t)pyabi_int(head, layout->unicode_state));
	length = pyabi_word(head, layout->unicode_length);
	if (!form.compact || length > INT64_MAX)
		return NULL;
	if (length > TEXT_LENGTH_MAX)
		length = TEXT_LENGTH_MAX;
	bytes = length * form.char_bytes;
	if (!codes_read(codes, string + form.data_offset, codes_room(codes, bytes + 1), bytes))
		return NULL;
	text = memory_check(malloc(4 * length + 1), purpose);
	pyabi_text_to_utf8(form.char_bytes, codes->text, length, text, 4 * length + 1);
	return text;
}

/* The line table into codes->text; its length, 0 if there is none. */
static size_t read_table(struct codes *codes, uint64_t table)
{
	const struct pyabi_layout *layout = codes->layout;
	uint64_t bytes;

	if (!table || !codes_read(codes, table + layout->bytes_size, &bytes, sizeof(bytes)) ||
	    bytes > TABLE_BYTES_MAX ||
	    !codes_read(codes, table + layout->bytes_data, codes_room(codes, bytes + 1), bytes))
		return 0;
	return bytes;
}

/* Words of a frame of this code object; 0 where its layout does not say. */
static uint64_t frame_words(const struct codes *codes, const unsigned char *copy)
{
	const struct pyabi_layout *layout = codes->layout;

	if (layout->code_framesize != PYABI_NONE)
		return (uint32_t)pyabi_int(copy, layout->code_framesize);
	if (layout->code_stacksize != PYABI_NONE && layout->code_nlocalsplus != PYABI_NONE &&
	    layout->frame_specials_size != PYABI_NONE)
		return (uint64_t)(uint32_t)pyabi_int(copy, layout->code_nlocalsplus) +
		       (uint32_t)pyabi_int(copy, layout->code_stacksize) +
		       layout->frame_specials_size;
	return 0;
}

/* Up to 3.10 the instructions are a bytes object, and indexes of them count bytes or words. */
static bool count_instructions(struct codes *codes, const unsigned char *copy, struct code *code)
{
	const struct pyabi_layout *layout = codes->layout;
	uint64_t bytes;

	if (layout->code_code == PYABI_NONE ||
	    !codes_read(codes, pyabi_word(copy, layout->code_code) + layout->bytes_size, &bytes,
			sizeof(bytes)) ||
	    bytes > 2 * UNITS_MAX)
		return false;
	code->end_instr = (uint32_t)bytes;
	return true;
}

static bool place_instructions(struct codes *codes, const unsigned char *copy, struct code *code)
{
	const struct pyabi_layout *layout = codes->layout;
	uint64_t units = pyabi_word(copy, layout->code_size);
	uint64_t bytes = frame_words(codes, copy) * 8;
	uint32_t traceable = (uint32_t)pyabi_int(copy, layout->code_firsttraceable);

	if (layout->features & PYABI_INSTR_INDEX)
		return count_instructions(codes, copy, code);
	/* The interpreter's own code that ends an __init__ is traceable from behind its end. */
	if (units > UNITS_MAX || traceable > UNITS_MAX || bytes > FRAME_BYTES_MAX)
		return false;
	code->first_instr = layout->code_bytecode;
	code->end_instr = layout->code_bytecode + 2 * (uint32_t)units;
	code->traceable = code->first_instr + 2 * traceable;
	code->frame_bytes = (uint32_t)bytes;
	return true;
}

/* Its name is text of its own, at an address that may be used again; its reference count is not of
 * it. */
static void remember_file(struct codes *codes, struct code *code, uint64_t file)
{
	unsigned char head[FILE_BYTES_MAX];
	uint32_t skip = codes->layout->unicode_length;
	uint64_t length;

	code->file_bytes = 0;
	if (skip + 8 > sizeof(head) || !codes_read(codes, file + skip, &length, sizeof(length)))
		return;
	/* At least a byte for each character lies behind the header. */
	if (length > FILE_BYTES_MAX - codes->layout->unicode_compact_data)
		length = FILE_BYTES_MAX - codes->layout->unicode_compact_data;
	code->file_bytes = (uint32_t)length + codes->layout->unicode_ascii_data - skip;
	if (!codes_read(codes, file + skip, head, code->file_bytes)) {
		code->file_bytes = 0;
		return;
	}
	code->file_hash = hash_of(head, code->file_bytes);
}

/* Whether what was read of it belongs together: it is still the code object that it was. */
static bool is_unchanged(struct codes *codes, const struct code *code)
{
	uint64_t words[8];

	if (!codes_read(codes, code->address, codes->again, codes->read_bytes))
		return false;
	identify(codes, codes->again, words);
	return memcmp(words, code->words, sizeof(words)) == 0;
}

/* Reads what a code object says; false if it is none. Its address and words are known. */
static bool code_read(struct codes *codes, struct code *code, const unsigned char *copy)
{
	const struct pyabi_layout *layout = codes->layout;
	uint64_t qualname = pyabi_word(copy, layout->code_qualname);
	uint64_t name = qualname ? qualname : pyabi_word(copy, layout->code_name);
	uint64_t type = pyabi_word(copy, layout->object_type);
	struct trace_code text = {
		.layout = layout,
		.first_line = pyabi_int(copy, layout->code_firstlineno),
	};
	char *function, *file = NULL;

	if (codes->code_type && type != codes->code_type)
		return false;
	function = read_text(codes, name);
	if (function)
		file = read_text(codes, pyabi_word(copy, layout->code_filename));
	if (file && place_instructions(codes, copy, code)) {
		remember_file(codes, code, pyabi_word(copy, layout->code_filename));
		text.function = function;
		text.file = file;
		text.line_table_bytes = read_table(codes, pyabi_word(copy, layout->code_linetable));
		text.line_table = text.line_table_bytes ? codes->text : (const uint8_t *)"";
		if (is_unchanged(codes, code))
			code->number = trace_tree_add_code(codes->tree, &text);
	}
	free(function);
	free(file);
	if (code->number)
		codes->code_type = type;
	return code->number != 0;
}

/* file: the bytes of the name of the file that it had, or NULL where they cannot be read any more.
 */
static bool code_check(struct codes *codes, uint64_t address, const unsigned char *copy,
		       const unsigned char *file, uint64_t generation)
{
	struct code *code = codes_find(codes, address);
	struct code fresh = {
		.address = address, .since_ns = codes->now_ns, .file_ns = codes->now_ns};

	identify(codes, copy, fresh.words);
	if (!code || memcmp(fresh.words, code->words, sizeof(fresh.words)) != 0 ||
	    (doubts_file(codes, code) &&
	     (!file || hash_of(file, code->file_bytes) != code->file_hash))) {
		if (!code_read(codes, &fresh, copy))
			return false;
		code = codes_enter(codes, &fresh);
	}
	if (file)
		code->file_ns = codes->now_ns;
	code->generation = generation;
	code->checked_ns = codes->now_ns;
	return true;
}

/* One code object to be compared, and what is read for it. Returns how many words. */
static size_t check_words(struct codes *codes, uint64_t address, unsigned char *copy,
			  struct view_words words[2])
{
	const struct code *code = codes_find(codes, address);

	words[0] = (struct view_words){address, copy, codes->read_bytes};
	if (!code || !doubts_file(codes, code))
		return 1;
	words[1] = (struct view_words){code->words[3] + codes->layout->unicode_length,
				       copy + codes->read_bytes, code->file_bytes};
	return 2;
}

static size_t check_places(struct codes *codes, uint64_t address, unsigned char *copy,
			   struct iovec *local, struct iovec *remote)
{
	struct view_words words[2];
	size_t count = check_words(codes, address, copy, words);

	for (size_t i = 0; i < count; i++) {
		local[i] = (struct iovec){words[i].out, words[i].bytes};
		remote[i] = (struct iovec){(void *)(uintptr_t)words[i].address, words[i].bytes};
	}
	return count;
}

static bool check_some(struct codes *codes, const uint64_t *addresses, size_t count,
		       uint64_t generation)
{
	struct iovec local[2 * CHECK_AT_ONCE], remote[2 * CHECK_AT_ONCE];
	size_t first[CHECK_AT_ONCE + 1], places = 0, at = 0;
	bool is_read[2 * CHECK_AT_ONCE] = {0};
	uint32_t bytes = codes->read_bytes + FILE_BYTES_MAX;

	for (size_t i = 0; i < count; i++) {
		first[i] = places;
		places += check_places(codes, addresses[i], codes->copies + i * bytes,
				       local + places, remote + places);
	}
	first[count] = places;
	while (at < places) {
		ssize_t done =
			target_read_places(codes->target, local + at, remote + at, places - at);

		codes->reads++;
		if (done < 0)
			return false;
		for (size_t i = at; i < at + (size_t)done; i++)
			is_read[i] = true;
		at += (size_t)done + 1; /* what could not be read is not there */
	}
	for (size_t i = 0; i < count; i++) {
		const unsigned char *copy = codes->copies + i * bytes;
		bool has_file = first[i + 1] - first[i] == 2 && is_read[first[i] + 1];

		if (!is_read[first[i]] ||
		    !code_check(codes, addresses[i], copy,
				has_file ? copy + codes->read_bytes : NULL, generation))
			return false;
	}
	return true;
}

size_t codes_foresee(struct codes *codes, const uint64_t *addresses, size_t count,
		     struct view_words *words)
{
	struct codes_foreseen *foreseen = &codes->foreseen;
	size_t bytes = codes->read_bytes + FILE_BYTES_MAX, used = 0;

	foreseen->count = count;
	foreseen->read = 0;
	for (size_t i = 0; i < count; i++) {
		foreseen->addresses[i] = addresses[i];
		foreseen->words[i] = used;
		used += check_words(codes, addresses[i], foreseen->copies + i * bytes,
				    words + used);
	}
	foreseen->words[count] = used;
	return used;
}

void codes_foreseen(struct codes *codes, size_t words_read)
{
	codes->foreseen.read = words_read;
}

/* Checks it if all that is needed was read. */
static bool check_foreseen(struct codes *codes, uint64_t address, uint64_t generation)
{
	const struct codes_foreseen *foreseen = &codes->foreseen;
	size_t bytes = codes->read_bytes + FILE_BYTES_MAX;

	for (size_t i = 0; i < foreseen->count; i++) {
		const unsigned char *copy = foreseen->copies + i * bytes;

		if (foreseen->addresses[i] != address)
			continue;
		return foreseen->words[i + 1] <= foreseen->read &&
		       code_check(codes, address, copy,
				  foreseen->words[i + 1] - foreseen->words[i] == 2
					  ? copy + codes->read_bytes
					  : NULL,
				  generation);
	}
	return false;
}

bool codes_check(struct codes *codes, uint64_t *addresses, size_t count, uint64_t generation)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		if (!check_foreseen(codes, addresses[i], generation))
			addresses[left++] = addresses[i];
	}
	for (size_t i = 0; i < left; i += CHECK_AT_ONCE) {
		size_t some = left - i < CHECK_AT_ONCE ? left - i : CHECK_AT_ONCE;

		if (!check_some(codes, addresses + i, some, generation))
			return false;
	}
	return true;
}

/* Reads anew where each thread's copy of the bytecode is. */
static bool code_read_copies(struct codes *codes, struct code *code)
{
	const struct pyabi_layout *layout = codes->layout;
	uint64_t array, count;

	if (!codes_read(codes, code->address + layout->code_tlbc, &array, sizeof(array)) ||
	    !array || !codes_read(codes, array + layout->tlbc_size, &count, sizeof(count)) ||
	    !count || count > COPIES_MAX)
		return false;
	code->copies = memory_check(realloc(code->copies, count * sizeof(*code->copies)), purpose);
	code->copy_count = 0;
	if (!codes_read(codes, array + layout->tlbc_entries, code->copies,
			count * sizeof(*code->copies)))
		return false;
	code->copy_count = (uint32_t)count;
	return true;
}

static bool code_has(const struct code *code, uint64_t distance)
{
	/* Up to 3.12 a frame may stand on the unit before the first. */
	return distance + 2 >= code->first_instr && distance < code->end_instr;
}

bool codes_place(struct codes *codes, struct code *code, uint64_t instr, int32_t tlbc_index,
		 uint32_t *place)
{
	const struct pyabi_layout *layout = codes->layout;
	uint64_t distance = instr - code->address;
	bool found = code_has(code, distance);

	if (layout->features & PYABI_INSTR_INDEX) {
		/* One that has not begun stands on -1. */
		*place = (uint32_t)instr;
		return (uint32_t)(instr + 1) <= code->end_instr;
	}
	for (int round = 0; !found && round < 2; round++) {
		if (!(layout->features & PYABI_THREAD_LOCAL_BYTECODE) || tlbc_index < 0 ||
		    (round && !code_read_copies(codes, code)))
			return false;
		if ((uint32_t)tlbc_index < code->copy_count && code->copies[tlbc_index]) {
			distance = instr - code->copies[tlbc_index] + code->first_instr;
			found = code_has(code, distance);
		}
	}
	*place = (uint32_t)distance;
	return found;
}

static bool code_read_bytecode(struct codes *codes, struct code *code)
{
	size_t bytes = code->end_instr - code->first_instr;

	if (bytes > BYTECODE_MAX)
		return false;
	if (!code->bytecode)
		code->bytecode = memory_check(malloc(bytes), purpose);
	code->bytecode_wait_ns = code->bytecode_wait_ns ? 2 * code->bytecode_wait_ns : FRESH_NS;
	if (code->bytecode_wait_ns > STALE_NS)
		code->bytecode_wait_ns = STALE_NS;
	code->bytecode_ns = codes->now_ns;
	if (codes_read(codes, code->address + code->first_instr, code->bytecode, bytes))
		return true;
	free(code->bytecode);
	code->bytecode = NULL;
	return false;
}

/* Whether the bytecode may have specialized since it was read, so that another look is worth it. */
static bool is_stale(const struct codes *codes, const struct code *code, enum pyabi_calling calling)
{
	if (calling == PYABI_CALLING_SPECIALIZED)
		return code->bytecode_ns != codes->now_ns;
	return calling == PYABI_CALLING_GENERIC &&
	       codes->now_ns - code->bytecode_ns > code->bytecode_wait_ns;
}

bool codes_calls(struct codes *codes, struct code *code, uint32_t place, enum pyabi_called called)
{
	enum pyabi_calling calling;

	/* On the unit before the first, it has not begun. */
	if (!codes->opcodes || place < code->first_instr)
		return true;
	if (!code->bytecode && !code_read_bytecode(codes, code))
		return true;
	for (;;) {
		calling = pyabi_calling(codes->opcodes, code->bytecode,
					(place - code->first_instr) / 2, called);
		/* Each thread specializes a copy of its own. */
		if (codes->layout->features & PYABI_THREAD_LOCAL_BYTECODE)
			return calling != PYABI_CALLING_NOT;
		if (!is_stale(codes, code, calling))
			return calling >= PYABI_CALLING_GENERIC;
		if (!code_read_bytecode(codes, code))
			return true;
	}
}
