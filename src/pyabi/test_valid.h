#pragma once

#include "pyabi/layout.h"
#include "pyabi/objects.h"

/*
 * Whether a layout is one that may be followed through a live process: every offset that its
 * features promise is there, small, and aligned to its field. For tests and fuzzing; what a layout
 * has to fulfil is written down here once more, in other words than in layout.c.
 */
static inline bool offset_is_valid(uint32_t offset, uint32_t width, uint32_t most)
{
	return offset % width == 0 && offset <= most - width;
}

/* One that a Python may not have. */
static inline bool offset_is_valid_or_none(uint32_t offset, uint32_t width, uint32_t most)
{
	return offset == PYABI_NONE || offset_is_valid(offset, width, most);
}

static inline bool layout_gil_is_valid(const struct pyabi_layout *layout)
{
	const uint32_t most = 64u << 20;
	bool in_runtime = layout->runtime_gil != PYABI_NONE;

	return offset_is_valid_or_none(layout->runtime_gil, 8, most) &&
	       offset_is_valid_or_none(layout->interp_gil, 8, most) &&
	       in_runtime == (layout->interp_gil == PYABI_NONE) &&
	       in_runtime == (layout->runtime_tstate_current != PYABI_NONE) &&
	       offset_is_valid(layout->gil_last_holder, 8, 512) &&
	       offset_is_valid(layout->gil_locked, 4, 512) &&
	       (layout->features & PYABI_FREE_THREADED
			? offset_is_valid(layout->gil_enabled, 4, 512)
			: layout->gil_enabled == PYABI_NONE) &&
	       (layout->runtime_gc_collecting == PYABI_NONE) !=
		       (layout->interp_gc_collecting == PYABI_NONE) &&
	       offset_is_valid_or_none(layout->runtime_gc_collecting, 4, most) &&
	       offset_is_valid_or_none(layout->interp_gc_collecting, 4, most) &&
	       offset_is_valid_or_none(layout->interp_gc_frame, 8, most) &&
	       offset_is_valid(layout->interp_modules, 8, most) &&
	       offset_is_valid_or_none(layout->interp_code_object_generation, 8, most) &&
	       offset_is_valid_or_none(layout->interp_tlbc_generation, 4, most);
}

static inline bool layout_tstate_is_valid(const struct pyabi_layout *layout)
{
	bool data_stack = layout->linetable == PYABI_LOCATIONS;
	uint32_t end = layout->tstate_size;

	if (end > 65536 || end % 8 != 0 || !offset_is_valid(layout->tstate_frame, 8, end) ||
	    !offset_is_valid(layout->tstate_next, 8, end) ||
	    !offset_is_valid(layout->tstate_interp, 8, end) ||
	    !offset_is_valid(layout->tstate_thread_id, 8, end) ||
	    !offset_is_valid_or_none(layout->tstate_native_thread_id, 8, end) ||
	    !offset_is_valid_or_none(layout->tstate_holds_gil, 4, end) ||
	    !offset_is_valid_or_none(layout->tstate_gil_requested, 4, end) ||
	    !offset_is_valid_or_none(layout->tstate_status, 4, end) ||
	    !offset_is_valid_or_none(layout->tstate_state, 4, end) ||
	    !offset_is_valid_or_none(layout->tstate_base_frame, 8, end) ||
	    !offset_is_valid_or_none(layout->tstate_current_exception, 8, end))
		return false;
	if (layout->tstate_status == PYABI_NONE &&
	    (layout->tstate_status_active | layout->tstate_status_finalizing |
	     layout->tstate_status_holds_gil))
		return false;
	if (!data_stack)
		return layout->tstate_datastack_chunk == PYABI_NONE;
	return offset_is_valid(layout->tstate_datastack_chunk, 8, end) &&
	       offset_is_valid(layout->tstate_datastack_top, 8, end) &&
	       offset_is_valid(layout->chunk_previous, 8, 32) &&
	       offset_is_valid(layout->chunk_size, 8, 32) &&
	       offset_is_valid(layout->chunk_top, 8, 32) && layout->chunk_data <= 32;
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
	if (!offset_is_valid_or_none(layout->frame_stacktop, 4, end) ||
	    !offset_is_valid_or_none(layout->frame_stackpointer, 8, end) ||
	    !offset_is_valid_or_none(layout->frame_is_entry, 1, end) ||
	    !offset_is_valid_or_none(layout->frame_return_offset, 2, end) ||
	    !offset_is_valid_or_none(layout->frame_executing, 1, end) ||
	    !offset_is_valid(layout->frame_locals, 8, end))
		return false;
	if (code_in_objects != (layout->frame_executing == PYABI_NONE))
		return false;
	if (code_in_objects &&
	    (!offset_is_valid(layout->frame_owner, 1, end) ||
	     layout->frame_specials_size * 8 != layout->frame_localsplus ||
	     layout->frame_generator_object > 1024 || layout->gen_frame_state >= 1024 ||
	     (layout->frame_stacktop == PYABI_NONE) == (layout->frame_stackpointer == PYABI_NONE)))
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
	    !offset_is_valid(layout->code_flags, 4, 1024) ||
	    !offset_is_valid(layout->code_argcount, 4, 1024) ||
	    !offset_is_valid(layout->code_stacksize, 4, 1024) ||
	    !offset_is_valid_or_none(layout->code_framesize, 4, 1024))
		return false;
	if (layout->linetable != PYABI_LOCATIONS &&
	    (!offset_is_valid(layout->code_code, 8, 1024) ||
	     !offset_is_valid(layout->code_nlocals, 4, 1024) ||
	     !offset_is_valid(layout->code_varnames, 8, 1024) ||
	     !offset_is_valid(layout->code_cellvars, 8, 1024) ||
	     !offset_is_valid(layout->code_freevars, 8, 1024)))
		return false;
	if (layout->linetable == PYABI_LOCATIONS &&
	    (!offset_is_valid(layout->code_size, 8, 1024) ||
	     !offset_is_valid(layout->code_nlocalsplus, 4, 1024) ||
	     !offset_is_valid(layout->code_localsplusnames, 8, 1024) ||
	     !offset_is_valid(layout->code_localspluskinds, 8, 1024)))
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
	       offset_is_valid(layout->interp_id, 8, most) && layout_gil_is_valid(layout) &&
	       layout_tstate_is_valid(layout) && (layout->code_tag_mask == 0) == !tagged &&
	       layout_frame_is_valid(layout) && layout_code_is_valid(layout) &&
	       offset_is_valid(layout->object_type, 8, 64) &&
	       offset_is_valid(layout->bytes_size, 8, 64) &&
	       offset_is_valid(layout->bytes_data, 1, 256) &&
	       offset_is_valid(layout->unicode_length, 8, 256) &&
	       offset_is_valid(layout->unicode_state, 4, 256) &&
	       offset_is_valid(layout->unicode_ascii_data, 4, 256) &&
	       offset_is_valid(layout->unicode_compact_data, 4, 256) &&
	       layout->unicode_kind_shift < 30 && layout->unicode_compact_shift < 32 &&
	       layout->unicode_ascii_shift < 32;
}

static inline bool objects_are_valid(const struct pyabi_objects *objects)
{
	bool log2 = objects->keys_log2_size != PYABI_NONE;
	bool tagged = objects->long_tag != PYABI_NONE;
	uint32_t head = objects->keys_indices;

	return offset_is_valid(objects->object_type, 8, objects->object_size) &&
	       objects->object_size <= 64 && offset_is_valid(objects->var_size, 8, 64) &&
	       objects->type_size <= 4096 &&
	       offset_is_valid(objects->type_name, 8, objects->type_size) &&
	       offset_is_valid(objects->type_basicsize, 8, objects->type_size) &&
	       offset_is_valid(objects->type_itemsize, 8, objects->type_size) &&
	       offset_is_valid(objects->type_flags, 8, objects->type_size) &&
	       offset_is_valid(objects->type_dictoffset, 8, objects->type_size) &&
	       offset_is_valid(objects->type_mro, 8, objects->type_size) &&
	       offset_is_valid(objects->heap_type_cached_keys, 8, 8192) &&
	       offset_is_valid(objects->tuple_items, 8, 256) &&
	       offset_is_valid(objects->list_items, 8, 256) &&
	       offset_is_valid(objects->set_used, 8, 1024) &&
	       offset_is_valid(objects->set_mask, 8, 1024) &&
	       offset_is_valid(objects->set_table, 8, 1024) &&
	       offset_is_valid(objects->set_entry_key, 8, objects->set_entry_size) &&
	       offset_is_valid(objects->set_entry_hash, 8, objects->set_entry_size) &&
	       offset_is_valid(objects->dict_used, 8, 256) &&
	       offset_is_valid(objects->dict_keys, 8, 256) &&
	       offset_is_valid(objects->dict_values, 8, 256) && head <= 64 &&
	       (log2 ? offset_is_valid(objects->keys_log2_size, 1, head) &&
				offset_is_valid(objects->keys_log2_index_bytes, 1, head) &&
				offset_is_valid(objects->keys_kind, 1, head)
		     : offset_is_valid(objects->keys_size, 8, head)) &&
	       offset_is_valid(objects->keys_nentries, 8, head) && objects->entry_size <= 64 &&
	       offset_is_valid(objects->entry_key, 8, objects->entry_size) &&
	       offset_is_valid(objects->entry_value, 8, objects->entry_size) &&
	       (!log2 || (offset_is_valid(objects->unicode_entry_key, 8, 64) &&
			  offset_is_valid(objects->unicode_entry_value, 8, 64))) &&
	       offset_is_valid(objects->values_items, 8, 64) &&
	       offset_is_valid(objects->float_value, 8, 256) &&
	       (tagged ? offset_is_valid(objects->long_tag, 8, objects->long_digits)
		       : offset_is_valid(objects->long_size, 8, objects->long_digits)) &&
	       objects->long_digits <= 256 && offset_is_valid(objects->cell_contents, 8, 64);
}
