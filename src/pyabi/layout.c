#include "pyabi/layout.h"

#include <string.h>

#include "pyabi/offsets.h"
#include "pyabi/tables.h"

/*
 * Invariants of a layout that pyabi_layout_init returned 0 for:
 *
 *   1. Every offset is PYABI_NONE or lies, with its field, inside the structure it belongs to, and
 *      that structure is no larger than limits[] of offsets.c: a reader may add it to an address
 *      without thinking of overflow, and may keep a copy of any structure in a buffer of that size.
 *   2. Fields are aligned to their size, and no two fields of a structure overlap.
 *   3. A field that a feature bit promises is there.
 */

_Static_assert(sizeof(void *) == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the tables hold for little-endian LP64 machines");

/* Tagged code pointers: the widest tag of any build of 3.14 and 3.15 (Py_TAG_BITS in
 * Include/internal/pycore_stackref.h). Objects are aligned to 8 bytes at least, so clearing two
 * bits is right for the builds that use only one. */
#define WIDEST_TAG 3u

/* No GIL's structure is longer: two pthread objects and a few words. */
#define GIL_MOST_BYTES 512u

#define FIELD(at, structure, width, member)                                                      \
	{                                                                                        \
		PYABI_AT_##at, OFFSETS_##structure, width, offsetof(struct pyabi_layout, member) \
	}

/* What is copied from _Py_DebugOffsets into the layout. */
static const struct offsets_field fields[] = {
	FIELD(RUNTIME_FINALIZING, RUNTIME, 8, runtime_finalizing),
	FIELD(RUNTIME_INTERPRETERS_HEAD, RUNTIME, 8, runtime_interpreters_head),
	FIELD(INTERP_ID, INTERP, 8, interp_id),
	FIELD(INTERP_NEXT, INTERP, 8, interp_next),
	FIELD(INTERP_TSTATE_HEAD, INTERP, 8, interp_tstate_head),
	FIELD(INTERP_GIL, INTERP, 8, interp_gil),
	FIELD(INTERP_MODULES, INTERP, 8, interp_modules),
	FIELD(INTERP_CODE_OBJECT_GENERATION, INTERP, 8, interp_code_object_generation),
	FIELD(TSTATE_NEXT, TSTATE, 8, tstate_next),
	FIELD(TSTATE_INTERP, TSTATE, 8, tstate_interp),
	FIELD(TSTATE_FRAME, TSTATE, 8, tstate_frame),
	FIELD(TSTATE_BASE_FRAME, TSTATE, 8, tstate_base_frame),
	FIELD(TSTATE_THREAD_ID, TSTATE, 8, tstate_thread_id),
	FIELD(TSTATE_NATIVE_THREAD_ID, TSTATE, 8, tstate_native_thread_id),
	FIELD(TSTATE_DATASTACK_CHUNK, TSTATE, 8, tstate_datastack_chunk),
	FIELD(TSTATE_STATUS, TSTATE, 4, tstate_status),
	FIELD(TSTATE_HOLDS_GIL, TSTATE, 4, tstate_holds_gil),
	FIELD(TSTATE_GIL_REQUESTED, TSTATE, 4, tstate_gil_requested),
	FIELD(TSTATE_CURRENT_EXCEPTION, TSTATE, 8, tstate_current_exception),
	FIELD(FRAME_PREVIOUS, FRAME, 8, frame_previous),
	FIELD(FRAME_CODE, FRAME, 8, frame_code),
	FIELD(FRAME_INSTR, FRAME, 8, frame_instr),
	FIELD(FRAME_LOCALSPLUS, FRAME, 8, frame_localsplus),
	FIELD(FRAME_OWNER, FRAME, 1, frame_owner),
	FIELD(FRAME_STACKPOINTER, FRAME, 8, frame_stackpointer),
	FIELD(GEN_IFRAME, GEN, 8, frame_generator_object),
	FIELD(GEN_FRAME_STATE, GEN, 1, gen_frame_state),
	FIELD(CODE_FILENAME, CODE, 8, code_filename),
	FIELD(CODE_NAME, CODE, 8, code_name),
	FIELD(CODE_QUALNAME, CODE, 8, code_qualname),
	FIELD(CODE_LINETABLE, CODE, 8, code_linetable),
	FIELD(CODE_FIRSTLINENO, CODE, 4, code_firstlineno),
	FIELD(CODE_ARGCOUNT, CODE, 4, code_argcount),
	FIELD(CODE_LOCALSPLUSNAMES, CODE, 8, code_localsplusnames),
	FIELD(CODE_LOCALSPLUSKINDS, CODE, 8, code_localspluskinds),
	FIELD(CODE_BYTECODE, CODE, 2, code_bytecode),
	FIELD(OBJECT_TYPE, OBJECT, 8, object_type),
	FIELD(BYTES_OB_SIZE, BYTES, 8, bytes_size),
	FIELD(BYTES_DATA, BYTES, 1, bytes_data),
	FIELD(UNICODE_LENGTH, UNICODE, 8, unicode_length),
	FIELD(UNICODE_STATE, UNICODE, 4, unicode_state),
};

/* Only in the free-threaded builds of the versions that have them. */
static const struct offsets_field tlbc_fields[] = {
	FIELD(INTERP_TLBC_GENERATION, INTERP, 4, interp_tlbc_generation),
	FIELD(FRAME_TLBC_INDEX, FRAME, 4, frame_tlbc_index),
	FIELD(CODE_TLBC, CODE, 8, code_tlbc),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The GIL's own structure, which each interpreter has in it for when it shares none, and the
 * collector's state. */
static bool place_in_interp(struct offsets *offsets, struct pyabi_layout *layout)
{
	uint64_t gil = offsets_value(offsets, PYABI_AT_INTERP_OWN_GIL);
	uint64_t holder = offsets_value(offsets, PYABI_AT_INTERP_OWN_GIL_HOLDER);
	uint64_t locked = offsets_value(offsets, PYABI_AT_INTERP_OWN_GIL_LOCKED);
	uint64_t gc = offsets_value(offsets, PYABI_AT_INTERP_GC);
	uint64_t collecting = offsets_value(offsets, PYABI_AT_GC_COLLECTING);
	uint32_t most = offsets->size[OFFSETS_INTERP];

	if (gil % 8 != 0 || gil > holder || gil > locked || holder - gil > GIL_MOST_BYTES - 8 ||
	    locked - gil > GIL_MOST_BYTES - 4 || gc > most || collecting > most ||
	    !offsets_place(offsets, OFFSETS_INTERP, holder, 8) ||
	    !offsets_place(offsets, OFFSETS_INTERP, locked, 4) ||
	    !offsets_place(offsets, OFFSETS_INTERP, gc + collecting, 4))
		return false;
	layout->gil_last_holder = (uint32_t)(holder - gil);
	layout->gil_locked = (uint32_t)(locked - gil);
	layout->interp_gc_collecting = (uint32_t)(gc + collecting);
	if (offsets->free_threaded) {
		layout->gil_enabled = offsets->unsaid->gil_enabled;
		if (!offsets_place(offsets, OFFSETS_INTERP, gil + layout->gil_enabled, 4))
			return false;
	}
	if (offsets_say(offsets, PYABI_AT_GC_FRAME)) {
		uint64_t frame = offsets_value(offsets, PYABI_AT_GC_FRAME);

		if (frame > most || !offsets_place(offsets, OFFSETS_INTERP, gc + frame, 8))
			return false;
		layout->interp_gc_frame = (uint32_t)(gc + frame);
	}
	return true;
}

/* What _Py_DebugOffsets leaves unsaid of PyThreadState. */
static bool place_in_tstate(struct offsets *offsets, struct pyabi_layout *layout)
{
	const struct pyabi_unsaid *unsaid = offsets->unsaid;

	layout->chunk_previous = unsaid->chunk_previous;
	layout->chunk_size = unsaid->chunk_size;
	layout->chunk_top = unsaid->chunk_top;
	layout->chunk_data = unsaid->chunk_data;
	layout->tstate_datastack_top =
		layout->tstate_datastack_chunk + unsaid->tstate_datastack_top;
	layout->tstate_state_attached = unsaid->tstate_state_attached;
	if (!offsets_place(offsets, OFFSETS_TSTATE, layout->tstate_datastack_top, 8))
		return false;
	if (layout->tstate_frame - layout->tstate_status != unsaid->tstate_status_to_frame)
		return true;
	layout->tstate_status_active = unsaid->tstate_status_active;
	layout->tstate_status_holds_gil = unsaid->tstate_status_holds_gil;
	layout->tstate_status_finalizing = unsaid->tstate_status_finalizing;
	layout->tstate_state = layout->tstate_status + unsaid->tstate_state;
	if (!offsets_place(offsets, OFFSETS_TSTATE, layout->tstate_state, 4))
		return false;
	if (unsaid->tstate_holds_gil == 0)
		return true;
	layout->tstate_holds_gil = layout->tstate_status + unsaid->tstate_holds_gil;
	return offsets_place(offsets, OFFSETS_TSTATE, layout->tstate_holds_gil, 4);
}

/* .. of _PyInterpreterFrame and PyGenObject. */
static bool place_in_frame(struct offsets *offsets, struct pyabi_layout *layout)
{
	const struct pyabi_unsaid *unsaid = offsets->unsaid;

	layout->frame_owner_thread = unsaid->frame_owner_thread;
	layout->frame_owner_generator = unsaid->frame_owner_generator;
	layout->frame_owner_object = unsaid->frame_owner_object;
	layout->frame_owner_shim = unsaid->frame_owner_shim;
	if (unsaid->frame_owner_cstack != 0)
		layout->frame_owner_cstack = unsaid->frame_owner_cstack;
	layout->frame_specials_size = unsaid->frame_specials_size;
	layout->gen_frame_state_executing = unsaid->gen_frame_state_executing;
	layout->code_tag_mask = 0;
	if (unsaid->code_tag_mask != 0) {
		layout->features |= PYABI_TAGGED_CODE;
		layout->code_tag_mask = WIDEST_TAG;
	}
	if (unsaid->frame_generator_object != 0) {
		layout->frame_generator_object = unsaid->frame_generator_object;
		layout->gen_frame_state = unsaid->gen_frame_state;
	}
	if (unsaid->frame_stacktop != 0) {
		layout->frame_stacktop = layout->frame_instr + unsaid->frame_stacktop;
		if (!offsets_place(offsets, OFFSETS_FRAME, layout->frame_stacktop, 4))
			return false;
	}
	layout->frame_return_offset = layout->frame_owner - unsaid->frame_return_offset;
	layout->frame_locals = layout->frame_instr - unsaid->frame_locals;
	return layout->frame_owner >= unsaid->frame_return_offset &&
	       layout->frame_instr >= unsaid->frame_locals &&
	       layout->frame_localsplus == layout->frame_specials_size * 8 &&
	       offsets_place(offsets, OFFSETS_FRAME, layout->frame_return_offset, 2) &&
	       offsets_place(offsets, OFFSETS_FRAME, layout->frame_locals, 8);
}

/* .. of PyCodeObject. */
static bool place_in_code(struct offsets *offsets, struct pyabi_layout *layout)
{
	const struct pyabi_unsaid *unsaid = offsets->unsaid;

	layout->code_size = layout->bytes_size;
	layout->code_flags = layout->bytes_size + unsaid->code_flags;
	layout->code_firsttraceable = layout->code_bytecode - unsaid->code_firsttraceable;
	layout->code_stacksize = layout->code_firstlineno - unsaid->code_stacksize;
	layout->code_nlocalsplus = layout->code_firstlineno + unsaid->code_nlocalsplus;
	layout->code_framesize = layout->code_firstlineno + unsaid->code_framesize;
	return layout->code_bytecode >= unsaid->code_firsttraceable &&
	       layout->code_firstlineno >= unsaid->code_stacksize &&
	       offsets_place(offsets, OFFSETS_CODE, layout->code_size, 8) &&
	       offsets_place(offsets, OFFSETS_CODE, layout->code_flags, 4) &&
	       offsets_place(offsets, OFFSETS_CODE, layout->code_firsttraceable, 4) &&
	       offsets_place(offsets, OFFSETS_CODE, layout->code_stacksize, 4) &&
	       offsets_place(offsets, OFFSETS_CODE, layout->code_nlocalsplus, 4) &&
	       offsets_place(offsets, OFFSETS_CODE, layout->code_framesize, 4);
}

/* Where the characters of a str begin. PyCompactUnicodeObject is not longer than PyUnicodeObject,
 * which adds one pointer to it. */
static bool place_characters(const struct offsets *offsets, struct pyabi_layout *layout)
{
	const struct pyabi_unsaid *unsaid = offsets->unsaid;
	uint64_t ascii_bytes = offsets_value(offsets, PYABI_AT_UNICODE_ASCII_SIZE);
	uint64_t compact_bytes = ascii_bytes + unsaid->unicode_compact_data;

	if (ascii_bytes % 8 != 0 || ascii_bytes > offsets->size[OFFSETS_UNICODE] ||
	    ascii_bytes < layout->unicode_state + 4 || ascii_bytes < layout->unicode_length + 8 ||
	    compact_bytes + 8 != offsets->size[OFFSETS_UNICODE])
		return false;
	layout->unicode_ascii_data = (uint32_t)ascii_bytes;
	layout->unicode_compact_data = (uint32_t)compact_bytes;
	layout->unicode_kind_shift = unsaid->unicode_kind_shift;
	layout->unicode_compact_shift = unsaid->unicode_compact_shift;
	layout->unicode_ascii_shift = unsaid->unicode_ascii_shift;
	return true;
}

/* The end, in whole words, of those of these fields that are there. */
static uint32_t end_of(const uint32_t fields_and_widths[][2], size_t count)
{
	uint32_t end = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t field_end = fields_and_widths[i][0] + fields_and_widths[i][1];

		if (fields_and_widths[i][0] != PYABI_NONE && field_end > end)
			end = field_end;
	}
	return (end + 7) / 8 * 8;
}

static uint32_t tstate_size(const struct pyabi_layout *layout)
{
	const uint32_t parts[][2] = {
		{layout->tstate_frame, 8},
		{layout->tstate_next, 8},
		{layout->tstate_interp, 8},
		{layout->tstate_thread_id, 8},
		{layout->tstate_native_thread_id, 8},
		{layout->tstate_holds_gil, 4},
		{layout->tstate_gil_requested, 4},
		{layout->tstate_status, 4},
		{layout->tstate_state, 4},
		{layout->tstate_datastack_chunk, 8},
		{layout->tstate_datastack_top, 8},
		{layout->tstate_base_frame, 8},
		{layout->tstate_current_exception, 8},
	};

	return end_of(parts, COUNT(parts));
}

static uint32_t frame_size(const struct pyabi_layout *layout)
{
	const uint32_t parts[][2] = {
		{layout->frame_previous, 8},      {layout->frame_code, 8},
		{layout->frame_instr, 8},         {layout->frame_owner, 1},
		{layout->frame_tlbc_index, 4},    {layout->frame_stacktop, 4},
		{layout->frame_locals, 8},        {layout->frame_stackpointer, 8},
		{layout->frame_return_offset, 2},
	};

	return end_of(parts, COUNT(parts));
}

static int init_from_offsets(uint32_t version_hex, const void *debug_offsets, size_t size,
			     struct pyabi_layout *layout)
{
	struct offsets offsets;
	int result = offsets_init(version_hex, debug_offsets, size, OFFSETS_RUNTIME, OFFSETS_OBJECT,
				  &offsets);

	if (result < 0)
		return result;
	memset(layout, 0xff, sizeof(*layout)); /* PYABI_NONE */
	layout->features = PYABI_QUALNAME | PYABI_CALLS_LEAVE_MARK;
	layout->linetable = PYABI_LOCATIONS;
	layout->frame_owner_cstack = 0xff;
	layout->tstate_status_active = 0;
	layout->tstate_status_holds_gil = 0;
	layout->tstate_status_finalizing = 0;
	if (offsets.free_threaded)
		layout->features |= PYABI_FREE_THREADED;
	if (!offsets_place_fields(&offsets, fields, COUNT(fields), layout))
		return -2;
	if (offsets.unsaid->tlbc_entries != 0) {
		if (!offsets_place_fields(&offsets, tlbc_fields, COUNT(tlbc_fields), layout))
			return -2;
		layout->features |= PYABI_THREAD_LOCAL_BYTECODE;
		layout->tlbc_size = offsets.unsaid->tlbc_size;
		layout->tlbc_entries = offsets.unsaid->tlbc_entries;
	}
	layout->runtime_interpreters_main =
		layout->runtime_interpreters_head + offsets.unsaid->interpreters_main;
	if (!offsets_place(&offsets, OFFSETS_RUNTIME, layout->runtime_interpreters_main, 8) ||
	    !place_in_interp(&offsets, layout) || !place_in_tstate(&offsets, layout) ||
	    !place_in_frame(&offsets, layout) || !place_in_code(&offsets, layout) ||
	    !place_characters(&offsets, layout))
		return -2;
	layout->tstate_size = tstate_size(layout);
	layout->frame_size = frame_size(layout);
	/* PyObject: a count and the type; free-threaded: a thread, two counts, flags and the type
	 * (Include/object.h). PyVarObject adds a size to it. */
	if (offsets.size[OFFSETS_OBJECT] != (offsets.free_threaded ? 32 : 16) ||
	    layout->bytes_size != offsets.size[OFFSETS_OBJECT] ||
	    layout->bytes_data < layout->bytes_size + 8 ||
	    layout->frame_size > offsets.size[OFFSETS_FRAME] ||
	    layout->tstate_size > offsets.size[OFFSETS_TSTATE])
		return -2;
	return 0;
}

int pyabi_layout_init(uint32_t version_hex, bool debug_build, const void *debug_offsets,
		      size_t size, struct pyabi_layout *layout)
{
	uint32_t minor = version_hex >> 16 & 0xff;
	int result = -1;

	memset(layout, 0, sizeof(*layout));
	if (!offsets_version_known(version_hex))
		return -1;
	for (size_t i = 0; i < pyabi_tables_count; i++) {
		if (pyabi_tables[i].minor == minor) {
			memcpy(layout, &pyabi_tables[i].layout, sizeof(*layout));
			result = 0;
		}
	}
	if (result < 0)
		result = init_from_offsets(version_hex, debug_offsets, size, layout);
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
	if (!offsets_version_known(version_hex))
		return "is from before its first release candidate, which this sonde does not "
		       "understand";
	return "is built in a way that this sonde does not understand";
}
