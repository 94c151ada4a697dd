/*
 * Together with the room pyabi, the library that the oracle scripts load into the Python which they
 * check.
 */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "pyabi/layout.h"
#include "pyabi/objects.h"

int oracle_layout_member(const struct pyabi_layout *layout, size_t index, const char **name,
			 uint32_t *value);
int oracle_objects_member(const struct pyabi_objects *objects, size_t index, const char **name,
			  uint32_t *value);
void oracle_lines(const struct pyabi_layout *layout, const uint32_t *instr, size_t count,
		  int32_t first_line, const uint8_t *table, size_t table_bytes, uint32_t *lines);
int oracle_int(const _Atomic int *address);
int oracle_int_becomes(const _Atomic int *address, int value, unsigned limit_ms);
uint64_t oracle_word_with_exception(void (*set)(void *), void *type, void (*clear)(void),
				    const uint64_t *address);

struct member {
	const char *name;
	size_t offset;
};

#define LAYOUT(name)                                       \
	{                                                  \
#name, offsetof(struct pyabi_layout, name) \
	}
#define OBJECTS(name)                                       \
	{                                                   \
#name, offsetof(struct pyabi_objects, name) \
	}

static const struct member layout_members[] = {
	LAYOUT(version_hex),
	LAYOUT(features),
	LAYOUT(linetable),
	LAYOUT(runtime_finalizing),
	LAYOUT(runtime_interpreters_head),
	LAYOUT(runtime_interpreters_main),
	LAYOUT(runtime_tstate_current),
	LAYOUT(runtime_gil),
	LAYOUT(runtime_gc_collecting),
	LAYOUT(interp_next),
	LAYOUT(interp_tstate_head),
	LAYOUT(interp_id),
	LAYOUT(interp_gil),
	LAYOUT(interp_gc_collecting),
	LAYOUT(interp_gc_frame),
	LAYOUT(interp_modules),
	LAYOUT(interp_code_object_generation),
	LAYOUT(interp_tlbc_generation),
	LAYOUT(gil_last_holder),
	LAYOUT(gil_locked),
	LAYOUT(gil_enabled),
	LAYOUT(tstate_frame),
	LAYOUT(cframe_current_frame),
	LAYOUT(tstate_next),
	LAYOUT(tstate_interp),
	LAYOUT(tstate_thread_id),
	LAYOUT(tstate_native_thread_id),
	LAYOUT(tstate_holds_gil),
	LAYOUT(tstate_gil_requested),
	LAYOUT(tstate_status),
	LAYOUT(tstate_status_active),
	LAYOUT(tstate_status_holds_gil),
	LAYOUT(tstate_status_finalizing),
	LAYOUT(tstate_state),
	LAYOUT(tstate_state_attached),
	LAYOUT(tstate_datastack_chunk),
	LAYOUT(tstate_datastack_top),
	LAYOUT(tstate_base_frame),
	LAYOUT(tstate_current_exception),
	LAYOUT(tstate_size),
	LAYOUT(chunk_previous),
	LAYOUT(chunk_size),
	LAYOUT(chunk_top),
	LAYOUT(chunk_data),
	LAYOUT(frame_previous),
	LAYOUT(frame_code),
	LAYOUT(frame_instr),
	LAYOUT(frame_owner),
	LAYOUT(frame_owner_shim),
	LAYOUT(frame_owner_generator),
	LAYOUT(frame_owner_thread),
	LAYOUT(frame_owner_object),
	LAYOUT(frame_owner_cstack),
	LAYOUT(frame_localsplus),
	LAYOUT(frame_tlbc_index),
	LAYOUT(frame_stacktop),
	LAYOUT(frame_stackpointer),
	LAYOUT(frame_is_entry),
	LAYOUT(frame_return_offset),
	LAYOUT(frame_locals),
	LAYOUT(frame_executing),
	LAYOUT(frame_executing_value),
	LAYOUT(frame_size),
	LAYOUT(frame_specials_size),
	LAYOUT(frame_generator_object),
	LAYOUT(gen_frame_state),
	LAYOUT(gen_frame_state_executing),
	LAYOUT(code_tag_mask),
	LAYOUT(code_name),
	LAYOUT(code_qualname),
	LAYOUT(code_filename),
	LAYOUT(code_firstlineno),
	LAYOUT(code_linetable),
	LAYOUT(code_bytecode),
	LAYOUT(code_firsttraceable),
	LAYOUT(code_tlbc),
	LAYOUT(tlbc_size),
	LAYOUT(tlbc_entries),
	LAYOUT(code_flags),
	LAYOUT(code_size),
	LAYOUT(code_code),
	LAYOUT(code_framesize),
	LAYOUT(code_stacksize),
	LAYOUT(code_argcount),
	LAYOUT(code_nlocalsplus),
	LAYOUT(code_localsplusnames),
	LAYOUT(code_localspluskinds),
	LAYOUT(code_nlocals),
	LAYOUT(code_varnames),
	LAYOUT(code_cellvars),
	LAYOUT(code_freevars),
	LAYOUT(object_type),
	LAYOUT(bytes_size),
	LAYOUT(bytes_data),
	LAYOUT(unicode_length),
	LAYOUT(unicode_state),
	LAYOUT(unicode_kind_shift),
	LAYOUT(unicode_compact_shift),
	LAYOUT(unicode_ascii_shift),
	LAYOUT(unicode_ascii_data),
	LAYOUT(unicode_compact_data),
};
_Static_assert(sizeof(layout_members) / sizeof(layout_members[0]) ==
		       sizeof(struct pyabi_layout) / 4,
	       "every member of the layout is listed");

static const struct member objects_members[] = {
	OBJECTS(object_type),
	OBJECTS(object_size),
	OBJECTS(var_size),
	OBJECTS(type_name),
	OBJECTS(type_basicsize),
	OBJECTS(type_itemsize),
	OBJECTS(type_flags),
	OBJECTS(type_managed_dict),
	OBJECTS(type_inline_values),
	OBJECTS(type_dictoffset),
	OBJECTS(type_mro),
	OBJECTS(type_size),
	OBJECTS(heap_type_cached_keys),
	OBJECTS(tuple_items),
	OBJECTS(list_items),
	OBJECTS(set_used),
	OBJECTS(set_mask),
	OBJECTS(set_table),
	OBJECTS(set_entry_key),
	OBJECTS(set_entry_hash),
	OBJECTS(set_entry_size),
	OBJECTS(dict_used),
	OBJECTS(dict_keys),
	OBJECTS(dict_values),
	OBJECTS(keys_size),
	OBJECTS(keys_log2_size),
	OBJECTS(keys_log2_index_bytes),
	OBJECTS(keys_kind),
	OBJECTS(keys_kind_general),
	OBJECTS(keys_nentries),
	OBJECTS(keys_indices),
	OBJECTS(entry_key),
	OBJECTS(entry_value),
	OBJECTS(entry_size),
	OBJECTS(unicode_entry_key),
	OBJECTS(unicode_entry_value),
	OBJECTS(unicode_entry_size),
	OBJECTS(values_items),
	OBJECTS(values_capacity),
	OBJECTS(values_valid),
	OBJECTS(managed_dict),
	OBJECTS(managed_values),
	OBJECTS(managed_values_tag),
	OBJECTS(float_value),
	OBJECTS(long_size),
	OBJECTS(long_tag),
	OBJECTS(long_digits),
	OBJECTS(cell_contents),
	OBJECTS(reference_tag_mask),
	OBJECTS(reference_int_tag),
};
_Static_assert(sizeof(objects_members) / sizeof(objects_members[0]) ==
		       sizeof(struct pyabi_objects) / 4,
	       "every member of the objects is listed");

static int member_at(const struct member *members, size_t count, const void *structure,
		     size_t index, const char **name, uint32_t *value)
{
	if (index >= count)
		return 0;
	*name = members[index].name;
	memcpy(value, (const char *)structure + members[index].offset, sizeof(*value));
	return 1;
}

/* The members by index; 0 behind the last. */
int oracle_layout_member(const struct pyabi_layout *layout, size_t index, const char **name,
			 uint32_t *value)
{
	return member_at(layout_members, sizeof(layout_members) / sizeof(layout_members[0]), layout,
			 index, name, value);
}

int oracle_objects_member(const struct pyabi_objects *objects, size_t index, const char **name,
			  uint32_t *value)
{
	return member_at(objects_members, sizeof(objects_members) / sizeof(objects_members[0]),
			 objects, index, name, value);
}

void oracle_lines(const struct pyabi_layout *layout, const uint32_t *instr, size_t count,
		  int32_t first_line, const uint8_t *table, size_t table_bytes, uint32_t *lines)
{
	for (size_t i = 0; i < count; i++)
		lines[i] = pyabi_line(layout, instr[i], first_line, table, table_bytes);
}

/* What an int says while the caller has, or has not, let go of the GIL. */
int oracle_int(const _Atomic int *address)
{
	return atomic_load(address);
}

/* Waits until it has the value; 0: it did not within the limit. */
int oracle_int_becomes(const _Atomic int *address, int value, unsigned limit_ms)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < limit_ms; i++) {
		if (atomic_load(address) == value)
			return 1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* What a word says while an exception of the type is on its way. */
uint64_t oracle_word_with_exception(void (*set)(void *), void *type, void (*clear)(void),
				    const uint64_t *address)
{
	uint64_t word;

	set(type);
	word = *(const volatile uint64_t *)address;
	clear();
	return word;
}
