/*
 * Together with the room pyabi, the library that the oracle scripts load into the Python which they
 * check.
 */
#include <string.h>

#include "pyabi/layout.h"

int oracle_layout_member(const struct pyabi_layout *layout, size_t index, const char **name,
			 uint32_t *value);
void oracle_lines(const struct pyabi_layout *layout, const uint32_t *instr, size_t count,
		  int32_t first_line, const uint8_t *table, size_t table_bytes, uint32_t *lines);

#define MEMBER(name)                                       \
	{                                                  \
#name, offsetof(struct pyabi_layout, name) \
	}

static const struct {
	const char *name;
	size_t offset;
} members[] = {
	MEMBER(version_hex),
	MEMBER(features),
	MEMBER(linetable),
	MEMBER(runtime_finalizing),
	MEMBER(runtime_interpreters_head),
	MEMBER(runtime_interpreters_main),
	MEMBER(runtime_tstate_current),
	MEMBER(runtime_gil),
	MEMBER(runtime_gc_collecting),
	MEMBER(interp_next),
	MEMBER(interp_tstate_head),
	MEMBER(interp_id),
	MEMBER(interp_gil),
	MEMBER(interp_gc_collecting),
	MEMBER(interp_gc_frame),
	MEMBER(interp_modules),
	MEMBER(interp_code_object_generation),
	MEMBER(interp_tlbc_generation),
	MEMBER(gil_last_holder),
	MEMBER(gil_locked),
	MEMBER(gil_enabled),
	MEMBER(tstate_frame),
	MEMBER(cframe_current_frame),
	MEMBER(tstate_next),
	MEMBER(tstate_interp),
	MEMBER(tstate_thread_id),
	MEMBER(tstate_native_thread_id),
	MEMBER(tstate_holds_gil),
	MEMBER(tstate_gil_requested),
	MEMBER(tstate_status),
	MEMBER(tstate_status_active),
	MEMBER(tstate_status_holds_gil),
	MEMBER(tstate_status_finalizing),
	MEMBER(tstate_state),
	MEMBER(tstate_state_attached),
	MEMBER(tstate_datastack_chunk),
	MEMBER(tstate_datastack_top),
	MEMBER(tstate_base_frame),
	MEMBER(tstate_current_exception),
	MEMBER(tstate_size),
	MEMBER(chunk_previous),
	MEMBER(chunk_size),
	MEMBER(chunk_top),
	MEMBER(chunk_data),
	MEMBER(frame_previous),
	MEMBER(frame_code),
	MEMBER(frame_instr),
	MEMBER(frame_owner),
	MEMBER(frame_owner_shim),
	MEMBER(frame_owner_generator),
	MEMBER(frame_owner_thread),
	MEMBER(frame_owner_object),
	MEMBER(frame_owner_cstack),
	MEMBER(frame_localsplus),
	MEMBER(frame_tlbc_index),
	MEMBER(frame_stacktop),
	MEMBER(frame_stackpointer),
	MEMBER(frame_is_entry),
	MEMBER(frame_return_offset),
	MEMBER(frame_locals),
	MEMBER(frame_executing),
	MEMBER(frame_executing_value),
	MEMBER(frame_size),
	MEMBER(frame_specials_size),
	MEMBER(frame_generator_object),
	MEMBER(gen_frame_state),
	MEMBER(gen_frame_state_executing),
	MEMBER(code_tag_mask),
	MEMBER(code_name),
	MEMBER(code_qualname),
	MEMBER(code_filename),
	MEMBER(code_firstlineno),
	MEMBER(code_linetable),
	MEMBER(code_bytecode),
	MEMBER(code_firsttraceable),
	MEMBER(code_tlbc),
	MEMBER(tlbc_size),
	MEMBER(tlbc_entries),
	MEMBER(code_flags),
	MEMBER(code_size),
	MEMBER(code_code),
	MEMBER(code_framesize),
	MEMBER(code_stacksize),
	MEMBER(code_argcount),
	MEMBER(code_nlocalsplus),
	MEMBER(code_localsplusnames),
	MEMBER(code_localspluskinds),
	MEMBER(code_nlocals),
	MEMBER(code_varnames),
	MEMBER(code_cellvars),
	MEMBER(code_freevars),
	MEMBER(object_type),
	MEMBER(bytes_size),
	MEMBER(bytes_data),
	MEMBER(unicode_length),
	MEMBER(unicode_state),
	MEMBER(unicode_kind_shift),
	MEMBER(unicode_compact_shift),
	MEMBER(unicode_ascii_shift),
	MEMBER(unicode_ascii_data),
	MEMBER(unicode_compact_data),
};
_Static_assert(sizeof(members) / sizeof(members[0]) == sizeof(struct pyabi_layout) / 4,
	       "every member of the layout is listed");

/* The members of a layout by index; 0 behind the last. */
int oracle_layout_member(const struct pyabi_layout *layout, size_t index, const char **name,
			 uint32_t *value)
{
	if (index >= sizeof(members) / sizeof(members[0]))
		return 0;
	*name = members[index].name;
	memcpy(value, (const char *)layout + members[index].offset, sizeof(*value));
	return 1;
}

void oracle_lines(const struct pyabi_layout *layout, const uint32_t *instr, size_t count,
		  int32_t first_line, const uint8_t *table, size_t table_bytes, uint32_t *lines)
{
	for (size_t i = 0; i < count; i++)
		lines[i] = pyabi_line(layout, instr[i], first_line, table, table_bytes);
}
