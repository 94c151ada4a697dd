#include "pyabi/layout.h"

#include <string.h>

#include "pyabi/tables.h"

/*
 * Invariants of a layout that pyabi_layout_init returned 0 for:
 *
 *   1. Every offset is PYABI_NONE or lies, with its field, inside the structure it belongs to, and
 *      that structure is no larger than limits[] below: a reader may add it to an address without
 *      thinking of overflow, and may keep a copy of any structure in a buffer of that size.
 *   2. Fields are aligned to their size, and no two fields of a structure overlap.
 *   3. A field that a feature bit promises is there.
 */

_Static_assert(sizeof(void *) == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the tables hold for little-endian LP64 machines");

static const char debug_cookie[8] = {'x', 'd', 'e', 'b', 'u', 'g', 'p', 'y'};

/* Tagged code pointers: the widest tag of any build of 3.14 and 3.15 (Py_TAG_BITS in
 * Include/internal/pycore_stackref.h). Objects are aligned to 8 bytes at least, so clearing two
 * bits is right for the builds that use only one. */
#define WIDEST_TAG 3u

enum structure {
	RUNTIME,
	INTERP,
	TSTATE,
	FRAME,
	CODE,
	OBJECT,
	BYTES,
	UNICODE,
	STRUCTURES,
};

/* Which size _Py_DebugOffsets gives a structure, and the largest that is believed. The runtime and
 * the interpreter hold static objects: 0.6 MB in 3.15. */
static const struct {
	uint8_t size_at;
	uint32_t most_bytes;
} limits[STRUCTURES] = {
	[RUNTIME] = {PYABI_AT_RUNTIME_SIZE, 64u << 20},
	[INTERP] = {PYABI_AT_INTERP_SIZE, 64u << 20},
	[TSTATE] = {PYABI_AT_TSTATE_SIZE, 64u << 10},
	[FRAME] = {PYABI_AT_FRAME_SIZE, 1024},
	[CODE] = {PYABI_AT_CODE_SIZE, 1024},
	[OBJECT] = {PYABI_AT_OBJECT_SIZE, 64},
	[BYTES] = {PYABI_AT_BYTES_SIZE, 256},
	[UNICODE] = {PYABI_AT_UNICODE_SIZE, 256},
};

#define MEMBER(name) offsetof(struct pyabi_layout, name)

/* What is copied from _Py_DebugOffsets into the layout. */
static const struct field {
	uint8_t at;        /* enum pyabi_at */
	uint8_t structure; /* enum structure */
	uint8_t width;     /* bytes of the field in the target */
	uint16_t member;   /* of struct pyabi_layout */
} fields[] = {
	{PYABI_AT_RUNTIME_FINALIZING, RUNTIME, 8, MEMBER(runtime_finalizing)},
	{PYABI_AT_RUNTIME_INTERPRETERS_HEAD, RUNTIME, 8, MEMBER(runtime_interpreters_head)},
	{PYABI_AT_INTERP_ID, INTERP, 8, MEMBER(interp_id)},
	{PYABI_AT_INTERP_NEXT, INTERP, 8, MEMBER(interp_next)},
	{PYABI_AT_INTERP_TSTATE_HEAD, INTERP, 8, MEMBER(interp_tstate_head)},
	{PYABI_AT_TSTATE_NEXT, TSTATE, 8, MEMBER(tstate_next)},
	{PYABI_AT_TSTATE_INTERP, TSTATE, 8, MEMBER(tstate_interp)},
	{PYABI_AT_TSTATE_FRAME, TSTATE, 8, MEMBER(tstate_frame)},
	{PYABI_AT_TSTATE_THREAD_ID, TSTATE, 8, MEMBER(tstate_thread_id)},
	{PYABI_AT_TSTATE_NATIVE_THREAD_ID, TSTATE, 8, MEMBER(tstate_native_thread_id)},
	{PYABI_AT_FRAME_PREVIOUS, FRAME, 8, MEMBER(frame_previous)},
	{PYABI_AT_FRAME_CODE, FRAME, 8, MEMBER(frame_code)},
	{PYABI_AT_FRAME_INSTR, FRAME, 8, MEMBER(frame_instr)},
	{PYABI_AT_FRAME_LOCALSPLUS, FRAME, 8, MEMBER(frame_localsplus)},
	{PYABI_AT_FRAME_OWNER, FRAME, 1, MEMBER(frame_owner)},
	{PYABI_AT_CODE_FILENAME, CODE, 8, MEMBER(code_filename)},
	{PYABI_AT_CODE_NAME, CODE, 8, MEMBER(code_name)},
	{PYABI_AT_CODE_QUALNAME, CODE, 8, MEMBER(code_qualname)},
	{PYABI_AT_CODE_LINETABLE, CODE, 8, MEMBER(code_linetable)},
	{PYABI_AT_CODE_FIRSTLINENO, CODE, 4, MEMBER(code_firstlineno)},
	{PYABI_AT_CODE_BYTECODE, CODE, 2, MEMBER(code_bytecode)},
	{PYABI_AT_OBJECT_TYPE, OBJECT, 8, MEMBER(object_type)},
	{PYABI_AT_BYTES_OB_SIZE, BYTES, 8, MEMBER(bytes_size)},
	{PYABI_AT_BYTES_DATA, BYTES, 1, MEMBER(bytes_data)},
	{PYABI_AT_UNICODE_LENGTH, UNICODE, 8, MEMBER(unicode_length)},
	{PYABI_AT_UNICODE_STATE, UNICODE, 4, MEMBER(unicode_state)},
};

/* Only in the free-threaded builds of the versions that have them. */
static const struct field tlbc_fields[] = {
	{PYABI_AT_FRAME_TLBC_INDEX, FRAME, 4, MEMBER(frame_tlbc_index)},
	{PYABI_AT_CODE_TLBC, CODE, 8, MEMBER(code_tlbc)},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIELDS_MAX   (COUNT(fields) + COUNT(tlbc_fields) + 8)

/* The fields of the target that were placed so far, so that none is placed on another. */
struct placed {
	struct {
		uint32_t structure;
		uint32_t begin;
		uint32_t end;
	} field[FIELDS_MAX];
	size_t count;
	uint32_t size[STRUCTURES];
};

static uint64_t offsets_value(const struct pyabi_offsets *form, const void *debug_offsets,
			      enum pyabi_at at)
{
	uint64_t value;

	memcpy(&value, (const char *)debug_offsets + form->at[at], sizeof(value));
	return value;
}

/* Whether a field of `width` bytes can stand at `offset`; remembers it if so. */
static bool place(struct placed *placed, enum structure structure, uint64_t offset, uint32_t width)
{
	if (offset % width != 0 || offset > placed->size[structure] ||
	    placed->size[structure] - offset < width || placed->count == FIELDS_MAX)
		return false;
	for (size_t i = 0; i < placed->count; i++) {
		if (placed->field[i].structure == structure && offset < placed->field[i].end &&
		    placed->field[i].begin < offset + width)
			return false;
	}
	placed->field[placed->count].structure = structure;
	placed->field[placed->count].begin = (uint32_t)offset;
	placed->field[placed->count].end = (uint32_t)offset + width;
	placed->count++;
	return true;
}

static bool place_fields(struct placed *placed, const struct pyabi_offsets *form,
			 const void *debug_offsets, const struct field *field, size_t count,
			 struct pyabi_layout *layout)
{
	for (; count > 0; field++, count--) {
		uint64_t offset = offsets_value(form, debug_offsets, field->at);
		uint32_t value = (uint32_t)offset;

		if (!place(placed, field->structure, offset, field->width))
			return false;
		memcpy((char *)layout + field->member, &value, sizeof(value));
	}
	return true;
}

static bool place_sizes(struct placed *placed, const struct pyabi_offsets *form,
			const void *debug_offsets)
{
	for (unsigned i = 0; i < STRUCTURES; i++) {
		uint64_t bytes = offsets_value(form, debug_offsets, limits[i].size_at);

		if (bytes == 0 || bytes > limits[i].most_bytes)
			return false;
		placed->size[i] = (uint32_t)bytes;
	}
	return true;
}

/* Fills in what _Py_DebugOffsets does not say. */
static bool place_unsaid(struct placed *placed, const struct pyabi_unsaid *unsaid,
			 struct pyabi_layout *layout)
{
	layout->runtime_interpreters_main =
		layout->runtime_interpreters_head + unsaid->interpreters_main;
	layout->code_firsttraceable = layout->code_bytecode - unsaid->code_firsttraceable;
	layout->code_flags = layout->bytes_size + unsaid->code_flags;
	layout->frame_owner_shim = unsaid->frame_owner_shim;
	layout->frame_owner_generator = unsaid->frame_owner_generator;
	layout->unicode_kind_shift = unsaid->unicode_kind_shift;
	layout->unicode_compact_shift = unsaid->unicode_compact_shift;
	layout->unicode_ascii_shift = unsaid->unicode_ascii_shift;
	if (unsaid->code_tag_mask != 0) {
		layout->features |= PYABI_TAGGED_CODE;
		layout->code_tag_mask = WIDEST_TAG;
	}
	return layout->code_bytecode >= unsaid->code_firsttraceable &&
	       place(placed, RUNTIME, layout->runtime_interpreters_main, 8) &&
	       place(placed, CODE, layout->code_firsttraceable, 4) &&
	       place(placed, CODE, layout->code_flags, 4);
}

/* Where the characters of a str begin. PyCompactUnicodeObject is not longer than PyUnicodeObject,
 * which adds one pointer to it. */
static bool place_characters(struct placed *placed, uint64_t ascii_bytes,
			     const struct pyabi_unsaid *unsaid, struct pyabi_layout *layout)
{
	uint64_t compact_bytes = ascii_bytes + unsaid->unicode_compact_data;

	if (ascii_bytes % 8 != 0 || ascii_bytes > placed->size[UNICODE] ||
	    ascii_bytes < layout->unicode_state + 4 || ascii_bytes < layout->unicode_length + 8 ||
	    compact_bytes + 8 != placed->size[UNICODE])
		return false;
	layout->unicode_ascii_data = (uint32_t)ascii_bytes;
	layout->unicode_compact_data = (uint32_t)compact_bytes;
	return true;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* How much of a frame holds the fields that walking it needs. */
static uint32_t frame_size(const struct pyabi_layout *layout)
{
	uint32_t end = layout->frame_previous + 8;

	end = max_u32(end, layout->frame_code + 8);
	end = max_u32(end, layout->frame_instr + 8);
	end = max_u32(end, layout->frame_owner + 1);
	if (layout->features & PYABI_THREAD_LOCAL_BYTECODE)
		end = max_u32(end, layout->frame_tlbc_index + 4);
	return (end + 7) / 8 * 8;
}

static int init_from_offsets(const struct pyabi_offsets *form, uint32_t version_hex,
			     const void *debug_offsets, size_t size, struct pyabi_layout *layout)
{
	struct placed placed = {.count = 0};
	const struct pyabi_unsaid *unsaid;
	uint64_t free_threaded;

	if (debug_offsets == NULL || size < form->size ||
	    memcmp(debug_offsets, debug_cookie, sizeof(debug_cookie)) != 0 ||
	    offsets_value(form, debug_offsets, PYABI_AT_VERSION) != version_hex)
		return -2;
	free_threaded = offsets_value(form, debug_offsets, PYABI_AT_FREE_THREADED);
	if (free_threaded > 1)
		return -2;
	unsaid = &form->unsaid[free_threaded];

	layout->features = PYABI_QUALNAME;
	layout->linetable = PYABI_LOCATIONS;
	layout->runtime_tstate_current = PYABI_NONE;
	layout->cframe_current_frame = PYABI_NONE;
	layout->frame_tlbc_index = PYABI_NONE;
	layout->code_tlbc = PYABI_NONE;
	layout->tlbc_size = PYABI_NONE;
	layout->tlbc_entries = PYABI_NONE;
	if (free_threaded)
		layout->features |= PYABI_FREE_THREADED;

	if (!place_sizes(&placed, form, debug_offsets) ||
	    !place_fields(&placed, form, debug_offsets, fields, COUNT(fields), layout) ||
	    !place_unsaid(&placed, unsaid, layout) ||
	    !place_characters(&placed,
			      offsets_value(form, debug_offsets, PYABI_AT_UNICODE_ASCII_SIZE),
			      unsaid, layout))
		return -2;
	if (unsaid->tlbc_entries != 0) {
		if (!place_fields(&placed, form, debug_offsets, tlbc_fields, COUNT(tlbc_fields),
				  layout))
			return -2;
		layout->features |= PYABI_THREAD_LOCAL_BYTECODE;
		layout->tlbc_size = unsaid->tlbc_size;
		layout->tlbc_entries = unsaid->tlbc_entries;
	}
	layout->frame_size = frame_size(layout);
	/* PyObject: a count and the type; free-threaded: a thread, two counts, flags and the type
	 * (Include/object.h). PyVarObject adds a size to it. */
	if (placed.size[OBJECT] != (free_threaded ? 32 : 16) ||
	    layout->bytes_size != placed.size[OBJECT] ||
	    layout->bytes_data < layout->bytes_size + 8 || layout->frame_size > placed.size[FRAME])
		return -2;
	return 0;
}

/* Release levels in PY_VERSION_HEX: 0xa alpha, 0xb beta, 0xc candidate, 0xf final. */
static bool version_known(uint32_t version_hex)
{
	return version_hex >> 24 == 3 && (version_hex >> 4 & 0xf) >= 0xc;
}

int pyabi_layout_init(uint32_t version_hex, bool debug_build, const void *debug_offsets,
		      size_t size, struct pyabi_layout *layout)
{
	uint32_t minor = version_hex >> 16 & 0xff;
	int result = -1;

	memset(layout, 0, sizeof(*layout));
	if (!version_known(version_hex))
		return -1;
	for (size_t i = 0; i < pyabi_tables_count; i++) {
		if (pyabi_tables[i].minor == minor) {
			memcpy(layout, &pyabi_tables[i].layout, sizeof(*layout));
			result = 0;
		}
	}
	for (size_t i = 0; i < pyabi_offsets_count; i++) {
		if (pyabi_offsets[i].minor == minor)
			result = init_from_offsets(&pyabi_offsets[i], version_hex, debug_offsets,
						   size, layout);
	}
	if (result < 0) {
		memset(layout, 0, sizeof(*layout));
		return result;
	}
	layout->version_hex = version_hex;
	if (debug_build)
		layout->features |= PYABI_DEBUG_BUILD;
	return 0;
}

const char *pyabi_refusal(uint32_t version_hex)
{
	uint32_t version = version_hex >> 16;
	uint32_t oldest = UINT32_MAX, newest = 0;

	for (size_t i = 0; i < pyabi_tables_count + pyabi_offsets_count; i++) {
		uint32_t minor = i < pyabi_tables_count
					 ? pyabi_tables[i].minor
					 : pyabi_offsets[i - pyabi_tables_count].minor;

		oldest = minor < oldest ? minor : oldest;
		newest = minor > newest ? minor : newest;
	}
	if (version < (3u << 8 | oldest))
		return "is older than this sonde understands";
	if (version > (3u << 8 | newest))
		return "is newer than this sonde understands";
	if (!version_known(version_hex))
		return "is from before its first release candidate, which this sonde does not "
		       "understand";
	return "is built in a way that this sonde does not understand";
}
