#pragma once

#include "pyabi/builtins.h"
#include "pyabi/layout.h"
#include "pyabi/objects.h"
#include "pyabi/opcodes.h"

/*
 * What tools/pyabi-tables.py measures in each version's headers and writes to the files *-lp64.c.
 * To add a Python: extend MINORS there and, in tools/pyabi_fields.py, whatever its headers renamed,
 * run it with that Python's headers installed, and give the validation in layout.c and objects.c
 * the new row to read.
 */

/* 3.8 to 3.12: everything but version_hex and the features that depend on the build. */
struct pyabi_table {
	uint32_t minor;
	struct pyabi_layout layout;
};
struct pyabi_objects_table {
	uint32_t minor;
	struct pyabi_objects objects;
};

/* Members of _Py_DebugOffsets that sonde reads: sizes of structures, and offsets in them. */
enum pyabi_at {
	PYABI_AT_VERSION,
	PYABI_AT_FREE_THREADED,
	PYABI_AT_RUNTIME_SIZE,
	PYABI_AT_RUNTIME_FINALIZING,
	PYABI_AT_RUNTIME_INTERPRETERS_HEAD,
	PYABI_AT_INTERP_SIZE,
	PYABI_AT_INTERP_ID,
	PYABI_AT_INTERP_NEXT,
	PYABI_AT_INTERP_TSTATE_HEAD,
	PYABI_AT_INTERP_GC,
	PYABI_AT_INTERP_MODULES,
	PYABI_AT_INTERP_GIL,
	PYABI_AT_INTERP_OWN_GIL,
	PYABI_AT_INTERP_OWN_GIL_LOCKED,
	PYABI_AT_INTERP_OWN_GIL_HOLDER,
	PYABI_AT_INTERP_CODE_OBJECT_GENERATION,
	PYABI_AT_INTERP_TLBC_GENERATION,
	PYABI_AT_TSTATE_SIZE,
	PYABI_AT_TSTATE_NEXT,
	PYABI_AT_TSTATE_INTERP,
	PYABI_AT_TSTATE_FRAME,
	PYABI_AT_TSTATE_BASE_FRAME,
	PYABI_AT_TSTATE_THREAD_ID,
	PYABI_AT_TSTATE_NATIVE_THREAD_ID,
	PYABI_AT_TSTATE_DATASTACK_CHUNK,
	PYABI_AT_TSTATE_STATUS,
	PYABI_AT_TSTATE_HOLDS_GIL,
	PYABI_AT_TSTATE_GIL_REQUESTED,
	PYABI_AT_TSTATE_CURRENT_EXCEPTION,
	PYABI_AT_FRAME_SIZE,
	PYABI_AT_FRAME_PREVIOUS,
	PYABI_AT_FRAME_CODE,
	PYABI_AT_FRAME_INSTR,
	PYABI_AT_FRAME_LOCALSPLUS,
	PYABI_AT_FRAME_OWNER,
	PYABI_AT_FRAME_STACKPOINTER,
	PYABI_AT_FRAME_TLBC_INDEX,
	PYABI_AT_CODE_SIZE,
	PYABI_AT_CODE_FILENAME,
	PYABI_AT_CODE_NAME,
	PYABI_AT_CODE_QUALNAME,
	PYABI_AT_CODE_LINETABLE,
	PYABI_AT_CODE_FIRSTLINENO,
	PYABI_AT_CODE_ARGCOUNT,
	PYABI_AT_CODE_LOCALSPLUSNAMES,
	PYABI_AT_CODE_LOCALSPLUSKINDS,
	PYABI_AT_CODE_BYTECODE,
	PYABI_AT_CODE_TLBC,
	PYABI_AT_OBJECT_SIZE,
	PYABI_AT_OBJECT_TYPE,
	PYABI_AT_BYTES_SIZE,
	PYABI_AT_BYTES_OB_SIZE,
	PYABI_AT_BYTES_DATA,
	PYABI_AT_UNICODE_SIZE,
	PYABI_AT_UNICODE_STATE,
	PYABI_AT_UNICODE_LENGTH,
	PYABI_AT_UNICODE_ASCII_SIZE,
	PYABI_AT_GC_COLLECTING,
	PYABI_AT_GC_FRAME,
	PYABI_AT_GEN_SIZE,
	PYABI_AT_GEN_IFRAME,
	PYABI_AT_GEN_FRAME_STATE,
	/* Those of struct pyabi_objects. */
	PYABI_AT_TYPE_SIZE,
	PYABI_AT_TYPE_NAME,
	PYABI_AT_TYPE_FLAGS,
	PYABI_AT_TYPE_BASICSIZE,
	PYABI_AT_TYPE_DICTOFFSET,
	PYABI_AT_HEAP_TYPE_SIZE,
	PYABI_AT_HEAP_TYPE_CACHED_KEYS,
	PYABI_AT_TUPLE_SIZE,
	PYABI_AT_TUPLE_ITEMS,
	PYABI_AT_LIST_SIZE,
	PYABI_AT_LIST_ITEMS,
	PYABI_AT_SET_SIZE,
	PYABI_AT_SET_USED,
	PYABI_AT_SET_MASK,
	PYABI_AT_SET_TABLE,
	PYABI_AT_DICT_SIZE,
	PYABI_AT_DICT_KEYS,
	PYABI_AT_DICT_VALUES,
	PYABI_AT_FLOAT_SIZE,
	PYABI_AT_FLOAT_VALUE,
	PYABI_AT_LONG_SIZE,
	PYABI_AT_LONG_TAG,
	PYABI_AT_LONG_DIGITS,
	PYABI_AT_END,
};

/* What _Py_DebugOffsets leaves unsaid, as distances from what it says, so that a patch release that
 * moves whole structures about stays readable. */
struct pyabi_unsaid {
	uint8_t interpreters_main; /* _PyRuntime: behind interpreters.head */
	uint8_t gil_enabled;       /* struct _gil_runtime_state: free-threaded builds */

	/* PyThreadState. What is behind _status (state, holds_gil) and the bits in it hold only
	 * where current_frame is as far behind it as it is here: these lie between the two. */
	uint8_t tstate_status_to_frame;
	uint16_t tstate_status_active; /* masks */
	uint16_t tstate_status_holds_gil;
	uint16_t tstate_status_finalizing;
	uint8_t tstate_state;
	uint8_t tstate_state_attached; /* Include/internal/pycore_pystate.h */
	uint8_t tstate_holds_gil;      /* 3.14; 0: said, or there is none */
	uint8_t tstate_datastack_top;  /* behind datastack_chunk */

	uint8_t chunk_previous; /* _PyStackChunk, Include/cpython/pystate.h */
	uint8_t chunk_size;
	uint8_t chunk_top;
	uint8_t chunk_data;

	uint8_t frame_owner_thread; /* enum _frameowner, Include/internal/pycore_frame.h */
	uint8_t frame_owner_generator;
	uint8_t frame_owner_object;
	uint8_t frame_owner_shim;
	uint8_t frame_owner_cstack;  /* 0: there is none */
	uint8_t frame_return_offset; /* _PyInterpreterFrame: before owner */
	uint8_t frame_locals;        /* before instr_ptr */
	uint8_t frame_stacktop;      /* 3.13: behind instr_ptr; 0: there is none */
	uint8_t frame_specials_size;
	uint8_t frame_generator_object; /* PyGenObject, 3.13; 0: said */
	uint8_t gen_frame_state;
	uint8_t gen_frame_state_executing; /* PyFrameState, Include/internal/pycore_frame.h */
	uint8_t code_tag_mask;             /* Py_TAG_BITS, Include/internal/pycore_stackref.h */

	uint8_t code_firsttraceable; /* PyCodeObject: before co_code_adaptive */
	uint8_t code_flags;          /* behind ob_size */
	uint8_t code_stacksize;      /* before co_firstlineno */
	uint8_t code_nlocalsplus;    /* behind co_firstlineno */
	uint8_t code_framesize;
	uint8_t tlbc_size; /* _PyCodeArray, Include/cpython/code.h; free-threaded 3.14+ */
	uint8_t tlbc_entries;

	uint8_t unicode_compact_data; /* PyCompactUnicodeObject: longer than PyASCIIObject */
	uint8_t unicode_kind_shift;   /* PyASCIIObject.state, Include/cpython/unicodeobject.h */
	uint8_t unicode_compact_shift;
	uint8_t unicode_ascii_shift;
};

/* 3.13 and later: where _Py_DebugOffsets, the first member of _PyRuntime, says what. CPython keeps
 * its form within a minor version (Include/internal/pycore_runtime.h, from 3.13.0 on). */
struct pyabi_offsets {
	uint32_t minor;
	uint32_t size;                 /* sizeof(_Py_DebugOffsets) */
	uint16_t at[PYABI_AT_END];     /* of a 64-bit value; 0: this version does not say it */
	struct pyabi_unsaid unsaid[2]; /* default build, free-threaded build */
};

/* .. and of objects. Where no base is named: an offset or a size as it stands in struct
 * pyabi_objects. */
struct pyabi_objects_unsaid {
	uint8_t type_basicsize;  /* PyTypeObject: behind tp_name; 3.15 says it, as the next */
	uint8_t type_dictoffset; /* behind tp_flags */
	uint8_t type_itemsize;   /* behind tp_basicsize */
	uint8_t type_mro;        /* behind tp_dictoffset */
	uint16_t heap_type_cached_keys; /* behind the PyTypeObject; 3.15 says it */
	uint8_t type_managed_dict; /* Py_TPFLAGS_MANAGED_DICT, _INLINE_VALUES: Include/object.h */
	uint8_t type_inline_values;
	uint8_t set_used; /* PySetObject: behind its PyObject; 3.14 and 3.15 say it */
	uint8_t set_mask;
	uint8_t set_table;
	uint8_t set_entry_key; /* setentry, Include/cpython/setobject.h */
	uint8_t set_entry_hash;
	uint8_t set_entry_size;
	uint8_t dict_used;      /* PyDictObject: behind its PyObject */
	uint8_t keys_log2_size; /* struct _dictkeysobject, Include/internal/pycore_dict.h */
	uint8_t keys_log2_index_bytes;
	uint8_t keys_kind;
	uint8_t keys_kind_general;
	uint8_t keys_nentries;
	uint8_t keys_indices;
	uint8_t entry_key; /* PyDictKeyEntry, PyDictUnicodeEntry */
	uint8_t entry_value;
	uint8_t entry_size;
	uint8_t unicode_entry_key;
	uint8_t unicode_entry_value;
	uint8_t unicode_entry_size;
	uint8_t values_items; /* struct _dictvalues */
	uint8_t values_capacity;
	uint8_t values_valid;
	uint8_t managed_dict;       /* -MANAGED_DICT_OFFSET, Include/internal/pycore_object.h */
	uint8_t cell_contents;      /* PyCellObject: behind its PyObject */
	uint8_t reference_tag_mask; /* Py_INT_TAG, Include/internal/pycore_stackref.h */
	uint8_t reference_int_tag;
};
struct pyabi_objects_form {
	uint32_t minor;
	struct pyabi_objects_unsaid unsaid[2]; /* default build, free-threaded build */
};

/* All versions. */
struct pyabi_builtins_table {
	uint32_t minor;
	struct pyabi_builtins builtins[2]; /* default build, free-threaded build */
};

extern const struct pyabi_table pyabi_tables[];
extern const size_t pyabi_tables_count;
extern const struct pyabi_offsets pyabi_offsets[];
extern const size_t pyabi_offsets_count;
extern const struct pyabi_objects_table pyabi_objects_tables[];
extern const size_t pyabi_objects_tables_count;
extern const struct pyabi_objects_form pyabi_objects_forms[];
extern const size_t pyabi_objects_forms_count;
extern const struct pyabi_builtins_table pyabi_builtins_tables[];
extern const size_t pyabi_builtins_tables_count;
extern const struct pyabi_opcodes pyabi_opcodes_tables[];
extern const size_t pyabi_opcodes_tables_count;
