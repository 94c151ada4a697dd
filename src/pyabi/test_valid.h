#pragma once

#include "pyabi/layout.h"

/*
 * Whether a layout is one that may be followed through a live process: every offset that its
 * features promise is there, small, and aligned to its field. For tests and fuzzing; what a layout
 * has to fulfil is written down here once more, in other words than in layout.c.
 */
static inline bool offset_is_valid(uint32_t offset, uint32_t width, uint32_t most)
{
	return offset % width == 0 && offset <= most - width;
}

static inline bool layout_frame_is_valid(const struct pyabi_layout *layout)
{
	bool code_in_objects = layout->linetable == PYABI_LOCATIONS;
	uint32_t end = layout->frame_size;

	if (end > 1024 || !offset_is_valid(layout->frame_previous, 8, end) ||
	    !offset_is_valid(layout->frame_code, 8, end) ||
	    !offset_is_valid(layout->frame_instr, code_in_objects ? 8 : 4, end) ||
	    !offset_is_valid(layout->frame_localsplus, 8, 1024))
		return false;
	if (code_in_objects && !offset_is_valid(layout->frame_owner, 1, end))
		return false;
	if (layout->features & PYABI_CFRAME && layout->cframe_current_frame > 8)
		return false;
	return layout->features & PYABI_THREAD_LOCAL_BYTECODE
		       ? offset_is_valid(layout->frame_tlbc_index, 4, end)
		       : layout->frame_tlbc_index == PYABI_NONE;
}

static inline bool layout_code_is_valid(const struct pyabi_layout *layout)
{
	if (!offset_is_valid(layout->code_name, 8, 1024) ||
	    !offset_is_valid(layout->code_filename, 8, 1024) ||
	    !offset_is_valid(layout->code_linetable, 8, 1024) ||
	    !offset_is_valid(layout->code_firstlineno, 4, 1024) ||
	    !offset_is_valid(layout->code_flags, 4, 1024))
		return false;
	if (layout->features & PYABI_QUALNAME && !offset_is_valid(layout->code_qualname, 8, 1024))
		return false;
	if (layout->linetable == PYABI_LOCATIONS &&
	    (!offset_is_valid(layout->code_bytecode, 2, 1024) ||
	     !offset_is_valid(layout->code_firsttraceable, 4, 1024)))
		return false;
	return layout->features & PYABI_THREAD_LOCAL_BYTECODE
		       ? offset_is_valid(layout->code_tlbc, 8, 1024) && layout->tlbc_entries == 8
		       : layout->code_tlbc == PYABI_NONE;
}

static inline bool layout_is_valid(const struct pyabi_layout *layout)
{
	const uint32_t most = 64u << 20;
	bool tagged = layout->features & PYABI_TAGGED_CODE;

	return offset_is_valid(layout->runtime_finalizing, 8, most) &&
	       offset_is_valid(layout->runtime_interpreters_head, 8, most) &&
	       offset_is_valid(layout->runtime_interpreters_main, 8, most) &&
	       offset_is_valid(layout->interp_next, 8, most) &&
	       offset_is_valid(layout->interp_tstate_head, 8, most) &&
	       offset_is_valid(layout->interp_id, 8, most) &&
	       offset_is_valid(layout->tstate_frame, 8, 65536) &&
	       offset_is_valid(layout->tstate_next, 8, 65536) &&
	       offset_is_valid(layout->tstate_interp, 8, 65536) &&
	       offset_is_valid(layout->tstate_thread_id, 8, 65536) &&
	       (layout->code_tag_mask == 0) == !tagged && layout_frame_is_valid(layout) &&
	       layout_code_is_valid(layout) && offset_is_valid(layout->object_type, 8, 64) &&
	       offset_is_valid(layout->bytes_size, 8, 64) &&
	       offset_is_valid(layout->bytes_data, 1, 256) &&
	       offset_is_valid(layout->unicode_length, 8, 256) &&
	       offset_is_valid(layout->unicode_state, 4, 256) &&
	       offset_is_valid(layout->unicode_ascii_data, 4, 256) &&
	       offset_is_valid(layout->unicode_compact_data, 4, 256) &&
	       layout->unicode_kind_shift < 30 && layout->unicode_compact_shift < 32 &&
	       layout->unicode_ascii_shift < 32;
}
