#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pyabi/layout.h"

/*
 * Where further built-in types of one CPython keep what tells their objects apart for a reader:
 * names, mostly. As in struct pyabi_objects: offsets in bytes, PYABI_NONE where there is none.
 * These structures are as their headers declare them in every release of a minor version.
 */
struct pyabi_builtins {
	uint32_t type_dict;          /* PyTypeObject: dict *; only with PYABI_TYPE_HEAP */
	uint32_t heap_type_qualname; /* PyHeapTypeObject: str * */
	uint32_t module_dict;        /* dict * */
	uint32_t function_qualname;  /* str * */
	uint32_t method_function;    /* of a method that is bound, to method_self */
	uint32_t method_self;
	uint32_t builtin_definition;  /* of a function made in C: PyMethodDef *, which begins with
					 its name, a const char * */
	uint32_t builtin_self;        /* a module, an object, or NULL */
	uint32_t generator_qualname;  /* str *, also of coroutines and asynchronous generators */
	uint32_t range_start;         /* int *, then its stop and its step */
	uint32_t slice_start;         /* any object *, then its stop and its step */
	uint32_t proxy_mapping;       /* mappingproxy: object * */
	uint32_t complex_value;       /* two doubles */
	uint32_t bytearray_start;     /* char *; its length is at var_size */
	uint32_t exception_args;      /* tuple * */
	uint32_t member_definition;   /* member_descriptor, as a class has one for each slot:
					 PyMemberDef * */
	uint32_t member_name;         /* which has: const char * */
	uint32_t member_type;         /* int */
	uint32_t member_offset;       /* Py_ssize_t, from the object */
	uint32_t code_kwonlyargcount; /* PyCodeObject: int */
	/*
	 * In what order values (struct pyabi_objects) were filled: their indexes, a uint8_t each,
	 * and a uint8_t that counts them. 3.13+: the count is values_size behind the start, and the
	 * indexes follow values_capacity items. 3.11, 3.12: the count is values_size_before the
	 * start, and the indexes before it, the first one last. Up to 3.10: in that of the keys.
	 */
	uint32_t values_size;
	uint32_t values_size_before;
};

/* Returns 0, or -1 for a version that pyabi_layout_init does not take either: all is zero then. */
int pyabi_builtins_init(uint32_t version_hex, bool free_threaded, struct pyabi_builtins *builtins);
