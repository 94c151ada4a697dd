"""What tools/pyabi-tables.py measures: the members of the structures in src/pyabi, and for each CPython
version the C expression that gives its value, in terms of that version's own headers."""

import re

INCLUDES = """
#include <pthread.h>
#include <stddef.h>
enum { probe_mutex_bytes = sizeof(pthread_mutex_t) };
#ifdef PROBE_WIDE_MUTEX
typedef struct { _Alignas(8) char bytes[probe_mutex_bytes + 8]; } probe_wide_mutex;
#define pthread_mutex_t probe_wide_mutex
#endif
#include <Python.h>
#include <frameobject.h>
#include <structmember.h>
#include <internal/pycore_pystate.h>
#if PY_VERSION_HEX >= 0x03090000
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#endif
#if PY_VERSION_HEX >= 0x030a0000
#include <internal/pycore_moduleobject.h>
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_code.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_object.h>
#else
/* Objects/dict-common.h is not installed: a count of references, the size of the table, a function,
 * the number of entries that are free, and that of those in use. */
struct probe_keys {
    Py_ssize_t references, size;
    void (*lookup)(void);
    Py_ssize_t usable, nentries;
    char indices[];
};
typedef struct { Py_hash_t me_hash; PyObject *me_key, *me_value; } PyDictKeyEntry;
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_genobject.h>
#include <internal/pycore_interpframe.h>
#include <internal/pycore_stackref.h>
#endif
#if PY_VERSION_HEX >= 0x030d0000
#include <internal/pycore_ceval.h>
#include <internal/pycore_runtime_init.h>
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_debug_offsets.h>
#endif
#define AT(type, member) offsetof(type, member)
#define AFTER(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
#define BEHIND(type, member, base) (offsetof(type, member) - offsetof(type, base))

/* What layout.h and objects.h say without asking for a version. */
_Static_assert(Py_TPFLAGS_HEAPTYPE == 1ul << 9 && Py_TPFLAGS_LONG_SUBCLASS == 1ul << 24 &&
    Py_TPFLAGS_LIST_SUBCLASS == 1ul << 25 && Py_TPFLAGS_TUPLE_SUBCLASS == 1ul << 26 &&
    Py_TPFLAGS_BYTES_SUBCLASS == 1ul << 27 && Py_TPFLAGS_UNICODE_SUBCLASS == 1ul << 28 &&
    Py_TPFLAGS_DICT_SUBCLASS == 1ul << 29 && Py_TPFLAGS_BASE_EXC_SUBCLASS == 1ul << 30 &&
    Py_TPFLAGS_TYPE_SUBCLASS == 1ul << 31, "");
_Static_assert(PyLong_SHIFT == 30 && sizeof(digit) == 4, "");
#if PY_VERSION_HEX >= 0x030c0000
_Static_assert(_PyLong_SIGN_MASK == 3 && _PyLong_NON_SIZE_BITS == 3, "");
#endif
#if PY_VERSION_HEX >= 0x030b0000
_Static_assert(CO_FAST_LOCAL == 0x20 && CO_FAST_CELL == 0x40 && CO_FAST_FREE == 0x80, "");
#endif
#if PY_VERSION_HEX >= 0x030c0000
_Static_assert(CO_FAST_HIDDEN == 0x10, "");
#endif
"""

# What becomes the beginning of _PyRuntime.
RUNTIME = """
#if PY_VERSION_HEX < 0x030e0000
__attribute__((section("probe.runtime"), used)) _PyRuntimeState probe_runtime =
    _PyRuntimeState_INIT(probe_runtime, _Py_Debug_Cookie);
#else
__attribute__((section("probe.runtime"), used)) _Py_DebugOffsets probe_runtime =
    _Py_DebugOffsets_INIT(_Py_Debug_Cookie);
#endif
"""


def bits(minor):
    """Bit-fields, which have no offset: the mask of some of them in their 32-bit word. Name -> (type,
    initializer that sets them)."""
    masks = {f"unicode_{bit}_shift": ("PyASCIIObject", f".state = {{ .{bit} = -1 }}")
             for bit in ("kind", "compact", "ascii")}
    if minor >= 12:
        masks["tstate_status_active"] = ("PyThreadState", "._status = { .active = 1 }")
        masks["tstate_status_finalizing"] = (
            "PyThreadState", "._status = { .finalizing = 1, .cleared = 1, .finalized = 1 }")
    if minor == 13:
        masks["tstate_status_holds_gil"] = ("PyThreadState", "._status = { .holds_gil = 1 }")
    return masks


def extent(structure, members):
    """The bytes that hold these members of a structure, in whole words."""
    ends = "".join(f"char p{i}[AFTER({structure}, {member})]; " for i, member in enumerate(members))
    return f"(sizeof(union {{ {ends}}}) + 7) / 8 * 8"


def runtime_expressions(minor, free_threaded):
    """_PyRuntimeState, PyInterpreterState and the GIL."""
    fields = {
        "runtime_finalizing": f"AT(_PyRuntimeState, {'finalizing' if minor < 9 else '_finalizing'})",
        "runtime_interpreters_head": "AT(_PyRuntimeState, interpreters.head)",
        "runtime_interpreters_main": "AT(_PyRuntimeState, interpreters.main)",
        "interp_next": "AT(PyInterpreterState, next)",
        "interp_tstate_head": f"AT(PyInterpreterState, {'tstate_head' if minor < 11 else 'threads.head'})",
        "interp_id": "AT(PyInterpreterState, id)",
        "interp_modules": f"AT(PyInterpreterState, {'modules' if minor < 12 else 'imports.modules'})",
        "gil_last_holder": "AT(struct _gil_runtime_state, last_holder)",
        "gil_locked": "AT(struct _gil_runtime_state, locked)",
    }
    if minor < 9:
        fields["runtime_gc_collecting"] = "AT(_PyRuntimeState, gc.collecting)"
    else:
        fields["interp_gc_collecting"] = "AT(PyInterpreterState, gc.collecting)"
    if minor < 12:
        fields["runtime_tstate_current"] = "AT(_PyRuntimeState, gilstate.tstate_current)"
        fields["runtime_gil"] = "AT(_PyRuntimeState, ceval.gil)"
    else:
        fields["interp_gil"] = "AT(PyInterpreterState, ceval.gil)"
    if minor >= 14:
        fields["interp_code_object_generation"] = "AT(PyInterpreterState, _code_object_generation)"
    if minor >= 15:
        fields["interp_gc_frame"] = "AT(PyInterpreterState, gc.frame)"
    if free_threaded:
        fields["gil_enabled"] = "AT(struct _gil_runtime_state, enabled)"
        if minor >= 14:
            fields["interp_tlbc_generation"] = "AT(PyInterpreterState, tlbc_indices.tlbc_generation)"
    return fields


def tstate_members(minor):
    """Member of struct pyabi_layout -> member of PyThreadState."""
    members = {
        "tstate_frame": "frame" if minor < 11 else "cframe" if minor < 13 else "current_frame",
        "tstate_next": "next",
        "tstate_interp": "interp",
        "tstate_thread_id": "thread_id",
    }
    if minor < 12:
        members["tstate_current_exception"] = "curexc_type"
    elif minor not in (13, 14):  # whose _Py_DebugOffsets do not say it
        members["tstate_current_exception"] = "current_exception"
    if minor >= 11:
        members |= {
            "tstate_native_thread_id": "native_thread_id",
            "tstate_datastack_chunk": "datastack_chunk",
            "tstate_datastack_top": "datastack_top",
        }
    if minor >= 12:
        members["tstate_status"] = "_status"
    if minor >= 13:
        members["tstate_state"] = "state"
    if minor >= 14:
        members["tstate_holds_gil"] = "holds_gil"
    if minor >= 15:
        members |= {"tstate_gil_requested": "gil_requested", "tstate_base_frame": "base_frame"}
    return members


def tstate_expressions(minor):
    members = tstate_members(minor)
    fields = {name: f"AT(PyThreadState, {member})" for name, member in members.items()}
    fields["tstate_size"] = extent("PyThreadState", members.values())
    if minor >= 11:
        fields |= {f"chunk_{member}": f"AT(_PyStackChunk, {member})"
                   for member in ("previous", "size", "top", "data")}
    if minor in (11, 12):
        fields["cframe_current_frame"] = "AT(_PyCFrame, current_frame)"
    if minor >= 13:
        fields["tstate_state_attached"] = "_Py_THREAD_ATTACHED"
    return fields


def frame_members(minor, free_threaded):
    """Member of struct pyabi_layout -> member of PyFrameObject (up to 3.10) or _PyInterpreterFrame."""
    if minor < 11:
        return {
            "frame_previous": "f_back",
            "frame_code": "f_code",
            "frame_instr": "f_lasti",
            "frame_locals": "f_locals",
            "frame_executing": "f_executing" if minor < 10 else "f_state",
        }
    members = {
        "frame_previous": "previous",
        "frame_code": "f_code" if minor < 13 else "f_executable",
        "frame_instr": "prev_instr" if minor < 13 else "instr_ptr",
        "frame_owner": "owner",
        "frame_locals": "f_locals",
    }
    if minor == 11:
        members["frame_is_entry"] = "is_entry"
    else:
        members["frame_return_offset"] = "return_offset"
    if minor < 14:
        members["frame_stacktop"] = "stacktop"
    else:
        members["frame_stackpointer"] = "stackpointer"
        if free_threaded:
            members["frame_tlbc_index"] = "tlbc_index"
    return members


def frame_expressions(minor, free_threaded):
    frame = "PyFrameObject" if minor < 11 else "_PyInterpreterFrame"
    members = frame_members(minor, free_threaded)
    fields = {name: f"AT({frame}, {member})" for name, member in members.items()}
    fields["frame_size"] = extent(frame, members.values())
    fields["frame_localsplus"] = f"AT({frame}, {'f_localsplus' if minor < 11 else 'localsplus'})"
    if minor < 11:
        fields["frame_executing_value"] = "1" if minor < 10 else "FRAME_EXECUTING"
        return fields
    fields |= owners(minor)
    fields |= {
        "frame_specials_size": "FRAME_SPECIALS_SIZE",
        "frame_generator_object": "AT(PyGenObject, gi_iframe)",
        "gen_frame_state": "AT(PyGenObject, gi_frame_state)",
        "gen_frame_state_executing": "FRAME_EXECUTING",
        "code_tag_mask": "0" if minor < 14 else "3",
    }
    return fields


def owners(minor):
    """Values of enum _frameowner."""
    fields = {"frame_owner_thread": "FRAME_OWNED_BY_THREAD",
              "frame_owner_generator": "FRAME_OWNED_BY_GENERATOR",
              "frame_owner_object": "FRAME_OWNED_BY_FRAME_OBJECT"}
    if minor in (12, 13):
        fields["frame_owner_shim"] = "FRAME_OWNED_BY_CSTACK"
    if minor in (12, 13, 14):
        fields["frame_owner_cstack"] = "FRAME_OWNED_BY_CSTACK"
    if minor >= 14:
        fields["frame_owner_shim"] = "FRAME_OWNED_BY_INTERPRETER"
    return fields


def code_expressions(minor, free_threaded):
    members = {
        "code_name": "co_name",
        "code_filename": "co_filename",
        "code_firstlineno": "co_firstlineno",
        "code_linetable": "co_lnotab" if minor < 10 else "co_linetable",
        "code_flags": "co_flags",
        "code_argcount": "co_argcount",
        "code_stacksize": "co_stacksize",
    }
    if minor < 11:
        members |= {"code_code": "co_code", "code_nlocals": "co_nlocals",
                    "code_varnames": "co_varnames", "code_cellvars": "co_cellvars",
                    "code_freevars": "co_freevars"}
    else:
        members |= {"code_qualname": "co_qualname", "code_bytecode": "co_code_adaptive",
                    "code_firsttraceable": "_co_firsttraceable",
                    "code_nlocalsplus": "co_nlocalsplus",
                    "code_localsplusnames": "co_localsplusnames",
                    "code_localspluskinds": "co_localspluskinds"}
    if minor >= 12:
        members["code_framesize"] = "co_framesize"
    if minor >= 14 and free_threaded:
        members["code_tlbc"] = "co_tlbc"
    fields = {name: f"AT(PyCodeObject, {member})" for name, member in members.items()}
    if minor >= 11:
        fields["code_size"] = "AT(PyVarObject, ob_size)"
    if minor >= 14 and free_threaded:
        fields |= {"tlbc_size": "AT(_PyCodeArray, size)",
                   "tlbc_entries": "AT(_PyCodeArray, entries)"}
    return fields


TEXT = {
    "object_type": "AT(PyObject, ob_type)",
    "bytes_size": "AT(PyVarObject, ob_size)",
    "bytes_data": "AT(PyBytesObject, ob_sval)",
    "unicode_length": "AT(PyASCIIObject, length)",
    "unicode_state": "AT(PyASCIIObject, state)",
    "unicode_ascii_data": "sizeof(PyASCIIObject)",
    "unicode_compact_data": "sizeof(PyCompactUnicodeObject)",
}


def layout_expressions(minor, free_threaded=False):
    """struct pyabi_layout."""
    return (runtime_expressions(minor, free_threaded) | tstate_expressions(minor)
            | frame_expressions(minor, free_threaded) | code_expressions(minor, free_threaded) | TEXT)


# enum pyabi_at: what is taken from _Py_DebugOffsets, by its member there, and since which version it
# is there.
SOURCES = {
    "VERSION": "version",
    "FREE_THREADED": "free_threaded",
    "RUNTIME_SIZE": "runtime_state.size",
    "RUNTIME_FINALIZING": "runtime_state.finalizing",
    "RUNTIME_INTERPRETERS_HEAD": "runtime_state.interpreters_head",
    "INTERP_SIZE": "interpreter_state.size",
    "INTERP_ID": "interpreter_state.id",
    "INTERP_NEXT": "interpreter_state.next",
    "INTERP_TSTATE_HEAD": "interpreter_state.threads_head",
    "INTERP_GC": "interpreter_state.gc",
    "INTERP_MODULES": "interpreter_state.imports_modules",
    "INTERP_GIL": "interpreter_state.ceval_gil",
    "INTERP_OWN_GIL": "interpreter_state.gil_runtime_state",
    "INTERP_OWN_GIL_LOCKED": "interpreter_state.gil_runtime_state_locked",
    "INTERP_OWN_GIL_HOLDER": "interpreter_state.gil_runtime_state_holder",
    "INTERP_CODE_OBJECT_GENERATION": "interpreter_state.code_object_generation",
    "INTERP_TLBC_GENERATION": "interpreter_state.tlbc_generation",
    "TSTATE_SIZE": "thread_state.size",
    "TSTATE_NEXT": "thread_state.next",
    "TSTATE_INTERP": "thread_state.interp",
    "TSTATE_FRAME": "thread_state.current_frame",
    "TSTATE_BASE_FRAME": "thread_state.base_frame",
    "TSTATE_THREAD_ID": "thread_state.thread_id",
    "TSTATE_NATIVE_THREAD_ID": "thread_state.native_thread_id",
    "TSTATE_DATASTACK_CHUNK": "thread_state.datastack_chunk",
    "TSTATE_STATUS": "thread_state.status",
    "TSTATE_HOLDS_GIL": "thread_state.holds_gil",
    "TSTATE_GIL_REQUESTED": "thread_state.gil_requested",
    "TSTATE_CURRENT_EXCEPTION": "thread_state.current_exception",
    "FRAME_SIZE": "interpreter_frame.size",
    "FRAME_PREVIOUS": "interpreter_frame.previous",
    "FRAME_CODE": "interpreter_frame.executable",
    "FRAME_INSTR": "interpreter_frame.instr_ptr",
    "FRAME_LOCALSPLUS": "interpreter_frame.localsplus",
    "FRAME_OWNER": "interpreter_frame.owner",
    "FRAME_STACKPOINTER": "interpreter_frame.stackpointer",
    "FRAME_TLBC_INDEX": "interpreter_frame.tlbc_index",
    "CODE_SIZE": "code_object.size",
    "CODE_FILENAME": "code_object.filename",
    "CODE_NAME": "code_object.name",
    "CODE_QUALNAME": "code_object.qualname",
    "CODE_LINETABLE": "code_object.linetable",
    "CODE_FIRSTLINENO": "code_object.firstlineno",
    "CODE_ARGCOUNT": "code_object.argcount",
    "CODE_LOCALSPLUSNAMES": "code_object.localsplusnames",
    "CODE_LOCALSPLUSKINDS": "code_object.localspluskinds",
    "CODE_BYTECODE": "code_object.co_code_adaptive",
    "CODE_TLBC": "code_object.co_tlbc",
    "OBJECT_SIZE": "pyobject.size",
    "OBJECT_TYPE": "pyobject.ob_type",
    "BYTES_SIZE": "bytes_object.size",
    "BYTES_OB_SIZE": "bytes_object.ob_size",
    "BYTES_DATA": "bytes_object.ob_sval",
    "UNICODE_SIZE": "unicode_object.size",
    "UNICODE_STATE": "unicode_object.state",
    "UNICODE_LENGTH": "unicode_object.length",
    "UNICODE_ASCII_SIZE": "unicode_object.asciiobject_size",
    "GC_COLLECTING": "gc.collecting",
    "GC_FRAME": "gc.frame",
    "GEN_SIZE": "gen_object.size",
    "GEN_IFRAME": "gen_object.gi_iframe",
    "GEN_FRAME_STATE": "gen_object.gi_frame_state",
    # those of struct pyabi_objects
    "TYPE_SIZE": "type_object.size",
    "TYPE_NAME": "type_object.tp_name",
    "TYPE_FLAGS": "type_object.tp_flags",
    "TYPE_BASICSIZE": "type_object.tp_basicsize",
    "TYPE_DICTOFFSET": "type_object.tp_dictoffset",
    "HEAP_TYPE_SIZE": "heap_type_object.size",
    "HEAP_TYPE_CACHED_KEYS": "heap_type_object.ht_cached_keys",
    "TUPLE_SIZE": "tuple_object.size",
    "TUPLE_ITEMS": "tuple_object.ob_item",
    "LIST_SIZE": "list_object.size",
    "LIST_ITEMS": "list_object.ob_item",
    "SET_SIZE": "set_object.size",
    "SET_USED": "set_object.used",
    "SET_MASK": "set_object.mask",
    "SET_TABLE": "set_object.table",
    "DICT_SIZE": "dict_object.size",
    "DICT_KEYS": "dict_object.ma_keys",
    "DICT_VALUES": "dict_object.ma_values",
    "FLOAT_SIZE": "float_object.size",
    "FLOAT_VALUE": "float_object.ob_fval",
    "LONG_SIZE": "long_object.size",
    "LONG_TAG": "long_object.lv_tag",
    "LONG_DIGITS": "long_object.ob_digit",
}
SOURCES_SINCE = {
    14: {"FRAME_TLBC_INDEX", "CODE_TLBC", "INTERP_CODE_OBJECT_GENERATION", "INTERP_TLBC_GENERATION",
         "FRAME_STACKPOINTER", "GEN_SIZE", "GEN_IFRAME", "GEN_FRAME_STATE", "SET_SIZE", "SET_USED",
         "SET_MASK", "SET_TABLE"},
    15: {"TSTATE_BASE_FRAME", "TSTATE_HOLDS_GIL", "TSTATE_GIL_REQUESTED", "TSTATE_CURRENT_EXCEPTION",
         "GC_FRAME", "TYPE_BASICSIZE", "TYPE_DICTOFFSET", "HEAP_TYPE_SIZE", "HEAP_TYPE_CACHED_KEYS"},
}


def offsets_expressions(minor):
    """struct pyabi_offsets for 3.13 and later."""
    later = set().union(*(names for since, names in SOURCES_SINCE.items() if since > minor))
    return {"size": "sizeof(_Py_DebugOffsets)"} | {
        f"at[PYABI_AT_{name}]": f"AT(_Py_DebugOffsets, {member})"
        for name, member in SOURCES.items() if name not in later}


def unsaid_expressions(minor, free_threaded):
    """struct pyabi_unsaid: what _Py_DebugOffsets does not carry."""
    frame, code, tstate = "_PyInterpreterFrame", "PyCodeObject", "PyThreadState"
    fields = {
        "interpreters_main": "BEHIND(_PyRuntimeState, interpreters.main, interpreters.head)",
        "tstate_status_to_frame": f"BEHIND({tstate}, current_frame, _status)",
        "tstate_state": f"BEHIND({tstate}, state, _status)",
        "tstate_state_attached": "_Py_THREAD_ATTACHED",
        "tstate_datastack_top": f"BEHIND({tstate}, datastack_top, datastack_chunk)",
        "frame_return_offset": f"BEHIND({frame}, owner, return_offset)",
        "frame_locals": f"BEHIND({frame}, instr_ptr, f_locals)",
        "frame_specials_size": "FRAME_SPECIALS_SIZE",
        "gen_frame_state_executing": "FRAME_EXECUTING",
        "code_firsttraceable": f"BEHIND({code}, co_code_adaptive, _co_firsttraceable)",
        "code_flags": "AT(PyCodeObject, co_flags) - AT(PyVarObject, ob_size)",
        "code_stacksize": f"BEHIND({code}, co_firstlineno, co_stacksize)",
        "code_nlocalsplus": f"BEHIND({code}, co_nlocalsplus, co_firstlineno)",
        "code_framesize": f"BEHIND({code}, co_framesize, co_firstlineno)",
        "unicode_compact_data": "sizeof(PyCompactUnicodeObject) - sizeof(PyASCIIObject)",
        "code_tag_mask": "Py_TAG_BITS" if minor >= 14 else "0",
    }
    fields |= {f"chunk_{member}": f"AT(_PyStackChunk, {member})"
               for member in ("previous", "size", "top", "data")}
    fields |= owners(minor)
    if minor == 13:
        fields |= {"frame_stacktop": f"BEHIND({frame}, stacktop, instr_ptr)",
                   "frame_generator_object": "AT(PyGenObject, gi_iframe)",
                   "gen_frame_state": "AT(PyGenObject, gi_frame_state)"}
    if minor == 14:
        fields["tstate_holds_gil"] = f"BEHIND({tstate}, holds_gil, _status)"
    if free_threaded:
        fields["gil_enabled"] = "AT(struct _gil_runtime_state, enabled)"
        if minor >= 14:
            fields |= {"tlbc_size": "AT(_PyCodeArray, size)",
                       "tlbc_entries": "AT(_PyCodeArray, entries)"}
    return fields


TYPE_MEMBERS = {"type_name": "tp_name", "type_basicsize": "tp_basicsize",
                "type_itemsize": "tp_itemsize", "type_flags": "tp_flags",
                "type_dictoffset": "tp_dictoffset", "type_mro": "tp_mro"}


def table_expressions(minor):
    """What dicts and sets point to; the same in every build."""
    keys = "struct probe_keys" if minor < 11 else "struct _dictkeysobject"
    fields = {
        "set_entry_key": "AT(setentry, key)",
        "set_entry_hash": "AT(setentry, hash)",
        "set_entry_size": "sizeof(setentry)",
        "entry_key": "AT(PyDictKeyEntry, me_key)",
        "entry_value": "AT(PyDictKeyEntry, me_value)",
        "entry_size": "sizeof(PyDictKeyEntry)",
        "values_items": "0",
    }
    if minor < 11:
        return fields | {"keys_size": f"AT({keys}, size)",
                         "keys_nentries": f"AT({keys}, nentries)",
                         "keys_indices": f"AT({keys}, indices)"}
    fields |= {f"keys_{member}": f"AT({keys}, dk_{member})"
               for member in ("log2_size", "log2_index_bytes", "kind", "nentries", "indices")}
    fields |= {
        "keys_kind_general": "DICT_KEYS_GENERAL",
        "unicode_entry_key": "AT(PyDictUnicodeEntry, me_key)",
        "unicode_entry_value": "AT(PyDictUnicodeEntry, me_value)",
        "unicode_entry_size": "sizeof(PyDictUnicodeEntry)",
        "values_items": "AT(struct _dictvalues, values)",
    }
    if minor >= 13:
        fields |= {"values_capacity": "AT(struct _dictvalues, capacity)",
                   "values_valid": "AT(struct _dictvalues, valid)"}
    return fields


def instance_expressions(minor):
    """Where instances have their attributes; also the same in every build but for the words that a
    free-threaded one does not have before its objects."""
    if minor < 11:
        return {}
    fields = {"type_managed_dict": "Py_TPFLAGS_MANAGED_DICT"}
    if minor == 12:  # only an inline function says that it is behind the list of weak references
        fields |= {"managed_dict": "-MANAGED_WEAKREF_OFFSET - sizeof(PyObject *)",
                   "managed_values_tag": "1"}
    else:
        fields["managed_dict"] = "-MANAGED_DICT_OFFSET"
    if minor == 11:  # .. that values are before it
        fields["managed_values"] = "-MANAGED_DICT_OFFSET + sizeof(PyObject *)"
    if minor >= 13:
        fields["type_inline_values"] = "Py_TPFLAGS_INLINE_VALUES"
    return fields


def reference_expressions(minor):
    """_PyStackRef: the widest tag of any build is that of integers."""
    tag = "Py_INT_TAG" if minor >= 14 else "0"
    return {"reference_tag_mask": tag, "reference_int_tag": tag}


def objects_expressions(minor):
    """struct pyabi_objects."""
    fields = {name: f"AT(PyTypeObject, {member})" for name, member in TYPE_MEMBERS.items()}
    fields |= {
        "object_type": "AT(PyObject, ob_type)",
        "object_size": "sizeof(PyObject)",
        "var_size": "AT(PyVarObject, ob_size)",
        "type_size": extent("PyTypeObject", TYPE_MEMBERS.values()),
        "heap_type_cached_keys": "AT(PyHeapTypeObject, ht_cached_keys)",
        "tuple_items": "AT(PyTupleObject, ob_item)",
        "list_items": "AT(PyListObject, ob_item)",
        "set_used": "AT(PySetObject, used)",
        "set_mask": "AT(PySetObject, mask)",
        "set_table": "AT(PySetObject, table)",
        "dict_used": "AT(PyDictObject, ma_used)",
        "dict_keys": "AT(PyDictObject, ma_keys)",
        "dict_values": "AT(PyDictObject, ma_values)",
        "float_value": "AT(PyFloatObject, ob_fval)",
        "cell_contents": "AT(PyCellObject, ob_ref)",
    }
    if minor < 12:
        fields |= {"long_size": "AT(PyVarObject, ob_size)",
                   "long_digits": "AT(PyLongObject, ob_digit)"}
    else:
        fields |= {"long_tag": "AT(PyLongObject, long_value.lv_tag)",
                   "long_digits": "AT(PyLongObject, long_value.ob_digit)"}
    return (fields | table_expressions(minor) | instance_expressions(minor)
            | reference_expressions(minor))


def objects_unsaid_expressions(minor):
    """struct pyabi_objects_unsaid: what _Py_DebugOffsets does not carry of objects."""
    fields = {
        "type_itemsize": "BEHIND(PyTypeObject, tp_itemsize, tp_basicsize)",
        "type_mro": "BEHIND(PyTypeObject, tp_mro, tp_dictoffset)",
        "dict_used": "AT(PyDictObject, ma_used) - sizeof(PyObject)",
        "cell_contents": "AT(PyCellObject, ob_ref) - sizeof(PyObject)",
    }
    if minor < 15:
        fields |= {
            "type_basicsize": "BEHIND(PyTypeObject, tp_basicsize, tp_name)",
            "type_dictoffset": "BEHIND(PyTypeObject, tp_dictoffset, tp_flags)",
            "heap_type_cached_keys": "AT(PyHeapTypeObject, ht_cached_keys) - sizeof(PyTypeObject)",
        }
    if minor < 14:
        fields |= {f"set_{member}": f"AT(PySetObject, {member}) - sizeof(PyObject)"
                   for member in ("used", "mask", "table")}
    return (fields | table_expressions(minor) | instance_expressions(minor)
            | reference_expressions(minor))


def builtins_expressions(minor):
    """struct pyabi_builtins."""
    fields = {
        "type_dict": "AT(PyTypeObject, tp_dict)",
        "heap_type_qualname": "AT(PyHeapTypeObject, ht_qualname)",
        # Up to 3.9 no header has PyModuleObject, and none has rangeobject and mappingproxyobject.
        "module_dict": "AT(PyModuleObject, md_dict)" if minor >= 10 else "sizeof(PyObject)",
        "function_qualname": "AT(PyFunctionObject, func_qualname)",
        "method_function": "AT(PyMethodObject, im_func)",
        "method_self": "AT(PyMethodObject, im_self)",
        "builtin_definition": "AT(PyCFunctionObject, m_ml)",
        "builtin_self": "AT(PyCFunctionObject, m_self)",
        "generator_qualname": "AT(PyGenObject, gi_qualname)",
        "range_start": "sizeof(PyObject)",
        "slice_start": "AT(PySliceObject, start)",
        "proxy_mapping": "sizeof(PyObject)",
        "complex_value": "AT(PyComplexObject, cval)",
        "bytearray_start": "AT(PyByteArrayObject, ob_start)",
        "exception_args": "AT(PyBaseExceptionObject, args)",
        "member_definition": "AT(PyMemberDescrObject, d_member)",
        "member_name": "AT(PyMemberDef, name)",
        "member_type": "AT(PyMemberDef, type)",
        "member_offset": "AT(PyMemberDef, offset)",
        "code_kwonlyargcount": "AT(PyCodeObject, co_kwonlyargcount)",
    }
    if minor in (11, 12):
        fields["values_size_before"] = "2"  # Include/internal/pycore_dict.h
    if minor >= 13:
        fields["values_size"] = "AT(struct _dictvalues, size)"
    return fields


# Opcodes, by name. While a frame stands behind another one, the other's instruction is one of these.
# Of the first kind are those that push a frame without going through C, as they stand; of the second
# those that do so when they specialize, or did before they were specialized otherwise.
PUSHES = re.compile(r"""(INSTRUMENTED_)?(CALL|CALL_KW|CALL_FUNCTION_EX|SEND)
    | CALL_ADAPTIVE | CALL_(KW_|EX_)?PY(_\w+)? | CALL_(KW_)?BOUND_METHOD(_\w+)? | CALL_\w*ENTER_INIT
    | BINARY_(OP_)?SUBSCR_GETITEM | LOAD_ATTR_PROPERTY | LOAD_ATTR_GETATTRIBUTE_OVERRIDDEN
    | FOR_ITER_GEN | SEND_(ASYNC_)?GEN | EXIT_INIT_CHECK""", re.X)
CAN_PUSH = re.compile(r"(INSTRUMENTED_)?(CALL(?!_INTRINSIC)|LOAD_ATTR|BINARY_SUBSCR|BINARY_OP)(_\w+)?")
# What they push is the frame of a generator, and no other instruction pushes that.
RESUMES = re.compile(r"(INSTRUMENTED_)?(SEND|FOR_ITER)(_\w+)?")
STANDS_FOR_ANY = re.compile(r"INSTRUMENTED_(LINE|INSTRUCTION)|DO_TRACING|ENTER_EXECUTOR|TRACE_RECORD")
# What they push tells nothing: they call into C as well, under this very name.
GENERIC = re.compile(r"(INSTRUMENTED_)?(CALL|CALL_KW|CALL_FUNCTION_EX|SEND)|CALL_ADAPTIVE")
# These run nothing but themselves: no allocation, no destructor, no signal handler.
CALLS_NOTHING = re.compile(r"""LOAD_FAST(?!_CHECK|_AND_CLEAR)(_*LOAD_\w+)?(_BORROW(_LOAD_FAST_BORROW)?)?
    | LOAD_CONST(_IMMORTAL|_MORTAL|__LOAD_FAST)? | LOAD_SMALL_INT | LOAD_CLOSURE | PUSH_NULL | COPY | SWAP | NOP
    | NOT_TAKEN | JUMP_FORWARD | EXTENDED_ARG(_QUICK)? | KW_NAMES | COPY_FREE_VARS""", re.X)


def opcode_flags(name):
    """The members of enum pyabi_opcode_flag that are true of an opcode."""
    flags = []
    if not CALLS_NOTHING.fullmatch(name):
        flags.append("CALLS")
    if STANDS_FOR_ANY.fullmatch(name):
        return ["CALLS", "PUSHES", "RESUMES"]
    if RESUMES.fullmatch(name):
        flags.append("RESUMES" if PUSHES.fullmatch(name) else "CAN_RESUME")
    elif PUSHES.fullmatch(name):
        flags.append("PUSHES")
    elif CAN_PUSH.fullmatch(name):
        flags.append("CAN_PUSH")
    if GENERIC.fullmatch(name):
        flags.append("GENERIC")
    return flags


def opcodes(headers):
    """Opcode -> (flags, units from it to where its frame stands while what it pushed runs)."""
    include, text = headers.include, ""
    for name in ("opcode.h", "opcode_ids.h"):
        if (include / name).exists():
            text += (include / name).read_text()
    numbers = {name: int(number) for name, number in re.findall(r"#define\s+([A-Z]\w*)\s+(\d+)\b", text)
               if int(number) < 256 and not re.match(r"(NB|MIN|MAX|HAVE|ENABLE)_", name)}
    caches, general = {}, {}
    if headers.minor < 13:  # from then on it stands on the opcode
        text = (include / "internal" / "pycore_opcode.h").read_text()
        caches, general = (
            dict(re.findall(r"\[(\w+)\] = (\w+)", re.search(rf"{name}\[256\] = \{{(.*?)\}}", text, re.S).group(1)))
            for name in ("_PyOpcode_Caches", "_PyOpcode_Deopt"))
    rows = {}
    for name, number in numbers.items():
        base = name.removeprefix("INSTRUMENTED_")
        units = int(caches.get(general.get(base, base), 0))
        if STANDS_FOR_ANY.fullmatch(name) and caches:
            units = "PYABI_OPCODE_ANY_UNITS"
        rows[number] = (opcode_flags(name), units, name)
    return rows
